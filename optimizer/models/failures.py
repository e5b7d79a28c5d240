"""What a failed call to a provider means: whose fault it is, and whether and when another attempt may succeed."""

from __future__ import annotations

import email.utils
import math
import time
from collections.abc import Mapping

from optimizer.models.base import UpstreamError
from optimizer.records import Spend
from search_space.messages import ModelError

OF_THE_REQUEST = (400, 413, 422)
"""Statuses that say that the request is at fault."""
PASSING = (408, 409, 425, 429)
"""Statuses below 500 after which another attempt may succeed."""
LASTING = (501, 505)
"""Statuses from 500 on after which none will."""
_KINDS = {
    400: "invalid_request_error",
    401: "authentication_error",
    402: "billing_error",
    403: "permission_error",
    404: "not_found_error",
    413: "request_too_large",
    422: "invalid_request_error",
    429: "rate_limit_error",
    504: "timeout_error",
    529: "overloaded_error",
}
_NO_CREDIT = ("credit balance", "usage limit", "spend limit", "insufficient quota", "billing")
"""Words by which a refusal for want of money is known where status and type do not tell it."""
MAX_TEXT = 500
"""Characters of a provider's own words that are passed on."""


def refused(
    status: int,
    kind: str | None,
    message: str,
    *,
    code: str | None = None,
    headers: Mapping[str, str] | None = None,
) -> ModelError:
    """The error for an answer with ``status``. ``kind`` and ``code`` are the provider's own, None when it gave none."""
    kind = kind or _KINDS.get(status, "api_error")
    text = " ".join(message.split())[:MAX_TEXT] or f"status {status}"
    broke = kind == "billing_error" or any(word in f"{code} {text}".lower().replace("_", " ") for word in _NO_CREDIT)
    if status in OF_THE_REQUEST and not broke:
        return ModelError(status, kind, text)
    again = status in PASSING or (status >= 500 and status not in LASTING)
    if broke and status < 500:
        again = False  # a rate limit passes, an empty account does not
    return UpstreamError(status, kind, text, again=again, retry_after_s=retry_after_s(headers or {}))


def broken(message: str, *, spend: Spend | None = None, again: bool = True, status: int = 502) -> UpstreamError:
    """The error for an answer that did not come, or not whole, or made no sense."""
    kind = "timeout_error" if status == 504 else "api_error"
    return UpstreamError(status, kind, message[:MAX_TEXT], again=again, spend=spend)


def retry_after_s(headers: Mapping[str, str]) -> float | None:
    """How long the provider asked to wait, from ``Retry-After`` (seconds or a date); None without a usable one."""
    text = (headers.get("retry-after") or "").strip()
    if not text:
        return None
    try:
        seconds = float(text)
    except ValueError:
        try:
            seconds = email.utils.parsedate_to_datetime(text).timestamp() - time.time()
        except (TypeError, ValueError, OverflowError):
            return None
    return max(0.0, seconds) if math.isfinite(seconds) else None
