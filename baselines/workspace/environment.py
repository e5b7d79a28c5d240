"""The environment: a workspace in the rollout folder, what it holds at the start, and the tools over it."""

from __future__ import annotations

import os
import stat
from collections.abc import Mapping
from dataclasses import replace
from functools import lru_cache
from pathlib import Path
from typing import Any, Final

from baselines.workspace.folder import Workspace
from baselines.workspace.tools import DEFINITIONS
from search_space.tools import Effects, Tool, ToolError

MAX_RESULT_CHARS: Final = 40_000
"""Of one result, whatever the harness's own limit is."""
MAX_START_BYTES: Final = 64_000_000
"""Of all the files that a workspace holds at the start."""
ROOT: Final = "work"
_GET_NO_NEW_PRIVILEGES: Final = 39
KNOWN: Final = ("files", "root", "latency_ms", "processes")


def build(environment_args: Mapping[str, Any]) -> list[Tool]:
    """The tools over a workspace in the current folder.

    ``environment_args``: ``files`` (a folder that is copied in, unless the workspace is already there), ``root`` (the
    workspace's name, ``work``), ``latency_ms`` (slept at each access of a file, 0), ``processes`` (whether tools may
    start processes; when left out, only where the kernel confines this one). Raises ValueError for anything else.
    """
    root = Path.cwd() / _root(environment_args)
    latency_s, processes = _latency_s(environment_args), _may_start_processes(environment_args)
    if not root.exists():
        _lay_out(root, _contents(_files(environment_args)))
    workspace = Workspace(root, latency_s=latency_s, processes=processes)
    return [_bounded(definition.bind(workspace)) for definition in DEFINITIONS]


def warm(environment_args: Mapping[str, Any]) -> None:
    """Read the files that are copied in, before any rollout is forked: each one then finds them in memory."""
    _contents(_files(environment_args))


def effects(environment_args: Mapping[str, Any]) -> dict[str, Effects]:
    """The declared effects of each tool by its name, without building anything. Raises ValueError as :func:`build`."""
    for checked in (_root, _files, _latency_s, _may_start_processes):
        checked(environment_args)
    return {definition.name: definition.effects for definition in DEFINITIONS}


def readable(environment_args: Mapping[str, Any]) -> list[str]:
    """What a rollout must be able to read: the files that are copied in."""
    files = _files(environment_args)
    return [files] if files else []


def _bounded(tool: Tool) -> Tool:
    """``tool`` with a bounded result, and with what the disk refuses told as an error that a model can act on."""

    def run(inputs: Mapping[str, Any]) -> str:
        try:
            text = tool.run(inputs)
        except OSError as error:
            raise ToolError(f"{error.strerror or 'the disk refused'}: {Path(error.filename or '').name}") from None
        except RecursionError:
            raise ToolError("nested too deep to be worked on") from None
        except OverflowError:
            raise ToolError("a number is too large to be worked with") from None
        gone = len(text) - MAX_RESULT_CHARS
        return text if gone <= 0 else f"{text[:MAX_RESULT_CHARS]}\n[cut: {gone:,} more characters; ask for less]"

    return replace(tool, run=run)


def _root(environment_args: Mapping[str, Any]) -> str:
    if unknown := sorted(set(environment_args) - set(KNOWN)):
        raise ValueError(f"environment_args: got unknown {', '.join(unknown)}, expected {', '.join(KNOWN)}")
    root = environment_args.get("root", ROOT)
    if not isinstance(root, str) or not root or root in (".", "..") or "/" in root:
        raise ValueError(f"environment_args.root: got {root!r}, expected the name of a folder such as {ROOT}")
    return root


def _files(environment_args: Mapping[str, Any]) -> str:
    files = environment_args.get("files", "")
    if not isinstance(files, str) or (files and not Path(files).is_dir()):
        raise ValueError(f"environment_args.files: got {files!r}, expected a folder to copy in")
    return files


def _latency_s(environment_args: Mapping[str, Any]) -> float:
    latency_ms = environment_args.get("latency_ms", 0)
    if isinstance(latency_ms, bool) or not isinstance(latency_ms, int | float) or not 0 <= latency_ms <= 10_000:
        raise ValueError(f"environment_args.latency_ms: got {latency_ms!r}, expected 0 to 10000")
    return latency_ms / 1000


def _may_start_processes(environment_args: Mapping[str, Any]) -> bool:
    allowed = environment_args.get("processes")
    if allowed is not None and not isinstance(allowed, bool):
        raise ValueError(f"environment_args.processes: got {allowed!r}, expected true or false")
    return _confined() if allowed is None else allowed


@lru_cache(maxsize=8)
def _contents(folder: str) -> dict[str, tuple[bytes, int]]:
    """Every file below ``folder`` with its content and mode; links and special files are refused."""
    found: dict[str, tuple[bytes, int]] = {}
    total = 0
    for above, _, names in os.walk(folder) if folder else ():
        for path in (Path(above, name) for name in sorted(names)):
            status = path.lstat()
            if not stat.S_ISREG(status.st_mode):
                raise ValueError(f"environment_args.files: {path} is a link or a special file, expected plain files")
            total += status.st_size
            if total > MAX_START_BYTES:
                raise ValueError(f"environment_args.files: {folder} holds more than {MAX_START_BYTES:,} bytes")
            found[path.relative_to(folder).as_posix()] = (path.read_bytes(), stat.S_IMODE(status.st_mode) | 0o600)
    return found


def _lay_out(root: Path, contents: Mapping[str, tuple[bytes, int]]) -> None:
    root.mkdir(parents=True)
    for path, (content, mode) in contents.items():
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_bytes(content)
        (root / path).chmod(mode)


def _confined() -> bool:
    """Whether the kernel holds this process to less than its user may, as a sandbox asks it to (prctl(2))."""
    import ctypes

    try:
        return bool(ctypes.CDLL(None).prctl(_GET_NO_NEW_PRIVILEGES, 0, 0, 0, 0) == 1)
    except (AttributeError, OSError):  # no Linux
        return False
