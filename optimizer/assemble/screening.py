"""``[screen]``: replay as the cheap first look at proposals, before anything is run live."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from pathlib import Path

from optimizer.errors import SettingsError
from optimizer.records import Split
from optimizer.replay.comparing import score_transcript
from optimizer.replay.loading import load, usual_limit
from optimizer.replay.rendering import built_in
from optimizer.replay.worth import worth
from optimizer.settings.replay import ScreenSettings
from optimizer.suites.replay import ReplaySuite
from search_space.harness import agent_of
from search_space.harness_file import CompactionConfig, Plugin
from search_space.messages import estimate_tokens


class Screen:
    """Predicts what an edit does to the worth of recorded conversations. What only moves other things than
    ``[compaction]``, or makes it a plug-in, gets no prediction."""

    def __init__(self, suite: ReplaySuite) -> None:
        self._suite = suite
        self._tasks = [task.id for split in Split for task in suite.tasks(split)]
        self._known: dict[str, float] = {}

    @classmethod
    def load(cls, settings: ScreenSettings, folder: Path) -> Screen:
        """Raises RatchetError when there are no transcripts to screen by."""
        with load([folder / each for each in settings.transcripts], lambda where, what: None) as found:
            limit = settings.context_tokens or usual_limit(found)
            long = [each for each in found if estimate_tokens(list(each.messages)) > limit]
        if not long:
            raise SettingsError(
                f"screen: got no transcript of more than {limit} tokens, expected some that do not fit",
                hint="make screen.context_tokens smaller, or add transcripts",
            )
        long.sort(key=lambda each: hashlib.sha256(each.header.id.encode("utf-8", "replace")).hexdigest())
        chosen = long[: settings.sample]
        return cls(ReplaySuite(chosen, limit_tokens=limit, weights=settings.weights, hold_out="transcript"))

    def predict(self, before: Mapping[str, bytes], after: Mapping[str, bytes]) -> float | None:
        """The mean worth after less that before; None where replay is silent."""
        harnesses = agent_of(before), agent_of(after)
        if harnesses[0] is None or harnesses[1] is None:
            return None
        now, then = harnesses[0].compaction, harnesses[1].compaction
        if now == then or isinstance(now, Plugin) or isinstance(then, Plugin):
            return None
        return self._worth(then) - self._worth(now)

    def _worth(self, config: CompactionConfig) -> float:
        key = config.model_dump_json()
        if key not in self._known:
            total = 0.0
            for task in self._tasks:
                transcript, uses = self._suite.transcript(task)
                renderer = built_in(config, self._suite.limit_tokens)
                total += worth(score_transcript(transcript, renderer, uses), self._suite.weights)
            self._known[key] = total / len(self._tasks)
        return self._known[key]


def check_screen(settings: ScreenSettings, folder: Path) -> None:
    """Raises :class:`SettingsError` for transcripts that are not there, before anything is made."""
    for each in settings.transcripts:
        if not (folder / each).exists():
            raise SettingsError(
                f"screen.transcripts: got '{each}', which is not there", hint="paths are seen from experiment.toml"
            )
