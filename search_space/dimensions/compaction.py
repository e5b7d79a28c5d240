"""The compaction dimension: a strategy, and the parameters that only that strategy has."""

from __future__ import annotations

from dataclasses import dataclass

from search_space.dimensions.base import Files
from search_space.dimensions.keys import KeyDimension
from search_space.domains import Assignment, Scalar, same
from search_space.edits import Edit, SetTable

TABLE = "compaction"


@dataclass(frozen=True)
class CompactionDimension(KeyDimension):
    """Which strategy. Choosing another one writes the table anew with that strategy's declared parameters."""

    parameters: tuple[CompactionParameter, ...] = ()

    def change(self, files: Files, value: Scalar, target: Assignment) -> Edit | None:
        if same(self.read(files), value):
            return None
        table: dict[str, Scalar] = {"strategy": value}
        for parameter in self.parameters:
            if parameter.strategy == value:
                table[parameter.parameter] = target.get(parameter.name, parameter.default)
        return SetTable(file=self.file, key=TABLE, value=dict(table))

    def describe(self, value: Scalar) -> str:
        return "send everything, without compaction" if value == "none" else f"compact with {value}"

    def owns(self, parts: tuple[str, ...]) -> bool:
        return parts[:1] == (TABLE,)


@dataclass(frozen=True)
class CompactionParameter(KeyDimension):
    """One parameter of one strategy."""

    strategy: str = ""
    parameter: str = ""

    def describe(self, value: Scalar) -> str:
        return f"set {self.parameter} of {self.strategy} to {value}"
