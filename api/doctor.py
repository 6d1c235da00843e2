"""Looks at everything a release needs and says what is broken, and what cannot be measured. Changes nothing."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from api.wiring import House
from classifiers.base import Classifier
from safety.work import HOUSE_ERRORS

AnyClassifier = Classifier[Any]
"""Of prompts or of video."""

LEAST_FREE_BYTES = 2_000_000_000
"""Room below which a release may fail to be written: uploads and clips are stored whole before they are judged."""


@dataclass(frozen=True)
class Check:
    """One thing that was looked at."""

    name: str
    ok: bool
    detail: str


def examine(house: House) -> list[Check]:
    """Return every check, broken or not."""
    return [_check(name, look) for name, look in _looks(house)]


def _looks(house: House) -> Iterator[tuple[str, Callable[[], str]]]:
    yield "database", lambda: f"{house.engine.dialect.name}, {house.ledger.size()} entries in the ledger"
    yield "disk", lambda: _disk(house)
    yield "clock", lambda: _clock(house)
    yield "policy", lambda: f"{house.policy.name} {house.policy.digest}, {len(house.policy.rules)} rules"
    yield "prompt classifiers", lambda: _names(house.text_classifiers)
    yield "video classifiers", lambda: _names(house.clip_catalog.for_clips())
    yield "generator", lambda: f"{house.generator.name} {house.generator.version[:16]}"
    yield "signer", lambda: _signer(house)
    for each in house.clip_catalog.absent:
        reason = f"unmeasured, so never allowed: {each.reason}"
        yield f"absent: {each.name}", reason.__str__


def _check(name: str, look: Callable[[], str]) -> Check:
    try:
        return Check(name, ok=True, detail=look())
    except (*HOUSE_ERRORS, _BrokenError) as error:
        return Check(name, ok=False, detail=str(error))


class _BrokenError(Exception):
    """A check that no floor has an error for."""


def _disk(house: House) -> str:
    free = shutil.disk_usage(house.settings.home).free
    if free < LEAST_FREE_BYTES:
        raise _BrokenError(f"{free / 1e9:.1f} GB free in {house.settings.home}; a release may fail to be written")
    return f"{free / 1e9:.0f} GB free in {house.settings.home}"


def _clock(house: House) -> str:
    newest = house.ledger.decisions(limit=1)
    now = datetime.now(UTC)
    if newest and newest[0].at > now:
        raise _BrokenError(f"the clock says {now:%F %T}, but the newest decision is from {newest[0].at:%F %T}")
    return f"{now:%F %T} UTC"


def _signer(house: House) -> str:
    house.signer.self_test()
    return f"{house.signer.name} signs, and its signature reads as trusted"


def _names(classifiers: Sequence[AnyClassifier]) -> str:
    return ", ".join(f"{each.name} {each.version[:12]}" for each in classifiers)
