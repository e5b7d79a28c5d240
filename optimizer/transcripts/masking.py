"""Personal data and secrets, found by their form and replaced before anything is written.

The same value gets the same mask throughout a transcript (``[EMAIL-1]``), so that a later step that uses it still does
after masking. What has no form of its own, such as the names of people, is not found. The forms of keys follow what
their issuers document; the lists of gitleaks and detect-secrets were read for which ones matter.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any


@dataclass(frozen=True, slots=True)
class _Kind:
    """``hints`` are texts without one of which there can be no match: looking for them is fast, the pattern is slow.
    Without any, it is a number of nine digits or more.
    What is masked is the group ``value`` where the pattern has one. ``valid`` looks closer at a match."""

    name: str
    pattern: re.Pattern[str]
    hints: tuple[str, ...] = ()
    valid: Callable[[str], bool] = lambda text: True


def _luhn(text: str) -> bool:
    """The check sum of payment cards (ISO/IEC 7812-1, annex B)."""
    digits = [int(char) for char in text if char.isdigit()]
    if not 13 <= len(digits) <= 19 or len(set(digits)) == 1:
        return False
    doubled = [2 * digit for digit in digits[-2::-2]]
    return (sum(digits[-1::-2]) + sum(value - 9 if value > 9 else value for value in doubled)) % 10 == 0


def _iban(text: str) -> bool:
    """The check digits of an IBAN (ISO 13616: the rearranged number is 1 modulo 97)."""
    plain = text.replace(" ", "")
    return int("".join(str(int(char, 36)) for char in plain[4:] + plain[:4])) % 97 == 1


_KINDS: tuple[_Kind, ...] = (
    _Kind(
        "PRIVATE-KEY",
        re.compile(r"-----BEGIN [A-Z ]*PRIVATE KEY-----.*?(?:-----END [A-Z ]*PRIVATE KEY-----|\Z)", re.DOTALL),
        ("PRIVATE KEY-----",),
    ),
    _Kind("JWT", re.compile(r"\beyJ[\w-]{8,}\.[\w-]{8,}\.[\w-]*"), ("eyJ",)),
    _Kind("KEY", re.compile(r"\b(?:sk|rk|pk)[-_](?:[A-Za-z]+[-_])*[A-Za-z0-9_-]{16,}"), ("sk-", "sk_", "rk_", "pk_")),
    _Kind(
        "KEY",
        re.compile(r"\b(?:gh[pousr]_[A-Za-z0-9]{20,}|github_pat_\w{20,}|glpat-[\w-]{16,})"),
        ("ghp_", "gho_", "ghu_", "ghs_", "ghr_", "github_pat_", "glpat-"),
    ),
    _Kind("KEY", re.compile(r"\b(?:AKIA|ASIA)[A-Z0-9]{16}\b"), ("AKIA", "ASIA")),
    _Kind("KEY", re.compile(r"\bAIza[\w-]{35}"), ("AIza",)),
    _Kind(
        "KEY",
        re.compile(r"\b(?:xox[abprs]-[A-Za-z0-9-]{10,}|hf_[A-Za-z0-9]{20,}|npm_[A-Za-z0-9]{30,})"),
        ("xox", "hf_", "npm_"),
    ),
    _Kind("SECRET", re.compile(r"\b[Bb]earer\s+(?P<value>[A-Za-z0-9._~+/-]{16,}=*)"), ("earer ",)),
    _Kind("SECRET", re.compile(r"://[^\s/:@\"']+:(?P<value>[^\s/@\"']{3,})@"), ("://",)),
    _Kind(
        "SECRET",
        re.compile(
            r"(?i)(?:password|passwd|secret|api_?key|access_?key|auth_?token|access_?token)\\?[\"']?\s*[=:]\s*\\?[\"']?"
            r"(?P<value>(?!\[)[^\s\"'\\,;{}()<>]{8,})"
        ),
        ("assw", "ASSW", "ecret", "ECRET", "key", "KEY", "Key", "oken", "OKEN"),
        lambda text: any(char.isdigit() for char in text),
    ),
    _Kind("EMAIL", re.compile(r"[A-Za-z0-9][\w.+-]*@[A-Za-z0-9](?:[A-Za-z0-9-]*\.)+[A-Za-z]{2,24}\b"), ("@",)),
    _Kind("SSN", re.compile(r"(?<![\w-])(?!000|666|9)\d{3}-(?!00)\d{2}-(?!0000)\d{4}(?![\w-])")),
    _Kind("IBAN", re.compile(r"\b[A-Z]{2}\d{2}(?: ?[A-Z0-9]{4}){3,7}(?: ?[A-Z0-9]{1,3})?\b"), (), _iban),
    _Kind("CARD", re.compile(r"(?<![\w.-])\d(?:[ -]?\d){12,18}(?![\w-])"), (), _luhn),
    _Kind("PHONE", re.compile(r"(?<![\w.+-])\+\d[\d ().-]{7,17}\d(?![\w-])"), ()),
    _Kind("PHONE", re.compile(r"(?<![\w.-])\(?\d{3}\)?[ .-]\d{3}[ .-]\d{4}(?![\w-])"), ()),
    _Kind(
        "USER",
        re.compile(r"(?:/home/|/Users/|C:\\{1,2}Users\\{1,2})(?P<value>[A-Za-z0-9][\w.-]*)"),
        ("/home/", "Users"),
    ),
)
_NUMBER = re.compile(r"\d(?:[ .()-]{0,2}\d){8,}")
"""Nine digits in a row, loosely: no number that is masked has fewer."""
_BEFORE, _BEHIND = 14, 8
"""What may belong to a number before its digits (the letters of an IBAN, a plus) and behind them."""
_TOKEN = re.compile(r"[\w.+-]*")
_TOKEN_BACK = re.compile(r"[\w.+-]*\Z")
_LONGEST_TOKEN = 64


class Masker:
    """Masks the texts of one transcript. ``counts`` says how many places of each kind were masked."""

    def __init__(self) -> None:
        self._masks: dict[str, str] = {}
        self._numbers: Counter[str] = Counter()
        self.counts: Counter[str] = Counter()

    def text(self, text: str) -> str:
        """``text`` with what was found in it replaced."""
        for hint, kind in _HINTED:
            if hint in text:
                text = kind.pattern.sub(partial(self._masked, kind), text)
        return self._numbers_masked(text)

    def value(self, value: Any) -> Any:
        """A JSON value with every text in it masked, also the keys of objects."""
        if isinstance(value, str):
            return self.text(value)
        if isinstance(value, Mapping):
            return {self.text(key): self._under(key, item) for key, item in value.items()}
        return [self.value(item) for item in value] if isinstance(value, list | tuple) else value

    def _numbers_masked(self, text: str) -> str:
        """Only the surroundings of long numbers are looked at: most of a text has none."""
        parts: list[str] = []
        done = 0
        for match in _NUMBER.finditer(text):
            if match.end() <= done:
                continue
            start, end = max(done, match.start() - _BEFORE), match.end() + _BEHIND
            back = _TOKEN_BACK.search(text, max(done, start - _LONGEST_TOKEN), start)
            ahead = _TOKEN.match(text, end, end + _LONGEST_TOKEN)
            start, end = (back.start() if back else start), (ahead.end() if ahead else end)
            near = text[start:end]
            for kind in _NUMBERS:
                near = kind.pattern.sub(partial(self._masked, kind), near)
            parts += (text[done:start], near)
            done = end
        return "".join((*parts, text[done:])) if parts else text

    def _under(self, key: str, value: Any) -> Any:
        """A value whose key may say what it is: ``{"password": "..."}``."""
        if isinstance(value, str) and _NAMED.search(key) and len(value) >= 6 and not value.startswith("["):
            return self._mask("SECRET", value)
        return self.value(value)

    def _masked(self, kind: _Kind, match: re.Match[str]) -> str:
        whole = match.group()
        group = "value" if "value" in kind.pattern.groupindex else 0
        found = match.group(group)
        if not kind.valid(found):
            return whole
        start, end = match.start(group) - match.start(), match.end(group) - match.start()
        return whole[:start] + self._mask(kind.name, found) + whole[end:]

    def _mask(self, kind: str, found: str) -> str:
        self.counts[kind] += 1
        if found not in self._masks:
            self._numbers[kind] += 1
            self._masks[found] = f"[{kind}-{self._numbers[kind]}]"
        return self._masks[found]


_NAMED = re.compile(r"(?i)^(?:password|passwd|secret|api_?key|access_?key|auth_?token|access_?token|private_?key)$")
_HINTED = [(hint, kind) for kind in _KINDS for hint in kind.hints]
_NUMBERS = [kind for kind in _KINDS if not kind.hints]
