"""Tie-breaks: where the evidence does not decide, the simpler harness does.

Only what the gate left open at its cap comes here; a clear keep and a clear discard stay as they are. A first version:
the margin is a judgement, and what it costs in a long campaign is not simulated yet.
"""

from __future__ import annotations

import math
import tomllib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from optimizer.acceptance.distributions import normal_cdf
from optimizer.acceptance.evidence import Estimate
from optimizer.acceptance.presets import WorkingSettings
from optimizer.acceptance.words import points
from optimizer.records import Decision, Verdict
from search_space.harness_file import HARNESS_FILE
from search_space.messages import CHARS_PER_TOKEN

Files = Mapping[str, bytes]


def simpler(before: Files, after: Files, tie_breaks: Sequence[str]) -> int:
    """1 when ``after`` is the simpler of two harnesses, -1 when it is the less simple one, 0 when neither is: the first
    of ``tie_breaks`` (names of :data:`SIMPLICITY`) in which they differ decides."""
    for name in tie_breaks:
        old, new = SIMPLICITY[name](before, after)
        if new != old:
            return 1 if new < old else -1
    return 0


def break_tie(
    decision: Decision, found: Estimate, settings: WorkingSettings, *, at_cap: bool, simplicity: int
) -> Decision:
    """``decision`` with a tie broken; ``simplicity`` is what :func:`simpler` says of the candidate.

    A keep is unclear when P(effect > 0) is below ``keep_at``: it was kept at the cap for being above ``min_gain``. One
    that makes the harness less simple is discarded. A discard is unclear when P(effect > 0) is above ``discard_at`` at
    the cap. One that makes the harness simpler is kept when it is not worse by more than ``simpler_margin`` with a
    probability of at least ``keep_at``.
    """
    if decision.verdict is Verdict.keep and found.posterior < settings.keep_at and simplicity < 0:
        because = f"not clearly better (P below {settings.keep_at:g}), and less simple"
        return replace(decision, verdict=Verdict.discard, reason=f"{decision.reason}; {because}")
    open_still = decision.verdict is Verdict.discard and at_cap and found.posterior > settings.discard_at
    if open_still and simplicity > 0:
        sure = not_worse(found, settings)
        if sure >= settings.keep_at:
            because = f"kept as a simplification: P(not worse by {points(settings.simpler_margin)[1:]}) {sure:.2f}"
            return replace(decision, verdict=Verdict.keep, reason=f"{decision.reason}; {because}")
    return decision


def not_worse(found: Estimate, settings: WorkingSettings) -> float:
    """P(effect > -``simpler_margin``) under the gate's posterior, normal with mean ``found.shrunken`` and the variance
    t^2 se^2 / (t^2 + se^2) (Gelman et al., "Bayesian Data Analysis", section 2.5)."""
    prior = settings.prior_sd
    sd = prior if math.isinf(found.se) else prior * found.se / math.hypot(prior, found.se)
    away = found.shrunken + settings.simpler_margin
    if sd == 0.0:
        return 1.0 if away > 0 else 0.0
    return normal_cdf(away / sd)


def _prompt_tokens(before: Files, after: Files) -> tuple[int, int]:
    """Estimated tokens of everything in ``prompts/`` and of the tools' descriptions that the harness gives itself."""

    def tokens(files: Files) -> int:
        prompts = sum(len(_text(data)) for path, data in files.items() if path.startswith("prompts/"))
        described = sum(len(str(text)) for text in _table(_tools(files), "descriptions").values())
        return -(-(prompts + described) // CHARS_PER_TOKEN)

    return tokens(before), tokens(after)


def _tools_offered(before: Files, after: Files) -> tuple[tuple[int, int], tuple[int, int]]:
    """Tools that the model, or a sub-agent, is shown from the start: whether those that are not named are, and how many
    of the named ones are. Which tools there are is known to the environment alone."""
    old, new = _tools(before), _tools(after)
    names = {*_table(old, "visibility"), *_table(new, "visibility")}

    def offered(tools: Mapping[str, Any]) -> tuple[int, int]:
        default = str(tools.get("default", "offered"))
        shown = [str(_table(tools, "visibility").get(name, default)) for name in names]
        return int(default == "offered"), sum(how == "offered" or how.startswith("agent:") for how in shown)

    return offered(old), offered(new)


def _lines(before: Files, after: Files) -> tuple[int, int]:
    """Lines of all the harness's files."""
    old, new = (sum(len(_text(data).splitlines()) for data in files.values()) for files in (before, after))
    return old, new


SIMPLICITY: Mapping[str, Callable[[Files, Files], tuple[Any, Any]]] = {
    "prompt_tokens": _prompt_tokens,
    "tools_offered": _tools_offered,
    "lines": _lines,
}
"""What makes a harness simple, by name: figures of two harnesses of which the smaller is simpler."""


def _tools(files: Files) -> Mapping[str, Any]:
    try:
        return _table(tomllib.loads(_text(files.get(HARNESS_FILE, b""))), "tools")
    except tomllib.TOMLDecodeError:
        return {}


def _table(value: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    found = value.get(name, {})
    return found if isinstance(found, Mapping) else {}


def _text(data: bytes) -> str:
    return data.decode("utf-8", "replace")
