"""Claude, or any server that speaks the Messages API, through the official ``anthropic`` SDK.

A call is always streamed from the provider, so that a dead connection is noticed by its silence and half an answer by
its missing end, and handed on as the whole answer that it makes. The request goes out as it came, but for ``model`` (a
role becomes the model's id) and ``stream``.
"""

from __future__ import annotations

from contextlib import AbstractContextManager
from typing import Any

from optimizer.models.provider import ProviderUpstream
from search_space.messages import Request

KEY_NAME = "ANTHROPIC_API_KEY"
OWN_ADDRESS = "https://api.anthropic.com"
SAMPLING = ("temperature", "top_p", "top_k")
OLD_VERSION = "2023-06-01"
"""The API's version that still knows :data:`SAMPLING`; the SDK's own refuses them."""


class AnthropicUpstream(ProviderUpstream):
    """See :class:`~optimizer.models.provider.ProviderUpstream`."""

    provider, key_name, key_form = "anthropic", KEY_NAME, "sk-ant-..."

    def sdk(self) -> Any:
        """The package ``anthropic``."""
        import anthropic

        return anthropic

    def made(self, key: str) -> Any:
        """Servers other than Anthropic's may know only the older header, so they get the key in both."""
        sdk, address = self.sdk(), self.settings.base_url
        return sdk.Anthropic(
            api_key=key,
            base_url=address or OWN_ADDRESS,
            max_retries=0,
            default_headers={"x-api-key": key} if address else None,
            open_telemetry=False,
            http_client=sdk.DefaultHttpxClient(follow_redirects=False),
        )

    def opened(self, request: Request, timeout: Any) -> AbstractContextManager[Any]:
        """The whole body goes as ``extra_body``, which replaces what stands beside it: nothing is looked at or lost."""
        model = self.settings.model
        old = {"anthropic-version": OLD_VERSION} if any(name in request for name in SAMPLING) else None
        opened: AbstractContextManager[Any] = self.client().messages.with_streaming_response.create(
            model=model,
            max_tokens=request["max_tokens"],
            messages=[],
            stream=True,
            extra_headers=old,
            extra_body={**request, "model": model, "stream": True},
            timeout=timeout,
        )
        return opened
