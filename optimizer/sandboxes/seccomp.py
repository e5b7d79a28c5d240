"""A system-call filter for what Landlock leaves open: sockets that are not unix ones, memory that outlives a process.

The filter is classic BPF as ``Documentation/userspace-api/seccomp_filter.rst`` describes; a denied call fails with
EPERM. Only on architectures whose numbers are listed here; elsewhere there is no filter, and the sandbox says so.
"""

from __future__ import annotations

import ctypes
import errno
import os
import platform
import socket
import struct
import sys
from functools import cache

_PR_SET_SECCOMP, _PR_GET_SECCOMP, _MODE_FILTER = 22, 21, 2
_LOAD, _JUMP_EQUAL, _JUMP_AT_LEAST, _RETURN = 0x20, 0x15, 0x35, 0x06
_ALLOW, _DENY = 0x7FFF0000, 0x00050000 | errno.EPERM
_NUMBER_AT, _ARCH_AT, _FIRST_ARGUMENT_AT = 0, 4, 16

# machine: (AUDIT_ARCH, socket, (shmget, msgget, semget, ptrace, mount, unshare, setns, keyctl, add_key, bpf,
# userfaultfd, io_uring_setup)); from the kernel's system-call tables. The last group is denied whatever its arguments.
_MACHINES: dict[str, tuple[int, int, tuple[int, ...]]] = {
    "x86_64": (0xC000003E, 41, (29, 68, 64, 101, 165, 272, 308, 250, 248, 321, 323, 425)),
    "aarch64": (0xC00000B7, 198, (194, 186, 190, 117, 40, 97, 268, 219, 217, 280, 282, 425)),
}
_X32_BIT = 0x40000000


@cache
def available() -> bool:
    """Whether this kernel and architecture can have the filter."""
    if not sys.platform.startswith("linux") or platform.machine() not in _MACHINES or sys.maxsize <= 1 << 32:
        return False
    return int(ctypes.CDLL(None, use_errno=True).prctl(_PR_GET_SECCOMP, 0, 0, 0, 0)) >= 0


def enforce() -> None:
    """Filter this process and all it will ever start; ``no_new_privs`` must be set. Raises :class:`OSError`."""
    program = _program(platform.machine())
    code = ctypes.create_string_buffer(b"".join(program), len(program) * 8)
    # struct sock_fprog: the number of instructions, padding, their address.
    header = struct.pack("@HP", len(program), ctypes.addressof(code))
    if ctypes.CDLL(None, use_errno=True).prctl(_PR_SET_SECCOMP, _MODE_FILTER, header, 0, 0) != 0:
        number = ctypes.get_errno()
        raise OSError(number, f"prctl(PR_SET_SECCOMP): {os.strerror(number)}")


@cache
def _program(machine: str) -> list[bytes]:
    arch, socket_call, denied = _MACHINES[machine]
    deny = _instruction(_RETURN, _DENY)
    program = [
        _instruction(_LOAD, _ARCH_AT),
        _instruction(_JUMP_EQUAL, arch, 1, 0),
        deny,  # 32-bit calls of a 64-bit machine carry other numbers
        _instruction(_LOAD, _NUMBER_AT),
        _instruction(_JUMP_AT_LEAST, _X32_BIT, 0, 1),
        deny,
    ]
    for number in denied:
        program += [_instruction(_JUMP_EQUAL, number, 0, 1), deny]
    return [
        *program,
        _instruction(_JUMP_EQUAL, socket_call, 0, 3),
        _instruction(_LOAD, _FIRST_ARGUMENT_AT),
        _instruction(_JUMP_EQUAL, socket.AF_UNIX, 1, 0),
        deny,
        _instruction(_RETURN, _ALLOW),
    ]


def _instruction(code: int, value: int, if_true: int = 0, if_false: int = 0) -> bytes:
    return struct.pack("=HBBI", code, if_true, if_false, value)
