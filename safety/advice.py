"""What would pass: from the policy's words for each category, and from where the evidence stands. Pure.

It names places, never words of the prompt, and advises nothing where the policy has no advice: what is forbidden
without exception has no passing version. Making the changed text is `safety.rewrite`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from safety.domain import Evidence, Finding, Span, TextSpan, Verdict

NAMES = "names."
"""Signals of listed names begin so: what stands there can be replaced, other evidence has to go."""


@dataclass(frozen=True)
class Change:
    """One place to change."""

    span: Span
    what: str
    """`name`, `words` or `scene` (a place in a video)."""


@dataclass(frozen=True)
class Advice:
    """What would pass in one category."""

    category: str
    text: str
    """The policy's words; empty where nothing of the kind passes."""

    changes: tuple[Change, ...] = ()
    """Places that made the finding, in the order of the content; only where the policy lets them be rewritten."""

    without: tuple[str, ...] = ()
    """Modifiers without which nothing would have been found."""


def would_pass(verdict: Verdict) -> tuple[Advice, ...]:
    """Return one Advice for each category with a finding, in the order of the findings."""
    by_category: dict[str, list[Finding]] = {}
    for finding in verdict.findings:
        by_category.setdefault(finding.category, []).append(finding)
    return tuple(_advice(category, findings) for category, findings in by_category.items())


def _advice(category: str, findings: list[Finding]) -> Advice:
    places = {
        each.span: _what(each)
        for finding in findings
        if finding.rewrite
        for each in finding.evidence
        if each.span is not None
    }
    return Advice(category, findings[0].advice, _apart(places), _without(findings))


def _apart(places: Mapping[Span, str]) -> tuple[Change, ...]:
    """Return the places in the order of the content; of two in a text that overlap, the wider one alone."""
    texts = sorted(
        (span for span in places if isinstance(span, TextSpan)), key=lambda at: (at.scene or 0, at.start, -at.end)
    )
    kept: list[TextSpan] = []
    for span in texts:
        if not kept or span.scene != kept[-1].scene or span.start >= kept[-1].end:
            kept.append(span)
        elif span.end - span.start > kept[-1].end - kept[-1].start:
            kept[-1] = span
    others = sorted((span for span in places if not isinstance(span, TextSpan)), key=lambda at: (at.start_s, at.end_s))
    spans: tuple[Span, ...] = (*kept, *others)
    return tuple(Change(span, places[span]) for span in spans)


def _what(evidence: Evidence) -> str:
    if evidence.signal.startswith("frame.") or evidence.signal.startswith("video."):
        return "scene"
    return "name" if evidence.signal.startswith(NAMES) else "words"


def _without(findings: Iterable[Finding]) -> tuple[str, ...]:
    """The modifiers that every finding of the category owes itself to: a score under the written threshold."""
    owed: dict[str, None] = {}
    for finding in findings:
        if not any(_under_written(each) for each in finding.evidence):
            return ()
        owed.update(dict.fromkeys(finding.moved_by))
    return tuple(owed)


def _under_written(evidence: Evidence) -> bool:
    return evidence.score is not None and evidence.written is not None and evidence.score < evidence.written
