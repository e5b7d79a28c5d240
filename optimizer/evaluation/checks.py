"""Quick checks of a variant: what fails here costs no rollout."""

from __future__ import annotations

import threading
from collections.abc import Mapping, Sequence

from optimizer.evaluation.scratch import Scratch, remove_tree, write_files
from optimizer.sandboxes.base import Launch, Sandbox

SOURCE_BYTES = 256 * 1024
REASON_CHARS = 600


def check_files(files: Mapping[str, bytes]) -> str | None:
    """Why the variant cannot work, or None when its harness loads, its prompt renders and its code compiles. Nothing is
    known of somebody's own files."""
    from search_space.errors import SearchSpaceError
    from search_space.harness import agent_of

    try:
        harness = agent_of(files)
    except SearchSpaceError as error:
        return str(error)
    if harness is None:
        return None
    if not harness.system_prompt().strip():
        return "prompts/system.md: the system prompt is empty, expected some text"
    for name in sorted(files):
        if name.endswith(".py"):
            problem = _compile(name, files[name])
            if problem:
                return problem
    return None


def check_commands(
    commands: Sequence[str],
    files: Mapping[str, bytes],
    *,
    sandbox: Sandbox,
    scratch: Scratch,
    timeout_s: float = 30.0,
    cancel: threading.Event | None = None,
) -> str | None:
    """Run the experiment's shell commands, each in the sandbox in a fresh copy of the harness folder; why the first one
    failed, or None when all ended with exit code 0."""
    for command in commands:
        folder = scratch.folder()
        try:
            write_files(folder, files)
            launch = Launch(
                entry="optimizer.sandboxes.shell:run_command",
                payload={"command": command},
                folder=folder,
                timeout_s=timeout_s,
            )
            ended = sandbox.run(launch, cancel=cancel)
        finally:
            remove_tree(folder)
        if ended.status != "ok":
            return f"check {command!r}: {ended.reason}\n{ended.output[-REASON_CHARS:]}".strip()
    return None


def _compile(name: str, source: bytes) -> str | None:
    if len(source) > SOURCE_BYTES:
        return f"{name}: got {len(source)} bytes, expected at most {SOURCE_BYTES}"
    try:
        compile(source, name, "exec", dont_inherit=True)
    except SyntaxError as error:
        return f"{name}:{error.lineno or 1}: {error.msg}"
    except (ValueError, RecursionError, MemoryError, OverflowError) as error:
        return f"{name}: cannot be compiled: {type(error).__name__}: {error}"
    return None
