"""How findings become rows: what is the same thing in several places, or missing for one reason, is one row.

Pure. Nothing is left out by joining: a row says how many it stands for, and names every place or every signal.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from safety.domain import Evidence, Finding, Span, Still, TextSpan, TimeSpan, Unmeasured, Verdict
from safety.severity import tier_of

Json = dict[str, Any]

_Pair = tuple[Finding, Evidence]


def finding_rows(verdict: Verdict, stills: Sequence[Still] = ()) -> list[Json]:
    """Return the findings of a verdict as rows, in the verdict's order; of places in a video with their blurred stills.

    `count` says how many pieces of evidence a row stands for. Places in a video that one rule found by one signal are
    one row: score and `span` are those of the strongest, `spans` has each, in order of time. Findings of signals that
    are unmeasured for the same reason are one row of the gravest category's, with `categories`, `signals` and `rules`
    of all, the gravest first, and `each`: which rule of which category asks for which signal, from which threshold on,
    and its clause.
    Characters of a text stay apart: each is a place to change.
    """
    kept = {each.time_s: each.sha256 for each in stills}
    return [_row(group, kept) for group in grouped(verdict)]


def grouped(verdict: Verdict) -> list[list[_Pair]]:
    """Return the pieces of evidence that stand in one row, each with its finding; rows in the verdict's order."""
    reasons = _reasons(verdict.unmeasured)
    groups: dict[object, list[_Pair]] = {}
    for finding in verdict.findings:
        for at, each in enumerate(finding.evidence):
            groups.setdefault(_same(finding, each, reasons, at), []).append((finding, each))
    return list(groups.values())


def _same(finding: Finding, each: Evidence, reasons: Mapping[str, str], at: int) -> object:
    """What pieces of evidence have in common that stand in one row."""
    if each.score is None and len(finding.evidence) == 1 and each.signal in reasons:
        return (finding.action, reasons[each.signal])
    if isinstance(each.span, TimeSpan):
        return (finding.rule, each.signal, each.detail)
    return (finding.rule, at)


def _reasons(gaps: Iterable[Unmeasured]) -> dict[str, str]:
    found: dict[str, str] = {}
    for gap in gaps:
        found[gap.signal] = f"{found[gap.signal]}; {gap.reason}" if gap.signal in found else gap.reason
    return found


def _row(group: Sequence[_Pair], kept: Mapping[float, str]) -> Json:
    group = sorted(group, key=_gravest_first)
    finding, each = group[0]
    return {
        "category": finding.category,
        "signal": each.signal,
        "score": None if each.score is None else round(each.score, 4),
        "threshold": round(each.threshold, 4),
        "threshold_written": each.threshold if each.written is None else each.written,
        "moved_by": list(finding.moved_by),
        "action": finding.action.word,
        "remedy": None if finding.remedy is None else finding.remedy.value,
        "severity": finding.severity,
        "tier": tier_of(finding.severity).value,
        "span": None if each.span is None else span_view(each.span),
        "rule": finding.rule,
        "clause": finding.clause,
        "detail": each.detail,
        "count": len(group),
        **({"still": kept.get(peak_of(each.span))} if isinstance(each.span, TimeSpan) else {}),
        **(dict(_all_of(group, kept)) if len(group) > 1 else {}),
    }


def _gravest_first(pair: _Pair) -> tuple[float, int]:
    """The strongest score first; of what has none, the category that the policy says is gravest."""
    finding, each = pair
    return (1.0 if each.score is None else -each.score, -(finding.base or finding.severity or 0))


def _all_of(group: Sequence[_Pair], kept: Mapping[float, str]) -> Iterator[tuple[str, object]]:
    """Every place of a row that stands for several, or everything that is unmeasured for its reason."""
    places = [
        (each.span, each.score) for _, each in group if isinstance(each.span, TimeSpan) and each.score is not None
    ]
    if len(places) == len(group):
        places.sort(key=lambda place: (place[0].start_s, place[0].end_s))
        yield (
            "spans",
            [{**span_view(span), "score": round(score, 4), "still": kept.get(peak_of(span))} for span, score in places],
        )
    else:
        yield "categories", list(dict.fromkeys(finding.category for finding, _ in group))
        yield "signals", list(dict.fromkeys(each.signal for _, each in group))
        yield "rules", list(dict.fromkeys(finding.rule for finding, _ in group))
        yield "each", [_asked(finding, each) for finding, each in group]


def _asked(finding: Finding, each: Evidence) -> Json:
    """What one rule asked for in vain."""
    return {
        "category": finding.category,
        "rule": finding.rule,
        "signal": each.signal,
        "clause": finding.clause,
        "threshold": round(each.threshold, 4),
    }


def span_view(span: Span) -> Json:
    """Characters or seconds."""
    if isinstance(span, TextSpan):
        scene: Json = {} if span.scene is None else {"scene": span.scene}
        return {"start": span.start, "end": span.end, **scene}
    view: Json = {"start_s": round(span.start_s, 3), "end_s": round(span.end_s, 3)}
    if span.peak_s is not None:
        view["peak_s"] = round(span.peak_s, 3)
    if span.box is not None:
        view["box"] = [round(edge, 4) for edge in span.box]
    return view


def peak_of(span: TimeSpan) -> float:
    """Seconds at which what stands there is strongest."""
    return span.start_s if span.peak_s is None else span.peak_s
