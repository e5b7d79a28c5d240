"""Claude, or any server that speaks the Messages API, through the official ``anthropic`` SDK.

One attempt a call, without the SDK's own retries: the door pays for each and decides whether there is another. A call
is always streamed from the provider, so that a dead connection is noticed by its silence and half an answer by its
missing end, and handed on as the whole answer that it makes. The request goes out as it came, but for ``model`` (a role
becomes the model's id) and ``stream``.
"""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Iterator
from difflib import get_close_matches
from typing import Any

from optimizer.errors import SettingsError
from optimizer.models.accumulating import BrokenStream
from optimizer.models.attempt import AnthropicSettings, Attempt
from optimizer.models.base import Reply
from optimizer.models.bounds import refuse_unbounded, worst_case
from optimizer.models.failures import refused
from optimizer.models.keys import check_key, without_key
from optimizer.models.prices import Price, Prices
from optimizer.records import Spend
from search_space.messages import ModelError, Request

KEY_NAME = "ANTHROPIC_API_KEY"
CONNECT_TIMEOUT_S = 10.0
CHECK_TIMEOUT_S = 20.0
SAMPLING = ("temperature", "top_p", "top_k")
OLD_VERSION = "2023-06-01"
"""The API's version that still knows :data:`SAMPLING`; the SDK's own refuses them."""


class AnthropicUpstream:
    """An :class:`~optimizer.models.base.Upstream`. ``key`` None is for servers that ask for none."""

    def __init__(self, settings: AnthropicSettings, prices: Prices, *, key: str | None) -> None:
        self._settings = settings
        self._prices = prices
        self._price = prices.find("anthropic", settings.model)
        self._key = check_key(KEY_NAME, key)
        self._made: Any = None
        self._lock = threading.Lock()

    @property
    def name(self) -> str:
        """The model's id and where it is asked."""
        where = f" at {self._settings.base_url}" if self._settings.base_url else ""
        return f"{self._settings.model}{where}"

    @property
    def costs_money(self) -> bool:
        """True: nobody but the provider knows what is not billed."""
        return True

    @property
    def price(self) -> Price | None:
        """What the model costs; None when that is not known."""
        return self._price

    def worst_case(self, request: Request) -> Spend:
        """All input uncached, or written to the cache where the request allows it, and ``max_tokens`` of output."""
        return worst_case(request, self._price)

    def create(self, request: Request, *, seed: int, session: str, deadline: float) -> Reply:
        """One attempt. ``seed`` is not used: the API has none. Raises :class:`~optimizer.models.base.UpstreamError`, or
        a plain :class:`ModelError` for a request that is at fault."""
        refuse_unbounded(request)
        attempt = Attempt(self._settings, self.worst_case(request), self._price, deadline)
        with self._failures(attempt), self._opened(request, attempt) as answer:
            return attempt.read(answer)

    def check(self) -> None:
        """Look whether key, model and price are there; see :class:`~optimizer.models.base.Upstream`."""
        model = self._settings.model
        if self._key is None and self._settings.base_url is None:
            raise SettingsError(
                f"model: 'anthropic:{model}' needs a key, and {KEY_NAME} is not set",
                hint=f"export {KEY_NAME}=sk-ant-...; the embedded model needs none: --model embedded",
            )
        canonical = self._canonical()
        self._price = self._prices.find("anthropic", model, canonical)
        if self._price is None and self._settings.dollars:
            raise SettingsError(
                f"model: no price is known for '{model}', and the budget is in dollars",
                hint=f'put [anthropic."{model}"] into a file and name it by prices = "FILE" under [model] '
                "(docs/models.md), or leave out the limit in dollars",
            )

    def _canonical(self) -> str:
        """The id that the provider has for the model; the id as given where it does not tell."""
        import anthropic

        model = self._settings.model
        client = self._client().with_options(timeout=CHECK_TIMEOUT_S)
        try:
            return str(getattr(client.models.retrieve(model), "id", None) or model)
        except anthropic.NotFoundError:
            return self._unless_unknown(client)
        except anthropic.APIStatusError as error:
            if error.status_code in (401, 403):
                raise SettingsError(
                    f"model: {self.name} refused the key: {self._words(error)}",
                    hint=f"look at {KEY_NAME}: whole, not expired, of the right account",
                ) from None
            return model  # overloaded, or a server without that route: the first call will tell
        except anthropic.APIConnectionError as error:
            raise SettingsError(
                f"model: {self._settings.base_url or 'the API'} cannot be reached: {self._words(error)}",
                hint="look at the network, a proxy, or base_url under [model] (ANTHROPIC_BASE_URL)",
            ) from None
        except (ValueError, anthropic.AnthropicError):
            return model  # no JSON: a server without that route

    def _unless_unknown(self, client: Any) -> str:
        """Not found: the model, or the route? A server that lists its models has the route."""
        import anthropic

        model = self._settings.model
        try:
            known = [str(each.id) for each in client.models.list(limit=1000).data]
        except (ValueError, AttributeError, TypeError, anthropic.AnthropicError):
            return model
        near = get_close_matches(model, known, n=1, cutoff=0.4)
        meant = f" (did you mean '{near[0]}'?)" if near else ""
        listed = ", ".join(known[:8]) or "none"
        raise SettingsError(
            f"model: got 'anthropic:{model}', which {self._settings.base_url or 'the API'} does not have{meant}",
            hint=f"it has {listed}",
        )

    @contextlib.contextmanager
    def _opened(self, request: Request, attempt: Attempt) -> Iterator[Any]:
        """The answer to ``request`` from its first byte on."""
        import httpx2

        body = {**request, "model": self._settings.model, "stream": True}
        old = {"anthropic-version": OLD_VERSION} if any(name in request for name in SAMPLING) else None
        silence = attempt.silence_s()
        timeout = httpx2.Timeout(silence, connect=min(CONNECT_TIMEOUT_S, silence))
        # The whole body goes as extra_body, which replaces what stands beside it: nothing of it is looked at or lost.
        with self._client().messages.with_streaming_response.create(
            max_tokens=request["max_tokens"],
            messages=[],
            model=self._settings.model,
            stream=True,
            extra_headers=old,
            extra_body=body,
            timeout=timeout,
        ) as response:
            yield response.http_response

    @contextlib.contextmanager
    def _failures(self, attempt: Attempt) -> Iterator[None]:
        """The SDK's errors in the door's terms, without the key and without a chain that leads to it."""
        import anthropic
        import httpx2

        try:
            yield
        except ModelError:
            raise
        except anthropic.APIStatusError as error:
            headers = {key.lower(): value for key, value in error.response.headers.items()}
            found = refused(error.status_code, error.type, self._words(error), code=error.error_code, headers=headers)
            raise found from None
        except (anthropic.APITimeoutError, httpx2.TimeoutException):
            raise attempt.silent() from None
        except (anthropic.APIError, httpx2.HTTPError, httpx2.StreamError, OSError) as error:
            raise attempt.failed(self._words(error)) from None
        except (BrokenStream, UnicodeDecodeError) as error:
            raise attempt.failed(str(error)) from None

    def _words(self, error: Exception) -> str:
        """What an error says, its cause where the SDK hides it, and never the key."""
        said = getattr(error, "api_message", None) or str(error)
        cause = error.__cause__
        if cause is not None and type(error).__name__ == "APIConnectionError":
            said = str(cause) or type(cause).__name__
        return without_key(str(said), self._key)

    def _client(self) -> Any:
        with self._lock:
            if self._made is None:
                self._made = self._make()
            return self._made

    def _make(self) -> Any:
        import anthropic

        local = self._settings.base_url is not None
        # A key that is given keeps the SDK from looking for others in files. Servers other than Anthropic's may know
        # only the older header.
        key = self._key or "none"
        return anthropic.Anthropic(
            api_key=key,
            base_url=self._settings.base_url or "https://api.anthropic.com",
            max_retries=0,
            default_headers={"x-api-key": key} if local else None,
            open_telemetry=False,
            http_client=anthropic.DefaultHttpxClient(follow_redirects=False),
        )
