"""The model behind the role ``agent``: named in the settings, reached by a key from the environment."""

from __future__ import annotations

import os
from collections.abc import Mapping
from importlib.util import find_spec

from optimizer.assemble.plan import Planned
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
from optimizer.settings import ModelSettings, web_address
from search_space.harness import harness_from_files

PROVIDERS: Mapping[str, tuple[type[ProviderUpstream], str]] = {
    "anthropic": (AnthropicUpstream, ANTHROPIC_KEY),
    "openai": (OpenAIUpstream, OPENAI_KEY),
}
"""Providers by what stands before the colon: how they are asked, and where their key is found."""
MISSING = "pip install 'ratchet-harness[openai]'"


def upstream_of(planned: Planned, environment: Mapping[str, str] | None = None) -> Upstream:
    """What answers the campaign's calls. Makes no call and looks at nothing but settings and ``environment``.

    Raises :class:`SettingsError` for what cannot be: prices that are not in order, a provider whose package is missing.
    """
    variables = os.environ if environment is None else environment
    model = planned.settings.model
    provider, _, name = model.agent.partition(":")
    if provider == "embedded":
        return EmbeddedModel()
    if provider in PROVIDERS:
        kind, key_name = PROVIDERS[provider]
        if find_spec(provider) is None:
            raise SettingsError(f"model: '{model.agent}' needs the package {provider}", hint=MISSING)
        address = _address(model, variables, f"{provider.upper()}_BASE_URL")
        settings = ProviderSettings(name, address, model.silence_timeout_s, planned.limits.usd is not None)
        return kind(settings, _prices(planned), key=variables.get(key_name))
    raise SettingsError("model: recorded exchanges cannot be replayed yet", hint="use embedded or anthropic:MODEL")


def cost_words(planned: Planned, upstream: Upstream) -> str:
    """What the campaign may cost, for ``--dry-run``; empty when nothing is billed.

    The bound of a rollout is that of the harness as it begins: every step with a full context at the dearest rate that
    input can have, and all of the output that is allowed. The search may open larger limits.
    """
    if not isinstance(upstream, ProviderUpstream):
        return ""
    if upstream.price is None:
        return "its price is not known: costs are shown as unknown, and a budget in dollars is refused"
    price, limits = upstream.price, harness_from_files(planned.start[1]).limits
    call = price.worst_usd(limits.context_tokens, limits.max_output_tokens, caches=True, hours=True)
    rollout = limits.max_steps * call
    told = f"${price.input:g} for a million tokens of input, ${price.output:g} of output, {_prices(planned).dated}; "
    told += f"at most ${rollout:.2f} a rollout with this harness"
    if planned.limits.rollouts:
        told += f", ${rollout * planned.limits.rollouts:,.0f} for all {planned.limits.rollouts:,}"
    held = f"held to ${planned.limits.usd:.2f}" if planned.limits.usd else "with no limit in dollars"
    return f"{told}; {held}"


def _prices(planned: Planned) -> Prices:
    own = planned.settings.model.prices
    return load_prices(None if own is None else planned.folder / own)


def _address(model: ModelSettings, variables: Mapping[str, str], name: str) -> str | None:
    """Where the provider is asked: the settings', else the environment's, None for the provider's own address."""
    given = variables.get(name, "").strip()
    if model.base_url is not None or not given:
        return model.base_url
    try:
        return web_address(given)
    except ValueError as error:
        raise SettingsError(f"{name}: got something else, {error}") from None
