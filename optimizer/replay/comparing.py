"""Every strategy on every transcript, one transcript at a time."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from optimizer.replay.batches import Batches, batches
from optimizer.replay.rendering import Renderer
from optimizer.replay.scoring import Score, score
from optimizer.replay.uses import Uses
from optimizer.transcripts.records import Transcript

STRATEGIES = ("none", "sliding_window", "clear_results", "truncate_results", "summary", "fact_ledger")
"""The strategies that are shipped, with the parameters that a harness has when it gives none."""
SILENT = (
    "prompt wording: a recorded answer does not change with the prompt",
    "whether the task would have been solved: a lost value is often looked up again, at the cost that is shown",
    "what the agent would have done instead: its steps stay as they were recorded",
    "a summary as a model writes it: the one shown is made without a model",
)
"""What replay cannot say, in words."""


@dataclass(slots=True)
class Compared:
    """Scores by strategy, in the transcripts' order, and the batches of each transcript."""

    scores: dict[str, list[Score]]
    batches: list[Batches] = field(default_factory=list)

    @property
    def all_batches(self) -> Batches:
        """Those of all transcripts together."""
        total = Batches(0, 0, 0, 0)
        for each in self.batches:
            total = replace(
                total,
                rounds=total.rounds + each.rounds,
                batches=total.batches + each.batches,
                conflicting=total.conflicting + each.conflicting,
                savable=total.savable + each.savable,
            )
        return total


def compare(transcripts: Iterable[Transcript], renderers: Mapping[str, Callable[[], Renderer]]) -> Compared:
    """Score every transcript with a fresh renderer of each strategy."""
    found = Compared({name: [] for name in renderers})
    for transcript in transcripts:
        uses = Uses(transcript.messages, transcript.header.system)
        found.batches.append(batches(transcript.messages, uses))
        for name, make in renderers.items():
            found.scores[name].append(score_transcript(transcript, make(), uses))
    return found


def score_transcript(transcript: Transcript, renderer: Renderer, uses: Uses | None = None) -> Score:
    """One strategy on one transcript."""
    head, messages = transcript.header, transcript.messages
    known = uses or Uses(messages, head.system)
    return score(messages, renderer, known, id=head.id, workload=head.workload, system=head.system)


def names_of(wanted: Sequence[str]) -> Sequence[str]:
    """The strategies asked for; all that are shipped when none is."""
    return list(dict.fromkeys(wanted)) or STRATEGIES
