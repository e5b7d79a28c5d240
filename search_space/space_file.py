"""What a space file may say: one ``[[dimension]]`` table a dimension, by kind (docs/space-format.md)."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, model_validator

from search_space.domains import Domain, FloatRange, IntRange
from search_space.harness import SYSTEM_FILE
from search_space.harness_file import HARNESS_FILE, EffectsConfig, Visibility
from search_space.permissions import Action
from search_space.validation import Strict

Name = Annotated[str, Field(pattern=r"^[A-Za-z0-9_][A-Za-z0-9_.-]*$")]
Value = str | int | float | bool
Values = Annotated[list[Value], Field(min_length=1)]
Texts = Annotated[dict[Name, Annotated[str, Field(min_length=1)]], Field(min_length=1)]


class Conditional(Strict):
    """``when = { "memory.index" = [true] }``: the dimension is active while that one has one of these values."""

    name: Name | None = None
    when: dict[str, Values] | None = None
    default: Value | None = None

    @model_validator(mode="after")
    def _one_parent(self) -> Conditional:
        if self.when is not None and len(self.when) != 1:
            raise ValueError(f"expected one dimension in 'when', got {len(self.when)}")
        return self


class KeySpec(Conditional):
    file: str = HARNESS_FILE
    key: str


class ChoiceSpec(KeySpec):
    kind: Literal["choice"]
    values: Values


class IntSpec(KeySpec):
    kind: Literal["int"]
    low: int
    high: int
    step: int = 1
    log: bool = False


class FloatSpec(KeySpec):
    kind: Literal["float"]
    low: float
    high: float
    log: bool = False


class FlagSpec(KeySpec):
    kind: Literal["flag"]


class MemberSpec(KeySpec):
    kind: Literal["member"]
    member: str


class SlotSpec(Conditional):
    name: Name
    file: str = SYSTEM_FILE
    key: str = ""
    section: str = ""


class AlternativesSpec(SlotSpec):
    kind: Literal["alternatives"]
    texts: Texts


class SentenceSpec(SlotSpec):
    kind: Literal["sentence"]
    text: Annotated[str, Field(min_length=1)] | None = None
    texts: Texts | None = None

    @model_validator(mode="after")
    def _one_of_both(self) -> SentenceSpec:
        if (self.text is None) == (self.texts is None):
            raise ValueError("expected either 'text' (one wording) or 'texts' (wordings by id)")
        return self

    def wordings(self) -> dict[str, str]:
        """Wordings by id; a single one is called ``in``."""
        return self.texts if self.texts is not None else {"in": str(self.text)}


class LeadSpec(Strict):
    kind: Literal["lead"]
    name: Name
    file: str = SYSTEM_FILE
    key: str = ""
    section: str = ""


class DemonstrationsSpec(Strict):
    kind: Literal["demonstrations"]
    name: Name = "demonstrations"
    file: str = "prompts/demonstrations.md"
    section: Annotated[str, Field(min_length=1)] = "Examples"
    max: Annotated[int, Field(ge=1)]
    folder: str | None = None
    texts: Texts | None = None

    @model_validator(mode="after")
    def _one_of_both(self) -> DemonstrationsSpec:
        if (self.folder is None) == (self.texts is None):
            raise ValueError("expected either 'folder' (of *.md files) or 'texts' (demonstrations by id)")
        return self


class ParameterSpec(Strict):
    """A range (``low``, ``high``) or a choice (``values``) for one parameter of one strategy."""

    low: int | float | None = None
    high: int | float | None = None
    step: int = 1
    log: bool = False
    values: Values | None = None
    default: Value | None = None

    @model_validator(mode="after")
    def _one_of_both(self) -> ParameterSpec:
        if (self.values is None) != (self.low is not None and self.high is not None):
            raise ValueError("expected either 'values' or both 'low' and 'high'")
        return self

    def range(self) -> Domain:
        """The range that ``low`` and ``high`` say. Raises :class:`ValueError`."""
        if isinstance(self.low, int) and isinstance(self.high, int):
            return IntRange(self.low, self.high, self.step, self.log)
        return FloatRange(float(self.low or 0), float(self.high or 0), self.log)


class CompactionSpec(Strict):
    kind: Literal["compaction"]
    name: Name = "compaction"
    strategies: Annotated[
        list[
            Literal[
                "none",
                "sliding_window",
                "clear_results",
                "truncate_results",
                "summary",
                "fact_ledger",
                "plugin",
            ]
        ],
        Field(min_length=1),
    ]
    parameters: dict[str, dict[str, ParameterSpec]] = Field(default_factory=dict)


class ToolSpec(Strict):
    kind: Literal["tool"]
    name: Name = "tool"
    tools: Annotated[list[Name], Field(min_length=1)]
    values: Annotated[list[Visibility], Field(min_length=1)] = Field(
        default_factory=lambda: list[Visibility](["offered", "deferred", "off"])
    )


class ParallelSpec(Strict):
    kind: Literal["parallel"]
    name: Name = "parallel"
    tools: Annotated[list[Name], Field(min_length=1)]
    effects: dict[str, EffectsConfig] = Field(default_factory=dict)


class FirstToolSpec(Strict):
    kind: Literal["first_tool"]
    name: Name = "tools.first"
    tools: Annotated[list[Name], Field(min_length=2)]


class DescriptionSpec(Strict):
    kind: Literal["description"]
    name: Name | None = None
    tool: Name
    texts: Texts


class PermissionSpec(Strict):
    kind: Literal["permission"]
    name: Name = "permission"
    tools: Annotated[list[Name], Field(min_length=1)]
    values: Annotated[list[Action], Field(min_length=1)] = Field(
        default_factory=lambda: list[Action](["allow", "ask", "deny"])
    )
    widen: bool = False


class RegionSpec(Conditional):
    kind: Literal["region"]
    file: str
    region: Name
    texts: Annotated[dict[Name, str], Field(min_length=1)]


class TextSpec(Strict):
    kind: Literal["text"]
    name: Name
    file: str
    section: str | None = None
    region: Name | None = None
    max_chars: Annotated[int, Field(ge=1)] | None = None

    @model_validator(mode="after")
    def _one_of_both(self) -> TextSpec:
        if self.section is not None and self.region is not None:
            raise ValueError("expected either 'section' or 'region', or neither for the whole file")
        return self


DimensionSpec = Annotated[
    ChoiceSpec
    | IntSpec
    | FloatSpec
    | FlagSpec
    | MemberSpec
    | AlternativesSpec
    | SentenceSpec
    | LeadSpec
    | DemonstrationsSpec
    | CompactionSpec
    | ToolSpec
    | ParallelSpec
    | FirstToolSpec
    | DescriptionSpec
    | PermissionSpec
    | RegionSpec
    | TextSpec,
    Field(discriminator="kind"),
]


class SpaceFile(Strict):
    """A whole space file."""

    description: str = ""
    dimension: Annotated[list[DimensionSpec], Field(min_length=1)]
