"""Typed files: a pydantic model's complaint becomes an error that names file, key, got, expected and nearest key."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from difflib import get_close_matches
from types import UnionType
from typing import Any, TypeVar, Union, get_args, get_origin

from pydantic import BaseModel, ConfigDict, ValidationError

from search_space.errors import InvalidFile
from search_space.toml_text import parse_toml

M = TypeVar("M", bound=BaseModel)


class Strict(BaseModel):
    """Base of every model that describes a file: frozen, no unknown keys, no silent conversion of types."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)


def load_toml(text: str, model: type[M], *, file: str) -> M:
    """Read TOML ``text`` as a ``model``. ``file`` is how errors call it.

    Raises :class:`InvalidFile` for text that is no TOML, an unknown key (when the model forbids them, as
    :class:`Strict` does), a missing key, or a value of the wrong type or range.
    """
    return validate(parse_toml(text, file), model, file=file)


def validate(data: Mapping[str, Any], model: type[M], *, file: str) -> M:
    """``data`` as a ``model``; raises :class:`InvalidFile` for the first thing that is wrong."""
    try:
        return model.model_validate(data)
    except ValidationError as error:
        raise _explained(error, data, model, file) from None


def nearest(word: str, known: Iterable[str]) -> str | None:
    """The known word most like ``word``, None when none is near."""
    return next(iter(get_close_matches(word, sorted(known), n=1, cutoff=0.5)), None)


def _explained(error: ValidationError, data: Mapping[str, Any], model: type[BaseModel], file: str) -> InvalidFile:
    # An unknown key is often the cause of a missing one: it is named first.
    details = sorted(error.errors(include_url=False), key=lambda each: each["type"] != "extra_forbidden")
    first = details[0]
    location, kind = first["loc"], first["type"]
    key = _key(location, data)
    context = first.get("ctx", {})
    if kind == "extra_forbidden":
        known = _known_keys(model, location)
        expected = f"one of {', '.join(sorted(known))}" if known else "no such key"
        return InvalidFile(file, key, "an unknown key", expected, nearest(str(location[-1]), known))
    if kind == "missing":
        return InvalidFile(file, key, "nothing", "a value (this key is required)")
    if kind == "union_tag_invalid":
        tags = [tag.strip().strip("'") for tag in str(context["expected_tags"]).split(",")]
        name = str(context["discriminator"]).strip("'")
        where = f"{key}.{name}" if key else name
        return InvalidFile(
            file, where, repr(context["tag"]), f"one of {', '.join(tags)}", nearest(context["tag"], tags)
        )
    if kind == "union_tag_not_found":
        name = str(context["discriminator"]).strip("'")
        return InvalidFile(file, f"{key}.{name}" if key else name, "nothing", "a value (this key is required)")
    if kind == "literal_error":
        options = [option.strip().strip("'") for option in str(context["expected"]).replace(" or ", ", ").split(",")]
        near = nearest(first["input"], options) if isinstance(first["input"], str) else None
        return InvalidFile(file, key, shown(first["input"]), f"one of {', '.join(options)}", near)
    return InvalidFile(file, key, shown(first["input"]), _expected(first["msg"]))


def _expected(message: str) -> str:
    pattern = message.removeprefix("String should match pattern ")
    if pattern != message:
        return f"a text that matches {pattern}"
    for start in ("Input should be ", "Value error, expected ", "Value error, ", "Assertion failed, "):
        if message.startswith(start):
            told = message.removeprefix(start)
            return "a valid list" if told == "a valid tuple" else told  # TOML knows no tuples
    return message[:1].lower() + message[1:]


def shown(value: Any) -> str:
    """A value as an error shows it: in TOML's words, cut at 60 characters."""
    if isinstance(value, Mapping):
        return "a table"
    text = str(value).lower() if isinstance(value, bool) else repr(value)
    text = text if len(text) <= 60 else text[:57] + "..."
    return text if isinstance(value, bool | str) else f"{text} ({type(value).__name__})"


def _key(location: tuple[int | str, ...], data: Any) -> str:
    """The dotted key of an error's location, without the tags that pydantic adds for unions."""
    text = ""
    missing = tagged = False
    for index, part in enumerate(location):
        if part == "[key]":
            break  # it is the key itself that is wrong
        if not tagged and index < len(location) - 1 and _is_tag(part, data):
            tagged = True  # also where a key of the table has the tag's name: the tag comes first
            continue
        tagged = False
        if isinstance(part, int):
            text += f"[{part}]"
            data = data[part] if isinstance(data, list) and part < len(data) else None
        elif isinstance(data, Mapping) and part in data:
            text += f".{part}" if text else part
            data = data[part]
        elif index == len(location) - 1 and not missing:
            # A missing key stands last; anything else that is not in the data is a union's tag or a type's name.
            text += f".{part}" if text and isinstance(data, Mapping) else part if isinstance(data, Mapping) else ""
            missing = True
    return text


def _is_tag(part: int | str, data: Any) -> bool:
    return isinstance(data, Mapping) and part in (data.get("kind"), data.get("strategy"))


def _known_keys(model: type[BaseModel], location: tuple[int | str, ...]) -> set[str]:
    """The keys that could stand where ``location``'s last part does."""
    models = {model}
    for part in location[:-1]:
        if isinstance(part, int):
            continue
        tagged = {each for each in models if _has_tag(each, part)}
        if tagged:
            models = tagged
            continue
        fields = [each.model_fields[part].annotation for each in models if part in each.model_fields]
        inner = {found for annotation in fields for found in _models_in(annotation)}
        models = inner or models
    return {field.alias or name for each in models for name, field in each.model_fields.items()}


def _has_tag(model: type[BaseModel], tag: str) -> bool:
    return any(
        tag in get_args(model.model_fields[name].annotation)
        for name in ("kind", "strategy")
        if name in model.model_fields
    )


def _models_in(annotation: Any) -> set[type[BaseModel]]:
    """Every model inside a type: itself, or the members of a union, list, dict or annotated type."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return {annotation}
    if get_origin(annotation) in (Union, UnionType, list, dict, tuple) or get_args(annotation):
        return {found for part in get_args(annotation) for found in _models_in(part)}
    return set()
