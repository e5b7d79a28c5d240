"""A prompt file as sections of items, parsed and rendered without loss.

A Markdown file is an optional preamble (the section named ``""``; front matter is its lead) and sections, each opened
by an ATX heading of any level. A section is a sequence of items: a bullet with its continuation lines, a paragraph, or
a fenced block. Blank lines are kept as they stand, so that ``parse(text).render() == text`` for every text.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from functools import cached_property, lru_cache
from itertools import pairwise

from search_space.keyed.front_matter import split_front_matter

HEADING = re.compile(r"(#{1,6})[ \t]+(.*?)(?:[ \t]+#+)?[ \t]*\r?\n?\Z")
BULLET = re.compile(r"\A( {0,3})([-*+]|\d{1,9}[.)])([ \t]+)(?=\S)")
FENCE = re.compile(r"[ \t]*(`{3,}|~{3,})")


class NotOneItem(ValueError):
    """A text that would not stand in a prompt as exactly one item."""


@dataclass(frozen=True)
class Item:
    """One bullet, paragraph or fenced block: its exact lines, and the blank lines after it."""

    raw: str
    gap: str = ""

    @property
    def is_bullet(self) -> bool:
        return BULLET.match(self.raw) is not None

    @cached_property
    def text(self) -> str:
        """What the item says: no bullet, no line breaks (a fenced block keeps its lines). Items are compared by it."""
        return normalise(self.raw)


@dataclass(frozen=True)
class Section:
    """A heading line (empty for the preamble), the blank lines after it, and its items."""

    title: str
    lead: str
    items: tuple[Item, ...]

    @cached_property
    def heading(self) -> str:
        """The heading's text without marks; ``""`` for the preamble."""
        match = HEADING.match(self.title)
        return match[2] if match else ""

    @cached_property
    def texts(self) -> tuple[str, ...]:
        """The items' texts in order."""
        return tuple(item.text for item in self.items)

    def render(self) -> str:
        return self.title + self.lead + "".join(item.raw + item.gap for item in self.items)


@dataclass(frozen=True)
class Prompt:
    """A whole prompt file; the first section is always the preamble."""

    sections: tuple[Section, ...]

    def render(self) -> str:
        """The file's text, byte for byte what was parsed when nothing was changed."""
        return "".join(section.render() for section in self.sections)

    def find(self, heading: str) -> list[int]:
        """Positions of the sections with this heading."""
        return [index for index, section in enumerate(self.sections) if section.heading == heading]

    def section(self, heading: str) -> Section | None:
        """The first section with this heading."""
        return next((section for section in self.sections if section.heading == heading), None)

    def with_section(self, index: int, section: Section) -> Prompt:
        """This prompt with the section at ``index`` replaced."""
        return Prompt((*self.sections[:index], section, *self.sections[index + 1 :]))


@lru_cache(maxsize=256)
def parse(text: str) -> Prompt:
    """Parse a prompt file; ``parse(text).render() == text`` for every string."""
    sections: list[Section] = []
    title, lead, items = "", "", list[Item]()
    above, below = split_front_matter(text)
    lead = above
    for kind, chunk in _chunks(_lines(below)):
        if kind == "heading":
            sections.append(Section(title, lead, tuple(items)))
            title, lead, items = chunk, "", []
        elif kind == "item":
            items.append(Item(chunk))
        elif items:
            items[-1] = replace(items[-1], gap=items[-1].gap + chunk)
        else:
            lead += chunk
    sections.append(Section(title, lead, tuple(items)))
    return Prompt(tuple(sections))


@lru_cache(maxsize=4096)
def normalise(text: str) -> str:
    """The text by which items are compared: without bullet and with single spaces; a fenced block keeps its lines."""
    if FENCE.match(text):
        return text.strip("\r\n")
    return " ".join(BULLET.sub("", text, count=1).split())


def insert_item(section: Section, position: int, text: str, *, followed: bool = False) -> Section:
    """``section`` with an item that says ``text`` at ``position`` (0 to the number of items), in its neighbours' style.

    ``followed`` says that another section comes after it. Raises :class:`NotOneItem` when ``text`` is empty, or holds a
    blank line, a heading or several items.
    """
    items = list(section.items)
    beside = items[max(0, position - 1) : position + 1]
    new = make_item(text, bullet=any(item.is_bullet for item in beside) if beside else section.title != "")
    if not items:
        gap = "\n" if followed and (section.lead or not section.title) else ""
        return replace(section, items=(replace(new, gap=gap),))
    if position == len(items):
        last = items[-1]
        items[-1] = replace(last, gap=_separator(section, last, new))
        items.append(replace(new, gap=last.gap))
    else:
        items.insert(position, replace(new, gap=_separator(section, new, items[position])))
    return replace(section, items=_apart(items))


def remove_item(section: Section, position: int) -> Section:
    """``section`` without the item at ``position``; the blank lines before the next section stay."""
    items = list(section.items)
    gone = items.pop(position)
    if not items:
        return replace(section, lead=section.lead or gone.gap, items=())
    if position == len(items):
        items[-1] = replace(items[-1], gap=gone.gap)
    return replace(section, items=_apart(items, gone.gap))


def replace_item(section: Section, position: int, text: str) -> Section:
    """``section`` with the item at ``position`` saying ``text`` in the same style. Raises :class:`NotOneItem`."""
    old = section.items[position]
    new = make_item(text, bullet=old.is_bullet, marker=BULLET.match(old.raw))
    items = (*section.items[:position], replace(new, gap=old.gap), *section.items[position + 1 :])
    return replace(section, items=items)


def move_item(section: Section, old: int, new: int) -> Section:
    """``section`` with the item at ``old`` standing at ``new``; the blank lines stay where they were."""
    raws = [item.raw for item in section.items]
    raws.insert(new, raws.pop(old))
    gaps = [item.gap for item in section.items]
    return replace(section, items=_apart([Item(raw, gap) for raw, gap in zip(raws, gaps, strict=True)]))


def add_section(prompt: Prompt, heading: str, text: str, after: str | None = None) -> Prompt:
    """``prompt`` with a new section that holds one item, in the style of the others.

    It stands after the section named ``after`` when that is there, else at the end. Raises :class:`NotOneItem`.
    """
    title = f"# {heading}\n"
    if parse(title).sections[-1].heading != heading:
        raise NotOneItem(f"got the heading {heading!r}, expected one line of text")
    found = prompt.find(after) if after is not None else []
    index = found[0] if found else len(prompt.sections) - 1
    styled = next((section for section in prompt.sections if section.title and section.items), None)
    bullet = styled.items[0].is_bullet if styled else "\n" not in text.strip()
    item = make_item(text, bullet=bullet)
    following = index + 1 < len(prompt.sections)
    new = Section(title, styled.lead if styled else "\n", (replace(item, gap="\n" if following else ""),))
    before = prompt.sections[index]
    if before.items and not before.items[-1].gap:
        last = replace(before.items[-1], gap="\n")
        prompt = prompt.with_section(index, replace(before, items=(*before.items[:-1], last)))
    return Prompt((*prompt.sections[: index + 1], new, *prompt.sections[index + 1 :]))


def remove_section(prompt: Prompt, index: int) -> Prompt:
    """``prompt`` without the section at ``index``; a file does not end with a blank line because of it."""
    kept = Prompt((*prompt.sections[:index], *prompt.sections[index + 1 :]))
    before = kept.sections[index - 1]
    if index < len(kept.sections) or not before.items:
        return kept
    last = replace(before.items[-1], gap="")
    return kept.with_section(index - 1, replace(before, items=(*before.items[:-1], last)))


def make_item(text: str, *, bullet: bool, marker: re.Match[str] | None = None) -> Item:
    """An item that says ``text``. Raises :class:`NotOneItem` when it would not be read back as one item."""
    body = text.strip("\r\n") if FENCE.match(text) else BULLET.sub("", text.strip(), count=1)
    headed = not FENCE.match(body) and any(HEADING.match(line.strip()) for line in body.split("\n"))
    if bullet and not FENCE.match(body):
        mark = marker[0] if marker else "- "
        first, *rest = body.split("\n")
        body = "\n".join([mark + first, *(" " * len(mark) + line.strip() for line in rest)])
    item = Item(body + "\n")
    read = parse(item.raw)
    one = len(read.sections) == 1 and not read.sections[0].lead and read.sections[0].texts == (normalise(text),)
    if not body or headed or not one:
        shown = text if len(text) <= 60 else text[:57] + "..."
        raise NotOneItem(f"got {shown!r}, expected one bullet, paragraph or fenced block without blank line or heading")
    return item


def _apart(items: list[Item], gap: str = "") -> tuple[Item, ...]:
    """The items with ``gap``, else a blank line, between neighbours that would be read as one."""
    for at, (before, after) in enumerate(pairwise(items)):
        begins = _top_bullet(after.raw) if before.is_bullet else after.is_bullet
        if not before.gap and not begins and len(parse(before.raw + after.raw).sections[0].items) != 2:
            items[at] = replace(before, gap=gap or "\n")
    return tuple(items)


def _separator(section: Section, before: Item, after: Item) -> str:
    """Blank lines between two new neighbours: as elsewhere in the section, otherwise none between bullets."""
    if before.is_bullet and after.is_bullet:
        pairs = zip(section.items, section.items[1:], strict=False)
        return next((a.gap for a, b in pairs if a.is_bullet and b.is_bullet), "")
    return "\n"


def _lines(text: str) -> list[str]:
    """Lines with their ends, split at line feeds only: other separators are part of a line."""
    lines = text.split("\n")
    return [line + "\n" for line in lines[:-1]] + ([lines[-1]] if lines[-1] else [])


def _chunks(lines: list[str]) -> Iterator[tuple[str, str]]:
    """Pieces of the text in order, each with its kind: ``heading``, ``item`` or ``blank``."""
    at = 0
    while at < len(lines):
        line = lines[at]
        if HEADING.match(line):
            end, kind = at + 1, "heading"
        elif not line.strip():
            end, kind = at + 1, "blank"
        elif FENCE.match(line):
            end, kind = _fence_end(lines, at), "item"
        else:
            end, kind = _item_end(lines, at), "item"
        yield kind, "".join(lines[at:end])
        at = end


def _fence_end(lines: list[str], start: int) -> int:
    """The line after the fenced block that opens at ``start``; an unclosed block runs to the end."""
    match = FENCE.match(lines[start])
    mark = match[1] if match else "```"
    for index in range(start + 1, len(lines)):
        closing = lines[index].strip()
        if len(closing) >= len(mark) and set(closing) == {mark[0]}:
            return index + 1
    return len(lines)


def _item_end(lines: list[str], start: int) -> int:
    """The line after the bullet or paragraph that starts at ``start``."""
    bullet = BULLET.match(lines[start])
    starts: Callable[[str], bool] = _top_bullet if bullet else lambda line: BULLET.match(line) is not None
    at = start + 1
    while at < len(lines):
        line = lines[at]
        if not line.strip() or HEADING.match(line) or starts(line):
            break
        if FENCE.match(line):
            if bullet is None or not line.startswith((" ", "\t")):
                break
            at = _fence_end(lines, at)
            continue
        at += 1
    return at


def _top_bullet(line: str) -> bool:
    """Whether a line starts a new item after a bullet: bullets indented by two spaces or more belong to it."""
    match = BULLET.match(line)
    return match is not None and len(match[1]) < 2
