"""How the command line speaks: JSON alone on stdout, everything for people on stderr, one exit code per outcome."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from enum import IntEnum
from typing import Any

from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from safety.advice import would_pass
from safety.domain import Action, Decision, Finding, JobStatus, Span, TextSpan, Unmeasured, Verdict
from safety.severity import gravest, tier_of

people = Console(stderr=True, highlight=False)
"""Where people read."""


class Exit(IntEnum):
    """Exit codes: stable, documented in README."""

    DONE = 0
    COULD_NOT = 1
    USAGE = 2
    REFUSED = 3
    HELD = 4


BY_ACTION = {Action.ALLOW: Exit.DONE, Action.REVIEW: Exit.HELD, Action.BLOCK: Exit.REFUSED}

BY_STATUS = {JobStatus.RELEASED: Exit.DONE, JobStatus.HELD: Exit.HELD, JobStatus.REFUSED: Exit.REFUSED}

LOCAL = "local"
"""Requester of what the command line does itself."""

MAX_EVIDENCE = 3
"""Pieces of evidence shown to a person for one category; `--json` has all."""

MAX_SIGNALS = 4
"""Unmeasured signals named for one reason; `--json` has all."""


def print_json(value: Mapping[str, Any]) -> None:
    """Print one JSON object on one line of stdout."""
    sys.stdout.write(json.dumps(value, ensure_ascii=False, separators=(",", ":")) + "\n")
    sys.stdout.flush()


def say(text: str) -> None:
    """Print a line for people."""
    people.print(text, soft_wrap=not people.is_terminal)  # a file or a pipe gets whole lines


def headline(decision: Decision) -> str:
    """What was decided, in one line."""
    colour = {Action.ALLOW: "green", Action.REVIEW: "yellow", Action.BLOCK: "red"}[decision.verdict.action]
    word = {Action.ALLOW: "allowed", Action.REVIEW: "held for review", Action.BLOCK: "refused"}
    return (
        f"[bold {colour}]{word[decision.verdict.action]}[/] at {decision.checkpoint}"
        f"{_grade(decision.verdict.severity)} · decision {decision.id}"
    )


def explain(decision: Decision) -> None:
    """Tell a person what was decided, why, and what to do about it."""
    say(headline(decision))
    measured = [each for each in decision.verdict.findings if any(one.score is not None for one in each.evidence)]
    for category, findings in _by_category(measured).items():
        grade = _grade(gravest(findings[0].action, findings))
        word = findings[0].remedy or findings[0].action.word
        say(f"  [bold]{category}[/] → {word}{grade}: {escape(findings[0].clause)}")
        evidence = {each: None for finding in findings for each in finding.evidence}
        for each in list(evidence)[:MAX_EVIDENCE]:
            seen = "unmeasured" if each.score is None else f"{each.score:.2f}"
            place = f"{_place(each.span)} {escape(each.detail)}".rstrip()
            say(f"    {each.signal} {seen} (threshold {each.threshold:g}){place}")
    if measured:
        _say_what_moved(decision.verdict)
        _say_what_would_pass(decision.verdict)
    elif decision.verdict.findings:
        say("  nothing harmful was found, but not all that the policy asks for could be measured:")
    if decision.verdict.action is Action.ALLOW and decision.verdict.conditions:
        say(f"  to be shown only with: {', '.join(decision.verdict.conditions)}")
    coverage = decision.measurement.coverage
    if coverage is not None:
        say(
            f"  looked at {coverage.frames_seen} of {coverage.frames_total} frames; "
            f"longest unseen stretch {coverage.longest_gap_s:.2f} s"
        )
    for reason, signals in by_reason(decision.verdict.unmeasured).items():
        more = f" and {len(signals) - MAX_SIGNALS} more" if len(signals) > MAX_SIGNALS else ""
        say(f"  [dim]unmeasured: {', '.join(signals[:MAX_SIGNALS])}{more}: {escape(reason)}[/]")
    if decision.verdict.action is Action.REVIEW:
        say(f"  next: framegate review decide {decision.id} --allow|--refuse --reason …")
    if decision.verdict.action is Action.BLOCK:
        say(f"  to appeal, quote decision {decision.id}")


def show_rewrite(text: str, offered: Mapping[str, Any] | None) -> None:
    """Show an offered rewrite as a diff, or say that there is none."""
    if offered is None:
        say("no rewrite is offered")
        return
    say(f"[bold]would pass[/] · decision {offered['decision']}; send it as a prompt of your own if you want it")
    say(f"  [red]- {escape(text)}[/]")
    say(f"  [green]+ {escape(offered['text'])}[/]")


def _grade(severity: int | None) -> str:
    """The severity with its tier; nothing where all is well or nobody can say."""
    return f" · severity {severity} ({tier_of(severity)})" if severity else ""


def _say_what_moved(verdict: Verdict) -> None:
    for each in verdict.modifiers:
        way = "stricter" if each.shift < 0 else "more lenient"
        places = "".join(_place(evidence.span) for evidence in each.evidence)
        unmeasured = " (unmeasured, so it counts)" if any(evidence.score is None for evidence in each.evidence) else ""
        say(f"  [dim]{way} for {', '.join(each.categories)}: {escape(each.id)}{places}{unmeasured}[/]")


def _say_what_would_pass(verdict: Verdict) -> None:
    for advice in would_pass(verdict):
        if advice.text:
            say(f"  would pass ({advice.category}): {escape(advice.text)}")
        for change in advice.changes[:MAX_EVIDENCE]:
            say(f"    change the {change.what}{_place(change.span)}")
        if advice.without:
            say(f"    or the same without {escape(' and '.join(advice.without))}")


def by_reason(gaps: Sequence[Unmeasured]) -> dict[str, list[str]]:
    """Unmeasured signals by the reason that they share."""
    groups: dict[str, list[str]] = {}
    for gap in gaps:
        groups.setdefault(gap.reason, []).append(gap.signal)
    return groups


def _by_category(findings: Sequence[Finding]) -> dict[str, list[Finding]]:
    """Findings by category, strictest first, without those that only repeat a stricter one of the same signals."""
    groups: dict[str, list[Finding]] = {}
    for finding in findings:
        group = groups.setdefault(finding.category, [])
        if not group or finding.action is group[0].action:
            group.append(finding)
    return groups


def _place(span: Span | None) -> str:
    if span is None:
        return ""
    if isinstance(span, TextSpan):
        scene = "" if span.scene is None else f" of scene {span.scene}"
        return f" at characters {span.start}–{span.end}{scene}"
    return f" at {span.start_s:.1f}–{span.end_s:.1f} s"


@contextmanager
def progress_bar() -> Iterator[Callable[[int, int], None]]:
    """A progress bar for people."""
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=people, transient=True) as bar:
        task = bar.add_task("measuring", total=None)
        yield lambda done, total: bar.update(task, completed=done, total=total)
