"""Reads appeals from the record: where one stands, which wait, which were overturned. Writes nothing."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Engine, exists, select

from safety.database import reading
from safety.errors import NotFound
from safety.records import Record, decode, time_from_text
from safety.tables import appeals, entries


@dataclass(frozen=True)
class Appeal:
    """A request to have a Decision looked at again, and where it stands."""

    id: str
    decision: str
    state: str
    """`open`, `upheld` (the decision stands), `overturned` or `withdrawn`."""

    by: str
    """Who appealed."""

    reason: str
    at: datetime
    due: datetime
    """By when it has to be answered."""

    answered_by: str = ""
    answer: str = ""
    code: str = ""
    answered_at: datetime | None = None
    replacement: str | None = None
    """Id of the Decision that an overturned one was replaced by."""


class AppealReader:
    """Reads appeals; safe to use from several threads."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def get(self, id_: str) -> Appeal:
        """Return one appeal.

        Raises:
            NotFound: there is none with this id.
        """
        query = select(entries.c.body).join(appeals, appeals.c.entry == entries.c.position)
        with reading(self._engine) as connection:
            rows = connection.execute(query.where(appeals.c.appeal == id_).order_by(appeals.c.entry)).scalars()
            events = [decode(body)[1] for body in rows]
        if not events:
            raise NotFound(f"no appeal has the id {id_}")
        return _appeal(events)

    def list(self, state: str | None = None, *, decision: str | None = None, limit: int = 200) -> list[Appeal]:
        """Return up to `limit` appeals, oldest event first: those in a state, and about a decision."""
        newer = appeals.alias()
        query = select(appeals.c.appeal).where(
            ~exists().where(newer.c.appeal == appeals.c.appeal, newer.c.entry > appeals.c.entry)
        )
        if state is not None:
            query = query.where(appeals.c.state == state)
        if decision is not None:
            query = query.where(appeals.c.decision == decision)
        with reading(self._engine) as connection:
            ids = list(connection.execute(query.order_by(appeals.c.entry).limit(limit)).scalars())
        return [self.get(id_) for id_ in ids]

    def overturned(self) -> Iterator[Appeal]:
        """Yield every overturned appeal, oldest first."""
        position = -1
        query = select(appeals.c.entry, appeals.c.appeal).where(appeals.c.state == "overturned").limit(500)
        while True:
            with reading(self._engine) as connection:
                page = connection.execute(query.where(appeals.c.entry > position).order_by(appeals.c.entry)).all()
            for position, id_ in page:  # noqa: B007 - the last one is where the next page begins
                yield self.get(id_)
            if not page:
                return


def _appeal(events: list[Record]) -> Appeal:
    opened, last = events[0], events[-1]
    answered = last is not opened
    return Appeal(
        id=opened["appeal"],
        decision=opened["decision"],
        state=last["state"],
        by=opened["actor"],
        reason=opened["reason"],
        at=time_from_text(opened["at"]),
        due=time_from_text(opened["due"]),
        answered_by=last["actor"] if answered else "",
        answer=last["reason"] if answered else "",
        code=last.get("code", "") if answered else "",
        answered_at=time_from_text(last["at"]) if answered else None,
        replacement=last.get("replacement") if answered else None,
    )
