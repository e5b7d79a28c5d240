"""Entries that misbehave, each in its own way. They run in the sandbox only."""

from __future__ import annotations

import ctypes
import mmap
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Any

Payload = dict[str, Any]


def print_gigabytes(payload: Payload) -> None:
    line = "x" * 65536
    while True:
        print(line)


def whisper_forever(payload: Payload) -> None:
    print("last words")
    sys.stdout.flush()
    os.close(1)
    os.close(2)
    time.sleep(600)


def fork_bomb(payload: Payload) -> None:
    """Doubles seven times: 128 processes, never more, should nothing hold it."""
    for _ in range(7):
        os.fork()
    time.sleep(30)


def shell_bomb(payload: Payload) -> None:
    """A tree of shells, six levels deep: 127 processes, never more."""
    script = '#!/bin/sh\nif [ "$1" -gt 0 ]; then "$0" $(($1 - 1)) & "$0" $(($1 - 1)) & fi\nsleep 30\n'
    Path("bomb").write_text(script)
    Path("bomb").chmod(0o700)
    subprocess.run(["./bomb", "6"], check=False)


def fork_again_and_again(payload: Payload) -> None:
    """Many processes, few at a time: nothing wrong with that."""
    for _ in range(60):
        subprocess.run(["/bin/true"], check=True)


def ignore_sigterm(payload: Payload) -> None:
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGALRM):
        signal.signal(number, signal.SIG_IGN)
    signal.pthread_sigmask(signal.SIG_BLOCK, set(signal.Signals) - {signal.SIGKILL, signal.SIGSTOP})
    while True:
        time.sleep(1)


def daemonize(payload: Payload) -> None:
    """The classic double fork; the daemon would live on, and the parent ends in silence."""
    if os.fork():
        time.sleep(payload.get("parent_stays_s", 0.05))
        os._exit(0)
    os.setsid()
    if os.fork():
        os._exit(0)
    note_pid()
    os.chdir("/")
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    for fd in range(20):
        try:
            os.close(fd)
        except OSError:
            continue
    while True:
        time.sleep(1)


def leave_daemons_and_return(payload: Payload) -> None:
    for _ in range(5):
        subprocess.Popen(["/bin/sh", "-c", "trap '' TERM; sleep 600"], start_new_session=True)


def hydra(payload: Payload) -> None:
    """Each child makes the next in a session of its own and dies: hard to catch by looking once."""
    if os.fork() == 0:
        for _ in range(5000):
            os.setsid()
            if os.fork():
                os._exit(0)
            time.sleep(0.002)
    time.sleep(600)


def never_return(payload: Payload) -> None:
    while True:
        pass


def allocate_at_once(payload: Payload) -> None:
    bytearray(8 << 30)


def allocate_slowly(payload: Payload) -> None:
    hoard = []
    while True:
        hoard.append(bytearray(1 << 20))


def allocate_in_children(payload: Payload) -> None:
    """Each process stays under its own limit; together they do not."""
    for _ in range(4):
        if os.fork() == 0:
            hoard = bytearray(120 << 20)
            for index in range(0, len(hoard), 4096):
                hoard[index] = 1
            time.sleep(600)
    time.sleep(600)


def exit_silently(payload: Payload) -> None:
    os._exit(payload.get("code", 0))


def exit_loudly(payload: Payload) -> None:
    sys.exit("enough")


def segfault(payload: Payload) -> None:
    os.kill(os.getpid(), signal.SIGSEGV)


def raise_error(payload: Payload) -> None:
    print("about to fail")
    raise ValueError("this harness\nis broken")


def raise_unprintable(payload: Payload) -> None:
    class Rude(Exception):
        def __str__(self) -> str:
            raise RuntimeError("no")

    raise Rude


def fill_folder(payload: Payload) -> None:
    block = b"x" * (1 << 20)
    number = 0
    while True:
        with Path(f"file-{number}").open("wb") as file:
            for _ in range(6):
                file.write(block)
        number += 1


def fill_unnamed(payload: Payload) -> None:
    block, held = b"x" * (1 << 20), []
    while True:
        file = Path(f"file-{len(held)}").open("wb")  # noqa: SIM115
        for _ in range(6):
            file.write(block)
        file.flush()
        Path(file.name).unlink()
        held.append(file)
        time.sleep(0.005)


def fill_memory_files(payload: Payload) -> None:
    held = []
    while True:
        held.append(os.memfd_create("m"))
        for _ in range(6):
            os.write(held[-1], b"x" * (1 << 20))
        time.sleep(0.005)


def many_files(payload: Payload) -> None:
    number = 0
    while True:
        Path(f"f{number}").touch()
        number += 1


def deep_folders(payload: Payload) -> None:
    while True:
        Path("d").mkdir()
        os.chdir("d")


def locked_folder(payload: Payload) -> None:
    Path("locked/inner").mkdir(parents=True)
    Path("locked/inner/file").touch()
    Path("locked/inner").chmod(0)
    Path("locked").chmod(0)
    raise ValueError("clean that up")


def giant_file(payload: Payload) -> None:
    with Path("result.json").open("wb") as file:
        while True:
            file.write(b"x" * (1 << 20))


def write_outside(payload: Payload) -> None:
    Path(payload["target"]).write_text("got out")


def remove_outside(payload: Payload) -> None:
    Path(payload["target"]).unlink()


def read_outside(payload: Payload) -> None:
    print(Path(payload["target"]).read_text())


def read_environment_of_parent(payload: Payload) -> None:
    parent = os.getppid()
    for pid in (parent, payload["campaign"]):
        print(Path(f"/proc/{pid}/environ").read_bytes())


def kill_parent(payload: Payload) -> None:
    os.kill(os.getppid(), signal.SIGKILL)


def kill_campaign(payload: Payload) -> None:
    os.kill(payload["campaign"], signal.SIGTERM)


def connect_tcp(payload: Payload) -> None:
    with socket.socket() as channel:
        channel.connect(("127.0.0.1", payload["port"]))


def send_udp(payload: Payload) -> None:
    with socket.socket(type=socket.SOCK_DGRAM) as channel:
        channel.sendto(b"secret", ("127.0.0.1", payload["port"]))


def connect_unix(payload: Payload) -> None:
    with socket.socket(socket.AF_UNIX) as channel:
        channel.connect(payload["door"])
        channel.sendall(b"hello")
        Path("answer").write_bytes(channel.recv(100))


def listen_abstract(payload: Payload) -> None:
    with socket.socket(socket.AF_UNIX) as channel:
        channel.connect("\0" + payload["name"])


def shared_memory_segment(payload: Payload) -> None:
    import ctypes

    libc = ctypes.CDLL(None, use_errno=True)
    if libc.shmget(0x5EC2E7, 1 << 20, 0o1600) < 0:
        raise OSError(ctypes.get_errno(), "shmget")


def read_memory_of_the_campaign(payload: Payload) -> None:
    buffer, libc = ctypes.create_string_buffer(8), ctypes.CDLL(None, use_errno=True)
    here = (ctypes.c_void_p * 2)(ctypes.addressof(buffer), 8)
    there = (ctypes.c_void_p * 2)(payload["address"], 8)
    if libc.process_vm_readv(payload["campaign"], here, 1, there, 1, 0) < 0:
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))


def threads_without_end(payload: Payload) -> None:
    for _ in range(10):
        threading.Thread(target=time.sleep, args=(600,)).start()
    anonymous = mmap.mmap(-1, 4096)
    anonymous.write(b"x")


def note_pid() -> None:
    with Path("pids").open("a") as file:
        file.write(f"{os.getpid()}\n")
