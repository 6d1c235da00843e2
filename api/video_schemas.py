"""What a request for a video may say: `api.schemas` for `/v1/videos` and what is made from videos."""

from __future__ import annotations

import re
from typing import Annotated, Literal

from pydantic import AfterValidator, Field

from api.schemas import MAX_INPUTS, Body, Word
from generator.base import GenerationRequest

_SIZE = re.compile(r"([1-9]\d{0,4})x([1-9]\d{0,4})")
_DEFAULTS = GenerationRequest("")


class PromptBody(Body):
    """What every request for a video says."""

    prompt: str
    """May be empty where `scenes` are given; then it is about all of them."""

    safety_identifier: Word | None = None
    """An extension: for whom the key asks; without it, all requests of the key are one session."""

    scenes: list[str] = Field([], max_length=MAX_INPUTS)
    """An extension: the scenes of a storyboard, judged alone and together."""

    model: str | None = None
    """Taken for compatibility; the generator in service answers and names itself."""


def read_size(size: str) -> tuple[int, int]:
    """Return width and height in pixels of a size that `Size` let pass."""
    width, _, height = size.partition("x")
    return int(width), int(height)


def _has_two_sides(value: str) -> str:
    if not _SIZE.fullmatch(value):
        raise ValueError("a size is WIDTHxHEIGHT in pixels, for example 512x512")
    return value


Size = Annotated[str, AfterValidator(_has_two_sides)]
"""WIDTHxHEIGHT in pixels."""

Seconds = Annotated[float, Field(gt=0, le=3600)]
Seed = Annotated[int, Field(ge=0, lt=1 << 63)]
Strength = Annotated[float, Field(gt=0, le=1)]
"""How far an edit may go from its source."""


class VideoBody(PromptBody):
    """`POST /v1/videos`, as JSON or as a form; a picture to start from comes as the file `input_reference`."""

    seconds: Seconds = _DEFAULTS.seconds
    size: Size = "512x512"
    """The default is the command line's: smaller clips may be too small for the watermark."""

    seed: Seed = _DEFAULTS.seed
    loop: bool = False
    """An extension: the end leads back to the beginning."""

    still: bool = False
    """An extension: one picture, as a video that stands still."""

    keyframe_seconds: list[Annotated[float, Field(ge=0, le=3600)]] = Field([], max_length=MAX_INPUTS)
    """An extension: the times of the pictures in the files `keyframes`."""


class VideoId(Body):
    """A video of one's own."""

    id: Word


class EditBody(PromptBody):
    """`POST /v1/videos/edits`; the video comes as a file, or by id."""

    video: VideoId | None = None
    size: Size | None = None
    """None: that of one's own video, or 512x512."""

    seed: Seed = _DEFAULTS.seed
    strength: Strength = _DEFAULTS.strength


class ExtensionBody(PromptBody):
    """`POST /v1/videos/extensions`; the video comes as a file, or by id."""

    video: VideoId | None = None
    seconds: Seconds = _DEFAULTS.seconds
    """How much is added."""

    size: Size | None = None
    """None: that of one's own video, or 512x512."""

    seed: Seed = _DEFAULTS.seed
    direction: Literal["forward", "backward"] = "forward"


class ReleaseBody(PromptBody):
    """`POST /v1/releases`, a form: the finished clip comes as the file `video`."""

    parent: VideoId | None = None
    """The video of one's own that was changed into it (`parent[id]`); another one comes as the file `parent`."""


class RemixBody(PromptBody):
    """`POST /v1/videos/{video}/remix`."""

    strength: Strength = _DEFAULTS.strength
