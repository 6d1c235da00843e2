"""Finds Decisions by anything that is recorded about them, a page at a time, newest first.

    entries ──catch_up──▶ words, panels of classifiers, hourly tallies ──▶ where to look ──▶ Decisions, from the entries

The index follows the ledger: whoever asks brings it up to date first, workers do so every minute. It says only where
to look; a row that somebody removed from it hides a Decision here and nowhere else, and `rebuild` brings it back.
Counts are `safety.lookup.counts`.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import (
    Column,
    ColumnElement,
    Connection,
    Engine,
    FromClause,
    Select,
    and_,
    delete,
    insert,
    select,
    update,
)
from sqlalchemy.dialects import postgresql, sqlite

from safety.database import insert_unless_there, reading, writing
from safety.domain import Action, Checkpoint, Decision
from safety.errors import InvalidContent, LedgerError, NotFound
from safety.indexes import INDEXES
from safety.lookup.conditions import conditions_of
from safety.projections import DECISION
from safety.records import decision_from_record, decode, time_from_text
from safety.tables import (
    decisions,
    entries,
    findings,
    search_panel_entries,
    search_panels,
    search_state,
    search_tallies,
    search_words,
)
from safety.words import words_of

CHUNK = 1000
"""Entries taken into the index in one transaction: on SQLite appends wait for it, some tens of milliseconds."""

CATCH_UP = 20_000
"""Entries that a question waits for; what is further behind is left to the workers and said in the answer."""

MAX_PAGE = 1000


@dataclass(frozen=True)
class Question:
    """What a Decision must meet; None asks for nothing."""

    id: str | None = None
    job: str | None = None
    checkpoint: Checkpoint | None = None
    action: Action | None = None
    category: str | None = None
    subject: str | None = None
    policy: str | None = None
    actor: str | None = None
    """Id of the reviewer or admin who decided."""

    classifier: str | None = None
    """`NAME` or `NAME@VERSION`; a version may be cut short."""

    words: str | None = None
    """Words that the reason holds, all of them, in any order; one that ends in `*` begins a word."""

    since: datetime | None = None
    until: datetime | None = None


class Search:
    """Answers Questions and keeps the index; safe to use from several threads and processes."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def page(self, question: Question, *, after: str | None = None, limit: int = 50) -> list[Decision]:
        """Return up to `limit` (1 to 1000) Decisions, newest first; `after`: id of the last one of the page before.

        Raises:
            NotFound: no decision has the id `after`.
            LedgerError: a page cannot have so many rows.
            InvalidContent: the words have no letter, or there are too many.
        """
        if not 1 <= limit <= MAX_PAGE:
            raise LedgerError(f"a page has 1 to {MAX_PAGE} rows, not {limit}")
        if question.words is not None or question.classifier is not None:
            self.catch_up(CATCH_UP)
        with reading(self._engine) as connection:
            before = None if after is None else _entry_of(connection, after)
            found = connection.execute(_places(connection, question, before).limit(limit)).scalars().all()
            bodies = select(entries.c.position, entries.c.body).where(entries.c.position.in_(found))
            at = dict(map(tuple, connection.execute(bodies)))
        return [decision_from_record(decode(at[position])[1]) for position in found]

    def behind(self) -> int:
        """Return how many entries the index does not have yet."""
        with reading(self._engine) as connection:
            known = connection.execute(select(search_state.c.position)).scalar_one()
            newest = connection.execute(
                select(entries.c.position).order_by(entries.c.position.desc()).limit(1)
            ).scalar()
        return 0 if newest is None else max(0, newest + 1 - known)

    def catch_up(self, most: int | None = None) -> int:
        """Take new entries into the index, at most so many, and return how many that were."""
        done = 0
        while most is None or done < most:
            if not self.behind():
                break
            with writing(self._engine) as connection:
                taken = _take(connection)
            done += taken
            if taken == 0:
                break
        return done

    def rebuild(self) -> int:
        """Throw the index away and build it again; return how many entries it holds."""
        with writing(self._engine) as connection:
            connection.execute(update(search_state).values(position=0))  # first: whoever takes entries in waits for it
            for table in INDEXES:
                if table is not search_state:
                    connection.execute(delete(table))
        return self.catch_up()


def _places(connection: Connection, question: Question, before: int | None) -> Select[Any]:
    """A query for entries, newest first, read in the order of the index that narrows it most."""
    asked = {name: value for name, value in vars(question).items() if name not in _OWN and value is not None}
    place: ColumnElement[int] = decisions.c.entry
    source: FromClause = decisions
    conditions: list[ColumnElement[bool]] = []
    for number, word in enumerate(_terms(question.words)):
        found = search_words.alias(f"word_{number}")
        source = source.join(found, found.c.entry == decisions.c.entry)
        conditions.append(_matches(found.c.word, word))
        place = found.c.entry
    if question.classifier is not None:
        panels = _panels(connection, question.classifier)
        source = source.join(search_panel_entries, search_panel_entries.c.entry == decisions.c.entry)
        conditions.append(search_panel_entries.c.panel.in_(panels))
        place = search_panel_entries.c.entry
    elif question.category is not None and question.words is None:
        # Rows of findings lie by category and entry: a rare category is found without reading what lies between.
        source = source.join(findings, findings.c.entry == decisions.c.entry)
        conditions.append(findings.c.category == asked.pop("category"))
        place = findings.c.entry
    conditions += conditions_of(**asked)
    if question.id is not None:
        conditions.append(decisions.c.id == question.id)
    if question.actor is not None:
        conditions += [decisions.c.actor == question.actor, decisions.c.actor_kind != "policy"]
    if before is not None:
        conditions.append(place < before)
    return select(place).select_from(source).where(*conditions).distinct().order_by(place.desc())


_OWN = ("id", "actor", "classifier", "words")
"""Fields that are no condition of `conditions_of`."""


def _terms(words: str | None) -> list[str]:
    """The words that are looked for; one with a star at its end only begins like that."""
    if words is None:
        return []
    terms: list[str] = []
    for each in words.split():
        found = words_of(each.rstrip("*"))
        terms += [f"{word}*" if each.endswith("*") and word == found[-1] else word for word in found]
    if not terms:
        raise InvalidContent("the words to look for hold no letter and no digit")
    if len(terms) > MOST_TERMS:
        raise InvalidContent(f"{len(terms)} words are looked for at once; at most {MOST_TERMS} can be")
    return terms


MOST_TERMS = 8
"""Words of one question: each is a join."""


def _matches(column: Column[str], term: str) -> ColumnElement[bool]:
    if not term.endswith("*"):
        return column == term
    start = term[:-1]
    return and_(column >= start, column < start + LAST)


LAST = "\U0010ffff"
"""Sorts behind every character that a word can hold."""


def _panels(connection: Connection, classifier: str) -> list[str]:
    """The panels that a classifier, or a version of it, sat on."""
    name, _, version = classifier.partition("@")
    query = select(search_panels.c.panel).where(search_panels.c.name == name).distinct()
    if version:
        query = query.where(search_panels.c.version.startswith(version, autoescape=True))
    return list(connection.execute(query).scalars())


def _entry_of(connection: Connection, id_: str) -> int:
    found = connection.execute(select(decisions.c.entry).where(decisions.c.id == id_)).scalar()
    if found is None:
        raise NotFound(f"no entry {id_!r} to continue after")
    return int(found)


def _take(connection: Connection) -> int:
    """Take the next chunk of entries into the index, inside a transaction; return how many."""
    state = select(search_state.c.position).with_for_update()
    start = connection.execute(state).scalar_one()
    # Every position is read, of other kinds too: entries have no gap, so the next chunk begins behind the last one.
    query = select(entries.c.position, entries.c.kind, entries.c.body).where(entries.c.position >= start)
    rows = connection.execute(query.order_by(entries.c.position).limit(CHUNK)).all()
    words: list[dict[str, Any]] = []
    panels: dict[tuple[str, str, str], None] = {}
    sat: list[dict[str, Any]] = []
    tallies: Counter[tuple[str, datetime, str, str]] = Counter()
    for position, kind, body in rows:
        if kind != DECISION:
            continue
        record = decode(body)[1]
        words += [{"word": word, "entry": position} for word in words_of(record["reason"])]
        asked = sorted((name, version) for name, version in record["measurement"]["classifiers"])
        panel = hashlib.sha256(repr(asked).encode()).hexdigest()[:32]
        panels |= dict.fromkeys((name, version, panel) for name, version in asked)
        sat.append({"panel": panel, "entry": position})
        tallies.update(tallied(record))
    for name, version, panel in panels:
        insert_unless_there(connection, search_panels, {"name": name, "version": version, "panel": panel})
    for table, values in ((search_words, words), (search_panel_entries, sat)):
        if values:
            connection.execute(insert(table), values)
    _add(connection, tallies)
    connection.execute(update(search_state).values(position=start + len(rows)))
    return len(rows)


def tallied(record: Mapping[str, Any]) -> Iterator[tuple[str, datetime, str, str]]:
    """Yield under what a Decision's record is counted: dimension, hour, value, action."""
    hour = time_from_text(record["at"]).replace(minute=0, second=0, microsecond=0)
    verdict, actor = record["verdict"], record["actor"]
    action = verdict["action"]
    yield "all", hour, "", action
    yield "checkpoint", hour, record["checkpoint"], action
    yield "policy", hour, verdict["policy"], action
    yield "actor", hour, "policy" if actor["kind"] == "policy" else actor["id"], action
    for category in sorted({finding["category"] for finding in verdict["findings"]}):
        yield "category", hour, category, action


def _add(connection: Connection, tallies: Mapping[tuple[str, datetime, str, str], int]) -> None:
    kind = postgresql if connection.dialect.name == "postgresql" else sqlite
    values = [
        {"dimension": dimension, "hour": hour, "value": value, "action": action, "decisions": count}
        for (dimension, hour, value, action), count in sorted(tallies.items())
    ]
    if values:
        new = kind.insert(search_tallies)
        key = [column.name for column in search_tallies.primary_key.columns]
        more = search_tallies.c.decisions + new.excluded.decisions
        connection.execute(new.on_conflict_do_update(index_elements=key, set_={"decisions": more}), values)
