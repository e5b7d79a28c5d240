"""A campaign that looks at proposals by replay before it runs one."""

import json

import pytest

from optimizer.assemble.opening import open_campaign
from optimizer.assemble.plan import plan_campaign
from optimizer.assemble.planned import Request
from optimizer.assemble.screening import Screen
from optimizer.errors import SettingsError
from optimizer.events import Bus
from optimizer.reports.summary import summarize, summary_json
from optimizer.settings.replay import ScreenSettings
from search_space.errors import SearchSpaceError
from tests.optimizer.replay.talks import talk

HARNESS = 'name = "x"\n[compaction]\nstrategy = "{}"\n'


def files(strategy, prompt="Work.", **more):
    return {"harness.toml": HARNESS.format(strategy).encode(), "prompts/system.md": prompt.encode(), **more}


@pytest.fixture
def folder(tmp_path):
    folder = tmp_path / "experiments" / "r"
    folder.mkdir(parents=True)
    talks = [{"workload": "w", "id": str(n), "messages": talk(14, seed=n)} for n in range(24)]
    (folder / "talks.jsonl").write_text("".join(json.dumps(each) + "\n" for each in talks))
    return folder


def test_what_is_predicted_and_where_replay_is_silent(folder):
    screen = Screen.load(ScreenSettings(transcripts=("talks.jsonl",), context_tokens=600, sample=6), folder)
    gain = screen.predict(files("clear_results"), files("fact_ledger"))
    assert gain > 0 and screen.predict(files("fact_ledger"), files("clear_results")) == -gain
    assert screen.predict(files("summary"), files("summary", "Other words.")) is None
    assert screen.predict({"CLAUDE.md": b"x"}, {"CLAUDE.md": b"y"}) is None
    own = files('plugin"\nfile = "strategies/a.py', **{"strategies/a.py": b"x = 1\n"})
    assert screen.predict(files("summary"), own) is None
    with pytest.raises(SearchSpaceError):
        screen.predict(files("summary"), files("no such thing"))


def test_transcripts_that_are_not_there_or_say_nothing(folder):
    with pytest.raises(SettingsError, match="no transcript of more than 90000 tokens"):
        Screen.load(ScreenSettings(transcripts=("talks.jsonl",), context_tokens=90_000), folder)
    experiment(folder, 'transcripts = ["none.jsonl"]')
    with pytest.raises(SettingsError, match=r"'none\.jsonl', which is not there"):
        plan_campaign(Request(experiment=folder, runs=folder / "runs"))


def experiment(folder, screen):
    (folder / "experiment.toml").write_text(
        'name = "r"\nharness = "baseline:minimal"\n[suite]\nkind = "replay"\ntranscripts = ["talks.jsonl"]\n'
        f'context_tokens = 600\nhold_out = "transcript"\n[screen]\n{screen}\n[budget]\nrollouts = 260\n'
    )
    (folder / "space.toml").write_text(
        '[[dimension]]\nkind = "compaction"\n'
        'strategies = ["sliding_window", "fact_ledger", "clear_results", "summary"]\n'
        "[dimension.parameters.fact_ledger]\nmax_facts = { values = [5, 20, 60] }\n"
        "[dimension.parameters.sliding_window]\nkeep_messages = { values = [2, 4, 8, 20] }\n"
    )


def test_a_screened_campaign_records_what_was_predicted(folder):
    experiment(folder, 'transcripts = ["talks.jsonl"]\ncontext_tokens = 600\ncandidates = 6\nsample = 8')
    planned = plan_campaign(Request(experiment=folder, runs=folder / "runs"))
    with open_campaign(planned, Bus()) as campaign:
        assert campaign.run().finished
        rows = list(campaign.parts.ledger.experiments())
        told = summary_json(summarize(campaign.parts.ledger))["screening"]
    screened = [row for row in rows if row.proposal.predicted is not None]
    assert screened and max(row.proposal.drawn for row in screened) > 1
    assert told["screened"] == len(screened) and told["drawn"] == sum(row.proposal.drawn for row in screened)
    first = screened[0]
    assert first.proposal.predicted > 0 and first.decision.raw_effect > 0, "the same transcripts say the same"
