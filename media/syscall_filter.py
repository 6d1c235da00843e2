"""Forbids a process for good the system calls through which a taken-over decoder would reach further: seccomp.

A list of refusals, not of permissions: FFmpeg and glibc use too many calls, different ones on each host, to be listed.
Memory, files and network are `media.confinement`'s task as well; this also closes what they leave open (UNIX sockets,
other processes, kernel interfaces known for their faults). Linux on x86-64 and AArch64 only.
"""

from __future__ import annotations

import ctypes
import errno
import platform
import struct

_PR_SET_SECCOMP = 22
_SECCOMP_MODE_FILTER = 2
_RET_ALLOW = 0x7FFF0000
_RET_REFUSE = 0x00050000 | errno.EPERM
_LOAD_WORD = 0x20
_JUMP_EQUAL = 0x15
_JUMP_GREATER_OR_EQUAL = 0x35
_RETURN = 0x06
"""Constants of linux/seccomp.h and linux/bpf_common.h."""

_OFFSET_NUMBER = 0
_OFFSET_ARCHITECTURE = 4
_X32_NUMBERS = 0x40000000
"""x86-64 knows every call under a second number from here on."""

_REFUSED = (
    "socket", "connect", "execve", "execveat", "ptrace", "process_vm_readv", "process_vm_writev", "mount", "unshare",
    "setns", "open_by_handle_at", "bpf", "perf_event_open", "userfaultfd", "io_uring_setup", "add_key", "request_key",
    "keyctl", "pidfd_open",
)  # fmt: skip
_ARCHITECTURES = {
    "x86_64": (
        0xC000003E,
        (41, 42, 59, 322, 101, 310, 311, 165, 272, 308, 304, 321, 298, 323, 425, 248, 249, 250, 434),
    ),
    "aarch64": (
        0xC00000B7,
        (198, 203, 221, 281, 117, 270, 271, 40, 97, 268, 265, 280, 241, 282, 425, 217, 218, 219, 434),
    ),
}
"""AUDIT_ARCH_* of linux/audit.h, and the numbers of `_REFUSED` in its order (arch/*/syscall tables of Linux)."""


class _Program(ctypes.Structure):
    """`struct sock_fprog` of linux/filter.h."""

    _fields_ = (("length", ctypes.c_ushort), ("filter", ctypes.c_char_p))


def refuse_system_calls() -> list[str]:
    """Install the filter; the process must already have given up gaining privileges.

    Returns:
        `["seccomp"]`, or nothing where the kernel or the processor is not supported.
    """
    known = _ARCHITECTURES.get(platform.machine())
    if known is None:
        return []
    instructions = _instructions(*known)
    program = _Program(len(instructions), b"".join(instructions))
    libc = ctypes.CDLL(None, use_errno=True)
    installed = libc.prctl(_PR_SET_SECCOMP, _SECCOMP_MODE_FILTER, ctypes.byref(program), 0, 0) == 0
    return ["seccomp"] if installed else []


def _instructions(architecture: int, numbers: tuple[int, ...]) -> list[bytes]:
    """Classic BPF: refuse calls of another architecture and the listed ones, allow the rest."""

    def one(code: int, value: int, if_true: int = 0, if_false: int = 0) -> bytes:
        return struct.pack("=HBBI", code, if_true, if_false, value)

    count = len(numbers)
    # Jumps count the instructions they skip; the last two are "allow" and "refuse".
    return [
        one(_LOAD_WORD, _OFFSET_ARCHITECTURE),
        one(_JUMP_EQUAL, architecture, 0, count + 3),
        one(_LOAD_WORD, _OFFSET_NUMBER),
        one(_JUMP_GREATER_OR_EQUAL, _X32_NUMBERS, count + 1, 0),
        *(one(_JUMP_EQUAL, number, count - index, 0) for index, number in enumerate(numbers)),
        one(_RETURN, _RET_ALLOW),
        one(_RETURN, _RET_REFUSE),
    ]
