"""Reads the file that names classifiers of your own: local transformers checkpoints and judges behind HTTP.

One TOML file with blocks for text (`[[text_classifier]]`, `[[judge]]`) and for pictures (`classifiers.frame_blocks`);
docs/how-to/use-a-bigger-model.md shows them. It checks
shapes, names and ranges; opens no checkpoint, contacts nobody and holds no threshold of a policy.
"""

from __future__ import annotations

import tomllib
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    StringConstraints,
    ValidationError,
    ValidationInfo,
    field_validator,
    model_validator,
)

from classifiers.base import ConfigurationError
from classifiers.frame_blocks import (
    FrameClassifierBlock,
    FrameJudgeBlock,
    OriginDetectorBlock,
    SpeechBlock,
    ZeroShotBlock,
)
from classifiers.judge_hazards import HAZARDS
from classifiers.plugin_block import Block, SignalName, Slope


class TextClassifierBlock(Block):
    """A sequence classifier in the transformers format, and what its labels mean here."""

    model: Annotated[str, StringConstraints(min_length=1)]
    """A folder (begins with `/` or `.`; `.` is the folder of the file), or a hub id that is in the local cache."""

    revision: str | None = None
    """Commit or tag of a hub id; default: what the cache calls `main`."""

    labels: dict[str, SignalName] = Field(min_length=1)
    """Label of the checkpoint to signal. Several labels may stand for one signal: the highest counts."""

    multi_label: bool
    """True: every label has a probability of its own (sigmoid). False: they add up to 1 (softmax)."""

    reads: Literal["english", "any"] = "english"
    """`english`: other languages and scripts are unmeasured. `any`: the checkpoint is multilingual."""

    batch: int = Field(8, ge=1, le=256)
    """Windows that run together."""

    device: Annotated[str, StringConstraints(pattern=r"^(cpu|cuda(:\d{1,2})?)$")] = "cpu"
    dtype: Literal["float32", "bfloat16", "float16"] = "float32"

    max_tokens: int | None = Field(None, ge=8, le=32768)
    """Tokens of one window, special ones included; default: what the checkpoint says it reads, at most 512."""

    temperature: float = Field(1.0, gt=0, le=100)
    """Divides the logits before anything else."""

    calibration: dict[str, Slope] = Field(default_factory=dict)
    """By label; applied after the temperature."""

    pin: Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{16}$")] | None = None
    """The version that `framegate doctor` prints. With it, a changed file or setting refuses the start."""

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


class JudgeBlock(Block):
    """A safety model behind an OpenAI-compatible endpoint, and when it is asked."""

    family: Literal["llama_guard", "qwen3guard", "shieldgemma", "gpt_oss_safeguard"]
    base_url: Annotated[str, StringConstraints(pattern=r"^https?://[^/?#@\s]+(/[^?#\s]*)?$")]
    """Up to and with `/v1`; nothing else is ever contacted."""

    model: Annotated[str, StringConstraints(min_length=1)]
    """Name by which the server knows the model."""

    signals: dict[str, SignalName] = Field(default_factory=dict)
    """Code of the family to signal. For families that are given our policy: id of a category, required."""

    ignore: list[str] = Field(default_factory=list)
    """Codes that are of no concern here; every other one needs a signal."""

    reads: Literal["english", "any"] = "english"
    when: Literal["always", "unsure"] = "always"
    """`unsure`: only if a score that it watches lies in the band, or is missing."""

    band: list[Annotated[float, Field(ge=0, le=1)]] = Field([], max_length=2)
    """[low, high]: from and up to which probability the watched classifier counts as unsure."""

    watches: dict[SignalName, SignalName] = Field(default_factory=dict)
    """Its signal to the embedded signal that it gives a second opinion on."""

    worth: dict[Literal["safe", "controversial", "unsafe"], Annotated[float, Field(ge=0, le=1)]] = Field(
        default_factory=dict
    )
    """What a word of the judge is worth as a probability."""

    seconds: float = Field(2.0, gt=0, le=60)
    """Time box of one text, connecting and repeating included."""

    at_once: int = Field(8, ge=1, le=256)
    """Connections at the same time."""

    cache_entries: int = Field(10_000, ge=0, le=10_000_000)
    cache_s: float = Field(3600.0, gt=0)
    """Seconds for which an answer stands."""

    key_file: str | None = None
    """File with the API key; relative to this file."""

    ca_file: str | None = None
    """PEM file of the authority that signed the server's certificate; relative to this file."""

    @model_validator(mode="after")
    def _complete(self) -> JudgeBlock:
        if (self.when == "unsure") != (len(self.band) == 2):
            raise ValueError('when = "unsure" and band = [low, high] go together')
        if self.band and not self.band[0] < self.band[1]:
            raise ValueError("band: low is below high")
        hazards = HAZARDS.get(self.family)
        if hazards is None:
            if not self.signals or self.ignore:
                raise ValueError(f"{self.family} is asked about our policy: signals maps ids of its categories")
        else:
            codes, told = {hazard.code for hazard in hazards}, {*self.mapped, *self.left_out}
            if stray := sorted({*self.signals, *self.ignore} - codes):
                raise ValueError(f"{self.family} has no {stray[0]!r}; it has: {', '.join(sorted(codes))}")
            if silent := sorted(codes - told):
                raise ValueError(f"{silent[0]!r} needs a signal, or has to be named in ignore")
        if twice := sorted(set(self.mapped) & set(self.ignore)):
            raise ValueError(f"{twice[0]!r} has a signal and is ignored")
        if self.when == "unsure" and (blind := sorted(self.reported - set(self.watched))):
            raise ValueError(f"watches: {blind[0]!r} needs the signal that says whether to ask")
        if stray := sorted(set(self.watches) - self.reported):
            raise ValueError(f"watches: it does not report {stray[0]!r}")
        return self

    @property
    def mapped(self) -> dict[str, str]:
        """Code to signal: as the block says, or the family's own table."""
        table = {hazard.code: hazard.signal for hazard in HAZARDS.get(self.family, ()) if hazard.signal}
        return dict(self.signals) or {code: signal for code, signal in table.items() if code not in self.ignore}

    @property
    def left_out(self) -> frozenset[str]:
        """Codes that are ignored on purpose."""
        by_table = {hazard.code for hazard in HAZARDS.get(self.family, ()) if not hazard.signal}
        return frozenset({*self.ignore, *(by_table - set(self.signals))})

    @property
    def watched(self) -> dict[str, str]:
        """Its signal to the signal it watches: as the block says, the family's table, or a signal to itself."""
        table = {hazard.signal: hazard.near for hazard in HAZARDS.get(self.family, ()) if hazard.signal and hazard.near}
        itself = {signal: signal for signal in self.reported if signal.startswith("text.")}
        return {k: v for k, v in {**table, **itself, **self.watches}.items() if k in self.reported}

    @property
    def reported(self) -> frozenset[str]:
        """Every signal that it reports."""
        return frozenset(self.mapped.values())


class PluginFile(BaseModel):
    """Every block of the file, in its order."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)

    text_classifier: list[TextClassifierBlock] = []
    judge: list[JudgeBlock] = []
    frame_classifier: list[FrameClassifierBlock] = []
    zero_shot: list[ZeroShotBlock] = []
    frame_judge: list[FrameJudgeBlock] = []
    speech: list[SpeechBlock] = Field([], max_length=1)
    origin_detector: list[OriginDetectorBlock] = []

    folder: Path = Field(Path(), exclude=True)
    """Where the file lies."""

    @property
    def blocks(self) -> Sequence[Block]:
        """Every block."""
        return [
            *self.text_classifier,
            *self.judge,
            *self.frame_classifier,
            *self.zero_shot,
            *self.frame_judge,
            *self.speech,
            *self.origin_detector,
        ]


def read_plugin_file(path: Path | None) -> PluginFile:
    """Read the file; no file is a file without blocks.

    Raises:
        ConfigurationError: unreadable, not TOML, or a block of another shape; says which key of which block.
    """
    if path is None:
        return PluginFile()
    try:
        document = tomllib.loads(path.read_bytes().decode())
    except OSError as error:
        raise ConfigurationError(f"plug-in file {path} cannot be read: {error.strerror}") from error
    except (UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise ConfigurationError(f"plug-in file {path} is not TOML: {error}") from error
    if "folder" in document:
        raise ConfigurationError(f"plug-in file {path}: folder: unknown key")
    try:
        file = PluginFile.model_validate({**document, "folder": path.resolve().parent})
    except ValidationError as error:
        raise ConfigurationError(f"plug-in file {path}: {_explain(document, error)}") from None
    if not file.blocks:
        raise ConfigurationError(f"plug-in file {path} holds no block: write one, or leave the setting empty")
    return file


def _explain(document: dict[str, Any], error: ValidationError) -> str:
    """The first fault in words: block by name where it has one, key, rule. Values are left out: a key may be one."""
    fault = error.errors(include_url=False, include_input=False)[0]
    place = [str(part) for part in fault["loc"]]
    if len(place) > 1 and place[1].isdigit():
        block = document[place[0]][int(place[1])]
        name = block.get("name") if isinstance(block, dict) else None
        place[:2] = [f"{place[0]} {name!r}" if isinstance(name, str) else f"{place[0]} number {int(place[1]) + 1}"]
    return f"{': '.join(place)}: {fault['msg']}"
