"""Signs with a key that never leaves its hardware module or smart card: PKCS #11, by a URI of RFC 7512.

    pkcs11:token=release;object=claim-signer?module-path=/usr/lib/softhsm/libsofthsm2.so&pin-source=file:/run/pin

A session that was lost (the module restarted, the card was pulled) is opened again once; a wrong PIN is never tried
again, because tokens lock themselves. One key may be shared between threads and survives fork. Makes no keys.
"""

from __future__ import annotations

import ctypes
import os
import threading
from collections.abc import Callable, Iterator
from ctypes import byref, c_ubyte, c_ulong
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import unquote_to_bytes

from provenance import pkcs11_abi as abi
from provenance.base import SignerUnusable, SigningError
from provenance.chain import Algorithm
from provenance.signatures import HALF_BYTES, digest_of

SCHEME = "pkcs11:"
MAX_PIN_BYTES = 255


@dataclass(frozen=True)
class KeyPlace:
    """Where a key is: which library, which token, which object, and the file with the PIN."""

    module: Path
    token: bytes
    label: bytes
    id: bytes
    pin_file: Path

    @classmethod
    def parse(cls, uri: str) -> KeyPlace:
        """Read a URI.

        Raises:
            SignerUnusable: it lacks something, or has the PIN itself in it.
        """
        path, _, query = uri.removeprefix(SCHEME).partition("?")
        parts = dict(_pairs(path, ";"))
        asked = dict(_pairs(query, "&"))
        if "pin-value" in asked:
            raise SignerUnusable("a PIN does not belong into a setting: write it to a file and name that in pin-source")
        module = asked.get("module-path", b"").decode()
        pin = asked.get("pin-source", b"").decode().removeprefix("file:")
        missing = [
            name
            for name, value in (
                ("token", parts.get("token")),
                ("object or id", parts.get("object") or parts.get("id")),
                ("module-path", module),
                ("pin-source", pin),
            )
            if not value
        ]
        if missing:
            raise SignerUnusable(f"the PKCS #11 URI of the signing key lacks {', '.join(missing)} (RFC 7512)")
        return cls(Path(module), parts["token"], parts.get("object", b""), parts.get("id", b""), Path(pin))


class HardwareKey:
    """A private key in a token.

    Args:
        place: where it is.
        algorithm: what it signs by.
        library: opens the library.
    """

    def __init__(
        self, place: KeyPlace, algorithm: Algorithm, library: Callable[[Path], abi.Calls] = abi.open_library
    ) -> None:
        self._place = place
        self._algorithm = algorithm
        self._library = library
        self._turn = threading.Lock()
        self._open: tuple[int, abi.Calls, int, int] | None = None  # process, functions, session, key
        self._refused: tuple[bytes, SignerUnusable] | None = None  # a PIN that must not be tried again

    def sign(self, data: bytes) -> bytes:
        """Return a signature as COSE wants it.

        Raises:
            SignerUnusable: library, token, PIN or key are not usable, in words.
            SigningError: the token refused to sign.
        """
        with self._turn:  # a session signs one thing at a time
            code, signature = self._try(data)
            if code in abi.LOST:
                self._forget()
                code, signature = self._try(data)
        if code != abi.OK:
            raise SigningError(f"the token {self._place.token.decode()!r} refused to sign (PKCS #11 error 0x{code:x})")
        return signature

    def _try(self, data: bytes) -> tuple[int, bytes]:
        if self._open is None or self._open[0] != os.getpid():
            self._open = (os.getpid(), *self._session())
        _, calls, session, key = self._open
        ed25519 = self._algorithm is Algorithm.ED25519
        mechanism = abi.Mechanism(abi.EDDSA if ed25519 else abi.ECDSA, None, 0)
        code = calls["C_SignInit"](session, byref(mechanism), key)
        if code != abi.OK:
            return code, b""
        what = digest_of(data, self._algorithm)
        room = (c_ubyte * abi.MAX_SIGNATURE)()
        length = c_ulong(2 * HALF_BYTES[self._algorithm])
        code = calls["C_Sign"](session, abi.bytes_of(what), len(what), room, byref(length))
        return code, bytes(room)[: length.value]

    def _session(self) -> tuple[abi.Calls, int, int]:
        calls = self._library(self._place.module)
        arguments = abi.InitializeArguments(flags=abi.LOCKING_OK)
        code = calls["C_Initialize"](ctypes.addressof(arguments))
        if code not in (abi.OK, abi.ALREADY_INITIALIZED):
            raise SignerUnusable(f"{self._place.module} cannot be started (PKCS #11 error 0x{code:x})")
        slot, session = self._slot(calls), c_ulong()
        _must(calls["C_OpenSession"](slot, abi.SERIAL_SESSION, None, None, byref(session)), "no session can be opened")
        try:
            self._log_in(calls, session.value)
            return calls, session.value, self._key(calls, session.value)
        except SignerUnusable:
            calls["C_CloseSession"](session.value)
            raise

    def _slot(self, calls: abi.Calls) -> int:
        count = c_ulong()
        _must(calls["C_GetSlotList"](1, None, byref(count)), "the tokens cannot be listed")
        slots = (c_ulong * max(count.value, 1))()
        _must(calls["C_GetSlotList"](1, slots, byref(count)), "the tokens cannot be listed")
        labels = []
        for slot in slots[: count.value]:
            info = abi.TokenInfo()
            if calls["C_GetTokenInfo"](slot, byref(info)) == abi.OK:
                labels.append(info.label.rstrip(b" \0"))
                if labels[-1] == self._place.token:
                    self._refuse_last_try(info.flags)
                    return int(slot)
        there = ", ".join(sorted(each.decode(errors="replace") for each in labels if each)) or "none"
        raise SignerUnusable(f"there is no token {self._place.token.decode()!r}; there are: {there}")

    def _refuse_last_try(self, flags: int) -> None:
        """A process remembers a refused PIN, but a new one does not: it must not be the one that locks the token."""
        if flags & abi.PIN_FINAL_TRY:
            raise SignerUnusable(
                f"the token {self._place.token.decode()!r} locks itself at the next wrong PIN: log in once by its own "
                "tool, and correct the file"
            )

    def _log_in(self, calls: abi.Calls, session: int) -> None:
        try:
            pin = self._place.pin_file.read_bytes().strip()
        except OSError as error:
            raise SignerUnusable(f"the file with the PIN cannot be read: {error.strerror}") from error
        if self._refused is not None and self._refused[0] == pin:
            raise self._refused[1]
        if not 0 < len(pin) <= MAX_PIN_BYTES:
            raise SignerUnusable(f"the file {self._place.pin_file} holds no PIN")
        code = calls["C_Login"](session, abi.USER, abi.bytes_of(pin), len(pin))
        if code in abi.PIN_FAULTS:
            fault = SignerUnusable(
                f"{abi.PIN_FAULTS[code]} for the token {self._place.token.decode()!r}; it is not tried again, because "
                "tokens lock themselves: correct the file"
            )
            self._refused = (pin, fault)
            raise fault
        if code != abi.ALREADY_LOGGED_IN:
            _must(code, "the token refuses the login")

    def _key(self, calls: abi.Calls, session: int) -> int:
        private = c_ulong(abi.PRIVATE_KEY)
        values = [(abi.CLASS, ctypes.addressof(private), ctypes.sizeof(private))]
        kept = []
        for kind, wanted in ((abi.LABEL, self._place.label), (abi.ID, self._place.id)):
            if wanted:
                kept.append(abi.bytes_of(wanted))
                values.append((kind, ctypes.addressof(kept[-1]), len(wanted)))
        template = (abi.Attribute * len(values))(*(abi.Attribute(*each) for each in values))
        found, count = (c_ulong * 2)(), c_ulong()
        _must(calls["C_FindObjectsInit"](session, template, len(values)), "the token cannot be searched")
        code = calls["C_FindObjects"](session, found, 2, byref(count))
        calls["C_FindObjectsFinal"](session)
        _must(code, "the token cannot be searched")
        if count.value != 1:
            number = "no" if count.value == 0 else "more than one"
            raise SignerUnusable(
                f"the token {self._place.token.decode()!r} holds {number} private key of this label or id"
            )
        return int(found[0])

    def _forget(self) -> None:
        if self._open is not None:
            _, calls, session, _ = self._open
            calls["C_CloseSession"](session)  # whatever it answers: a new one is opened
        self._open = None


def _must(code: int, words: str) -> None:
    if code != abi.OK:
        raise SignerUnusable(f"{words} (PKCS #11 error 0x{code:x})")


def _pairs(text: str, separator: str) -> Iterator[tuple[str, bytes]]:
    for part in text.split(separator):
        name, equals, value = part.partition("=")
        if equals:
            yield name, unquote_to_bytes(value)
