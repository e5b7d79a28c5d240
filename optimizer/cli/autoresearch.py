"""The experiment that ``ratchet init --autoresearch DIR`` writes: karpathy/autoresearch's layout, run as it is."""

from __future__ import annotations

import json
import math
import re
import shlex
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from optimizer.cli.scaffold import check_repository, experiment_place
from optimizer.errors import SettingsError
from search_space.discovery.code import constant_dimensions
from search_space.discovery.opened import Opened, space_text
from search_space.errors import SearchSpaceError
from search_space.keyed.python_text import constants

TRAIN, PREPARE, PROGRAM, RESULTS = "train.py", "prepare.py", "program.md", "results.tsv"
LEFT_OUT = (RESULTS, "run.log")
"""What program.md leaves out of git: a campaign wants a harness that is as it was committed."""
METRIC = "val_bpb"
BUDGET_S = 300.0
"""autoresearch's own: five minutes of training, and whatever takes twice as long is given up."""
ALSO_PINNED = ("pyproject.toml", "uv.lock", ".python-version")
CACHES = ("~/.cache/autoresearch", "~/.cache/huggingface")
HALF_WIDTH = 0.2
"""The metric's range is what the baseline has, give or take so much of it."""
LISTS: Mapping[str, tuple[Any, ...]] = {
    "WINDOW_PATTERN": ("L", "SL", "SSL", "SSSL"),
    "WARMUP_RATIO": (0.0, 0.02, 0.05, 0.1, 0.2),
    "WARMDOWN_RATIO": (0.2, 0.3, 0.4, 0.5, 0.6, 0.8, 1.0),
    "FINAL_LR_FRAC": (0.0, 0.01, 0.05, 0.1, 0.2),
    "WEIGHT_DECAY": (0.0, 0.05, 0.1, 0.2, 0.4),
}
"""Values to try of constants whose half and double would say little."""
NOT_TO_CHANGE = re.compile(r"EVAL|SEED|STARTUP|VOCAB|SEQ_LEN|TIME|PEAK|FLOPS")
"""Constants that are no settings of the model: how it is measured, what the machine can do."""


def plan_autoresearch(folder: Path, name: str) -> dict[Path, bytes]:
    """The files to write, relative to ``folder``. Raises RatchetError when it is in no repository, is not of that
    layout, or has such an experiment already."""
    check_repository(folder)
    texts = _layout(folder)
    experiment = experiment_place(folder, name)
    dimensions = _dimensions(texts[TRAIN])
    if not dimensions:
        raise SettingsError(
            f"{folder / TRAIN}: got no constant in capitals at its top level, expected some such as DEPTH = 8",
            hint="give the numbers that may change names of their own at the top level of train.py",
        )
    seeded = "RATCHET_SEED" in texts[TRAIN]
    space = space_text(dimensions, [f"Constants of {TRAIN}: take out what should stay."])
    return {
        experiment / "experiment.toml": _experiment_toml(folder, name, texts).encode(),
        experiment / "space.toml": space.encode(),
        experiment / "README.md": _readme(name, len(dimensions), seeded).encode(),
    }


def _layout(folder: Path) -> dict[str, str]:
    """The texts of the layout's files."""
    texts = {}
    for name in (TRAIN, PREPARE, PROGRAM):
        try:
            texts[name] = (folder / name).read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError) as error:
            why = "no such file" if isinstance(error, FileNotFoundError) else str(error)
            raise SettingsError(
                f"{folder / name}: got {why}, expected autoresearch's layout: {PROGRAM}, {PREPARE} and {TRAIN}",
                hint="name the folder that holds them; for anything else: ratchet init --from DIR",
            ) from None
    if METRIC not in texts[TRAIN]:
        raise SettingsError(
            f"{folder / TRAIN}: got no '{METRIC}' in it, expected it to print a line '{METRIC}: NUMBER'",
            hint="ratchet init --from DIR takes any metric",
        )
    return texts


def _dimensions(text: str) -> list[Opened]:
    """What is proposed for each constant that may be set, in the order of the file."""
    try:
        values = constants(text, TRAIN).values
        found = {str(each.table["key"]): each for each in constant_dimensions(text, TRAIN)}
    except SearchSpaceError as error:
        raise SettingsError(str(error)) from None
    for key, value in values.items():
        if key in LISTS and type(value) is type(LISTS[key][0]):
            choices = sorted({*LISTS[key], value})
            words = ", ".join(map(str, choices))
            table = {"kind": "choice", "name": key, "file": TRAIN, "key": key, "values": choices}
            found[key] = Opened(f"{TRAIN}: {key}, {words} (now {value})", table)
    order = {key: place for place, key in enumerate(values)}
    proposed = [each for key, each in found.items() if not NOT_TO_CHANGE.search(key)]
    return sorted(proposed, key=lambda each: order.get(str(each.table["key"]).partition(".")[0], len(order)))


def _experiment_toml(folder: Path, name: str, texts: Mapping[str, str]) -> str:
    seconds = _seconds(texts[PREPARE])
    middle = _baseline(folder)
    pinned = [PREPARE, *(each for each in ALSO_PINNED if (folder / each).exists())]
    python, readable = _python(folder)
    readable += [cache for cache in CACHES if Path(cache).expanduser().exists()]
    command = f'TRITON_CACHE_DIR="$TMPDIR/triton" TORCHINDUCTOR_CACHE_DIR="$TMPDIR/inductor" {python} {TRAIN}'
    return TEMPLATE.format(
        name=name,
        command=_quoted(command),
        pinned=_quoted(pinned),
        worst=f"{middle * (1 + HALF_WIDTH):.6g}",
        best=f"{middle * (1 - HALF_WIDTH):.6g}",
        seconds=f"{seconds:g}",
        timeout=f"{2 * seconds:g}",
        whole=f"{40 * seconds:g}",
        readable=_quoted(readable),
    )


def _python(folder: Path) -> tuple[str, list[str]]:
    """What ``uv run`` would run train.py with, and what must be readable for it: the sandbox has no network for uv to
    look around in, and its cache may not be written."""
    if not (folder / "pyproject.toml").exists():
        return "python", []
    own = folder / ".venv" / "bin" / "python"
    base = [str(own.resolve().parents[1])] if own.exists() else []
    return shlex.quote(str(own)), [str(folder / ".venv"), *base]


def _seconds(text: str) -> float:
    """The time budget that prepare.py names."""
    found = re.search(r"^TIME_BUDGET\s*=\s*([0-9.]+)\b", text, re.MULTILINE)
    return float(found[1]) if found and float(found[1]) > 0 else BUDGET_S


def _baseline(folder: Path) -> float:
    """The metric of the first run that results.tsv tells of; else 1, near which the original begins."""
    try:
        lines = (folder / RESULTS).read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError):
        return 1.0
    header = lines[0].split("\t") if lines else []
    place = header.index(METRIC) if METRIC in header else -1
    for line in lines[1:]:
        cells = line.split("\t")
        try:
            value = float(cells[place]) if 0 <= place < len(cells) else 0.0
        except ValueError:
            continue
        if value > 0.0 and math.isfinite(value):
            return value
    return 1.0


def _quoted(value: Any) -> str:
    """As TOML says it: as JSON does, for what is written here."""
    return json.dumps(value)


def _readme(name: str, dimensions: int, seeded: bool) -> str:
    return README.format(name=name, dimensions=dimensions, seeds=SEEDED if seeded else NOT_SEEDED)


TEMPLATE = """\
name = "{name}"
description = "autoresearch: val_bpb of train.py"
harness = "../.."
program = "../../program.md"

[suite]
kind = "command"
command = {command}
pinned = {pinned}
metric = "val_bpb"
direction = "minimize"
worst = {worst}      # the scores 0 and 1: the baseline lies in the middle
best = {best}
seconds = {seconds}
seeds = {{ search = 4, certify = 4, holdout = 4 }}
readable = {readable}
devices = ["/dev/nvidia*", "/dev/nvidia-caps/*"]
environment = ["HOME"]    # prepare.py looks for its data below it
threads = 0
memory_mb = 128000
disk_mb = 32000

[budget]
until = "07:00"

# Runs are long and differ little: two tell a change that does harm, four a keep.
[gate]
first_look = 1
look_every = 1
min_rollouts = 2
max_passes = 1
noise = 0.01
prune_share = 0.0
holdout_repeats = 1

[sandbox]
workers = 1
rollout_timeout_s = {timeout}
experiment_timeout_s = {whole}
"""

README = """\
# {name}

Written by `ratchet init --autoresearch`. It runs `train.py` as it is, one run at a time, and opens {dimensions} of its
constants; `prepare.py` is pinned. Nothing outside this folder was changed.

    uv sync && uv run prepare.py       # once, as autoresearch says
    printf 'results.tsv\\nrun.log\\n' >> .git/info/exclude    # unless .gitignore has them: git is not to see them
    git add experiments/{name} && git commit -m "Experiment {name}"
    ratchet run experiments/{name} --dry-run
    ratchet run experiments/{name} --until 07:00
    ratchet log -c {name} --tsv > results.tsv

{seeds}

`train.py` prints its metric itself, so a free edit of it could print anything; the constants cannot. To let more be
changed, open marked regions (docs/space-format.md) and let an `evaluator` print the metric (docs/suites.md).
"""
SEEDED = "The seed of a run is in `RATCHET_SEED`, which `train.py` reads."
NOT_SEEDED = """\
`train.py` does not read `RATCHET_SEED`: every run has the same seed, and what differs between two runs of the same file
is the machine's doing. A gain is then shown for that one seed. To be told of others, seed it with
`int(os.environ.get("RATCHET_SEED", 42))`.\
"""
