"""Finding and judging the repository a harness lives in, and making one for a shipped baseline."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from optimizer.errors import RepositoryError

if TYPE_CHECKING:
    import git

PRIVATE = ".ratchet"
QUIET = ("git", "--no-optional-locks", "-c", "core.hooksPath=/dev/null", "-c", "core.fsmonitor=false")
"""Runs no hook and writes no index."""


def open_repository(folder: Path) -> git.Repo:
    """The repository around ``folder``. Raises RepositoryError: none, bare, or of a kind that cannot be worked in."""
    import git

    try:
        repo = git.Repo(folder, search_parent_directories=True)
    except git.NoSuchPathError:
        raise RepositoryError(f"{folder}: no such folder", hint="name a folder that holds a harness") from None
    except git.InvalidGitRepositoryError:
        raise RepositoryError(
            f"{folder} is not in a git repository, and the kept variants are commits",
            hint=f"cd '{folder}' && git init && git add . && git commit -m 'Harness'",
        ) from None
    if repo.bare or repo.working_tree_dir is None:
        raise RepositoryError(f"{folder} is a bare repository", hint="clone it, and name the harness in the clone")
    _refuse_formats(repo)
    return repo


def resolve(repo: git.Repo, ref: str) -> str | None:
    """The commit at which a ref stands, None when there is no such ref."""
    import git

    try:
        return git.SymbolicReference.dereference_recursive(repo, ref)
    except (ValueError, AssertionError):
        return None


def check_clean(repo: git.Repo, root: Path, harness: str) -> None:
    """Raises RepositoryError unless the harness folder is there and as it is in HEAD, ``.ratchet/`` aside: the
    harness may be all of the repository. One git process, which reads."""
    folder = root / harness
    if not folder.is_dir():
        raise RepositoryError(
            f"{folder}: no such folder",
            hint=f"if it was deleted by mistake: git -C '{root}' checkout HEAD -- '{harness}'",
        )
    command = (
        *QUIET,
        "status",
        "--porcelain",
        "-z",
        "--untracked-files=all",
        "--",
        harness,
        f":(top,exclude){PRIVATE}",
    )
    status, output, problem = repo.git.execute(command, with_extended_output=True, with_exceptions=False)
    if status:
        raise RepositoryError(f"git cannot read {root}: {str(problem).strip()}", hint="mend what git complains of")
    changed = [line for line in str(output).split("\0") if len(line) > 3]
    if changed:
        shown = ", ".join(line[3:] for line in changed[:5]) + (
            f" and {len(changed) - 5} more" if len(changed) > 5 else ""
        )
        raise RepositoryError(
            f"{folder} is not as it is in the last commit: {shown}",
            hint=f"commit the changes (git add '{harness}' && git commit) or put them aside (git stash -u '{harness}')",
        )


def private_folder(repo: git.Repo, root: Path) -> Path:
    """``.ratchet/`` in the repository's top folder, made when it is not there, and ignored by the user's git through
    ``info/exclude``, which gets one more line, once."""
    folder = root / PRIVATE
    exclude = Path(repo.common_dir, "info", "exclude")
    line = f"/{PRIVATE}/"
    old = exclude.read_bytes() if exclude.is_file() else b""
    if line.encode() not in old.splitlines():
        exclude.parent.mkdir(exist_ok=True)
        with exclude.open("ab") as file:
            file.write((b"" if not old or old.endswith(b"\n") else b"\n") + line.encode() + b"\n")
    folder.mkdir(exist_ok=True)
    return folder


def make_repository(folder: Path) -> git.Repo:
    """An empty repository in ``folder``, which must be empty or not there."""
    import git

    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise RepositoryError(
            f"{folder} is not empty, and a new repository is to be made there",
            hint="name another folder, or move it away",
        )
    folder.mkdir(parents=True, exist_ok=True)
    command = ("git", "init", "--quiet", "--template=", str(folder))
    formats = {"GIT_DEFAULT_HASH": "sha1", "GIT_DEFAULT_REF_FORMAT": "files"}
    status, _, problem = git.Git(folder).execute(command, with_extended_output=True, with_exceptions=False, env=formats)
    if status:
        raise RepositoryError(
            f"git cannot make a repository in {folder}: {str(problem).strip()}", hint="mend what git says"
        )
    (folder / ".git" / "HEAD").write_text("ref: refs/heads/main\n")
    return git.Repo(folder)


def write_files(folder: Path, files: dict[str, bytes]) -> None:
    """Put files on the disk below ``folder``."""
    for path, data in sorted(files.items()):
        place = folder / path
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_bytes(data)


def relative_to_root(root: Path, harness: Path | str) -> str:
    """The harness folder relative to the repository's top folder, "." for that folder itself."""
    folder = (root / harness).resolve()
    if not folder.is_relative_to(root):
        raise RepositoryError(f"{folder} is not inside the repository {root}", hint="name a folder inside it")
    return folder.relative_to(root).as_posix()


def _refuse_formats(repo: git.Repo) -> None:
    with repo.config_reader("repository") as config:
        kind = str(config.get_value("extensions", "objectformat", "sha1"))
        refs = str(config.get_value("extensions", "refstorage", "files"))
    if kind.lower() != "sha1":
        raise RepositoryError(
            f"{repo.common_dir}: got a repository of {kind} objects, expected sha1",
            hint="copy the harness into a repository made with 'git init --object-format=sha1'",
        )
    if refs.lower() != "files":
        raise RepositoryError(
            f"{repo.common_dir}: got a repository with its refs in a {refs}, expected files",
            hint="'git refs migrate --ref-format=files' changes that",
        )
