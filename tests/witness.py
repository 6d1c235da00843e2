"""A witness of the log, written from the specification and not from our code."""

from __future__ import annotations

import base64
import hashlib

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey


class Witness:
    """Somebody outside who cosigns (C2SP tlog-cosignature, Ed25519)."""

    def __init__(self, name: str, seed: bytes) -> None:
        self.name = name
        self._key = Ed25519PrivateKey.from_private_bytes(seed)
        raw = b"\x04" + self._key.public_key().public_bytes_raw()
        self._id = hashlib.sha256(name.encode() + b"\n" + raw).digest()[:4]
        self.public = f"{name}+{self._id.hex()}+{base64.b64encode(raw).decode()}"

    def cosign(self, note: str, time: int = 1_700_000_000) -> str:
        text = note.rpartition("\n\n")[0] + "\n"
        signature = self._key.sign(f"cosignature/v1\ntime {time}\n{text}".encode())
        return f"{note}— {self.name} {base64.b64encode(self._id + time.to_bytes(8, 'big') + signature).decode()}\n"
