"""Options that several commands share."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from optimizer.home import Home, find_home

CampaignName = Annotated[
    str | None, typer.Option("--campaign", "-c", help="Which campaign; the one written to last when not given.")
]
Where = Annotated[Path, typer.Option("--in", help="Look for campaigns here: a repository, or a folder with runs/.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON instead of text.")]


def home_of(where: Path, campaign: str | None) -> Home:
    """The campaign that the options mean. Raises :class:`optimizer.errors.CampaignMissing`."""
    return find_home(where.resolve(), campaign)
