"""What this machine has and lacks for Ratchet, each with the command that mends it. Looks only; changes nothing."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from optimizer.cli import machine
from optimizer.cli.machine import Finding

if TYPE_CHECKING:
    from rich.console import Console

__all__ = ["Finding", "examine", "findings_json", "render", "works"]


def examine(folder: Path | None = None, environment: Mapping[str, str] | None = None) -> list[Finding]:
    """Look at this machine, in a fixed order; takes about a second.

    ``folder`` is where campaigns will live (the current folder by default), ``environment`` stands for ``os.environ``.
    A look that fails is itself a finding: nothing is raised.
    """
    place = (folder or Path.cwd()).resolve()
    variables = os.environ if environment is None else environment
    looks: dict[str, Callable[[], Finding]] = {
        "Python": machine.python,
        "git": machine.git,
        "processor": machine.processor,
        "memory": machine.memory,
        "tmpfs": machine.tmpfs,
        "disk": partial(machine.disk, place),
        "SQLite": machine.sqlite,
        "clock": machine.clock,
        "fork": machine.fork,
        "confinement": machine.confinement,
        "bubblewrap": machine.bubblewrap,
        "Docker": partial(machine.docker, variables),
        "API key": partial(machine.api_key, variables),
        "models": partial(machine.models, variables),
    }
    return [_guarded(name, look) for name, look in looks.items()]


def works(findings: Sequence[Finding]) -> bool:
    """Whether a campaign with the embedded model can run here: nothing that is needed is missing."""
    return not any(finding.needed and finding.status == "missing" for finding in findings)


def render(findings: Sequence[Finding], console: Console) -> None:
    """Print the findings as a table, then what to do, most urgent first."""
    from rich.table import Table
    from rich.text import Text

    table = Table("", "what", "found", box=None, pad_edge=False, show_header=False)
    for finding in findings:
        word, style = _word(finding)
        table.add_row(Text(word, style=style), finding.name, Text(finding.detail))
    console.print(table)
    console.print()
    urgent = sorted(
        (finding for finding in findings if finding.mend), key=lambda f: (not f.needed, f.status != "missing")
    )
    for finding in urgent:
        console.print(Text.assemble((f"{finding.name}: ", "bold"), finding.mend), soft_wrap=True)
    verdict = "Ratchet can run here." if works(findings) else "Ratchet cannot run here yet: mend what is missing."
    console.print(verdict, style="green" if works(findings) else "red", highlight=False)


def findings_json(findings: Sequence[Finding]) -> dict[str, Any]:
    """The findings for a program: ``{"works": bool, "findings": [{name, status, detail, mend, needed}, ...]}``."""
    return {"works": works(findings), "findings": [asdict(finding) for finding in findings]}


def _guarded(name: str, look: Callable[[], Finding]) -> Finding:
    # The doctor is asked when things are broken: one broken look must not hide the others.
    try:
        return look()
    except Exception as error:
        return Finding(name, "degraded", f"could not be looked at: {error or type(error).__name__}")


def _word(finding: Finding) -> tuple[str, str]:
    if finding.status == "missing" and not finding.needed:
        return "none", "dim"
    return finding.status, {"ok": "green", "missing": "red", "degraded": "yellow"}[finding.status]
