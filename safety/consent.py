"""What a registration changes: a likeness its requester may show, and people who are always refused. Pure.

    names.registered (where a registered name stands) ─▶ opted out?  names.opted_out, whoever asks
                                                     └─▶ granted to this requester, still in force?
                                                         the person's scores become names.consented

An opt-out is stronger than any consent. A consent excuses the likeness and nothing else: rules about sexual content
ask for `names.consented` too. Where registrations are kept is `safety.lookup.consents`.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Protocol

from classifiers.base import Score, TextSpan
from safety.domain import Measurement

REGISTERED = "names.registered"
OPTED_OUT = "names.opted_out"
CONSENTED = "names.consented"
LIKENESS_SIGNALS = frozenset({OPTED_OUT, CONSENTED})
"""What this module adds to the scores of a prompt."""

OF_A_PERSON = frozenset({"names.public_figure", "names.person", "names.mentioned"})
"""Scores with a place that a consent can turn into `names.consented`."""

UNPLACED = "text.public_figure"
"""Says that somebody is meant and not where: excused only where everybody who was found is excused."""

_DETAIL = "registered:"


@dataclass(frozen=True)
class Consent:
    """Somebody's permission that a requester may show them."""

    id: str
    names: tuple[str, ...]
    """Empty once it is revoked: they are erased then."""

    requester: str
    until: datetime | None
    """Not in force from this time on; None: until revoked."""

    created_at: datetime
    revoked_at: datetime | None = None

    def in_force(self, at: datetime) -> bool:
        """Whether it may be relied on at this time."""
        return self.revoked_at is None and (self.until is None or at < self.until)


@dataclass(frozen=True)
class OptOut:
    """Somebody's wish never to be shown or named, whoever asks."""

    id: str
    names: tuple[str, ...]
    """Empty once it is removed: they are erased then."""

    created_at: datetime
    removed_at: datetime | None = None


class Standing(Protocol):
    """Answers for registrations by their ids."""

    def opted_out(self, ids: Collection[str]) -> frozenset[str]:
        """Return those of the ids that are opt-outs in force."""

    def consented(self, ids: Collection[str], requester: str) -> frozenset[str]:
        """Return those of the ids that are consents in force now, given to this requester."""


def apply_registrations(measurement: Measurement, requester: str, standing: Standing) -> Measurement:
    """Return the measurement with `names.opted_out` and `names.consented`, and without the scores that consent excuses.

    A measurement in which nobody looked for registered names comes back as it is: then both signals are unmeasured.
    """
    found = [score for score in measurement.scores if score.signal == REGISTERED]
    if not found or any(gap.signal == REGISTERED for gap in measurement.unmeasured):
        return measurement
    ids = {_registration(score) for score in found if score.value}
    out = standing.opted_out(ids) if ids else frozenset()
    may = standing.consented(ids, requester) if ids and requester else frozenset()
    refused = [score for score in found if _registration(score) in out]
    allowed = [
        score
        for score in found
        if _registration(score) in may and not any(_overlap(score.span, other.span) for other in refused)
    ]
    scores = list(measurement.scores)
    if allowed:
        scores = _excused(scores, [score.span for score in allowed])
    scores += [replace(score, signal=OPTED_OUT) for score in refused] or [Score(OPTED_OUT, 0.0)]
    if not any(score.signal == CONSENTED for score in scores):
        scores += [replace(score, signal=CONSENTED) for score in allowed] or [Score(CONSENTED, 0.0)]
    return replace(measurement, scores=tuple(scores))


def nobody_registered(measurement: Measurement) -> Measurement:
    """Return the measurement as it is judged where there is no registry: for data sets, never for requests."""
    return replace(
        measurement, scores=(*measurement.scores, *(Score(s, 0.0) for s in sorted({REGISTERED, *LIKENESS_SIGNALS})))
    )


def _excused(scores: Iterable[Score], places: Collection[object]) -> list[Score]:
    """Rename the person scores that stand inside a consented name; a signal that is left without a score gets a 0.0."""
    before = list(scores)
    after = [
        replace(score, signal=CONSENTED)
        if score.signal in OF_A_PERSON and score.value and any(_inside(score.span, place) for place in places)
        else score
        for score in before
    ]
    if not any(score.signal in OF_A_PERSON and score.value for score in after):
        after = [replace(s, signal=CONSENTED) if s.signal == UNPLACED and s.value else s for s in after]
    lost = {score.signal for score in before} - {score.signal for score in after}
    return [*after, *(Score(signal, 0.0) for signal in sorted(lost))]


def _registration(score: Score) -> str:
    return score.detail.removeprefix(_DETAIL)


def _scene(span: TextSpan) -> object:
    return getattr(span, "scene", None)


def _overlap(one: object, other: object) -> bool:
    if not isinstance(one, TextSpan) or not isinstance(other, TextSpan):
        return True
    return _scene(one) == _scene(other) and one.start < other.end and other.start < one.end


def _inside(inner: object, outer: object) -> bool:
    if not isinstance(inner, TextSpan) or not isinstance(outer, TextSpan):
        return False
    return _scene(inner) == _scene(outer) and outer.start <= inner.start and inner.end <= outer.end
