"""Signed tree heads in the C2SP formats tlog-checkpoint and signed-note, with Ed25519: proof for people outside.

    framegate.example/ledger                  origin: the name of the log and of its key
    1234                                      size of the tree
    CsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=
                                              (an empty line, then the signature)
    — framegate.example/ledger Az3grlgt…

Keys are files in the form of Go's sumdb/note, so other C2SP tools read them. What a tree is, `safety.merkle` knows;
when a checkpoint is due, `safety.ledger` and `safety.audit`.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import os
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from safety.errors import LedgerError
from safety.merkle import HASH_BYTES

ED25519 = b"\x01"
"""Signature type identifier of signed-note."""

KEY_BYTES = 32
"""Ed25519 seed and public key (RFC 8032)."""

PRIVATE_PREFIX = "PRIVATE+KEY+"

MAX_NOTE_CHARACTERS = 16_384
"""Nothing longer is parsed: room for 16 signatures of witnesses, as signed-note demands."""


class TreeHead(NamedTuple):
    """What a checkpoint says: the log had `size` entries and this root (32 bytes)."""

    size: int
    root: bytes


@dataclass(frozen=True)
class LogPublicKey:
    """Verifies checkpoints of one log."""

    name: str
    """The log's origin."""

    raw: bytes
    """Ed25519 public key, 32 bytes."""

    @property
    def id(self) -> bytes:
        """First four bytes of SHA-256(name, newline, type, key), as signed-note recommends."""
        return hashlib.sha256(self.name.encode() + b"\n" + ED25519 + self.raw).digest()[:4]

    @property
    def text(self) -> str:
        """One line to publish: `name+id+key`, the verifier key of Go's sumdb/note."""
        return f"{self.name}+{self.id.hex()}+{_to_base64(ED25519 + self.raw)}"

    @classmethod
    def parse(cls, text: str) -> LogPublicKey:
        """Read what `text` wrote.

        Raises:
            LedgerError: it is not an Ed25519 verifier key, or its id does not fit.
        """
        name, key_id, raw = _parse_key(text.strip(), "verifier key")
        public = cls(name, raw)
        if public.id != key_id:
            raise LedgerError(f"the verifier key of {name!r} does not have the id it states: copy it again")
        return public


@dataclass(frozen=True)
class LogKey:
    """Signs checkpoints of one log. Whoever has it can rewrite the log: keep it away from the database."""

    name: str
    seed: bytes = field(repr=False)

    @property
    def public(self) -> LogPublicKey:
        """The key that verifies what this one signs."""
        return LogPublicKey(self.name, Ed25519PrivateKey.from_private_bytes(self.seed).public_key().public_bytes_raw())

    @classmethod
    def create(cls, path: Path, name: str) -> LogKey:
        """Make a new key and write it to a new file that only its owner can read.

        Raises:
            LedgerError: the name holds a space or `+`, or the file exists or cannot be written.
        """
        _check_name(name)
        key = cls(name, os.urandom(KEY_BYTES))
        text = f"{PRIVATE_PREFIX}{name}+{key.public.id.hex()}+{_to_base64(ED25519 + key.seed)}\n"
        try:
            with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8") as file:
                file.write(text)
                file.flush()
                os.fsync(file.fileno())
        except OSError as error:
            raise LedgerError(f"the log key {path} cannot be created: {error.strerror}") from error
        return key

    @classmethod
    def load(cls, path: Path) -> LogKey:
        """Read a key file.

        Raises:
            LedgerError: it is missing, is not a log key, or other users may read it.
        """
        try:
            mode, text = path.stat().st_mode, path.read_text(encoding="utf-8").strip()
        except (OSError, UnicodeDecodeError) as error:
            raise LedgerError(f"the log key {path} cannot be read ({type(error).__name__})") from error
        if mode & 0o077:
            raise LedgerError(f"the log key {path} may be read by other users: chmod 600 it")
        if not text.startswith(PRIVATE_PREFIX):
            raise LedgerError(f"{path} does not hold a log key")
        name, key_id, seed = _parse_key(text.removeprefix(PRIVATE_PREFIX), "log key")
        key = cls(name, seed)
        if key.public.id != key_id:
            raise LedgerError(f"the log key {path} does not have the id it states: it was damaged")
        return key


def sign_checkpoint(size: int, root: bytes, key: LogKey, extensions: Sequence[str] = ()) -> str:
    """Return the signed note for a tree of `size` leaves. Equal arguments give equal notes (Ed25519 has no chance)."""
    lines = (key.name, str(size), _to_base64(root), *extensions)
    return sign_note("".join(f"{line}\n" for line in lines), key)


def verify_checkpoint(note: str, *publics: LogPublicKey, extensions: Sequence[str] = ()) -> TreeHead:
    """Return what a checkpoint says, after one of the keys verified it.

    Raises:
        LedgerError: no valid signature by any of the keys, another log's origin, other extension lines than these,
            or not a checkpoint.
    """
    text, signer = verify_note(note, *publics)
    lines = text.split("\n")[:-1]
    if len(lines) < 3 or lines[0] != signer.name or lines[3:] != list(extensions):
        raise LedgerError(f"a note signed by {signer.name!r} is not a checkpoint of that log")
    root = _from_base64(lines[2])
    if not lines[1].isascii() or not lines[1].isdecimal() or str(int(lines[1])) != lines[1] or len(root) != HASH_BYTES:
        raise LedgerError(f"a checkpoint of {signer.name!r} states no size and root")
    return TreeHead(int(lines[1]), root)


def sign_note(text: str, key: LogKey) -> str:
    """Sign a text that ends in a newline (C2SP signed-note)."""
    signature = Ed25519PrivateKey.from_private_bytes(key.seed).sign(text.encode())
    return f"{text}\n— {key.name} {_to_base64(key.public.id + signature)}\n"


def verify_note(note: str, *publics: LogPublicKey) -> tuple[str, LogPublicKey]:
    """Return the text of a note and the key that signed it. Signatures by unknown keys are ignored, as C2SP demands.

    Raises:
        LedgerError: malformed, not signed by any of the keys, or a signature by one of them is wrong.
    """
    text, gap, signatures = note.rpartition("\n\n")
    lines = signatures.split("\n")
    control = any(character < " " and character != "\n" for character in note)
    if len(note) > MAX_NOTE_CHARACTERS or control or not gap or len(lines) < 2 or lines[-1]:
        raise LedgerError("not a signed note")
    text += "\n"
    known = {(public.name, public.id): public for public in publics}
    signer: LogPublicKey | None = None
    for line in lines[:-1]:
        dash, _, rest = line.partition(" ")
        name, _, encoded = rest.partition(" ")
        blob = _from_base64(encoded)
        if dash != "—" or not name or len(blob) < 5:
            raise LedgerError("not a signed note: a signature line is malformed")
        public = known.get((name, blob[:4]))
        if public is None:
            continue
        try:
            Ed25519PublicKey.from_public_bytes(public.raw).verify(blob[4:], text.encode())
        except InvalidSignature:
            raise LedgerError(f"the signature by {name!r} does not fit the note: one of them was changed") from None
        signer = signer or public
    if signer is None:
        raise LedgerError("the note is signed by none of the log's keys")
    return text, signer


def _check_name(name: str) -> None:
    if not name or "+" in name or any(each.isspace() or each < " " for each in name):
        raise LedgerError("the name of a log is not empty and holds neither spaces nor '+'")


def _parse_key(text: str, what: str) -> tuple[str, bytes, bytes]:
    name, _, rest = text.partition("+")
    key_id, _, encoded = rest.partition("+")
    _check_name(name)
    blob = _from_base64(encoded)
    if len(key_id) != 8 or blob[:1] != ED25519 or len(blob) != 1 + KEY_BYTES:
        raise LedgerError(f"not an Ed25519 {what}")
    try:
        return name, bytes.fromhex(key_id), blob[1:]
    except ValueError:
        raise LedgerError(f"not an Ed25519 {what}") from None


def _to_base64(data: bytes) -> str:
    return base64.b64encode(data).decode()


def _from_base64(text: str) -> bytes:
    try:
        data = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        data = None
    # The decoder ignores spare bits of the last character: two texts would stand for one signature.
    if data is None or _to_base64(data) != text:
        raise LedgerError("a note or key holds what is not Base64")
    return data
