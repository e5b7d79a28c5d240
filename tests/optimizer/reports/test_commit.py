"""The message of a kept variant's commit, as git and programs read it."""

from __future__ import annotations

import subprocess

from optimizer.records import Decision, Proposal, Spend
from optimizer.reports.commit import keep_message


def test_subject_body_trailers(proposal: Proposal, kept: Decision) -> None:
    spend = Spend(rollouts=40, input_tokens=1_200)
    text = keep_message(3, proposal, kept, campaign="night", suite="sha256:abc", before=0.5, spend=spend)
    subject, blank, *body = text.splitlines()
    assert (subject, blank) == ("Set [limits] to 9 (+3.0 points, search estimate)", "")
    assert max(map(len, body[: body.index("Ratchet-Campaign: night")])) <= 78
    assert "more [steps] help" in text and "made by a machine" in " ".join(text.split())
    read = subprocess.run(
        ["git", "interpret-trailers", "--parse"], input=text, capture_output=True, text=True, check=True
    ).stdout
    trailers = dict(line.split(": ", 1) for line in read.splitlines())
    assert trailers["Ratchet-Experiment"] == "3"
    assert trailers["Ratchet-Score"] == "0.500 -> 0.530"
    assert trailers["Ratchet-Cost"] == "40 rollouts, 1,200 tokens, 0 s"
    assert "95% -1.0 to +21.0" in trailers["Ratchet-Evidence"]
