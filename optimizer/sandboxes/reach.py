"""What every rollout may read: Python, the system's libraries and programs, the packages that run inside."""

from __future__ import annotations

import os
import site
import sys
import sysconfig
from collections.abc import Iterable, Iterator, Sequence
from importlib.util import find_spec
from pathlib import Path

from optimizer.sandboxes import landlock

INSIDE = ("search_space", "baselines")
"""Packages of the project that run inside the sandbox."""
OUTSIDE = ("optimizer", "experiments")
"""Packages that do not: graders and truths are among them, and they may be installed beside the others."""

SYSTEM = ("/usr", "/bin", "/sbin", "/lib", "/lib32", "/lib64", "/nix/store")
SYSTEM_FILES = ("/etc/ld.so.cache", "/etc/localtime")
DEVICES = ("/dev/null", "/dev/zero", "/dev/full", "/dev/random", "/dev/urandom")


def system_rules(readable: Iterable[str], hidden: Sequence[str], devices: Iterable[str] = ()) -> landlock.Rules:
    """Landlock rules for what is the same in every rollout: ``readable``, Python and the system, but not ``hidden``;
    ``devices`` beside the common ones."""
    rules = landlock.Rules()
    rules.allow(DEVICES, landlock.DEVICE)
    rules.allow(devices, landlock.DEVICE | landlock.IOCTL_DEV)
    rules.allow(SYSTEM_FILES, landlock.READ)
    away = [os.path.realpath(path) for path in hidden]
    wanted = {os.path.realpath(path) for path in (*SYSTEM, *python_folders())}
    for path in sorted(wanted):
        if not any(path != other and path.startswith(other + os.sep) for other in wanted):
            _allow_around(rules, path, away)
    rules.allow(readable, landlock.READ)
    return rules


def python_folders() -> Iterator[str]:
    """Where this Python and what is installed for it are."""
    yield from (sys.prefix, sys.base_prefix, sys.exec_prefix, sys.base_exec_prefix)
    yield from (sysconfig.get_path(name) for name in ("stdlib", "platstdlib", "purelib", "platlib"))
    yield from site.getsitepackages()
    yield site.getusersitepackages()


def package_folders(names: Iterable[str]) -> list[str]:
    """The folders of importable packages, without importing them; those that are not there are passed over."""
    found = []
    for name in names:
        spec = find_spec(name)
        if spec is not None and spec.submodule_search_locations:
            found += [str(Path(folder).resolve()) for folder in spec.submodule_search_locations]
    return found


def _allow_around(rules: landlock.Rules, path: str, hidden: Sequence[str]) -> None:
    """Allow reading beneath ``path`` but not beneath ``hidden``: Landlock only adds, so their siblings are allowed."""
    if path in hidden:
        return
    if not any(folder.startswith(path.rstrip(os.sep) + os.sep) for folder in hidden):
        rules.allow([path], landlock.READ)
        return
    # Names may be listed, which importing needs; contents are allowed one by one.
    rules.allow([path], landlock.READ_DIR)
    try:
        entries = sorted(Path(path).iterdir())
    except OSError:
        return
    for entry in entries:
        _allow_around(rules, str(entry), hidden)
