"""Counts what a transparency report tells about a period: volumes, automation, categories, appeals, errors, delays.

One walk over the decisions of the period, one over the appeals; memory holds what waits for a person and nothing else
that grows. What is counted follows the Santa Clara Principles 2.0 (numbers, notice, appeal) and Article 15 of the DSA
(automated means with indicators of their accuracy, complaints, median times). It judges nothing and names nobody:
drawing and words are `safety.exports.transparency_page`.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from safety.admission import OPEN
from safety.domain import Action, Decision
from safety.exports.decision_rows import COLUMNS, Row, row_of
from safety.figures import Share
from safety.lookup.desk import SAMPLE, DeskReader
from safety.lookup.events import count_by_kind, events
from safety.lookup.record import LedgerReader
from safety.lookup.selection import Selection, selected
from safety.projections import APPEAL
from safety.records import time_from_text

Progress = Callable[[int, int], None]

AT, CHECKPOINT, ACTION, CATEGORIES, UNMEASURED, POLICY, ACTOR_KIND, CODE, SUPERSEDES = (
    [name for name, _ in COLUMNS].index(name)
    for name in ("at", "checkpoint", "action", "categories", "unmeasured", "policy", "actor_kind", "code", "supersedes")
)


@dataclass
class Tally:
    """Counts of a period."""

    since: datetime
    until: datetime
    decisions: Counter[tuple[str, str]] = field(default_factory=Counter)
    """(checkpoint, action) of what policies decided."""

    months: dict[str, Counter[str]] = field(default_factory=dict)
    """`2026-01` -> actions of what policies decided."""

    categories: dict[str, Counter[str]] = field(default_factory=dict)
    """Category -> actions of policies, `kept` and `released` by reviewers, `appealed`, `overturned`."""

    policies: Counter[str] = field(default_factory=Counter)
    unmeasured: Counter[str] = field(default_factory=Counter)
    """Signal -> decisions of policies in which nobody could measure it."""

    with_unmeasured: Counter[str] = field(default_factory=Counter)
    """Action -> decisions of policies with something unmeasured."""

    reviews: Counter[str] = field(default_factory=Counter)
    """`allow`, `block`, and `undone`."""

    codes: Counter[str] = field(default_factory=Counter)
    review_hours: list[float] = field(default_factory=list)
    appeals: Counter[str] = field(default_factory=Counter)
    """`filed`, `upheld`, `overturned`, `withdrawn`, `late` in the period; `open`, `overdue` at its end."""

    appeal_hours: list[float] = field(default_factory=list)
    waiting: int = 0
    """Holds of the period that nobody had decided at its end."""

    samples: Counter[bool] = field(default_factory=Counter)
    """Of sampled content that policies allowed, what a person would have allowed, and refused."""

    entries: dict[str, int] = field(default_factory=dict)


def tally(reader: LedgerReader, since: datetime, until: datetime, progress: Progress | None = None) -> Tally:
    """Count what happened `since <= at < until`.

    Raises:
        Conflict: the period ends before it begins or names no zone.
        DatabaseError, LedgerError: the record cannot be read.
    """
    made, end = Tally(since, until), reader.size()
    held: dict[str, Row] = {}
    for page in selected(reader.engine, Selection(since=since, until=until), end=end):
        for each in page:
            row = row_of(each)
            if row[ACTOR_KIND] == "policy":
                _count_policy(made, row)
                held.pop(row[SUPERSEDES] or "", None)  # redacted and judged again: it waits for nobody
                if row[ACTION] == Action.REVIEW.word:
                    held[row[1]] = row
            else:
                _count_person(made, reader, held, row)
        if progress is not None:
            progress(page[-1].position + 1, end)
    made.waiting = len(held)
    _count_appeals(made, reader)
    made.samples.update(each.allow for each in DeskReader(reader.engine).opinions(SAMPLE, since=since, until=until))
    made.entries = count_by_kind(reader.engine, since, until)
    return made


def _count_policy(made: Tally, row: Row) -> None:
    action = row[ACTION]
    made.decisions[row[CHECKPOINT], action] += 1
    made.months.setdefault(row[AT][:7], Counter())[action] += 1
    made.policies[row[POLICY]] += 1
    for category in row[CATEGORIES]:
        made.categories.setdefault(category, Counter())[action] += 1
    if row[UNMEASURED]:
        made.with_unmeasured[action] += 1
        made.unmeasured.update(row[UNMEASURED])


def _count_person(made: Tally, reader: LedgerReader, held: dict[str, Row], row: Row) -> None:
    if row[ACTION] == Action.REVIEW.word:
        made.reviews["undone"] += 1
        held[row[1]] = row
        return
    before = held.pop(row[SUPERSEDES], None)
    if before is None:  # it was held before the period, or an appeal overturned what was no hold
        replaced = reader.decision(row[SUPERSEDES] or "")
        if replaced is None or replaced.verdict.action is not Action.REVIEW:
            return
        began = replaced.at
    else:
        began = time_from_text(before[AT])
    made.reviews[row[ACTION]] += 1
    made.codes[row[CODE] or "other"] += 1
    made.review_hours.append(_hours(began, time_from_text(row[AT])))
    for category in row[CATEGORIES]:
        word = "released" if row[ACTION] == Action.ALLOW.word else "kept"
        made.categories.setdefault(category, Counter())[word] += 1


def _count_appeals(made: Tally, reader: LedgerReader) -> None:
    opened: dict[str, tuple[datetime, datetime, str]] = {}
    for event in events(reader.engine, APPEAL, made.until):
        at, inside = time_from_text(event["at"]), time_from_text(event["at"]) >= made.since
        if event["state"] == OPEN:
            opened[event["appeal"]] = at, time_from_text(event["due"]), event["decision"]
            if inside:
                made.appeals["filed"] += 1
                _count_in_categories(made, reader.decision(event["decision"]), "appealed")
            continue
        known = opened.pop(event["appeal"], None)
        if known is None or not inside:  # a clock that was set back can put an answer before its appeal
            continue
        began, due, decision = known
        made.appeals[event["state"]] += 1
        if event["state"] != "withdrawn":
            made.appeal_hours.append(_hours(began, at))
            made.appeals["late"] += at > due
        if event["state"] == "overturned":
            _count_in_categories(made, reader.decision(decision), "overturned")
    made.appeals["open"] = len(opened)
    made.appeals["overdue"] = sum(due < made.until for _, due, _ in opened.values())


def _count_in_categories(made: Tally, decision: Decision | None, word: str) -> None:
    for category in {each.category for each in decision.verdict.findings} if decision is not None else ():
        made.categories.setdefault(category, Counter())[word] += 1


def report_of(made: Tally) -> dict[str, Any]:
    """Return the figures of a report, each share with k, n and its 95 % Wilson interval, as JSON."""
    actions = [action.word for action in Action]
    total = {action: sum(n for (_, what), n in made.decisions.items() if what == action) for action in actions}
    judged = sum(total.values())
    reviewed = made.reviews["allow"] + made.reviews["block"]
    answered = made.appeals["upheld"] + made.appeals["overturned"]
    return {
        "period": {"since": made.since.isoformat(), "until": made.until.isoformat()},
        "decisions": {
            "total": judged,
            **total,
            "by_checkpoint": {
                checkpoint: {action: made.decisions[checkpoint, action] for action in actions}
                for checkpoint in sorted({checkpoint for checkpoint, _ in made.decisions})
            },
            "by_month": {
                month: {action: made.months[month][action] for action in actions} for month in sorted(made.months)
            },
        },
        "automation": {
            "decided_by_policy_alone": _share(judged - total["review"], judged),
            "held_for_a_person": _share(total["review"], judged),
            "waiting_at_the_end": made.waiting,
        },
        "categories": {
            name: {word: counts[word] for word in (*actions, "kept", "released", "appealed", "overturned")}
            for name, counts in sorted(made.categories.items())
        },
        "reviews": {
            "decided": reviewed,
            "refused": made.reviews["block"],
            "released": made.reviews["allow"],
            "undone": made.reviews["undone"],
            "reason_codes": dict(sorted(made.codes.items())),
            "hours": _times(made.review_hours),
        },
        "appeals": {
            **{name: made.appeals[name] for name in ("filed", "upheld", "overturned", "withdrawn", "open", "overdue")},
            "answered_late": made.appeals["late"],
            "overturn_rate": _share(made.appeals["overturned"], answered),
            "hours": _times(made.appeal_hours),
        },
        "accuracy": {
            "holds_that_people_confirmed": _share(made.reviews["block"], reviewed),
            "sampled_allowed_that_people_would_refuse": _share(made.samples[False], made.samples.total()),
            "refusals_that_appeals_overturned": _share(made.appeals["overturned"], answered),
        },
        "unmeasured": {
            "decisions": _share(sum(made.with_unmeasured.values()), judged),
            "by_action": {action: made.with_unmeasured[action] for action in actions},
            "by_signal": dict(made.unmeasured.most_common()),
        },
        "policies": dict(made.policies.most_common()),
        "record": dict(sorted(made.entries.items())),
    }


def _share(k: int, n: int) -> dict[str, Any]:
    share = Share(k, n)
    low, high = share.interval
    return {"k": k, "n": n, "value": share.value, "interval": [low, high] if n else None}


def _times(hours: list[float]) -> dict[str, float | int | None]:
    """Median, 90th percentile and longest: nearest rank, so each is a time that really occurred."""
    ordered = sorted(hours)
    return {
        "n": len(ordered),
        "median": _rank(ordered, 50),
        "p90": _rank(ordered, 90),
        "longest": ordered[-1] if ordered else None,
    }


def _rank(ordered: list[float], percent: int) -> float | None:
    return ordered[max(0, math.ceil(len(ordered) * percent / 100) - 1)] if ordered else None


def _hours(began: datetime, ended: datetime) -> float:
    """A clock that jumped back gives no negative time."""
    return max(0.0, (ended - began).total_seconds() / 3600)
