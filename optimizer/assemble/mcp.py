"""The MCP servers that rollouts reach through the door: their addresses, and their keys from the environment."""

from __future__ import annotations

import os
from collections.abc import Mapping

from optimizer.assemble.planned import Planned
from optimizer.errors import SettingsError
from optimizer.models.keys import check_header
from optimizer.models.mcp_target import Target, check_targets
from search_space.harness import agent_of


def targets_of(planned: Planned, environment: Mapping[str, str] | None = None) -> dict[str, Target]:
    """Every server of the experiment, with the headers to add. Raises :class:`SettingsError` for a variable that is not
    set, and for a server that the harness needs and the experiment does not name."""
    variables = os.environ if environment is None else environment
    wanted = planned.settings.mcp
    agent = agent_of(planned.start[1])
    for name, server in agent.mcp.items() if agent is not None else ():
        if server.url is not None and server.required and name not in wanted:
            raise SettingsError(
                f"mcp: got no [mcp.{name}], but the harness needs this server, and a rollout has no network",
                hint=f'add [mcp.{name}] with url = "{server.url}" to experiment.toml',
            )
    return {
        name: Target(
            each.url,
            {header: _value(name, header, each.headers_from_env, variables) for header in each.headers_from_env},
        )
        for name, each in wanted.items()
    }


def check_servers(planned: Planned) -> None:
    """Look before the campaign begins whether the servers answer. Raises :class:`SettingsError`."""
    check_targets(targets_of(planned))


def _value(name: str, header: str, names: Mapping[str, str], variables: Mapping[str, str]) -> str:
    variable = names[header]
    value = variables.get(variable, "").strip()
    if not value:
        raise SettingsError(
            f"mcp.{name}.headers_from_env.{header}: the environment has no {variable}",
            hint=f"set {variable} to the whole value of the header, such as 'Bearer ...'",
        )
    return check_header(variable, value)
