"""The gate against known truth: a stream of candidates, most of no use, on tasks whose success is chance.

``python -m optimizer.acceptance.simulation --runs 20 --rollouts 20000`` prints, for the two-tier gate and for the
greedy rule that most loops use, the true gain on the task population beside what was claimed. The world: success
probabilities spread over (0, 1); of the candidates a share does next to nothing, a share harms by 2 to 10 points, a
share helps by 1 to 6, unevenly over tasks, and gains shrink as the head-room does.
"""

from __future__ import annotations

import argparse
import json
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field, fields
from functools import partial

import numpy as np
from numpy.typing import NDArray

from optimizer.acceptance.exam import Outcome, exam_due, final_due, first_repeat_of, look_exam, plan_exam
from optimizer.acceptance.pool import Pool
from optimizer.acceptance.presets import PRESETS, Preset
from optimizer.acceptance.working import Ask, look, plan, settle, shuffled
from optimizer.records import Evaluation, Verdict

FALSE_BELOW = 0.003
"""A keep whose true effect is under 0.3 points counts as false, one under -0.3 points as harmful."""

Chances = NDArray[np.float64]


@dataclass(frozen=True)
class World:
    """A task population and a stream of candidates. ``helpful`` and ``harmful`` are shares of the stream; helpful ones
    gain ``gain_low`` to ``gain_high`` at the start of a campaign."""

    tasks: int = 50
    certify: int = 20
    population: int = 1000
    candidates: int = 500
    helpful: float = 0.10
    harmful: float = 0.20
    tiny_sd: float = 0.002
    gain_low: float = 0.01
    gain_high: float = 0.06


@dataclass
class Result:
    """What a campaign came to. Gains are fractions of the scale, on the whole task population; ``claimed`` is what the
    rule itself would say: the shrunken sum for the gate, the difference of recorded scores for the greedy rule."""

    true_gain: float = 0.0
    claimed: float = 0.0
    certified_gain: float = 0.0
    certified_claim: float = 0.0
    certificates: int = 0
    wrong_certificates: int = 0
    keeps: int = 0
    false: int = 0
    harmful: int = 0
    candidates: int = 0
    rollouts: int = 0


@dataclass
class Stream:
    """One seeded world in motion: draws candidates against the present champion and runs rollouts."""

    world: World
    seed: int
    rng: np.random.Generator = field(init=False)
    start: Chances = field(init=False)

    def __post_init__(self) -> None:
        self.rng = np.random.default_rng(self.seed)
        self.start = self.rng.beta(1.0, 1.0, self.world.population)

    def candidate(self, champion: Chances) -> Chances:
        """The chances of success of the next candidate on every task of the population."""
        world, rng = self.world, self.rng
        draw = rng.random()
        if draw < world.helpful:
            effect = rng.uniform(world.gain_low, world.gain_high) * (1.0 - champion.mean()) / (1.0 - self.start.mean())
        elif draw < world.helpful + world.harmful:
            effect = -rng.uniform(0.02, 0.10) * champion.mean() / self.start.mean()
        else:
            effect = rng.normal(0.0, world.tiny_sd)
        room = (1.0 - champion) if effect > 0 else champion
        uneven = rng.gamma(1.0, 1.0, world.population) * room
        moved: Chances = np.clip(champion + effect * uneven / max(uneven.mean(), 1e-9), 0.0, 1.0)
        return moved

    def run(self, chances: Chances, places: Sequence[int]) -> list[float]:
        """One rollout on each of ``places``."""
        return [float(hit) for hit in self.rng.random(len(places)) < chances[list(places)]]


def run_gate(world: World, preset: Preset, *, rollouts: int, seed: int, exams: bool = True) -> Result:
    """A campaign under the two-tier gate, with a tenth of the budget kept for the last exam when ``exams``."""
    return _Campaign(Stream(world, seed), preset, rollouts, exams).run()


def run_greedy(world: World, *, rollouts: int, seed: int) -> Result:
    """The usual rule: every candidate once on every task, kept when it beats the champion's recorded score."""
    stream, result = Stream(world, seed), Result()
    champion, places = stream.start, range(world.tasks)
    first = best = math.fsum(stream.run(champion, places)) / world.tasks
    result.rollouts = world.tasks
    while result.rollouts + world.tasks <= rollouts and result.candidates < world.candidates:
        candidate = stream.candidate(champion)
        score = math.fsum(stream.run(candidate, places)) / world.tasks
        result.rollouts += world.tasks
        result.candidates += 1
        if score > best:
            _count_keep(result, candidate, champion)
            champion, best = candidate, score
    result.true_gain, result.claimed = float(champion.mean() - stream.start.mean()), best - first
    return result


class _Campaign:
    """The gate's own functions, driven as a campaign drives them."""

    def __init__(self, stream: Stream, preset: Preset, rollouts: int, exams: bool) -> None:
        self.stream, self.preset, self.exams, self.left = stream, preset, exams, rollouts
        self.reserve = rollouts // 10 if exams else 0
        world = stream.world
        self.place = {f"t{n}": n for n in range(world.tasks + world.certify)}
        self.search = list(self.place)[: world.tasks]
        self.certify = list(self.place)[world.tasks :]
        self.champion = self.certified = stream.start
        self.pool = self.certified_pool = Pool()
        self.hoped, self.held, self.result = 0.0, 0, Result()

    def run(self) -> Result:
        world = self.stream.world
        order = shuffled(self.search, champion="start", seed=self.stream.seed)
        while self.left > self.reserve and self.result.candidates < world.candidates:
            self.result.candidates += 1
            if self._experiment(order):
                order = shuffled(self.search, champion=str(self.result.keeps), seed=self.stream.seed)
                if self.exams and exam_due(self.preset.exam, hoped=self.hoped, held=self.held):
                    self._exam(budget=self.left - self.reserve)
        if self.exams and final_due(self.preset.exam, hoped=self.hoped, held=self.held):
            self._exam(budget=self.left, final=True)
        self.result.true_gain = float(self.champion.mean() - self.stream.start.mean())
        self.result.certified_gain = float(self.certified.mean() - self.stream.start.mean())
        self.result.claimed = self.pool.gained
        return self.result

    def _experiment(self, order: Sequence[str]) -> bool:
        settings, candidate = self.preset.working, self.stream.candidate(self.champion)
        evaluation, decision = Evaluation({}, {}), None
        while decision is None:
            ask = plan(self.pool, evaluation, settings, order)
            short = len(ask) > self.left - self.reserve
            if ask and not short:
                evaluation = self._grow(evaluation, ask, candidate, self.champion)
            decision = look(self.pool, evaluation, settings, order, last=short or not ask)
        self.pool = settle(self.pool, evaluation, decision, settings)
        if decision.verdict is not Verdict.keep:
            return False
        _count_keep(self.result, candidate, self.champion)
        self.champion, self.hoped = candidate, self.hoped + (decision.effect or 0.0)
        return True

    def _exam(self, budget: int, *, final: bool = False) -> None:
        settings, evaluation, found = self.preset.exam, Evaluation({}, {}), None
        first = first_repeat_of(self.held, settings)
        self.held += 1
        while found is None:
            ask = plan_exam(self.certify, evaluation, settings, first_repeat=first)
            short = len(ask) > budget
            if ask and not short:
                evaluation = self._grow(evaluation, ask, self.champion, self.certified)
                budget -= len(ask)
            found = look_exam(evaluation, settings, hoped=self.hoped, last=short or not ask, final=final)
        if found.outcome is Outcome.passed:
            self.result.certificates += 1
            self.result.wrong_certificates += bool(self.champion.mean() < self.certified.mean())
            self.result.certified_claim += found.effect
            self.certified, self.certified_pool, self.hoped = self.champion, self.pool, 0.0
        elif found.outcome is Outcome.failed:
            self.champion, self.pool, self.hoped = self.certified, self.certified_pool, 0.0

    def _grow(self, evaluation: Evaluation, ask: Ask, candidate: Chances, champion: Chances) -> Evaluation:
        self.left -= len(ask)
        self.result.rollouts += len(ask)
        return Evaluation(
            self._added(evaluation.candidate, ask.candidate, candidate),
            self._added(evaluation.champion, ask.champion, champion),
        )

    def _added(
        self, scores: Mapping[str, tuple[float, ...]], keys: Sequence[tuple[str, int]], chances: Chances
    ) -> dict[str, tuple[float, ...]]:
        grown = dict(scores)
        for (task, _), score in zip(
            keys, self.stream.run(chances, [self.place[task] for task, _ in keys]), strict=True
        ):
            grown[task] = (*grown.get(task, ()), score)
        return grown


def _count_keep(result: Result, candidate: Chances, champion: Chances) -> None:
    effect = float(candidate.mean() - champion.mean())
    result.keeps += 1
    result.false += effect < FALSE_BELOW
    result.harmful += effect < -FALSE_BELOW


def average(results: Sequence[Result]) -> dict[str, float]:
    """The mean of every figure, gains in points."""
    means = {f.name: float(np.mean([getattr(result, f.name) for result in results])) for f in fields(Result)}
    return {
        name: round(100 * mean if name.endswith(("gain", "claim", "claimed")) else mean, 2)
        for name, mean in means.items()
    }


def main(arguments: Sequence[str] | None = None) -> None:
    """Prints one JSON object a line and rule."""
    parser = argparse.ArgumentParser(description="the gate and the greedy rule against known truth")
    parser.add_argument("--runs", type=int, default=20)
    parser.add_argument("--rollouts", type=int, default=20_000)
    parser.add_argument("--seed", type=int, default=0)
    for world_field in fields(World):
        default = world_field.default
        parser.add_argument(f"--{world_field.name.replace('_', '-')}", type=type(default), default=default)
    chosen = parser.parse_args(arguments)
    world = World(**{f.name: getattr(chosen, f.name) for f in fields(World)})
    rules: dict[str, Callable[..., Result]] = {"greedy": partial(run_greedy, world, rollouts=chosen.rollouts)}
    for name, preset in PRESETS.items():
        rules[name] = partial(run_gate, world, preset, rollouts=chosen.rollouts, exams=False)
        rules[f"{name} with exams"] = partial(run_gate, world, preset, rollouts=chosen.rollouts)
    for name, rule in rules.items():
        figures = average([rule(seed=chosen.seed + run) for run in range(chosen.runs)])
        print(json.dumps({"rule": name, "runs": chosen.runs, **figures, "world": asdict(world)}))


if __name__ == "__main__":
    main()
