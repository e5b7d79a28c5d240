"""Ratchet itself: the campaign that users run, on a problem's score function instead of rollouts in a sandbox."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import cast

from optimizer.acceptance.presets import FAST, Preset
from optimizer.assemble.callable import CallableRequest, open_callable
from optimizer.assemble.components import harness_of
from optimizer.bench.problems.base import Assignment, Problem
from optimizer.bench.rivals.base import Finding, Metered
from optimizer.campaign import Campaign
from optimizer.ledger.rows import Exam
from optimizer.records import Split
from optimizer.settings import DEFAULT_PROPOSERS, ProposerSettings
from optimizer.standing import Standing


@dataclass(frozen=True)
class Ratchet:
    """A campaign with its defaults. ``proposers`` are those of a problem whose edits do not come as a stream; a stream
    is swept, one edit at a time, in declared order."""

    name: str = "ratchet"
    gate: Preset = FAST
    proposers: ProposerSettings = DEFAULT_PROPOSERS
    stream: ProposerSettings = field(default_factory=lambda: ProposerSettings(sweep=1.0))
    exam_share: float = 0.10
    prune_share: float = 0.20

    @property
    def settings(self) -> Mapping[str, object]:
        return {
            "gate": "fast" if self.gate == FAST else repr(self.gate),
            "proposers": _weights(self.proposers),
            "proposers of a stream": _weights(self.stream),
            "exam_share": self.exam_share,
            "prune_share": self.prune_share,
        }

    def run(self, metered: Metered, *, seed: int) -> Finding:
        """One campaign in a temporary repository. Raises SettingsError for a budget without room for an experiment."""
        began, evaluated = time.perf_counter(), metered.evaluation_s
        with open_callable(self._request(metered, seed)) as campaign:
            campaign.run()
            found = _finding(campaign)
        return found.finding(time.perf_counter() - began - (metered.evaluation_s - evaluated))

    def _request(self, metered: Metered, seed: int) -> CallableRequest:
        problem: Problem = metered.problem
        space, files = harness_of(problem.components)
        return CallableRequest(
            score=metered.score,
            space=space,
            harness=files,
            tasks={Split.search: problem.search, Split.certify: problem.certify},
            rollouts=metered.left,
            seed=seed,
            view=space.read,
            gate=self.gate,
            exam_share=self.exam_share,
            prune_share=self.prune_share,
            proposers=self.stream if problem.stream else self.proposers,
            deterministic=True if problem.deterministic else None,
            name="bench",
        )


@dataclass(frozen=True)
class _Found:
    """What the ledger and the branch say, read while they are there."""

    chain: tuple[Assignment, ...]
    champion: Assignment
    working: Assignment
    claimed: float | None
    offered: tuple[tuple[Assignment, Assignment], ...]

    def finding(self, own_s: float) -> Finding:
        return Finding(
            chain=self.chain,
            champion=self.champion,
            claimed=self.claimed,
            certified=self.claimed is not None,
            working=self.working,
            offered=self.offered,
            candidates=len(self.offered),
            own_s=own_s,
        )


def _finding(campaign: Campaign) -> _Found:
    """The certified champion is handed over; where nothing is certified, what pruning left, and nothing is claimed. The
    chain is the finalized branch. What is claimed is what the exam that it passed measured, against the baseline
    or, in the middle of a campaign, against one that was certified before."""
    parts = campaign.parts
    standing = Standing.from_json(parts.ledger.gate() or Standing.at_baseline(campaign.baseline, "").to_json())
    known: dict[str, Assignment] = {}

    def reading(tree: str) -> Assignment:
        if tree not in known:
            known[tree] = cast(Assignment, parts.space.read(parts.workspace.files(tree)))
        return known[tree]

    passed = [exam for exam in parts.ledger.exams() if exam.outcome == "passed"]
    pruned = next(iter(parts.ledger.prunings()[-1:]), None)
    final = parts.branch.read(parts.branch.final) if pruned else None
    way = parts.branch.way(campaign.baseline_commit, final or standing.commit)
    return _Found(
        chain=tuple(reading(parts.workspace.tree(commit)) for commit in (campaign.baseline_commit, *way)),
        champion=reading(standing.certified_tree if passed else standing.tree),
        working=reading(pruned.result["before"]["tree"] if pruned else standing.tree),
        claimed=_claimed(passed, standing.certified_commit, campaign.baseline_commit),
        offered=tuple(
            (reading(row.champion), cast(Assignment, row.assignment))
            for row in parts.ledger.experiments()
            if row.spend.rollouts
        ),
    )


def _claimed(passed: Sequence[Exam], certified: str, baseline: str) -> float | None:
    """The gain over the baseline: that of the last exam and, where its opponent was no baseline, of those before."""
    gain = 0.0
    for exam in reversed(passed):
        if exam.champion == certified and certified != baseline:
            gain, certified = gain + exam.result["effect"], exam.against
    return gain if passed else None


def _weights(proposers: ProposerSettings) -> str:
    return ", ".join(f"{name} {weight:g}" for name, weight in proposers.model_dump(exclude={"human"}).items() if weight)
