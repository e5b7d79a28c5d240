"""``python -m baselines.workspace`` prints the tools as Markdown tables, family by family."""

from __future__ import annotations

from baselines.workspace.tools import FAMILIES, LOOK_ALIKES


def tables() -> str:
    """Name, what it does, what it reads and writes, for every tool; a star marks the look-alikes."""
    lines: list[str] = []
    for family, definitions in FAMILIES.items():
        lines += [f"**{family}**", "", "| tool | what it does | reads | writes |", "| --- | --- | --- | --- |"]
        for each in definitions:
            name = f"`{each.name}`" + "*" * (each.name in LOOK_ALIKES)
            cells = [name, each.description, _named(each.effects.reads), _named(each.effects.writes)]
            lines.append(f"| {' | '.join(cells)} |")
        lines.append("")
    return "\n".join(lines).rstrip() + "\n"


def _named(resources: frozenset[str]) -> str:
    return ", ".join(f"`{resource}`" for resource in sorted(resources)) or "nothing"


if __name__ == "__main__":
    print(tables(), end="")
