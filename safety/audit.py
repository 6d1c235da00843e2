"""Proves that the record was not rewritten: recomputes everything the ledger claims and names what does not hold.

    entry bytes ─▶ leaf ─▶ tree ─▶ root at every signed checkpoint and at the signed head
        └──────▶ derived rows, compared with what stands in decisions, findings, scores and releases

One snapshot, in batches: memory does not grow with the ledger, and appends go on meanwhile. Needs the public key only.
Whoever can write the database and owns an old copy of it can put the whole copy back: only a checkpoint that was kept
elsewhere shows that, so pass those as `notes`. Appending is `safety.ledger`.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from sqlalchemy import Connection, Engine, select

from safety.checkpoints import LogPublicKey, TreeHead, verify_checkpoint
from safety.database import reading
from safety.errors import LedgerError
from safety.ledger import HEAD_EXTENSION
from safety.lookup.record import Entry
from safety.merkle import Frontier, leaf_hash
from safety.projections import COLUMNS, Row, project
from safety.records import decode, time_from_text
from safety.tables import checkpoints, entries, ledger_head, metadata

BATCH = 1000
"""Entries compared at once: a few megabytes."""

MAX_PROBLEMS = 100
"""Problems listed; more are counted."""

BEFORE_ALL = -(1 << 62)


@dataclass(frozen=True)
class Problem:
    """One thing that does not hold."""

    kind: str
    """`entry`, `gap`, `derived`, `root`, `checkpoint`, `head` or `note`."""

    where: str
    """Position and id of the entry, table and key of the row, or size of the checkpoint."""

    what: str


@dataclass(frozen=True)
class VerificationReport:
    """What `verify` looked at, and everything that does not hold."""

    entries: int
    rows: int
    """Rows compared, of the ledger and of the tables derived from it."""

    checkpoints: int
    """Signed checkpoints that the tree was compared with, stored ones and `notes`."""

    after_checkpoint: int
    """Newest entries not yet under a checkpoint: only the signed head covers them."""

    problems: tuple[Problem, ...]
    unlisted: int
    """Problems beyond the first 100."""

    @property
    def ok(self) -> bool:
        """Everything holds."""
        return not self.problems


@dataclass
class _Findings:
    listed: list[Problem] = field(default_factory=list)
    unlisted: int = 0

    def add(self, kind: str, where: str, what: str) -> None:
        if len(self.listed) < MAX_PROBLEMS:
            self.listed.append(Problem(kind, where, what))
        else:
            self.unlisted += 1


def verify(engine: Engine, *publics: LogPublicKey, notes: Iterable[str] = ()) -> VerificationReport:
    """Recompute the whole ledger and compare it with its signatures and with every table derived from it.

    `publics`: the log's key, and former keys. `notes`: checkpoints that were kept outside the database.

    Raises:
        DatabaseError: the database is gone. What does not hold is reported, never raised.
    """
    with reading(engine) as connection:
        walk = _Walk(connection, publics)
        for number, note in enumerate(notes, 1):
            walk.take_note(f"note {number}", note)
        walk.walk()
        return walk.report()


class _Walk:
    """One pass over the ledger from its first entry to its last."""

    def __init__(self, connection: Connection, publics: Sequence[LogPublicKey]) -> None:
        self._connection = connection
        self._publics = publics
        self._found = _Findings()
        self._tree: Frontier | None = Frontier()  # None once an entry is missing: no root can be recomputed then
        self._entries = self._rows = self._checkpoints = 0
        self._covered = 0  # size of the last checkpoint whose root was right
        self._diverged = False
        self._last = BEFORE_ALL
        self._claims: dict[int, list[tuple[str, str, bytes]]] = {}  # size -> (kind, where, root), from outside notes

    def take_note(self, where: str, note: str) -> None:
        try:
            head = verify_checkpoint(note, *self._publics)
        except LedgerError as error:
            self._found.add("note", where, str(error))
        else:
            self._claims.setdefault(head.size, []).append(("note", f"{where} at size {head.size}", head.root))

    def walk(self) -> None:
        self._claim_checkpoints(BEFORE_ALL, 0)
        self._compare_root()
        while batch := self._next_batch():
            end = batch[-1].position
            self._claim_checkpoints(max(self._last + 1, 0), end + 1)
            expected: dict[str, list[Row]] = {name: [] for name in COLUMNS}
            for entry in batch:
                self._check_entry(entry, expected)
            self._compare_rows(self._last, end, expected)
            self._last = end
            self._entries += len(batch)
            self._rows += len(batch)
        self._compare_rows(self._last, None, {name: [] for name in COLUMNS})
        self._claim_checkpoints(max(self._last + 1, 0), None)
        for claims in self._claims.values():
            for kind, where, _ in claims:
                self._found.add(kind, where, f"signed for more entries than there are ({self._entries}): some are gone")
        self._check_head()

    def report(self) -> VerificationReport:
        return VerificationReport(
            entries=self._entries,
            rows=self._rows,
            checkpoints=self._checkpoints,
            after_checkpoint=self._entries - self._covered,
            problems=tuple(self._found.listed),
            unlisted=self._found.unlisted,
        )

    def _next_batch(self) -> list[Entry]:
        query = select(entries).where(entries.c.position > self._last).order_by(entries.c.position).limit(BATCH)
        return [Entry(*row) for row in self._connection.execute(query)]

    def _check_entry(self, entry: Entry, expected: dict[str, list[Row]]) -> None:
        where = f"entry {entry.position} ({entry.id})"
        if self._tree is not None and entry.position != self._tree.size:
            self._found.add("gap", where, f"stands where entry {self._tree.size} should be: entries are gone or moved")
            self._tree = None
        leaf = leaf_hash(entry.body)
        if leaf != entry.leaf:
            self._found.add("entry", where, "its bytes do not have the hash that was stored with them: it was edited")
        try:
            kind, record = decode(entry.body)
            derived = (record["id"], kind, time_from_text(record["at"]))
            rows = project(entry.position, kind, record)
        except (LedgerError, KeyError, TypeError, ValueError):
            self._found.add("entry", where, "its bytes are not a record")
        else:
            for name, stored, told in zip(("id", "kind", "at"), (entry.id, entry.kind, entry.at), derived, strict=True):
                if stored != told:
                    self._found.add("entry", where, f"column {name} is not what its record says")
            for table, more in rows.items():
                expected[table] += more
        if self._tree is not None:
            self._tree.append(leaf)
            self._compare_root()

    def _compare_rows(self, after: int, last: int | None, expected: dict[str, list[Row]]) -> None:
        for name, wanted in expected.items():
            table = metadata.tables[name]
            query = select(table).where(table.c.entry > after).order_by(*table.primary_key.columns)
            if last is not None:
                query = query.where(table.c.entry <= last)
            stored = [tuple(row) for row in self._connection.execute(query)]
            self._rows += len(stored)
            if stored != wanted:
                self._name_differences(name, wanted, stored)

    def _name_differences(self, name: str, wanted: list[Row], stored: list[Row]) -> None:
        width = len(metadata.tables[name].primary_key.columns)
        right = {row[:width]: row for row in wanted}
        actual = {row[:width]: row for row in stored}
        for key in sorted(right.keys() | actual.keys()):
            where = f"{name} row {'/'.join(map(str, key))}"
            if key not in actual:
                self._found.add("derived", where, "is missing: it was deleted")
            elif key not in right:
                self._found.add("derived", where, "comes from no entry: it was inserted")
            elif right[key] != actual[key]:
                pairs = zip(COLUMNS[name], right[key], actual[key], strict=True)
                changed = ", ".join(column for column, told, found in pairs if told != found)
                self._found.add("derived", where, f"differs from its entry in {changed}: one of them was edited")

    def _claim_checkpoints(self, after: int, last: int | None) -> None:
        """Remember what stored checkpoints say about sizes `after < size <= last`, if their signature holds."""
        query = select(checkpoints).where(checkpoints.c.size > after).order_by(checkpoints.c.size)
        if last is not None:
            query = query.where(checkpoints.c.size <= last)
        for row in self._connection.execute(query):
            where = f"checkpoint at size {row.size}"
            try:
                head = verify_checkpoint(row.note, *self._publics)
            except LedgerError as error:
                self._found.add("checkpoint", where, str(error))
                continue
            if head != (row.size, row.root):
                self._found.add("checkpoint", where, "its row is not what its signed note says: it was edited")
            if head.size == row.size:
                self._claims.setdefault(row.size, []).append(("checkpoint", where, head.root))

    def _compare_root(self) -> None:
        """Compare the tree as it is now with everything that was signed at this size."""
        if self._tree is None or self._tree.size not in self._claims:
            return
        size, root = self._tree.size, self._tree.root()
        for kind, where, signed in self._claims.pop(size):
            self._checkpoints += 1
            if signed == root:
                self._covered, self._diverged = size, False
            elif kind == "note":
                self._found.add("note", where, "the log it was signed for had other entries: this log was rewritten")
            elif not self._diverged:
                # Every later root is wrong as well; the first one says where to look.
                self._diverged = True
                what = f"the root signed at size {size} is not theirs: one of them was edited, moved or replaced"
                self._found.add("root", f"entries {self._covered} to {size - 1}", what)

    def _check_head(self) -> None:
        row = self._connection.execute(select(ledger_head)).one_or_none()
        if row is None:
            if self._entries:
                self._found.add("head", "ledger_head", "is missing: it was deleted")
            return
        try:
            head = verify_checkpoint(row.note, *self._publics, extensions=HEAD_EXTENSION)
        except LedgerError as error:
            self._found.add("head", "ledger_head", str(error))
            return
        self._compare_head(head, row.size, row.frontier)

    def _compare_head(self, head: TreeHead, size: int, frontier: bytes) -> None:
        if head.size > self._entries:
            gone = f"entries {self._last + 1} to {head.size - 1}" if self._tree is not None else "ledger_head"
            self._found.add(
                "head", gone, f"{head.size} entries were signed and {self._entries} are here: some are gone"
            )
        elif head.size < self._entries:
            where = f"entries {head.size} to {self._last}"
            self._found.add(
                "head", where, f"only {head.size} entries were signed: these were not written by the ledger"
            )
        elif self._tree is not None and head.root != self._tree.root():
            if not self._diverged:
                where = f"entries {self._covered} to {self._last}"
                what = "the signed head is not theirs: one of them was edited, moved or replaced"
                self._found.add("root", where, what)
        elif self._tree is not None and (size, frontier) != (self._tree.size, self._tree.pack()):
            self._found.add("head", "ledger_head", "its row is not what its signed note says: it was edited")
