"""What the upstreams of all providers share: the name, the price, one attempt, the look before a campaign, the errors.

The two official SDKs are made alike (clients, ``models``, error classes); what differs stands in the modules named
after them. Neither retries anything itself: the door pays for each attempt and decides whether there is another.
"""

from __future__ import annotations

import contextlib
import threading
from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager
from difflib import get_close_matches
from typing import Any, ClassVar

from optimizer.errors import SettingsError
from optimizer.models.accumulating import BrokenStream
from optimizer.models.attempt import Attempt, ProviderSettings
from optimizer.models.base import Reply
from optimizer.models.bounds import refuse_unbounded, worst_case
from optimizer.models.failures import refused
from optimizer.models.keys import check_key, without_key
from optimizer.models.prices import Price, Prices
from optimizer.records import Spend
from search_space.messages import ModelError, Request

CONNECT_TIMEOUT_S = 10.0
CHECK_TIMEOUT_S = 20.0


class ProviderUpstream(ABC):
    """An :class:`~optimizer.models.base.Upstream` at a server. ``key`` None is for servers that ask for none."""

    provider: ClassVar[str]
    key_name: ClassVar[str]
    key_form: ClassVar[str]

    def __init__(self, settings: ProviderSettings, prices: Prices, *, key: str | None) -> None:
        self.settings = settings
        self._prices = prices
        self._price = prices.find(self.provider, settings.model)
        self._key = check_key(self.key_name, key)
        self._made: Any = None
        self._lock = threading.Lock()

    @property
    def name(self) -> str:
        """The model's id and where it is asked."""
        where = f" at {self.settings.base_url}" if self.settings.base_url else ""
        return f"{self.settings.model}{where}"

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
        """One attempt. ``seed`` is not used: it would promise what no provider keeps. Raises
        :class:`~optimizer.models.base.UpstreamError`, or a plain :class:`ModelError` for a request that is at fault."""
        refuse_unbounded(request)
        attempt = Attempt(self.settings, self.worst_case(request), self._price, deadline, self.translated)
        with self._failures(attempt):
            import httpx2

            silence = attempt.silence_s()
            timeout = httpx2.Timeout(silence, connect=min(CONNECT_TIMEOUT_S, silence))
            with self.opened(request, timeout) as answer:
                return attempt.read(answer.http_response)

    @abstractmethod
    def opened(self, request: Request, timeout: Any) -> AbstractContextManager[Any]:
        """The SDK's streaming response to ``request``."""

    @abstractmethod
    def made(self, key: str) -> Any:
        """A client of the SDK that makes one attempt and follows no redirect, which could take the key elsewhere."""

    @abstractmethod
    def sdk(self) -> Any:
        """The SDK's module, imported at the first use: that takes more than a second."""

    def translated(self, answer: Mapping[str, Any]) -> Mapping[str, Any]:
        """An answer in one piece as a message of the Messages API."""
        return answer

    def client(self) -> Any:
        """The one client, made at the first use."""
        with self._lock:
            if self._made is None:
                # A key that is given keeps the SDK from looking for others in files and variables.
                self._made = self.made(self._key or "none")
            return self._made

    # Before a campaign

    def check(self) -> None:
        """Look whether key, model and price are there; see :class:`~optimizer.models.base.Upstream`."""
        model = self.settings.model
        if self._key is None and self.settings.base_url is None:
            raise SettingsError(
                f"model: '{self.provider}:{model}' needs a key, and {self.key_name} is not set",
                hint=f"export {self.key_name}={self.key_form}; the embedded model needs none: --model embedded",
            )
        self._price = self._prices.find(self.provider, model, self._canonical())
        if self._price is None and self.settings.dollars:
            raise SettingsError(
                f"model: no price is known for '{model}', and a budget or a constraint is in dollars",
                hint=f'put [{self.provider}."{model}"] into a file and name it by prices = "FILE" under [model] '
                "(docs/models.md), or leave out the limit in dollars",
            )

    def _canonical(self) -> str:
        """The id that the provider has for the model; the id as given where it does not tell."""
        sdk, model = self.sdk(), self.settings.model
        try:
            client = self.client().with_options(timeout=CHECK_TIMEOUT_S)
            return str(getattr(client.models.retrieve(model), "id", None) or model)
        except sdk.NotFoundError:
            return self._unless_unknown(client)
        except sdk.APIStatusError as error:
            if error.status_code in (401, 403):
                raise SettingsError(
                    f"model: {self.name} refused the key: {self._words(error)}",
                    hint=f"look at {self.key_name}: whole, not expired, of the right account",
                ) from None
            return model  # overloaded, or a server without that route: the first call will tell
        except sdk.APIConnectionError as error:
            raise SettingsError(
                f"model: {self.settings.base_url or 'the API'} cannot be reached: {self._words(error)}",
                hint=f"look at the network, a proxy, or base_url under [model] ({self.provider.upper()}_BASE_URL)",
            ) from None
        except (ValueError, sdk.APIError):
            return model  # no JSON: a server without that route

    def _unless_unknown(self, client: Any) -> str:
        """Not found: the model, or the route? A server that lists its models has the route."""
        model = self.settings.model
        try:
            known = [str(each.id) for each in client.models.list().data]
        except (ValueError, AttributeError, TypeError, self.sdk().APIError):
            return model
        near = get_close_matches(model, known, n=1, cutoff=0.4)
        meant = f" (did you mean '{near[0]}'?)" if near else ""
        raise SettingsError(
            f"model: got '{self.provider}:{model}', which {self.settings.base_url or 'the API'} does not have{meant}",
            hint=f"it has {', '.join(known[:8]) or 'none'}",
        )

    # Failures

    @contextlib.contextmanager
    def _failures(self, attempt: Attempt) -> Iterator[None]:
        """The SDK's errors in the door's terms, without the key and without a chain that leads to it."""
        import httpx2

        sdk = self.sdk()
        try:
            yield
        except ModelError:
            raise
        except sdk.APIStatusError as error:
            headers = {key.lower(): value for key, value in error.response.headers.items()}
            code = getattr(error, "error_code", None) or getattr(error, "code", None)
            found = refused(error.status_code, error.type, self._words(error), code=code, headers=headers)
            raise found from None
        except (sdk.APITimeoutError, httpx2.TimeoutException):
            raise attempt.silent() from None
        except (sdk.APIError, httpx2.HTTPError, httpx2.StreamError, OSError) as error:
            raise attempt.failed(self._words(error)) from None
        except (BrokenStream, UnicodeDecodeError) as error:
            raise attempt.failed(str(error)) from None

    def _words(self, error: Exception) -> str:
        """What an error says, its cause where the SDK hides it, and never the key."""
        body = getattr(error, "body", None)
        inner = body.get("error", body) if isinstance(body, Mapping) else None
        said = inner.get("message") if isinstance(inner, Mapping) else None
        cause = error.__cause__
        if cause is not None and type(error).__name__ == "APIConnectionError":
            said = str(cause) or type(cause).__name__
        return without_key(str(said or error), self._key)
