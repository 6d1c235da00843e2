"""Takes from the current process what a decoder does not need: memory, time, files, network, new privileges.

Linux only, and one-way: a confined process stays confined. Called by `media.decode_child`, never by the service itself.
What the host's kernel does not offer (Landlock before 5.13, user namespaces switched off) is left out and is missing
from the returned names; the resource limits are not optional.
"""

from __future__ import annotations

import ctypes
import os
import resource
import struct
from collections.abc import Sequence
from pathlib import Path

from media.syscall_filter import refuse_system_calls

_PR_SET_NO_NEW_PRIVS = 38
_CLONE_NEWUSER = 0x10000000
_CLONE_NEWNET = 0x40000000
_SYS_LANDLOCK_CREATE_RULESET = 444
_SYS_LANDLOCK_ADD_RULE = 445
_SYS_LANDLOCK_RESTRICT_SELF = 446
"""The same numbers on every architecture since Linux 5.13 (Documentation/userspace-api/landlock.rst)."""

_LANDLOCK_VERSION_FLAG = 1
_LANDLOCK_FILE_RIGHTS = {1: 13, 2: 14, 3: 15, 4: 15}
"""How many file-system rights each Landlock ABI knows; 16 from ABI 5 on."""

_LANDLOCK_NETWORK_ABI = 4
_LANDLOCK_SCOPE_ABI = 6
_LANDLOCK_RULE_PATH_BENEATH = 1
_LANDLOCK_READ = 1 << 2 | 1 << 3
"""Read a file, list a directory."""

_OPEN_FILES = 16


def confine(memory_bytes: int, cpu_s: int, readable: Sequence[Path]) -> list[str]:
    """Confine this process for good; it must have a single thread. What is open stays usable.

    Args:
        memory_bytes: address space.
        cpu_s: seconds of CPU time, then the process is killed.
        readable: directories below which files may still be opened for reading.

    Returns:
        What took effect: `network_namespace`, `resource_limits`, `no_new_privileges`, `landlock`, `seccomp`.

    Raises:
        OSError, ValueError: a resource limit could not be set.
    """
    return [
        *_leave_network(),
        *_limit_resources(memory_bytes, cpu_s),
        *_close_file_system(readable),
        *refuse_system_calls(),
    ]


def _leave_network() -> list[str]:
    """Move into an empty network namespace; with the user namespace that lets anyone do so."""
    libc = ctypes.CDLL(None, use_errno=True)
    return ["network_namespace"] if libc.unshare(_CLONE_NEWUSER | _CLONE_NEWNET) == 0 else []


def _limit_resources(memory_bytes: int, cpu_s: int) -> list[str]:
    """Bound memory and CPU seconds; forbid core dumps, file writes and many open files."""
    for what, most in (
        (resource.RLIMIT_AS, memory_bytes),
        (resource.RLIMIT_CPU, cpu_s),
        (resource.RLIMIT_CORE, 0),  # a dump would hold the pictures
        (resource.RLIMIT_FSIZE, 0),
        (resource.RLIMIT_NOFILE, _OPEN_FILES),
    ):
        resource.setrlimit(what, (most, most))
    return ["resource_limits"]


def _close_file_system(readable: Sequence[Path]) -> list[str]:
    """Forbid new privileges, files elsewhere than `readable` and (from Linux 6.7 on) TCP connections."""
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.prctl(_PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0:
        return []
    done = ["no_new_privileges"]
    abi = libc.syscall(_SYS_LANDLOCK_CREATE_RULESET, None, ctypes.c_size_t(0), _LANDLOCK_VERSION_FLAG)
    if abi < 1:
        return done
    file_rights = (1 << _LANDLOCK_FILE_RIGHTS.get(abi, 16)) - 1
    rules = [file_rights]
    if abi >= _LANDLOCK_NETWORK_ABI:
        rules.append(0b11)  # TCP bind and connect
    if abi >= _LANDLOCK_SCOPE_ABI:
        rules.append(0b11)  # abstract UNIX sockets of others, signals to others
    attributes = (ctypes.c_uint64 * len(rules))(*rules)
    # A ruleset that handles every right; what no rule allows is forbidden.
    ruleset = libc.syscall(
        _SYS_LANDLOCK_CREATE_RULESET, ctypes.byref(attributes), ctypes.c_size_t(ctypes.sizeof(attributes)), 0
    )
    if ruleset < 0:
        return done
    for directory in readable:
        place = os.open(directory, os.O_PATH | os.O_CLOEXEC)
        rule = struct.pack("=Qi", _LANDLOCK_READ, place)  # the kernel's struct is packed
        libc.syscall(_SYS_LANDLOCK_ADD_RULE, ruleset, _LANDLOCK_RULE_PATH_BENEATH, rule, 0)
        os.close(place)
    if libc.syscall(_SYS_LANDLOCK_RESTRICT_SELF, ruleset, 0) == 0:
        done.append("landlock")
    os.close(ruleset)
    return done
