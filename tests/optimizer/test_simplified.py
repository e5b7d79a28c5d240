"""An edit that only takes away, from the proposal to the commit."""

from __future__ import annotations

from pathlib import Path

from optimizer.assemble import Request, open_campaign, plan_campaign
from optimizer.events import Bus
from optimizer.ledger.store import Ledger
from optimizer.records import Verdict
from optimizer.standing import Standing
from tests.optimizer.cli.projects import make_project

PROMPT = "You answer questions about a source tree with tools.\n"
CHATTER = "Weather is not what this is about.\nNor is cooking.\n"
LESS = (
    "# It says nothing that matters.\n--- a/prompts/system.md\n+++ b/prompts/system.md\n@@ -1,3 +1 @@\n"
    f" {PROMPT}" + "".join(f"-{line}\n" for line in CHATTER.splitlines())
)
TEXT = '\n[[dimension]]\nkind = "text"\nname = "prompts"\nfile = "prompts/*.md"\n'


def test_what_only_takes_away_is_kept_and_says_so(tmp_path: Path) -> None:
    """One step is not enough to answer anything, so that nothing is lost by a shorter prompt: every score is 0."""
    project = make_project(tmp_path / "project")
    (project.root / "harness" / "prompts" / "system.md").write_text(PROMPT + CHATTER)
    with (project.experiment / "space.toml").open("a") as space:
        space.write(TEXT)
    settings = project.experiment / "experiment.toml"
    settings.write_text(settings.read_text().replace("[suite]\n", "[suite]\ndeterministic = true\n"))
    (project.experiment / "proposals" / "steps.toml").unlink()
    (project.experiment / "proposals" / "less.diff").write_text(LESS)
    project.commit()
    with open_campaign(plan_campaign(Request(project.experiment, rollouts=70)), Bus()) as campaign:
        campaign.run()
    with Ledger.open(project.campaign, read_only=True) as ledger:
        first = next(iter(ledger.experiments()))
        standing = Standing.from_json(ledger.gate() or {})
    decision = first.decision
    assert decision is not None and decision.verdict is Verdict.keep and decision.simplification
    assert decision.conceded == 0.0 == standing.conceded and decision.chance is None
    message = " ".join(project.git("log", "-1", "--format=%B", str(first.commit)).split())
    assert message.startswith("Simplify: ") and "(+0.0 points, search estimate)" in message
    assert "kept as a simplification: better on 0 of 6 tasks, worse on 0; +0.0 points" in message
    assert "worse by 0.0 points at most (85% confidence), 3.0 allowed." in message
    shown = " ".join(project.ratchet("show", "1").out.split())
    assert "kept as a simplification: better on 0 of 6 tasks" in shown and "no claim" in shown
    verified = project.ratchet("verify", "1", "--repeats", "1")
    assert verified.code == 1 and "not decided" in verified.out, "what is no worse is no better either"
