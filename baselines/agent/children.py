"""Builds and runs sub-agents: fresh ones with their own prompt and messages, forks that go on from their parent."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import asdict, dataclass, field
from typing import Any

from baselines.agent.delegation import Delegation, Task
from baselines.agent.dropped import Dropped, Held
from baselines.agent.forks import Behind, fork_messages
from baselines.agent.loop import Agent, Record
from baselines.agent.outcome import Outcome
from baselines.agent.spending import Spending
from baselines.agent.toolbox import Toolbox
from search_space.compaction import Compaction
from search_space.harness import SYSTEM_FILE, Harness
from search_space.harness_file import Visibility
from search_space.memory import ARCHIVE, NOTES, Memory
from search_space.messages import Message, Model, ToolUseBlock
from search_space.partition import Partition
from search_space.subagents import DELEGATE_TOOL, SubagentConfig
from search_space.tools import Effects, Tool

Archive = Callable[[str, str], None]
Connect = Callable[[], AbstractContextManager[Model]]
Refuse = Callable[[ToolUseBlock], str | None]
NO_FURTHER = "a sub-agent cannot delegate; do the task yourself with the other tools"
READS_ONLY = "{name} changes something, and this sub-agent may only read; say in your answer what should be changed"


@dataclass(slots=True)
class Children:
    """The sub-agents of a rollout. ``tools`` are all of its tools but ``delegate``, with the effects that the harness
    gives them; ``connect`` gives a model connection for one thread; ``toolbox`` and ``compaction`` make these parts for
    one agent."""

    harness: Harness
    tools: Sequence[Tool]
    connect: Connect
    toolbox: Callable[[Partition, Archive, Record, Refuse], Toolbox]
    compaction: Callable[[], Compaction]
    memory: Memory
    agents: Mapping[str, SubagentConfig] = field(init=False)
    _parent: Agent = field(init=False)
    _partition: Partition = field(init=False)
    _held: dict[int, Held] = field(default_factory=dict, init=False)
    _finished: int = field(default=0, init=False)

    def __post_init__(self) -> None:
        self.agents = {name: each for name, each in self.harness.subagents.items() if each.enabled}

    def tool(self) -> Tool:
        """The tool ``delegate``, which hands tasks to the sub-agents that are enabled."""
        tools, chars = self.harness.tools, self.harness.limits.max_result_chars
        at_once = 1 if tools.schedule == "serial" else tools.max_parallel
        kept = {ARCHIVE} if self.harness.memory.archive else set()
        kept |= {NOTES} if self.memory.notes_results or self.memory.notes_dropped else set()
        return Delegation(
            self.agents, self.run, self.effects, self._left, self._finish, frozenset(kept), at_once, chars
        ).tool()

    def join(self, parent: Agent, partition: Partition) -> None:
        """Say who the main agent is, before the first task is run, and with what tools it works."""
        self._parent, self._partition = parent, partition

    def effects(self, name: str) -> Effects:
        """All that the tools of the sub-agent ``name`` may touch."""
        partition = self._sees(name)
        allowed = [tool.effects for tool in (*partition.offered, *partition.deferred) if self._may(name, tool)]
        reads = frozenset[str]().union(*(effects.reads for effects in allowed))
        writes = frozenset[str]().union(*(effects.writes for effects in allowed))
        return Effects(reads, writes)

    def run(self, task: Task) -> Outcome:
        """Work on ``task`` in this thread."""
        config = self.harness.subagents[task.agent]
        label = {"agent": task.agent, "delegation": self._finished + 1, "number": task.number}
        held = self._held[task.number] = Held(self.memory, task.agent)

        def record(what: Mapping[str, Any]) -> None:
            self._parent.record({"kind": what["kind"], **label, **what})

        record({"kind": "delegated", "mode": config.mode, "prompt": task.text})
        with self.connect() as model:
            make = self._fork if config.mode == "fork" else self._fresh
            agent, history = make(task, config, model, held, record)
            outcome = agent.work(history)
        record({"kind": "returned", **asdict(outcome)})
        return outcome

    def _fresh(
        self, task: Task, config: SubagentConfig, model: Model, held: Held, record: Record
    ) -> tuple[Agent, list[Message]]:
        prompt = self.harness.prompts[config.prompt_file(task.agent) or SYSTEM_FILE]
        harness = self._harness(config, prompts={SYSTEM_FILE: prompt})
        toolbox = self.toolbox(self._sees(task.agent), held.archive, record, self._refuse(task.agent))
        agent = Agent(harness, model, toolbox, self.compaction(), record)
        agent.dropped = Dropped(held)
        self._equip(agent, task, config)
        return agent, [{"role": "user", "content": task.text}]

    def _fork(
        self, task: Task, config: SubagentConfig, model: Model, held: Held, record: Record
    ) -> tuple[Agent, list[Message]]:
        turn = self._parent.turn
        assert turn is not None, "only an answer of the parent can start a fork"
        shared = fork_messages(turn, task.agent, task.text)
        harness = self._harness(config)
        toolbox = self.toolbox(self._partition, held.archive, record, self._refuse(task.agent))
        toolbox.adopt(self._parent.tools)
        compaction = Behind(shared, self.compaction(), harness.limits.context_tokens)
        agent = Agent(harness, model, toolbox, compaction, record, index=lambda: turn.index)
        agent.account = self._parent.account.fork()
        dropped, own = Dropped(held), len(shared) - 1  # what stands before is the parent's to keep
        agent.dropped = lambda history, rendered: dropped(history[own:], rendered)
        self._equip(agent, task, config)
        return agent, list(shared)

    def _equip(self, agent: Agent, task: Task, config: SubagentConfig) -> None:
        agent.known = {tool.name: tool for tool in self.tools}
        own, share = config.total_tokens, task.share
        if own is not None and (share is None or own <= share):
            agent.spending = Spending(own, f"subagents.{task.agent}.total_tokens", self._parent.spending)
        else:
            agent.spending = Spending(share, "its share of limits.total_tokens", self._parent.spending)

    def _harness(self, config: SubagentConfig, **changed: Any) -> Harness:
        names = ("max_steps", "max_output_tokens", "context_tokens")
        own = {name: value for name in names if (value := getattr(config, name)) is not None}
        return self.harness.model_copy(update={"limits": self.harness.limits.model_copy(update=own), **changed})

    def _sees(self, name: str) -> Partition:
        """What the sub-agent sees: a fork what its parent does, a fresh one those of its own tools that it may use."""
        config, tools = self.harness.subagents[name], self.harness.tools
        if config.mode == "fork":
            return Partition(tools, self.tools)
        hidden: dict[str, Visibility] = {tool.name: "off" for tool in self.tools if not self._may(name, tool)}
        tools = tools.model_copy(update={"visibility": {**tools.visibility, **hidden}})
        return Partition(tools, self.tools, agent=name, also=config.tools)

    def _may(self, name: str, tool: Tool) -> bool:
        return self.harness.subagents[name].writes or not tool.effects.writes

    def _refuse(self, name: str) -> Refuse:
        """What a fork, which is offered all that its parent is, may not call."""
        barred = {tool.name: READS_ONLY.format(name=tool.name) for tool in self.tools if not self._may(name, tool)}
        barred[DELEGATE_TOOL] = NO_FURTHER
        return lambda call: barred.get(call["name"])

    def _left(self) -> int | None:
        return self._parent.spending.left

    def _finish(self) -> None:
        """Hand what left the sub-agents' conversations to the memory, in the order of their tasks."""
        for _, held in sorted(self._held.items()):
            held.hand_on()
        self._held.clear()
        self._finished += 1
