"""Several edits as one, and the union of all kinds."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from search_space.edits.base import BaseEdit, Files
from search_space.edits.free import Diff, SetText
from search_space.edits.keys import SetKey, SetTable
from search_space.edits.prompt import AddItem, MoveItem, RemoveItem, ReplaceItem
from search_space.edits.region import SetRegion


class Many(BaseEdit):
    """Several edits, one after the other; all of them or none."""

    kind: Literal["many"] = "many"
    edits: tuple[Edit, ...] = Field(strict=False)

    def apply(self, files: Files) -> dict[str, bytes]:
        result = dict(files)
        for edit in self.edits:
            result = edit.apply(result)
        return result

    def describe(self) -> str:
        return "; ".join(edit.describe() for edit in self.edits) or "change nothing"

    def _inverse(self, files: Files) -> Edit | None:
        inverses: list[Edit] = []
        current: Files = files
        for edit in self.edits:
            inverses.append(edit.invert(current))
            current = edit.apply(current)
        return Many(edits=tuple(reversed(inverses)))


Edit = Annotated[
    SetKey | SetTable | SetRegion | SetText | AddItem | RemoveItem | MoveItem | ReplaceItem | Diff | Many,
    Field(discriminator="kind"),
]
"""One change to a harness, of any kind."""

Many.model_rebuild()
