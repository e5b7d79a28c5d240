"""One file from a web server: streamed, gone on with after a cut, checked before it is put in place."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from optimizer.errors import FetchError
from optimizer.fetching.part import Part, is_there, part_of
from optimizer.fetching.sets import PublicFile, secure

if TYPE_CHECKING:
    import httpx

CUTS = 5
"""So many cut connections in a row without a byte between them end it."""
STARTS = 2
"""So many times what is here is thrown away because the server has no such part."""
CONNECT_S, SILENCE_S = 10.0, 60.0
AGAIN = "the same command goes on where it stopped"


class _Cut(Exception):
    """The connection ended before the file did."""


def download(
    address: str, target: Path, wanted: PublicFile, on_bytes: Callable[[int], None] = lambda count: None
) -> bool:
    """Fetch ``address`` into ``target``; False when it was there already. ``on_bytes`` is called with the number of
    bytes of each piece, at first with those of an earlier try.

    What came so far stays in ``.NAME.part``, and is gone on with by a Range request (RFC 9110, section 14); a server
    that knows none sends all of it again. Nothing is put in place that is not what ``wanted`` says. Raises
    :class:`FetchError` for all that can go wrong.
    """
    if is_there(target, wanted):
        return False
    with part_of(target, wanted) as part:
        if part.size > wanted.bytes:
            part.restart()
        on_bytes(part.size)
        resumed = bool(part.size)
        _fetch(address, part, on_bytes)
        if not part.right and resumed:  # what the earlier try left may have been wrong
            part.restart()
            _fetch(address, part, on_bytes)
        if not part.right:
            error = part.wrong(address)
            part.restart()
            raise error
    return True


def _fetch(address: str, part: Part, on_bytes: Callable[[int], None]) -> None:
    import httpx

    part.check_room()
    cuts = starts = 0
    timeout = httpx.Timeout(SILENCE_S, connect=CONNECT_S)
    # Compressed, a range would be one of other bytes than those that are checked.
    headers = {"Accept-Encoding": "identity", "User-Agent": "ratchet-fetch"}
    with httpx.Client(timeout=timeout, follow_redirects=True, headers=headers) as client:
        while part.size < part.wanted.bytes:
            before = part.size
            try:
                starts += _stream(client, address, part, on_bytes)
                if starts > STARTS:
                    raise FetchError(
                        f"{address}: got less than the {part.wanted.bytes:,} bytes that are expected, again and again"
                    )
            except (_Cut, httpx.TransportError) as error:
                cuts = 0 if part.size > before else cuts + 1
                if cuts >= CUTS or isinstance(error, httpx.ConnectError | httpx.UnsupportedProtocol):
                    raise _unreachable(address, part, error) from None


def _stream(client: httpx.Client, address: str, part: Part, on_bytes: Callable[[int], None]) -> bool:
    """One request, for what is missing; whether what is here was thrown away for it, and nothing came."""
    asked = {"Range": f"bytes={part.size}-"} if part.size else {}
    with client.stream("GET", address, headers=asked) as response:
        _check_answer(response, address)
        if response.status_code == 416 or (response.status_code == 206 and _first(response) != part.size):
            part.restart()  # the server has less than there is here, or sends another part: from the beginning
            return True
        if response.status_code == 200 and part.size:
            part.restart()
        for piece in response.iter_raw():
            if part.size + len(piece) > part.wanted.bytes:
                kind = response.headers.get("Content-Type", "unknown")
                part.write(piece[: part.wanted.bytes - part.size + 1])
                error = part.wrong(address, f" (and there is more; its type is {kind})")
                part.restart()
                raise error
            part.write(piece)
            on_bytes(len(piece))
    if part.size < part.wanted.bytes:
        if response.headers.get("Content-Length") and response.status_code == 200:
            error = part.wrong(address, f" (its type is {response.headers.get('Content-Type', 'unknown')})")
            part.restart()
            raise error
        raise _Cut("the answer ended early")
    return False


def _check_answer(response: httpx.Response, address: str) -> None:
    if not secure(str(response.url)):
        raise FetchError(f"{address}: got a redirection to {response.url}, expected one to an https address")
    code = response.status_code
    if code in (200, 206, 416):
        if response.headers.get("Content-Encoding", "identity") != "identity":
            raise FetchError(f"{address}: got a compressed answer, expected the bytes as they are")
        return
    if code in (404, 410):
        raise FetchError(
            f"{address}: got {code}, there is no such file",
            hint="fetch it by hand from the set's home page and name it with --from",
        )
    raise FetchError(f"{address}: got {code} {response.reason_phrase}, expected the file", hint=f"try later; {AGAIN}")


def _first(response: httpx.Response) -> int | None:
    """Where the part that a 206 holds begins."""
    found = re.match(r"bytes (\d+)-", response.headers.get("Content-Range", ""))
    return int(found[1]) if found else None


def _unreachable(address: str, part: Part, error: Exception) -> FetchError:
    why = str(error) or type(error).__name__
    if not part.size:
        return FetchError(f"{address}: {why}", hint="is there a network? Or name a file that is here with --from")
    return FetchError(f"{address}: {why}, after {part.size:,} of {part.wanted.bytes:,} bytes", hint=AGAIN)
