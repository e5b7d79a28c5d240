"""Tools that check files without reading them to the model: hashes, sizes, duplicates."""

from __future__ import annotations

import hashlib
from typing import Final

from baselines.workspace.folder import Workspace
from baselines.workspace.tools.inputs import FILE, FOLDER
from search_space.tool_definitions import Definition, Inputs, Parameter, capped, effects
from search_space.tools import ToolError

READS: Final = effects(reads="files:{path}")
_BY_LENGTH: Final = {32: "md5", 40: "sha1", 64: "sha256", 128: "sha512"}


def hash_file(workspace: Workspace, inputs: Inputs) -> str:
    return _hash(workspace, inputs["path"], inputs["algorithm"] or "sha256")


def verify_hash(workspace: Workspace, inputs: Inputs) -> str:
    expected = inputs["expected"].strip().lower()
    algorithm = _BY_LENGTH.get(len(expected))
    if algorithm is None:
        raise ToolError(
            f"{len(expected)} digits are no known hash; expected 32 (md5), 40 (sha1), 64 (sha256) or 128 (sha512)"
        )
    got = _hash(workspace, inputs["path"], algorithm)
    return f"{inputs['path']} matches ({algorithm})" if got == expected else f"does not match: {algorithm} is {got}"


def largest_files(workspace: Workspace, inputs: Inputs) -> str:
    sizes = {path: workspace.size(path) for path in workspace.walk(inputs["path"] or ".")}
    ordered = sorted(sizes.items(), key=lambda item: (-item[1], item[0]))
    rows = [f"{size:,} bytes: {path}" for path, size in ordered[: inputs["count"] or 10]]
    return "\n".join([f"{len(sizes)} files, {sum(sizes.values()):,} bytes", *rows])


def find_duplicates(workspace: Workspace, inputs: Inputs) -> str:
    by_size: dict[int, list[str]] = {}
    for path in workspace.walk(inputs["path"] or "."):
        by_size.setdefault(workspace.size(path), []).append(path)
    by_content: dict[bytes, list[str]] = {}
    for paths in by_size.values():
        for path in paths if len(paths) > 1 else ():
            by_content.setdefault(hashlib.sha256(workspace.read(path)).digest(), []).append(path)
    groups = sorted(paths for paths in by_content.values() if len(paths) > 1)
    return capped([" = ".join(paths) for paths in groups]) or "no two files are equal"


def _hash(workspace: Workspace, path: str, algorithm: str) -> str:
    return hashlib.new(algorithm, workspace.read(path), usedforsecurity=False).hexdigest()


DEFINITIONS: Final = (
    Definition(
        "hash_file",
        "Work out the hash of a file.",
        (FILE, Parameter("algorithm", "sha256 when left out.", required=False, options=(*_BY_LENGTH.values(),))),
        hash_file,
        READS,
    ),
    Definition(
        "verify_hash",
        "Check a file against the hash it should have.",
        (FILE, Parameter("expected", "The hash in hexadecimal digits: md5, sha1, sha256 or sha512.")),
        verify_hash,
        READS,
    ),
    Definition(
        "largest_files",
        "Show how large a folder is and its largest files.",
        (FOLDER, Parameter("count", "How many files; 10 when left out.", "integer", False, 1, 60)),
        largest_files,
        READS,
    ),
    Definition("find_duplicates", "Find files with equal contents.", (FOLDER,), find_duplicates, READS),
)
