"""Keys of providers: checked where they come in, and taken out of whatever goes on."""

from __future__ import annotations

from optimizer.errors import SettingsError

HIDDEN = "***"


def check_key(name: str, key: str | None) -> str | None:
    """``key`` without the blanks around it; None when there is none.

    Raises :class:`SettingsError`, which never shows it, for a key that no HTTP header can hold: a whole file, a line
    break within, typographic quotes. ``name`` is the environment variable that it came from.
    """
    key = (key or "").strip()
    if not key:
        return None
    if not (key.isascii() and key.isprintable()) or " " in key:
        raise SettingsError(
            f"{name}: got blanks, line breaks or letters beyond ASCII within the key, expected one word",
            hint=f"set {name} to the key alone",
        )
    return key


def check_header(name: str, value: str) -> str:
    """``value``, which may hold blanks. Raises :class:`SettingsError`, which never shows it, for what no HTTP header
    can hold. ``name`` is the environment variable that it came from."""
    if not (value.isascii() and value.isprintable()):
        raise SettingsError(
            f"{name}: got line breaks or letters beyond ASCII, expected the value of an HTTP header",
            hint=f"set {name} to the value alone",
        )
    return value


def without_key(text: str, key: str | None) -> str:
    """``text`` with ``key`` blotted out, wherever a provider or a library repeats it."""
    return text.replace(key, HIDDEN) if key else text
