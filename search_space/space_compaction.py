"""From a space file's table of compaction to dimensions: the strategy, and the parameters of each."""

from __future__ import annotations

from collections.abc import Callable

from search_space.changes import default_parameter
from search_space.dimensions.base import Condition, Dimension
from search_space.dimensions.compaction import TABLE, CompactionDimension, CompactionParameter
from search_space.domains import Choice, FloatRange, IntRange
from search_space.errors import InvalidFile
from search_space.harness_file import HARNESS_FILE, HarnessFile
from search_space.space_file import CompactionSpec, ParameterSpec
from search_space.validation import nearest

Wrong = Callable[..., InvalidFile]
"""``wrong(key, "got ..., expected ...", near)``: the error about the table at hand."""


def compaction_dimensions(spec: CompactionSpec, wrong: Wrong) -> list[Dimension]:
    """The strategy and each strategy's parameters. Raises what ``wrong`` makes of a key and why it is wrong."""
    for strategy in spec.parameters:
        if strategy not in spec.strategies:
            near = nearest(strategy, spec.strategies)
            text = f"got {strategy!r}, expected one of the strategies {', '.join(spec.strategies)}"
            raise wrong("parameters", text, near)
    if "plugin" in spec.strategies and "file" not in spec.parameters.get("plugin", {}):
        raise wrong("parameters.plugin", "got no 'file', expected file = { values = ['strategies/mine.py'] }")
    parameters = [
        _parameter(spec, strategy, name, parameter, wrong)
        for strategy in spec.strategies
        for name, parameter in spec.parameters.get(strategy, {}).items()
    ]
    domain = Choice(tuple(spec.strategies))
    key = f"{TABLE}.strategy"
    parent = CompactionDimension(spec.name, HARNESS_FILE, key, domain, "none", parameters=tuple(parameters))
    return [parent, *parameters]


def _parameter(
    spec: CompactionSpec, strategy: str, name: str, parameter: ParameterSpec, wrong: Wrong
) -> CompactionParameter:
    known = _strategy_parameters(strategy)
    where = f"parameters.{strategy}.{name}"
    if name not in known:
        raise wrong(where, f"got {name!r}, expected one of {', '.join(known) or 'none'}", nearest(name, known))
    domain = Choice(tuple(parameter.values)) if parameter.values is not None else parameter.range()
    absent = default_parameter(strategy, name)
    default = parameter.default if parameter.default is not None else absent
    if not domain.contains(default):
        if parameter.default is not None or isinstance(domain, IntRange | FloatRange):
            raise wrong(f"{where}.default", f"got {default!r}, expected {domain}")
        default = parameter.values[0] if parameter.values else default
    when = Condition(spec.name, (strategy,))
    full = f"{spec.name}.{strategy}.{name}"
    key = f"{TABLE}.{name}"
    return CompactionParameter(
        full, HARNESS_FILE, key, domain, absent, when, default, strategy=strategy, parameter=name
    )


def _strategy_parameters(strategy: str) -> list[str]:
    """The parameters that a compaction strategy has."""
    union = HarnessFile.model_fields[TABLE]
    for config in getattr(union.annotation, "__args__", ()):
        if config.model_fields["strategy"].default == strategy:
            return [name for name in config.model_fields if name != "strategy"]
    return []
