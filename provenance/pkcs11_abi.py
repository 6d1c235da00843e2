"""The part of PKCS #11 (OASIS, version 2.40) that signing needs, as the C library lays it out on Unix.

Types, numbers and the table of functions; what to do with them is `provenance.pkcs11`. Not for Windows, where the
structures are packed.
"""

from __future__ import annotations

import ctypes
from collections.abc import Callable
from ctypes import POINTER, byref, c_char, c_ubyte, c_ulong, c_void_p
from pathlib import Path
from typing import Any

from provenance.base import SignerUnusable

OK = 0
KEY_HANDLE_INVALID = 0x60
PIN_FAULTS = {
    0xA0: "the PIN is wrong",
    0xA1: "the PIN is malformed",
    0xA3: "the PIN has expired",
    0xA4: "the PIN is locked",
}
PIN_FINAL_TRY = 0x20000
"""CKF_USER_PIN_FINAL_TRY: one more wrong PIN locks the token."""

ALREADY_LOGGED_IN = 0x100
ALREADY_INITIALIZED = 0x191
LOST = frozenset({0x30, 0x32, 0x60, 0x82, 0xB0, 0xB3, 0xE0, 0x101, 0x190})
"""Device error or removed, key or object handle gone, session closed or gone, token gone, logged out, not initialized:
after these a new session may work."""

LOCKING_OK = 2
SERIAL_SESSION = 4
USER = 1
CLASS, LABEL, ID, EC_POINT = 0x0, 0x3, 0x102, 0x181
PRIVATE_KEY = 3
ECDSA, EDDSA = 0x1041, 0x1057
MAX_SIGNATURE = 132

FUNCTIONS = 68
"""Entries of the table."""

INDEX = {
    "C_Initialize": 0, "C_Finalize": 1, "C_GetSlotList": 4, "C_GetTokenInfo": 6, "C_OpenSession": 12,
    "C_CloseSession": 13, "C_Login": 18, "C_FindObjectsInit": 26, "C_FindObjects": 27, "C_FindObjectsFinal": 28,
    "C_SignInit": 42, "C_Sign": 43,
}  # fmt: skip
"""Places of functions in the table (section 3.6)."""


class Version(ctypes.Structure):
    """CK_VERSION."""

    _fields_ = (("major", c_ubyte), ("minor", c_ubyte))


class FunctionList(ctypes.Structure):
    """CK_FUNCTION_LIST."""

    _fields_ = (("version", Version), ("functions", c_void_p * FUNCTIONS))


class InitializeArguments(ctypes.Structure):
    """CK_C_INITIALIZE_ARGS."""

    _fields_ = (
        ("create_mutex", c_void_p),
        ("destroy_mutex", c_void_p),
        ("lock_mutex", c_void_p),
        ("unlock_mutex", c_void_p),
        ("flags", c_ulong),
        ("reserved", c_void_p),
    )


class TokenInfo(ctypes.Structure):
    """CK_TOKEN_INFO."""

    _fields_ = (
        ("label", c_char * 32),
        ("manufacturer", c_char * 32),
        ("model", c_char * 16),
        ("serial", c_char * 16),
        ("flags", c_ulong),
        ("counts", c_ulong * 10),
        ("hardware", Version),
        ("firmware", Version),
        ("time", c_char * 16),
    )


class Attribute(ctypes.Structure):
    """CK_ATTRIBUTE."""

    _fields_ = (("type", c_ulong), ("value", c_void_p), ("length", c_ulong))


class Mechanism(ctypes.Structure):
    """CK_MECHANISM."""

    _fields_ = (("mechanism", c_ulong), ("parameter", c_void_p), ("length", c_ulong))


_ULONG = POINTER(c_ulong)
ARGUMENTS: dict[str, tuple[Any, ...]] = {
    "C_Initialize": (c_void_p,),
    "C_Finalize": (c_void_p,),
    "C_GetSlotList": (c_ubyte, _ULONG, _ULONG),
    "C_GetTokenInfo": (c_ulong, POINTER(TokenInfo)),
    "C_OpenSession": (c_ulong, c_ulong, c_void_p, c_void_p, _ULONG),
    "C_CloseSession": (c_ulong,),
    "C_Login": (c_ulong, c_ulong, POINTER(c_ubyte), c_ulong),
    "C_FindObjectsInit": (c_ulong, POINTER(Attribute), c_ulong),
    "C_FindObjects": (c_ulong, _ULONG, c_ulong, _ULONG),
    "C_FindObjectsFinal": (c_ulong,),
    "C_SignInit": (c_ulong, POINTER(Mechanism), c_ulong),
    "C_Sign": (c_ulong, POINTER(c_ubyte), c_ulong, POINTER(c_ubyte), _ULONG),
}

Calls = dict[str, Callable[..., int]]
"""Functions of a library by name; each returns a CK_RV."""


def open_library(path: Path) -> Calls:
    """Load a PKCS #11 library and return its functions.

    Raises:
        SignerUnusable: the file is no such library.
    """
    try:
        library = ctypes.CDLL(str(path))
        get_list = library.C_GetFunctionList
    except (OSError, AttributeError) as error:
        raise SignerUnusable(f"{path} is no PKCS #11 library that can be loaded: {error}") from error
    get_list.restype, get_list.argtypes = c_ulong, (POINTER(POINTER(FunctionList)),)
    table = POINTER(FunctionList)()
    code = get_list(byref(table))
    if code != OK or not table:
        raise SignerUnusable(f"{path} gives no list of functions (PKCS #11 error 0x{code:x})")
    return calls_of(table.contents)


def calls_of(table: FunctionList) -> Calls:
    """Return the functions of a table by name."""
    return {name: ctypes.CFUNCTYPE(c_ulong, *ARGUMENTS[name])(table.functions[place]) for name, place in INDEX.items()}


def bytes_of(data: bytes) -> ctypes.Array[c_ubyte]:
    """Return data as a C array of bytes."""
    return (c_ubyte * len(data)).from_buffer_copy(data)
