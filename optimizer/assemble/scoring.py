"""Scores outside any campaign: the experiment's own suite, sandbox, door and model; nothing is kept, nothing limits
it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from typing import Any

from optimizer.assemble.kinds import KINDS
from optimizer.assemble.planned import Planned
from optimizer.errors import SettingsError
from optimizer.evaluation.base import Runner
from optimizer.evaluation.budget import Budget, BudgetLimits
from optimizer.evaluation.cache import MemoryStore
from optimizer.settings import AgentSuiteSettings
from optimizer.suites.agent import AgentSuite


@contextmanager
def open_scoring(planned: Planned, on_rollout: Callable[[], None] = lambda: None) -> Iterator[Runner]:
    """The road to a score, closed on the way out. ``on_rollout`` is called after each rollout. Raises RatchetError when
    model or sandbox cannot be used."""
    machine = KINDS[planned.settings.suite.kind].machine()
    with ExitStack() as stack:
        machine.start(planned, stack)
        yield machine.runner(MemoryStore(), Budget(BudgetLimits()), lambda *_: on_rollout())


def with_other_tasks(planned: Planned, generator_args: Mapping[str, Any]) -> Planned:
    """The same with tasks that its generator makes from other arguments; those that are not named stay. Raises
    SettingsError when it cannot."""
    suite = planned.settings.suite
    if not isinstance(suite, AgentSuiteSettings):
        raise SettingsError(f"suite: got the kind '{suite.kind}', expected 'agent': only its tasks can be generated")
    asked = suite.model_copy(update={"generator_args": {**suite.generator_args, **generator_args}})
    settings = planned.settings.model_copy(update={"suite": asked})
    return replace(planned, settings=settings, suite=AgentSuite.load(asked, planned.folder))
