"""Structured summary: the dropped messages are replaced by a summary that the model writes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from search_space.compaction.cutting import call_text, choose_cut, clip, pin_chars, shrink, with_pin
from search_space.compaction.facts import gathered, render
from search_space.compaction.history import History, list_chars
from search_space.messages import CHARS_PER_TOKEN, Message, Model, ModelError, Request, blocks, text_of

PARTS = ("Goal", "Facts found", "Decisions", "Open items")
SYSTEM = (
    "You summarise the earlier part of an agent's work. The agent will go on with your summary in place of the "
    "messages it covers, so what you leave out is lost."
)
INSTRUCTION = (
    "Summarise the transcript above, together with the earlier summary if there is one, under these four headings:\n"
    "Goal: what the task asks for, in one sentence.\n"
    "Facts found: one a line, with every identifier exactly as written (paths with line numbers, class headers, dotted "
    "names, numbers, ids) and the call that it came from.\n"
    "Decisions: what was concluded or ruled out, and why.\n"
    "Open items: what is still to be found or done.\n"
    "Write nothing else."
)
_HEAD = "[Summary of {count} earlier messages that are no longer shown:]\n{text}"


@dataclass(frozen=True, slots=True)
class Summary:
    """Keeps the task, a summary of at most ``max_tokens``, and the last ``keep_messages`` (+ ``block`` - 1) messages.

    One model call each time the boundary moves: the last remembered summary and the messages since are summarised
    together. Summaries are remembered by what they cover, so the same history renders the same and costs nothing
    again. Without a model, and when the model fails or says nothing, an extractive summary with the same headings takes
    its place. Tightening order: further whole blocks, then single turns down to the last one, then its longest
    results and texts are shortened, then the summary is cut. The summary takes at most a third of the limit.

    ``model_name`` is what the request calls the model.
    """

    keep_messages: int = 8
    block: int = 8
    max_tokens: int = 500
    model_name: str = "agent"
    _remembered: dict[str, str] = field(default_factory=dict, init=False, repr=False, compare=False)

    def compact(self, messages: Sequence[Message], *, limit_tokens: int, model: Model | None = None) -> list[Message]:
        history = History.of(messages)
        if history.fits(limit_tokens) or len(history) < 2:
            return list(history)
        room = limit_tokens * CHARS_PER_TOKEN
        # The place is set aside before the summary is written: no model is asked about cuts that are not taken.
        aside = min(self.max_tokens * CHARS_PER_TOKEN, room // 3)

        def fits(cut: int) -> bool:
            return history.chars_with_cut(cut) + (aside if cut > 1 else 0) <= room

        cut = choose_cut(history, self.keep_messages, self.block, fits)
        text = self._summary(history, cut, room, model)
        pinned = _fitted(history[0], text, cut - 1, aside) if cut > 1 else ""
        return with_pin(history, pinned, cut, limit_tokens)

    def _summary(self, history: History, cut: int, room: int, model: Model | None) -> str:
        digests = history.digests()
        if cut > 1 and digests[cut] not in self._remembered:
            known = next((c for c in range(cut - 1, 1, -1) if digests[c] in self._remembered), 1)
            earlier = self._remembered.get(digests[known], "")
            text = self._ask(model, history, earlier, known, cut, room) if model else ""
            self._remembered[digests[cut]] = text or self._extract(history, cut)
        return self._remembered.get(digests[cut], "")

    def _ask(self, model: Model, messages: Sequence[Message], earlier: str, start: int, cut: int, room: int) -> str:
        task = text_of(messages[0]["content"])
        parts = ["<task>", task, "</task>"]
        if earlier:
            parts += ["<earlier_summary>", earlier, "</earlier_summary>"]
        used = len(INSTRUCTION) + len(SYSTEM) + sum(map(len, parts)) + self.max_tokens * CHARS_PER_TOKEN
        shortened = shrink([messages[0], *messages[start:cut]], max(room - used, room // 4) + list_chars(messages[:1]))
        parts += ["<transcript>", transcript(shortened[1:]), "</transcript>", INSTRUCTION]
        request: Request = {
            "model": self.model_name,
            "max_tokens": self.max_tokens,
            "system": SYSTEM,
            "messages": [{"role": "user", "content": "\n".join(parts)}],
        }
        try:
            return text_of(model.create(request)["content"]).strip()
        except ModelError:
            return ""

    def _extract(self, history: History, cut: int) -> str:
        """The same four parts without a model: facts by pattern, decisions and open items from the last words said."""
        task = text_of(history[0]["content"])
        chars = self.max_tokens * CHARS_PER_TOKEN
        found = gathered(history, cut, spoken=False)
        concluded = [clip(fact.text, 120, 0) for fact in found.concluded]
        goal = clip(task.strip().split("\n")[0], chars // 8, 0)
        left = chars - len(goal) - sum(map(len, concluded)) - 100
        facts = render(found.best(40, max(0, left)))
        bodies = (goal, facts or "none", "\n".join(concluded[:-1]) or "none", "".join(concluded[-1:]) or "none")
        return "\n".join(f"{part}:\n{body}" for part, body in zip(PARTS, bodies, strict=True))


def transcript(messages: Sequence[Message]) -> str:
    """Messages as plain text, one entry a block: ``assistant: ...``, ``call: grep({...})``, ``result: ...``."""
    lines = []
    for message in messages:
        for block in blocks(message):
            if block["type"] == "text":
                lines.append(f"{message['role']}: {block['text']}")
            elif block["type"] == "tool_use":
                lines.append(f"call: {call_text(block['name'], block['input'], 400)}")
            elif block["type"] == "tool_result":
                lines.append(f"{'error' if block.get('is_error') else 'result'}: {text_of(block['content'])}")
    return "\n".join(lines)


def _fitted(task: Message, text: str, count: int, max_chars: int) -> str:
    """The pinned block, its text cut at the end until the block takes no more than ``max_chars`` characters of JSON."""
    pinned = _HEAD.format(count=count, text=text)
    keep = len(text)
    while pin_chars(task, pinned) > max_chars and keep > 0:
        keep = keep * 9 // 10
        pinned = _HEAD.format(count=count, text=clip(text, keep, 0))
    return pinned
