"""Tools that read and change one value of a JSON or TOML file, the rest of it left alone."""

from __future__ import annotations

import copy
import json
import re
import tomllib
from collections.abc import Callable
from typing import Any, Final

from baselines.workspace.folder import Workspace
from baselines.workspace.tools.inputs import FILE
from search_space.errors import InvalidEdit, InvalidFile
from search_space.toml_text import set_value
from search_space.tool_definitions import Definition, Inputs, Parameter, capped, effects
from search_space.tools import ToolError

READS: Final = effects(reads="files:{path}")
WRITES: Final = effects(reads="files:{path}", writes="files:{path}")
_PART: Final = re.compile(r"\"([^\"]*)\"|\[(-?\d+)\]|([^.\[\"]+)")


def json_get(workspace: Workspace, inputs: Inputs) -> str:
    return _text(_at(_json(workspace, inputs["path"]), _parts(inputs["key"])))


def json_keys(workspace: Workspace, inputs: Inputs) -> str:
    return _keys(_at(_json(workspace, inputs["path"]), _parts(inputs["key"])))


def json_set(workspace: Workspace, inputs: Inputs) -> str:
    def change(holder: Any, last: str | int) -> None:
        if isinstance(holder, list) and last == len(holder):
            holder.append(value)
            return
        if isinstance(holder, list):
            _at(holder, [last])
        holder[last] = value

    value = _value(inputs["value"])
    return _change(workspace, inputs, change, "set")


def json_delete(workspace: Workspace, inputs: Inputs) -> str:
    def change(holder: Any, last: str | int) -> None:
        _at(holder, [last])
        del holder[last]

    return _change(workspace, inputs, change, "deleted")


def json_check(workspace: Workspace, inputs: Inputs) -> str:
    path = inputs["path"]
    data = _json(workspace, path)
    wanted = inputs["required"] or []
    missing = [key for key in wanted if not _has(data, _parts(key))]
    if missing:
        return f"{path} is valid JSON, but lacks: {', '.join(missing)}"
    return f"{path} is valid JSON: {_kind(data)}" + (", and has every key asked for" if wanted else "")


def toml_get(workspace: Workspace, inputs: Inputs) -> str:
    return _text(_at(_toml(workspace, inputs["path"]), _parts(inputs["key"])))


def toml_keys(workspace: Workspace, inputs: Inputs) -> str:
    return _keys(_at(_toml(workspace, inputs["path"]), _parts(inputs["key"])))


def toml_set(workspace: Workspace, inputs: Inputs) -> str:
    path, key = inputs["path"], inputs["key"]
    value = _value(inputs["value"])
    if value is None:
        raise ToolError("TOML has no null; expected a text, a number, true, false, a list or an object")
    try:
        after = set_value(workspace.text(path), key, value, path)
    except (InvalidEdit, InvalidFile) as error:
        raise ToolError(str(error)) from None
    workspace.write_text(path, after)
    return f"set {key} in {path}"


def _change(workspace: Workspace, inputs: Inputs, change: Callable[[Any, str | int], None], done: str) -> str:
    path, parts = inputs["path"], _parts(inputs["key"])
    text = workspace.text(path)
    data = copy.deepcopy(_json(workspace, path))
    if not parts:
        raise ToolError("no key: expected one such as name or items[0].name")
    holder = _at(data, parts[:-1])
    if not isinstance(holder, list if isinstance(parts[-1], int) else dict):
        raise ToolError(f"{inputs['key']}: what is above it is {_kind(holder)}")
    change(holder, parts[-1])
    indent = next((len(line) - len(line.lstrip()) for line in text.splitlines()[1:] if line.startswith(" ")), None)
    after = json.dumps(data, ensure_ascii=False, indent=indent or (2 if "\n" in text.strip() else None))
    workspace.write_text(path, after + "\n" * text.endswith("\n"))
    return f"{done} {inputs['key']} in {path}"


def _json(workspace: Workspace, path: str) -> Any:
    try:
        return json.loads(workspace.text(path).removeprefix("\ufeff"))
    except json.JSONDecodeError as error:
        raise ToolError(f"{path} is no valid JSON: line {error.lineno}, column {error.colno}: {error.msg}") from None
    except ValueError as error:  # a number of too many digits
        raise ToolError(f"{path} is no valid JSON: {error}") from None


def _toml(workspace: Workspace, path: str) -> Any:
    try:
        return tomllib.loads(workspace.text(path))
    except (tomllib.TOMLDecodeError, ValueError) as error:
        raise ToolError(f"{path} is no valid TOML: {error}") from None


def _value(text: str) -> Any:
    """The JSON value; a plain word that is none is taken as the text it is."""
    try:
        return json.loads(text)
    except ValueError:
        if text.lstrip()[:1] in ("{", "[", '"'):
            raise ToolError(f"the value is no valid JSON: {text[:60]}") from None
        return text


def _parts(key: str | None) -> list[str | int]:
    """``a.b[0]."c.d"`` as its parts."""
    parts: list[str | int] = []
    at = 0
    key = key or ""
    while at < len(key):
        match = _PART.match(key, at)
        if match is None:
            raise ToolError(
                f'{key}: not understood from {key[at:]!r} on; expected a key such as items[0].name or a."b.c"'
            )
        quoted, number, plain = match.groups()
        parts.append(int(number) if number is not None else quoted if quoted is not None else plain)
        at = match.end()
        at += key[at : at + 1] == "."
    return parts


def _at(data: Any, parts: list[str | int]) -> Any:
    for number, part in enumerate(parts):
        try:
            data = _step(data, part)
        except (LookupError, ValueError):
            where = ".".join(map(str, parts[:number])) or "the top"
            raise ToolError(f"no {part!r} at {where}, which is {_kind(data)}") from None
    return data


def _step(data: Any, part: str | int) -> Any:
    if isinstance(data, dict):
        return data[str(part)]
    if isinstance(data, list):
        return data[int(part)]
    raise KeyError(part)


def _has(data: Any, parts: list[str | int]) -> bool:
    try:
        _at(data, parts)
    except ToolError:
        return False
    return True


def _keys(data: Any) -> str:
    if isinstance(data, dict):
        return capped([f"{key}: {_kind(value)}" for key, value in data.items()]) or "no keys"
    return _kind(data)


def _kind(data: Any) -> str:
    if isinstance(data, dict):
        names = ", ".join(map(str, list(data)[:12]))
        return f"an object with {len(data)} keys" + (f" ({names}{', ...' if len(data) > 12 else ''})" if data else "")
    if isinstance(data, list):
        return f"a list of {len(data)}"
    return {str: "a text", bool: "true or false", type(None): "null"}.get(type(data), "a number or a date")


def _text(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, indent=1, default=str)


_KEY: Final = Parameter("key", 'Where it is, such as name, items[0].name or tool."a.b".')
_TABLE: Final = Parameter("key", "Where to look; leave out for the top.", required=False)
_VALUE: Final = Parameter("value", 'The new value as JSON, such as 3, true, "text" or ["a", "b"].')

DEFINITIONS: Final = (
    Definition("json_get", "Read one value of a JSON file by its key.", (FILE, _KEY), json_get, READS),
    Definition(
        "json_keys",
        "List the keys of a JSON file, or of a value in it, with their kinds.",
        (FILE, _TABLE),
        json_keys,
        READS,
    ),
    Definition(
        "json_set",
        "Set one value of a JSON file; an index just past a list's end adds to it.",
        (FILE, _KEY, _VALUE),
        json_set,
        WRITES,
    ),
    Definition(
        "json_delete",
        "Delete one key of an object, or one item of a list, in a JSON file.",
        (FILE, _KEY),
        json_delete,
        WRITES,
    ),
    Definition(
        "json_check",
        "Check that a file is valid JSON and, if asked, has certain keys.",
        (FILE, Parameter("required", "Keys that must be there.", "strings", required=False)),
        json_check,
        READS,
    ),
    Definition("toml_get", "Read one value of a TOML file by its key.", (FILE, _KEY), toml_get, READS),
    Definition(
        "toml_keys",
        "List the keys of a TOML file, or of a table in it, with their kinds.",
        (FILE, _TABLE),
        toml_keys,
        READS,
    ),
    Definition(
        "toml_set",
        "Set one value of a TOML file; comments and the order of keys stay.",
        (FILE, _KEY, _VALUE),
        toml_set,
        WRITES,
    ),
)
