"""Instructions in Markdown: bullets and paragraphs that may be left out, and which one of a section stands first."""

from __future__ import annotations

import re
from collections.abc import Iterator

from search_space import prompts
from search_space.discovery.opened import Opened, slug, stem

GUARD = re.compile(
    r"\b(never|must not|mustn't|do not|don't|cannot|can't|may not|not allowed|forbid\w*|prohibit\w*|only with|without "
    r"(asking|permission|approval)|secrets?|passwords?|credentials?|api keys?|permissions?|private|confidential|"
    r"delet\w+|rm -rf|force[- ]push\w*|destructive|production)\b",
    re.IGNORECASE,
)
"""What forbids or protects something: it may cost score and is there for a reason that no score shows."""
TEMPLATE = re.compile(r"\{\{|\{%|COMPLETE_TASK|</?[A-Za-z_][\w-]*>")
NUMBERED = re.compile(r" {0,3}\d{1,9}[.)]")
FEWEST_TO_LEAD = 3


def instruction_dimensions(text: str, file: str, key: str = "") -> Iterator[Opened]:
    """Proposals for a Markdown text: the file's, or the one at ``key`` of a file with keys. Each bullet or paragraph
    may be left out, but for guards, code, and what holds a template's marks."""
    prompt = prompts.parse(text)
    place = {"file": file, **({"key": key} if key else {})}
    where = f"{file}, {key}" if key else file
    for section in prompt.sections:
        if len(prompt.find(section.heading)) > 1:
            continue  # which of the two is meant could not be said
        found = [item for item in section.items if _may_go(item, section)]
        part = f'{where}, "{section.heading}"' if section.heading else where
        names = [stem(file), *([slug(key.split(".")[-1])] if key else []), slug(section.heading or "top", 3)]
        prefix = ".".join(names)
        for item in found:
            table = {"kind": "sentence", "name": f"{prefix}.{slug(item.text)}", **place, "section": section.heading}
            yield Opened(f"{part}: may leave out: {_short(item.text)}", {**table, "text": _said(item)})
        numbered = any(NUMBERED.match(item.raw) for item in found)
        if len(found) >= FEWEST_TO_LEAD and not numbered:
            table = {"kind": "lead", "name": f"{prefix}.first", **place, "section": section.heading}
            yield Opened(f"{part}: which of these {len(found)} stands first", table)


def guards(text: str) -> list[str]:
    """The items that stay closed because they forbid or protect something."""
    return [item.text for section in prompts.parse(text).sections for item in section.items if GUARD.search(item.raw)]


def section_dimensions(text: str, file: str) -> Iterator[Opened]:
    """Proposals for Markdown that is no instructions: each section open to free edits."""
    prompt = prompts.parse(text)
    for section in prompt.sections:
        if section.items and len(prompt.find(section.heading)) == 1:
            most = max(500, 2 * len(section.render()))
            name = f"{stem(file)}.{slug(section.heading, 4)}" if section.heading else stem(file)
            part = f'{file}, "{section.heading}"' if section.heading else f"{file}, before the first heading"
            table = {"kind": "text", "name": name, "file": file, "section": section.heading, "max_chars": most}
            yield Opened(f"{part}: free edits, by people and by models that send diffs", table)


def _may_go(item: prompts.Item, section: prompts.Section) -> bool:
    said = item.text
    closed = GUARD.search(item.raw) or TEMPLATE.search(item.raw) or prompts.FENCE.search(item.raw)
    return not closed and len(slug(said)) > 1 and section.texts.count(said) == 1 and _stands_alone(item)


def _stands_alone(item: prompts.Item) -> bool:
    """Whether the item could be put back as it is; one that ends in a colon introduces what follows."""
    try:
        made = prompts.make_item(_said(item), bullet=item.is_bullet)
    except prompts.NotOneItem:
        return False
    return made.text == item.text and not item.text.rstrip("*_ ").endswith(":")


def _said(item: prompts.Item) -> str:
    """The item without its bullet, its lines kept."""
    lines = prompts.BULLET.sub("", item.raw, count=1).rstrip().split("\n")
    return "\n".join(line.strip() if not prompts.BULLET.match(line.strip()) else line.rstrip() for line in lines)


def _short(text: str) -> str:
    return f'"{text}"' if len(text) <= 90 else f'"{text[:87]}..."'
