"""Errors that a user may see.

RatchetError                 (exit code 2; the text says what was got, what was expected, what to do)
├── SettingsError            experiment.toml, flags, or the suite ask for something impossible
├── RepositoryError          the harness is not in git, is dirty or missing
│   └── BranchMoved          somebody else moved the campaign's branch
├── LedgerError              unreadable, corrupted or full; never overwritten
├── CampaignBusy             another process runs this campaign
├── CampaignMissing          no such campaign here
├── FetchError               a public set did not come whole, or is another one
├── SandboxError             rollouts cannot be started on this machine
└── ModelUnavailable         the model behind the door failed, and waiting is of no use or was of none
BudgetExceeded               internal: a reservation that the budget does not cover
"""

from __future__ import annotations


class RatchetError(Exception):
    """Base of everything shown to a user without a traceback. ``hint`` says what to do next."""

    def __init__(self, message: str, *, hint: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint


class SettingsError(RatchetError):
    """The experiment, a flag or the suite asks for something impossible."""


class RepositoryError(RatchetError):
    """The harness is not in git, is dirty, or is missing."""


class BranchMoved(RepositoryError):
    """The campaign's branch does not stand where the campaign left it."""


class LedgerError(RatchetError):
    """The ledger cannot be read or written."""


class CampaignBusy(RatchetError):
    """Another process runs this campaign."""


class CampaignMissing(RatchetError):
    """There is no such campaign here."""


class FetchError(RatchetError):
    """A file of a public set cannot be fetched or taken; nothing wrong is put in its place."""


class SandboxError(RatchetError):
    """Rollouts cannot be started on this machine."""


class ModelUnavailable(RatchetError):
    """The model behind the door cannot be used. ``heals``: it may be well again later, with nothing changed (an
    outage); otherwise somebody has to mend something (a wrong key)."""

    def __init__(self, message: str, *, hint: str = "", heals: bool) -> None:
        super().__init__(message, hint=hint)
        self.heals = heals


class BudgetExceeded(Exception):
    """A reservation that the remaining budget does not cover; ``passing``: it will when calls under way have ended."""

    def __init__(self, message: str = "", *, passing: bool = False) -> None:
        super().__init__(message)
        self.passing = passing
