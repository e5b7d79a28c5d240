"""A system-call filter for what Landlock leaves open, and a gate through which every new process has to pass.

Denied with EPERM: sockets that are not unix ones, memory that outlives its process, and calls no rollout needs that
reach far into the kernel. Forks (not threads) wait until the supervisor lets them through, which bounds the number
of processes exactly: to look often is not enough, as a fork bomb starves whoever looks.

Classic BPF and user notifications (Linux 5.5 and later) as ``Documentation/userspace-api/seccomp_filter.rst`` says.
Only on architectures whose numbers are listed here; elsewhere there is no filter, and the sandbox says so.
"""

from __future__ import annotations

import ctypes
import errno
import fcntl
import os
import platform
import socket
import struct
import sys
from dataclasses import dataclass
from functools import cache

_PR_GET_SECCOMP = 21
_SET_MODE_FILTER, _NEW_LISTENER = 1, 1 << 3
_NOTIFICATION_RECEIVE, _NOTIFICATION_SEND, _CONTINUE = 0xC0502100, 0xC0182101, 1
_LOAD, _JUMP_EQUAL, _JUMP_AT_LEAST, _JUMP_BITS, _RETURN = 0x20, 0x15, 0x35, 0x45, 0x06
_ALLOW, _ERROR, _NOTIFY = 0x7FFF0000, 0x00050000, 0x7FC00000
_NUMBER_AT, _ARCH_AT, _FIRST_ARGUMENT_AT = 0, 4, 16
_CLONE_THREAD = 0x10000
_X32_BIT = 0x40000000


@dataclass(frozen=True, slots=True)
class _Machine:
    """System-call numbers, from the kernel's tables. ``denied``: shmget, msgget, semget, ptrace, mount, unshare, setns,
    keyctl, add_key, bpf, userfaultfd, io_uring_setup, process_vm_readv, process_vm_writev, pidfd_getfd."""

    arch: int
    seccomp: int
    socket: int
    clone: int
    forks: tuple[int, ...]
    denied: tuple[int, ...]
    clone3: int = 435


_MACHINES = {
    "x86_64": _Machine(
        0xC000003E, 317, 41, 56, (57, 58), (29, 68, 64, 101, 165, 272, 308, 250, 248, 321, 323, 425, 310, 311, 438)
    ),
    "aarch64": _Machine(
        0xC00000B7, 277, 198, 220, (), (194, 186, 190, 117, 40, 97, 268, 219, 217, 280, 282, 425, 270, 271, 438)
    ),
}


@cache
def available() -> bool:
    """Whether this kernel and architecture can have the filter."""
    if not sys.platform.startswith("linux") or platform.machine() not in _MACHINES or sys.maxsize <= 1 << 32:
        return False
    return int(ctypes.CDLL(None, use_errno=True).prctl(_PR_GET_SECCOMP, 0, 0, 0, 0)) >= 0


def enforce() -> int:
    """Filter this process and all it will ever start; ``no_new_privs`` must be set.

    Returns the descriptor at which forks ask for admission (see :func:`admit`), or -1 when this kernel, or a filter
    that is there already, allows no gate. Raises :class:`OSError` when there can be no filter either.
    """
    try:
        return _install(_program(platform.machine(), gate=True), _NEW_LISTENER)
    except OSError:
        _install(_program(platform.machine(), gate=False), 0)
        return -1


def admit(listener: int, allow: bool) -> None:
    """Answer the next fork that waits at ``listener``: let it through, or let it fail with EAGAIN."""
    question = bytearray(80)
    try:
        fcntl.ioctl(listener, _NOTIFICATION_RECEIVE, question)
        (number,) = struct.unpack_from("=Q", question)
        error, flags = (0, _CONTINUE) if allow else (-errno.EAGAIN, 0)
        fcntl.ioctl(listener, _NOTIFICATION_SEND, struct.pack("=QqiI", number, 0, error, flags))
    except OSError:
        return  # who asked was killed or interrupted meanwhile


def _install(program: list[bytes], flags: int) -> int:
    code = ctypes.create_string_buffer(b"".join(program), len(program) * 8)
    # struct sock_fprog: the number of instructions, padding, their address.
    header = struct.pack("@HP", len(program), ctypes.addressof(code))
    number = _MACHINES[platform.machine()].seccomp
    result = ctypes.CDLL(None, use_errno=True).syscall(number, _SET_MODE_FILTER, flags, header)
    if result < 0:
        raise OSError(ctypes.get_errno(), f"seccomp: {os.strerror(ctypes.get_errno())}")
    return int(result)


@cache
def _program(name: str, *, gate: bool) -> list[bytes]:
    machine = _MACHINES[name]
    deny = _instruction(_RETURN, _ERROR | errno.EPERM)
    program = [
        _instruction(_LOAD, _ARCH_AT),
        _instruction(_JUMP_EQUAL, machine.arch, 1, 0),
        deny,  # 32-bit calls on a 64-bit machine carry other numbers
        _instruction(_LOAD, _NUMBER_AT),
        _instruction(_JUMP_AT_LEAST, _X32_BIT, 0, 1),
        deny,
    ]
    for number in machine.denied:
        program += [_instruction(_JUMP_EQUAL, number, 0, 1), deny]
    if gate:
        program += _gate(machine)
    return [
        *program,
        _instruction(_JUMP_EQUAL, machine.socket, 0, 3),
        _instruction(_LOAD, _FIRST_ARGUMENT_AT),
        _instruction(_JUMP_EQUAL, socket.AF_UNIX, 1, 0),
        deny,
        _instruction(_RETURN, _ALLOW),
    ]


def _gate(machine: _Machine) -> list[bytes]:
    program = []
    for number in machine.forks:
        program += [_instruction(_JUMP_EQUAL, number, 0, 1), _instruction(_RETURN, _NOTIFY)]
    return [
        *program,
        # clone3 keeps its flags in memory, out of a filter's sight; without it, the C library takes clone.
        _instruction(_JUMP_EQUAL, machine.clone3, 0, 1),
        _instruction(_RETURN, _ERROR | errno.ENOSYS),
        _instruction(_JUMP_EQUAL, machine.clone, 0, 4),
        _instruction(_LOAD, _FIRST_ARGUMENT_AT),
        _instruction(_JUMP_BITS, _CLONE_THREAD, 0, 1),
        _instruction(_RETURN, _ALLOW),
        _instruction(_RETURN, _NOTIFY),
    ]


def _instruction(code: int, value: int, if_true: int = 0, if_false: int = 0) -> bytes:
    return struct.pack("=HBBI", code, if_true, if_false, value)
