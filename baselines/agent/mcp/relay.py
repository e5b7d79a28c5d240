"""How a rollout without a network reaches servers that have an address: through the door's socket."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Relay:
    """The door's socket, behind which the optimizer speaks to the servers called ``names`` for this rollout."""

    socket: str
    token: str
    names: frozenset[str]


def relay_of(payload: Mapping[str, Any]) -> Relay | None:
    """The relay that a rollout's payload tells of; None where nothing is said of one: then the network is used."""
    if payload.get("mcp") is None:
        return None
    return Relay(str(payload["door"]), str(payload.get("token", "")), frozenset(map(str, payload["mcp"])))
