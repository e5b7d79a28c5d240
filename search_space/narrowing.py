"""Whether permissions only became narrower: no call is allowed more afterwards than before.

Decided by meaning where that can be shown by comparing rules one with one; what cannot be shown is refused. For each
level that a call can be held to (at least ask; deny) a rule is *strong* when it holds calls to it and *weak* when not.
"""

from __future__ import annotations

from collections.abc import Iterable

from search_space.globs import glob
from search_space.permissions import STRICTNESS, Permissions, Rule, covers

Placed = tuple[str, Rule]
"""A rule with the key that it stands at."""
ANY = Rule(tool="*", action="allow")


def wider(before: Permissions, after: Permissions) -> str | None:
    """Why ``after`` may allow more than ``before``, naming the rule; None when it is shown that it does not."""
    if before == after:
        return None
    old, new = before.all_rules(), after.all_rules()
    for level in ("deny", "ask"):
        strong, weak = _split(new, level)
        if any(covers(rule, ANY) for _, rule in strong):
            continue
        held_by_default = STRICTNESS[after.default] >= STRICTNESS[level]
        if held_by_default and not weak:
            continue
        old_strong, old_weak = _split(old, level)
        for key, rule in old_strong:
            apart = held_by_default and all(_apart(rule, each) for _, each in weak)
            if not apart and not _covered(rule, strong):
                return f"{key}: got '{rule}' gone or narrowed, and nothing else shown to {_verb(level)} all of it"
        if STRICTNESS[before.default] < STRICTNESS[level]:
            continue
        if not held_by_default:
            return f"permissions.default: got '{after.default}', expected '{before.default}' or stricter"
        for key, rule in weak:
            if not _covered(rule, old_weak) and not _covered(rule, strong):
                return f"{key}: got '{rule}', which allows what permissions.default = '{before.default}' held back"
    return None


def _split(rules: Iterable[Placed], level: str) -> tuple[list[Placed], list[Placed]]:
    """The rules that hold calls to ``level``, and the others."""
    strong: list[Placed] = []
    weak: list[Placed] = []
    for placed in rules:
        (strong if STRICTNESS[placed[1].action] >= STRICTNESS[level] else weak).append(placed)
    return strong, weak


def _covered(rule: Rule, by: Iterable[Placed]) -> bool:
    return any(covers(each, rule) for _, each in by)


def _apart(one: Rule, other: Rule) -> bool:
    """Whether no call is matched by both: they are about different tools."""
    return not glob(one.tool).touches(glob(other.tool))


def _verb(level: str) -> str:
    return "deny" if level == "deny" else "ask before"
