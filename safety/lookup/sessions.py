"""What a session and a lineage have behind them: refusals, from the record. Scoring them is `safety.session`."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple

from sqlalchemy import Connection, and_, bindparam, exists, func, select

from safety.database import reading
from safety.lookup.record import LedgerReader
from safety.tables import decisions, jobs, releases

MAX_REFUSALS = 64
"""Newest refusals of a session that are looked at: what an hour of trying leaves, and a bound on the work."""

MAX_LINEAGE = 8
"""Steps a lineage is followed back."""

_NEWER = decisions.alias()
_STANDS = and_(decisions.c.action == "block", ~exists().where(_NEWER.c.supersedes == decisions.c.id))
_REFUSALS = (
    select(decisions.c.at, decisions.c.sketch)
    .where(decisions.c.session == bindparam("session"), _STANDS)
    .order_by(decisions.c.entry.desc())
    .limit(MAX_REFUSALS)
)
"""Made once: building it costs more than running it."""


class Refusal(NamedTuple):
    """One refused prompt of a session."""

    at: datetime
    sketch: str


def recent_refusals(record: LedgerReader, session: str) -> Sequence[Refusal]:
    """Return a session's newest refusals that stand, newest first: not those that a reviewer took back.

    Raises:
        DatabaseError: the database is gone.
    """
    with reading(record.engine) as connection:
        return [Refusal(at, sketch or "") for at, sketch in connection.execute(_REFUSALS, {"session": session})]


def refusals_behind(record: LedgerReader, parent: str) -> int:
    """Return how many standing refusals are in the lineage of a Job, a Release or a Decision, itself included.

    A refused *text* is no ancestor: rewording what was refused is what `session.probing` looks at, and a rewrite that
    the gate itself proposed starts from a refusal. So of a Decision only what it was derived from counts.

    Raises:
        DatabaseError: the database is gone.
    """
    refusals, seen, at = 0, set[str](), parent
    with reading(record.engine) as connection:
        for _ in range(MAX_LINEAGE):
            if not at or at in seen:
                break
            seen.add(at)
            refused, at = _step(connection, at)
            refusals += refused
    return refusals


def _step(connection: Connection, id_: str) -> tuple[int, str]:
    """Return the refusals at this ancestor, and what it was derived from."""
    text = connection.execute(select(decisions.c.parent).where(decisions.c.id == id_)).one_or_none()
    if text is not None:
        return 0, text.parent or ""
    release = connection.execute(select(releases.c.job).where(releases.c.id == id_)).one_or_none()
    if release is not None:
        return 0, release.job or ""
    parents = select(decisions.c.parent).where(decisions.c.job == id_, decisions.c.parent.is_not(None))
    parent = connection.execute(select(jobs.c.parent).where(jobs.c.id == id_)).scalar()
    parent = parent or connection.execute(parents.order_by(decisions.c.entry.desc()).limit(1)).scalar()
    refused = select(func.count()).where(decisions.c.job == id_, _STANDS)
    return int(connection.execute(refused).scalar_one()), parent or ""
