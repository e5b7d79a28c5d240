"""What the declarations of the navigator's tools share: the index they work over, and the inputs that most have."""

from __future__ import annotations

from typing import Final

from experiments.navigator.index import Index
from search_space import tool_definitions
from search_space.tool_definitions import Parameter

Definition = tool_definitions.Definition[Index]

PATH: Final = Parameter("path", "A file or folder relative to the root, such as json/decoder.py.")
WHERE: Final = Parameter("path", "A file or folder relative to the root; leave out for the whole tree.", required=False)
