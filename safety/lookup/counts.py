"""How many Decisions there were, over time and by what: read from hourly tallies, so a million cost what a page costs.

The tallies are kept by `safety.lookup.search`. An hour is the smallest step.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum

from sqlalchemy import Engine, func, select

from safety.database import reading
from safety.domain import Action
from safety.tables import search_tallies


class By(StrEnum):
    """What is counted apart."""

    ALL = "all"
    CHECKPOINT = "checkpoint"
    CATEGORY = "category"
    POLICY = "policy"
    ACTOR = "actor"


class Every(StrEnum):
    """How long a step is. Weeks begin on Monday, all in UTC."""

    HOUR = "hour"
    DAY = "day"
    WEEK = "week"
    MONTH = "month"
    EVER = "ever"


@dataclass(frozen=True)
class Count:
    """The Decisions of one step and one value."""

    at: datetime | None
    """When the step begins; None: all of them."""

    value: str
    """A checkpoint, a category, a policy's digest, a reviewer's id or `policy`; empty for `all`."""

    actions: dict[str, int]
    """Word of an Action -> Decisions."""

    @property
    def total(self) -> int:
        """All of them."""
        return sum(self.actions.values())

    def rate(self, action: Action) -> float:
        """Return the share of this Action, 0 to 1."""
        return self.actions.get(action.word, 0) / self.total if self.total else 0.0


def count(
    engine: Engine, by: By, every: Every, *, since: datetime | None = None, until: datetime | None = None
) -> list[Count]:
    """Return counts, the oldest step first; `since` and `until` are taken to the hour below.

    A Decision with findings of two categories is counted under both. Decisions that the index does not have yet are not
    counted: see `Search.catch_up`.

    Raises:
        DatabaseError: the database is gone.
    """
    t = search_tallies.c
    query = select(t.hour, t.value, t.action, t.decisions).where(t.dimension == by.value)
    if every is Every.EVER:
        query = select(func.min(t.hour), t.value, t.action, func.sum(t.decisions)).where(t.dimension == by.value)
        query = query.group_by(t.value, t.action)
    if since is not None:
        query = query.where(t.hour >= _hour(since))
    if until is not None:
        query = query.where(t.hour < _hour(until))
    found: defaultdict[tuple[datetime | None, str], dict[str, int]] = defaultdict(dict)
    with reading(engine) as connection:
        for hour, value, action, decisions in connection.execute(query):
            actions = found[STEPS[every](hour), value]
            actions[action] = actions.get(action, 0) + int(decisions)
    ordered = sorted(found.items(), key=lambda each: (each[0][0] or LONG_AGO, each[0][1]))
    return [Count(at, value, actions) for (at, value), actions in ordered]


LONG_AGO = datetime(1970, 1, 1, tzinfo=UTC)


def _hour(at: datetime) -> datetime:
    return at.astimezone(UTC).replace(minute=0, second=0, microsecond=0)


STEPS: dict[Every, Callable[[datetime], datetime | None]] = {
    Every.HOUR: _hour,
    Every.DAY: lambda hour: hour.replace(hour=0),
    Every.WEEK: lambda hour: hour.replace(hour=0) - timedelta(days=hour.weekday()),
    Every.MONTH: lambda hour: hour.replace(hour=0, day=1),
    Every.EVER: lambda _: None,
}
"""The beginning of the step that an hour belongs to."""
