"""One-edit proposals, which stand in for the language model that a peer would ask."""

from __future__ import annotations

import random

from optimizer.bench.problems.base import Assignment, Problem


class Edits:
    """Edits of one component at a time, drawn with a seed. On a stream, the next edit that was not yet met, switched on
    on top of what is given; elsewhere another option of a random component."""

    def __init__(self, problem: Problem, *, seed: int) -> None:
        self._problem = problem
        self._random = random.Random(f"edits {seed}")
        self._stream = iter(problem.components.items())

    def next(self, parent: Assignment) -> dict[str, str] | None:
        """A changed copy of ``parent``; None when a stream has ended."""
        if self._problem.stream:
            return self._switched_on(parent)
        names = [name for name, options in self._problem.components.items() if len(options) > 1]
        return self.changed(parent, self._random.choice(names))

    def changed(self, parent: Assignment, component: str) -> dict[str, str]:
        """``parent`` with another option of this component, at random."""
        others = [option for option in self._problem.components[component] if option != parent[component]]
        return {**parent, component: self._random.choice(others)}

    def _switched_on(self, parent: Assignment) -> dict[str, str] | None:
        for component, options in self._stream:
            return {**parent, component: options[-1]}
        return None
