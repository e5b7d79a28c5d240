"""Names to objects: the only importer of what stands behind the protocols."""

from optimizer.assemble.calibrating import calibrate_harness
from optimizer.assemble.facts import facts_of
from optimizer.assemble.machinery import judge_noise
from optimizer.assemble.opening import open_campaign
from optimizer.assemble.plan import plan_campaign
from optimizer.assemble.planned import Planned, Request
from optimizer.assemble.scoring import open_scoring, with_other_tasks
from optimizer.assemble.verifying import verify_commit

__all__ = [
    "Planned",
    "Request",
    "calibrate_harness",
    "facts_of",
    "judge_noise",
    "open_campaign",
    "open_scoring",
    "plan_campaign",
    "verify_commit",
    "with_other_tasks",
]
