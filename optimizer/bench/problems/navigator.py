"""The shipped navigator experiment as a problem: real rollouts of the reference agent with the embedded model."""

from __future__ import annotations

import json
import statistics
import time
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from hashlib import blake2b, sha256
from pathlib import Path
from tempfile import TemporaryDirectory

from optimizer.assemble import Request, open_scoring, plan_campaign, with_other_tasks
from optimizer.bench.problems.base import Assignment, Keys
from optimizer.evaluation.base import Runner
from optimizer.records import Split, Task
from search_space.domains import Choice, Domain, FloatRange, Scalar, same
from search_space.space import Space

HOLDOUT = 400
"""Questions that the truth is measured on, one rollout each: a standard error of about two points."""

LEVELS = 5
"""Values that are taken of a range, both ends among them."""

PATIENCE_S = 3_600.0
"""No rollout takes so long: each has its own deadline."""


class Navigator:
    """Questions about the standard library, made with the problem's seed. Components are the dimensions of the space,
    options their values as JSON texts (a text as it is), the baseline's first.

    The luck of a rollout does not depend on the harness, as in a campaign, so that two harnesses are compared on the
    same. What is not possible beside the other options (a lead that is not in the prompt) counts for nothing.
    """

    name = "navigator"
    budget = 3_000
    stream = False
    deterministic = False
    false_up_to = 0.003
    exact = False

    def __init__(self, seed: int) -> None:
        self.seed = seed
        # From an empty folder: a campaign of the same name that is here already would be taken up where it stands.
        with TemporaryDirectory() as runs:
            shipped = plan_campaign(Request(Path("navigator"), no_holdout=True, runs=Path(runs)))
        self._planned = with_other_tasks(shipped, {"seed": seed, "holdout": HOLDOUT})
        self._files = self._planned.start[1]
        self._values = _values(self._planned.space, self._files)
        self.components = {name: tuple(values) for name, values in self._values.items()}
        self._tasks = {task.id: task for split in Split for task in self._planned.suite.tasks(split)}
        self.search, self.certify, self.holdout = (self._ids(split) for split in Split)
        self._key = Keys(self)
        self._variants: dict[tuple[str, ...], tuple[str, Mapping[str, bytes]]] = {}
        self._truths: dict[str, float] = {}
        self._stack = ExitStack()
        self._runner: Runner | None = None

    def score(self, assignment: Assignment, task: str, seed: int) -> float:
        return self._scores(assignment, [(self._tasks[task], seed)])[0]

    def truth(self, assignment: Assignment) -> float:
        """The mean over the holdout questions, with seeds that nobody else gets."""
        tree, _ = self.variant(assignment)
        if tree not in self._truths:
            self._truths[tree] = statistics.fmean(
                self._scores(assignment, [(self._tasks[task], -1) for task in self.holdout])
            )
        return self._truths[tree]

    def close(self) -> None:
        """End the sandbox and the door; the next rollout starts them anew."""
        self._runner = None
        self._stack.close()

    def _ids(self, split: Split) -> tuple[str, ...]:
        return tuple(task.id for task in self._planned.suite.tasks(split))

    def _scores(self, assignment: Assignment, wanted: Sequence[tuple[Task, int]]) -> list[float]:
        if self._runner is None:
            self._runner = self._stack.enter_context(open_scoring(self._planned))
        tree, files = self.variant(assignment)
        seeded = [(task, _number(self.seed, task.id, seed)) for task, seed in wanted]
        deadline = time.monotonic() + PATIENCE_S
        return [rollout.score for rollout in self._runner.run(tree, files, seeded, deadline=deadline, purpose="search")]

    def variant(self, assignment: Assignment) -> tuple[str, Mapping[str, bytes]]:
        """A name for the harness, the same for the same files, and its files."""
        key = self._key(assignment)
        if key not in self._variants:
            files = _applied(self._planned.space, self._files, self._wanted(assignment))
            digest = sha256()
            for path in sorted(files):
                digest.update(f"{path}\0{len(files[path])}\0".encode() + files[path])
            self._variants[key] = digest.hexdigest()[:40], files
        return self._variants[key]

    def _wanted(self, assignment: Assignment) -> dict[str, Scalar]:
        return {name: values[assignment[name]] for name, values in self._values.items()}


def _values(space: Space, files: Mapping[str, bytes]) -> dict[str, dict[str, Scalar]]:
    """Dimension -> option -> value; what the harness has now stands first."""
    now = space.read(files)
    found = {}
    for name in space.names:
        values = levels(space.domain(name))
        if name in now:
            values = [now[name], *[value for value in values if not same(value, now[name])]]
        found[name] = {value if isinstance(value, str) else json.dumps(value): value for value in values}
    return found


def levels(domain: Domain) -> list[Scalar]:
    """The values of a choice; of a range all, or a few evenly spread ones where there are more."""
    if isinstance(domain, Choice):
        return list(domain.values)
    low, high = domain.low, domain.high
    if isinstance(domain, FloatRange):
        return [low + (high - low) * n / (LEVELS - 1) for n in range(LEVELS)] if high > low else [low]
    steps = (domain.high - domain.low) // domain.step
    places = sorted({round(steps * n / (LEVELS - 1)) for n in range(LEVELS)})
    return [domain.low + domain.step * place for place in places]


def _applied(space: Space, files: Mapping[str, bytes], wanted: Mapping[str, Scalar]) -> Mapping[str, bytes]:
    """The harness with the wanted values, as far as they are possible together."""
    now, chosen = space.read(files), dict[str, Scalar]()
    for name in space.names:
        possible = name in space.active(chosen) and space.allowed(name, chosen).contains(wanted[name])
        if possible or name in now:
            chosen[name] = wanted[name] if possible else now[name]
    active = set(space.active(chosen))
    changes = {
        name: value for name, value in chosen.items() if name in active and not (name in now and same(value, now[name]))
    }
    return space.edit(files, changes).apply(files) if changes else files


def _number(*parts: object) -> int:
    """A seed below 2**63."""
    said = "\0".join(map(str, parts)).encode()
    return int.from_bytes(blake2b(said, digest_size=8).digest(), "big") >> 1
