"""What a harness is measured on: ``[suite]`` of ``experiment.toml``, by kind."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field, model_validator

from optimizer.settings.base import Settings
from optimizer.settings.command import CommandSuiteSettings
from optimizer.settings.replay import ReplaySuiteSettings


class AgentSuiteSettings(Settings):
    """Tasks for the reference agent.

    ``tasks`` is a JSONL file beside ``experiment.toml``, ``generator`` a ``package.module:function``; one of the two.
    ``environment`` builds the tools, inside the sandbox. Relative paths stand relative to ``experiment.toml``.
    ``deterministic`` says whether the same harness always scores the same on a task; when it is not given, calibration
    finds out.
    """

    kind: Literal["agent"] = "agent"
    tasks: str | None = None
    generator: str | None = None
    generator_args: dict[str, Any] = {}
    environment: str
    environment_args: dict[str, Any] = {}
    deterministic: bool | None = None

    @model_validator(mode="after")
    def _one_source(self) -> AgentSuiteSettings:
        if (self.tasks is None) == (self.generator is None):
            raise ValueError("expected either 'tasks' (a JSONL file) or 'generator' (package.module:function)")
        return self


class DatasetSuiteSettings(Settings):
    """Questions with answers, asked of a prompt with stored cases beside it.

    ``data`` and ``holdout`` are files or folders beside ``experiment.toml`` (see ``docs/suites.md``); without
    ``holdout`` a part of ``data`` is kept back as one. ``question`` and ``answer`` name columns, guessed when they are
    not given, and so is ``metric``. ``search_cases`` and ``certify_cases`` are how many cases are asked about at most;
    every case that is no holdout can be shown.
    """

    kind: Literal["dataset"] = "dataset"
    data: str
    holdout: str | None = None
    question: str | None = None
    answer: str | None = None
    metric: str | None = None
    split_seed: Annotated[int, Field(ge=0)] = 0
    search_cases: Annotated[int, Field(ge=2)] = 400
    certify_cases: Annotated[int, Field(ge=2)] = 300
    deterministic: bool | None = None


class CallableSuiteSettings(Settings):
    """For campaigns begun from Python: no file can hold a function."""

    kind: Literal["callable"] = "callable"
    deterministic: bool | None = None


def _an_agents_by_default(value: Any) -> Any:
    return {"kind": "agent", **value} if isinstance(value, Mapping) and "kind" not in value else value


SuiteSettings = Annotated[
    Annotated[
        AgentSuiteSettings | CallableSuiteSettings | CommandSuiteSettings | DatasetSuiteSettings | ReplaySuiteSettings,
        Field(discriminator="kind"),
    ],
    BeforeValidator(_an_agents_by_default),
]
"""One kind of suite's settings; the reference agent's where no kind is named."""
