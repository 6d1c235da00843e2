"""Our categories and signals in the 13 names of OpenAI's moderation API. The one place where the two meet.

A category is `true` where a Finding of ours says so, that is, where the policy asked for review or block. A score is
the strongest signal behind the name. Names that mean two things at once (`hate/threatening`) need both: both findings,
and the smaller of the two scores. Names that our classifiers do not tell apart from a wider one (`self-harm/intent`)
are answered as the wider one and are listed as not measured on their own, with the reason.

Categories without a name over there (likeness, ip, misinformation, political_deception, privacy, evasion) show only in
`flagged` and in `x_framegate.findings`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from safety.domain import Decision


@dataclass(frozen=True)
class Named:
    """One of OpenAI's names in our words."""

    categories: frozenset[str]
    """It is true where one of these has a finding."""

    signals: frozenset[str]
    """Its score is the strongest of these."""

    only_with: tuple[Named, ...] = ()
    """And it needs this as well."""

    not_apart: str = ""
    """Why it is not measured on its own; empty where it is."""


def _named(categories: str, signals: str, *only_with: Named, not_apart: str = "") -> Named:
    return Named(frozenset(categories.split()), frozenset(signals.split()), only_with, not_apart)


_HARASSMENT = _named("harassment", "text.harassment")
_HATE = _named("hate extremism", "text.hate terms.hate terms.extremism")
_ILLICIT = _named("illicit fraud", "text.illicit terms.illicit terms.fraud")
_SELF_HARM = ("self_harm", "text.self_harm terms.self_harm")
_SEXUAL = _named("sexual sexual_minors ncii", "text.sexual terms.sexual terms.ncii")
_MINOR = _named("sexual_minors", "terms.minor")
_VIOLENCE = _named("violence", "text.violence terms.violence")

NAMES: Mapping[str, Named] = {
    "harassment": _HARASSMENT,
    "harassment/threatening": Named(_HARASSMENT.categories, _HARASSMENT.signals, (_VIOLENCE,)),
    "hate": _HATE,
    "hate/threatening": Named(_HATE.categories, _HATE.signals, (_VIOLENCE,)),
    "illicit": _ILLICIT,
    "illicit/violent": Named(_ILLICIT.categories, _ILLICIT.signals, (_VIOLENCE,)),
    "self-harm": _named(*_SELF_HARM),
    "self-harm/intent": _named(*_SELF_HARM, not_apart="intent is not told apart from depiction: answered as self-harm"),
    "self-harm/instructions": _named(
        *_SELF_HARM, not_apart="instructions are not told apart from depiction: answered as self-harm"
    ),
    "sexual": _SEXUAL,
    "sexual/minors": Named(frozenset({"sexual_minors"}), _SEXUAL.signals, (_MINOR,)),
    "violence": _VIOLENCE,
    "violence/graphic": _named(
        "violence disturbing",
        "text.violence terms.violence text.disturbing",
        not_apart="gore is not told apart from violence: answered as violence or disturbing",
    ),
}

WITHOUT_NAME = frozenset(
    {
        "text.public_figure",
        "text.ip",
        "text.deceptive",
        "text.evasion",
        "terms.privacy",
        "terms.misinformation",
        "terms.political_deception",
        "names.public_figure",
        "names.person",
        "names.mentioned",
        "names.opted_out",
        "names.consented",
        "names.character",
        "names.brand",
        "names.artist_style",
        "context.news",
        "context.education",
        "context.medical",
        "context.art",
        "context.satire",
        "context.history",
        "context.fiction",
        "modifier.photorealistic",
        "modifier.real_person",
        "modifier.temporal_only",
        "modifier.claimed_purpose",
        "session.probing",
        "session.derived",
    }
)
"""Signals of prompts that none of the 13 names stands for."""


@dataclass(frozen=True)
class Answer:
    """What OpenAI's fields say about one Decision."""

    categories: dict[str, bool]
    scores: dict[str, float | None]
    """None: nothing that stands for this name was measured. Never 0: that would read as clean."""

    unmeasured: dict[str, str]
    """Name -> why it was not measured, or not on its own."""


def answer(decision: Decision) -> Answer:
    """Say a Decision in OpenAI's names."""
    found = frozenset(finding.category for finding in decision.verdict.findings)
    scores: dict[str, float] = {}
    for score in decision.measurement.scores:
        scores[score.signal] = max(score.value, scores.get(score.signal, 0.0))
    values = {name: _score(named, scores) for name, named in NAMES.items()}
    unmeasured = {name: named.not_apart for name, named in NAMES.items() if named.not_apart}
    unmeasured |= {name: "no classifier measured it" for name, value in values.items() if value is None}
    return Answer({name: _holds(named, found) for name, named in NAMES.items()}, values, unmeasured)


def _holds(named: Named, found: frozenset[str]) -> bool:
    return not named.categories.isdisjoint(found) and all(_holds(other, found) for other in named.only_with)


def _score(named: Named, scores: Mapping[str, float]) -> float | None:
    measured = [scores[signal] for signal in named.signals if signal in scores]
    if not measured:
        return None
    others = [_score(other, scores) for other in named.only_with]
    known = [value for value in others if value is not None]
    return None if len(known) < len(others) else round(min([max(measured), *known]), 4)
