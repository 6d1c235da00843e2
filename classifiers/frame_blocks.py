"""Blocks of the plug-in file for what sees pictures: checkpoints of frames or sequences, zero-shot ones, judges."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, StringConstraints, ValidationInfo, field_validator, model_validator

from classifiers.base import ConfigurationError
from classifiers.plugin_block import Block, Device, Pin, SignalName, Slope

Words = Annotated[str, StringConstraints(min_length=1, max_length=500)]


class CheckpointBlock(Block):
    """A local checkpoint that sees pictures."""

    model: Annotated[str, StringConstraints(min_length=1)]
    """A folder (begins with `/` or `.`; `.` is the folder of the file), or a hub id that is in the local cache."""

    revision: str | None = None
    """Commit or tag of a hub id; default: what the cache calls `main`."""

    batch: int = Field(8, ge=1, le=256)
    """Frames (or sequences) that run together."""

    device: Device = "auto"
    dtype: Literal["float32", "bfloat16", "float16"] = "float32"

    seconds: float = Field(60.0, gt=0, le=3600)
    """Time box of one window of 16 frames; what is not done by then is unmeasured. Checked between batches."""

    lasting_s: float = Field(0.2, ge=0, le=10)
    """Seconds that a thing must last to count; 0: a single frame counts. Of no concern to sequences."""

    pin: Pin | None = None
    """With it, a changed file or setting refuses the start."""


class FrameClassifierBlock(CheckpointBlock):
    """An image or video classifier in the transformers format, and what its labels mean here."""

    labels: dict[str, SignalName] = Field(min_length=1)
    """Label of the checkpoint to signal. Several labels may stand for one signal: the highest counts."""

    multi_label: bool
    """True: every label has a probability of its own (sigmoid). False: they add up to 1 (softmax)."""

    reads: Literal["frames", "sequence"] = "frames"
    """`frames`: an image classifier. `sequence`: a video classifier; it sees each window of frames at once."""

    temperature: float = Field(1.0, gt=0, le=100)
    """Divides the logits before anything else."""

    calibration: dict[str, Slope] = Field(default_factory=dict)
    """By label; applied after the temperature."""

    @field_validator("calibration")
    @classmethod
    def _only_of_labels(cls, calibration: dict[str, Slope], info: ValidationInfo) -> dict[str, Slope]:
        if stray := sorted(set(calibration) - set(info.data.get("labels", calibration))):
            raise ValueError(f"{stray[0]!r} is not in labels")
        return calibration

    @property
    def reported(self) -> frozenset[str]:
        """Every signal that it reports."""
        return frozenset(self.labels.values())


class ZeroShotBlock(CheckpointBlock):
    """A CLIP or SigLIP checkpoint with both towers, asked in words."""

    words: dict[SignalName, list[Words]] = Field(default_factory=dict)
    """Signal to descriptions of what it stands for: the likeliest counts."""

    categories: dict[str, SignalName] = Field(default_factory=dict)
    """Id of a category of the policy to signal: the policy's own clause is the description."""

    benign: list[Words] = Field(min_length=1)
    """Descriptions of harmless pictures that compete with those above."""

    @model_validator(mode="after")
    def _asks_something(self) -> ZeroShotBlock:
        if not self.words and not self.categories:
            raise ValueError("words or categories: it asks for nothing")
        if any(not each for each in self.words.values()):
            raise ValueError("words: a signal without a description")
        if twice := sorted(set(self.words) & set(self.categories.values())):
            raise ValueError(f"{twice[0]!r} is described in words and by a category")
        return self

    @property
    def reported(self) -> frozenset[str]:
        """Every signal that it reports."""
        return frozenset({*self.words, *self.categories.values()})


class SpeechBlock(Block):
    """A speech recogniser in the transformers format: what is said goes through the text classifiers."""

    model: Annotated[str, StringConstraints(min_length=1)]
    """A folder (begins with `/` or `.`; `.` is the folder of the file), or a hub id that is in the local cache."""

    revision: str | None = None
    device: Device = "auto"
    dtype: Literal["float32", "bfloat16", "float16"] = "float32"

    max_words: int = Field(200, ge=1, le=448)
    """Tokens that a generating recogniser writes for one window at most."""

    pin: Pin | None = None


class FrameJudgeBlock(Block):
    """A safety model that sees pictures, behind an OpenAI-compatible endpoint."""

    family: Literal["shieldgemma2", "llavaguard", "llama_guard_vision"]
    base_url: Annotated[str, StringConstraints(pattern=r"^https?://[^/?#@\s]+(/[^?#\s]*)?$")]
    """Up to and with `/v1`; nothing else is ever contacted."""

    model: Annotated[str, StringConstraints(min_length=1)]
    """Name by which the server knows the model."""

    signals: dict[str, SignalName] = Field(min_length=1)
    """Code of the family to signal; for `shieldgemma2` id of a category of the policy. Other codes are ignored."""

    frames: int = Field(4, ge=1, le=16)
    """Frames of a window of 16 that are sent, evenly spread. The others are not looked at by it."""

    side: int = Field(448, ge=64, le=2048)
    """Pixels: the longer side of what is sent, as JPEG."""

    worth_unsafe: float = Field(0.9, gt=0, le=1)
    """What the judge's word is worth as a probability, where it gives none itself."""

    seconds: float = Field(20.0, gt=0, le=600)
    """Time box of one window, connecting and repeating included."""

    at_once: int = Field(4, ge=1, le=64)
    """Connections at the same time."""

    key_file: str | None = None
    """File with the API key; relative to this file."""

    ca_file: str | None = None
    """PEM file of the authority that signed the server's certificate; relative to this file."""

    @property
    def reported(self) -> frozenset[str]:
        """Every signal that it reports."""
        return frozenset(self.signals.values())


class OriginDetectorBlock(Block):
    """A detection service that is asked where a video comes from. Uploads are sent to it."""

    url: Annotated[str, StringConstraints(pattern=r"^https?://[^/?#@\s]+(/[^?#\s]*)?$")]
    """Where a window is posted; nothing else is ever contacted."""

    classes: list[Words] = Field(default_factory=lambda: ["ai_generated"], min_length=1)
    """Classes of the answer that mean synthesis; their scores add up."""

    side: int = Field(480, ge=128, le=1080)
    """Pixels: the short side of what is sent."""

    seconds: float = Field(20.0, gt=0, le=600)
    """Time box of one window of two seconds."""

    scheme: Literal["Token", "Bearer"] = "Token"
    """What stands before the key in the header `Authorization`."""

    key_file: str | None = None
    """File with the API key; relative to this file."""

    ca_file: str | None = None
    """PEM file of the authority that signed the server's certificate; relative to this file."""

    @property
    def reported(self) -> frozenset[str]:
        """The signal that it reports."""
        return frozenset({"video.synthetic"})


def refuse_unknown_categories(block_name: str, asked: set[str], known: set[str]) -> None:
    """Refuse ids of categories that the policy has not.

    Raises:
        ConfigurationError: names one, and those there are.
    """
    if absent := sorted(asked - known):
        raise ConfigurationError(
            f"{block_name}: the policy has no category {absent[0]!r}; it has: {', '.join(sorted(known))}"
        )
