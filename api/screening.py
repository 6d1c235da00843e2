"""What a reviewer reads about a screened video: what was seen and when, how sure, what was not looked at or measured.

Pure but for the sheet's tiles, which are fetched from the file. Decides nothing.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
from rich.markup import escape

from api.finding_views import grouped
from api.terminal import MAX_SIGNALS, by_reason, headline, say
from media.glimpse import Frame
from media.limits import Limits
from media.peeks import blurred, frames_at
from media.sheet import Tile, clock
from safety.domain import Action, Coverage, Decision, Evidence, Finding, TimeSpan
from safety.known_people import CONSENTED
from safety.modifiers import lowest_in_force
from safety.policy import Policy
from safety.severity import tier_of
from safety.stills import peaks_of

SHEET_TILES = 24
"""Frames of a sheet that stand for the whole video, evenly spread; flagged moments come on top."""

MOST_FLAGGED = 24
"""Flagged moments on a sheet, strictest findings first."""

_SHEET_SIDE = 270


def tell_screening(video: Path, decision: Decision, policy: Policy, *, full: bool) -> None:
    """Print the report for people."""
    say(f"[bold]{escape(video.name)}[/]: {headline(decision)}")
    coverage = decision.measurement.coverage
    if coverage is not None:
        say(f"  looked at  {_looked_at(coverage, full=full)}")
    _tell_findings(decision)
    _tell_consented(decision)
    _tell_clean(decision, lowest_in_force(policy, decision.checkpoint))
    for reason, signals in by_reason(decision.verdict.unmeasured).items():
        more = f" and {len(signals) - MAX_SIGNALS} more" if len(signals) > MAX_SIGNALS else ""
        say(f"  [yellow]not measured[/]  {', '.join(signals[:MAX_SIGNALS])}{more}: {escape(reason)}")
    if decision.verdict.action is Action.ALLOW and decision.verdict.conditions:
        say(f"  to be shown only with: {', '.join(decision.verdict.conditions)}")
    if decision.verdict.action is Action.REVIEW:
        say(f"  next: framegate review decide {decision.id} --allow|--refuse --reason …")
    if decision.verdict.action is Action.BLOCK:
        say(f"  to appeal, quote decision {decision.id}")


def sheet_tiles(video: Path, decision: Decision, limits: Limits, *, clear: bool) -> list[Tile]:
    """Return frames from the whole video and the flagged ones, in order of time.

    What was flagged, and what stands near enough to show the same, is blurred unless `clear`.

    Raises:
        MediaError: the file cannot be decoded within the limits.
    """
    coverage = decision.measurement.coverage
    seconds = coverage.duration_s if coverage is not None else 0.0
    every_s = max(seconds / SHEET_TILES, 1e-3)
    spread = [float(at) for at in np.arange(0.0, max(seconds, every_s), every_s)[:SHEET_TILES]]
    captions = _captions(decision)
    flagged = [(at, span) for at, span in peaks_of(decision.verdict) if at in captions][:MOST_FLAGGED]
    ordinary = frames_at(video, spread, limits, short_side=_SHEET_SIDE, near_s=every_s / 2)
    frames = frames_at(video, [at for at, _ in flagged], limits, short_side=_SHEET_SIDE)
    tiles = [Tile(at, _shown(frames[at], clear=clear), captions[at], span.box) for at, span in flagged if at in frames]
    for at, frame in ordinary.items():
        inside = any(span.start_s - every_s / 2 <= at <= span.end_s + every_s / 2 for _, span in flagged)
        tiles.append(Tile(at, _shown(frame, clear=clear or not inside)))
    return sorted(tiles, key=lambda tile: (tile.time_s, tile.flagged))


def _shown(frame: Frame, *, clear: bool) -> Frame:
    return frame if clear else blurred(frame)


def _captions(decision: Decision) -> dict[float, str]:
    """What was found at each peak, in a few characters."""
    captions: dict[float, str] = {}
    for finding in decision.verdict.findings:
        for each in finding.evidence:
            if each.score is not None and isinstance(each.span, TimeSpan):
                captions.setdefault(_peak(each.span), f"{finding.category} {each.score:.2f}")
    return captions


def _looked_at(coverage: Coverage, *, full: bool) -> str:
    how = "every frame" if full else "sampled, and closely where something showed"
    seconds = f", in {coverage.seconds_seen} of {coverage.seconds_total} seconds" if coverage.seconds_total else ""
    early = "" if coverage.stopped_s is None else f"; [yellow]looking ended at {clock(coverage.stopped_s)}[/]"
    return (
        f"{coverage.frames_seen} of {coverage.frames_total} frames{seconds} of {clock(coverage.duration_s)} ({how}); "
        f"longest unseen stretch {coverage.longest_gap_s:.2f} s{early}"
    )


def _tell_findings(decision: Decision) -> None:
    placed = [group for group in grouped(decision.verdict) if group[0][1].score is not None]
    if not placed:
        say("  [green]nothing found[/] by what could be measured")
        return
    say("  found")
    placed.sort(key=lambda group: (-group[0][0].action, min(_begins(each) for _, each in group)))
    told: set[tuple[str, str, object]] = set()
    for group in placed:
        fresh = [pair for pair in group if (pair[0].category, pair[1].signal, pair[1].span) not in told]
        if not fresh:
            continue
        told |= {(finding.category, each.signal, each.span) for finding, each in fresh}
        finding, each = max(fresh, key=lambda pair: pair[1].score or 0.0)
        colour, word = "red" if finding.action is Action.BLOCK else "yellow", finding.remedy or finding.action.word
        say(
            f"    [bold]{_when([one for _, one in fresh])}[/]  [{colour}]{finding.category} → {word}[/]"
            f"{_grade(finding)}  {each.signal} {_sure(each)}{_where(each)} {escape(each.detail)}".rstrip()
        )
    for category, clause in {group[0][0].category: group[0][0].clause for group in placed}.items():
        say(f"    [dim]{category}: {escape(clause)}[/]")


def _tell_consented(decision: Decision) -> None:
    """Known persons whom a consent excuses: no finding, and not to be passed over in silence."""
    for score in decision.measurement.scores:
        if score.signal == CONSENTED and score.value and isinstance(score.span, TimeSpan):
            place = f"{clock(score.span.start_s)} to {clock(score.span.end_s)}"
            say(f"  [green]with consent[/]  {place}  {score.signal} {score.value:.2f}  {escape(score.detail)}")


def _tell_clean(decision: Decision, levels: Mapping[str, float]) -> None:
    """What was measured and stayed below every rule: the strongest score of each, and where rules would begin."""
    found = {
        each.signal for finding in decision.verdict.findings for each in finding.evidence if each.score is not None
    }
    absent = {gap.signal for gap in decision.verdict.unmeasured}
    strongest: dict[str, float] = {}
    for score in decision.measurement.scores:
        if score.signal in levels and score.signal not in found | absent | {CONSENTED}:
            strongest[score.signal] = max(score.value, strongest.get(score.signal, 0.0))
    if not strongest:
        return
    shown = sorted(strongest.items(), key=lambda item: (-item[1] / levels[item[0]], item[0]))
    words = [f"{signal} {value:.2f} (from {levels[signal]:g})" for signal, value in shown[:MAX_SIGNALS]]
    more = f" and {len(shown) - MAX_SIGNALS} more, all lower" if len(shown) > MAX_SIGNALS else ""
    say(f"  below every rule  {', '.join(words)}{more}")


def _begins(evidence: Evidence) -> float:
    return evidence.span.start_s if isinstance(evidence.span, TimeSpan) else 0.0


def _when(group: Sequence[Evidence]) -> str:
    """From when to when; of several places the whole stretch that they lie in, and how many there are."""
    spans = [each.span for each in group if isinstance(each.span, TimeSpan)]
    if not spans:
        return "whole video"
    stretch = f"{clock(min(span.start_s for span in spans))}–{clock(max(span.end_s for span in spans))}"
    return stretch if len(spans) == 1 else f"{stretch} ({len(spans)} places)"


def _sure(evidence: Evidence) -> str:
    strength = f"{evidence.score:.2f}" if evidence.score is not None else "unmeasured"
    at = f", strongest at {clock(_peak(evidence.span))}" if isinstance(evidence.span, TimeSpan) else ""
    return f"{strength} (the rule begins at {evidence.threshold:g}{at})"


def _where(evidence: Evidence) -> str:
    if not isinstance(evidence.span, TimeSpan) or evidence.span.box is None:
        return ""
    left, top, right, bottom = (round(100 * side) for side in evidence.span.box)
    return f", in {left}–{right} % of the width and {top}–{bottom} % of the height"


def _grade(finding: Finding) -> str:
    return f" (severity {finding.severity}, {tier_of(finding.severity)})" if finding.severity else ""


def _peak(span: TimeSpan) -> float:
    return span.start_s if span.peak_s is None else span.peak_s
