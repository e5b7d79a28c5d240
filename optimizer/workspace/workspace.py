"""Variants as git trees, without a checkout."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Self

from optimizer.errors import RepositoryError
from optimizer.workspace import repository, trees
from optimizer.workspace.held import Held
from optimizer.workspace.objects import Objects, encode
from search_space.diffs import make_diff
from search_space.errors import InvalidEdit

if TYPE_CHECKING:
    import git

AUTHOR = "Ratchet <ratchet@localhost>"
REMEMBERED = 64
"""Trees whose files are kept in memory."""

Listing = Mapping[str, tuple[bytes, str]]
"""Path -> git mode and blob id."""


class Workspace:
    """The harness folder of one repository, as git trees. Nothing here touches the user's working tree, index, stash,
    untracked files, hooks, config or HEAD.

    A *tree* in these methods is the id of the harness folder's tree, not of the repository's. ``root`` is the
    repository's top folder, in which ``.ratchet/`` lies; ``harness`` the harness folder relative to it ("." for the
    top folder itself); ``base`` the commit from which a new campaign starts.
    """

    def __init__(self, repo: git.Repo, root: Path, harness: str, base: str) -> None:
        """Use :meth:`open` or :meth:`create`."""
        self.root = root
        self.harness = harness
        self.base = base
        self._repo = repo
        self._private: Path | None = None
        self._objects = Objects(repo, Held(lambda: self.private() / "variants", root / repository.PRIVATE / "variants"))
        self._spine = () if harness == "." else tuple(part.encode() for part in harness.split("/"))
        self._listings: dict[str, Listing] = {}
        self._files: dict[str, Mapping[str, bytes]] = {}
        self._ways: dict[str, tuple[list[bytes], str]] = {}

    @classmethod
    def open(cls, folder: Path, harness: Path | str = ".", ref: str | None = None) -> Self:
        """``harness`` is a folder in the repository around ``folder``: absolute, or relative to ``folder``.

        With a ``ref`` that exists, the base is the commit there and the working tree is not looked at; else it is HEAD,
        and the harness folder must be clean. Raises RepositoryError that says what to do: not in git, no commit yet,
        folder missing, not committed or changed, bare, sha256.
        """
        repo = repository.open_repository(folder)
        root = Path(str(repo.working_tree_dir)).resolve()
        inside = repository.relative_to_root(root, folder.absolute() / harness)
        base = None if ref is None else repository.resolve(repo, ref)
        if base is None:
            base = repository.resolve(repo, "HEAD")
            if base is None:
                hint = f"git -C '{root}' add . && git -C '{root}' commit -m 'Harness'"
                raise RepositoryError(f"{root}: there is no commit yet", hint=hint)
            repository.check_clean(repo, root, inside)
        workspace = cls(repo, root, inside, base)
        workspace.files(workspace.tree(base))
        return workspace

    @classmethod
    def create(
        cls,
        folder: Path,
        files: Mapping[str, bytes],
        *,
        harness: str = "harness",
        message: str = "Baseline\n",
        at: float,
    ) -> Self:
        """A repository of our own, with ``files`` as its first commit on ``main``, checked out. Raises RepositoryError
        when ``folder`` is not empty."""
        repo = repository.make_repository(folder)
        workspace = cls(repo, folder.resolve(), harness, "")
        tree = workspace._build(
            {path: (trees.FILE, workspace._objects.hold("blob", data)) for path, data in files.items()}
        )
        top = tree
        for part in reversed(workspace._spine):
            entry = trees.Entry(trees.FOLDER, part, bytes.fromhex(top))
            top = workspace._objects.hold("tree", trees.build([entry]))
        workspace.base = workspace._publish_commit(workspace._unpublished(top, {}), top, (), message, at)
        repository.write_files(workspace.root / harness, dict(files))
        repo.git.update_ref("refs/heads/main", workspace.base)
        repo.git.read_tree("HEAD")
        return workspace

    def private(self) -> Path:
        """``.ratchet/`` in the repository's top folder, made if missing, ignored through ``.git/info/exclude``."""
        if self._private is None:
            self._private = repository.private_folder(self._repo, self.root)
        return self._private

    def tree(self, commit: str) -> str:
        """The harness tree in a commit. Raises RepositoryError when the commit has no such folder."""
        return self._way_down(commit)[1]

    def files(self, tree: str) -> Mapping[str, bytes]:
        """The files of a harness tree, posix path -> content. Raises RepositoryError for links and submodules."""
        if tree not in self._files:
            listing = self._listing(tree)
            files = {path: self._objects.read(blob, "blob") for path, (_, blob) in listing.items()}
            self._remember(tree, listing, files)
        return self._files[tree]

    def write(self, files: Mapping[str, bytes], *, like: str) -> str:
        """The tree of ``files``; modes are those of the tree ``like`` (the champion's), plain for new files.

        Nothing enters the user's object database before :meth:`commit`. Raises InvalidEdit for a path that git, or
        somebody's checkout, would not take.
        """
        known, listing = self.files(like), self._listing(like)
        entries: dict[str, tuple[bytes, str]] = {}
        for path, data in files.items():
            if path in known and known[path] == data:
                entries[path] = listing[path]
                continue
            _check_path(path)
            entries[path] = (listing[path][0] if path in listing else trees.FILE, self._objects.hold("blob", data))
        tree = self._build(entries)
        self._remember(tree, dict(sorted(entries.items())), dict(sorted(files.items())))
        return tree

    def diff(self, before: str, after: str) -> str:
        """The unified diff between two harness trees; ``git apply`` in the harness folder takes it. A file that is no
        text is named, not shown."""
        old, new = self.files(before), self.files(after)
        changed = [path for path in sorted({*old, *new}) if old.get(path) != new.get(path)]
        parts = []
        for path in changed:
            try:
                parts.append(make_diff(_only(old, path), _only(new, path)))
            except InvalidEdit:
                parts.append(f"Binary files a/{path} and b/{path} differ\n")
        return "".join(parts)

    def root_tree(self, base: str, tree: str) -> str:
        """The tree of commit ``base`` with its harness folder replaced by ``tree``: one entry is changed in each tree
        between the two, and nothing else is read, however large the repository."""
        spine = self._spliced(base, tree)
        for data in spine:
            self._objects.hold("tree", data)
        return encode("tree", spine[-1])[0] if spine else tree

    def commit(self, tree: str, *, parent: str, message: str, at: float) -> str:
        """Write, flushed to the disk, a commit on top of ``parent`` that changes nothing but the harness; no ref is
        moved. ``at`` is in seconds since the epoch. Raises LedgerError when the disk is full."""
        spine = self._spliced(parent, tree)
        top = encode("tree", spine[-1])[0] if spine else tree
        new = self._unpublished(tree, self._listing(self.tree(parent)))
        return self._publish_commit([*new, *(("tree", data) for data in spine)], top, (parent,), message, at)

    def _publish_commit(
        self, objects: list[tuple[str, bytes]], top: str, parents: tuple[str, ...], message: str, at: float
    ) -> str:
        lines = [f"tree {top}", *(f"parent {parent}" for parent in parents)]
        lines += [f"{role} {AUTHOR} {int(at)} +0000" for role in ("author", "committer")]
        text = "\n".join(lines) + "\n\n" + message
        return self._objects.publish([*objects, ("commit", text.encode())])[-1]

    def _way_down(self, commit: str) -> tuple[list[bytes], str]:
        """The trees from the top folder of a commit to the harness folder, and the harness tree."""
        if commit not in self._ways:
            above: list[bytes] = []
            top = self._objects.read(commit, "commit")[5:45].decode()
            for part in self._spine:
                above.append(self._objects.read(top, "tree"))
                found = trees.find(above[-1], part)
                if found is None or found[1].mode != trees.FOLDER:
                    raise RepositoryError(
                        f"{self.root / self.harness} is not in git: the commit {commit[:12]} has no such folder",
                        hint=f"git -C '{self.root}' add '{self.harness}' && git -C '{self.root}' commit -m 'Harness'",
                    )
                top = found[1].id.hex()
            self._ways = {**dict(list(self._ways.items())[-3:]), commit: (above, top)}
        return self._ways[commit]

    def _spliced(self, base: str, tree: str) -> list[bytes]:
        """The trees between the harness folder and the top, innermost first, each with its one entry replaced."""
        spine: list[bytes] = []
        for data, part in zip(reversed(self._way_down(base)[0]), reversed(self._spine), strict=True):
            below = encode("tree", spine[-1])[0] if spine else tree
            spine.append(trees.splice(data, part, bytes.fromhex(below)))
        return spine

    def _unpublished(self, tree: str, published: Listing) -> list[tuple[str, bytes]]:
        """Every object under ``tree`` that the repository may lack, given that it has those of ``published``."""
        blobs = {blob for _, blob in published.values()}
        found: list[tuple[str, bytes]] = []

        def visit(name: str) -> None:
            if self._objects.has(name):
                return
            data = self._objects.read(name, "tree")
            for entry in trees.parse(data):
                if entry.mode == trees.FOLDER:
                    visit(entry.id.hex())
                elif entry.id.hex() not in blobs:
                    found.append(("blob", self._objects.read(entry.id.hex(), "blob")))
            found.append(("tree", data))

        visit(tree)
        return found

    def _listing(self, tree: str) -> Listing:
        if tree not in self._listings:
            self._listings[tree] = dict(sorted(self._walk(tree, "").items()))
        return self._listings[tree]

    def _walk(self, tree: str, prefix: str) -> dict[str, tuple[bytes, str]]:
        found: dict[str, tuple[bytes, str]] = {}
        for mode, raw, name in trees.parse(self._objects.read(tree, "tree")):
            path = prefix + raw.decode("utf-8", "surrogateescape")
            if mode == trees.FOLDER:
                found |= self._walk(name.hex(), f"{path}/")
            elif mode in (b"120000", b"160000"):
                what = "symbolic link" if mode == b"120000" else "submodule"
                raise RepositoryError(
                    f"{self.harness}/{path} is a {what}, and a harness is made of plain files",
                    hint="replace it by a copy of what it points to, and commit",
                )
            else:
                found[path] = (mode, name.hex())
        return found

    def _build(self, entries: Listing) -> str:
        """The tree of a listing, folder by folder."""
        here: list[trees.Entry] = []
        below: dict[str, dict[str, tuple[bytes, str]]] = {}
        for path, (mode, blob) in entries.items():
            name, slash, rest = path.partition("/")
            if slash:
                below.setdefault(name, {})[rest] = (mode, blob)
            else:
                here.append(trees.Entry(mode, name.encode("utf-8", "surrogateescape"), bytes.fromhex(blob)))
        files = {entry.name for entry in here}
        for name, inside in below.items():
            raw = name.encode("utf-8", "surrogateescape")
            if raw in files:
                raise InvalidEdit(f"{name}: got a file and a folder of one name")
            here.append(trees.Entry(trees.FOLDER, raw, bytes.fromhex(self._build(inside))))
        return self._objects.hold("tree", trees.build(here))

    def _remember(self, tree: str, listing: Listing, files: Mapping[str, bytes]) -> None:
        for memory in (self._listings, self._files):
            while len(memory) >= REMEMBERED:
                del memory[next(iter(memory))]
        self._listings[tree], self._files[tree] = listing, files


def _only(files: Mapping[str, bytes], path: str) -> dict[str, bytes]:
    return {path: files[path]} if path in files else {}


def _check_path(path: str) -> None:
    for part in path.split("/"):
        if part in ("", ".", "..") or "\0" in part or "\\" in part or part.lower().rstrip(". ") in (".git", "git~1"):
            raise InvalidEdit(
                f"got the path {path!r}, expected a relative path inside the harness such as 'prompts/system.md'"
            )
