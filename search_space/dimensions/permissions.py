"""The permission dimension: what the model may do with one tool. Only narrower values can be reached, unless the
experiment opens wider ones."""

from __future__ import annotations

from dataclasses import dataclass

from search_space.dimensions.base import Files
from search_space.dimensions.keys import KeyDimension, document
from search_space.domains import Assignment, Choice, Domain, Scalar, same
from search_space.edits import Edit, SetKey
from search_space.errors import InvalidEdit
from search_space.permissions import STRICTNESS
from search_space.toml_text import lookup

WORDS = {
    "allow": "allow the tool {}",
    "ask": "ask before each use of the tool {}, which denies it where nobody answers",
    "deny": "forbid the tool {}",
}


@dataclass(frozen=True)
class PermissionDimension(KeyDimension):
    """One tool's own action in ``[permissions.tools]``; one that is not there is the default."""

    tool: str = ""
    widen: bool = False

    def allowed(self, assignment: Assignment) -> Domain:
        present = assignment.get(self.name)
        if self.widen or present is None or not isinstance(self.domain, Choice):
            return self.domain
        kept = tuple(value for value in self.domain.values if _strictness(value) >= _strictness(present))
        return Choice(kept) if kept else Choice((present,))

    def read(self, files: Files) -> Scalar:
        value = super().read(files)
        return self._default(files) if value is None else value

    def change(self, files: Files, value: Scalar, target: Assignment) -> Edit | None:
        present = self.read(files)
        if same(present, value):
            return None
        if not self.widen and _strictness(value) < _strictness(present):
            raise InvalidEdit(
                f"{self.name}: got '{value}', expected '{present}' or stricter: permissions only become narrower "
                "(the space may say widen = true)"
            )
        # Under a default of allow, and only there, a rule that allows says nothing.
        plain = value == "allow" and self._default(files) == "allow"
        return SetKey(file=self.file, key=self.key, value=None if plain else value)

    def describe(self, value: Scalar) -> str:
        return WORDS.get(str(value), "set the permission of the tool {} to " + str(value)).format(self.tool)

    def _default(self, files: Files) -> str:
        try:
            return str(lookup(document(files, self.file), ("permissions", "default")))
        except KeyError:
            return "allow"


def _strictness(value: Scalar) -> int:
    return STRICTNESS.get(str(value), 0)
