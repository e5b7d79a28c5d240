"""Tools that list, unpack and pack zip and tar archives.

An archive is never trusted: a member that would land outside its folder, a link or a device is refused, and so is more
than :data:`MAX_UNPACKED` bytes, whatever the archive says of itself.
"""

from __future__ import annotations

import io
import stat
import tarfile
import zipfile
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from typing import IO, Final

from baselines.workspace.folder import Workspace
from baselines.workspace.tools.inputs import FILE
from search_space.tool_definitions import Definition, Inputs, Parameter, capped, effects
from search_space.tools import ToolError

MAX_UNPACKED: Final = 32_000_000
MAX_LISTED: Final = 1_000_000_000
"""Bytes that the members of an archive may claim when it is only listed: a tar is unpacked to be walked through."""
MAX_MEMBERS: Final = 2_000
_EPOCH: Final = (1980, 1, 1, 0, 0, 0)
"""The time of every packed file: the same files make the same archive."""
_BROKEN: Final = (
    zipfile.BadZipFile,
    tarfile.TarError,
    zlib.error,
    EOFError,
    NotImplementedError,
    RuntimeError,
    OSError,
    ValueError,
)


@dataclass(frozen=True, slots=True)
class Member:
    """A file in an archive; ``content`` only where it was asked for."""

    name: str
    size: int
    content: bytes = b""


def list_archive(workspace: Workspace, inputs: Inputs) -> str:
    members = list(_members(workspace, inputs["path"], contents=False))
    rows = [f"{member.name}: {member.size:,} bytes" for member in members]
    return f"{len(members)} files, {sum(member.size for member in members):,} bytes\n{capped(rows)}".rstrip()


def extract_archive(workspace: Workspace, inputs: Inputs) -> str:
    target, wanted = inputs["target"], inputs["member"]
    members = [each for each in _members(workspace, inputs["path"]) if not wanted or each.name == wanted]
    if not members:
        what = f"no file {wanted!r}" if wanted else "no file"
        raise ToolError(f"{what} in {inputs['path']}; list_archive shows its files")
    places = [f"{target}/{_inside(member.name)}" for member in members]
    if there := [place for place in places if workspace.kind(place) != "nothing"]:
        raise ToolError(f"{there[0]} is already there; extract to another folder")
    for place, member in zip(places, members, strict=True):
        workspace.write(place, member.content)
    return f"extracted {len(members)} files to {target}"


def create_archive(workspace: Workspace, inputs: Inputs) -> str:
    target = inputs["target"]
    files = list(dict.fromkeys(path for given in inputs["paths"] for path in workspace.walk(given)))
    if not files:
        raise ToolError("no files to pack: expected paths of files, or of folders that hold some")
    contents = {path: workspace.read(path) for path in files}
    if sum(map(len, contents.values())) > MAX_UNPACKED:
        raise ToolError(f"too much to pack: more than {MAX_UNPACKED:,} bytes")
    if target.endswith(".zip"):
        packed = _zip(contents)
    elif target.endswith((".tar", ".tar.gz", ".tgz")):
        packed = _tar(contents, gz=not target.endswith(".tar"))
    else:
        raise ToolError(f"{target}: expected a name that ends with .zip, .tar, .tar.gz or .tgz")
    workspace.write(target, packed)
    return f"packed {len(files)} files into {target}: {len(packed):,} bytes"


def _members(workspace: Workspace, path: str, *, contents: bool = True) -> Iterator[Member]:
    packed = io.BytesIO(workspace.read(path))
    zipped = zipfile.is_zipfile(packed)
    if not (zipped or path.endswith((".tar", ".gz", ".tgz", ".bz2", ".xz"))):
        raise ToolError(f"{path} is no zip or tar archive")
    packed.seek(0)
    try:
        left, count = MAX_UNPACKED, 0
        for member in _of_zip(packed, contents) if zipped else _of_tar(packed, contents):
            count, left = count + 1, left - member.size
            if count > MAX_MEMBERS or left < (0 if contents else -MAX_LISTED):
                raise ToolError(f"{path} holds too much: at most {MAX_MEMBERS:,} files and {MAX_UNPACKED:,} bytes")
            yield member
    except _BROKEN as error:
        raise ToolError(f"{path} cannot be read as an archive: {error}") from None


def _of_zip(packed: IO[bytes], contents: bool) -> Iterator[Member]:
    with zipfile.ZipFile(packed) as archive:
        for info in archive.infolist():
            if info.is_dir():
                continue
            if stat.S_ISLNK(info.external_attr >> 16):
                raise ToolError(f"{info.filename} in the archive is a symbolic link; it is not unpacked")
            if not contents:
                yield Member(info.filename, info.file_size)
                continue
            with archive.open(info) as stream:
                content = stream.read(MAX_UNPACKED + 1)
            yield Member(info.filename, len(content), content)


def _of_tar(packed: IO[bytes], contents: bool) -> Iterator[Member]:
    with tarfile.open(fileobj=packed) as archive:
        for info in archive:
            if info.isdir():
                continue
            if not info.isreg():
                raise ToolError(f"{info.name} in the archive is a link or a device; it is not unpacked")
            if info.size > MAX_UNPACKED:
                raise ToolError(f"{info.name} in the archive is too large: {info.size:,} bytes")
            stream = archive.extractfile(info) if contents else None
            yield Member(info.name, info.size, stream.read() if stream else b"")


def _inside(name: str) -> str:
    parts = name.replace("\\", "/").split("/")
    if name.startswith("/") or ".." in parts:
        raise ToolError(f"{name} in the archive would land outside the folder; nothing was extracted")
    return name


def _zip(contents: dict[str, bytes]) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for path, content in contents.items():
            info = zipfile.ZipInfo(path, _EPOCH)
            info.compress_type = zipfile.ZIP_DEFLATED
            info.external_attr = 0o644 << 16
            archive.writestr(info, content)
    return out.getvalue()


def _tar(contents: dict[str, bytes], *, gz: bool) -> bytes:
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w", format=tarfile.PAX_FORMAT) as archive:
        for path, content in contents.items():
            info = tarfile.TarInfo(path)
            info.size = len(content)
            archive.addfile(info, io.BytesIO(content))
    return zlib.compress(out.getvalue(), wbits=31) if gz else out.getvalue()


DEFINITIONS: Final = (
    Definition(
        "list_archive",
        "List the files in a zip or tar archive with their sizes.",
        (FILE,),
        list_archive,
        effects(reads="files:{path}"),
    ),
    Definition(
        "extract_archive",
        "Unpack a zip or tar archive, or one file of it, into a folder; nothing that is there is overwritten.",
        (
            FILE,
            Parameter("target", "The folder to unpack into; it is made."),
            Parameter("member", "Only this file of the archive.", required=False),
        ),
        extract_archive,
        effects(reads="files:{path} files:{target}", writes="files:{target}"),
    ),
    Definition(
        "create_archive",
        "Pack files and folders into a new zip or tar archive.",
        (
            Parameter("paths", "The files and folders to pack.", "strings"),
            Parameter("target", "The archive to write; its name ends with .zip, .tar, .tar.gz or .tgz."),
        ),
        create_archive,
        effects(reads="files:{paths} files:{target}", writes="files:{target}"),
    ),
)
