"""How a conversation is shortened lawfully: cut at its beginning, a text pinned to the task, long texts clipped."""

from __future__ import annotations

import json
from bisect import bisect_left, bisect_right
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from search_space.compaction.history import History, list_chars, text_chars
from search_space.messages import CHARS_PER_TOKEN, Block, Message, ToolResultBlock, blocks, text_of

FLOOR_CHARS = 80
"""The last resort cuts no text shorter than this."""


def choose_cut(history: History, keep: int, block: int, fits: Callable[[int], bool], *, monotone: bool = False) -> int:
    """The cut to use: the first that fits of (1) the one that keeps at least ``keep`` messages and drops a multiple of
    ``block``, (2) the ones that drop further whole blocks, (3) every later lawful cut; else the last lawful one.

    Where a block ends between a call and its result the cut falls back to before the call. The choice never moves
    backwards while a conversation grows at its end (as long as ``fits(cut)`` does not turn true again). ``monotone``:
    dropping more never turns what fits into what does not, so that not every block needs to be tried.
    """
    cuts = history.cuts()
    if not cuts:
        return len(history)
    start = max(0, len(history) - 1 - keep) // block * block
    blocks_dropped = range(start, len(history) - 1, block)
    if monotone:
        first = bisect_left(blocks_dropped, True, key=lambda dropped: fits(_cut_at(cuts, dropped)))
        blocks_dropped = blocks_dropped[min(first, max(0, len(blocks_dropped) - 1)) :]
    candidate = 1
    for dropped in blocks_dropped:
        candidate = _cut_at(cuts, dropped)
        if fits(candidate):
            return candidate
    for cut in cuts[bisect_right(cuts, candidate) :]:
        candidate = cut
        if fits(cut):
            break
    return candidate


def _cut_at(cuts: Sequence[int], dropped: int) -> int:
    """The last lawful cut that drops no more than ``dropped`` messages."""
    return cuts[bisect_right(cuts, 1 + dropped) - 1]


def drop_oldest(messages: Sequence[Message], limit_tokens: int, *, keep: int, block: int) -> list[Message]:
    """``messages`` without the oldest ones after the task, which get a one-line note in their place; if even the last
    turn is too long, its longest texts are shortened (:func:`shrink`)."""
    history = History.of(messages)
    if history.fits(limit_tokens) or len(history) < 2:
        return list(history)
    room = limit_tokens * CHARS_PER_TOKEN

    def note(cut: int) -> str:
        return f"[{cut - 1} earlier messages are left out here.]" if cut > 1 else ""

    def fits(cut: int) -> bool:
        return history.chars_with_cut(cut) + pin_chars(messages[0], note(cut)) <= room

    cut = choose_cut(history, keep, block, fits, monotone=True)
    return with_pin(history, note(cut), cut, limit_tokens)


def with_pin(history: History, text: str, cut: int, limit_tokens: int) -> list[Message]:
    """``[task + text, *messages[cut:]]``. When too long, the messages are shrunk first, then ``text`` is clipped or
    left out."""
    task, rest = history[0], history[cut:]
    room = limit_tokens * CHARS_PER_TOKEN
    extra = pin_chars(task, text)
    if history.chars_with_cut(cut) + extra <= room:
        return [pin(task, text), *rest]
    kept = shrink([task, *rest], room - extra)
    left = room - list_chars(kept)
    if extra <= left:
        return [pin(task, text), *kept[1:]]
    clipped = clip(text, max(0, len(text) - 2 * (extra - left) - FLOOR_CHARS), 0)
    return [pin(task, clipped), *kept[1:]] if pin_chars(task, clipped) <= left else kept


def pin(task: Message, text: str) -> Message:
    """The task with ``text`` as one more text block behind it; the task itself when ``text`` is empty."""
    if not text:
        return task
    return {"role": task["role"], "content": [*blocks(task), {"type": "text", "text": text}]}


def pin_chars(task: Message, text: str) -> int:
    """How many characters :func:`pin` adds."""
    if not text:
        return 0
    wrapped = len('[{"type":"text","text":}]') if isinstance(task["content"], str) else 0
    return wrapped + len(',{"type":"text","text":}') + text_chars(text)


def shrink(messages: Sequence[Message], room_chars: int) -> list[Message]:
    """``messages`` with the longest tool results, then the longest texts, cut head-and-tail to one common length until
    the list fits in ``room_chars`` or nothing longer than about ``FLOOR_CHARS`` is left. The task stays as it is."""
    kept = list(messages)
    for kind in ("tool_result", "text"):
        longest = max((len(_block_text(b)) for m in kept[1:] for b in blocks(m) if b["type"] == kind), default=0)
        cap = longest
        while list_chars(kept) > room_chars and cap > FLOOR_CHARS:
            cap = max(FLOOR_CHARS, cap * 3 // 4)
            kept = [messages[0], *(_capped(message, kind, cap) for message in kept[1:])]
    return kept


def clip(text: str, head: int, tail: int) -> str:
    """The first ``head`` and the last ``tail`` characters with a line between that says how many are gone; ``text``
    itself where that would save nothing."""
    gone = len(text) - head - tail
    if gone <= 0:
        return text
    cut = f"{text[:head]}\n[... {gone:,} characters left out ...]\n{text[len(text) - tail :]}".strip("\n")
    return cut if len(cut) < len(text) else text


def _block_text(block: Block) -> str:
    """What may be shortened of a block: thinking and blocks that are not known go back as they came."""
    if block["type"] == "text":
        return block["text"]
    return text_of(block["content"]) if block["type"] == "tool_result" else ""


def _capped(message: Message, kind: str, cap: int) -> Message:
    if not any(b["type"] == kind and len(_block_text(b)) > cap for b in blocks(message)):
        return message
    content: list[Block] = []
    for block in blocks(message):
        short = clip(_block_text(block), cap * 3 // 4, cap // 4) if block["type"] == kind else ""
        if block["type"] == "tool_result" and kind == "tool_result":
            block = with_text(block, short) if short != text_of(block["content"]) else block
        elif block["type"] == "text" and kind == "text":
            block = {"type": "text", "text": short}
        content.append(block)
    return {"role": message["role"], "content": content}


def with_text(block: ToolResultBlock, text: str) -> ToolResultBlock:
    """A tool result with another text."""
    new: ToolResultBlock = {"type": "tool_result", "tool_use_id": block["tool_use_id"], "content": text}
    if "is_error" in block:
        new["is_error"] = block["is_error"]
    return new


def call_text(name: str, given: Mapping[str, Any], limit_chars: int = 160) -> str:
    """A call as one line of text: the tool's name and its input as JSON, e.g. ``grep({"pattern":"x"})``."""
    text = json.dumps(given, ensure_ascii=False, separators=(",", ":"))
    return f"{name}({text if len(text) <= limit_chars else text[: limit_chars - 3] + '...'})"
