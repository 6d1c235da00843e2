"""What a generator is: a request in, a Clip out. Knows no policy and no signature.

GeneratorError
├── UnsupportedRequest   this checkpoint cannot do what was asked (size, length, capability)
└── GenerationCancelled  the caller asked to stop
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from media.clip import Clip

Progress = Callable[[float], None]
"""Called with the share done in [0, 1]; raising GenerationCancelled stops the sampling."""

Picture = NDArray[np.uint8]
"""uint8 (H, W, 3), RGB."""


class GeneratorError(Exception):
    """Video could not be generated."""


class UnsupportedRequest(GeneratorError):
    """The checkpoint cannot do this; the message lists what it can."""


class GenerationCancelled(GeneratorError):
    """The caller asked to stop."""


class Capability(StrEnum):
    """What can be asked of a generator. Checkpoints differ in what they were trained for."""

    TEXT = "text"
    """A clip from a prompt alone."""

    IMAGE = "image"
    """One picture from a prompt, delivered as a clip that stands still."""

    ANIMATE = "animate"
    """A given picture is the first frame."""

    EXTEND = "extend"
    """A given clip goes on."""

    EXTEND_BACKWARD = "extend_backward"
    """What was before a given clip."""

    LOOP = "loop"
    """The last frame leads to the first."""

    FILL = "fill"
    """Given pictures stand at given times, what is between them is made."""

    EDIT = "edit"
    """A given clip, changed towards the prompt."""


NEEDS_CLIP = frozenset({Capability.EXTEND, Capability.EXTEND_BACKWARD, Capability.EDIT})
NEEDS_PICTURES = frozenset({Capability.ANIMATE, Capability.FILL})


@dataclass(frozen=True, eq=False)
class Keyframe:
    """A picture that the clip shows at a time."""

    at_s: float
    """Seconds from the beginning of the clip, >= 0."""

    picture: Picture


@dataclass(frozen=True)
class GenerationRequest:
    """What to make. Every field but the prompt has a default a newcomer can use."""

    prompt: str
    seconds: float = 2.0
    """Length of what is made, > 0; what is given of an extended clip comes on top of it."""

    width: int = 256
    height: int = 256
    """Delivered size in pixels; the checkpoint may sample smaller and scale up."""

    seed: int = 0
    """Same request and seed, same pixels."""

    capability: Capability = Capability.TEXT
    keyframes: tuple[Keyframe, ...] = ()
    """Given pictures: one for ANIMATE, at least one for FILL."""

    source: Clip | None = None
    """The given clip, for EXTEND, EXTEND_BACKWARD and EDIT."""

    strength: float = 0.7
    """How far EDIT may go from its source, in (0, 1]."""


class Generator(Protocol):
    """Makes a clip from a request."""

    @property
    def name(self) -> str:
        """Stable name for the manifest and the ledger."""

    @property
    def version(self) -> str:
        """Digest of the checkpoint."""

    @property
    def capabilities(self) -> frozenset[Capability]:
        """What can be asked of it."""

    @property
    def fps(self) -> float:
        """Frames a second of what it makes; given clips are handed to it at this rate."""

    def check(self, request: GenerationRequest) -> None:
        """Say before any work whether the request can be done; what is given may still be missing from it.

        Raises:
            UnsupportedRequest: with the allowed values.
        """

    def generate(self, request: GenerationRequest, progress: Progress | None = None) -> Clip:
        """Return the clip: deterministic by request and seed.

        Raises:
            GeneratorError: nothing was made.
        """


@dataclass(frozen=True)
class Revision:
    """A prompt as it is drawn: short prompts are expanded into the detailed captions that generators learned from."""

    prompt: str
    """What is drawn; judged like any other prompt before it is."""

    by: str
    """What wrote it."""

    understood: tuple[str, ...] = ()
    """Words of the prompt that decided something, where the expander can tell."""

    ignored: tuple[str, ...] = ()
    """Words without influence on the clip, where it can tell."""


class PromptExpander(Protocol):
    """Turns a request's prompt into a detailed caption."""

    def revise(self, prompt: str, seed: int) -> Revision:
        """Return what to draw: the same for the same prompt and seed.

        Raises:
            GeneratorError: nothing usable came; never repeats the prompt.
        """


def refuse_incapable(name: str, capabilities: frozenset[Capability], request: GenerationRequest) -> None:
    """Refuse what a checkpoint was not trained for, and strengths that mean nothing.

    Raises:
        UnsupportedRequest: names what it can do.
    """
    if request.capability not in capabilities:
        able = ", ".join(sorted(capabilities))
        raise UnsupportedRequest(f"{name} cannot do {request.capability}: it can {able}")
    if not 0 < request.strength <= 1:
        raise UnsupportedRequest(f"strength {request.strength:g} makes no sense: more than 0 and up to 1 is allowed")


def refuse_ungiven(request: GenerationRequest) -> None:
    """Refuse a request without the picture or clip that it starts from.

    Raises:
        UnsupportedRequest: says what is missing.
    """
    if request.capability in NEEDS_CLIP and request.source is None:
        raise UnsupportedRequest(f"{request.capability} needs a clip to start from")
    if request.capability in NEEDS_PICTURES and not request.keyframes:
        raise UnsupportedRequest(f"{request.capability} needs a picture to start from")
