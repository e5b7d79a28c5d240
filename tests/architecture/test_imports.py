"""Importing does nothing and is fast, and imports run one way."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]
PACKAGES = ("search_space", "baselines", "optimizer", "experiments")
HEAVY = ("anthropic", "docker", "git", "optuna", "ray", "sqlalchemy")
"""Imported where they are used, inside a function."""
SANDBOXED = ("search_space", "baselines")
PROBE = """
import importlib, json, os, sys
found, before, environment = [], set(sys.modules), dict(os.environ)
for name, heavy in json.load(sys.stdin):
    try:
        importlib.import_module(name)
    except Exception as error:
        found.append(f"{name}: importing it raises {error!r}")
    new, before = set(sys.modules) - before, set(sys.modules)
    found += [f"{name}: importing it imports {module}" for module in heavy if module in new]
    if dict(os.environ) != environment:
        found.append(f"{name}: importing it changes the environment")
    environment = dict(os.environ)
print(json.dumps(found))
"""


def modules(*packages: str) -> list[str]:
    """Dotted names of all modules; ``__main__`` is a program and not for import, and so is what is in no package: the
    files that an experiment edits."""
    files = [
        path for name in packages for path in (ROOT / name).rglob("*.py") if (path.parent / "__init__.py").exists()
    ]
    paths = [path.relative_to(ROOT).with_suffix("") for path in files]
    return sorted(".".join(path.parts).removesuffix(".__init__") for path in paths if path.name != "__main__")


def probe(folder: Path, wanted: list[tuple[str, list[str]]]) -> list[str]:
    """Import the modules one after the other in a fresh interpreter, in an empty folder, and say what went wrong."""
    done = subprocess.run(
        [sys.executable, "-B", "-c", PROBE],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        input=json.dumps(wanted),
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.returncode == 0, done.stderr
    *printed, last = done.stdout.splitlines()
    assert not printed and not done.stderr, f"importing prints: {printed} {done.stderr}"
    assert not list(folder.iterdir()), f"importing writes: {list(folder.iterdir())}"
    return list(json.loads(last))


def test_importing_is_light_and_does_nothing(tmp_path: Path) -> None:
    found = probe(tmp_path, [(name, list(HEAVY)) for name in modules(*PACKAGES)])
    assert not found, "\n".join(found)


def test_what_runs_in_a_sandbox_imports_little(tmp_path: Path) -> None:
    heavy = [*HEAVY, "numpy", "rich", "typer", "optimizer", "experiments"]
    found = probe(tmp_path, [(name, heavy) for name in modules(*SANDBOXED)])
    assert not found, "\n".join(found)


def test_import_linter_passes() -> None:
    command = "import sys; from importlinter.cli import lint_imports; sys.exit(lint_imports(no_cache=True))"
    done = subprocess.run([sys.executable, "-c", command], cwd=ROOT, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stdout + done.stderr
