"""Tools that calculate: expressions, statistics, units, number bases and percentages."""

from __future__ import annotations

import ast
import math
import operator
import statistics
from collections.abc import Callable, Mapping
from typing import Any, Final

from baselines.workspace.folder import Workspace
from search_space.tool_definitions import Definition, Inputs, Parameter
from search_space.tools import ToolError

MAX_DIGITS: Final = 4_000
MAX_EXPRESSION: Final = 2_000
Number = int | float

_BINARY: Final[Mapping[type[ast.operator], Callable[[Any, Any], Any]]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: operator.truediv,
    ast.FloorDiv: operator.floordiv,
    ast.Mod: operator.mod,
}
_UNARY: Final[Mapping[type[ast.unaryop], Callable[[Any], Any]]] = {ast.UAdd: operator.pos, ast.USub: operator.neg}
_FUNCTIONS: Final[Mapping[str, Callable[..., Any]]] = {
    "abs": abs, "min": min, "max": max, "sqrt": math.sqrt, "exp": math.exp, "log": math.log, "log2": math.log2,
    "round": lambda value, digits=0: _rounded(value, digits),
    "log10": math.log10, "sin": math.sin, "cos": math.cos, "tan": math.tan, "asin": math.asin,
    "acos": math.acos, "atan": math.atan, "floor": math.floor, "ceil": math.ceil, "gcd": math.gcd, "lcm": math.lcm,
    "hypot": math.hypot, "degrees": math.degrees, "radians": math.radians,
}  # fmt: skip
_NAMES: Final[Mapping[str, float]] = {"pi": math.pi, "e": math.e, "tau": math.tau}

_UNITS: Final[Mapping[str, Mapping[str, float]]] = {
    "length": {"mm": 1e-3, "cm": 1e-2, "m": 1, "km": 1e3, "in": 0.0254, "ft": 0.3048, "yd": 0.9144, "mi": 1609.344,
               "nmi": 1852},
    "mass": {"mg": 1e-6, "g": 1e-3, "kg": 1, "t": 1e3, "oz": 0.028349523125, "lb": 0.45359237, "st": 6.35029318},
    "time": {"ms": 1e-3, "s": 1, "min": 60, "h": 3600, "d": 86400, "wk": 604800},
    "volume": {"ml": 1e-3, "cl": 1e-2, "l": 1, "m3": 1e3, "tsp": 4.92892159375e-3, "tbsp": 14.78676478125e-3,
               "floz": 29.5735295625e-3, "cup": 0.2365882365, "pt": 0.473176473, "gal": 3.785411784},
    "area": {"cm2": 1e-4, "m2": 1, "ha": 1e4, "km2": 1e6, "ft2": 0.09290304, "ac": 4046.8564224, "mi2": 2589988.110336},
    "speed": {"m/s": 1, "km/h": 1 / 3.6, "mph": 0.44704, "kn": 1852 / 3600},
    "data": {"bit": 0.125, "B": 1, "kB": 1e3, "MB": 1e6, "GB": 1e9, "TB": 1e12, "KiB": 2**10, "MiB": 2**20,
             "GiB": 2**30, "TiB": 2**40},
    "energy": {"J": 1, "kJ": 1e3, "cal": 4.184, "kcal": 4184, "Wh": 3600, "kWh": 3.6e6},
    "pressure": {"Pa": 1, "hPa": 100, "kPa": 1e3, "bar": 1e5, "psi": 6894.757293168, "atm": 101325},
}  # fmt: skip
"""Each unit in its kind's own unit. Anglo-American ones by the international yard and pound; pt and gal are US."""
_DEGREES: Final = ("C", "F", "K")


def calculate(workspace: Workspace, inputs: Inputs) -> str:
    text = inputs["expression"].strip().replace("^", "**")
    if not text or len(text) > MAX_EXPRESSION:
        raise ToolError(f"expected an expression of 1 to {MAX_EXPRESSION} characters, such as (3 + 4) * 2 ** 10 / 7")
    try:
        return _number(_value(ast.parse(text, mode="eval").body))
    except SyntaxError as error:
        raise ToolError(f"not understood: {error.msg}; expected an expression such as (3 + 4) * 2") from None
    except ZeroDivisionError:
        raise ToolError("division by zero") from None
    except OverflowError:
        raise ToolError("the result is too large") from None
    except (ValueError, TypeError) as error:
        raise ToolError(f"cannot be calculated: {error}") from None


def describe_numbers(workspace: Workspace, inputs: Inputs) -> str:
    numbers = _numbers(inputs["numbers"])
    rows = {
        "count": len(numbers),
        "sum": math.fsum(numbers),
        "mean": statistics.fmean(numbers),
        "median": statistics.median(numbers),
        "min": min(numbers),
        "max": max(numbers),
        "standard deviation (sample)": statistics.stdev(numbers) if len(numbers) > 1 else math.nan,
    }
    return "\n".join(f"{name}: {_number(value)}" for name, value in rows.items() if not math.isnan(value))


def convert_units(workspace: Workspace, inputs: Inputs) -> str:
    value, source, target = inputs["value"], inputs["source"], inputs["target"]
    if source in _DEGREES and target in _DEGREES:
        kelvin = {"C": value + 273.15, "F": (value + 459.67) / 1.8, "K": value}[source]
        result = {"C": kelvin - 273.15, "F": kelvin * 1.8 - 459.67, "K": kelvin}[target]
        return f"{_number(value)} {source} = {result:.10g} {target}"
    for units in _UNITS.values():
        if source in units and target in units:
            return f"{_number(value)} {source} = {value * units[source] / units[target]:.10g} {target}"
    kinds = "; ".join(f"{kind}: {', '.join(units)}" for kind, units in _UNITS.items())
    raise ToolError(f"cannot convert {source} to {target}. Known are {kinds}; temperature: {', '.join(_DEGREES)}")


def convert_base(workspace: Workspace, inputs: Inputs) -> str:
    source, target = inputs["source"] or 10, inputs["target"]
    if len(inputs["number"]) > 1_000:
        raise ToolError("the number is too long: at most 1000 digits")
    try:
        number = int(inputs["number"].strip().replace(" ", ""), source)
    except ValueError:
        raise ToolError(f"{inputs['number'][:60]!r} is no whole number in base {source}") from None
    digits = ""
    rest = abs(number)
    while rest:
        rest, digit = divmod(rest, target)
        digits = "0123456789abcdefghijklmnopqrstuvwxyz"[digit] + digits
    return "-" * (number < 0) + (digits or "0")


def percent_of(workspace: Workspace, inputs: Inputs) -> str:
    part, whole = inputs["part"], inputs["whole"]
    if not whole:
        raise ToolError("a share of 0 is not defined")
    return f"{_number(part)} is {part / whole * 100:.10g}% of {_number(whole)}"


def percent_change(workspace: Workspace, inputs: Inputs) -> str:
    before, after = inputs["before"], inputs["after"]
    if not before:
        raise ToolError("a change from 0 has no percentage")
    return f"{(after - before) / abs(before) * 100:+.10g}%"


def _value(node: ast.expr) -> Number:
    """The value of a syntax tree of numbers, operators and known functions; nothing else is evaluated."""
    match node:
        case ast.Constant(value=int() | float() as value) if not isinstance(value, bool):
            return value
        case ast.Name(id=name) if name in _NAMES:
            return _NAMES[name]
        case ast.UnaryOp(op=op, operand=operand) if type(op) in _UNARY:
            return _checked(_UNARY[type(op)](_value(operand)))
        case ast.BinOp(left=left, op=ast.Pow(), right=right):
            return _power(_value(left), _value(right))
        case ast.BinOp(left=left, op=op, right=right) if type(op) in _BINARY:
            return _checked(_BINARY[type(op)](_value(left), _value(right)))
        case ast.Call(func=ast.Name(id=name), args=arguments, keywords=[]) if name in _FUNCTIONS:
            return _checked(_FUNCTIONS[name](*map(_value, arguments)))
    known = f"+ - * / // % **, {', '.join(_NAMES)} and {', '.join(_FUNCTIONS)}"
    raise ToolError(f"{ast.unparse(node)[:60]!r} cannot be calculated; known are numbers, {known}")


def _power(base: Number, exponent: Number) -> Number:
    whole = isinstance(base, int) and isinstance(exponent, int)
    if whole and abs(base) > 1 and exponent * math.log10(abs(base)) > MAX_DIGITS:
        raise OverflowError
    return _checked(base**exponent)


def _rounded(value: Number, digits: int) -> Number:
    return round(value, max(-MAX_DIGITS, min(MAX_DIGITS, digits))) if digits else round(value)


def _checked(value: Any) -> Number:
    if not isinstance(value, int | float):
        raise ToolError("the result is no real number")
    if isinstance(value, int) and value.bit_length() > MAX_DIGITS * 4:
        raise OverflowError
    return value


def _numbers(values: list[Number]) -> list[Number]:
    if not values:
        raise ToolError("no numbers: expected at least one")
    if not all(math.isfinite(value) for value in values):
        raise ToolError("expected finite numbers")
    return values


def _number(value: Number) -> str:
    if isinstance(value, int):
        return str(value) if value.bit_length() < MAX_DIGITS * 3 else f"{value:.3e}"
    return str(int(value)) if value.is_integer() and abs(value) < 1e15 else f"{value:.15g}"


_VALUE: Final = Parameter("value", "The number to convert.", "number")

DEFINITIONS: Final = (
    Definition(
        "calculate",
        "Calculate an expression of numbers, operators, brackets and functions such as sqrt, log and round.",
        (Parameter("expression", "Such as (3 + 4) * 2 ** 10 / 7 or sqrt(2)."),),
        calculate,
    ),
    Definition(
        "describe_numbers",
        "Work out count, sum, mean, median, least, largest and standard deviation of numbers.",
        (Parameter("numbers", "The numbers.", "numbers"),),
        describe_numbers,
    ),
    Definition(
        "convert_units",
        "Convert a measure to another unit: lengths, masses, times, volumes, areas, speeds, data, energies, pressures, "
        "temperatures.",
        (_VALUE, Parameter("source", "Its unit, such as km."), Parameter("target", "The unit wanted, such as mi.")),
        convert_units,
    ),
    Definition(
        "convert_base",
        "Write a whole number in another base.",
        (
            Parameter("number", "The number as text, such as ff or 255."),
            Parameter("target", "The base to write it in.", "integer", least=2, most=36),
            Parameter("source", "The base it is in; 10 when left out.", "integer", False, 2, 36),
        ),
        convert_base,
    ),
    Definition(
        "percent_change",
        "Work out by how many percent a value has changed.",
        (Parameter("before", "The old value.", "number"), Parameter("after", "The new value.", "number")),
        percent_change,
    ),
    Definition(
        "percent_of",
        "Work out how many percent of a whole a part is.",
        (Parameter("part", "The part.", "number"), Parameter("whole", "The whole.", "number")),
        percent_of,
    ),
)
