"""How much one reviewer looks at, and when to rest: a budget of looks a day, and a break after an hour.

Looks are what the record calls `reveal`: a prompt, a file, a still. Work without a rest of `rest` is one stretch; from
`stretch` on the next look waits until `rest` after the last one. It decides nothing about content.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from safety.database import utc_now
from safety.errors import Conflict
from safety.lookup.desk import DeskReader

DAY = timedelta(hours=24)


@dataclass(frozen=True)
class Budget:
    """What a reviewer is asked to bear at most."""

    looks_a_day: int = 300
    """In 24 hours; 0: no limit."""

    stretch: timedelta = timedelta(minutes=60)
    """Longest work without a rest; 0: no limit."""

    rest: timedelta = timedelta(minutes=10)


@dataclass(frozen=True)
class Standing:
    """Where a reviewer stands."""

    looks: int
    """In the last 24 hours."""

    working_since: datetime | None
    """Begin of the present stretch; None: rested."""

    wait_until: datetime | None
    """No look before; None: go on."""

    why: str = ""


def standing(looks: Sequence[datetime], now: datetime, budget: Budget) -> Standing:
    """Say where a reviewer stands who looked at these times, oldest first."""
    recent = [at for at in looks if now - DAY < at <= now]
    began = None
    for earlier, at in zip([None, *recent], recent, strict=False):
        if earlier is None or at - earlier >= budget.rest:
            began = at
    last = recent[-1] if recent else None
    if last is None or now - last >= budget.rest:
        began = None
    if budget.looks_a_day and len(recent) >= budget.looks_a_day:
        until = recent[-budget.looks_a_day] + DAY
        return Standing(len(recent), began, until, f"{len(recent)} looks in 24 hours are the budget of a day")
    if budget.stretch and began is not None and last is not None and now - began >= budget.stretch:
        minutes = int((now - began).total_seconds() // 60)
        return Standing(len(recent), began, last + budget.rest, f"{minutes} minutes of looking ask for a break")
    return Standing(len(recent), began, None)


class Exposure:
    """Asks the record how much a reviewer looked at."""

    def __init__(self, desk: DeskReader, clock: Callable[[], datetime] = utc_now, budget: Budget | None = None) -> None:
        self._desk = desk
        self._clock = clock
        self._budget = budget or Budget()

    def of(self, reviewer: str) -> Standing:
        """Where a reviewer stands."""
        now = self._clock()
        return standing(self._desk.looks(reviewer, now - DAY), now, self._budget)

    def require(self, reviewer: str) -> None:
        """Refuse another look to whoever needs a rest.

        Raises:
            Conflict: it says until when.
        """
        if (now := self.of(reviewer)).wait_until is not None:
            raise Conflict(f"{now.why}: look at the next one from {now.wait_until:%Y-%m-%d %H:%M} UTC on")
