"""Which problems and optimizers there are, by the names that the command line knows them by."""

from __future__ import annotations

from importlib import import_module
from importlib.util import find_spec
from typing import Any, cast

from optimizer.bench.problems.base import Problem
from optimizer.bench.rivals.base import Rival
from optimizer.errors import SettingsError

PROBLEMS: dict[str, str] = {
    "rich": "rich:Rich",
    "scarce": "scarce:Scarce",
    "null": "scarce:Null",
    "null-harm": "scarce:NullHarm",
    "trap": "trap:Trap",
    "interaction": "interaction:Interaction",
    "deterministic": "deterministic:Deterministic",
    "navigator": "navigator:Navigator",
}
"""Name -> ``module:callable`` below ``optimizer.bench.problems``; called with ``seed``."""

RIVALS: dict[str, str] = {
    "ratchet": "ratchet:Ratchet",
    "greedy": "greedy:greedy",
    "greedy-rerun": "greedy:greedy_rerun",
    "tpe": "optuna_study:tpe",
    "wilcoxon": "optuna_study:wilcoxon",
    "gepa": "gepa_adapter:Gepa",
    "openevolve": "openevolve_run:OpenEvolve",
    "random": "uniform:Uniform",
}
"""Name -> ``module:callable`` below ``optimizer.bench.rivals``; called without arguments."""

NEEDS: dict[str, tuple[str, ...]] = {"wilcoxon": ("scipy",), "gepa": ("gepa",), "openevolve": ("openevolve",)}
"""Packages of the extra ``bench`` that an optimizer imports."""


SLOW = ("navigator",)
"""Problems of real rollouts, which take minutes a campaign: never meant by ``all``."""


def problem_names(text: str) -> list[str]:
    """The problems of a comma-separated list, or ``all``; each once. Raises SettingsError for an unknown one."""
    return _names("--problem", text, PROBLEMS, [name for name in PROBLEMS if name not in SLOW])


def rival_names(text: str) -> list[str]:
    """The optimizers of a comma-separated list, or ``all``; each once. Raises SettingsError for an unknown one."""
    return _names("--optimizer", text, RIVALS, list(RIVALS))


def problem_of(name: str, seed: int) -> Problem:
    """The instance of the problem with this seed. Raises SettingsError for a name that is not in the roster."""
    return cast(Problem, _load("problems", PROBLEMS, name)(seed=seed))


def rival_of(name: str) -> Rival:
    """The optimizer of this name. Raises SettingsError for an unknown name or a package that is not installed."""
    for package in NEEDS.get(name, ()):
        if find_spec(package) is None:
            raise SettingsError(
                f"the optimizer {name} needs the package {package}, which is not installed",
                hint="pip install 'ratchet-harness[bench]', or leave it out of --optimizer",
            )
    return cast(Rival, _load("rivals", RIVALS, name)())


def _names(option: str, text: str, roster: dict[str, str], everything: list[str]) -> list[str]:
    names = list(dict.fromkeys(name.strip() for name in text.split(",") if name.strip()))
    unknown = [name for name in names if name not in (*roster, "all")]
    if unknown or not names:
        got = ", ".join(unknown) or "nothing"
        raise SettingsError(f"{option}: got {got}, expected all, or some of: {', '.join(roster)}")
    wanted = [*everything, *names] if "all" in names else names
    return [name for name in dict.fromkeys(wanted) if name != "all"]


def _load(folder: str, roster: dict[str, str], name: str) -> Any:
    if name not in roster:
        raise SettingsError(f"got {name!r} among the {folder}, expected some of: {', '.join(roster)}")
    module, _, attribute = roster[name].partition(":")
    return getattr(import_module(f"optimizer.bench.{folder}.{module}"), attribute)
