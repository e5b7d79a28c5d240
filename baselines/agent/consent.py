"""Asks the harness's permissions before a call runs. Nobody is there to consent: ``ask`` is a no, and told as such."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from search_space.messages import ToolUseBlock
from search_space.permissions import Permissions, Ruling, ruling

NOT_RUN = "Nothing was run. The same call will be refused again; go on without it, or with what is allowed."


class Consent:
    """Called with each call before it runs: None lets it run, a text is what the model is told instead. Each refusal is
    recorded as ``{"kind": "permission", "id", "tool", "rule", "action"}``."""

    def __init__(self, permissions: Permissions, record: Callable[[Mapping[str, Any]], None]) -> None:
        self._permissions = permissions
        self._record = record

    def __call__(self, call: ToolUseBlock) -> str | None:
        try:
            found = ruling(self._permissions, call["name"], call["input"])
        except RecursionError:
            found = Ruling("deny", "an input that is nested too deep to be read")
        if found.action == "allow":
            return None
        said = {"id": call["id"], "tool": call["name"], "rule": found.rule, "action": found.action}
        self._record({"kind": "permission", **said})
        if found.action == "ask":
            return (
                f"not permitted: {call['name']} with this input needs a person's consent by {found.rule}, and this run "
                f"is unattended, so nobody can give it. {NOT_RUN}"
            )
        return f"not permitted: {call['name']} with this input is denied by {found.rule}. {NOT_RUN}"
