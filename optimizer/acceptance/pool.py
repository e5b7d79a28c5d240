"""The pool: all the evidence of a campaign, seen from its champion, so that a candidate pays only for its own rollouts.

What is learnt is written down as *updates*, JSON values that lead from one posterior to the next: replayed in their
order they give the same posterior again, to the last digit.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from typing import Any

from optimizer.acceptance.effects import TASK_SD, Effects, Seen
from optimizer.acceptance.evidence import Cell, cells, within

Update = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Pool:
    """What is known of the champion, and of all that was compared with it. Frozen: every method returns a new pool.

    ``terms`` are the champion's, ``facing`` those of the candidate that it meets now, empty when nothing is known of
    its edit but that it is one. ``alone`` holds the rollouts of the champion's own tree by task: how many there were,
    which is the repeat index of its next one, and their plain mean. ``gained`` is what the champion is believed to be
    better by than the baseline, ``level`` its believed mean score (None before any rollout): figures of the search,
    which carry its luck. ``learnt`` are the updates that were not written down yet.
    """

    effects: Effects = field(default_factory=Effects.prior)
    terms: tuple[str, ...] = ()
    facing: tuple[str, ...] = ()
    alone: Mapping[str, Cell] = field(default_factory=dict)
    gained: float = 0.0
    level: float | None = None
    learnt: tuple[Update, ...] = ()

    def meets(self, candidate: Sequence[str]) -> Pool:
        """The pool for an experiment whose candidate has these terms."""
        return replace(self, facing=tuple(candidate))

    @property
    def candidate(self) -> tuple[str, ...]:
        """The terms of the candidate."""
        return self.facing or (*self.terms, f"edit:{len(self.terms) + 1}")

    def weight(self, task: str) -> float:
        """How many rollouts were seen on ``task``, of the champion or of what was compared with one."""
        return self.effects.counts.get(task, 0.0)

    def next_repeat(self, task: str) -> int:
        """The repeat index of the champion's next rollout on ``task``."""
        return int(self.alone[task].weight) if task in self.alone else 0

    @property
    def noise(self) -> float:
        """Variance of one rollout run again, pooled over tasks and harnesses."""
        return self.effects.noise

    def absorb(
        self, fresh: Mapping[str, Sequence[float]], *, exact: bool = False, noise: tuple[float, float] | None = None
    ) -> Pool:
        """The pool with the baseline's own new rollouts, by task in the order of their repeats; ``exact`` where they
        have no noise. ``noise`` (squares, degrees of freedom) takes the place of what was believed of it before."""
        if not any(fresh.values()):
            return self
        new = {f"task:{task}": [0.0, TASK_SD] for task, scores in fresh.items() if scores}
        ours = [asdict(seen(self.terms, fresh))]
        update: dict[str, Any] = {"new": new, "exact": exact, "seen": ours, "runs": within(fresh.values())}
        if noise is not None:
            update["noise"] = list(noise)
        return replace(self.learn(update), alone=self.with_own(fresh))

    def learn(self, update: Update) -> Pool:
        """The pool after ``update``, which is to be written down."""
        effects = learnt(self.effects, update)
        gained, _ = effects.gain(self.terms)
        level = effects.level(self.terms) if effects.counts else None
        return replace(self, effects=effects, gained=gained, level=level, learnt=(*self.learnt, update))

    def with_own(self, fresh: Mapping[str, Sequence[float]]) -> dict[str, Cell]:
        """``alone`` with more rollouts of the champion's own tree."""
        alone = dict(self.alone)
        for task, new in cells(fresh).items():
            old = alone.get(task, Cell(0.0, 0.0))
            weight = old.weight + new.weight
            alone[task] = Cell(weight, (old.weight * old.mean + new.weight * new.mean) / weight)
        return alone

    def written(self) -> Pool:
        """The pool once its updates were written down."""
        return replace(self, learnt=())

    def to_json(self) -> dict[str, Any]:
        """A JSON value with the updates that are new; the posterior itself is made again from all updates."""
        return {
            "terms": list(self.terms),
            "alone": {task: [cell.weight, cell.mean] for task, cell in self.alone.items()},
            "gained": self.gained,
            "level": self.level,
            "learnt": list(self.learnt),
        }

    @classmethod
    def from_json(cls, value: Mapping[str, Any], effects: Effects | None = None) -> Pool:
        """The pool that ``to_json`` wrote, with ``effects`` as its posterior; its updates count as written down.

        Raises ``ValueError`` when it is something else."""
        try:
            return cls(
                effects=effects or Effects.prior(),
                terms=tuple(map(str, value["terms"])),
                alone={str(task): Cell(float(n), float(mean)) for task, (n, mean) in value["alone"].items()},
                gained=float(value["gained"]),
                level=None if value["level"] is None else float(value["level"]),
            )
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            raise ValueError(f"got {str(value)[:80]!r}, expected a champion's pool as to_json writes it") from error


def learnt(effects: Effects, update: Update) -> Effects:
    """The posterior after an update:

    ``new``      terms and tasks met for the first time, with prior mean and standard deviation
    ``exact``    true where a rollout run again gives the same score: there is no noise
    ``noise``    squares and degrees of freedom in place of those that were there
    ``past``     rollouts from before a new champion, by harness
    ``uneven``   tasks whose levels a new champion has moved, each in its own way, and by what variance
    ``seen``     the rollouts, by harness
    ``runs``     what re-running showed: squares, degrees of freedom
    ``gone``     terms to forget
    ``present``  terms that must be remembered
    """
    if update.get("exact"):
        effects = replace(effects, squares=0.0)
    if "noise" in update:
        effects = replace(effects, squares=float(update["noise"][0]), degrees=float(update["noise"][1]))
    effects = effects.with_terms({name: (float(mean), float(sd)) for name, (mean, sd) in update["new"].items()})
    squares, degrees = update["runs"]
    if not update.get("exact"):
        effects = replace(effects, squares=effects.squares + squares, degrees=effects.degrees + degrees)
    effects = effects.absorb([Seen(**_tuples(one)) for one in update.get("past", ())])
    if "uneven" in update:
        effects = effects.uneven(*update["uneven"])
    effects = effects.absorb([Seen(**_tuples(one)) for one in update["seen"]])
    effects = effects.without(update.get("gone", ()))
    return effects.remembering(update.get("present", ()), list(update["new"]))


def seen(terms: Sequence[str], scores: Mapping[str, Sequence[float]], *, uneven: float = 0.0) -> Seen:
    """What the rollouts of the harness with ``terms`` say, by task."""
    means = cells(scores)
    counts = tuple(cell.weight for cell in means.values())
    return Seen(tuple(terms), tuple(means), counts, tuple(cell.mean for cell in means.values()), uneven)


def _tuples(value: Mapping[str, Any]) -> dict[str, Any]:
    return {name: tuple(item) if isinstance(item, list) else item for name, item in value.items()}
