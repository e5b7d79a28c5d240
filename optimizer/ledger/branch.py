"""The campaign's refs in git: read, and moved only from where they are known to stand."""

from __future__ import annotations

import re
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

from optimizer.errors import BranchMoved, LedgerError, RepositoryError
from optimizer.ledger.backup import flush
from optimizer.ledger.database import FULL
from optimizer.ledger.rows import RefMove

NOBODY = "0" * 40
"""How git writes that a ref must not exist."""
LOCK_PATIENCE_S = 3.0
IDENTITY = {"GIT_COMMITTER_NAME": "Ratchet", "GIT_COMMITTER_EMAIL": "ratchet@localhost"}
"""Who moved a ref, in its reflog."""


class Branch:
    """The refs of one campaign: its branch, the finalized one beside it (``ratchet/<campaign>-final``: one commit for
    each change that pays), and under ``refs/ratchet/<campaign>/`` ``certified/<n>``, ``abandoned/<n>`` and
    ``pareto/<experiment>``.

    Reading opens one or two files. Moving runs ``git update-ref`` with the old value, one process a ref, rather than
    git's lock files by hand: it is git that knows packed refs, reflogs, worktrees, names that shadow folders and what
    future versions bring; a keep is rare and pays about 2 ms for it. No hook runs, and the process has a session of its
    own, so that Ctrl-C does not reach it in mid-move.
    """

    def __init__(self, repository: Path, campaign: str) -> None:
        """``repository`` is the folder that holds ``.git``. Raises RepositoryError for a name that git refuses."""
        import git

        if not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9._-]*", campaign) or re.search(r"\.\.|\.lock$|\.$", campaign):
            raise RepositoryError(
                f"got the campaign name '{campaign}', which git does not take for a branch",
                hint="use letters, digits, '-', '_' and single dots inside",
            )
        self.campaign = campaign
        self.ref = f"refs/heads/ratchet/{campaign}"
        self.final = f"{self.ref}-final"
        self._repo = git.Repo(repository)

    def certified(self, number: int) -> str:
        """The ref of a certified champion."""
        return f"refs/ratchet/{self.campaign}/certified/{number}"

    def abandoned(self, number: int) -> str:
        """The ref that keeps a way not taken."""
        return f"refs/ratchet/{self.campaign}/abandoned/{number}"

    def abandoned_final(self, number: int) -> str:
        """The ref that keeps the finalized branch of a way not taken."""
        return f"{self.abandoned(number)}-final"

    def pareto(self, experiment: int) -> str:
        """The ref of a member of the Pareto front."""
        return f"{self._front}{experiment}"

    def show_front(self, commits: Mapping[int, str]) -> None:
        """Let ``pareto/<experiment>`` stand at these commits, and no other one be there. Doing it twice does no more
        than once, and a kill in between leaves what another call mends."""
        wanted = {self.pareto(number): commit for number, commit in commits.items()}
        there = str(self._repo.git.for_each_ref(self._front, format="%(refname)")).split()
        for ref in sorted({*wanted, *there}):
            old, new = self.read(ref), wanted.get(ref)
            if new is not None:
                self._move(RefMove(ref, old, new), "pareto front")
            elif old is not None:
                self._repo.git.update_ref("-d", ref, old)

    def read(self, ref: str | None = None) -> str | None:
        """The commit at which the branch (or ``ref``) stands, None when there is no such ref."""
        import git

        try:
            return git.SymbolicReference.dereference_recursive(self._repo, ref or self.ref)
        except (ValueError, AssertionError):  # the second for a file that is empty
            return None

    def holds(self, commit: str) -> bool:
        """Whether the repository has that commit."""
        import git

        try:
            return str(self._repo.git.cat_file("-t", commit)) == "commit"
        except git.GitCommandError:
            return False

    def way(self, start: str, end: str) -> list[str]:
        """The commits after ``start`` up to ``end``, which stands on it, the oldest first; empty when they are one."""
        return str(self._repo.git.rev_list("--first-parent", "--reverse", f"{start}..{end}")).split()

    def checked_out(self, ref: str | None = None) -> Path | None:
        """The working tree (the main one or a linked one) whose HEAD is on the branch (or ``ref``), if any."""
        common = Path(self._repo.common_dir)
        heads = [common / "HEAD", *sorted(common.glob("worktrees/*/HEAD"))]
        for head in heads:
            if head.is_file() and head.read_text(errors="replace").strip() == f"ref: {ref or self.ref}":
                tree = head.with_name("gitdir")
                return Path(tree.read_text().strip()).parent if tree.is_file() else common.parent
        return None

    def create(self, commit: str) -> None:
        """Let a new campaign's branch begin at ``commit``; one that stands there already is taken over.

        Raises RepositoryError when the branch is checked out or exists elsewhere.
        """
        self.check_free()
        found = self.read()
        if found not in (None, commit):
            raise RepositoryError(
                f"got a branch {self._short} at {found}, expected none for a new campaign",
                hint=f"give the campaign another name, or remove the branch: git branch -D {self._short}",
            )
        self.move([RefMove(self.ref, None, commit)], "campaign begins")

    def check_free(self) -> None:
        """Raises RepositoryError when the branch, or the finalized one, is checked out: moving it makes that working
        tree look changed."""
        for ref in (self.ref, self.final):
            where = self.checked_out(ref)
            if where is not None:
                raise RepositoryError(
                    f"the branch {ref.removeprefix('refs/heads/')} is checked out in {where}, and a campaign moves it "
                    "without touching files",
                    hint=f"git -C '{where}' switch --detach",
                )

    def check_tip(self, expected: str) -> None:
        """Raises BranchMoved unless the branch stands at ``expected``."""
        found = self.read()
        if found != expected:
            raise self._moved(RefMove(self.ref, expected, expected), found)

    def move(self, moves: Sequence[RefMove], why: str = "") -> None:
        """Move the refs in order, each only from its old commit; one that has arrived already is left as it is.

        Raises BranchMoved when a ref stands elsewhere: it and those after it are untouched then.
        """
        for move in moves:
            self._move(move, why)

    def _move(self, move: RefMove, why: str) -> None:
        deadline = time.monotonic() + LOCK_PATIENCE_S
        while (found := self.read(move.ref)) != move.new:
            if found != move.old:
                raise self._moved(move, found)
            problem = self._update(move, why)
            if self.read(move.ref) == move.old:
                if "File exists" not in problem or time.monotonic() > deadline:
                    raise self._refused(move, problem or "the ref did not move")
                time.sleep(0.05)
        flush(self._folder(move.ref))

    def _update(self, move: RefMove, why: str) -> str:
        """Run git; its complaint, or nothing. Whether it worked is read from the ref."""
        settings = ("-c", "core.hooksPath=/dev/null", "-c", "core.fsync=all", "-c", "core.fsyncMethod=fsync")
        command = ("git", *settings, "update-ref", "-m", f"ratchet: {why}", move.ref, move.new, move.old or NOBODY)
        status, _, problem = self._repo.git.execute(
            command, with_extended_output=True, with_exceptions=False, env=IDENTITY, start_new_session=True
        )
        return str(problem) or f"git update-ref ended with {status}" if status else ""

    def _folder(self, ref: str) -> Path:
        """The folder that was written last: of the ref's file or, for a packed ref that did not move, git's own."""
        folder = Path(self._repo.common_dir, ref).parent
        return folder if folder.is_dir() else Path(self._repo.common_dir)

    @property
    def _front(self) -> str:
        return f"refs/ratchet/{self.campaign}/pareto/"

    @property
    def _short(self) -> str:
        return self.ref.removeprefix("refs/heads/")

    def _moved(self, move: RefMove, found: str | None) -> BranchMoved:
        where = "is gone" if found is None else f"was moved to {found}"
        keep = "" if found is None else f"keep what is there: git branch my-work {found}; then "
        return BranchMoved(
            f"{move.ref} {where} by somebody else; the campaign left it at {move.old or 'nothing (no such ref)'} "
            "and stops here. Nothing is lost: every commit is still there, and the ledger knows what was decided",
            hint=f"{keep}set it back: git update-ref {move.ref} {move.old or f'-d {move.ref}'} {found or ''}".rstrip()
            + ", and start 'ratchet run' again",
        )

    def _refused(self, move: RefMove, problem: str) -> RepositoryError | LedgerError:
        if "No space left" in problem or "quota" in problem.lower():
            return LedgerError(f"git cannot write {move.ref} ({problem.strip()})", hint=FULL)
        hint = "see what git says, mend it, and start 'ratchet run' again: it goes on from here"
        if "File exists" in problem:
            lock = Path(self._repo.common_dir, f"{move.ref}.lock")
            hint = f"when no other git process is running, remove {lock} and start 'ratchet run' again"
        return RepositoryError(f"git refused to move {move.ref}: {problem.strip()}", hint=hint)


def commit_message(subject: str, body: str, trailers: Mapping[str, str]) -> str:
    """A commit message in git's form: subject line, body, and a last paragraph of ``Name: value`` lines that
    ``git interpret-trailers`` reads. Line breaks in subject and values become spaces.

    Raises ValueError for an empty subject and for a trailer name of anything but letters, digits and dashes.
    """
    subject = " ".join(subject.split())
    if not subject:
        raise ValueError("got an empty subject, expected one line that says what changed")
    for name in trailers:
        if not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9-]*", name):
            raise ValueError(f"got the trailer name {name!r}, expected letters, digits and dashes")
    lines = [f"{name}: {' '.join(value.split())}" for name, value in trailers.items()]
    parts = [subject, body.strip("\n").rstrip(), "\n".join(lines)]
    return "\n\n".join(part for part in parts if part).replace("\0", "") + "\n"
