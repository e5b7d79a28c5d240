"""One process at a time runs a campaign."""

from __future__ import annotations

from pathlib import Path
from types import TracebackType
from typing import Self


class CampaignLock:
    """``flock`` on ``<folder>/lock``, with the process id inside; the kernel lets go of it when the process dies."""

    def __init__(self, folder: Path) -> None: ...

    def __enter__(self) -> Self:
        """Raises CampaignBusy naming the process that holds it."""
        raise NotImplementedError

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None: ...


def running_pid(folder: Path) -> int | None:
    """The process that runs the campaign now, if one does."""
    raise NotImplementedError
