"""Tools that read the git repository at the workspace's top. Nothing of a person's git is used, and nothing written."""

from __future__ import annotations

import os
import re
import shutil
import tempfile
from pathlib import Path
from typing import Final

from baselines.workspace.folder import Workspace
from baselines.workspace.running import run_program
from baselines.workspace.tools.inputs import FILE
from baselines.workspace.view import GIT
from search_space.tool_definitions import Definition, Inputs, Parameter, effects
from search_space.tools import ToolError

READS_HISTORY: Final = effects(reads="files:.git")
READS_ALL: Final = effects(reads="files")
TIMEOUT_S: Final = 20.0
_REVISION: Final = re.compile(r"[\w./~^@{}+][\w./~^@{}+ -]*\Z")
_SAFE: Final = ("core.fsmonitor=false", f"core.hooksPath={os.devnull}", "safe.directory=*", "log.showSignature=false")
_ONE_LINE: Final = ("--date=short", "--format=%h %ad %an: %s")


def git_log(workspace: Workspace, inputs: Inputs) -> str:
    words = [f"--max-count={inputs['count'] or 20}", *_ONE_LINE]
    if inputs["words"]:
        words += ["--regexp-ignore-case", "--fixed-strings", f"--grep={inputs['words']}"]
    if inputs["author"]:
        words += ["--regexp-ignore-case", f"--author={inputs['author']}"]
    return _git(workspace, "log", *words, _revision(inputs), *_only(workspace, inputs)) or "no commit"


def git_show(workspace: Workspace, inputs: Inputs) -> str:
    shown = ["--stat"] if inputs["summary"] else ["--stat", "--patch"]
    return _git(workspace, "show", "--no-ext-diff", "--no-textconv", "--date=iso", *shown, _revision(inputs), "--")


def git_status(workspace: Workspace, inputs: Inputs) -> str:
    workspace.reads_all()
    return _git(workspace, "status", "--short", "--branch", "--untracked-files=all")


def git_diff(workspace: Workspace, inputs: Inputs) -> str:
    workspace.reads_all()
    words = ["--no-ext-diff", "--no-textconv", *(["--cached"] if inputs["staged"] else [])]
    words += [_revision(inputs)] if inputs["revision"] else []
    return _git(workspace, "diff", *words, *_only(workspace, inputs)) or "no differences"


def git_blame(workspace: Workspace, inputs: Inputs) -> str:
    lines = f"-L{inputs['start'] or 1},{inputs['end'] or ''}"
    return _git(workspace, "blame", "--date=short", lines, _revision(inputs), *_only(workspace, inputs))


def git_branches(workspace: Workspace, inputs: Inputs) -> str:
    form = "--format=%(HEAD) %(refname:short) %(objectname:short) %(contents:subject)"
    return _git(workspace, "for-each-ref", form, "refs/heads", "refs/remotes", "refs/tags") or "no branch yet"


def git_file_at(workspace: Workspace, inputs: Inputs) -> str:
    place = f"{_revision(inputs)}:./{workspace.clean(inputs['path'])}"
    return _git(workspace, "show", "--no-textconv", place) or "(an empty file)"


def git_files(workspace: Workspace, inputs: Inputs) -> str:
    return _git(workspace, "ls-tree", "-r", "--name-only", _revision(inputs), "--") or "no files"


def git_search(workspace: Workspace, inputs: Inputs) -> str:
    if not inputs["text"]:
        raise ToolError("empty text: expected the text that a commit added or removed")
    words = ["--no-ext-diff", "--no-textconv", "--max-count=40", f"-S{inputs['text']}", *_ONE_LINE]
    return _git(workspace, "log", *words, *_only(workspace, inputs)) or "no commit added or removed this text"


def _git(workspace: Workspace, *words: str) -> str:
    if workspace.kind(GIT) != "folder":
        raise ToolError("the workspace is no git repository: it has no folder .git")
    environment = {
        "GIT_DIR": str(workspace.root / GIT),
        "GIT_WORK_TREE": str(workspace.root),
        "GIT_CONFIG_GLOBAL": os.devnull,
        "GIT_CONFIG_NOSYSTEM": "1",
        "GIT_OPTIONAL_LOCKS": "0",
        "GIT_TERMINAL_PROMPT": "0",
        "GIT_PAGER": "cat",
        "GIT_LITERAL_PATHSPECS": "1",
        "LC_ALL": "C.UTF-8",
        "TZ": "UTC",
    }
    command = ["git", "--no-pager", *(word for setting in _SAFE for word in ("-c", setting)), *words]
    with tempfile.TemporaryDirectory() as folder:
        index = workspace.root / GIT / "index"
        if index.is_file():  # git brings it up to date even when it only compares
            environment["GIT_INDEX_FILE"] = str(shutil.copy(index, Path(folder) / "index"))
        done = run_program(command, workspace.root, timeout_s=TIMEOUT_S, environment=environment)
    if done.status is None:
        raise ToolError(f"git {words[0]} took longer than {TIMEOUT_S:g} s; ask for less")
    if done.status:
        raise ToolError(f"git {words[0]}: {done.output.strip()[:400] or f'exit status {done.status}'}")
    return done.output.rstrip("\n")


def _revision(inputs: Inputs) -> str:
    revision: str = inputs["revision"] or "HEAD"
    if not _REVISION.match(revision):
        raise ToolError(f"{revision[:60]!r} is no revision; expected a commit, a branch, a tag, or HEAD~2")
    return revision


def _only(workspace: Workspace, inputs: Inputs) -> list[str]:
    return ["--", workspace.clean(inputs["path"])] if inputs["path"] else ["--"]


_WHEN: Final = Parameter("revision", "A commit, branch or tag such as HEAD~2; HEAD when left out.", required=False)
_ONLY: Final = Parameter("path", "Only this file or folder.", required=False)
_COMMIT: Final = Parameter("revision", "A commit, branch or tag, such as HEAD~2.")

DEFINITIONS: Final = (
    Definition(
        "git_log",
        "List commits, newest first, one a line: hash, day, author, subject.",
        (
            _ONLY,
            _WHEN,
            Parameter("count", "How many; 20 when left out.", "integer", False, 1, 200),
            Parameter("words", "Only commits with this in their message.", required=False),
            Parameter("author", "Only commits of this author.", required=False),
        ),
        git_log,
        READS_HISTORY,
    ),
    Definition(
        "git_show",
        "Show one commit: its message, the files it changed, and the changes.",
        (_COMMIT, Parameter("summary", "Without the changes themselves.", "boolean", required=False)),
        git_show,
        READS_HISTORY,
    ),
    Definition("git_status", "Show the branch and which files are changed, staged or new.", (), git_status, READS_ALL),
    Definition(
        "git_diff",
        "Show what is changed but not committed, or the differences to a revision.",
        (
            _ONLY,
            Parameter("revision", "A revision, or two as in main..topic.", required=False),
            Parameter("staged", "Only what is staged.", "boolean", required=False),
        ),
        git_diff,
        READS_ALL,
    ),
    Definition(
        "git_blame",
        "Show for each line of a committed file the commit, author and day that last changed it.",
        (
            FILE,
            Parameter("start", "First line.", "integer", False, 1),
            Parameter("end", "Last line.", "integer", False, 1),
            _WHEN,
        ),
        git_blame,
        READS_HISTORY,
    ),
    Definition(
        "git_branches", "List the branches and tags with their newest commits.", (), git_branches, READS_HISTORY
    ),
    Definition(
        "git_file_at", "Read a file as it was in a commit, branch or tag.", (FILE, _COMMIT), git_file_at, READS_HISTORY
    ),
    Definition("git_files", "List the files of a commit, branch or tag.", (_WHEN,), git_files, READS_HISTORY),
    Definition(
        "git_search",
        "Find the commits that added or removed a text.",
        (Parameter("text", "The text, taken literally."), _ONLY),
        git_search,
        READS_HISTORY,
    ),
)
