"""Variants as git trees, without a checkout."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Self


class Workspace:
    """The harness folder of one repository, as git trees. Nothing here touches the user's working tree, index, stash,
    untracked files, hooks, config or HEAD.

    A *tree* in these methods is the id of the harness folder's tree, not of the repository's.
    """

    root: Path
    """The repository's top folder: ``.ratchet/`` lies in it."""
    harness: str
    """The harness folder relative to ``root``, "." for the root itself."""
    base: str
    """The commit from which a new campaign starts."""

    @classmethod
    def open(cls, repository: Path, harness: Path | str = ".", ref: str | None = None) -> Self:
        """``harness`` is a folder in ``repository`` (absolute, or relative to its root). With ``ref`` that exists, the
        base is the commit there and the working tree is not looked at; else it is HEAD, and the harness folder must be
        clean. Raises RepositoryError: not in git, no commit yet, folder missing, untracked or changed, sha256, bare."""
        raise NotImplementedError

    @classmethod
    def create(cls, folder: Path, files: Mapping[str, bytes], *, harness: str = "harness", message: str = "Baseline") -> Self:
        """A repository of our own with ``files`` as its first commit on ``main``. Raises RepositoryError when ``folder``
        is not empty."""
        raise NotImplementedError

    def tree(self, commit: str) -> str:
        """The harness tree in a commit."""
        raise NotImplementedError

    def files(self, tree: str) -> Mapping[str, bytes]:
        """The files of a harness tree, posix path -> content."""
        raise NotImplementedError

    def write(self, files: Mapping[str, bytes], *, like: str) -> str:
        """The tree of ``files``; modes are taken from the tree ``like`` (the champion's). Nothing is written to the
        user's object database before :meth:`commit`. Raises InvalidEdit for an impossible path."""
        raise NotImplementedError

    def diff(self, before: str, after: str) -> str:
        """The unified diff between two harness trees; ``git apply`` in the harness folder takes it."""
        raise NotImplementedError

    def root_tree(self, base: str, tree: str) -> str:
        """The tree of commit ``base`` with its harness folder replaced by ``tree``."""
        raise NotImplementedError

    def commit(self, tree: str, *, parent: str, message: str, at: float) -> str:
        """Write, durably, a commit on top of ``parent`` that changes nothing but the harness. No ref is moved. ``at`` is
        in seconds since the epoch."""
        raise NotImplementedError
