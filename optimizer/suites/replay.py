"""The replay suite: each task is a recorded conversation, scored under a harness's compaction, without a model."""

from __future__ import annotations

import hashlib
import json
import zlib
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from functools import lru_cache
from pathlib import Path

from optimizer.errors import SettingsError
from optimizer.records import Split, Task
from optimizer.replay.loading import load, usual_limit
from optimizer.replay.scoring import Score
from optimizer.replay.uses import Uses
from optimizer.replay.worth import DEAREST, worth
from optimizer.settings.replay import ReplaySuiteSettings, ReplayWeights
from optimizer.transcripts.records import Header, Transcript
from search_space.errors import SearchSpaceError
from search_space.harness import harness_from_files
from search_space.messages import estimate_tokens
from search_space.tools import Effects

VERSION = 1
"""Of what a score means: another one is another suite."""
SHARES = {Split.search: 0.5, Split.certify: 0.2, Split.holdout: 0.3}


class ReplaySuite:
    """Transcripts that do not fit in ``limit_tokens``, by split. Satisfies :class:`optimizer.suites.base.Suite`.

    The score of a transcript is what :func:`optimizer.replay.worth.worth` says. ``fitting`` is how many transcripts
    fit whole, and are no tasks: every harness scores the same on them.
    """

    effects: Mapping[str, Effects] = {}
    deterministic: bool | None = True

    def __init__(
        self, transcripts: Sequence[Transcript], *, limit_tokens: int, weights: ReplayWeights, hold_out: str
    ) -> None:
        """Raises :class:`SettingsError` when they cannot be split."""
        long = [each for each in transcripts if estimate_tokens(list(each.messages)) > limit_tokens]
        self.limit_tokens, self.weights, self.fitting = limit_tokens, weights, len(transcripts) - len(long)
        self._packed = {name: _packed(each) for name, each in _named(long).items()}
        workloads = {name: each.header.workload for name, each in _named(long).items()}
        splits = _by_workload(workloads) if hold_out == "workload" else _by_transcript(workloads)
        self._tasks = {
            split: tuple(Task(name, split, name) for name in self._packed if splits[name] is split) for split in Split
        }
        told = [VERSION, limit_tokens, weights.model_dump(), DEAREST, sorted(splits.items())]
        digest = hashlib.sha256(json.dumps(told).encode())
        for name, packed in self._packed.items():
            digest.update(f"{name}\0".encode() + hashlib.sha256(packed).digest())
        self.hash = "sha256:" + digest.hexdigest()
        self.transcript = lru_cache(maxsize=16)(self._transcript)

    @classmethod
    def load(cls, settings: ReplaySuiteSettings, folder: Path) -> ReplaySuite:
        """The suite of the experiment in ``folder``. Raises :class:`SettingsError` for files that cannot be read, and
        RatchetError when there is nothing usable in them."""
        with load([folder / each for each in settings.transcripts], lambda where, what: None) as found:
            limit = settings.context_tokens or usual_limit(found)
            return cls(list(found), limit_tokens=limit, weights=settings.weights, hold_out=settings.hold_out)

    def problem(self, files: Mapping[str, bytes]) -> str | None:
        """Replay needs a harness folder: what it renders with is its ``[compaction]``."""
        try:
            harness_from_files(files)
        except SearchSpaceError as error:
            return str(error)
        return None

    def tasks(self, split: Split) -> Sequence[Task]:
        return self._tasks[split]

    def worth(self, score: Score) -> float:
        """What a transcript's score counts, in [0, 1]."""
        return worth(score, self.weights)

    def _transcript(self, task: str) -> tuple[Transcript, Uses]:
        told = json.loads(zlib.decompress(self._packed[task]))
        transcript = Transcript(Header(**told["header"]), told["messages"])
        return transcript, Uses(transcript.messages, transcript.header.system)


def _named(transcripts: Sequence[Transcript]) -> dict[str, Transcript]:
    """By a name of its own each: what was recorded twice under one id is numbered."""
    found: dict[str, Transcript] = {}
    for each in transcripts:
        name, number = each.header.id, 1
        while name in found:
            number += 1
            name = f"{each.header.id}#{number}"
        found[name] = each
    return found


def _packed(transcript: Transcript) -> bytes:
    told = {"header": asdict(transcript.header), "messages": list(transcript.messages)}
    return zlib.compress(json.dumps(told, ensure_ascii=False).encode("utf-8", "replace"), 1)


def _by_workload(workloads: Mapping[str, str]) -> dict[str, Split]:
    """The largest workloads first, each to the split that lacks most."""
    sizes: dict[str, int] = {}
    for workload in workloads.values():
        sizes[workload] = sizes.get(workload, 0) + 1
    if len(sizes) < len(SHARES):
        raise SettingsError(
            f"suite: got transcripts of {len(sizes)} workload{'' if len(sizes) == 1 else 's'} that do not fit in the "
            f"context, expected {len(SHARES)} or more: what is best for one workload is often not for the next",
            hint='add transcripts of other work, or say hold_out = "transcript": what is found then holds for work of '
            "this kind only",
        )
    lacks = {split: share * len(workloads) for split, share in SHARES.items()}
    chosen: dict[str, Split] = {}
    for workload in sorted(sizes, key=lambda name: (-sizes[name], _number(name))):
        free = [split for split in (Split.search, Split.holdout, Split.certify) if split not in chosen.values()]
        split = free[0] if free else max(SHARES, key=lambda split: lacks[split])
        chosen[workload] = split
        lacks[split] -= sizes[workload]
    return {name: chosen[workload] for name, workload in workloads.items()}


def _by_transcript(workloads: Mapping[str, str]) -> dict[str, Split]:
    """A share of each workload to each split, in an order that their names decide."""
    found: dict[str, Split] = {}
    for workload in sorted(set(workloads.values())):
        own = sorted((name for name in workloads if workloads[name] == workload), key=_number)
        first, second = (round(len(own) * share) for share in (0.5, 0.7))
        found |= {
            name: Split.search if at < first else Split.certify if at < second else Split.holdout
            for at, name in enumerate(own)
        }
    return found


def _number(name: str) -> str:
    return hashlib.sha256(name.encode("utf-8", "replace")).hexdigest()
