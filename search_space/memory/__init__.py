"""Memory in three layers: an index always in view, topic notes read on demand, an archive that is searched.

Notes are what the model chose to write down, by topic, and what the harness notes on its own. The index lists the
topics within a bound, so that the model knows what it can read. The archive takes whatever leaves the conversation,
whole, and gives back entries that match a query. Everything lies in one folder as plain text, and what is written in
one task of a sequence is there in the next.
"""

from search_space.memory.layers import ARCHIVE, MEMORY_TOOLS, NOTES, Memory

__all__ = ["ARCHIVE", "MEMORY_TOOLS", "NOTES", "Memory"]
