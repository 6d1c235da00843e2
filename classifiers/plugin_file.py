"""Reads the file that names text classifiers of your own: local transformers checkpoints and judges behind HTTP.

One TOML file, `[[text_classifier]]` and `[[judge]]` blocks (docs/how-to/use-a-bigger-model.md shows both). It checks
shapes, names and ranges; opens no checkpoint, contacts nobody and holds no threshold of a policy.
"""

from __future__ import annotations

import tomllib
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, ValidationError, ValidationInfo, field_validator

from classifiers.base import ConfigurationError

Name = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_]{1,39}$")]
"""Goes to the ledger with every decision."""

SignalName = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_]*(\.[a-z0-9_]+)+$")]
"""Dotted, as the policy writes it: `text.harassment`, or a new one such as `judge.violence`."""


class Block(BaseModel):
    """What every block has."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True, protected_namespaces=())

    name: Name
    """Its name in the ledger; no built-in one."""


class Slope(BaseModel):
    """Platt scaling of one label: probability = sigmoid(slope * log-odds + offset)."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)

    slope: float = Field(1.0, gt=0, le=1e3)
    """Above 0: a calibration may not turn the order of scores round."""

    offset: float = Field(0.0, ge=-1e3, le=1e3)


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

    calibration: dict[str, Slope] = {}
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
    def signals(self) -> frozenset[str]:
        """Every signal that it reports."""
        return frozenset(self.labels.values())


class PluginFile(BaseModel):
    """Every block of the file, in its order."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)

    text_classifier: list[TextClassifierBlock] = []

    folder: Path = Field(Path(), exclude=True)
    """Where the file lies."""

    @property
    def blocks(self) -> Sequence[TextClassifierBlock]:
        """Every block."""
        return self.text_classifier


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
