"""The message of a kept variant's commit, as git and programs read it."""

from __future__ import annotations

import subprocess
from dataclasses import replace

from optimizer.records import Decision, Proposal, Spend
from optimizer.reports.commit import keep_message


def test_subject_body_trailers(proposal: Proposal, kept: Decision) -> None:
    spend = Spend(rollouts=40, input_tokens=1_200)
    text = keep_message(3, proposal, kept, campaign="night", suite="sha256:abc", before=0.5, spend=spend, seconds=41)
    subject, blank, *body = text.splitlines()
    assert (subject, blank) == ("Set [limits] to 9 (+3.0 points, search estimate)", "")
    assert max(map(len, body[: body.index("Ratchet-Campaign: night")])) <= 78
    assert "more [steps] help" in text and "made by a machine" in " ".join(text.split())
    read = subprocess.run(
        ["git", "interpret-trailers", "--parse"], input=text, capture_output=True, text=True, check=True
    ).stdout
    trailers = dict(line.split(": ", 1) for line in read.splitlines())
    assert trailers["Ratchet-Experiment"] == "3"
    assert trailers["Ratchet-Score"] == "0.500 -> 0.530 (search estimate)"
    assert trailers["Ratchet-Cost"] == "40 rollouts, 1,200 tokens, 0 s"
    assert "95% -1.0 to +21.0" in trailers["Ratchet-Evidence"]
    assert "by chance at most 0.0032" in trailers["Ratchet-Evidence"]
    flat = " ".join(text.split())
    assert "Evidence on search tasks: kept: better on 4 of 6 tasks, worse on 1; +10.0 points" in flat
    assert "40 rollouts, 41 s; would be kept by chance in fewer than 1 of 310 such streams. A search" in flat


def test_a_simplification_says_so(proposal: Proposal, kept: Decision) -> None:
    told = replace(
        kept, reason="worse by 2.3 points at most", effect=-0.002, chance=None, simplification=True, conceded=0.023
    )
    text = keep_message(3, proposal, told, campaign="n", suite="s", before=0.5, spend=Spend(), seconds=1)
    assert text.splitlines()[0] == "Simplify: set [limits] to 9 (-0.2 points, search estimate)"
    flat = " ".join(text.split())
    assert "kept as a simplification: better on" in flat and "worse by 2.3 points at most. A search" in flat
    assert "a simplification, conceded +2.3" in flat
