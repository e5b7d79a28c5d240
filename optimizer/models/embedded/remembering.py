"""How the model uses a memory that it sees: what it notes, which note it reads again, when it searches the archive.

All it knows of the memory stands in the request: the index (system blocks behind the first), notes shown with the task,
notes that it read, and which memory tools are offered.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

from optimizer.models.embedded.dice import Dice
from optimizer.models.embedded.knowledge import Knowledge
from optimizer.models.embedded.rates import Rates
from optimizer.models.embedded.reading import inputs_key
from optimizer.models.embedded.toolbox import OfferedTool, Toolbox
from optimizer.models.embedded.wants import Call, Want

BLIND_SHARE = 0.5
"""Without an index in view it tries a topic, once earlier messages are gone, at this rate."""
LEAST_NOTES = 0.3
"""And only where notes are asked for so strongly."""
ARCHIVE_SHARE = 0.5
"""The archive is searched at this share of the rate at which a fitting note is read."""

_WHERE = re.compile(r" (?:in|used in|imported by|for) ")


def topic_of(conclusion: str) -> str:
    """The topic of the note on a conclusion: what it is about without where, so that what is alike goes together."""
    return _WHERE.split(conclusion, maxsplit=1)[0]


def note(writer: OfferedTool, text: str) -> Call:
    """The call that notes ``what about = value``: added to the topic's note where the tool can do that."""
    conclusion = text.partition(" = ")[0]
    if "append" not in writer.parameters:
        return Call(writer.name, {"topic": conclusion, "text": text})
    return Call(writer.name, {"topic": topic_of(conclusion), "text": text, "append": True})


def recall(
    want: Want, concluding: Sequence[str], known: Knowledge, toolbox: Toolbox, rates: Rates, dice: Dice
) -> Call | None:
    """The call that may bring ``want`` back from memory, None where a look-up is as good.

    ``concluding``: what is being worked out, outermost first. A note is read when the index lists a fitting topic with
    more than is in view; with no index in view but earlier messages gone, one on what is being worked out is tried. The
    archive is searched when the index says that there is one.
    """
    if reader := toolbox.with_role("recall"):
        for topic in _fitting(want, concluding, known.topics):
            call = Call(reader.name, {"topic": topic})
            if not _tried(call, known) and dice.happens(rates.recall, "recall", topic):
                return call
        if known.forgotten and not known.topics and rates.note >= LEAST_NOTES and concluding:
            about = topic_of(concluding[0]) if _appends(toolbox) else concluding[0]
            call = Call(reader.name, {"topic": about})
            if not _tried(call, known) and dice.happens(BLIND_SHARE, "recall", about):
                return call
    searcher = toolbox.with_role("archive")
    if searcher and known.archived and dice.happens(rates.recall * ARCHIVE_SHARE, "archive", want.key):
        whole = "phrase" in searcher.description
        query = want.name or want.path if whole else f"{want.name} {want.path}".strip()
        call = Call(searcher.name, {"query": query})
        return None if _tried(call, known) else call
    return None


def _fitting(want: Want, concluding: Sequence[str], topics: Mapping[str, bool]) -> list[str]:
    """The listed topics with more to read that are about what is being worked out or about what is wanted."""
    exact = {name for key in concluding for name in (key, topic_of(key))}
    subject = want.name.rpartition(".")[2] or want.path
    found = []
    for topic, more in topics.items():
        words = topic.split()
        elsewhere = want.path and any(word.endswith(".py") and word != want.path for word in words)
        if more and (topic in exact or (subject in words and not elsewhere)):
            found.append(topic)
    return found


def _appends(toolbox: Toolbox) -> bool:
    writer = toolbox.with_role("note")
    return writer is not None and "append" in writer.parameters


def _tried(call: Call, known: Knowledge) -> bool:
    return (call.tool, inputs_key(call.inputs)) in known.tried
