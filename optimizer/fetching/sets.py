"""The list of public sets: ``sets.toml``, or a file of one's own in the same form."""

from __future__ import annotations

from pathlib import Path, PurePosixPath
from typing import Annotated
from urllib.parse import quote, urlsplit

from pydantic import AfterValidator, Field, RootModel, model_validator

from optimizer.errors import SettingsError
from optimizer.settings.base import Settings
from search_space.errors import InvalidFile
from search_space.validation import load_toml, nearest

SHIPPED = Path(__file__).with_name("sets.toml")
LOOPBACK = ("127.0.0.1", "::1", "localhost")


def _below(path: str) -> str:
    """A path that stays in its folder, wherever that is."""
    parts = PurePosixPath(path).parts
    if not parts or path.startswith("/") or ".." in parts or "\\" in path or "/".join(parts) != path:
        raise ValueError("expected a path inside the set's folder, such as train.csv or demos/one.traj")
    return path


def secure(address: str) -> bool:
    """Whether nobody on the way can change what comes from there: https, or this machine."""
    parts = urlsplit(address)
    return parts.scheme == "https" or (parts.scheme == "http" and parts.hostname in LOOPBACK)


def _base(address: str) -> str:
    if not secure(address) or not address.endswith("/"):
        raise ValueError("expected the https address of a folder, with a '/' at its end")
    return address


class PublicFile(Settings):
    """One file. ``path`` is below the set's address, and below the folder that it is put into."""

    path: Annotated[str, AfterValidator(_below)]
    bytes: Annotated[int, Field(ge=0)]
    sha256: Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]


class PublicSet(Settings):
    """One set: where it is, under which licence, whom to name, and what its files must be."""

    about: str
    licence: str
    credit: str
    home: str
    base: Annotated[str, AfterValidator(_base)]
    files: Annotated[tuple[PublicFile, ...], Field(strict=False, min_length=1)]

    @model_validator(mode="after")
    def _each_once(self) -> PublicSet:
        paths = [file.path for file in self.files]
        if len(set(paths)) != len(paths):
            raise ValueError("expected each path once")
        return self

    @property
    def bytes(self) -> int:
        """All files together."""
        return sum(file.bytes for file in self.files)

    def address(self, file: PublicFile) -> str:
        """Where the file is."""
        return self.base + quote(file.path)


class _Sets(RootModel[dict[str, PublicSet]]):
    """The whole file: name to set."""


def load_sets(path: Path = SHIPPED) -> dict[str, PublicSet]:
    """The sets by name, in the file's order. Raises :class:`SettingsError` for a file that is no list of sets."""
    try:
        return load_toml(path.read_text(encoding="utf-8"), _Sets, file=path.name).root
    except InvalidFile as error:
        raise SettingsError(str(error), hint="docs/data.md says what an entry looks like") from None
    except (OSError, UnicodeDecodeError) as error:
        why = "no such file" if isinstance(error, FileNotFoundError) else str(error)
        raise SettingsError(f"{path}: got {why}, expected a list of sets") from None


def find_set(sets: dict[str, PublicSet], name: str) -> PublicSet:
    """The set called ``name``. Raises :class:`SettingsError` that names those there are."""
    if name not in sets:
        near = nearest(name, sets)
        raise SettingsError(
            f"fetch: got the unknown set '{name}', expected one of: {', '.join(sets)}",
            hint=f"did you mean '{near}'?"
            if near
            else "'ratchet fetch' alone lists them; --list names a list of yours",
        )
    return sets[name]
