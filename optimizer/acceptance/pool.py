"""The champion's pool: its scores per task, kept and reused, so that a candidate pays only for its own rollouts."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from optimizer.acceptance.evidence import Cell, cells, within


@dataclass(frozen=True, slots=True)
class Pool:
    """What is known of the champion on each task. Frozen: ``absorb`` and ``promote`` return a new pool.

    ``known`` holds a mean score and the number of rollouts it counts for; ``rollouts`` the number of rollouts that the
    champion's own tree has really had on a task, which is the repeat index of its next one. ``squares`` over
    ``degrees`` is the variance from re-running. ``gained`` adds up the shrunken effects of all keeps since the
    baseline: the level on which search values of variants of different champions can be compared. ``own`` holds the
    plain means of the champion's own tree alone, over ``rollouts``: nothing carried over, nothing shifted.
    """

    known: Mapping[str, Cell] = field(default_factory=dict)
    rollouts: Mapping[str, int] = field(default_factory=dict)
    squares: float = 0.0
    degrees: float = 0.0
    gained: float = 0.0
    own: Mapping[str, float] = field(default_factory=dict)

    def weight(self, task: str) -> float:
        """How many rollouts the champion's mean on ``task`` counts for; 0 when the task was never run."""
        cell = self.known.get(task)
        return cell.weight if cell else 0.0

    def next_repeat(self, task: str) -> int:
        """The repeat index of the champion's next rollout on ``task``."""
        return self.rollouts.get(task, 0)

    @property
    def mean(self) -> float | None:
        """The champion's mean score over the tasks it was seen on, None before any; it carries the search's luck."""
        if not self.known:
            return None
        return math.fsum(cell.mean for cell in self.known.values()) / len(self.known)

    @property
    def noise(self) -> float:
        """Variance of one rollout run again, pooled over tasks.

        Before any task was run twice it is m (1 - m), the most that scores in [0, 1] with mean m can have
        (Bhatia & Davis 2000, "A better bound on the variance").
        """
        if self.degrees > 0:
            return self.squares / self.degrees
        mean = min(1.0, max(0.0, self.mean if self.mean is not None else 0.5))
        return mean * (1.0 - mean)

    def absorb(self, fresh: Mapping[str, Sequence[float]]) -> Pool:
        """The pool with the champion's own new rollouts, by task in the order of their repeats: after a discard."""
        known, rollouts, own = dict(self.known), dict(self.rollouts), dict(self.own)
        squares, degrees = self.squares, self.degrees
        for task, scores in fresh.items():
            if not scores:
                continue
            for score in scores:
                old = known.get(task)
                weight, mean = (old.weight, old.mean) if old else (0.0, 0.0)
                # Welford's update: what a new score adds to the squares around the running mean.
                squares += (score - mean) ** 2 * weight / (weight + 1.0)
                degrees += 1.0 if old else 0.0
                known[task] = Cell(weight + 1.0, mean + (score - mean) / (weight + 1.0))
            before = rollouts.get(task, 0)
            rollouts[task] = before + len(scores)
            own[task] = (before * own.get(task, 0.0) + math.fsum(scores)) / rollouts[task]
        return Pool(known, rollouts, squares, degrees, self.gained, own)

    def promote(
        self, candidate: Mapping[str, Sequence[float]], *, raw: float, shrunken: float, total_weight: float
    ) -> Pool:
        """The pool of the new champion after a keep; absorb the old champion's fresh rollouts first.

        Both samples measure the same tasks up to the effect, so they are merged after moving the candidate's by
        ``-raw``, then all is moved by ``shrunken``, the better guess of the effect; the candidate's lucky runs, which
        are why it was chosen, do not become the bar for the next one. The merged pool counts for at most
        ``total_weight`` rollouts, so that the new champion's own rollouts soon outweigh what was carried over.
        """
        known = dict(self.known)
        for task, cell in cells(candidate).items():
            old = known.get(task, Cell(0.0, 0.0))
            weight = old.weight + cell.weight
            known[task] = Cell(weight, (old.weight * old.mean + cell.weight * (cell.mean - raw)) / weight)
        squares, degrees = within(candidate.values())
        total = math.fsum(cell.weight for cell in known.values())
        scale = min(1.0, total_weight / total) if total else 1.0
        return Pool(
            known={task: Cell(cell.weight * scale, cell.mean + shrunken) for task, cell in known.items()},
            rollouts={task: len(scores) for task, scores in candidate.items() if scores},
            squares=self.squares + squares,
            degrees=self.degrees + degrees,
            gained=self.gained + shrunken,
            own={task: cell.mean for task, cell in cells(candidate).items()},
        )

    def replaced(self, candidate: Mapping[str, Sequence[float]], *, shrunken: float) -> Pool:
        """The pool of the new champion after a keep on a deterministic suite: its scores are what they are, and no
        other rollout says anything of them. A task that it was not run on is not known."""
        rollouts, known = {task: len(scores) for task, scores in candidate.items() if scores}, cells(candidate)
        own = {task: cell.mean for task, cell in known.items()}
        return Pool(known, rollouts, gained=self.gained + shrunken, own=own)

    def to_json(self) -> dict[str, Any]:
        """A JSON value that :meth:`from_json` reads back to an equal pool."""
        return {
            "tasks": {
                task: [cell.weight, cell.mean, self.rollouts.get(task, 0), self.own.get(task, 0.0)]
                for task, cell in self.known.items()
            },
            "squares": self.squares,
            "degrees": self.degrees,
            "gained": self.gained,
        }

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> Pool:
        """The pool that ``to_json`` wrote; raises ``ValueError`` when it is something else."""
        try:
            # An older pool does not have its own means apart: what it carried stands for them.
            tasks = {
                str(task): (float(w), float(mean), int(n), float(own[0] if own else mean))
                for task, (w, mean, n, *own) in value["tasks"].items()
            }
            return cls(
                known={task: Cell(w, mean) for task, (w, mean, _, _) in tasks.items()},
                rollouts={task: n for task, (_, _, n, _) in tasks.items() if n},
                own={task: own for task, (_, _, n, own) in tasks.items() if n},
                squares=float(value["squares"]),
                degrees=float(value["degrees"]),
                gained=float(value["gained"]),
            )
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            raise ValueError(f"got {str(value)[:80]!r}, expected a champion's pool as to_json writes it") from error
