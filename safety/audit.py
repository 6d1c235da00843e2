"""Proves that the record was not rewritten: recomputes everything the ledger claims and names what does not hold.

    entry bytes ─▶ leaf ─▶ tree ─▶ root at every signed checkpoint and at the signed head, kept subtrees
        └──────▶ derived rows, compared with what stands in decisions, findings and releases

One snapshot, in batches: memory does not grow with the ledger, and appends go on meanwhile. (With workers each range
is hashed in a snapshot of its own, and the derived rows are compared in the first.) Needs the public key only.
Whoever can write the database and owns an old copy of it can put the whole copy back: only a checkpoint that was kept
elsewhere shows that, so pass those as `notes`. Appending is `safety.ledger`.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from sqlalchemy import Connection, Engine, func, select

from safety.checkpoints import LogPublicKey, TreeHead, verify_checkpoint
from safety.database import in_binary, mapped, reading
from safety.errors import LedgerError
from safety.leaves import Batch, read_batches
from safety.ledger import HEAD_EXTENSION
from safety.lookup.record import Entry
from safety.merkle import Frontier, Subtree
from safety.projections import COLUMNS, Row, project
from safety.records import decode, time_from_text
from safety.tables import checkpoints, entries, ledger_head, metadata, subtrees
from safety.verification import Problems, VerificationReport

BEFORE_ALL = -(1 << 62)


def verify(
    engine: Engine, *publics: LogPublicKey, notes: Iterable[str] = (), derived: bool = True, workers: int = 1
) -> VerificationReport:
    """Recompute the whole ledger and compare it with its signatures and with every table derived from it.

    `publics`: the log's key, and former keys. `notes`: checkpoints that were kept outside the database. Without
    `derived` only the log itself is recomputed, many times faster: entries, tree and signatures; what was done to
    rows beside it is not looked for then. `workers`: processes that read and hash entries.

    Raises:
        DatabaseError: the database is gone. What does not hold is reported, never raised.
    """
    with reading(engine) as connection, mapped(connection), in_binary(connection):
        walk = _Walk(connection, publics, derived=derived)
        for number, note in enumerate(notes, 1):
            walk.take_note(f"note {number}", note)
        walk.walk(workers)
        return walk.report()


class _Walk:
    """One pass over the ledger from its first entry to its last."""

    def __init__(self, connection: Connection, publics: Sequence[LogPublicKey], *, derived: bool) -> None:
        self._connection = connection
        self._derived = derived
        self._publics = publics
        self._found = Problems()
        self._tree: Frontier | None = Frontier()  # None once an entry is missing: no root can be recomputed then
        self._entries = self._rows = self._checkpoints = self._subtrees = 0
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

    def walk(self, workers: int) -> None:
        self._claim_checkpoints(BEFORE_ALL, 0)
        self._compare_root()
        for batch in read_batches(self._connection, workers):
            end = batch.positions[-1]
            self._claim_checkpoints(max(self._last + 1, 0), end + 1)
            self._check_leaves(batch)
            if self._derived:
                expected: dict[str, list[Row]] = {name: [] for name in COLUMNS}
                for entry in self._whole(end):
                    self._check_entry(entry, expected)
                self._compare_rows(self._last, end, expected)
            self._last = end
            self._entries += len(batch.positions)
            self._rows += len(batch.positions)
        if self._derived:
            self._compare_rows(self._last, None, {name: [] for name in COLUMNS})
        self._refuse_more_subtrees()
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

    def _whole(self, end: int) -> Iterator[Entry]:
        """The entries of the batch that ends there, with every column."""
        query = select(entries).where(entries.c.position > self._last, entries.c.position <= end)
        for row in self._connection.execute(query.order_by(entries.c.position)):
            yield Entry(*row)

    def _check_leaves(self, batch: Batch) -> None:
        positions = batch.positions
        for position in batch.wrong:
            what = "its bytes do not have the hash that was stored with them: it was edited"
            self._found.add("entry", self._name(position), what)
        if self._tree is None:
            return
        first = self._tree.size
        gap = next((n for n, position in enumerate(positions) if position != first + n), None)
        self._grow(batch.leaves[:gap])
        if gap is not None:
            what = f"stands where entry {first + gap} should be: entries are gone or moved"
            self._found.add("gap", self._name(positions[gap]), what)
            self._tree = None

    def _name(self, position: int) -> str:
        id_ = self._connection.execute(select(entries.c.id).where(entries.c.position == position)).scalar()
        return f"entry {position} ({id_})"

    def _grow(self, leaves: Sequence[bytes]) -> None:
        """Append to the tree, and compare it wherever something was signed or kept."""
        if self._tree is None:
            return
        first, done, whole = self._tree.size, 0, []
        for size in sorted(size for size in self._claims if first < size <= first + len(leaves)):
            whole += self._tree.extend(leaves[done : size - first])
            done = size - first
            self._compare_root()
        whole += self._tree.extend(leaves[done:])
        for height in sorted({each.height for each in whole}):
            self._compare_subtrees(height, [each for each in whole if each.height == height])

    def _compare_subtrees(self, height: int, whole: Sequence[Subtree]) -> None:
        numbers = subtrees.c.number.between(whole[0].number, whole[-1].number)
        query = select(subtrees.c.number, subtrees.c.root).where(subtrees.c.height == height, numbers)
        kept = {row.number: row.root for row in self._connection.execute(query)}
        self._subtrees += len(kept)
        for each in whole:
            if kept.get(each.number) != each.root:
                where = f"entries {each.number << height} to {(each.number + 1 << height) - 1}"
                what = "was deleted" if each.number not in kept else "is not theirs: it or one of them was edited"
                self._found.add("subtree", where, f"the root kept for them {what}")

    def _refuse_more_subtrees(self) -> None:
        count = self._connection.execute(select(func.count()).select_from(subtrees)).scalar_one()
        if self._tree is not None and count > self._subtrees:
            what = f"{count} roots are kept and {self._subtrees} belong to this tree: the others were inserted"
            self._found.add("subtree", "subtrees", what)

    def _check_entry(self, entry: Entry, expected: dict[str, list[Row]]) -> None:
        try:
            kind, record = decode(entry.body)
            derived = (record["id"], kind, time_from_text(record["at"]))
            rows = project(entry.position, kind, record)
        except (LedgerError, KeyError, TypeError, ValueError):
            self._found.add("entry", _where(entry), "its bytes are not a record")
            return
        for name, stored, told in zip(("id", "kind", "at"), (entry.id, entry.kind, entry.at), derived, strict=True):
            if stored != told:
                self._found.add("entry", _where(entry), f"column {name} is not what its record says")
        for table, more in rows.items():
            expected[table] += more

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


def _where(entry: Entry) -> str:
    return f"entry {entry.position} ({entry.id})"
