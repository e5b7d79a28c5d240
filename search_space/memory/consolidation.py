"""What happens to the notes between two tasks of a sequence."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from search_space.harness_file import MemoryConfig
from search_space.memory.matching import rarity, words_of
from search_space.memory.notes import Note

ALIKE = 0.5
"""Two topics are near-duplicates when the words they share weigh this share of the lighter topic's."""


def consolidate(config: MemoryConfig, notes: Iterable[tuple[str, Note]]) -> dict[str, Note]:
    """The notes (oldest first) as ``consolidation`` leaves them."""
    kept = dict(notes)
    if config.consolidation == "merge":
        return merged(kept)
    if config.consolidation == "trim_oldest":
        return _trimmed(kept, list(kept), config.notes_chars)
    if config.consolidation == "trim_least_read":
        return _trimmed(kept, sorted(kept, key=lambda topic: kept[topic].reads), config.notes_chars)
    return kept


def merged(notes: Mapping[str, Note]) -> dict[str, Note]:
    """Notes on near-duplicate topics as one each: under the shortest of their topics, every line once, in the order in
    which the lines were written. A topic's words are weighed by the square of their rarity: it is the subject that
    counts, not a word that most topics have. Each note joins the first group whose first topic it is like."""
    words = {topic: words_of(topic) for topic in notes}
    weights = rarity({word for each in words.values() for word in each}, list(words.values()))
    groups: list[list[str]] = []
    for topic in notes:
        mine = words[topic].keys()
        for group in groups:
            if _alike(mine, words[group[0]].keys(), weights):
                group.append(topic)
                break
        else:
            groups.append([topic])
    order = {topic: number for number, topic in enumerate(notes)}
    groups.sort(key=lambda group: order[group[-1]])  # a merged note is as new as its newest part
    return {min(group, key=len): _joined(notes, group) for group in groups}


def _alike(one: Iterable[str], other: Iterable[str], weights: Mapping[str, float]) -> bool:
    first, second = set(one), set(other)

    def weight(words: set[str]) -> float:
        return sum(weights[word] ** 2 for word in sorted(words))

    lighter = min(weight(first), weight(second))
    return lighter > 0 and weight(first & second) >= ALIKE * lighter


def _joined(notes: Mapping[str, Note], group: list[str]) -> Note:
    """Blocks (a line with the indented ones below it) are kept whole and once."""
    if len(group) == 1:
        return notes[group[0]]
    blocks: dict[str, None] = {}
    for topic in group:
        block: list[str] = []
        for line in notes[topic].text.split("\n"):
            if block and not line.startswith(" "):
                blocks["\n".join(block)] = None
                block = []
            block.append(line)
        blocks["\n".join(block)] = None
    name = min(group, key=len)
    also = [other for topic in group for other in (topic, *notes[topic].also) if other != name]
    return Note("\n".join(blocks), sum(notes[topic].reads for topic in group), tuple(dict.fromkeys(also)))


def _trimmed(notes: Mapping[str, Note], first: list[str], chars: int) -> dict[str, Note]:
    """Without those that stand ``first``, until topics and texts together have at most ``chars`` characters."""
    left = dict(notes)
    size = sum(len(topic) + len(note.text) for topic, note in left.items())
    for topic in first:
        if size <= chars:
            break
        size -= len(topic) + len(left.pop(topic).text)
    return left
