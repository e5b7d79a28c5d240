"""A problem of two components whose scores are known by heart: the share of options that are not the baseline's."""

from __future__ import annotations

from dataclasses import dataclass, field

from optimizer.bench.problems.base import Assignment


@dataclass(frozen=True)
class Plain:
    """Deterministic; the truth of an assignment is its score on every task."""

    seed: int = 0
    name: str = "plain"
    components: dict[str, tuple[str, ...]] = field(default_factory=lambda: {"a": ("0", "1"), "b": ("0", "1", "2")})
    search: tuple[str, ...] = ("s0", "s1", "s2")
    certify: tuple[str, ...] = ("c0",)
    holdout: tuple[str, ...] = ("h0",)
    budget: int = 20
    stream: bool = False
    deterministic: bool = True
    false_up_to: float = 0.0005
    exact: bool = True

    def score(self, assignment: Assignment, task: str, seed: int) -> float:
        return self.truth(assignment)

    def truth(self, assignment: Assignment) -> float:
        return sum(option != "0" for option in assignment.values()) / len(self.components)

    def close(self) -> None:
        pass
