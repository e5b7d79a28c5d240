"""Proposals of a person: files dropped into a folder, each taken once.

``idea.toml``::

    hypothesis = "Checking the answer once more avoids slips"
    expected_effect = 0.03        # optional, as a fraction of the score
    absent = ["method.hurry"]     # optional: dimensions to be left out
    [changes]
    "method.verify" = "twice"
    limits.max_steps = 30

``idea.diff`` or ``idea.patch``: lines that begin with ``#`` say the hypothesis, a unified diff of the harness's files
follows. A file is known by its content: renaming it offers nothing new, editing it does. Files are only ever read.
"""

from __future__ import annotations

import hashlib
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path
from typing import Any

from optimizer.proposers.base import Situation
from optimizer.proposers.draws import same_value
from optimizer.records import Proposal
from search_space.edits import Diff, Edit, Many
from search_space.errors import InvalidEdit
from search_space.space import Scalar, Space

MAX_BYTES = 1_000_000
KEYS = ("hypothesis", "expected_effect", "absent", "changes")


@dataclass(frozen=True, slots=True)
class HumanProposer:
    """Takes the proposals in ``folder`` in the order of their names; a folder that is not there holds none.

    A file that cannot be used becomes a proposal whose ``problem`` says why: it is recorded as invalid, and left alone.
    What was taken is known from the history's ``source``.
    """

    folder: Path
    name: str = "human"

    def propose(self, situation: Situation) -> Proposal | None:
        """The first file not taken yet, None when there is none."""
        taken = {past.source for past in situation.history}
        for file in self._files():
            try:
                with file.open("rb") as stream:
                    content = stream.read(MAX_BYTES + 1)
            except OSError:
                continue  # Gone or not readable now: it is met again at the next ask.
            source = f"{self.name}:sha256:{hashlib.sha256(content).hexdigest()}"
            if source not in taken:
                return self._proposal(file, content, source, situation)
        return None

    def _files(self) -> list[Path]:
        try:
            entries = sorted(self.folder.iterdir(), key=lambda path: path.name)
        except OSError:
            return []
        return [
            path
            for path in entries
            if path.suffix in (".toml", ".diff", ".patch") and not path.name.startswith(".") and path.is_file()
        ]

    def _proposal(self, file: Path, content: bytes, source: str, situation: Situation) -> Proposal:
        try:
            text = _text(content)
            read = _read_toml if file.suffix == ".toml" else _read_diff
            edit, words, changes, expected = read(text, situation)
        except (InvalidEdit, _Unusable) as error:
            return Proposal(
                edit=Many(edits=()),
                hypothesis=f"A person's proposal, {file.name}, which cannot be used.",
                proposer=self.name,
                source=source,
                problem=f"{file.name}: {error}",
            )
        return Proposal(
            edit=edit,
            hypothesis=words or f"A person's proposal, {file.name}.",
            proposer=self.name,
            changes=changes,
            expected_effect=expected,
            source=source,
        )


class _Unusable(Exception):
    """The file is no proposal; the text says why."""


_Parts = tuple[Edit, str, Mapping[str, Scalar], float | None]


def _text(content: bytes) -> str:
    if len(content) > MAX_BYTES:
        raise _Unusable(f"got more than {MAX_BYTES:,} bytes, expected a short proposal")
    try:
        return content.decode("utf-8")
    except UnicodeDecodeError as error:
        raise _Unusable(f"got bytes that are not UTF-8 at {error.start}, expected text") from None


def _read_toml(text: str, situation: Situation) -> _Parts:
    try:
        value = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise _Unusable(f"got text that is not TOML ({error}), expected hypothesis and [changes]") from None
    for key in value:
        if key not in KEYS:
            raise _Unusable(f"{key}: got an unknown key, expected one of {', '.join(KEYS)}{_near(key, KEYS)}")
    words = value.get("hypothesis", "")
    if not isinstance(words, str):
        raise _Unusable(f"hypothesis: got {words!r}, expected text")
    changes = _changes(value, situation.space)
    now = situation.assignment
    new = {name: to for name, to in changes.items() if name not in now or not same_value(to, now[name])}
    if not new:
        raise _Unusable("changes: got only values that the champion has already, expected at least one new value")
    return situation.space.edit(situation.files, new), words.strip(), new, _expected(value.get("expected_effect"))


def _changes(value: Mapping[str, Any], space: Space) -> dict[str, Scalar]:
    table, absent = value.get("changes", {}), value.get("absent", [])
    if not isinstance(table, dict):
        raise _Unusable(f"changes: got {table!r}, expected a table of dimensions and their values")
    if not isinstance(absent, list) or not all(isinstance(name, str) for name in absent):
        raise _Unusable(f"absent: got {absent!r}, expected a list of names of dimensions")
    changes = {**_flat(table), **dict.fromkeys(absent, None)}
    if not changes:
        raise _Unusable("changes: got no dimension, expected at least one")
    for name in changes:
        if name not in space.names:
            near = _near(name, space.names)
            raise _Unusable(f"changes: got the unknown dimension '{name}', expected one that the space opens{near}")
    return changes


def _flat(table: Mapping[str, Any], before: str = "") -> dict[str, Scalar]:
    """Nested tables as dotted names: ``limits.max_steps = 30`` and ``"limits.max_steps" = 30`` are alike."""
    flat: dict[str, Scalar] = {}
    for key, value in table.items():
        if isinstance(value, dict):
            flat |= _flat(value, f"{before}{key}.")
        elif isinstance(value, (str, int, float, bool)):
            flat[before + key] = value
        else:
            raise _Unusable(f"changes.{before}{key}: got {value!r}, expected text, a number, true or false")
    return flat


def _expected(value: object) -> float | None:
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not -1 <= value <= 1:
        raise _Unusable(f"expected_effect: got {value!r}, expected a number from -1 to 1 (0.03 is three points)")
    return float(value)


def _read_diff(text: str, situation: Situation) -> _Parts:
    lines = text.splitlines(keepends=True)
    start = 0
    while start < len(lines) and (lines[start].startswith("#") or not lines[start].strip()):
        start += 1
    words = " ".join(line.lstrip("#").strip() for line in lines[:start]).strip()
    edit = Diff(text="".join(lines[start:]))
    if edit.apply(situation.files) == dict(situation.files):
        raise _Unusable("got a diff that changes nothing, expected at least one changed line")
    return edit, words, {}, None


def _near(name: str, known: tuple[str, ...]) -> str:
    found = get_close_matches(name, known, n=1)
    return f" (did you mean '{found[0]}'?)" if found else ""
