"""Whether the values that a space offers for a key are values that the key can have."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from optimizer.errors import SettingsError
from search_space.domains import Choice, Domain, Scalar
from search_space.edits import SetKey
from search_space.errors import InvalidEdit, InvalidFile
from search_space.harness import agent_of
from search_space.space import Space
from search_space.validation import shown


def check_values(space: Space, files: Mapping[str, bytes], *, file: str) -> None:
    """Try every choice, and both ends of every range, of the active dimensions that are keys of the harness ``files``.

    Raises :class:`SettingsError` that names ``file`` (the space file), dimension and value for one that the key refuses
    by itself: every proposal of it would be invalid. What only another dimension's value makes impossible is let pass.
    """
    now = space.read(files)
    for name in space.active(now):
        for value in _offered(space.domain(name)):
            if error := _refused(space, files, name, value):
                raise SettingsError(
                    f"{file}: {name}: got {shown(value)}, expected a value of the key {error.key}: {error.expected}",
                    hint="correct the dimension's values: every proposal of this one would be invalid",
                )


def _offered(domain: Domain) -> Iterator[Scalar]:
    if isinstance(domain, Choice):
        yield from domain.values
    else:
        yield from (domain.low, domain.high)


def _refused(space: Space, files: Mapping[str, bytes], name: str, value: Scalar) -> InvalidFile | None:
    """What the harness says against the value at its own key; None for nothing."""
    try:
        edit = space.edit(files, {name: value})
        if isinstance(edit, SetKey):
            agent_of(edit.apply(files))
    except InvalidFile as error:
        return error if isinstance(edit, SetKey) and error.key.startswith(edit.key) else None
    except InvalidEdit:  # it is so already, or it needs something beside it
        return None
    return None
