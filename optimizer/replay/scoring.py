"""One strategy on one transcript: what later steps still see, and what sending it would cost under a prompt cache.

Measured step by step, at each answer of the recorded agent (design.md, section 7):

- a step is *at risk* when a value that it uses stood last more than ``FAR`` messages before, and neither in the system
  prompt nor in the first message; it is *kept* when all values that it uses are still to be seen in what is sent;
- a step costs 0.1 for each token of the prefix that the step before sent just so, and 1.25 for each other one: the
  ratios of Anthropic's published prices for cache reads and five-minute writes;
- a value that is lost costs a round to look it up again: one more request, and the message it stood in, written.

The work is linear in the transcript: each message is looked at once, each rendering only where it differs from the one
before.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from optimizer.replay.rendering import Renderer
from optimizer.replay.uses import Uses, searchable
from search_space.compaction.history import History, message_chars
from search_space.messages import CHARS_PER_TOKEN, Message

FAR = 8
"""A value that stood within so many messages is at no risk."""
READ, WRITE = 0.1, 1.25
"""Price of a token read from the cache and of one written to it, in units of one uncached input token."""
BLOCK = 256
"""Messages that are compared at once."""
RECENT_PLACES = 64
"""Of a value that stood in many messages, so many of the latest are looked for in what is sent."""


@dataclass(frozen=True, slots=True)
class Score:
    """One strategy on one transcript. Costs are in tokens' worth of uncached input; ``full`` is what sending everything
    costs. ``using`` steps use any earlier value, ``at_risk`` of them one from far back; ``using_kept`` and
    ``at_risk_kept`` of these see all their values. ``rereads`` are look-ups of what was lost, ``reread_cost`` what
    they cost. ``compacted`` steps were sent less than everything. ``tokens`` are those sent, summed over steps."""

    id: str
    workload: str
    steps: int
    compacted: int
    using: int
    using_kept: int
    at_risk: int
    at_risk_kept: int
    tokens: int
    full_tokens: int
    cost: float
    full_cost: float
    rereads: int
    reread_cost: float


def score(messages: Sequence[Message], renderer: Renderer, uses: Uses, *, id: str, workload: str, system: str) -> Score:
    """Render every step of ``messages`` and score it. ``uses`` are those of the same messages."""
    meter = _Meter(len(system))
    index = 0
    for index, message in enumerate(messages):
        if message["role"] == "assistant" and index:
            meter.step(index, renderer.render(), uses)
        meter.feed(message)
        renderer.feed(message)
    return meter.score(id, workload)


class _Meter:
    """Counts as a transcript goes by. ``_shown`` is what the last step was sent, ``_other`` what of that is no message
    of the transcript, with its characters and its text."""

    def __init__(self, system_chars: int) -> None:
        self._system = system_chars
        self._history = History()
        self._index: dict[int, int] = {}
        self._shown: list[Message] = []
        self._chars = [system_chars]
        self._originals: set[int] = set()
        self._other: dict[int, tuple[Message, int, str]] = {}
        self._changed: str | None = ""
        self._sent_before = 0
        self._again: dict[int, int] = {}
        self._counts = [0] * 9
        self._cost = self._full_cost = self._reread_cost = 0.0

    def feed(self, message: Message) -> None:
        self._index[id(message)] = len(self._history)
        self._history.append(message)

    def step(self, index: int, rendered: Sequence[Message], uses: Uses) -> None:
        """Count the step whose answer stands at ``index``."""
        cached = self._show(rendered)
        sent, full = self._chars[-1], self._system + self._history.chars - 1
        self._cost += (READ * cached + WRITE * (sent - cached)) / CHARS_PER_TOKEN
        self._full_cost += (READ * self._sent_before + WRITE * (full - self._sent_before)) / CHARS_PER_TOKEN
        self._sent_before = full
        values = uses.of(index)
        lost = {places[-1] for value, places in values.items() if not self._sees(value, places, uses)}
        far = any(index - places[-1] > FAR and not uses.pinned(value) for value, places in values.items())
        self._count(1, len(self._originals) < index, bool(values), values and not lost, far, far and not lost)
        self._counts[6] += sent // CHARS_PER_TOKEN
        self._counts[7] += full // CHARS_PER_TOKEN
        for place in sorted(lost):
            if index - self._again.get(place, -FAR - 1) > FAR:
                self._again[place] = index
                self._counts[8] += 1
                self._reread_cost += (READ * sent + WRITE * self._history.message_chars(place)) / CHARS_PER_TOKEN

    def score(self, id: str, workload: str) -> Score:
        steps, compacted, using, using_kept, at_risk, at_risk_kept, tokens, full_tokens, rereads = self._counts
        return Score(
            id,
            workload,
            steps,
            compacted,
            using,
            using_kept,
            at_risk,
            at_risk_kept,
            tokens,
            full_tokens,
            self._cost,
            self._full_cost,
            rereads,
            self._reread_cost,
        )

    def _count(self, *found: object) -> None:
        for at, each in enumerate(found):
            self._counts[at] += bool(each)

    def _show(self, rendered: Sequence[Message]) -> int:
        """Take over what is sent now; the characters of the prefix that is as it was."""
        shown = self._shown
        same = _common(shown, rendered)
        cached = self._chars[same] if same else (self._system if shown else 0)
        gone = {}
        for message in shown[same:]:
            if (at := self._index.get(id(message))) is None:
                if told := self._other.pop(id(message), None):
                    gone[id(message)] = told
            else:
                self._originals.discard(at)
        del shown[same:], self._chars[same + 1 :]
        for message in rendered[same:]:
            if (at := self._index.get(id(message))) is None:
                # What a strategy has changed is mostly the same from move to move.
                told = gone.get(id(message)) or (message, message_chars(message), searchable(message))
                self._other[id(message)] = told
                self._changed, chars = None, told[1]
            else:
                self._originals.add(at)
                chars = self._history.message_chars(at)
            shown.append(message)
            self._chars.append(self._chars[-1] + chars + 1)
        if gone:
            self._changed = None
        return cached

    def _sees(self, value: str, places: Sequence[int], uses: Uses) -> bool:
        if uses.pinned(value):
            return True
        if any(place in self._originals for place in reversed(places[-RECENT_PLACES:])):
            return True
        if self._changed is None:
            self._changed = "\n".join(text for _, _, text in self._other.values())
        return value in self._changed


def _common(left: Sequence[Message], right: Sequence[Message]) -> int:
    """How many messages both begin with. Whole blocks are compared at once, which costs little where they are the same
    objects."""
    same, most = 0, min(len(left), len(right))
    while same + BLOCK <= most and left[same : same + BLOCK] == right[same : same + BLOCK]:
        same += BLOCK
    while same < most and left[same] == right[same]:
        same += 1
    return same
