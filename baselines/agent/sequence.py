"""Several tasks one after another in one rollout: a fresh conversation for each, one memory for all."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import asdict

from baselines.agent.dropped import Dropped
from baselines.agent.loop import Agent, Record
from baselines.agent.outcome import Outcome
from baselines.agent.spending import Spending
from search_space.memory import Memory


def run_sequence(prompts: Sequence[str], start: Callable[[Dropped], Agent], memory: Memory, record: Record) -> Outcome:
    """Work on ``prompts`` in order, each with an agent of its own from ``start(dropped)``.

    ``limits.max_steps`` holds for each prompt, ``limits.total_tokens`` for all together. What is left of a conversation
    when its task ends goes to the memory, which is then consolidated. A prompt without an answer does not end the
    sequence, except for want of tokens or of a model.

    The outcome's ``answer`` is the JSON text of the list of answers (null for none), ``steps`` the sum; ``outcome`` and
    ``reason`` are those of the last prompt that was not answered. ``record`` gets a ``prompt`` and a ``prompt_end`` at
    the borders.
    """
    outcomes: list[Outcome] = []
    spending: Spending | None = None
    for number, prompt in enumerate(prompts, start=1):
        notes = memory.for_task(prompt)
        told = {"notes": notes} if notes else {}
        record({"kind": "prompt", "number": number, "of": len(prompts), "prompt": prompt, **told})
        dropped = Dropped(memory)
        agent = start(dropped)
        agent.spending = spending = spending or agent.spending
        outcome = agent.run(prompt, notes)
        outcomes.append(outcome)
        record({"kind": "prompt_end", "number": number, **asdict(outcome)})
        if outcome.outcome in ("token_limit", "model_error") or number == len(prompts):
            break
        dropped.end(outcome.answer)
        if changed := memory.consolidate():
            record({"kind": "consolidation", "topics_before": changed[0], "topics": changed[1]})
    return _together(outcomes, len(prompts))


def _together(outcomes: Sequence[Outcome], total: int) -> Outcome:
    answers = [outcome.answer for outcome in outcomes] + [None] * (total - len(outcomes))
    failed = [(number, each) for number, each in enumerate(outcomes, start=1) if each.outcome != "answered"]
    number, last = failed[-1] if failed else (len(outcomes), outcomes[-1])
    reason = f"prompt {number} of {total}: {last.reason}" if last.reason else ""
    steps = sum(outcome.steps for outcome in outcomes)
    return Outcome(json.dumps(answers, ensure_ascii=False), last.outcome, reason, steps)
