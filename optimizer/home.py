"""Where a campaign lives: ``.ratchet/<campaign>/`` beside its repository, and how a command finds it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from optimizer.errors import CampaignMissing

FOLDER = ".ratchet"
RUNS = "runs"


@dataclass(frozen=True, slots=True)
class Home:
    """The files of one campaign. ``repository`` is the root of the git repository that holds the harness."""

    repository: Path
    campaign: str

    @property
    def folder(self) -> Path:
        """Everything but the git objects."""
        return self.repository / FOLDER / self.campaign

    @property
    def ledger(self) -> Path:
        """The SQLite ledger."""
        return self.folder / "ledger.db"

    @property
    def lock(self) -> Path:
        """Held, with the process id inside, by the process that runs the campaign."""
        return self.folder / "lock"

    @property
    def stop_request(self) -> Path:
        """Its existence asks the running process to end after the experiment in hand."""
        return self.folder / "stop"

    @property
    def trajectories(self) -> Path:
        """Compressed trajectories of failed rollouts, bounded in size."""
        return self.folder / "trajectories"

    @property
    def ref(self) -> str:
        """The branch that the campaign writes."""
        return f"refs/heads/ratchet/{self.campaign}"


def homes(start: Path) -> list[Home]:
    """Every campaign that can be seen from ``start``: of the repository around it, and of those under ``runs/``,
    the one written to last first."""
    roots = [start, *start.parents]
    around = [root for root in roots if (root / FOLDER).is_dir()][:1]
    runs = sorted(path for root in (start, *around) for path in (root / RUNS).glob("*") if (path / FOLDER).is_dir())
    found = {
        Home(root.resolve(), ledger.parent.name)
        for root in (*around, *runs)
        for ledger in (root / FOLDER).glob("*/ledger*.db")  # a copy alone is a campaign too, whose ledger was lost
    }
    return sorted(found, key=lambda home: (-_written_at(home), str(home.folder)))


def _written_at(home: Home) -> float:
    """When its ledger was written last; SQLite writes to the log beside it first."""
    files = (home.ledger, home.ledger.with_name(f"{home.ledger.name}-wal"))
    return max((file.stat().st_mtime for file in files if file.exists()), default=0.0)


def find_home(start: Path, campaign: str | None = None) -> Home:
    """The campaign called ``campaign``, or the one written to last.

    Raises :class:`CampaignMissing` when there is none, or none of that name.
    """
    found = homes(start)
    if not found:
        raise CampaignMissing(
            f"no campaign in {start} or under its {RUNS}/",
            hint="start one with 'ratchet run', or name its folder with --in",
        )
    if campaign is None:
        return found[0]
    for home in found:
        if home.campaign == campaign:
            return home
    names = ", ".join(home.campaign for home in found)
    raise CampaignMissing(
        f"no campaign '{campaign}' here; there are: {names}", hint="name one of these with --campaign"
    )
