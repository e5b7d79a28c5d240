"""From a space file's tables about tools to dimensions, and what is known of the tools' effects."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from search_space.dimensions.base import Dimension
from search_space.dimensions.tools import DescriptionDimension, FirstToolDimension, ParallelDimension, ToolDimension
from search_space.domains import Choice
from search_space.harness_file import HARNESS_FILE
from search_space.memory import MEMORY_TOOLS
from search_space.space_file import DescriptionSpec, DimensionSpec, FirstToolSpec, ParallelSpec, ToolSpec
from search_space.toml_text import join_key
from search_space.tools import Effects, conflict_text


def known_effects(specs: Iterable[DimensionSpec], effects: Mapping[str, Effects]) -> dict[str, Effects]:
    """``effects`` (the environment's, by tool) and those of memory's tools, with what the space file declares added."""
    known = {**MEMORY_TOOLS, **effects}
    for spec in specs:
        for tool, said in spec.effects.items() if isinstance(spec, ParallelSpec) else ():
            known[tool] = known.get(tool, Effects()) | said.effects()
    return known


def tool_dimensions(spec: ToolSpec) -> list[Dimension]:
    """One dimension a tool: who sees it."""
    domain = Choice(tuple(spec.values))
    return [
        ToolDimension(f"{spec.name}.{tool}", HARNESS_FILE, join_key(("tools", "visibility", tool)), domain, tool=tool)
        for tool in spec.tools
    ]


def parallel_dimensions(
    spec: ParallelSpec, specs: Sequence[DimensionSpec], effects: Mapping[str, Effects]
) -> list[Dimension]:
    """One dimension a tool: whether it is marked parallel. ``specs`` is the whole space, where its rivals are."""
    every = {tool: each.name for each in specs if isinstance(each, ParallelSpec) for tool in each.tools}
    result: list[Dimension] = []
    for tool in spec.tools:
        mine = effects.get(tool, Effects())
        over = mine.always_conflict(mine)
        rivals = tuple(
            f"{name}.{other}"
            for other, name in every.items()
            if other != tool and mine.always_conflict(effects.get(other, Effects())) is not None
        )
        result.append(
            ParallelDimension(
                f"{spec.name}.{tool}",
                HARNESS_FILE,
                join_key(("tools", "parallel", tool)),
                Choice((False, True)) if over is None else Choice((False,)),
                False,
                tool=tool,
                because="" if over is None else conflict_text(tool, tool, over),
                rivals=rivals,
            )
        )
    return result


def first_tool(spec: FirstToolSpec, specs: Sequence[DimensionSpec]) -> list[Dimension]:
    """Which tool stands first. Raises :class:`ValueError` when another table says so too."""
    if sum(isinstance(each, FirstToolSpec) for each in specs) > 1:
        raise ValueError("got two dimensions of kind 'first_tool', expected one that lists all the tools")
    key, domain = join_key(("tools", "order")), Choice((None, *spec.tools))
    return [FirstToolDimension(spec.name, HARNESS_FILE, key, domain, tools=tuple(spec.tools))]


def description(spec: DescriptionSpec) -> list[Dimension]:
    """What is said of a tool. Raises :class:`ValueError` for the same text under two ids."""
    texts = list(spec.texts.values())
    if double := next((text for text in texts if texts.count(text) > 1), None):
        raise ValueError(f"got the text {double!r} twice, expected different texts")
    name = spec.name or f"description.{spec.tool}"
    key, domain = join_key(("tools", "descriptions", spec.tool)), Choice((None, *spec.texts))
    return [DescriptionDimension(name, HARNESS_FILE, key, domain, tool=spec.tool, texts=spec.texts)]
