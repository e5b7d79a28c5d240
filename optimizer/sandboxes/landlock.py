"""Landlock: what a process may reach, narrowed by the process itself, without privileges (Linux 5.13 and later).

Numbers and structures follow the kernel's user-space interface, ``include/uapi/linux/landlock.h`` and
``Documentation/userspace-api/landlock.rst``. Called through ctypes: the standard library has no binding.

Not covered by any ABI known here: connecting to unix sockets that have a path, UDP, and metadata (``stat``, ``chmod``).
"""

from __future__ import annotations

import ctypes
import os
import stat
import struct
import sys
from collections.abc import Iterable
from functools import cache
from pathlib import Path

# The same numbers on every architecture but alpha, which has its own.
_CREATE_RULESET, _ADD_RULE, _RESTRICT_SELF = 444, 445, 446
_CREATE_RULESET_VERSION = 1
_RULE_PATH_BENEATH = 1
_RESTRICT_SELF_LOG_SAME_EXEC_OFF = 1
_PR_SET_NO_NEW_PRIVS = 38

EXECUTE, WRITE_FILE, READ_FILE, READ_DIR = 1 << 0, 1 << 1, 1 << 2, 1 << 3
REMOVE_DIR, REMOVE_FILE, MAKE_CHAR, MAKE_DIR = 1 << 4, 1 << 5, 1 << 6, 1 << 7
MAKE_REG, MAKE_SOCK, MAKE_FIFO, MAKE_BLOCK, MAKE_SYM = 1 << 8, 1 << 9, 1 << 10, 1 << 11, 1 << 12
REFER, TRUNCATE, IOCTL_DEV = 1 << 13, 1 << 14, 1 << 15
_NET_BIND_TCP, _NET_CONNECT_TCP = 1 << 0, 1 << 1
_SCOPE_ABSTRACT_UNIX_SOCKET, _SCOPE_SIGNAL = 1 << 0, 1 << 1

READ = EXECUTE | READ_FILE | READ_DIR
DEVICE = READ_FILE | WRITE_FILE | TRUNCATE
WRITE = (READ | WRITE_FILE | REMOVE_DIR | REMOVE_FILE | MAKE_DIR | MAKE_REG | MAKE_SOCK | MAKE_FIFO | MAKE_SYM) | (
    REFER | TRUNCATE
)
_ON_FILES = EXECUTE | WRITE_FILE | READ_FILE | TRUNCATE | IOCTL_DEV
_KNOWN_ABI = 7


@cache
def abi() -> int:
    """The kernel's Landlock ABI version, 0 when it has none or it is switched off."""
    if not sys.platform.startswith("linux"):
        return 0
    version = _libc().syscall(_CREATE_RULESET, None, ctypes.c_size_t(0), ctypes.c_uint32(_CREATE_RULESET_VERSION))
    return max(0, int(version))


def no_new_privileges() -> None:
    """Give up, for good, privileges gained by executing set-user-id programs; needed before any confinement."""
    if _libc().prctl(_PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0:
        raise OSError(ctypes.get_errno(), "prctl(PR_SET_NO_NEW_PRIVS)")


class Rules:
    """Paths, opened beforehand, with what may be done beneath them; every fork may enforce its copy once."""

    def __init__(self) -> None:
        self._rules: list[tuple[int, int]] = []

    def allow(self, paths: Iterable[Path | str], access: int) -> None:
        """Allow ``access`` beneath each path that is there; a path that is not is passed over."""
        for path in paths:
            try:
                fd = os.open(path, os.O_PATH | os.O_CLOEXEC)
            except OSError:
                continue
            self._rules.append((fd, access if stat.S_ISDIR(os.fstat(fd).st_mode) else access & _ON_FILES))

    def enforce(self, more: Iterable[tuple[Path | str, int]] = ()) -> None:
        """Confine this thread and all it will ever start to the rules and ``more``; there is no way back.

        Raises :class:`OSError` when the kernel refuses.
        """
        version = min(abi(), _KNOWN_ABI)
        handled = _handled(version)
        ruleset = _create(version, handled)
        try:
            for fd, access in self._rules:
                _add(ruleset, fd, access & handled)
            extra = Rules()
            for path, access in more:
                extra.allow([path], access)
            for fd, access in extra._rules:
                _add(ruleset, fd, access & handled)
                os.close(fd)
            no_new_privileges()
            flags = _RESTRICT_SELF_LOG_SAME_EXEC_OFF if version >= 7 else 0
            _checked("landlock_restrict_self", _libc().syscall(_RESTRICT_SELF, ruleset, ctypes.c_uint32(flags)))
        finally:
            os.close(ruleset)
            for fd, _ in self._rules:
                os.close(fd)
            self._rules.clear()


def _handled(version: int) -> int:
    """The file-system rights that exist in an ABI version: each one handled is denied unless a rule allows it."""
    handled = (1 << 13) - 1
    if version >= 2:
        handled |= REFER
    if version >= 3:
        handled |= TRUNCATE
    if version >= 5:
        handled |= IOCTL_DEV
    return handled


def _create(version: int, handled: int) -> int:
    # struct landlock_ruleset_attr grew with the versions: handled_access_fs (1), handled_access_net (4), scoped (6).
    attributes = struct.pack("=Q", handled)
    if version >= 4:
        attributes += struct.pack("=Q", _NET_BIND_TCP | _NET_CONNECT_TCP)
    if version >= 6:
        attributes += struct.pack("=Q", _SCOPE_ABSTRACT_UNIX_SOCKET | _SCOPE_SIGNAL)
    size = ctypes.c_size_t(len(attributes))
    return _checked("landlock_create_ruleset", _libc().syscall(_CREATE_RULESET, attributes, size, ctypes.c_uint32(0)))


def _add(ruleset: int, fd: int, access: int) -> None:
    attributes = struct.pack("=Qi", access, fd)
    result = _libc().syscall(_ADD_RULE, ruleset, _RULE_PATH_BENEATH, attributes, ctypes.c_uint32(0))
    _checked("landlock_add_rule", result)


def _checked(call: str, result: int) -> int:
    if result < 0:
        number = ctypes.get_errno()
        raise OSError(number, f"{call}: {os.strerror(number)}")
    return int(result)


@cache
def _libc() -> ctypes.CDLL:
    return ctypes.CDLL(None, use_errno=True)
