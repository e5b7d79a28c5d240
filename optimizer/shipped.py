"""What comes with Ratchet: baselines and experiments, found by name."""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path

from optimizer.errors import SettingsError


def baseline_folder(name: str) -> Path:
    """The folder of the shipped harness ``name``. Raises SettingsError naming those there are."""
    return _named("baselines", name, "harness.toml", "baseline")


def experiment_folder(name: str) -> Path:
    """The folder of the shipped experiment ``name``. Raises SettingsError naming those there are."""
    return _named("experiments", name, "experiment.toml", "experiment")


def _named(package: str, name: str, marker: str, what: str) -> Path:
    # Located, not imported: what runs in a sandbox is no code of this process.
    spec = find_spec(package)
    assert spec is not None and spec.submodule_search_locations, f"{package} is part of the installation"
    root = Path(next(iter(spec.submodule_search_locations)))
    known = sorted(path.parent.name for path in root.glob(f"*/{marker}"))
    if name not in known:
        raise SettingsError(f"{what}: got '{name}', expected one of: {', '.join(known)}")
    return root / name
