"""Fetches what the ledger's writer has to know about a group of appends: what is there already, and how it stands.

What of it is a reason to refuse is `safety.admission`. Writes nothing.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from sqlalchemy import Column, Connection, Select, select

from safety.admission import AppealState, Facts, Ruling
from safety.policy_states import States, Step
from safety.projections import APPEAL, DECISION, POLICY_STATE, RELEASE, WITHDRAWAL
from safety.tables import appeals, decisions, entries, policy_states, releases, withdrawals

IDS_PER_QUERY = 500
"""Ids asked for at once: far below SQLite's limit of 32 766 parameters."""


def stored_bodies(connection: Connection, ids: Iterable[str]) -> dict[str, bytes]:
    """Return id -> canonical bytes of those entries that exist."""
    return dict(_where_in(connection, select(entries.c.id, entries.c.body), entries.c.id, ids))


def facts_about(connection: Connection, records: Sequence[tuple[str, Mapping[str, Any]]]) -> Facts:
    """Return what is recorded about everything that these (kind, record) pairs mention."""
    mentioned: set[str] = set()
    watermarks: set[str] = set()
    appealed: set[str] = set()
    released: set[str] = set()
    for kind, record in records:
        if kind == DECISION and record["supersedes"] is not None:
            mentioned.add(record["supersedes"])
        elif kind == RELEASE:
            mentioned.update(record["decisions"])
            watermarks.add(record["watermark"])
        elif kind == APPEAL:
            appealed.add(record["decision"])
        elif kind == WITHDRAWAL:
            released.add(record["release"])
    mentioned |= appealed
    a = appeals.c
    d = decisions.c
    w = withdrawals.c
    return Facts(
        decisions={
            id_: Ruling(*ruling)
            for id_, *ruling in _where_in(
                connection, select(d.id, d.action, d.checkpoint, d.job, d.actor), d.id, mentioned
            )
        },
        superseded={id_ for (id_,) in _where_in(connection, select(d.supersedes), d.supersedes, mentioned)},
        watermarks={
            mark for (mark,) in _where_in(connection, select(releases.c.watermark), releases.c.watermark, watermarks)
        },
        appeals={
            appeal: AppealState(appeal, decision, state)
            for appeal, decision, state in _where_in(
                connection, select(a.appeal, a.decision, a.state).order_by(a.entry), a.decision, appealed
            )
        },
        releases={
            **{id_: "" for (id_,) in _where_in(connection, select(releases.c.id), releases.c.id, released)},
            **dict(_where_in(connection, select(w.release, w.state).order_by(w.entry), w.release, released)),
        },
        policies=states_in(connection) if any(kind == POLICY_STATE for kind, _ in records) else States(),
    )


def states_in(connection: Connection) -> States:
    """Return where every registered policy stands."""
    return States.fold(Step(*row) for row in connection.execute(select(policy_states).order_by(policy_states.c.entry)))


def _where_in(
    connection: Connection, query: Select[Any], column: Column[str], values: Iterable[str]
) -> Iterator[tuple[Any, ...]]:
    ordered = sorted(values)
    for start in range(0, len(ordered), IDS_PER_QUERY):
        for row in connection.execute(query.where(column.in_(ordered[start : start + IDS_PER_QUERY]))):
            yield tuple(row)
