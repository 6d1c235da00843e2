"""What a generator is: a request in, a Clip out. Knows no policy and no signature.

GeneratorError
├── UnsupportedRequest   this checkpoint cannot do what was asked (size, length, capability)
└── GenerationCancelled  the caller asked to stop
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from media.clip import Clip

Progress = Callable[[float], None]
"""Called with the share done in [0, 1]; raising GenerationCancelled stops the sampling."""


class GeneratorError(Exception):
    """Video could not be generated."""


class UnsupportedRequest(GeneratorError):
    """The checkpoint cannot do this; the message lists what it can."""


class GenerationCancelled(GeneratorError):
    """The caller asked to stop."""


@dataclass(frozen=True)
class GenerationRequest:
    """What to make. Every field but the prompt has a default a newcomer can use."""

    prompt: str
    seconds: float = 2.0
    """Length of the clip, > 0."""

    width: int = 256
    height: int = 256
    """Delivered size in pixels; the checkpoint may sample smaller and scale up."""

    seed: int = 0
    """Same request and seed, same pixels."""


class Generator(Protocol):
    """Makes a clip from a request."""

    @property
    def name(self) -> str:
        """Stable name for the manifest and the ledger."""

    @property
    def version(self) -> str:
        """Digest of the checkpoint."""

    def check(self, request: GenerationRequest) -> None:
        """Say before any work whether the request can be done.

        Raises:
            UnsupportedRequest: with the allowed values.
        """

    def generate(self, request: GenerationRequest, progress: Progress | None = None) -> Clip:
        """Return the clip: deterministic by request and seed.

        Raises:
            GeneratorError: nothing was made.
        """
