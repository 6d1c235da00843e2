"""Cosignatures of witnesses on checkpoints (C2SP tlog-cosignature, Ed25519): others say that they saw this very log.

    witness: GET checkpoint ─▶ GET consistency with the last it saw ─▶ sign ─▶ POST it ─▶ verified, kept, published

A log that shows two histories needs a witness that signs both. Only witnesses whose keys are configured are taken; the
signature proves who it is, so anybody may hand it in. Stored checkpoints stay as they are.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from sqlalchemy import Engine, select

from safety.checkpoints import LogPublicKey, verify_checkpoint
from safety.database import insert_unless_there, reading, utc_now, writing
from safety.errors import Conflict, InvalidContent, LedgerError, NotFound
from safety.tables import checkpoints, cosignatures

COSIGNATURE = b"\x04"
"""Signature type identifier of tlog-cosignature with Ed25519."""

BLOB_BYTES = 4 + 8 + 64
"""Key id, time in seconds since 1970, signature."""


@dataclass(frozen=True)
class WitnessKey:
    """Verifies the cosignatures of one witness."""

    name: str
    raw: bytes
    """Ed25519 public key, 32 bytes."""

    @property
    def id(self) -> bytes:
        """First four bytes of SHA-256(name, newline, type, key)."""
        return hashlib.sha256(self.name.encode() + b"\n" + COSIGNATURE + self.raw).digest()[:4]

    @classmethod
    def parse(cls, text: str) -> WitnessKey:
        """Read a line `name+id+key`.

        Raises:
            LedgerError: it is no Ed25519 key of a witness, or its id does not fit.
        """
        name, _, rest = text.strip().partition("+")
        stated, _, encoded = rest.partition("+")
        try:
            blob = base64.b64decode(encoded, validate=True)
        except (binascii.Error, ValueError):
            blob = b""
        key = cls(name, blob[1:])
        if not name or blob[:1] != COSIGNATURE or len(key.raw) != 32 or key.id.hex() != stated:
            raise LedgerError(f"the key of the witness {name!r} is not `name+id+key` of type 4: copy it again")
        return key

    def signed(self, text: str, blob: bytes) -> bool:
        """Say whether this witness made a cosignature (without its key id) over the text of a checkpoint."""
        message = f"cosignature/v1\ntime {int.from_bytes(blob[:8], 'big')}\n{text}"
        try:
            Ed25519PublicKey.from_public_bytes(self.raw).verify(blob[8:], message.encode())
        except InvalidSignature:
            return False
        return True


@dataclass(frozen=True)
class Cosignatures:
    """Takes cosignatures and keeps them beside the checkpoints."""

    engine: Engine
    publics: Sequence[LogPublicKey]
    witnesses: Sequence[WitnessKey]
    clock: Callable[[], datetime] = utc_now

    def accept(self, note: str) -> list[str]:
        """Keep the cosignatures of a note by known witnesses and return their names; repeating it changes nothing.

        Raises:
            InvalidContent: not a signed note, or a line by a known witness that does not fit.
            NotFound: this log never stored such a checkpoint.
            Conflict: none of its lines is by a witness that is known here.
        """
        try:
            size, root = verify_checkpoint(note, *self.publics)
        except LedgerError as error:
            raise InvalidContent(f"not a checkpoint of this log: {error}") from None
        with reading(self.engine) as connection:
            stored = connection.execute(select(checkpoints.c.root).where(checkpoints.c.size == size)).scalar()
        if stored != root:
            raise NotFound(f"no checkpoint of {size} entries with this root is stored here")
        text = note.rpartition("\n\n")[0] + "\n"
        found = [each for line in note.rpartition("\n\n")[2].splitlines() if (each := self._by_witness(line, text))]
        if not found:
            known = ", ".join(witness.name for witness in self.witnesses) or "none: set FRAMEGATE_LEDGER_WITNESSES"
            raise Conflict(f"the note carries no cosignature by a known witness (known: {known})")
        with writing(self.engine) as connection:
            for name, line in found:
                values = {"size": size, "witness": name, "line": line, "at": self.clock()}
                insert_unless_there(connection, cosignatures, values)
        return [name for name, _ in found]

    def _by_witness(self, line: str, text: str) -> tuple[str, str] | None:
        name, _, encoded = line.removeprefix("— ").partition(" ")
        blob = base64.b64decode(encoded)
        for witness in self.witnesses:
            if (witness.name, witness.id) == (name, blob[:4]):
                if len(blob) != BLOB_BYTES or not witness.signed(text, blob[4:]):
                    raise InvalidContent(f"the cosignature by {name!r} does not fit this checkpoint")
                return name, line
        return None
