"""What the model may do with tools: allow, ask or deny, by tool and by what stands in an argument.

Of the rules that match a call the strictest holds, and the default where none does. A rule that forbids or asks is read
widely, one that allows narrowly, because a model that is kept from something may write it another way:

- forbidding and asking: the pattern, and its path form, against the argument's text as it is, tidied, as a path with
  its ``..`` resolved, and all of these without regard to case and compatibility characters; against every text inside
  a list or object, its elements joined by blanks, and its compact JSON; and, for a text that leads out of the working
  folder (``/``, ``..``, ``~``), against each of its tails, too.
- allowing: the tidied text and the resolved path must both match, and case counts; of a list every element must, or
  the elements joined by blanks when the pattern has one, or the compact JSON when the pattern begins like one.

Not seen: what a command or a program makes of a text (quotes, variables, escapes, encodings), symbolic links, and
contents that a tool reads from elsewhere. Code of a harness is no call of a tool: the sandbox is what bounds it.
"""

from __future__ import annotations

import json
import posixpath
import unicodedata
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Annotated, Any, Literal

from pydantic import Field

from search_space.globs import Glob, glob
from search_space.validation import Strict

Action = Literal["allow", "ask", "deny"]
STRICTNESS: Mapping[str, int] = {"allow": 0, "ask": 1, "deny": 2}
Pattern = Annotated[str, Field(min_length=1, max_length=200)]


class Rule(Strict):
    """One rule: a glob over tool names and, optionally, a glob over one argument's text. Without ``argument`` the
    pattern is for the whole input; without ``pattern`` it is enough that the argument is given."""

    tool: Pattern
    argument: Annotated[str, Field(min_length=1)] | None = None
    pattern: Pattern | None = None
    action: Action

    def __str__(self) -> str:
        where = f", {self.argument or 'input'} '{self.pattern or '*'}'" if self.argument or self.pattern else ""
        return f"{self.tool}{where}: {self.action}"


class Permissions(Strict):
    """``[permissions]``. ``tools`` holds one action for a whole tool: a rule without an argument."""

    default: Action = "allow"
    tools: dict[Annotated[str, Field(pattern=r"^[A-Za-z0-9_-]+$")], Action] = Field(default_factory=dict)
    rules: list[Rule] = Field(default_factory=list)

    def all_rules(self) -> list[tuple[str, Rule]]:
        """Every rule with the key that it stands at."""
        whole = [(f"permissions.tools.{name}", Rule(tool=name, action=self.tools[name])) for name in self.tools]
        return [*whole, *((f"permissions.rules[{index}]", rule) for index, rule in enumerate(self.rules))]


@dataclass(frozen=True, slots=True)
class Ruling:
    """What is to happen with a call, and the key and rule that say so."""

    action: Action
    rule: str


def ruling(permissions: Permissions, tool: str, given: Any) -> Ruling:
    """What the permissions say to a call of ``tool`` with the input ``given``."""
    strictest: Ruling | None = None
    for key, rule in permissions.all_rules():
        stricter = strictest is None or STRICTNESS[rule.action] > STRICTNESS[strictest.action]
        if stricter and matches(rule, tool, given):
            strictest = Ruling(rule.action, f"{key} ({rule})")
    return strictest or Ruling(permissions.default, f"permissions.default ({permissions.default})")


def matches(rule: Rule, tool: str, given: Any) -> bool:
    """Whether the rule is about this call."""
    if not glob(rule.tool).matches(tool):
        return False
    value = given
    if rule.argument is not None:
        if not isinstance(given, Mapping) or rule.argument not in given:
            return False
        value = given[rule.argument]
    if rule.pattern is None:
        return True
    return _narrowly(rule.pattern, value) if rule.action == "allow" else _widely(rule.pattern, value)


def covers(outer: Rule, inner: Rule) -> bool:
    """Whether ``outer`` is shown to match every call that ``inner`` matches."""
    if not glob(outer.tool).covers(glob(inner.tool)):
        return False
    if outer.argument is not None and outer.argument != inner.argument:
        return False
    if outer.pattern is None:
        return True
    if inner.pattern is None or outer.argument != inner.argument:
        return False
    if outer.action == "allow":
        pairs = zip(_narrow_patterns(outer.pattern), _narrow_patterns(inner.pattern), strict=True)
        readings = zip(_readings(outer.pattern), _readings(inner.pattern), strict=True)
        as_often = all(ours >= theirs for ours, theirs in readings)
        return inner.action == "allow" and as_often and all(ours.covers(theirs) for ours, theirs in pairs)
    wide = _wide_patterns(outer.pattern)
    return all(any(ours.covers(theirs) for ours in wide) for theirs in _wide_patterns(inner.pattern))


def _widely(pattern: str, value: Any) -> bool:
    patterns, tails = _wide_patterns(pattern), _tail_patterns(pattern)
    for text in _texts(value):
        for form in _forms(text):
            outside = form.startswith(("/", "..", "~"))
            if any(each.matches(form) for each in (*patterns, *(tails if outside else ()))):
                return True
    return False


def _narrowly(pattern: str, value: Any) -> bool:
    tidy, resolved = _narrow_patterns(pattern)

    def match(text: str) -> bool:
        return tidy.matches(_tidied(text)) and resolved.matches(_resolved(text))

    if not isinstance(value, list | dict):
        return match(_compact(value))
    if isinstance(value, list) and value and all(isinstance(each, str) for each in value) and all(map(match, value)):
        return True
    as_line, as_json = _readings(pattern)
    return (as_line and any(map(match, _line(value)))) or (as_json and match(_compact(value)))


def _readings(pattern: str) -> tuple[bool, bool]:
    """Whether a pattern that allows is also for a list's elements joined by blanks, and for compact JSON: only when it
    looks like one, because ``src/*`` is not meant to match ``src/a /etc/b``."""
    return " " in pattern or pattern == "*", pattern[0] in "[{" or pattern == "*"


@lru_cache(maxsize=1024)
def _wide_patterns(pattern: str) -> tuple[Glob, ...]:
    plain = (pattern, _tidied(pattern), _resolved(pattern))
    return tuple(glob(each) for each in dict.fromkeys((*plain, *map(_folded, plain))))


@lru_cache(maxsize=1024)
def _tail_patterns(pattern: str) -> tuple[Glob, ...]:
    return tuple(glob(f"*/{each.pattern}") for each in _wide_patterns(pattern))


def _narrow_patterns(pattern: str) -> tuple[Glob, Glob]:
    return glob(_tidied(pattern)), glob(_resolved(pattern))


def _compact(value: Any) -> str:
    """A text as it is, anything else as compact JSON."""
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, separators=(",", ":"))


def _line(value: Any) -> list[str]:
    """A flat list's elements joined by blanks, as on a command line; nothing for any other value."""
    flat = isinstance(value, list) and not any(isinstance(each, list | dict) for each in value)
    return [" ".join(map(_compact, value))] if flat else []


def _texts(value: Any) -> Iterator[str]:
    """Every text of a value: the whole, and all that is in it."""
    yield _compact(value)
    yield from _line(value)
    if isinstance(value, Mapping):
        for key, inner in value.items():
            yield key
            yield from _texts(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from _texts(inner)


def _forms(text: str) -> tuple[str, ...]:
    """What a tool might take the text for."""
    plain = [form for each in (text, text.strip(), text.replace("\\", "/")) for form in (each, _resolved(each))]
    plain.append(_tidied(text))
    return tuple(dict.fromkeys((*plain, *map(_folded, plain))))


def _tidied(text: str) -> str:
    """Without empty and ``.`` parts; no name is lost."""
    parts = text.split("/")
    ends = (0, len(parts) - 1)
    return "/".join(part for at, part in enumerate(parts) if part not in ("", ".") or (not part and at in ends))


def _resolved(text: str) -> str:
    """As a path, with its ``..`` resolved (by the text alone)."""
    return posixpath.normpath(f"/{text.lstrip('/')}" if text.startswith("/") else text)


def _folded(text: str) -> str:
    return unicodedata.normalize("NFKC", text).casefold()
