"""Tools that read CSV files as tables: a header line, then rows."""

from __future__ import annotations

import csv
import io
import json
import math
import statistics
from collections.abc import Callable, Mapping
from typing import Final

from baselines.workspace.folder import Workspace
from baselines.workspace.tools.inputs import FILE
from search_space.tool_definitions import MAX_ROWS, Definition, Inputs, Parameter, effects
from search_space.tools import ToolError

READS: Final = effects(reads="files:{path}")
Row = dict[str, str]

_AGGREGATES: Final[Mapping[str, Callable[[list[float]], float]]] = {
    "sum": math.fsum,
    "mean": statistics.fmean,
    "median": statistics.median,
    "min": min,
    "max": max,
}


def csv_head(workspace: Workspace, inputs: Inputs) -> str:
    columns, rows = _table(workspace, inputs["path"])
    return _written(columns, rows, inputs["rows"] or 10)


def csv_columns(workspace: Workspace, inputs: Inputs) -> str:
    columns, rows = _table(workspace, inputs["path"])
    lines = [f"{len(rows)} rows, {len(columns)} columns"]
    for column in columns[:MAX_ROWS]:
        values = [row[column] for row in rows]
        filled = [value for value in values if value]
        kind = "empty" if not filled else "numbers" if all(map(_is_number, filled)) else "texts"
        lines.append(f"{column}: {kind}, {len(set(filled))} different, {len(values) - len(filled)} empty")
    return "\n".join(lines)


def csv_filter(workspace: Workspace, inputs: Inputs) -> str:
    columns, rows = _table(workspace, inputs["path"])
    column, comparison, wanted = _known(inputs["column"], columns), inputs["comparison"], inputs["value"]
    found = [row for row in rows if _holds(row[column], comparison, wanted)]
    return f"{len(found)} of {len(rows)} rows\n" + _written(columns, found, MAX_ROWS)


def csv_sort(workspace: Workspace, inputs: Inputs) -> str:
    columns, rows = _table(workspace, inputs["path"])
    column = _known(inputs["column"], columns)
    rows = sorted(rows, key=lambda row: _order(row[column]), reverse=bool(inputs["descending"]))
    return _written(columns, rows, inputs["rows"] or MAX_ROWS)


def csv_aggregate(workspace: Workspace, inputs: Inputs) -> str:
    columns, rows = _table(workspace, inputs["path"])
    what, by = inputs["function"], inputs["by"]
    column = _known(inputs["column"], columns)
    groups: dict[str, list[str]] = {}
    for row in rows:
        groups.setdefault(row[_known(by, columns)] if by else "all", []).append(row[column])
    results = sorted((name, _aggregate(values, what)) for name, values in groups.items())
    lines = [f"{name}: {value}" for name, value in results[:MAX_ROWS]]
    more = [f"... {len(results) - MAX_ROWS} more"] if len(results) > MAX_ROWS else []
    return "\n".join([*lines, *more]) or "no rows"


def csv_distinct(workspace: Workspace, inputs: Inputs) -> str:
    columns, rows = _table(workspace, inputs["path"])
    column = _known(inputs["column"], columns)
    counts: dict[str, int] = {}
    for row in rows:
        counts[row[column]] = counts.get(row[column], 0) + 1
    ordered = sorted(counts.items(), key=lambda item: (-item[1], item[0]))
    lines = [f"{value or '(empty)'}: {count}" for value, count in ordered[:MAX_ROWS]]
    return "\n".join([f"{len(counts)} different values", *lines])


def csv_to_json(workspace: Workspace, inputs: Inputs) -> str:
    columns, rows = _table(workspace, inputs["path"])
    values = [{column: _number(row[column]) for column in columns} for row in rows]
    workspace.write_text(inputs["target"], json.dumps(values, ensure_ascii=False, indent=2) + "\n")
    return f"wrote {len(values)} objects to {inputs['target']}"


def _table(workspace: Workspace, path: str) -> tuple[list[str], list[Row]]:
    text = workspace.text(path).removeprefix("\ufeff")
    first = text.partition("\n")[0]
    delimiter = max(",;\t", key=first.count)
    try:
        lines = [line for line in csv.reader(io.StringIO(text, newline=""), delimiter=delimiter) if line]
    except csv.Error as error:
        raise ToolError(f"{path} cannot be read as CSV: {error}") from None
    if not lines:
        raise ToolError(f"{path} is empty; expected a header line and rows")
    columns = lines[0]
    if len(set(columns)) != len(columns):
        raise ToolError(f"{path}: two columns have the same name: {', '.join(columns)}")
    for number, line in enumerate(lines[1:], 2):
        if len(line) != len(columns):
            raise ToolError(f"{path}: row {number} has {len(line)} fields, the header {len(columns)}")
    return columns, [dict(zip(columns, line, strict=True)) for line in lines[1:]]


def _known(column: str, columns: list[str]) -> str:
    if column not in columns:
        raise ToolError(f"no column {column!r}; the columns are: {', '.join(columns)}")
    return column


def _holds(value: str, comparison: str, wanted: str) -> bool:
    if comparison == "contains":
        return wanted.lower() in value.lower()
    one, other = (_order(value), _order(wanted))
    match comparison:
        case "equals":
            return one == other
        case "not_equals":
            return one != other
        case "above":
            return one[0] == other[0] and one > other
    return one[0] == other[0] and one < other


def _order(value: str) -> tuple[int, float, str]:
    """Empty values first, then numbers by size, then texts."""
    if not value:
        return (0, 0.0, "")
    return (1, float(value), "") if _is_number(value) else (2, 0.0, value)


def _aggregate(values: list[str], what: str) -> str:
    if what == "count":
        return str(sum(1 for value in values if value))
    if bad := [value for value in values if value and not _is_number(value)]:
        raise ToolError(f"{what} needs numbers, got {bad[0][:60]!r}; count and csv_distinct work on texts")
    numbers = [float(value) for value in values if value]
    return f"{_AGGREGATES[what](numbers):.12g}" if numbers else "no numbers"


def _is_number(value: str) -> bool:
    try:
        return math.isfinite(float(value)) and "_" not in value
    except ValueError:
        return False


def _number(value: str) -> str | int | float:
    if not _is_number(value) or (len(value) > 1 and value[0] == "0" and value[1].isdecimal()):  # 007 is a name
        return value
    return float(value) if set(value.lower()) & set(".e") else int(value)


def _written(columns: list[str], rows: list[Row], at_most: int) -> str:
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(columns)
    writer.writerows(row.values() for row in rows[:at_most])
    more = f"... {len(rows) - at_most} more rows\n" if len(rows) > at_most else ""
    return (out.getvalue() + more).rstrip("\n")


_COLUMN: Final = Parameter("column", "A column by its name in the header.")
_COUNT: Final = Parameter("rows", "How many rows to show at most.", "integer", False, 1, 500)

DEFINITIONS: Final = (
    Definition("csv_head", "Show the header and the first rows of a CSV file.", (FILE, _COUNT), csv_head, READS),
    Definition(
        "csv_columns",
        "List the columns of a CSV file: numbers or texts, how many different, how many empty.",
        (FILE,),
        csv_columns,
        READS,
    ),
    Definition(
        "csv_filter",
        "Show the rows of a CSV file whose value in a column compares with a given one.",
        (
            FILE,
            _COLUMN,
            Parameter("comparison", "How.", options=("equals", "not_equals", "above", "below", "contains")),
            Parameter("value", "What to compare with; numbers are compared as numbers."),
        ),
        csv_filter,
        READS,
    ),
    Definition(
        "csv_sort",
        "Show the rows of a CSV file in the order of a column, numbers as numbers.",
        (FILE, _COLUMN, Parameter("descending", "Largest first.", "boolean", required=False), _COUNT),
        csv_sort,
        READS,
    ),
    Definition(
        "csv_aggregate",
        "Work out the sum, mean, median, smallest, largest or number of a CSV column's values, whole or by group.",
        (
            FILE,
            _COLUMN,
            Parameter("function", "What to work out.", options=(*_AGGREGATES, "count")),
            Parameter("by", "A column to group the rows by.", required=False),
        ),
        csv_aggregate,
        READS,
    ),
    Definition(
        "csv_distinct",
        "List the different values of a CSV column with how often each occurs.",
        (FILE, _COLUMN),
        csv_distinct,
        READS,
    ),
    Definition(
        "csv_to_json",
        "Write a CSV file's rows as a JSON list of objects to another file.",
        (FILE, Parameter("target", "The JSON file to write.")),
        csv_to_json,
        effects(reads="files:{path} files:{target}", writes="files:{target}"),
    ),
)
