"""Edits: values that apply to a tree of files, invert, and describe themselves in words.

A tree is ``Mapping[str, bytes]``: relative posix path to content. An edit never changes the mapping it is given. One
that does not apply raises :class:`~search_space.errors.InvalidEdit`, which names the file, the key or section, what was
got and what was expected. ``invert`` gives the edit that restores the files byte for byte; where the edit of the same
kind would not (formatting that a typed edit does not keep), the inverse is a unified diff.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from typing import Any

from pydantic import TypeAdapter, ValidationError

from search_space.edits.free import Diff, SetText
from search_space.edits.keys import SetKey, SetTable
from search_space.edits.many import Edit, Many
from search_space.edits.prompt import AddItem, MoveItem, RemoveItem, ReplaceItem
from search_space.edits.region import SetRegion
from search_space.errors import InvalidEdit

__all__ = [
    "AddItem",
    "Diff",
    "Edit",
    "Many",
    "MoveItem",
    "RemoveItem",
    "ReplaceItem",
    "SetKey",
    "SetRegion",
    "SetTable",
    "SetText",
    "edit_from_json",
    "edit_to_json",
]


@lru_cache(maxsize=1)
def _adapter() -> TypeAdapter[Edit]:
    return TypeAdapter(Edit)


def edit_to_json(edit: Edit) -> dict[str, Any]:
    """The edit as JSON values; ``edit_from_json`` reads it back to an equal edit."""
    return edit.model_dump(mode="json")


def edit_from_json(value: Mapping[str, Any]) -> Edit:
    """The edit that ``value`` says. Raises :class:`InvalidEdit` naming the field that is wrong."""
    try:
        return _adapter().validate_python(dict(value))
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        where = ".".join(str(part) for part in first["loc"]) or "edit"
        got = first["input"] if isinstance(first["input"], str | int | float | None) else type(first["input"]).__name__
        raise InvalidEdit(f"{where}: got {got!r}: {first['msg']}") from None
