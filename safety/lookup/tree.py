"""Reads hashes of the ledger's tree for proofs: kept subtrees where there are some, leaves for the rest.

What a proof is, `safety.proofs` knows; writing the hashes is `safety.ledger`.
"""

from __future__ import annotations

from sqlalchemy import Connection, select

from safety.errors import LedgerError
from safety.merkle import KEPT_HEIGHTS, Frontier, fold
from safety.tables import entries, subtrees

BLOCK_BITS = 8
"""Hashes are read 256 at a time: the ranges of one proof lie side by side in a few such blocks."""


class StoredTree:
    """The tree as one snapshot of the database has it."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._blocks: dict[tuple[int, int], list[bytes]] = {}

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
