"""Verifies an export of a framegate ledger. This one file is all you need: Python 3.11 and nothing else.

    python verify_export.py FOLDER --key LOG_KEY [--key FORMER_KEY] [--note FILE …] [--witness KEY …]
    python verify_export.py PROOF.json --key LOG_KEY [--id ID]

    entries.jsonl ─▶ SHA-256 of every line = leaves.bin ─▶ Merkle tree (RFC 9162) = checkpoints.jsonl ─▶ Ed25519

LOG_KEY is one line `name+id+key`. Take it from where it was published, never from the export: whoever could change
the export could change that too. `--note`: a checkpoint that you kept; it shows that nothing was rewritten or rolled
back since. `--witness`: the newest checkpoint must carry a cosignature by this key. Exit code 0 only if all holds.
It does not judge whether what was recorded is right, and imports nothing of framegate, on purpose.
"""

from __future__ import annotations

import argparse
import base64
import hashlib
import json
import sys
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

LOG, COSIGNATURE = 1, 4  # signature types of C2SP signed-note and tlog-cosignature
WINDOW = 512  # lines looked ahead to find how a changed file goes on
MAX_LISTED = 50

# --- Ed25519 (RFC 8032, section 5.1), verification only

P = 2**255 - 19
ORDER = 2**252 + 27742317777372353535851937790883648493
D = -121665 * pow(121666, -1, P) % P
BASE_Y = 4 * pow(5, -1, P) % P
ROOT_OF_MINUS_ONE = pow(2, (P - 1) // 4, P)
Point = tuple[int, int, int, int]


def add(a: Point, b: Point) -> Point:
    one, two = (a[1] - a[0]) * (b[1] - b[0]) % P, (a[1] + a[0]) * (b[1] + b[0]) % P
    three, four = 2 * a[3] * b[3] * D % P, 2 * a[2] * b[2] % P
    e, f, g, h = two - one, four - three, four + three, two + one
    return e * f % P, g * h % P, f * g % P, e * h % P


def times(scalar: int, point: Point) -> Point:
    total: Point = (0, 1, 1, 0)
    while scalar:
        if scalar & 1:
            total = add(total, point)
        point, scalar = add(point, point), scalar >> 1
    return total


def point_of(data: bytes) -> Point | None:
    y = int.from_bytes(data, "little")
    sign, y = y >> 255, y & (1 << 255) - 1
    if y >= P:
        return None
    square = (y * y - 1) * pow(D * y * y + 1, -1, P) % P
    x = pow(square, (P + 3) // 8, P)
    if (x * x - square) % P:
        x = x * ROOT_OF_MINUS_ONE % P
    if (x * x - square) % P or (x == 0 and sign):
        return None
    x = P - x if x & 1 != sign else x
    return x, y, 1, x * y % P


def signature_fits(key: bytes, message: bytes, signature: bytes) -> bool:
    if len(key) != 32 or len(signature) != 64:
        return False
    a, r, s = point_of(key), point_of(signature[:32]), int.from_bytes(signature[32:], "little")
    base = point_of(BASE_Y.to_bytes(32, "little"))
    if a is None or r is None or base is None or s >= ORDER:
        return False
    h = int.from_bytes(hashlib.sha512(signature[:32] + key + message).digest(), "little") % ORDER
    one, other = times(s, base), add(r, times(h, a))
    return (one[0] * other[2] - other[0] * one[2]) % P == 0 and (one[1] * other[2] - other[1] * one[2]) % P == 0


# --- the Merkle tree (RFC 9162, section 2.1)


def leaf_hash(data: bytes) -> bytes:
    return hashlib.sha256(b"\x00" + data).digest()


def node_hash(left: bytes, right: bytes) -> bytes:
    return hashlib.sha256(b"\x01" + left + right).digest()


@dataclass
class Tree:
    size: int = 0
    peaks: list[bytes] = field(default_factory=list)  # roots of its perfect subtrees, largest first

    def append(self, leaf: bytes) -> None:
        size = self.size
        while size & 1:
            leaf, size = node_hash(self.peaks.pop(), leaf), size >> 1
        self.peaks.append(leaf)
        self.size += 1

    def root(self) -> bytes:
        if not self.peaks:
            return hashlib.sha256().digest()
        node = self.peaks[-1]
        for peak in reversed(self.peaks[:-1]):
            node = node_hash(peak, node)
        return node


def stands_under(leaf: bytes, index: int, size: int, path: list[bytes], root: bytes) -> bool:
    if not 0 <= index < size:
        return False
    last = size - 1
    for step in path:
        if last == 0:
            return False
        if index & 1 or index == last:
            leaf = node_hash(step, leaf)
            while not index & 1 and index:
                index, last = index >> 1, last >> 1
        else:
            leaf = node_hash(leaf, step)
        index, last = index >> 1, last >> 1
    return last == 0 and leaf == root


def begins_with(old: int, new: int, old_root: bytes, new_root: bytes, path: list[bytes]) -> bool:
    if old in (0, new) or old > new:
        return old <= new and not path and old_root == (new_root if old else hashlib.sha256().digest())
    path = [old_root, *path] if old & (old - 1) == 0 else path
    index, last = old - 1, new - 1
    while index & 1:
        index, last = index >> 1, last >> 1
    was = now = path[0] if path else b""
    for step in path[1:]:
        if last == 0:
            return False
        if index & 1 or index == last:
            was, now = node_hash(step, was), node_hash(step, now)
            while not index & 1 and index:
                index, last = index >> 1, last >> 1
        else:
            now = node_hash(now, step)
        index, last = index >> 1, last >> 1
    return last == 0 and (was, now) == (old_root, new_root)


# --- signed notes (C2SP signed-note, tlog-checkpoint, tlog-cosignature)


class Wrong(Exception):
    """Something that does not hold."""


@dataclass(frozen=True)
class Key:
    name: str
    kind: int
    raw: bytes

    @classmethod
    def parse(cls, text: str) -> Key:
        name, _, rest = text.strip().partition("+")
        stated, _, encoded = rest.partition("+")
        blob = base64.b64decode(encoded, validate=True)
        key = cls(name, blob[0] if blob else 0, blob[1:])
        if not name or key.kind not in (LOG, COSIGNATURE) or len(key.raw) != 32 or key.id.hex() != stated:
            raise ValueError(f"not a key (name+id+key): {text.strip()[:60]!r}")
        return key

    @property
    def id(self) -> bytes:
        return hashlib.sha256(self.name.encode() + b"\n" + bytes([self.kind]) + self.raw).digest()[:4]

    def signed(self, text: str, blob: bytes) -> bool:
        if self.kind == LOG:
            return signature_fits(self.raw, text.encode(), blob)
        time = int.from_bytes(blob[:8], "big")
        return signature_fits(self.raw, f"cosignature/v1\ntime {time}\n{text}".encode(), blob[8:])


def read_note(note: str, keys: list[Key]) -> tuple[int, bytes, set[Key]]:
    """Return size, root and which of the keys signed. A wrong signature by one of them is an error, others' are not."""
    text, gap, signatures = note.rpartition("\n\n")
    text, signers = text + "\n", set()
    for line in signatures.splitlines() if gap else ():
        dash, _, rest = line.partition(" ")
        name, _, encoded = rest.partition(" ")
        try:
            blob = base64.b64decode(encoded, validate=True)
        except ValueError:
            raise Wrong("a signature line is malformed") from None
        if dash != "—" or base64.b64encode(blob).decode() != encoded:
            raise Wrong("a signature line is malformed")
        for key in keys:
            if (key.name, key.id) == (name, blob[:4]):
                if not key.signed(text, blob[4:]):
                    raise Wrong(f"the signature by {name} does not fit: the checkpoint or its signature was changed")
                signers.add(key)
    logs = {key.name for key in signers if key.kind == LOG}
    lines = text.split("\n")
    if not logs:
        raise Wrong("it is not signed by the log's key")
    if len(lines) != 4 or lines[0] not in logs or not lines[1].isdecimal():
        raise Wrong("what was signed is not a checkpoint of this log")
    return int(lines[1]), base64.b64decode(lines[2], validate=True), signers


# --- an export


class Export:
    def __init__(self, folder: Path, keys: list[Key], notes: dict[str, str], witnesses: list[Key]) -> None:
        self.folder, self.keys, self.notes, self.witnesses = folder, keys, notes, witnesses
        self.problems: list[str] = []
        self.entries = self.covered = 0

    def verify(self) -> bool:
        claims = self.read_checkpoints()
        self.compare_tree(claims)
        self.compare_lines()
        return not self.problems

    def read_checkpoints(self) -> list[tuple[int, str, bytes]]:
        claims: list[tuple[int, str, bytes]] = []
        newest: tuple[int, set[Key]] = (-1, set())
        stored = [json.loads(line)["note"] for line in (self.folder / "checkpoints.jsonl").read_text().splitlines()]
        named = [(f"checkpoint {number}", note) for number, note in enumerate(stored, 1)]
        for where, note in [*named, *self.notes.items()]:
            try:
                size, root, signers = read_note(note, self.keys + self.witnesses)
            except (Wrong, ValueError) as error:
                self.problems.append(f"{where}: {error}")
                continue
            claims.append((size, where, root))
            if where not in self.notes:
                newest = max(newest, (size, signers), key=lambda each: each[0])
        for witness in self.witnesses:
            if witness not in newest[1]:
                self.problems.append(f"newest checkpoint: no cosignature by the witness {witness.name}")
        return sorted(claims)

    def compare_tree(self, claims: list[tuple[int, str, bytes]]) -> None:
        """Compare the leaf hashes with everything that was signed."""
        tree, diverged, waiting = Tree(), False, deque(claims)
        leaves = self.leaves()
        while waiting:
            size, where, root = waiting[0]
            while tree.size < size and (leaf := next(leaves, None)) is not None:
                tree.append(leaf)
            if tree.size < size:
                here = f"entries and {tree.size} are here: some are gone"
                self.problems += [f"{each}: it was signed for {signed} {here}" for signed, each, _ in waiting]
                return
            waiting.popleft()
            if tree.root() == root:
                self.covered = max(self.covered, size)
            elif where in self.notes:
                self.problems.append(f"{where}: signed for another history: this ledger was rewritten or rolled back")
            elif not diverged:
                diverged = True  # every later root is wrong as well; the first one says where to look
                what = "the root that was signed for them is not theirs: edited, moved or replaced"
                self.problems.append(f"entries {self.covered} to {size - 1}: {what}")
        if rest := sum(1 for _ in leaves):
            self.problems.append(f"entries {tree.size} to {tree.size + rest - 1}: no checkpoint was signed for them")

    def compare_lines(self) -> None:
        """Compare every line with its leaf hash; behind a change, find where the two go on together."""
        lines, leaves = self.hashed_lines(), self.leaves()
        ahead: deque[bytes] = deque()
        wanted: deque[bytes] = deque()
        strange: dict[bytes, str] = {}  # lines that do not belong where they stand
        unmet: dict[bytes, str] = {}  # entries whose line is not where it belongs
        line = position = 0
        while True:
            for window, source in ((ahead, lines), (wanted, leaves)):
                while len(window) < WINDOW and (more := next(source, None)) is not None:
                    window.append(more)
            if not ahead and not wanted:
                break
            if ahead and wanted and ahead[0] == wanted[0]:
                ahead.popleft(), wanted.popleft()
                line, position = line + 1, position + 1
                continue
            skip, back = meeting_point(ahead, wanted)
            for number in range(min(skip, back), skip):
                strange[ahead[number]] = f"line {line + number + 1}: it was inserted"
            for number in range(min(skip, back), back):
                unmet[wanted[number]] = f"entry {position + number}: it was deleted"
            for number in range(min(skip, back)):
                strange[ahead[number]] = ""
                unmet[wanted[number]] = f"entry {position + number} (line {line + number + 1}): it was edited"
            for window, count in ((ahead, skip), (wanted, back)):
                for _ in range(count):
                    window.popleft()
            line, position = line + skip, position + back
        self.entries = position
        for leaf in strange.keys() & unmet.keys():
            strange[leaf], unmet[leaf] = "", unmet[leaf].rpartition(":")[0] + ": it was moved"
        self.problems += filter(None, (*unmet.values(), *strange.values()))

    def leaves(self) -> Iterator[bytes]:
        with (self.folder / "leaves.bin").open("rb") as file:
            while leaf := file.read(32):
                yield leaf

    def hashed_lines(self) -> Iterator[bytes]:
        with (self.folder / "entries.jsonl").open("rb") as file:
            for line in file:
                # A last line without its end was cut off; its hash then fits nothing.
                yield leaf_hash(line[:-1]) if line.endswith(b"\n") else leaf_hash(b"cut off: " + line)


def meeting_point(ahead: deque[bytes], wanted: deque[bytes]) -> tuple[int, int]:
    """Return how many of each stand before the nearest place where both go on with the same."""
    where = {leaf: number for number, leaf in reversed(list(enumerate(wanted)))}
    meetings = [(number, where[leaf]) for number, leaf in enumerate(ahead) if leaf in where]
    return min(meetings, key=sum, default=(len(ahead), len(wanted)))


# --- proofs made by `framegate ledger prove`


def verify_proof(proof: dict[str, object], keys: list[Key], notes: dict[str, str], id_: str) -> str:
    """Return what a proof shows.

    Raises:
        Wrong: it does not show it.
    """
    path = [base64.b64decode(str(step)) for step in list(proof["path"])]  # type: ignore[call-overload]
    size, root, _ = read_note(str(proof["checkpoint"]), keys)
    for where, note in notes.items():
        if read_note(note, keys)[:2] != (size, root):
            raise Wrong(f"{where} is not the checkpoint that this proof rests on")
    if "older" in proof:
        old, old_root, _ = read_note(str(proof["older"]), keys)
        if not begins_with(old, size, old_root, root, path):
            raise Wrong(f"the log of {size} entries does not begin with the log of {old} entries")
        return f"the log of {size} entries begins with the log of {old} entries, unchanged"
    body, position = str(proof["entry"]).encode(), int(str(proof["position"]))
    if not stands_under(leaf_hash(body), position, size, path, root):
        raise Wrong(f"this entry is not entry {position} of the log of {size} entries")
    record = json.loads(body)
    if id_ and record["id"] != id_:
        raise Wrong(f"the proof is about {record['id']}, not about {id_}")
    return f"{record['kind']} {record['id']} of {record['at']} is entry {position} of the log of {size} entries"


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("what", type=Path, help="folder of an export, or the file of a proof")
    parser.add_argument("--key", action="append", required=True, type=Key.parse, help="the log's key; may be repeated")
    parser.add_argument("--note", action="append", default=[], type=Path, help="a checkpoint that you kept")
    parser.add_argument("--witness", action="append", default=[], type=Key.parse, help="key of a witness")
    parser.add_argument("--id", default="", help="id of the entry that a proof has to be about")
    chosen = parser.parse_args(arguments)
    try:
        notes = {f"note {path.name}": path.read_text(encoding="utf-8") for path in chosen.note}
        if chosen.what.is_file():
            proof = json.loads(chosen.what.read_text(encoding="utf-8"))
            print("holds:", verify_proof(proof, chosen.key, notes, chosen.id))
            return 0
        export = Export(chosen.what, chosen.key, notes, chosen.witness)
        holds = export.verify()
    except (OSError, KeyError, TypeError, ValueError, Wrong) as error:
        print(f"does not hold: {error}" if isinstance(error, Wrong) else f"cannot be read: {error!r}")
        return 1
    for problem in export.problems[:MAX_LISTED]:
        print(problem)
    if len(export.problems) > MAX_LISTED:
        print(f"and {len(export.problems) - MAX_LISTED} more")
    print(f"{export.entries} entries:", "everything holds" if holds else "TAMPERED WITH")
    return 0 if holds else 1


if __name__ == "__main__":
    sys.exit(main())
