"""What a problem of the bench is: one seeded space, its tasks, and the truth about every harness in it."""

from __future__ import annotations

from collections.abc import Mapping
from operator import itemgetter
from typing import Protocol

Assignment = Mapping[str, str]
"""Component -> option: a harness, as far as the bench is concerned. Every component of the problem is named."""


class Problem(Protocol):
    """One seeded instance. Scores are in [0, 1].

    ``components`` maps each component to its options, both in declared order; the first option is the baseline's.
    ``search``, ``certify`` and ``holdout`` are task ids, disjoint. ``budget`` is what an optimizer may spend by
    default, in rollouts, all in all. ``stream`` says that edits come one at a time: each component is one edit, ``off``
    or ``on``, and whoever proposes one edit at a time takes the next one in declared order. ``deterministic`` says that
    a harness always scores the same on a task. A kept step counts as false when its true effect is not above
    ``false_up_to`` (a fraction of the scale). ``exact`` says that the truth is known and costs nothing; otherwise it is
    itself measured, too roughly to tell what a single step is worth.
    """

    @property
    def name(self) -> str: ...
    @property
    def seed(self) -> int: ...
    @property
    def components(self) -> Mapping[str, tuple[str, ...]]: ...
    @property
    def search(self) -> tuple[str, ...]: ...
    @property
    def certify(self) -> tuple[str, ...]: ...
    @property
    def holdout(self) -> tuple[str, ...]: ...
    @property
    def budget(self) -> int: ...
    @property
    def stream(self) -> bool: ...
    @property
    def deterministic(self) -> bool: ...
    @property
    def false_up_to(self) -> float: ...
    @property
    def exact(self) -> bool: ...

    def score(self, assignment: Assignment, task: str, seed: int) -> float:
        """ONE rollout: a pure function of the problem's seed and the arguments. Independent for different assignments,
        tasks and seeds."""
        ...

    def truth(self, assignment: Assignment) -> float:
        """The true mean score on the task population."""
        ...

    def close(self) -> None:
        """End what runs for this problem, if anything does."""
        ...


def baseline_of(problem: Problem) -> dict[str, str]:
    """The assignment that every optimizer starts from: the first option of each component."""
    return {component: options[0] for component, options in problem.components.items()}


class Keys:
    """The options of an assignment in the order of the components: equal for equal assignments, whatever their
    order."""

    def __init__(self, problem: Problem) -> None:
        self._problem, self._names = problem.name, tuple(problem.components)
        # The second name keeps it a tuple when there is one component only.
        self._options = itemgetter(self._names[0], *self._names)

    def __call__(self, assignment: Assignment) -> tuple[str, ...]:
        """Raises ValueError when a component is missing or is not the problem's; options are not looked at."""
        try:
            key: tuple[str, ...] = self._options(assignment)
        except KeyError as missing:
            raise ValueError(f"problem {self._problem}: an assignment without the component {missing}") from None
        if len(assignment) != len(self._names):
            unknown = sorted(set(assignment) - set(self._names))
            raise ValueError(f"problem {self._problem}: got components {', '.join(unknown)}, which it does not have")
        return key


def check_options(problem: Problem, assignment: Assignment) -> None:
    """Raises ValueError when an option is not one of its component's."""
    for component, options in problem.components.items():
        if assignment[component] not in options:
            got = f"{component} = {assignment[component]!r}"
            raise ValueError(f"problem {problem.name}: got {got}, expected one of {', '.join(options)}")
