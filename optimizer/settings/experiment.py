"""Every table of ``experiment.toml`` but ``[suite]``, and how the file is read."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Annotated, Literal
from urllib.parse import urlsplit

from pydantic import AfterValidator, Field, model_validator

from optimizer.errors import SettingsError
from optimizer.settings.base import Settings
from optimizer.settings.replay import ScreenSettings
from optimizer.settings.suites import SuiteSettings
from search_space.errors import InvalidFile
from search_space.mcp_servers import ServerName
from search_space.validation import load_toml

EXPERIMENT_FILE = "experiment.toml"
NAME = r"[A-Za-z0-9][A-Za-z0-9._-]{0,62}"
"""What the name of an experiment, and so of a campaign, is made of."""


def _time_of_day(text: str) -> str:
    if not re.fullmatch(r"([01]\d|2[0-3]):[0-5]\d", text):
        raise ValueError("expected a local time of day from 00:00 to 23:59, such as 07:00")
    return text


class ConstraintSettings(Settings):
    """A limit on the mean per rollout of a metric: ``at_most`` in its own unit, ``at_most_rise`` as a fraction of the
    baseline harness's mean on the same tasks; at least one of them. ``unless_gain``, a fraction of the score's scale,
    lets an edit through that is believed to gain so much."""

    metric: Literal["cost_usd", "tokens", "billed_tokens", "latency_s", "rounds"]
    at_most: Annotated[float, Field(ge=0)] | None = None
    at_most_rise: Annotated[float, Field(ge=0)] | None = None
    unless_gain: Annotated[float, Field(gt=0, le=1)] | None = None

    @model_validator(mode="after")
    def _some_limit(self) -> ConstraintSettings:
        if self.at_most is None and self.at_most_rise is None:
            raise ValueError(
                "expected 'at_most' (a figure) or 'at_most_rise' (0.1: a tenth above the baseline), or both"
            )
        return self


def _named_once(names: tuple[str, ...]) -> tuple[str, ...]:
    if len(set(names)) != len(names):
        raise ValueError("expected each name once")
    return names


TieBreak = Literal["prompt_tokens", "tools_offered", "lines"]


class ObjectiveSettings(Settings):
    """What is made better: the mean score of the suite's grader, in [0, 1]; within ``constraints`` on what a rollout
    costs. An edit that makes the harness simpler (it only takes away, or is simpler by the first of ``tie_breaks``) is
    kept when it is shown not to be worse; ``simpler_margin``, as a fraction of the scale, is what all of them together
    may lose between two certificates: the gate's own when not given, 0 to keep none for being simple."""

    metric: str = "score"
    direction: Literal["maximize", "minimize"] = "maximize"
    constraints: Annotated[tuple[ConstraintSettings, ...], Field(strict=False)] = ()
    tie_breaks: Annotated[tuple[TieBreak, ...], Field(strict=False), AfterValidator(_named_once)] = ()
    simpler_margin: Annotated[float, Field(ge=0, le=0.5)] | None = None

    @model_validator(mode="after")
    def _known_direction(self) -> ObjectiveSettings:
        if self.metric != "score" and "direction" not in self.model_fields_set:
            raise ValueError(
                f"expected 'direction' beside the metric '{self.metric}': maximize when more is better, minimize when "
                "less is (the built-in metric 'score' is maximized)"
            )
        if self.metric != "score":
            raise ValueError(
                f"got the metric '{self.metric}', expected 'score', which is what a suite's grader gives; what a "
                "rollout costs can be limited in objective.constraints"
            )
        if self.direction != "maximize":
            raise ValueError("got direction 'minimize' for the metric 'score', expected 'maximize': more is better")
        return self


class BudgetSettings(Settings):
    """How much a campaign may spend; at least one limit. ``until`` is a local time of day such as ``07:00``."""

    rollouts: Annotated[int, Field(gt=0)] | None = None
    tokens: Annotated[int, Field(gt=0)] | None = None
    usd: Annotated[float, Field(gt=0)] | None = None
    minutes: Annotated[float, Field(gt=0)] | None = None
    until: Annotated[str, AfterValidator(_time_of_day)] | None = None


class ProposerSettings(Settings):
    """Who proposes, by weight. ``human`` names a folder of a person's proposals; what is in it goes first. ``recipes``
    names one of ready proposals in the same form, written by a program: they come next."""

    thompson: Annotated[float, Field(ge=0)] = 0.0
    random: Annotated[float, Field(ge=0)] = 0.0
    tpe: Annotated[float, Field(ge=0)] = 0.0
    sweep: Annotated[float, Field(ge=0)] = 0.0
    human: str | None = None
    recipes: str | None = None

    @model_validator(mode="after")
    def _somebody(self) -> ProposerSettings:
        if self.thompson + self.random + self.tpe + self.sweep == 0 and self.human is None and self.recipes is None:
            raise ValueError(
                "expected at least one proposer: thompson, random, tpe or sweep above 0, or a folder for human"
            )
        return self


DEFAULT_PROPOSERS = ProposerSettings(thompson=3.0, random=1.0)
"""Who proposes when nothing is said."""


class GateSettings(Settings):
    """How a keep is decided: a preset of ``docs/evidence.md`` and the shares of the budget kept for the last exam and,
    before it, for pruning: finding out which of the changes kept pay.

    ``max_passes`` is the most rollouts of a candidate on one search task, the preset's own when not given: fewer leave
    more candidates for a small budget. ``first_look`` and ``look_every`` are rollouts of a candidate before the first
    look and between looks, ``min_rollouts`` those before a keep, again the preset's own when not given: a few are
    enough where a rollout is costly and hardly noisy. ``noise`` is, as far as one knows beforehand, the standard
    deviation of the score of a rollout that is run again. ``holdout_repeats`` is the number of rollouts a holdout task,
    for the baseline and for the certified champion each. ``calibrate`` measures the baseline against itself first,
    within a twentieth of the budget, and sets the sizes that are not given here.
    """

    preset: Literal["fast", "careful"] = "fast"
    max_passes: Annotated[int, Field(ge=1, le=100)] | None = None
    first_look: Annotated[int, Field(ge=1, le=1000)] | None = None
    look_every: Annotated[int, Field(ge=1, le=1000)] | None = None
    min_rollouts: Annotated[int, Field(ge=1, le=10_000)] | None = None
    noise: Annotated[float, Field(gt=0, le=0.5)] | None = None
    exam_share: Annotated[float, Field(ge=0.0, le=0.5)] = 0.10
    prune_share: Annotated[float, Field(ge=0.0, le=0.5)] = 0.20
    holdout_repeats: Annotated[int, Field(ge=1, le=20)] = 2
    calibrate: bool = True


class SandboxSettings(Settings):
    """Where rollouts run and how long they may. ``workers`` at once; 0 is twice the machine's cores."""

    kind: Literal["process"] = "process"
    workers: Annotated[int, Field(ge=0, le=256)] = 0
    rollout_timeout_s: Annotated[float, Field(gt=0, le=86_400)] = 30.0
    experiment_timeout_s: Annotated[float, Field(gt=0, le=604_800)] = 600.0


def _model(name: str) -> str:
    provider, colon, rest = name.partition(":")
    if name != "embedded" and not (
        provider in ("anthropic", "openai", "recorded") and colon and rest.strip() == rest != ""
    ):
        raise ValueError(
            "expected embedded, anthropic:MODEL, openai:MODEL or recorded:FILE, such as anthropic:claude-haiku-4-5"
        )
    return name


def web_address(url: str) -> str:
    """``url`` when it is the address of a server. Raises ValueError, which does not repeat what may be a secret."""
    parts = urlsplit(url)
    if parts.scheme not in ("http", "https") or not parts.hostname or "@" in parts.netloc or parts.query:
        raise ValueError("expected http://HOST or https://HOST with an optional port and path, and no password in it")
    return url.rstrip("/")


class ModelSettings(Settings):
    """Which model plays the role ``agent``, and how it is reached. Only ``agent`` decides what is measured.

    Keys are no settings: they come from ANTHROPIC_API_KEY and OPENAI_API_KEY alone. ``prices`` and ``record`` are
    files, relative to ``experiment.toml``. ``retry_for_s`` is how long a failing provider is waited for,
    ``silence_timeout_s`` how long an answer may stand still.
    """

    agent: Annotated[str, AfterValidator(_model)] = "embedded"
    base_url: Annotated[str, AfterValidator(web_address)] | None = None
    prices: str | None = None
    record: str | None = None
    retry_for_s: Annotated[float, Field(ge=0, le=86_400)] = 300.0
    silence_timeout_s: Annotated[float, Field(gt=0, le=3_600)] = 120.0


HeaderName = Annotated[str, Field(pattern=r"^[A-Za-z0-9-]+$")]
Variable = Annotated[str, Field(pattern=r"^[A-Za-z_][A-Za-z0-9_]*$")]


class McpSettings(Settings):
    """An MCP server that rollouts reach through the door. ``headers_from_env`` names, for each header to add, the
    environment variable that holds its whole value (``Bearer ...``): it is read here and never enters a sandbox."""

    url: Annotated[str, Field(pattern=r"^https?://[^\s/]\S*$")]
    headers_from_env: dict[HeaderName, Variable] = {}


class CheckSettings(Settings):
    """Shell commands, run in the variant's folder inside the sandbox, that must succeed before any rollout."""

    commands: Annotated[tuple[str, ...], Field(strict=False)] = ()
    timeout_s: Annotated[float, Field(gt=0, le=3_600)] = 30.0


def _fit_for_a_branch(name: str) -> str:
    """A campaign's branch is called after it: what git refuses is refused here, before anything is made."""
    if not re.fullmatch(NAME, name) or ".." in name or name.endswith((".", ".lock")):
        raise ValueError(
            "expected 1 to 63 letters, digits, '.', '_' or '-', beginning with a letter or digit, without '..', not "
            "ending with '.' or '.lock'"
        )
    return name


class ExperimentSettings(Settings):
    """One ``experiment.toml``. ``harness`` is ``baseline:NAME`` for a shipped one, a folder relative to the file, or
    ``copy:FOLDER`` for a copy of one."""

    name: Annotated[str, AfterValidator(_fit_for_a_branch)]
    description: str = ""
    harness: str
    space: str = "space.toml"
    program: str = "program.md"
    suite: SuiteSettings
    objective: ObjectiveSettings = ObjectiveSettings()
    budget: BudgetSettings = BudgetSettings()
    proposers: ProposerSettings = DEFAULT_PROPOSERS
    gate: GateSettings = GateSettings()
    sandbox: SandboxSettings = SandboxSettings()
    model: ModelSettings = ModelSettings()
    checks: CheckSettings = CheckSettings()
    screen: ScreenSettings = ScreenSettings()
    mcp: dict[ServerName, McpSettings] = {}

    @model_validator(mode="after")
    def _time_to_end_by_itself(self) -> ExperimentSettings:
        suite, hard = self.suite, self.sandbox.rollout_timeout_s
        if suite.kind == "command" and hard <= suite.seconds:
            raise ValueError(
                f"got sandbox.rollout_timeout_s = {hard:g} and suite.seconds = {suite.seconds:g}, expected more time "
                "for a rollout than the command is told it has: it has to start, to save and to be evaluated too"
            )
        return self


def load_experiment(path: Path) -> tuple[ExperimentSettings, Path]:
    """The settings at ``path`` (``experiment.toml`` or the folder that holds it), and that folder.

    Raises :class:`SettingsError` when the file is missing or says something unknown or impossible.
    """
    file = path / EXPERIMENT_FILE if path.is_dir() else path
    try:
        text = file.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise SettingsError(
            f"{file}: got {_why(error)}, expected an experiment file",
            hint="name a folder that holds experiment.toml, or make one with 'ratchet init'",
        ) from None
    try:
        settings = load_toml(text, ExperimentSettings, file=str(file))
        if settings.suite.kind == "callable":
            raise InvalidFile(str(file), "suite.kind", "'callable'", "another kind: no file holds a function")
        return settings, file.parent.resolve()
    except InvalidFile as error:
        raise SettingsError(str(error), hint="docs/experiment-format.md lists every key") from None


def _why(error: Exception) -> str:
    return "no such file" if isinstance(error, FileNotFoundError) else str(error)
