"""An assignment as the text that OpenEvolve evolves: one line a component, between the markers that its documents ask
for."""

from __future__ import annotations

from optimizer.bench.problems.base import Assignment

START, END = "# EVOLVE-BLOCK-START", "# EVOLVE-BLOCK-END"


def program_of(assignment: Assignment) -> str:
    """``component: option`` for each component, in order."""
    return "\n".join([START, *(line_of(name, option) for name, option in assignment.items()), END]) + "\n"


def line_of(component: str, option: str) -> str:
    """The line of one component."""
    return f"{component}: {option}"


def assignment_of(program: str) -> dict[str, str]:
    """What a program says; lines that are empty or begin with ``#`` say nothing."""
    lines = [line for line in program.splitlines() if line.strip() and not line.startswith("#")]
    return {name: option for name, _, option in (line.partition(": ") for line in lines)}
