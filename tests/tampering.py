"""Ways to falsify an export of the ledger, each at a random place, and what the verifier has to say about it."""

from __future__ import annotations

import json
import random
import re
import shutil
from collections.abc import Callable
from pathlib import Path

from safety.checkpoints import LogKey, sign_note
from safety.verify_export import Export, Key, leaf_hash


class Copy:
    """A copy of an export that is being falsified."""

    def __init__(self, source: Path, folder: Path, chance: random.Random) -> None:
        shutil.copytree(source, folder, dirs_exist_ok=True)
        self.folder, self.chance = folder, chance
        self.lines = (folder / "entries.jsonl").read_bytes().split(b"\n")[:-1]
        leaves = (folder / "leaves.bin").read_bytes()
        self.leaves = [leaves[at : at + 32] for at in range(0, len(leaves), 32)]
        self.notes = [json.loads(line)["note"] for line in (folder / "checkpoints.jsonl").read_text().splitlines()]

    def write(self) -> None:
        (self.folder / "entries.jsonl").write_bytes(b"".join(line + b"\n" for line in self.lines))
        (self.folder / "leaves.bin").write_bytes(b"".join(self.leaves))
        notes = "".join(json.dumps({"note": note}) + "\n" for note in self.notes)
        (self.folder / "checkpoints.jsonl").write_text(notes)

    def hash_again(self) -> None:
        """Let the leaf hashes fit the falsified lines, as a careful forger does."""
        self.leaves = [leaf_hash(line) for line in self.lines]

    def place(self) -> int:
        return self.chance.randrange(len(self.lines))

    def edit(self) -> int:
        at = self.place()
        line = bytearray(self.lines[at])
        where = self.chance.randrange(len(line))
        line[where] ^= 1 << self.chance.randrange(7)
        if line[where] == ord("\n"):
            line[where] = ord("?")
        self.lines[at] = bytes(line)
        return at


Names = Callable[[list[str]], bool]
"""Says whether the problems that were found name what was done."""


def exactly(*wanted: str) -> Names:
    return lambda found: sorted(found) == sorted(wanted)


def within(position: int, size: int) -> Names:
    """The first problem bounds the place, or says that entries are gone or unsigned."""

    def named(found: list[str]) -> bool:
        spans = [re.match(r"entries (\d+) to (\d+): ", each) for each in found]
        if any(span and int(span[1]) <= position <= int(span[2]) for span in spans):
            return True
        return any("some are gone" in each for each in found) and position >= size // 10 * 10

    return named


def edited(copy: Copy) -> Names:
    at = copy.edit()
    return exactly(f"entry {at} (line {at + 1}): it was edited")


def edited_and_hashed(copy: Copy) -> Names:
    at = copy.edit()
    copy.hash_again()
    return within(at, len(copy.lines))


def deleted(copy: Copy) -> Names:
    at = copy.place()
    del copy.lines[at]
    return exactly(f"entry {at}: it was deleted")


def deleted_and_hashed(copy: Copy) -> Names:
    at = copy.place()
    del copy.lines[at]
    copy.hash_again()
    return within(at, len(copy.lines) + 1)


def inserted(copy: Copy) -> Names:
    at = copy.place()
    copy.lines.insert(at, b'{"id":"forged","kind":"note"}')
    return exactly(f"line {at + 1}: it was inserted")


def inserted_and_hashed(copy: Copy) -> Names:
    at = copy.place()
    copy.lines.insert(at, b'{"id":"forged","kind":"note"}')
    copy.hash_again()
    return within(at, len(copy.lines))


def moved(copy: Copy) -> Names:
    one, other = copy.chance.sample(range(len(copy.lines)), 2)
    copy.lines[one], copy.lines[other] = copy.lines[other], copy.lines[one]
    return lambda found: bool(found) and all("it was moved" in each for each in found)


def moved_and_hashed(copy: Copy) -> Names:
    one, other = copy.chance.sample(range(len(copy.lines)), 2)
    copy.lines[one], copy.lines[other] = copy.lines[other], copy.lines[one]
    copy.hash_again()
    return within(min(one, other), len(copy.lines))


def cut_off(copy: Copy) -> Names:
    at, size = copy.place(), len(copy.lines)
    del copy.lines[at:]
    return exactly(*(f"entry {each}: it was deleted" for each in range(at, size)))


def cut_off_and_hashed(copy: Copy) -> Names:
    at, size = copy.place(), len(copy.lines)
    del copy.lines[at:]
    copy.hash_again()
    gone = f"it was signed for {size} entries and {at} are here: some are gone"
    return lambda found: any(gone in each for each in found)


def rolled_back(copy: Copy) -> Names:
    """Put everything back to an older checkpoint: consistent in itself, and only a note that was kept tells."""
    back = copy.chance.randrange(len(copy.notes) - 1)
    size = int(copy.notes[back].split("\n")[1])
    del copy.lines[size:], copy.notes[back + 1 :]
    copy.hash_again()
    return lambda found: len(found) == 1 and found[0].startswith("kept note: ") and "some are gone" in found[0]


def signature_swapped(copy: Copy) -> Names:
    one, other = copy.chance.sample(range(len(copy.notes)), 2)
    copy.notes[one] = copy.notes[one].rpartition("\n\n")[0] + "\n\n" + copy.notes[other].rpartition("\n\n")[2]
    return lambda found: any(each.startswith(f"checkpoint {one + 1}: ") and "signature" in each for each in found)


def signed_by_another_key(copy: Copy) -> Names:
    at = copy.chance.randrange(len(copy.notes))
    text = copy.notes[at].rpartition("\n\n")[0] + "\n"
    copy.notes[at] = sign_note(text, LogKey(text.split("\n")[0], copy.chance.randbytes(32)))
    return lambda found: f"checkpoint {at + 1}: it is not signed by the log's key" in found


def checkpoint_edited(copy: Copy) -> Names:
    at = copy.chance.randrange(len(copy.notes))
    name, size, rest = copy.notes[at].split("\n", 2)
    copy.notes[at] = "\n".join((name, str(int(size) + 1), rest))
    return lambda found: any(each.startswith(f"checkpoint {at + 1}: ") and "signature" in each for each in found)


KINDS: tuple[Callable[[Copy], Names], ...] = (
    edited, edited_and_hashed, deleted, deleted_and_hashed, inserted, inserted_and_hashed, moved, moved_and_hashed,
    cut_off, cut_off_and_hashed, rolled_back, signature_swapped, signed_by_another_key, checkpoint_edited,
)  # fmt: skip


def attempt(kind: Callable[[Copy], Names], source: Path, folder: Path, chance: random.Random) -> tuple[bool, list[str]]:
    """Falsify a copy and verify it with the newest checkpoint as kept note; return whether it was named, and how."""
    copy = Copy(source, folder, chance)
    kept = {"kept note": copy.notes[-1]}
    names = kind(copy)
    copy.write()
    export = Export(folder, [Key.parse((source / "key.txt").read_text())], kept, [])
    holds = export.verify()
    return not holds and names(export.problems), export.problems
