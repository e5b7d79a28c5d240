"""What makes a fork: the parent's request as it was last sent, continued with the task, and kept from compaction."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from baselines.agent.loop import Turn
from search_space.compaction import Compaction
from search_space.messages import Block, Message, Model, blocks, text_of

NOT_SHOWN = "[handled by the main agent]"
YOUR_TASK = (
    "[You are now the sub-agent {name}, which the main agent started here. The others have tasks of their own. Work on "
    "yours alone and answer with its result. Your task:]\n{task}"
)


def fork_messages(turn: Turn, name: str, task: str) -> list[Message]:
    """The messages that a fork begins with: those of ``turn`` as they were sent, its answer, a result for each of the
    answer's calls, and the task. All but the task are the same for every fork of the turn."""
    results: list[Block] = [
        {"type": "tool_result", "tool_use_id": block["id"], "content": NOT_SHOWN}
        for block in turn.content
        if block["type"] == "tool_use"
    ]
    told: Block = {"type": "text", "text": YOUR_TASK.format(name=name, task=task)}
    return [
        *turn.messages,
        {"role": "assistant", "content": turn.content},
        {"role": "user", "content": [*results, told]},
    ]


@dataclass(frozen=True, slots=True)
class Behind:
    """Compacts with ``inner`` what stands behind ``shared``, which ends with the task; ``own_tokens`` bounds it."""

    shared: Sequence[Message]
    inner: Compaction
    own_tokens: int

    def compact(self, messages: Sequence[Message], *, limit_tokens: int, model: Model | None = None) -> list[Message]:
        last = blocks(self.shared[-1])
        task = text_of(last[-1:])
        own: list[Message] = [{"role": "user", "content": task}, *messages[len(self.shared) :]]
        rendered = self.inner.compact(own, limit_tokens=self.own_tokens, model=model)
        if not (pinned := text_of(rendered[0]["content"])[len(task) :].strip()):
            return [*self.shared, *rendered[1:]]
        pin: Block = {"type": "text", "text": pinned}
        return [*self.shared[:-1], {"role": "user", "content": [*last, pin]}, *rendered[1:]]
