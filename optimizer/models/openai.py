"""Any server that speaks OpenAI's chat completions, through the official ``openai`` SDK: an optional extra.

The answer comes in one piece, so ``silence_timeout_s`` is the time for the whole of it.
"""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import AbstractContextManager
from typing import Any

from optimizer.models.chat import chat_request, message_of
from optimizer.models.provider import ProviderUpstream
from search_space.messages import Request

KEY_NAME = "OPENAI_API_KEY"
OWN_ADDRESS = "https://api.openai.com/v1"


class OpenAIUpstream(ProviderUpstream):
    """See :class:`~optimizer.models.provider.ProviderUpstream`."""

    provider, key_name, key_form = "openai", KEY_NAME, "sk-..."

    def sdk(self) -> Any:
        """The package ``openai``."""
        import openai

        return openai

    def made(self, key: str) -> Any:
        """A client for the server's own address, or another's."""
        sdk = self.sdk()
        return sdk.OpenAI(
            api_key=key,
            base_url=self.settings.base_url or OWN_ADDRESS,
            max_retries=0,
            http_client=sdk.DefaultHttpxClient(follow_redirects=False),
        )

    def opened(self, request: Request, timeout: Any) -> AbstractContextManager[Any]:
        """The request as a chat. OpenAI itself has another name for the limit of output than the servers of others."""
        limit = "max_tokens" if self.settings.base_url else "max_completion_tokens"
        body = chat_request(request, self.settings.model, limit=limit)
        opened: AbstractContextManager[Any] = self.client().chat.completions.with_streaming_response.create(
            model=self.settings.model, messages=[], extra_body=body, timeout=timeout
        )
        return opened

    def translated(self, answer: Mapping[str, Any]) -> Mapping[str, Any]:
        """The completion as a message."""
        return message_of(answer)
