"""Looks at the machine: one small function a finding. Each only looks, changes nothing, and may raise."""

from __future__ import annotations

import math
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Literal

Status = Literal["ok", "missing", "degraded"]

PYTHON_NEEDED = (3, 11)
GIT_NEEDED = (2, 30)
SQLITE_NEEDED = (3, 24, 0)
"""The first SQLite with ``INSERT ... ON CONFLICT``."""
MEMORY_WANTED_MB = 1_024
SHM_WANTED_MB = 512
DISK_NEEDED_MB = 100
DISK_WANTED_MB = 1_024
EARLIEST_CLOCK_S = 1_735_689_600
"""2025-01-01 in seconds since 1970: a clock that shows less was never set."""
NETWORK_FILE_SYSTEMS = ("nfs", "cifs", "smb", "9p", "fuse.sshfs", "afs", "ceph", "lustre")
PATIENCE_S = 20.0
KEYS = {"ANTHROPIC_API_KEY": "anthropic", "OPENAI_API_KEY": "openai"}
"""Where keys of providers are found, and the packages that use them."""


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing looked at.

    ``status`` is ``ok``, ``missing`` (absent or unusable) or ``degraded`` (there, with less speed or protection).
    ``mend`` is the command, or the sentence, that mends it; empty when there is nothing to mend. Ratchet runs without
    what is not ``needed``.
    """

    name: str
    status: Status
    detail: str
    mend: str = ""
    needed: bool = True


def python() -> Finding:
    """The interpreter that runs this."""
    found = ".".join(map(str, sys.version_info[:3]))
    if sys.version_info[:2] >= PYTHON_NEEDED:
        return Finding("Python", "ok", f"{found} at {sys.executable}")
    mend = "install Python 3.11 or newer, then: make clean run PYTHON=python3.11"
    return Finding("Python", "missing", f"got {found}, expected {_dotted(PYTHON_NEEDED)} or newer", mend)


def git() -> Finding:
    """git itself: GitPython drives it."""
    mend = "apt-get install git    (or your system's way to install git)"
    if shutil.which("git") is None:
        return Finding("git", "missing", "not on the PATH", mend)
    try:
        done = subprocess.run(["git", "--version"], capture_output=True, text=True, timeout=PATIENCE_S, check=False)
    except (OSError, subprocess.TimeoutExpired) as error:
        return Finding("git", "missing", f"'git --version' fails: {error}", mend)
    match = re.search(r"\d+(?:\.\d+)+", done.stdout)
    if done.returncode or match is None:
        return Finding("git", "missing", f"'git --version' answers: {(done.stdout + done.stderr).strip()[:200]}", mend)
    version = tuple(map(int, match.group().split(".")))
    if version < GIT_NEEDED:
        return Finding("git", "missing", f"got {match.group()}, expected {_dotted(GIT_NEEDED)} or newer", mend)
    return Finding("git", "ok", match.group())


def processor() -> Finding:
    """Cores that this process may use, by affinity and by the container's quota."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    quota = _first_line(Path("/sys/fs/cgroup/cpu.max")).split()
    if len(quota) == 2 and quota[0].isdigit():
        cores = min(cores, max(1, math.ceil(int(quota[0]) / int(quota[1]))))
    if cores == 1:
        return Finding(
            "processor", "degraded", "1 core: rollouts run one after the other", "give the machine more cores"
        )
    return Finding("processor", "ok", f"{cores} cores")


def memory() -> Finding:
    """Memory that is free for use, in the machine and in the container."""
    lines = Path("/proc/meminfo").read_text(encoding="ascii", errors="replace").splitlines()
    fields = {name: int(rest.split()[0]) for name, _, rest in (line.partition(":") for line in lines) if rest.split()}
    free_mb = fields["MemAvailable"] // 1024
    limit, used = (_first_line(Path("/sys/fs/cgroup") / name) for name in ("memory.max", "memory.current"))
    if limit.isdigit() and used.isdigit():
        free_mb = min(free_mb, (int(limit) - int(used)) // 1024**2)
    if free_mb < MEMORY_WANTED_MB:
        detail = f"{free_mb:,} MB free, {MEMORY_WANTED_MB:,} MB wanted"
        return Finding("memory", "degraded", detail, "free some memory, or set fewer workers under [sandbox]")
    return Finding("memory", "ok", f"{free_mb:,} MB free")


def tmpfs(path: Path = Path("/dev/shm")) -> Finding:
    """Where rollouts write: memory is faster than a disk and wears nothing."""
    fallback = f"rollouts write to {tempfile.gettempdir()} instead, which is slower"
    mend = f"mount -o remount,size={2 * SHM_WANTED_MB}M {path}    (in a container: --shm-size={2 * SHM_WANTED_MB}m)"
    if not os.access(path, os.W_OK | os.X_OK):
        return Finding("tmpfs", "degraded", f"{path} is not there or not writable; {fallback}", mend, needed=False)
    free_mb = shutil.disk_usage(path).free // 1024**2
    if free_mb < SHM_WANTED_MB:
        detail = f"{free_mb:,} MB free in {path}, {SHM_WANTED_MB:,} MB wanted; {fallback}"
        return Finding("tmpfs", "degraded", detail, mend, needed=False)
    kind = _file_system(path)
    if kind != "tmpfs":
        return Finding("tmpfs", "degraded", f"{path} is {kind or 'unknown'}, not tmpfs: slower", needed=False)
    return Finding("tmpfs", "ok", f"{free_mb:,} MB free in {path}")


def disk(folder: Path) -> Finding:
    """Room for ledgers and git objects, on a file system where SQLite's locks hold."""
    there = next(path for path in (folder, *folder.parents) if path.exists())
    free_mb = shutil.disk_usage(there).free // 1024**2
    kind = _file_system(there)
    detail = f"{free_mb:,} MB free in {there}"
    if free_mb < DISK_WANTED_MB:
        status: Status = "missing" if free_mb < DISK_NEEDED_MB else "degraded"
        return Finding("disk", status, f"{detail}, {DISK_WANTED_MB:,} MB wanted", f"free some space in {there}")
    if kind.startswith(NETWORK_FILE_SYSTEMS):
        return Finding("disk", "degraded", f"{detail}, but on {kind}: a ledger needs local locks", "use a local folder")
    if not os.access(there, os.W_OK | os.X_OK):
        return Finding("disk", "degraded", f"{there} is not writable", "run Ratchet in a folder that you may write to")
    return Finding("disk", "ok", detail)


def sqlite() -> Finding:
    """The SQLite library behind Python, and whether its write-ahead log works."""
    mend = "use a Python built with a newer SQLite"
    try:
        import sqlite3
    except ImportError as error:
        return Finding("SQLite", "missing", f"this Python was built without it: {error}", mend)
    version = sqlite3.sqlite_version
    if sqlite3.sqlite_version_info < SQLITE_NEEDED:
        return Finding("SQLite", "missing", f"got {version}, expected {_dotted(SQLITE_NEEDED)} or newer", mend)
    try:
        with tempfile.TemporaryDirectory(prefix="ratchet-doctor-") as folder:
            connection = sqlite3.connect(Path(folder) / "probe.db")
            mode = connection.execute("PRAGMA journal_mode=WAL").fetchone()[0]
            connection.close()
    except (OSError, sqlite3.Error) as error:
        mend = f"make room in {tempfile.gettempdir()}, or name another folder in TMPDIR"
        return Finding("SQLite", "missing", f"{version}, but a database cannot be written: {error}", mend)
    if mode != "wal":
        return Finding("SQLite", "missing", f"{version}, but no write-ahead log (got journal mode '{mode}')", mend)
    return Finding("SQLite", "ok", f"{version}, write-ahead log works")


def clock() -> Finding:
    """Deadlines need a monotonic clock that never goes back, ``--until`` a wall clock that was set."""
    info = time.get_clock_info("monotonic")
    samples = [time.monotonic() for _ in range(1_000)]
    if not info.monotonic or samples != sorted(samples):
        mend = "run elsewhere: deadlines cannot be kept here"
        return Finding("clock", "missing", "the monotonic clock goes backwards", mend)
    if time.time() < EARLIEST_CLOCK_S:
        detail = f"the wall clock shows {time.strftime('%Y-%m-%d %H:%M')}: it was never set"
        return Finding("clock", "degraded", detail, "set the clock, or use --minutes rather than --until", needed=False)
    return Finding("clock", "ok", f"monotonic, {time.strftime('%H:%M %Z')} by the wall clock")


FORK_PROBE = """
import os, signal, socket, sys
server = socket.socket(socket.AF_UNIX); server.bind(sys.argv[1]); server.listen()
child = os.fork()
if child == 0:
    os.setsid()
    client = socket.socket(socket.AF_UNIX); client.connect(sys.argv[1]); client.sendall(b"here")
    signal.pause()
connection, _ = server.accept()
said = connection.recv(4)
os.killpg(child, signal.SIGKILL)
print(said.decode(), os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
"""


def fork() -> Finding:
    """What the fork server lives on: fork, process groups, SIGKILL and unix sockets, tried in another process."""
    mend = "allow fork, setsid, kill and unix sockets for this process (a sandbox or a limit on processes denies them)"
    try:
        with tempfile.TemporaryDirectory(prefix="ratchet-") as folder:
            command = [sys.executable, "-I", "-S", "-c", FORK_PROBE, f"{folder}/s"]
            done = subprocess.run(command, capture_output=True, text=True, timeout=PATIENCE_S, check=False)
    except (OSError, subprocess.TimeoutExpired) as error:
        return Finding("fork", "missing", f"a forked process does not answer: {error}", mend)
    if done.stdout.split() != ["here", "-9"]:
        said = (done.stderr.strip().splitlines() or [done.stdout.strip() or f"exit code {done.returncode}"])[-1]
        return Finding("fork", "missing", f"a process, its group or a unix socket cannot be made: {said[:200]}", mend)
    return Finding("fork", "ok", "fork, process groups and unix sockets work")


def confinement() -> Finding:
    """What the kernel can hold a rollout to."""
    from optimizer.sandboxes import landlock, seccomp
    from optimizer.sandboxes.limits import Confinement

    held = Confinement(landlock=landlock.abi(), seccomp=seccomp.available())
    if held.writes and held.reads and held.network and held.signals:
        return Finding("confinement", "ok", held.describe())
    mend = "use a Linux 6.12 or newer with Landlock enabled ('landlock' in the kernel's lsm= list)"
    return Finding("confinement", "degraded", held.describe(), mend)


def bubblewrap() -> Finding:
    """The stricter sandbox, for those who want it."""
    found = shutil.which("bwrap")
    if found is None:
        return Finding(
            "bubblewrap", "missing", "not installed", "apt-get install bubblewrap    (optional)", needed=False
        )
    return Finding("bubblewrap", "ok", found, needed=False)


def docker(environment: Mapping[str, str], socket: Path = Path("/var/run/docker.sock")) -> Finding:
    """The Docker command and the engine's socket; the engine itself is not asked."""
    found = shutil.which("docker", path=environment.get("PATH"))
    if found is None:
        detail = "not installed; the sandbox of this version does not use it"
        return Finding("Docker", "missing", detail, needed=False)
    if not environment.get("DOCKER_HOST") and not socket.exists():
        return Finding("Docker", "degraded", f"{found}, but no engine at {socket}", needed=False)
    return Finding("Docker", "ok", f"{found}, engine {environment.get('DOCKER_HOST') or socket}", needed=False)


def api_key(environment: Mapping[str, str]) -> Finding:
    """Whether a key is set. The key itself is never printed, not even in part."""
    found = [name for name in KEYS if environment.get(name, "").strip()]
    if found:
        return Finding("API key", "ok", f"{' and '.join(found)} set (not shown)", needed=False)
    return Finding("API key", "missing", f"no {' or '.join(KEYS)}; not needed for the embedded model", needed=False)


def models(environment: Mapping[str, str]) -> Finding:
    """Which models a campaign can be run with here; nobody is asked."""
    usable = ["embedded"]
    for key, package in KEYS.items():
        reachable = environment.get(key, "").strip() or environment.get(f"{package.upper()}_BASE_URL", "").strip()
        if reachable and find_spec(package) is not None:
            usable.append(f"{package}:MODEL")
    if find_spec("openai") is None:
        mend = "pip install 'ratchet-harness[openai]'    (optional: OpenAI-compatible servers)"
        return Finding("models", "ok", ", ".join(usable), mend, needed=False)
    return Finding("models", "ok", ", ".join(usable), needed=False)


def _file_system(path: Path) -> str:
    """The type of the file system that holds ``path``, from ``/proc/self/mounts``; empty when unknown."""
    real, best, kind = path.resolve(), Path("/"), ""
    for line in Path("/proc/self/mounts").read_text(encoding="utf-8", errors="replace").splitlines():
        _, mount, fstype, *_ = line.split(" ")
        point = Path(re.sub(r"\\(\d{3})", lambda octal: chr(int(octal[1], 8)), mount))
        if real.is_relative_to(point) and len(point.parts) >= len(best.parts):
            best, kind = point, fstype
    return kind


def _first_line(path: Path) -> str:
    try:
        return path.read_text(encoding="ascii").split("\n")[0]
    except OSError:
        return ""


def _dotted(version: tuple[int, ...]) -> str:
    return ".".join(map(str, version))
