"""The campaign's refs in git: read, and moved only from where they are known to stand."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from optimizer.ledger.rows import RefMove


class Branch:
    """The refs of one campaign: its branch, ``refs/ratchet/<campaign>/certified/<n>`` and ``.../abandoned/<n>``."""

    def __init__(self, repository: Path, campaign: str) -> None: ...

    @property
    def ref(self) -> str:
        """``refs/heads/ratchet/<campaign>``."""
        raise NotImplementedError

    def certified(self, number: int) -> str:
        raise NotImplementedError

    def abandoned(self, number: int) -> str:
        raise NotImplementedError

    def read(self, ref: str | None = None) -> str | None:
        """The commit at which the branch (or ``ref``) stands, None when there is no such ref."""
        raise NotImplementedError

    def move(self, moves: Sequence[RefMove]) -> None:
        """Move every ref or none, each only from its old commit. Raises BranchMoved."""


def commit_message(subject: str, body: str, trailers: Mapping[str, str]) -> str:
    """A commit message in git's form: subject, body, and ``Name: value`` lines that ``git interpret-trailers`` reads."""
    raise NotImplementedError
