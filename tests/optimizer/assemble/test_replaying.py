"""Rollouts of the replay suite: shipped strategies here, plug-ins in the sandbox, and a whole campaign."""

import json
import threading
from contextlib import ExitStack

import pytest

from optimizer.assemble.opening import open_campaign
from optimizer.assemble.plan import plan_campaign
from optimizer.assemble.planned import Request
from optimizer.assemble.replaying import Replayer
from optimizer.events import Bus
from optimizer.records import Split
from optimizer.replay.sandboxed import PluginFailed
from optimizer.settings.replay import ReplayWeights
from optimizer.suites.replay import ReplaySuite
from tests.optimizer.replay.talks import talk, transcript

PROMPT = {"prompts/system.md": b"Work."}
LIMIT = 600


def files(compaction, **more):
    text = f'name = "x"\n[compaction]\n{compaction}\n'
    return {"harness.toml": text.encode(), **PROMPT, **{f"strategies/{k}.py": v.encode() for k, v in more.items()}}


def plugin(code):
    return files('strategy = "plugin"\nfile = "strategies/own.py"', own=code)


@pytest.fixture(scope="module")
def replayer():
    whole = [transcript(talk(14, seed=seed), id=f"t{seed}") for seed in range(4)]
    suite = ReplaySuite(whole, limit_tokens=LIMIT, weights=ReplayWeights(), hold_out="transcript")
    with ExitStack() as stack:
        yield Replayer(suite, stack, timeout_s=15.0)


def test_strategies_differ_and_scores_repeat(replayer):
    window, ledger = files('strategy = "sliding_window"\nkeep_messages = 4'), files('strategy = "fact_ledger"')
    assert replayer.count(ledger, "t1").at_risk_kept > replayer.count(window, "t1").at_risk_kept
    assert replayer.score(ledger, "t1", 0) == replayer.score(ledger, "t1", 7)


def test_a_plug_in_does_what_the_same_code_does_here(replayer):
    keep = "def compact(messages, limit_tokens, parameters):\n    return [messages[0], *messages[-2:]]\n"
    found = replayer.count(plugin(keep), "t2")
    assert found.steps == 15 and found.compacted > 5 and found.at_risk_kept < found.at_risk
    assert replayer.count(plugin(keep), "t2") == found


def test_a_plug_in_is_told_the_past_only_and_nothing_of_the_rest_is_in_reach(replayer):
    """Each rendering notes what the code was shown: it ends where the step begins."""
    spy = (
        "import os\n"
        "def compact(messages, limit_tokens, parameters):\n"
        "    last = messages[-1]['content'][0]['tool_use_id']\n"
        "    blocks = [b for m in messages for b in m['content'] if isinstance(b, dict)]\n"
        "    seen = {b['id'] for b in blocks if b['type'] == 'tool_use'}\n"
        "    assert max(int(i[1:]) for i in seen) == int(last[1:]) == len(seen) - 1, (last, len(seen))\n"
        "    assert not [n for n in os.listdir('.') if n.endswith('.jsonl')]\n"
        "    return [messages[0], *messages[-2:]]\n"
    )
    assert replayer.count(plugin(spy), "t0").compacted > 5


@pytest.mark.parametrize(
    ("code", "said"),
    [
        ("def compact(messages, limit_tokens, parameters):\n    raise KeyError('nope')\n", "nope"),
        ("def compact(messages, limit_tokens, parameters):\n    return 3\n", "a list of messages"),
        ("import os\ndef compact(messages, limit_tokens, parameters):\n    os._exit(3)\n", "3|ended"),
        ("x = 1\n", "compact"),
    ],
)
def test_a_plug_in_that_fails_says_why(replayer, code, said):
    with pytest.raises(PluginFailed, match=said):
        replayer.count(plugin(code), "t0")


def test_a_plug_in_that_hangs_is_ended(replayer):
    quick = Replayer(replayer.suite, replayer.stack, timeout_s=1.0)
    with pytest.raises(PluginFailed):
        quick.count(plugin("def compact(messages, limit_tokens, parameters):\n    while True: pass\n"), "t0")
    assert threading.active_count() < 20


def test_a_campaign_on_transcripts(tmp_path):
    folder = tmp_path / "experiments" / "r"
    folder.mkdir(parents=True)
    talks = [{"workload": f"w{n % 4}", "id": str(n), "messages": talk(14, seed=n)} for n in range(32)]
    (folder / "talks.jsonl").write_text("".join(json.dumps(each) + "\n" for each in talks))
    (folder / "experiment.toml").write_text(
        'name = "r"\nharness = "baseline:minimal"\n[suite]\nkind = "replay"\ntranscripts = ["talks.jsonl"]\n'
        "context_tokens = 600\n[budget]\nrollouts = 300\n"
    )
    (folder / "space.toml").write_text(
        '[[dimension]]\nkind = "compaction"\nstrategies = ["sliding_window", "fact_ledger", "clear_results"]\n'
    )
    planned = plan_campaign(Request(experiment=folder, runs=tmp_path / "runs"))
    assert {task.id for task in planned.suite.tasks(Split.search)} and planned.suite.deterministic
    with open_campaign(planned, Bus()) as campaign:
        assert campaign.run().finished
        best = campaign.parts.space.read(campaign.parts.workspace.files(campaign._standing().tree))
    assert best["compaction"] != "clear_results"
