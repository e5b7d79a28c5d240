"""A new campaign's repository and ledger: all of it, or nothing; and whether an old one is still the same."""

from __future__ import annotations

import hashlib
import json
import platform
import shutil
import time
from typing import Any

from pydantic import ValidationError

from optimizer.assemble.planned import Planned
from optimizer.errors import CampaignMissing, SettingsError
from optimizer.home import Home
from optimizer.ledger import rows
from optimizer.ledger.branch import Branch
from optimizer.ledger.lock import CampaignLock, refuse_second
from optimizer.ledger.store import Ledger
from optimizer.settings import ExperimentSettings, ModelSettings
from optimizer.workspace.workspace import Workspace

UNDECISIVE = {"budget", "description", "sandbox"}
"""Keys of an experiment that may change while a campaign lasts."""
WAY = frozenset(ModelSettings.model_fields) - {"agent"}
"""Keys of ``[model]`` that may: how the model is reached, not which one it is."""
EXCLUDED: Any = {**dict.fromkeys(UNDECISIVE, True), "model": dict.fromkeys(WAY, True)}
BESIDE = {"folder", "no_holdout"}
"""What the ledger keeps beside the experiment's own keys."""


def refuse_early(planned: Planned) -> None:
    """What stands in the way of going on with a campaign, told before anything costly is begun; nothing is changed.

    Raises CampaignBusy when another process runs it, SettingsError when the experiment changed, RepositoryError when
    somebody has its branch checked out.
    """
    refuse_second(planned.home.folder)
    if planned.resumes:
        with Ledger.open(planned.home.folder, read_only=True) as ledger:
            check_same(planned, ledger.campaign)
        Branch(planned.home.repository, planned.home.campaign).check_free()


def found(planned: Planned) -> None:
    """Make repository and ledger of a new campaign: all of it, or nothing."""
    home = planned.home
    if home.ledger.exists():
        return
    if planned.files is None:
        workspace = Workspace.open(home.repository, planned.harness, ref=home.ref)
        with CampaignLock(home.folder):
            Ledger.create(home.folder, _campaign(planned, workspace.base)).close()
        return
    if home.repository.exists() and any(home.repository.iterdir()):
        if any(home.folder.glob("ledger*")):
            Ledger.open(home.folder).close()  # says what is wrong with it
        raise CampaignMissing(
            f"{home.repository} is there, but holds no campaign '{home.campaign}'",
            hint="remove it, choose another --name, or another --runs folder",
        )
    # Built beside its place and renamed, so that a kill leaves either a whole campaign or none.
    new = home.repository.with_name(f".{home.repository.name}.new")
    shutil.rmtree(new, ignore_errors=True)
    workspace = Workspace.create(
        new, planned.files, harness=planned.harness, message="Baseline harness\n", at=time.time()
    )
    Ledger.create(Home(new, home.campaign).folder, _campaign(planned, workspace.base)).close()
    if home.repository.exists():
        home.repository.rmdir()
    new.rename(home.repository)


def _campaign(planned: Planned, baseline: str) -> rows.Campaign:
    return rows.Campaign(
        name=planned.home.campaign,
        experiment=_digest(planned),
        settings={**_recorded(planned), "no_holdout": planned.no_holdout},
        seed=planned.seed,
        suite=planned.suite.hash,
        ref=planned.home.ref,
        baseline=baseline,
        harness=planned.harness,
        python=platform.python_version(),
    )


def _recorded(planned: Planned) -> dict[str, Any]:
    return {**planned.settings.model_dump(mode="json"), "folder": str(planned.folder)}


def _digest(planned: Planned) -> str:
    """What must not change while a campaign lasts: how things are measured, decided and proposed. Budgets may, and so
    may the way to a model: its address, its prices, what is recorded of it."""
    return _hashed(planned.settings.model_dump_json(exclude=EXCLUDED).encode(), planned)


def _hashed(decisive: bytes, planned: Planned) -> str:
    return "sha256:" + hashlib.sha256(decisive + b"\0" + planned.space_text).hexdigest()


def _same_but_for_newer_keys(planned: Planned, campaign: rows.Campaign) -> bool:
    """Whether the campaign was begun by an older version with what is the same experiment now: what the ledger holds is
    what was hashed then, and keys that this version has more stand at their defaults."""
    then = {key: value for key, value in campaign.settings.items() if key not in BESIDE}
    decisive = {key: value for key, value in then.items() if key not in UNDECISIVE}
    decisive["model"] = {key: value for key, value in decisive["model"].items() if key not in WAY}
    text = json.dumps(decisive, separators=(",", ":"), ensure_ascii=False)
    if campaign.experiment != _hashed(text.encode(), planned):
        return False
    try:
        again = ExperimentSettings.model_validate_json(json.dumps(then))
    except ValidationError:
        return False
    return again.model_dump(exclude=EXCLUDED) == planned.settings.model_dump(exclude=EXCLUDED)


def check_same(planned: Planned, campaign: rows.Campaign) -> None:
    again = "start a new campaign with --name, or put it back as it was"
    if campaign.suite != planned.suite.hash:
        raise SettingsError(
            f"suite: got {planned.suite.hash[:19]}…, but campaign '{campaign.name}' was measured on "
            f"{campaign.suite[:19]}…: "
            "tasks, truth or grader changed, so scores cannot be compared",
            hint=again,
        )
    if campaign.experiment != _digest(planned) and not _same_but_for_newer_keys(planned, campaign):
        before, now = campaign.settings, _recorded(planned)
        changed = sorted(
            key for key in now if key in before and before[key] != now[key] and key not in ("budget", "folder")
        )
        what = ", ".join(changed) or planned.settings.space
        raise SettingsError(f"the experiment changed since campaign '{campaign.name}' began: {what}", hint=again)
