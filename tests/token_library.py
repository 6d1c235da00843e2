"""A PKCS #11 token in this process: a real table of C functions, as a library gives it, over keys of `cryptography`.

What is called goes through the C layout of the standard, in both directions. It can misbehave as tokens do.
"""

from __future__ import annotations

import ctypes
from collections.abc import Callable
from ctypes import POINTER, c_ubyte, c_ulong, c_void_p, cast
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed25519
from cryptography.hazmat.primitives.asymmetric.utils import Prehashed, decode_dss_signature

from provenance import pkcs11_abi as abi

ULONG = POINTER(c_ulong)


@dataclass
class SoftToken:
    """One token in slot 7, with private keys by label."""

    keys: dict[bytes, Any]
    label: bytes = b"release"
    pin: bytes = b"1234"
    log: list[str] = field(default_factory=list)
    sessions: set[int] = field(default_factory=set)
    logged_in: bool = False
    flags: int = 0
    sign_error: int = 0
    """What signing answers instead."""

    def __post_init__(self) -> None:
        self._made = 0
        self._found: list[int] = []
        self._signing: int | None = None
        self._kept: list[Any] = []
        self.table = abi.FunctionList()
        for name, place in abi.INDEX.items():
            prototype = ctypes.CFUNCTYPE(c_ulong, *abi.ARGUMENTS[name])
            function = prototype(self._noted(name, getattr(self, name.removeprefix("C_"))))
            self._kept.append(function)
            self.table.functions[place] = cast(function, c_void_p).value

    def open(self, _path: Path) -> abi.Calls:
        """Stand in for `open_library`."""
        return abi.calls_of(self.table)

    def restart(self) -> None:
        """Forget every session and login, as a module does that was started again."""
        self.sessions.clear()
        self.logged_in = False

    def _noted(self, name: str, call: Callable[..., int]) -> Callable[..., int]:
        def noted(*arguments: Any) -> int:
            self.log.append(name)
            return call(*arguments)

        return noted

    def Initialize(self, arguments: int) -> int:
        given = ctypes.cast(arguments, POINTER(abi.InitializeArguments)).contents
        return abi.OK if given.flags == abi.LOCKING_OK else 0x7

    def Finalize(self, _: object) -> int:
        return abi.OK

    def GetSlotList(self, _present: int, slots: Any, count: Any) -> int:
        count[0] = 1
        if slots:
            slots[0] = 7
        return abi.OK

    def GetTokenInfo(self, slot: int, info: Any) -> int:
        info[0].label = self.label.ljust(32)
        info[0].flags = self.flags
        return abi.OK if slot == 7 else 0x3

    def OpenSession(self, slot: int, flags: int, _a: object, _b: object, session: Any) -> int:
        if slot != 7 or not flags & abi.SERIAL_SESSION:
            return 0x3
        self._made += 1
        self.sessions.add(self._made)
        session[0] = self._made
        return abi.OK

    def CloseSession(self, session: int) -> int:
        self.sessions.discard(session)
        return abi.OK

    def Login(self, session: int, user: int, pin: Any, length: int) -> int:
        if session not in self.sessions or user != abi.USER:
            return 0xB3
        if self.logged_in:
            return abi.ALREADY_LOGGED_IN
        if bytes(pin[:length]) != self.pin:
            return 0xA0
        self.logged_in = True
        return abi.OK

    def FindObjectsInit(self, session: int, template: Any, count: int) -> int:
        asked = {template[n].type: ctypes.string_at(template[n].value, template[n].length) for n in range(count)}
        private = asked[abi.CLASS] == abi.PRIVATE_KEY.to_bytes(ctypes.sizeof(c_ulong), "little")
        self._found = [
            number for number, label in enumerate(self.keys, 1) if private and self.logged_in
            and asked.get(abi.LABEL, label) == label and asked.get(abi.ID, bytes([number])) == bytes([number])
        ]  # fmt: skip
        return abi.OK if session in self.sessions else 0xB3

    def FindObjects(self, _session: int, objects: Any, room: int, count: Any) -> int:
        part, self._found = self._found[:room], self._found[room:]
        for place, each in enumerate(part):
            objects[place] = each
        count[0] = len(part)
        return abi.OK

    def FindObjectsFinal(self, _session: int) -> int:
        return abi.OK

    def SignInit(self, session: int, mechanism: Any, key: int) -> int:
        if session not in self.sessions:
            return 0xB3
        if not self.logged_in:
            return 0x101
        if self._signing is not None:
            return 0x90  # operation active: two threads in one session
        signer = list(self.keys.values())[key - 1]
        wanted = abi.EDDSA if isinstance(signer, ed25519.Ed25519PrivateKey) else abi.ECDSA
        if mechanism[0].mechanism != wanted:
            return 0x70
        self._signing = key
        return abi.OK

    def Sign(self, _session: int, data: Any, length: int, signature: Any, room: Any) -> int:
        key, self._signing = list(self.keys.values())[self._signing - 1], None
        if self.sign_error:
            return self.sign_error
        made = _sign(key, bytes(data[:length]))
        if room[0] < len(made):
            return 0x150
        for place, byte in enumerate(made):
            signature[place] = c_ubyte(byte)
        room[0] = len(made)
        return abi.OK


def _sign(key: Any, data: bytes) -> bytes:
    if isinstance(key, ed25519.Ed25519PrivateKey):
        return key.sign(data)
    half = key.curve.key_size // 8
    hashing = hashes.SHA384() if half == 48 else hashes.SHA256()
    r, s = decode_dss_signature(key.sign(data, ec.ECDSA(Prehashed(hashing))))
    return r.to_bytes(half, "big") + s.to_bytes(half, "big")
