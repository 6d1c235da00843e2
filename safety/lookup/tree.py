"""Reads hashes of the ledger's tree for proofs: kept subtrees where there are some, leaves for the rest.

What a proof is, `safety.proofs` knows; writing the hashes is `safety.ledger`.
"""

from __future__ import annotations

from sqlalchemy import Connection, select

from safety.errors import LedgerError
from safety.lookup.notes import newest_note
from safety.merkle import KEPT_HEIGHTS, Frontier, fold
from safety.tables import entries, subtrees

BLOCK_BITS = 8
"""Hashes are read 256 at a time: the ranges of one proof lie side by side in a few such blocks."""


class StoredTree:
    """The tree as one snapshot of the database has it."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._blocks: dict[tuple[int, int], list[bytes]] = {}

    def entry(self, id_: str) -> tuple[int, bytes] | None:
        """Return position and bytes of an entry."""
        row = self._connection.execute(select(entries.c.position, entries.c.body).where(entries.c.id == id_)).first()
        return None if row is None else (row.position, row.body)

    def newest_note(self) -> str | None:
        """Return the newest stored checkpoint."""
        return newest_note(self._connection)

    def fetch(self, *places: int) -> None:
        """Read in one query what a proof about these positions, or trees of these sizes, asks for."""
        heights = [height for height in (0, *KEPT_HEIGHTS) if max(places) >> height]
        blocks = sorted({(height, place >> height >> BLOCK_BITS) for place in places for height in heights or [0]})
        mark = "?" if self._connection.dialect.name == "sqlite" else "%s"
        queries: list[str] = []
        values: list[int] = []
        for height, block in blocks:
            self._blocks[height, block] = []
            span = [block << BLOCK_BITS, block + 1 << BLOCK_BITS]
            if height:
                where, asked = (
                    f"subtrees WHERE height = {mark} AND number >= {mark} AND number < {mark}",
                    [height, *span],
                )
                queries.append(f"SELECT height, number, root FROM {where}")  # noqa: S608 - our own tables
            else:
                where, asked = f"entries WHERE position >= {mark} AND position < {mark}", span
                queries.append(f"SELECT 0, position, leaf FROM {where}")  # noqa: S608 - our own tables
            values += asked
        # As the driver has them: hundreds of rows, and making them ours costs more than the proof.
        read = " UNION ALL ".join(queries) + " ORDER BY 1, 2"
        for height, number, node in self._connection.exec_driver_sql(read, tuple(values)).all():
            self._blocks[height, number >> BLOCK_BITS].append(node)

    def range_root(self, start: int, end: int) -> bytes:
        """Return the root over the leaves of entries `start <= position < end`, a range that a proof asks for.

        Raises:
            LedgerError: hashes are missing.
        """
        peaks: list[bytes] = []
        for height in (*reversed(KEPT_HEIGHTS), 0):
            first, last = start >> height, end >> height
            if first == last or first << height != start:
                continue  # it holds no whole subtree of this height
            part = Frontier()
            part.extend(self._nodes(height, first, last))
            peaks += part.peaks
            start = last << height
        return fold(peaks)

    def _nodes(self, height: int, first: int, last: int) -> list[bytes]:
        nodes: list[bytes] = []
        for block in range(first >> BLOCK_BITS, (last - 1 >> BLOCK_BITS) + 1):
            begin = block << BLOCK_BITS
            nodes += self._block(height, block)[max(first - begin, 0) : last - begin]
        if len(nodes) != last - first:
            where = "subtrees" if height else "entries"
            raise LedgerError(f"hashes of the ledger's tree are missing in {where}: run `framegate ledger verify`")
        return nodes

    def _block(self, height: int, block: int) -> list[bytes]:
        if (height, block) not in self._blocks:
            number, hashed = (subtrees.c.number, subtrees.c.root) if height else (entries.c.position, entries.c.leaf)
            query = select(hashed).where(number >= block << BLOCK_BITS, number < block + 1 << BLOCK_BITS)
            if height:
                query = query.where(subtrees.c.height == height)
            self._blocks[height, block] = list(self._connection.execute(query.order_by(number)).scalars())
        return self._blocks[height, block]
