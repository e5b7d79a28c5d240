"""``experiment.toml``: defaults, strictness, and the page that documents it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import get_args

import pytest
from pydantic import BaseModel

from optimizer.acceptance.constraints import METRICS, Constraint
from optimizer.acceptance.simplicity import SIMPLICITY
from optimizer.assemble.sizes import gate_of, objective_of
from optimizer.errors import SettingsError
from optimizer.settings import CallableSuiteSettings, ConstraintSettings, ExperimentSettings, TieBreak, load_experiment
from optimizer.suites.calls import CallSuite

ROOT = Path(__file__).parents[2]
LEAST = 'name = "e"\nharness = "h"\n[suite]\ntasks = "t.jsonl"\nenvironment = "m:f"\n'


def load(tmp_path: Path, text: str) -> ExperimentSettings:
    (tmp_path / "experiment.toml").write_text(text)
    return load_experiment(tmp_path)[0]


def models_in(annotation: object) -> Iterator[type[BaseModel]]:
    """Every model of a union."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        yield annotation
    for part in get_args(annotation):
        yield from models_in(part)


def keys(model: type[BaseModel], before: str = "") -> Iterator[tuple[str, object]]:
    """Every key with its default, tables by dotted name; those of somebody's own tables below ``NAME``."""
    for name, field in model.model_fields.items():
        if name == "suite":
            for kind in models_in(field.annotation):
                if kind is not CallableSuiteSettings:
                    yield from keys(kind, f"suite({kind.model_fields['kind'].default}).")
            continue
        inner = get_args(field.annotation)[-1:]
        if inner and isinstance(inner[0], type) and issubclass(inner[0], BaseModel) and isinstance(field.default, dict):
            yield from keys(inner[0], f"{before}{name}.NAME.")
            continue
        if isinstance(field.annotation, type) and issubclass(field.annotation, BaseModel):
            yield from keys(field.annotation, f"{before}{name}.")
        else:
            yield before + name, field.get_default()


def test_the_least_that_must_be_said(tmp_path: Path) -> None:
    settings = load(tmp_path, LEAST)
    assert (settings.space, settings.program) == ("space.toml", "program.md")
    assert (settings.proposers.thompson, settings.proposers.random, settings.proposers.human) == (3.0, 1.0, None)
    assert (settings.gate.preset, settings.gate.exam_share, settings.gate.holdout_repeats) == ("fast", 0.1, 2)
    assert settings.budget.model_dump() == dict.fromkeys(("rollouts", "tokens", "usd", "minutes", "until"))


def test_the_file_itself_or_its_folder(tmp_path: Path) -> None:
    load(tmp_path, LEAST)
    assert load_experiment(tmp_path / "experiment.toml") == load_experiment(tmp_path)
    assert load_experiment(tmp_path)[1] == tmp_path.resolve()


def test_whole_numbers_do_for_real_ones_but_nothing_else_is_converted(tmp_path: Path) -> None:
    assert load(tmp_path, LEAST + "[budget]\nminutes = 9\nusd = 2\n").budget.minutes == 9.0
    assert load(tmp_path, LEAST + '[checks]\ncommands = ["true"]\n').checks.commands == ("true",)
    for wrong in ('rollouts = "9"', "rollouts = 9.0", "rollouts = true", "minutes = nan", "usd = -1", 'until = "7:00"'):
        with pytest.raises(SettingsError, match=rf"budget\.{wrong.split()[0]}: got "):
            load(tmp_path, LEAST + f"[budget]\n{wrong}\n")


def test_objectives(tmp_path: Path) -> None:
    text = '[objective]\nconstraints = [{ metric = "rounds", at_most = 9 }]\ntie_breaks = ["lines", "prompt_tokens"]\n'
    objective = load(tmp_path, LEAST + text).objective
    assert [(limit.metric, limit.at_most, limit.at_most_rise) for limit in objective.constraints] == [
        ("rounds", 9.0, None)
    ]
    assert objective.tie_breaks == ("lines", "prompt_tokens")
    assert objective.simpler_margin is None and objective.constraints[0].unless_gain is None
    pays = (
        '[objective]\nsimpler_margin = 0.01\nconstraints = [{ metric = "rounds", at_most = 9, unless_gain = 0.02 }]\n'
    )
    settings = load(tmp_path, LEAST + pays)
    assert gate_of(settings, CallSuite({})).working.simpler_margin == 0.01
    assert objective_of(settings).constraints == (Constraint("rounds", at_most=9.0, unless_gain=0.02),)
    assert get_args(TieBreak) == tuple(SIMPLICITY)
    assert get_args(ConstraintSettings.model_fields["metric"].annotation) == tuple(METRICS)


@pytest.mark.parametrize(
    ("wrong", "told"),
    [
        ('constraints = [{ metric = "rounds" }]', "expected 'at_most' .* or 'at_most_rise'"),
        ('constraints = [{ metric = "steps", at_most = 9 }]', "constraints.0..metric: got 'steps'"),
        ('constraints = [{ metric = "rounds", at_most = -1 }]', "at_most: got -1"),
        ('constraints = [{ metric = "rounds", at_most_rise = "10%" }]', "at_most_rise: got '10%'"),
        ('constraints = [{ metric = "rounds", most = 9 }]', "most: got an unknown key"),
        ('constraints = [{ metric = "rounds", at_most = 9, unless_gain = 0 }]', "unless_gain: got 0"),
        ("simpler_margin = 0.6", "simpler_margin: got 0.6"),
        ('tie_breaks = ["words"]', "tie_breaks.0.: got 'words'"),
        ('tie_breaks = ["lines", "lines"]', "expected each name once"),
    ],
)
def test_objectives_that_make_no_sense(tmp_path: Path, wrong: str, told: str) -> None:
    with pytest.raises(SettingsError, match=told):
        load(tmp_path, LEAST + f"[objective]\n{wrong}\n")


@pytest.mark.parametrize(
    ("wrong", "told"),
    [
        ("[mcp.a]\n", r"mcp\.a\.url: got nothing"),
        ("[mcp.a]\nurl = 'shelf.py'\n", r"mcp\.a\.url: got 'shelf\.py'"),
        ("[mcp.a__b]\nurl = 'http://x'\n", r"mcp\.a__b"),
        ("[mcp.a]\nurl = 'http://x'\nheaders_from_env = { 'a b' = 'X' }\n", r"mcp\.a\.headers_from_env"),
        ("[mcp.a]\nurl = 'http://x'\nheaders_from_env = { A = 'Bearer 1' }\n", r"headers_from_env\.A: got 'Bearer 1'"),
        ("[mcp.a]\nurl = 'http://x'\nheaders = {}\n", r"mcp\.a\.headers: got an unknown key.*'headers_from_env'"),
    ],
)
def test_mcp_servers_that_make_no_sense(tmp_path: Path, wrong: str, told: str) -> None:
    with pytest.raises(SettingsError, match=told):
        load(tmp_path, LEAST + wrong)


@pytest.mark.parametrize("name", ["a", "A-1_b.c", "9", "x" * 63])
def test_names(tmp_path: Path, name: str) -> None:
    assert load(tmp_path, LEAST.replace('"e"', f'"{name}"')).name == name


@pytest.mark.parametrize("name", ["", "a b", "-a", ".a", "a..b", "a.lock", "a.", "a/b", "ä", "x" * 64])
def test_names_that_no_branch_could_have(tmp_path: Path, name: str) -> None:
    with pytest.raises(SettingsError, match="name: got"):
        load(tmp_path, LEAST.replace('"e"', f'"{name}"'))


def test_a_file_that_cannot_be_read(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="no such file"):
        load_experiment(tmp_path)
    (tmp_path / "experiment.toml").write_bytes(b"\xff\xfe")
    with pytest.raises(SettingsError, match="expected an experiment file"):
        load_experiment(tmp_path)


def test_the_shipped_experiment_is_valid() -> None:
    assert load_experiment(ROOT / "experiments" / "navigator")[0].name == "navigator"


@pytest.mark.parametrize(("asked", "rollouts"), [("first_look = 2", 2), ("first_look = 20", 10), ("", 10)])
def test_pruning_runs_a_harness_no_more_often_than_the_gate_needs_to_look(
    tmp_path: Path, asked: str, rollouts: int
) -> None:
    settings = load(tmp_path, f"{LEAST}[gate]\n{asked}\n")
    assert gate_of(settings, CallSuite({})).pruning.rollouts == rollouts


def test_every_key_is_documented_with_its_default() -> None:
    text = (ROOT / "docs" / "experiment-format.md").read_text(encoding="utf-8")
    documented: dict[str, str] = {}
    table = ""
    for line in text.splitlines():
        if heading := re.match(r"#+ \[([\w.]+)\](?: of kind `(\w+)`)?", line):
            first, *rest = heading[1].split(".")
            table = ".".join([f"{first}({heading[2]})" if heading[2] else first, *rest, ""])
        if row := re.match(r"\| `(\w+)` \|[^|]*\| ([^|]*) \|", line):
            documented[table + row[1]] = row[2].strip().strip("`")
    known = dict(keys(ExperimentSettings))
    assert set(known) == set(documented)
    for name, default in known.items():
        said = documented[name]
        if isinstance(default, int | float) and not isinstance(default, bool):
            assert float(said) == default, name
        elif isinstance(default, str) and default:
            assert said.strip('"') == default, name


def test_the_documented_example_is_valid(tmp_path: Path) -> None:
    text = (ROOT / "docs" / "experiment-format.md").read_text(encoding="utf-8")
    for example in re.findall(r"```toml\n(name = .*?)```", text, flags=re.DOTALL):
        assert load(tmp_path, example).name


def test_a_sweep_alone_will_do_and_no_file_holds_a_function(tmp_path: Path) -> None:
    assert load(tmp_path, LEAST + "[proposers]\nsweep = 1.0\n").proposers.sweep == 1.0
    with pytest.raises(SettingsError, match=r"suite\.kind: got 'callable', expected another kind"):
        load(tmp_path, 'name = "e"\nharness = "h"\n[suite]\nkind = "callable"\n')


COMMAND = """\
name = "e"
harness = "h"
[suite]
kind = "command"
command = "python train.py"
metric = "loss"
direction = "minimize"
worst = 4.0
best = 1.0
seconds = 2
"""


def test_a_command_and_its_scale(tmp_path: Path) -> None:
    suite = load(tmp_path, COMMAND).suite
    assert suite.kind == "command"
    assert (suite.seeds.search, suite.threads, suite.scale.score(2.5)) == (8, 1, 0.5)


@pytest.mark.parametrize(
    ("wrong", "told"),
    [
        (COMMAND.replace("best = 1.0", "best = 9.0"), r"expected 'best' below 'worst'"),
        (COMMAND.replace("minimize", "maximize"), r"expected 'best' above 'worst'"),
        (COMMAND.replace('direction = "minimize"\n', ""), r"suite\.direction: got nothing, expected"),
        (COMMAND + 'evaluator = "python evaluate.py"\n', r"got an evaluator without 'pinned' files"),
        (COMMAND.replace("seconds = 2", "seconds = 300"), r"sandbox.rollout_timeout_s = 30 and suite.seconds = 300"),
        (COMMAND + "[suite.seeds]\nsearch = 1\n", r"suite\.seeds\.search: got 1"),
    ],
)
def test_commands_that_make_no_sense(tmp_path: Path, wrong: str, told: str) -> None:
    with pytest.raises(SettingsError, match=told):
        load(tmp_path, wrong)
