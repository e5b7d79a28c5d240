"""One call to a provider: its answer read as it comes, within its time and size, and accounted for."""

from __future__ import annotations

import contextlib
import json
import socket
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, cast

from optimizer.models.accumulating import Accumulator, BrokenStream, counted, whole_message
from optimizer.models.base import Reply
from optimizer.models.failures import broken
from optimizer.models.prices import Price, spend_of
from optimizer.records import Spend
from search_space.messages import ModelError, Response

MAX_ANSWER_BYTES = 32 * 2**20
"""More bytes than any answer has: 128,000 tokens of output, each in an event of its own."""
END_TIMEOUT_S = 1.0
"""How long a connection may stay open behind the end of an answer."""


@dataclass(frozen=True, slots=True)
class ProviderSettings:
    """``model`` is an id of the provider, which is asked at its own address where ``base_url`` names no other.

    ``silence_timeout_s`` is how long an answer may stand still; ``dollars`` whether a budget in dollars depends on the
    price; ``max_answer_bytes`` bounds what is read of one answer.
    """

    model: str
    base_url: str | None = None
    silence_timeout_s: float = 120.0
    dollars: bool = False
    max_answer_bytes: int = MAX_ANSWER_BYTES


class Attempt:
    """One call on its way: what it may cost, how long it may take, and what came of it. ``translate`` makes a message
    of the Messages API from an answer in one piece."""

    def __init__(
        self,
        settings: ProviderSettings,
        worst: Spend,
        price: Price | None,
        deadline: float,
        translate: Callable[[Mapping[str, Any]], Mapping[str, Any]] = lambda message: message,
    ) -> None:
        self._settings = settings
        self._worst = worst
        self._price = price
        self._deadline = deadline
        self._translate = translate
        self._got = Accumulator()
        self._begun = False
        self._late = False

    def silence_s(self) -> float:
        """How long the provider may say nothing. Raises UpstreamError past the deadline."""
        left = self._deadline - time.monotonic()
        if left <= 0:
            raise broken("the deadline of this rollout has passed", status=504)
        return min(left, self._settings.silence_timeout_s)

    def read(self, answer: Any) -> Reply:
        """The whole of an answer with status 200."""
        kind = answer.headers.get("content-type", "").partition(";")[0].strip().lower()
        if kind == "application/json":  # a server that does not stream
            self._begun = True
            return self._reply(self._translate(_json(b"".join(self._bytes(answer)))))
        if kind != "text/event-stream":
            raise broken(f"content-type: got '{kind}', expected text/event-stream: is this the right base_url?")
        self._begun = True
        try:
            self._take(answer)
        except Exception:
            if not self._got.whole:
                raise
        if not self._got.whole:
            raise BrokenStream("the answer ended before message_stop")
        return self._reply(self._got.message)

    def _take(self, answer: Any) -> None:
        """The events of a stream. It is read to its end, also behind ``message_stop``, so that the connection can be
        used again."""
        from anthropic import Stream

        for event in Stream.raw_events(cast(Any, _Bytes(self._bytes(answer)))):
            if event.event == "error" and not self._got.whole:
                raise self._error_event(event.data)
            if event.data and not self._got.whole:
                self._got.take(_json(event.data))

    def failed(self, why: str) -> ModelError:
        """The connection broke, or what came over it made no sense."""
        return self.silent() if self._late else broken(f"{self._settings.model}: {why}", spend=self._spent())

    def silent(self) -> ModelError:
        """Nothing came for too long, or not to the end by the deadline."""
        if self._late or time.monotonic() >= self._deadline:
            return broken("no whole answer by the deadline", spend=self._spent(), status=504)
        text = f"{self._settings.model}: nothing came for {self._settings.silence_timeout_s:g} s"
        return broken(text, spend=self._spent(), status=504)

    def _spent(self) -> Spend:
        """What a broken attempt cost: nothing, as long as no answer began; from then on the input as it was told,
        and all of the output that was allowed, since what was made and lost is billed and not told."""
        if not self._begun:
            return Spend()
        try:
            usage = counted((self._got.message or {})["usage"])
        except (KeyError, BrokenStream):
            return self._worst
        return spend_of({**usage, "output_tokens": self._worst.output_tokens}, self._price)

    def _reply(self, message: Any) -> Reply:
        whole = whole_message(message)
        # What a server does not tell is taken at its bound: it may be billed all the same.
        told = isinstance(message.get("usage"), Mapping)
        return Reply(cast(Response, whole), spend_of(whole["usage"], self._price) if told else self._worst)

    def _error_event(self, data: str) -> ModelError:
        """An error in the middle of a stream has the body of an error, and no status of its own."""
        body = _json(data)
        error = body.get("error") if isinstance(body, dict) else None
        kind = str(error.get("type", "api_error")) if isinstance(error, dict) else "api_error"
        text = str(error.get("message", kind)) if isinstance(error, dict) else data[:200]
        status = {"overloaded_error": 529, "rate_limit_error": 429, "timeout_error": 504}.get(kind, 500)
        found = broken(f"{self._settings.model}: {text}", spend=self._spent(), status=status)
        found.kind = kind
        return found

    def _bytes(self, answer: Any) -> Iterator[bytes]:
        """The answer's bytes until the deadline, and no more than an answer can have."""
        total, most = 0, self._settings.max_answer_bytes
        with _Plug(answer, self._deadline) as plug:
            try:
                for chunk in answer.iter_bytes():
                    total += len(chunk)
                    if total > most:
                        text = f"{self._settings.model}: an answer of more than {most:,} bytes"
                        raise broken(text, spend=self._spent(), again=False)
                    yield chunk
                    if self._got.whole:
                        plug.pull_at(time.monotonic() + END_TIMEOUT_S)
            finally:
                self._late = plug.pulled


class _Bytes:
    """Bytes in the shape of a response, as the SDK's reader of events wants them."""

    def __init__(self, chunks: Iterator[bytes]) -> None:
        self.iter_bytes = lambda: chunks


class _Plug:
    """Shuts an answer's connection at an instant: one byte now and then would keep any other timeout from coming."""

    def __init__(self, answer: Any, at: float) -> None:
        stream = answer.extensions.get("network_stream")
        self._socket = None if stream is None else stream.get_extra_info("socket")
        self._timer: threading.Timer | None = None
        self.pulled = False
        self.pull_at(at)

    def pull_at(self, at: float) -> None:
        """From now on at this instant of ``time.monotonic()``."""
        if self._timer is not None:
            self._timer.cancel()
        left = max(0.0, at - time.monotonic())
        if self._socket is not None and left < threading.TIMEOUT_MAX:
            self._timer = threading.Timer(left, self._pull)
            self._timer.daemon = True
            self._timer.start()

    def __enter__(self) -> _Plug:
        return self

    def __exit__(self, *_: object) -> None:
        if self._timer is not None:
            self._timer.cancel()

    def _pull(self) -> None:
        self.pulled = True
        with contextlib.suppress(OSError):
            assert self._socket is not None
            self._socket.shutdown(socket.SHUT_RDWR)


def _json(data: str | bytes) -> Any:
    try:
        value: Any = json.loads(data)
    except (ValueError, RecursionError):
        raise BrokenStream("got something that is no JSON") from None
    if not isinstance(value, Mapping):
        raise BrokenStream("got JSON that is no object")
    return value
