"""The Merkle tree of RFC 6962 and RFC 9162: proves that a ledger only ever grew. Values only, no IO.

A tree is known by its size and root. A `Frontier` holds the O(log n) roots of its perfect subtrees, which is all that
appending needs. Proofs ask for roots of ranges of leaves, so that a caller may stream them from a database.
It signs nothing (`safety.checkpoints`) and stores nothing (`safety.ledger`).
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

HASH_BYTES = 32
"""SHA-256, RFC 6962 section 2.1."""

EMPTY_ROOT = hashlib.sha256().digest()
"""Root of the tree without leaves: the hash of nothing (RFC 6962 section 2.1)."""

KEPT_HEIGHTS = (8, 16, 24, 32)
"""Heights whose perfect subtrees are worth keeping: a proof then reads at most 255 nodes of each, not every leaf."""

_SHA256 = hashlib.sha256

RangeRoot = Callable[[int, int], bytes]
"""`(start, end)` -> root of the leaves `start <= i < end`, 32 bytes."""


def leaf_hash(data: bytes) -> bytes:
    """Hash of one leaf: `SHA-256(0x00 || data)`; the prefix keeps leaves and nodes apart (RFC 6962 section 2.1)."""
    return hashlib.sha256(b"\x00" + data).digest()


def leaf_hashes(datas: Iterable[bytes]) -> list[bytes]:
    """Hashes of many leaves: `leaf_hash` of each, at half its price."""
    return [_SHA256(b"\x00" + data).digest() for data in datas]


def node_hash(left: bytes, right: bytes) -> bytes:
    """Hash of an inner node: `SHA-256(0x01 || left || right)` (RFC 6962 section 2.1)."""
    return hashlib.sha256(b"\x01" + left + right).digest()


class Subtree(NamedTuple):
    """A perfect subtree: its leaves are `number * 2^height` and the 2^height - 1 behind it."""

    height: int
    number: int
    root: bytes


@dataclass
class Frontier:
    """The right edge of a growing tree: everything that appending and the root need."""

    size: int = 0
    """Leaves appended so far."""

    peaks: list[bytes] = field(default_factory=list)
    """Roots of the perfect subtrees, largest first: one for each bit set in `size`."""

    def __post_init__(self) -> None:
        if self.size < 0 or len(self.peaks) != self.size.bit_count():
            raise ValueError(f"a tree of {self.size} leaves does not have {len(self.peaks)} peaks")

    def append(self, leaf: bytes) -> None:
        """Add one leaf hash (32 bytes): one node hash on average, log2(size) at most."""
        node, size = leaf, self.size
        while size & 1:
            node = node_hash(self.peaks.pop(), node)
            size >>= 1
        self.peaks.append(node)
        self.size += 1

    def extend(self, leaves: Sequence[bytes]) -> list[Subtree]:
        """Add many leaf hashes at once, level by level: several times faster than one by one.

        Returns the perfect subtrees of the heights KEPT_HEIGHTS that became whole, in the order of (height, number).
        """
        whole: list[Subtree] = []
        level, left, height = list(leaves), self.size, 0
        edge: list[bytes] = []  # the new peaks, smallest first
        while level or left:
            if height in KEPT_HEIGHTS:
                whole += [Subtree(height, number, node) for number, node in enumerate(level, left)]
            if left & 1:
                level.insert(0, self.peaks.pop())
            if len(level) & 1:
                edge.append(level.pop())
            pairs = iter(level)
            level = [_SHA256(b"\x01" + one + other).digest() for one, other in zip(pairs, pairs, strict=True)]
            left, height = left >> 1, height + 1
        self.peaks += reversed(edge)
        self.size += len(leaves)
        return whole

    def root(self) -> bytes:
        """Root of the tree as it is now, 32 bytes."""
        return fold(self.peaks)

    def copy(self) -> Frontier:
        """An independent frontier of the same tree."""
        return Frontier(self.size, list(self.peaks))

    def pack(self) -> bytes:
        """The peaks, largest first, 32 bytes each."""
        return b"".join(self.peaks)

    @classmethod
    def unpack(cls, size: int, packed: bytes) -> Frontier:
        """Read what `pack` wrote.

        Raises:
            ValueError: the bytes are not the peaks of a tree of that size.
        """
        if len(packed) % HASH_BYTES:
            raise ValueError(f"{len(packed)} bytes are not whole peaks of {HASH_BYTES} bytes")
        return cls(size, [packed[i : i + HASH_BYTES] for i in range(0, len(packed), HASH_BYTES)])


def root(leaves: Sequence[bytes]) -> bytes:
    """Root over leaf hashes, 32 bytes."""
    frontier = Frontier()
    frontier.extend(leaves)
    return frontier.root()


def fold(peaks: Sequence[bytes]) -> bytes:
    """Root over the roots of perfect subtrees that stand side by side, largest first, 32 bytes."""
    if not peaks:
        return EMPTY_ROOT
    node = peaks[-1]
    for peak in reversed(peaks[:-1]):
        node = node_hash(peak, node)
    return node


def range_root_of(leaves: Sequence[bytes]) -> RangeRoot:
    """Roots of ranges over leaf hashes that are in memory."""
    return lambda start, end: root(leaves[start:end])


def inclusion_proof(index: int, size: int, range_root: RangeRoot) -> list[bytes]:
    """Audit path of leaf `index` in the tree of `size` leaves, leaf side first (RFC 9162 section 2.1.3.1).

    Raises:
        ValueError: the tree has no such leaf.
    """
    if not 0 <= index < size:
        raise ValueError(f"a tree of {size} leaves has no leaf {index}")
    path: list[bytes] = []
    start, end = 0, size
    while end - start > 1:
        middle = start + _split(end - start)
        if index < middle:
            path.append(range_root(middle, end))
            end = middle
        else:
            path.append(range_root(start, middle))
            start = middle
    path.reverse()
    return path


def verify_inclusion(leaf: bytes, index: int, size: int, proof: Sequence[bytes], expected: bytes) -> bool:
    """Say whether `proof` shows that `leaf` stands at `index` under the root `expected` (RFC 9162 section 2.1.3.2)."""
    if not 0 <= index < size:
        return False
    fn, sn, node = index, size - 1, leaf
    for step in proof:
        if sn == 0:
            return False
        if fn & 1 or fn == sn:
            node = node_hash(step, node)
            while not fn & 1 and fn:
                fn, sn = fn >> 1, sn >> 1
        else:
            node = node_hash(node, step)
        fn, sn = fn >> 1, sn >> 1
    return sn == 0 and node == expected


def consistency_proof(old: int, new: int, range_root: RangeRoot) -> list[bytes]:
    """Proof that the tree of `new` leaves begins with that of `old` leaves (RFC 9162 section 2.1.4.1).

    Empty for `old` 0 and `old == new`, where there is nothing to show.

    Raises:
        ValueError: not `0 <= old <= new`.
    """
    if not 0 <= old <= new:
        raise ValueError(f"a tree of {new} leaves has no earlier state of {old} leaves")
    if old in (0, new):
        return []
    path: list[bytes] = []
    start, end, whole = 0, new, True
    while old != end:
        middle = start + _split(end - start)
        if old <= middle:
            path.append(range_root(middle, end))
            end = middle
        else:
            path.append(range_root(start, middle))
            start, whole = middle, False
    if not whole:
        path.append(range_root(start, end))
    path.reverse()
    return path


def verify_consistency(old: int, new: int, old_root: bytes, new_root: bytes, proof: Sequence[bytes]) -> bool:
    """Say whether `proof` shows that the first `old` leaves of the new tree are the old tree (RFC 9162 2.1.4.2)."""
    if not 0 <= old <= new:
        return False
    if old == 0:
        return not proof and old_root == EMPTY_ROOT
    if old == new:
        return not proof and old_root == new_root
    path = list(proof)
    if old & (old - 1) == 0:
        path.insert(0, old_root)
    if not path:
        return False
    fn, sn = old - 1, new - 1
    while fn & 1:
        fn, sn = fn >> 1, sn >> 1
    was = now = path[0]
    for step in path[1:]:
        if sn == 0:
            return False
        if fn & 1 or fn == sn:
            was, now = node_hash(step, was), node_hash(step, now)
            while not fn & 1 and fn:
                fn, sn = fn >> 1, sn >> 1
        else:
            now = node_hash(now, step)
        fn, sn = fn >> 1, sn >> 1
    return sn == 0 and was == old_root and now == new_root


def _split(count: int) -> int:
    """The largest power of two smaller than `count`: how many leaves stand in the left subtree."""
    return 1 << ((count - 1).bit_length() - 1)
