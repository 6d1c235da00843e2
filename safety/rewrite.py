"""Proposes a version of a prompt without what was found: a name made generic, a style made nobody's, a phrase dropped.

    text + Verdict ─▶ places that may be changed ─▶ edits ─▶ changed text, or None

Only where the policy lets every finding be rewritten, and only listed names and phrases: what an encoder feels about a
whole text has no place that could be changed, and a character that is described keeps its description. It does not know
whether the result passes: `safety.offer` asks the gate.
Pure. English.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from safety.domain import Action, TextSpan, Verdict
from safety.wording import Place, again, drop, reword, widened

FEWEST_WORDS = 3
"""A prompt of fewer words is no scene any more: nothing is proposed."""

LEAST_KEPT = 0.4
"""Share of the words that must be left, or it is another wish."""

_WORD = re.compile(r"[^\W_]+")


@dataclass(frozen=True)
class Edit:
    """`text[start:end]` becomes `replacement`; places are those of the original, in code points."""

    start: int
    end: int
    replacement: str


@dataclass(frozen=True)
class Rewrite:
    """A changed prompt and the edits that make it of the original, in order and apart from each other."""

    text: str
    edits: tuple[Edit, ...]


def propose(text: str, verdict: Verdict) -> Rewrite | None:
    """Return a version without the evidence; None where the policy allows none or too little would be left of it."""
    if verdict.action is Action.ALLOW or not all(finding.rewrite for finding in verdict.findings):
        return None
    evidence = [each for finding in verdict.findings for each in finding.evidence]
    if any(each.score is None for each in evidence):
        return None
    places = {
        Place(each.span.start, each.span.end, each.signal, each.detail.partition(":")[2])
        for each in evidence
        if isinstance(each.span, TextSpan) and each.signal.startswith(("names.", "terms."))
    }
    if any(place.end > len(text) for place in places):
        return None  # the verdict is about another text
    names = {widened(text, place) for place in places if place.signal.startswith("names.")}
    others = {place for place in places if not place.signal.startswith("names.")}
    alone = {place for name in names for place in again(text, name)}
    edits = _edits(text, _apart(names | others | alone))
    changed = _applied(text, edits)
    if not edits or _too_little(text, changed):
        return None
    return Rewrite(changed, tuple(edits))


def _apart(places: set[Place]) -> list[Place]:
    """The places in order, of those that overlap the one that begins first and reaches furthest, names before terms."""
    kept: list[Place] = []
    for place in sorted(places, key=lambda each: (each.signal.startswith("terms."), each.start - each.end, each.start)):
        if not any(place.start < other.end and other.start < place.end for other in kept):
            kept.append(place)
    return sorted(kept, key=lambda each: each.start)


def _edits(text: str, places: Sequence[Place]) -> list[Edit]:
    edits: list[Edit] = []
    known: dict[str, str] = {}
    for place in places:
        floor = edits[-1].end if edits else 0
        if place.start < floor:
            continue
        dropped = place.signal.startswith("terms.")
        start, end, words = drop(text, place, floor) if dropped else reword(text, place, floor, known)
        edits.append(Edit(start, end, words))
    return edits


def _applied(text: str, edits: Sequence[Edit]) -> str:
    parts, at = [], 0
    for edit in edits:
        parts += [text[at : edit.start], edit.replacement]
        at = edit.end
    return "".join((*parts, text[at:]))


def _too_little(before: str, after: str) -> bool:
    left = len(_WORD.findall(after))
    return left < FEWEST_WORDS or left < LEAST_KEPT * len(_WORD.findall(before))
