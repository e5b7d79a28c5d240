"""Which keys harness.toml may have, and what it means that one is not there, for a space that opens it."""

from __future__ import annotations

from collections.abc import Sequence
from types import UnionType
from typing import Any, Union, get_args, get_origin

from pydantic import BaseModel

from search_space.domains import Scalar
from search_space.harness_file import HarnessFile


class UnknownKey(Exception):
    """harness.toml has no such key. ``depth`` parts of it are fine; one of ``known`` was expected there."""

    def __init__(self, depth: int, known: Sequence[str]) -> None:
        super().__init__(f"no such key; known here: {', '.join(known) or 'none'}")
        self.depth, self.known = depth, list(known)


def absent_value(parts: Sequence[str], otherwise: Scalar) -> Scalar:
    """What it means that the key ``parts`` is not there: the default of harness.toml's format; for a value of a table
    of free names (``flags.careful``, ``tools.parallel.grep``) ``otherwise``, as true or false where it is a boolean.
    Raises :class:`UnknownKey`.

    A sub-agent's, tool's or server's name may be anything: whether a harness has it is for the harness to say.
    """
    kind: Any = HarnessFile
    default: Any = None
    for depth, part in enumerate(parts):
        kind, free = _inner(kind)
        if free:
            default = bool(otherwise) if kind is bool else otherwise
            continue
        fields = kind.model_fields if isinstance(kind, type) and issubclass(kind, BaseModel) else {}
        if part not in fields:
            raise UnknownKey(depth, list(fields))
        field = fields[part]
        kind, default = field.annotation, field.get_default(call_default_factory=True)
    return default if isinstance(default, str | int | float | bool) else None


def _inner(kind: Any) -> tuple[Any, bool]:
    """What stands in a table of this kind: itself for a table of fixed keys, the values' kind and True for one of free
    names."""
    if get_origin(kind) is dict:
        return get_args(kind)[1], True
    if get_origin(kind) in (Union, UnionType):
        models = [each for each in get_args(kind) if isinstance(each, type) and issubclass(each, BaseModel)]
        return (models[0], False) if len(models) == 1 else (kind, False)
    return kind, False
