"""What every block of the plug-in file has, whatever it describes; `classifiers.plugin_file` reads them."""

from __future__ import annotations

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

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


Device = Annotated[str, StringConstraints(pattern=r"^(auto|cpu|cuda(:\d{1,2})?)$")]
"""`auto`: a GPU where there is one."""

Pin = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{16}$")]
"""The version that `framegate doctor` prints."""
