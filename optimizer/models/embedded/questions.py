"""Reads a question about source code: which goal it sets, about which names.

Loose patterns over English and backticked names; a question that fits none is answered with a guess. The names of goals
and their parts are this module's own: nothing here knows where the questions come from.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache


@dataclass(frozen=True, slots=True)
class ModuleRef:
    """A module as a question gives it. ``how``: ``named`` (``module``), ``class`` (the one that defines ``name``),
    ``base`` (that defines the base class of ``name`` in ``module``), ``import`` (where ``name`` lives, which ``module``
    imports)."""

    how: str
    name: str = ""
    module: str = ""


@dataclass(frozen=True, slots=True)
class BaseModule:
    """The module of the base class, ``steps`` steps up from ``cls`` in ``where``."""

    cls: str
    where: ModuleRef
    steps: int = 1


@dataclass(frozen=True, slots=True)
class MethodOwner:
    """The ancestor of ``cls`` that defines ``method``, or the line where it does (``line``)."""

    cls: str
    where: ModuleRef
    method: str
    line: bool = False


@dataclass(frozen=True, slots=True)
class FollowImports:
    """Where the last of ``names`` is defined; each is imported by the module where the one before it was found."""

    module: str
    names: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class CountCalls:
    """Call sites of ``function`` in all of ``places``."""

    function: str
    places: tuple[ModuleRef, ...]


@dataclass(frozen=True, slots=True)
class Longest:
    """The longest function in ``places``: its name, or how many lines it has (``lines``)."""

    places: tuple[ModuleRef, ...]
    lines: bool = False


@dataclass(frozen=True, slots=True)
class LargestDefault:
    """Of (parameter, function, module) the function with the largest default."""

    candidates: tuple[tuple[str, str, str], ...]


@dataclass(frozen=True, slots=True)
class LineOf:
    """The line on which ``name`` of ``module`` is defined; ``kind`` is ``class`` or ``function``."""

    kind: str
    name: str
    module: str


@dataclass(frozen=True, slots=True)
class MethodCount:
    """How many methods the base class of ``cls`` has."""

    cls: str
    where: ModuleRef


@dataclass(frozen=True, slots=True)
class Combine:
    """Two numbers, added (``sum``) or compared (``larger``)."""

    how: str
    first: LineOf
    second: CountCalls | Longest | MethodOwner | MethodCount


@dataclass(frozen=True, slots=True)
class Unknown:
    """A question that none of the patterns fits."""


Goal = (
    BaseModule
    | MethodOwner
    | FollowImports
    | CountCalls
    | Longest
    | LargestDefault
    | Combine
    | LineOf
    | MethodCount
    | Unknown
)

_N = r"`([^`\s]+)`"
_IN = rf"\W*(?:\(?\s*(?:which is |that is )?(?:defined )?(?:in|of) (?:the )?module {_N}\)?)"
_BASE_OF = re.compile(rf"(?:base|parent|super) ?class of (?:the )?class {_N}{_IN}")
_CLASS_IN = re.compile(rf"class {_N}{_IN}")
_CLASS = re.compile(rf"class {_N}")
_METHOD = re.compile(rf"method {_N}")
_FUNCTION = re.compile(rf"function {_N}")
_LINE_OF = re.compile(rf"line (?:on which|is|where) (?:the )?(class|function) {_N}{_IN}")
_ONE_NUMBER = re.compile(r"\W*(?:(?P<line>(?:on|at|in) which line\b)|how many (?:methods|lines) )", re.IGNORECASE)
_LINE_IS = re.compile(rf"(class|function) {_N}{_IN}")
_CANDIDATE = re.compile(rf"{_N} of {_N} in (?:the )?module {_N}")
_IMPORTER = re.compile(rf"module {_N} imports (?:the )?name {_N}")
_IMPORTED = re.compile(rf"name {_N},? (?:is |that is )?imported by (?:the )?module {_N}")
_IMPORTED_THAT = re.compile(rf"name {_N},? (?:that|which) (?:the )?module {_N} imports")
_NAME = re.compile(rf"name {_N}")
_PLACES = re.compile(
    rf"(?P<base>module that defines the (?:base|parent) class of (?:the )?class {_N}{_IN})"
    rf"|(?P<import>module (?:in which|where) (?:the )?name {_N},? imported by (?:the )?module {_N},?"
    r" is (?:really )?defined)"
    rf"|(?P<class>module (?:that|which) defines (?:the )?class {_N})"
    rf"|(?P<named>module {_N})"
)


@lru_cache(maxsize=4096)
def read_question(text: str) -> Goal:
    """The goal that ``text`` sets."""
    early = _LINE_OF.search(text)
    if alone := _one_number(text):
        return alone
    if "default" in text and (found := _CANDIDATE.findall(text)):
        return LargestDefault(tuple(found))
    if early and not re.search(r"\b(inherit\w*|call sites?|longest|methods?)\b", text[: early.start()]):
        rest = text[early.end() :]
        second = _number_goal(rest)
        if second is not None:
            how = "larger" if re.search(r"\b(larger|bigger|greater|maximum)\b", rest) else "sum"
            return Combine(how, LineOf(*early.groups()), second)
    goal = _number_goal(text) if re.search(r"call sites?|inherit|ancestor|longest", text) else None
    if isinstance(goal, Longest):
        return Longest(goal.places)
    if isinstance(goal, MethodOwner):
        return MethodOwner(goal.cls, goal.where, goal.method)
    return goal if isinstance(goal, CountCalls) else _module_goal(text)


def _one_number(text: str) -> LineOf | Longest | MethodOwner | MethodCount | None:
    """The goal of a short question for one number: a line, or how many methods or lines there are."""
    asked = _ONE_NUMBER.match(text)
    if asked is None:
        return None
    if asked["line"] is None:
        goal = _number_goal(text)
        return goal if isinstance(goal, Longest | MethodCount) else None
    if inherited := _number_goal(text):
        return inherited if isinstance(inherited, MethodOwner) else None
    found = _LINE_IS.search(text)
    return LineOf(*found.groups()) if found else None


def _number_goal(text: str) -> CountCalls | Longest | MethodOwner | MethodCount | None:
    """The goal of a text that asks for a number (or for what the number belongs to)."""
    if re.search(r"call sites?|calls of", text) and (function := _FUNCTION.search(text)):
        return CountCalls(function[1], _places(text))
    if "longest" in text and (places := _places(text)):
        return Longest(places, lines=True)
    inherited = re.search(r"inherit|ancestor", text)
    if inherited and (method := _METHOD.search(text)) and (cls := _CLASS_IN.search(text)):
        return MethodOwner(cls[1], ModuleRef("named", module=cls[2]), method[1], line=True)
    if "methods" in text and (base := _BASE_OF.search(text) or _CLASS_IN.search(text)):
        return MethodCount(base[1], ModuleRef("named", module=base[2]))
    return None


def _module_goal(text: str) -> Goal:
    """The goal of a text that asks for a module."""
    imported = _IMPORTER.search(text)
    pair = (imported[1], imported[2]) if imported else None
    if pair is None and (other := _IMPORTED.search(text) or _IMPORTED_THAT.search(text)):
        pair = (other[2], other[1])
    if pair is not None:
        names = dict.fromkeys([pair[1], *(name for name in _NAME.findall(text) if name != pair[1])])
        return FollowImports(pair[0], tuple(names))
    if "base class" not in text and "parent class" not in text:
        return Unknown()
    steps = 2 if re.search(r"base class of the base class|two steps|parent of the parent", text) else 1
    if found := _CLASS_IN.search(text):
        return BaseModule(found[1], ModuleRef("named", module=found[2]), steps)
    if alone := _CLASS.search(text):
        return BaseModule(alone[1], ModuleRef("class", name=alone[1]), steps)
    return Unknown()


def _places(text: str) -> tuple[ModuleRef, ...]:
    """The modules that ``text`` names, in order, each once."""
    found: list[ModuleRef] = []
    for match in _PLACES.finditer(text):
        names = [group for group in match.groups() if group and "`" not in group and " " not in group]
        if match["base"] or match["import"]:
            found.append(ModuleRef("base" if match["base"] else "import", names[0], names[1]))
        elif match["class"]:
            found.append(ModuleRef("class", names[0]))
        else:
            found.append(ModuleRef("named", module=names[0]))
    return tuple(dict.fromkeys(found))
