"""The model behind the role ``agent``: named in the settings, reached by a key from the environment."""

from __future__ import annotations

import os
from collections.abc import Mapping
from contextlib import ExitStack
from importlib.util import find_spec
from pathlib import Path

from optimizer.assemble.planned import Planned
from optimizer.errors import SettingsError
from optimizer.models.anthropic import KEY_NAME as ANTHROPIC_KEY
from optimizer.models.anthropic import AnthropicUpstream
from optimizer.models.attempt import ProviderSettings
from optimizer.models.base import Upstream
from optimizer.models.embedded import EmbeddedModel
from optimizer.models.openai import KEY_NAME as OPENAI_KEY
from optimizer.models.openai import OpenAIUpstream
from optimizer.models.prices import Prices, load_prices
from optimizer.models.provider import ProviderUpstream
from optimizer.models.recorded import RecordedUpstream, RecordingUpstream
from optimizer.settings import ModelSettings, web_address
from search_space.harness import agent_of

PROVIDERS: Mapping[str, tuple[type[ProviderUpstream], str]] = {
    "anthropic": (AnthropicUpstream, ANTHROPIC_KEY),
    "openai": (OpenAIUpstream, OPENAI_KEY),
}
"""Providers by what stands before the colon: how they are asked, and where their key is found."""
MISSING = "pip install 'ratchet-harness[openai]'"


def upstream_of(planned: Planned, environment: Mapping[str, str] | None = None) -> Upstream:
    """What answers the campaign's calls: see :func:`make_upstream`."""
    dollars = _counts_dollars(planned)
    return make_upstream(planned.settings.model, planned.folder, dollars=dollars, environment=environment)


def recorder_of(planned: Planned, stack: ExitStack) -> Upstream:
    """What answers the campaign's calls, recorded where the settings ask for it; ``stack`` lets go of files."""
    upstream, record = upstream_of(planned), planned.settings.model.record
    if isinstance(upstream, RecordedUpstream):
        stack.callback(upstream.close)
    if record is None:
        return upstream
    recording = RecordingUpstream(upstream, planned.folder / record)
    stack.callback(recording.close)
    return recording


def make_upstream(
    model: ModelSettings, folder: Path, *, dollars: bool, environment: Mapping[str, str] | None = None
) -> Upstream:
    """What ``model`` names; its files are relative to ``folder``, and ``dollars`` says whether a budget or a
    constraint is in dollars. Makes no call and looks at nothing but files and ``environment``.

    Raises :class:`SettingsError` for what cannot be: prices that are not in order, a provider whose package is missing.
    """
    variables = os.environ if environment is None else environment
    provider, _, name = model.agent.partition(":")
    if provider == "embedded":
        return EmbeddedModel()
    if provider in PROVIDERS:
        kind, key_name = PROVIDERS[provider]
        if find_spec(provider) is None:
            raise SettingsError(f"model: '{model.agent}' needs the package {provider}", hint=MISSING)
        address = _address(model, variables, f"{provider.upper()}_BASE_URL")
        settings = ProviderSettings(name, address, model.silence_timeout_s, dollars)
        return kind(settings, _prices(model, folder), key=variables.get(key_name))
    if model.record is not None:
        raise SettingsError(f"model: got record = '{model.record}' beside '{model.agent}', expected one of them")
    return RecordedUpstream(folder / name)


def _counts_dollars(planned: Planned) -> bool:
    """Whether something is decided by dollars: where a price is not known, that would go by a cost of nothing."""
    limits = planned.settings.objective.constraints
    return planned.limits.usd is not None or any(limit.metric == "cost_usd" for limit in limits)


def cost_words(planned: Planned, upstream: Upstream) -> str:
    """What the campaign may cost, for ``--dry-run``; empty when nothing is billed.

    A rollout is taken as large as the harness lets it be as it begins: every step with a full context (which the
    harness estimates, so this is no bound) at the dearest rate of input, and all of the output that is allowed.
    """
    if not isinstance(upstream, ProviderUpstream):
        return ""
    if upstream.price is None:
        return "its price is not known: costs are shown as unknown, and a budget in dollars is refused"
    model = planned.settings.model
    price, agent = upstream.price, agent_of(planned.start[1])
    dated = _prices(model, planned.folder).dated
    told = f"${price.input:g} for a million tokens of input, ${price.output:g} of output, {dated}"
    held = f"held to ${planned.limits.usd:.2f}" if planned.limits.usd else "with no limit in dollars"
    if agent is None:
        return f"{told}; {held}"
    limits = agent.limits
    call = price.worst_usd(limits.context_tokens, limits.max_output_tokens, caches=True, hours=True)
    rollout = limits.max_steps * call
    told += f"; about ${rollout:.2f} for the largest rollout of this harness"
    if planned.limits.rollouts:
        told += f", ${rollout * planned.limits.rollouts:,.0f} for all {planned.limits.rollouts:,}"
    return f"{told}; {held}"


def _prices(model: ModelSettings, folder: Path) -> Prices:
    return load_prices(None if model.prices is None else folder / model.prices)


def _address(model: ModelSettings, variables: Mapping[str, str], name: str) -> str | None:
    """Where the provider is asked: the settings', else the environment's, None for the provider's own address."""
    given = variables.get(name, "").strip()
    if model.base_url is not None or not given:
        return model.base_url
    try:
        return web_address(given)
    except ValueError as error:
        raise SettingsError(f"{name}: got something else, {error}") from None
