"""What a generated suite is like as a whole: sizes, kinds, splits apart, determinism, and what it refuses."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from collections import Counter
from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest

from experiments.navigator.generator import generate
from experiments.navigator.generator.resolve import Resolver
from experiments.navigator.generator.splits import assign, package_of
from experiments.navigator.index import Index, load_index
from experiments.navigator.questions import KINDS
from experiments.navigator.tree import SourceTree, standard_library

Made = Callable[[int], list[dict[str, str]]]

module: Any = import_module("experiments.navigator.generator.generate")


def test_sizes_and_kinds_are_as_asked(made: Made) -> None:
    rows = made(0)
    assert Counter(row["split"] for row in rows) == {"search": 72, "certify": 48, "holdout": 96}
    assert set(Counter((row["split"], row["kind"]) for row in rows).values()) == {6, 9, 12}
    assert {row["kind"] for row in rows} == set(KINDS)
    assert len({row["id"] for row in rows}) == len({row["prompt"] for row in rows}) == len(rows)
    assert all(set(row) == {"id", "split", "kind", "prompt", "answer"} for row in rows)


def test_splits_share_no_top_level_package() -> None:
    scenes = module.scenes(load_index(), module.DEFAULT_SIZES, 0)
    packages = [{package_of(facts.name) for facts in scene.modules} for scene in scenes]
    assert sum(map(len, packages)) == len(set().union(*packages))
    for scene, own in zip(scenes, packages, strict=True):
        for kind in KINDS:
            for pool in module._drafts(scene, kind).values():
                assert all(package_of(passed) in own for draft in pool for passed in draft.modules), kind


def test_modules_named_in_a_question_belong_to_its_split(made: Made) -> None:
    index = load_index()
    homes: dict[str, set[str]] = {}
    for row in made(1):
        for name in re.findall(r"module `([^`]+)`", row["prompt"]):
            assert index.module(name)
            homes.setdefault(package_of(name), set()).add(row["split"])
    assert all(len(splits) == 1 for splits in homes.values())


def test_same_seed_same_tasks_other_seed_others(made: Made) -> None:
    first = made(0)
    assert first == generate({"seed": 0})
    other = {row["prompt"] for row in made(1)}
    assert len(other & {row["prompt"] for row in first}) < len(other) / 2


def test_same_tasks_in_another_process(tmp_path: Path) -> None:
    for package in ("asyncio", "concurrent", "email", "http", "importlib", "logging", "unittest", "xml"):
        shutil.copytree(standard_library() / package, tmp_path / package)
    args = {"root": str(tmp_path), "search": 6, "certify": 4, "holdout": 6}
    code = "import sys; from experiments.navigator.generator import generate; print(generate(eval(sys.argv[1])))"
    done = subprocess.run(
        [sys.executable, "-c", code, repr(args)],
        capture_output=True,
        text=True,
        check=True,
        env={**os.environ, "PYTHONHASHSEED": "7"},
    )
    assert done.stdout.strip() == repr(generate(args))


def test_sizes_are_parameters() -> None:
    rows = generate({"search": 10, "certify": 0, "holdout": 9})
    assert Counter(row["split"] for row in rows) == {"search": 10, "holdout": 9}


def test_a_sequence_asks_about_one_neighbourhood(sequences: list[dict[str, Any]]) -> None:
    """All questions of a sequence need one fact in common; none is asked twice, and not all have the same answer."""
    scenes = module.scenes(load_index(), {"search": 40, "certify": 20, "holdout": 40}, 0)
    facts = {
        draft.prompt: set(draft.facts)
        for scene in scenes
        for kind in KINDS
        for pool in module._drafts(scene, kind).values()
        for draft in pool
    }
    assert Counter(row["split"] for row in sequences) == {"search": 40, "certify": 20, "holdout": 40}
    assert {row["kind"] for row in sequences} == {"inheritance", "imports", "calls", "lengths", "defaults"}
    for row in sequences:
        assert len(row["prompts"]) == len(row["answers"]) == 3
        assert set.intersection(*(facts[prompt] for prompt in row["prompts"])), row["id"]
        assert len(set(row["answers"])) > 1
    prompts = [prompt for row in sequences for prompt in row["prompts"]]
    assert len(set(prompts)) == len(prompts)


def test_sequences_of_two_splits_share_no_package(sequences: list[dict[str, Any]]) -> None:
    homes: dict[str, set[str]] = {}
    for row in sequences:
        for name in re.findall(r"module `([^`]+)`", " ".join(row["prompts"])):
            homes.setdefault(package_of(name), set()).add(row["split"])
    assert homes and all(len(splits) == 1 for splits in homes.values())


def test_sequences_are_the_same_every_time(sequences: list[dict[str, Any]]) -> None:
    assert sequences == generate({"seed": 0, "sequence": 3, "search": 40, "certify": 20, "holdout": 40})
    with pytest.raises(ValueError, match=r"got material for .* sequences of 3, expected 900"):
        generate({"sequence": 3, "search": 900})


@pytest.mark.parametrize(
    ("args", "said"),
    [
        ({"sequence": 1}, "sequence: got 1, expected at least 2"),
        ({"sequence": "3"}, "sequence: got '3'"),
        ({"sede": 1}, "unknown argument sede"),
        ({"seed": "x"}, "seed: got 'x'"),
        ({"search": -1}, "search: got -1"),
        ({"root": 7}, "root: got 7"),
        ({"search": 0, "certify": 0, "holdout": 0}, "at least one task"),
    ],
)
def test_bad_arguments_are_refused(args: dict[str, Any], said: str) -> None:
    with pytest.raises(ValueError, match=re.escape(said)):
        generate(args)


def test_a_missing_or_too_small_tree_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="no such folder"):
        generate({"root": str(tmp_path / "none")})
    (tmp_path / "one.py").write_text("def f():\n    return 1\n")
    with pytest.raises(ValueError, match="got material for 0 questions"):
        generate({"root": str(tmp_path)})


def test_a_package_keeps_its_split_when_others_come_and_go() -> None:
    weights = {f"p{number}": (1.0,) for number in range(3_000)}
    shares = {"search": 0.4, "certify": 0.2, "holdout": 0.4}
    whole = assign(weights, shares)
    fewer = assign({name: weight for name, weight in weights.items() if name not in ("p7", "p9")}, shares)
    assert all(whole[name] == split for name, split in fewer.items())
    assert {split: round(n / 3_000, 1) for split, n in Counter(whole.values()).items()} == shares


def resolver(tmp_path: Path, **files: str) -> Resolver:
    for name, text in files.items():
        (tmp_path / f"{name}.py").write_text(text)
    return Resolver(Index(SourceTree(tmp_path)))


@pytest.mark.parametrize(
    "text",
    [
        "class A: pass\nclass A: pass\n",
        "if x:\n    class A: pass\n",
        "try:\n    from b import A\nexcept ImportError:\n    A = None\n",
        "class A: pass\nA = wrap(A)\n",
        "from b import *\nclass A: pass\n",
        "class A: pass\ndef f():\n    global A\n    A = 1\n",
        "for A in (): pass\n",
    ],
)
def test_a_name_with_two_readings_is_not_followed(tmp_path: Path, text: str) -> None:
    found = resolver(tmp_path, a=text, b="class A: pass\n")
    facts = found.index.module("a")
    assert facts and found.follow(facts, "A") is None


def test_imports_are_followed_through_reexports_and_renames(tmp_path: Path) -> None:
    found = resolver(tmp_path, a="from b import B as A\n", b="from c import C as B\n", c="class C: pass\n")
    facts = found.index.module("a")
    assert facts
    place = found.follow(facts, "A")
    assert place and (place.module, place.item.name, place.path) == ("c", "C", ("a", "b", "c"))


def test_import_cycles_end(tmp_path: Path) -> None:
    found = resolver(tmp_path, a="from b import X\n", b="from a import X\n")
    facts = found.index.module("a")
    assert facts and found.follow(facts, "X") is None


def test_no_longest_function_when_two_are_nearly_as_long(tmp_path: Path) -> None:
    body = "    x = 1\n"
    found = resolver(tmp_path, a=f"def f():\n{body * 9}\n\ndef g():\n{body * 8}\n", b=f"def h():\n{body * 20}")
    a, b = found.index.module("a"), found.index.module("b")
    assert a and b and found.longest([a]) is None
    winner = found.longest([a, b])
    assert winner and winner.name == "h"
