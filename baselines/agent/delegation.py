"""The tool ``delegate``: tasks for named sub-agents, run side by side, handed back as one result."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from baselines.agent.outcome import Outcome
from search_space.compaction.cutting import clip
from search_space.subagents import DELEGATE_TOOL, MAX_TASKS, SubagentConfig
from search_space.tools import Effects, Tool, ToolError
from search_space.validation import nearest

AGENTS = "agents"
"""The resource that delegating writes: no two calls of it run side by side, so each knows what is left to spend."""


@dataclass(frozen=True, slots=True)
class Task:
    """One task of a call: ``number`` is its place in the call, from 1, and ``share`` the tokens of the rollout's limit
    that it may take (None: no bound)."""

    agent: str
    text: str
    number: int
    share: int | None


Run = Callable[[Task], Outcome]


@dataclass(frozen=True, slots=True)
class Delegation:
    """``run`` works on one task, in a thread of its own; ``effects`` gives what an agent's tools may touch;
    ``left`` the tokens that the rollout may still spend; ``finished`` is called when all tasks of a call have ended,
    and writes ``kept``."""

    agents: Mapping[str, SubagentConfig]
    run: Run
    effects: Callable[[str], Effects]
    left: Callable[[], int | None]
    finished: Callable[[], None]
    kept: frozenset[str]
    max_parallel: int
    max_result_chars: int

    def tool(self) -> Tool:
        """The tool that the main agent gets. Its effects are all that any of the agents may have."""
        each = [self.effects(name) for name in self.agents]
        reads = frozenset[str]().union(*(effects.reads for effects in each))
        writes = frozenset({AGENTS}).union(self.kept, *(effects.writes for effects in each))
        return Tool(DELEGATE_TOOL, _description(self.agents), _schema(self.agents), self, Effects(reads, writes))

    def __call__(self, given: Mapping[str, Any]) -> str:
        """Run the tasks and report on all of them; raises :class:`ToolError` for a bad call, and when none got an
        answer."""
        tasks = self._tasks(given.get("tasks"))
        outcomes: dict[int, Outcome] = {}
        for batch in self._batches(tasks):
            threads = [threading.Thread(target=self._work, args=(task, outcomes), daemon=True) for task in batch]
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join()
        self.finished()
        room = max(100, self.max_result_chars // len(tasks) - 100)
        report = "\n\n".join(_report(task, outcomes[task.number], room) for task in tasks)
        if not any(outcome.answer for outcome in outcomes.values()):
            raise ToolError(report)
        return report

    def _work(self, task: Task, outcomes: dict[int, Outcome]) -> None:
        try:
            outcomes[task.number] = self.run(task)
        except Exception as error:  # one sub-agent's failure ends only it
            reason = f"{type(error).__name__}: {error}"
            outcomes[task.number] = Outcome(None, "failed", reason, 0)

    def _tasks(self, given: Any) -> list[Task]:
        if not isinstance(given, list) or not given:
            raise ToolError("tasks: got none, expected a list of at least one {agent, task}")
        if len(given) > MAX_TASKS:
            raise ToolError(f"tasks: got {len(given)}, expected at most {MAX_TASKS}; delegate the rest afterwards")
        left = self.left()
        share = None if left is None else left // (len(given) + 1)  # one is left for the main agent
        return [self._task(each, number, share) for number, each in enumerate(given, 1)]

    def _task(self, given: Any, number: int, share: int | None) -> Task:
        agent, text = (given.get("agent"), given.get("task")) if isinstance(given, Mapping) else (None, None)
        if not isinstance(agent, str) or agent not in self.agents:
            near = nearest(agent, self.agents) if isinstance(agent, str) else None
            hint = f" (did you mean {near}?)" if near else ""
            raise ToolError(f"tasks[{number - 1}].agent: got {agent!r}, expected one of {', '.join(self.agents)}{hint}")
        if not isinstance(text, str) or not text.strip():
            raise ToolError(f"tasks[{number - 1}].task: got {text!r}, expected what {agent} shall do, in words")
        return Task(agent, text, number, share)

    def _batches(self, tasks: Sequence[Task]) -> list[list[Task]]:
        """The tasks in order, cut so that those of one batch may run side by side."""
        effects = {task.agent: self.effects(task.agent) for task in tasks}
        batches: list[list[Task]] = []
        for task in tasks:
            mine = effects[task.agent]
            batch = batches[-1] if batches else []
            apart = any(mine.conflicts(effects[other.agent]) for other in batch)
            if batch and not apart and len(batch) < self.max_parallel:
                batch.append(task)
            else:
                batches.append([task])
        return batches


def _description(agents: Mapping[str, SubagentConfig]) -> str:
    who = " ".join(f"{name}: {agent.description.rstrip('.')}{_knows(agent)}." for name, agent in agents.items())
    return (
        "Hand tasks to sub-agents, which work on them side by side, each on its own, and give back their answers. "
        f"They cannot delegate further. The agents are: {who}"
    )


def _knows(agent: SubagentConfig) -> str:
    return " (knows this conversation)" if agent.mode == "fork" else " (knows only its task)"


def _schema(agents: Mapping[str, SubagentConfig]) -> dict[str, Any]:
    task = {
        "type": "object",
        "properties": {
            "agent": {"type": "string", "enum": list(agents)},
            "task": {"type": "string", "description": "what it shall find out or do, and what it must know for that"},
        },
        "required": ["agent", "task"],
        "additionalProperties": False,
    }
    tasks = {"type": "array", "items": task, "minItems": 1, "maxItems": MAX_TASKS}
    return {"type": "object", "properties": {"tasks": tasks}, "required": ["tasks"], "additionalProperties": False}


def _report(task: Task, outcome: Outcome, max_chars: int) -> str:
    steps = f"{outcome.steps} step{'' if outcome.steps == 1 else 's'}"
    why = f": {outcome.reason}" if outcome.reason else ""
    head = f"[{task.number}] {task.agent} - {outcome.outcome} after {steps}{why}"
    answer = "(no answer)" if outcome.answer is None else outcome.answer or "(an empty answer)"
    return f"{head}\n{clip(answer, max_chars * 3 // 4, max_chars // 4)}"
