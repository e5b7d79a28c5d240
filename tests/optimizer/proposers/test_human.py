"""A person's proposals."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from optimizer.proposers.base import Past, Situation
from optimizer.proposers.human import MAX_BYTES, HumanProposer
from optimizer.records import Proposal, Verdict

Make = Callable[..., Situation]

GOOD = """\
hypothesis = "Looking twice avoids slips"
expected_effect = 0.03
absent = ["method.look"]
[changes]
"method.verify" = "long"
limits.max_steps = 30
"""
DIFF = """\
# A note on names may help
# with modules.
--- a/prompts/system.md
+++ b/prompts/system.md
@@ -3,3 +3,7 @@
 # Method
{blank}
 - Look before you answer.
+
+# Notes
+
+- A module's name is its path.
""".replace("{blank}", " ")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    path = tmp_path / "proposals"
    path.mkdir()
    return path


def all_of(folder: Path, make: Make) -> list[Proposal]:
    """Every proposal there is, each recorded as past before the next is asked for."""
    found: list[Proposal] = []
    history: list[Past] = []
    while proposal := HumanProposer(folder).propose(make(len(found), history=history)):
        found.append(proposal)
        history.append(Past(len(found), {}, proposal.changes, Verdict.discard, None, None, proposal.source))
        assert len(found) < 50
    return found


def test_a_typed_proposal(folder: Path, situation: Make) -> None:
    (folder / "twice.toml").write_text(GOOD)
    [proposal] = all_of(folder, situation)
    assert proposal.problem == ""
    assert proposal.hypothesis == "Looking twice avoids slips"
    assert proposal.expected_effect == 0.03
    assert proposal.changes == {"method.look": None, "method.verify": "long", "limits.max_steps": 30}
    now = situation()
    after = now.space.read(proposal.edit.apply(now.files))
    assert (after["method.look"], after["method.verify"], after["limits.max_steps"]) == (None, "long", 30)


def test_a_free_proposal(folder: Path, situation: Make) -> None:
    (folder / "note.diff").write_text(DIFF)
    [proposal] = all_of(folder, situation)
    assert (proposal.problem, proposal.changes) == ("", {})
    assert proposal.hypothesis == "A note on names may help with modules."
    assert b"A module's name is its path." in proposal.edit.apply(situation().files)["prompts/system.md"]


def test_in_name_order_each_content_once_and_nothing_is_touched(folder: Path, situation: Make) -> None:
    (folder / "b.toml").write_text(GOOD)
    (folder / "a.patch").write_text(DIFF)
    (folder / "c.toml").write_text(GOOD)
    (folder / ".hidden.toml").write_text(GOOD + "# other\n")
    (folder / "README.md").write_text("not a proposal")
    (folder / "folder.toml").mkdir()
    before = {path.name: path.stat().st_mtime_ns for path in folder.iterdir()}
    assert [proposal.changes == {} for proposal in all_of(folder, situation)] == [True, False]
    assert {path.name: path.stat().st_mtime_ns for path in folder.iterdir()} == before
    (folder / "c.toml").write_text(GOOD.replace("30", "20"))
    assert len(all_of(folder, situation)) == 3, "an edited file is a new proposal"


def test_a_missing_folder_holds_none(tmp_path: Path, situation: Make) -> None:
    assert HumanProposer(tmp_path / "nowhere").propose(situation()) is None


@pytest.mark.parametrize(
    ("name", "content", "words"),
    [
        ("bad.toml", b"hypothesis = ", "bad.toml: got text that is not TOML"),
        ("bad.toml", b"\xff\xfe", "bad.toml: got bytes that are not UTF-8 at 0"),
        ("bad.toml", b'hypotesis = "x"', "hypotesis: got an unknown key, expected one of hypothesis"),
        ("bad.toml", b'hypotesis = "x"', "did you mean 'hypothesis'?"),
        ("bad.toml", b"hypothesis = 3\n[changes]\nflags.careful = true", "hypothesis: got 3, expected text"),
        ("bad.toml", b'hypothesis = "x"', "changes: got no dimension, expected at least one"),
        ("bad.toml", b"changes = 3", "changes: got 3, expected a table"),
        ("bad.toml", b"absent = 3", "absent: got 3, expected a list"),
        ("bad.toml", b'[changes]\n"method.verfy" = "long"', "unknown dimension 'method.verfy'"),
        ("bad.toml", b'[changes]\n"method.verfy" = "long"', "did you mean 'method.verify'?"),
        ("bad.toml", b"[changes]\nlimits.max_steps = [1]", "changes.limits.max_steps: got [1], expected text"),
        ("bad.toml", b"[changes]\nlimits.max_steps = 4000", "limits.max_steps: got 4000"),
        ("bad.toml", b"[changes]\nlimits.max_steps = 10", "got only values that the champion has already"),
        ("bad.toml", b"expected_effect = 3\n[changes]\nflags.careful = true", "expected_effect: got 3"),
        ("bad.diff", b"# only words\n", "bad.diff: "),
        ("bad.diff", DIFF.replace("Look before", "Jump before").encode(), "prompts/system.md"),
        ("bad.toml", b"#" * (MAX_BYTES + 1), "got more than 1,000,000 bytes"),
    ],
)
def test_a_bad_file_says_why_once_and_stays(
    folder: Path, situation: Make, name: str, content: bytes, words: str
) -> None:
    (folder / name).write_bytes(content)
    (folder / "z.toml").write_text(GOOD)
    bad, good = all_of(folder, situation)
    assert words in bad.problem
    assert bad.edit.apply(situation().files) == dict(situation().files)
    assert good.problem == ""
    assert (folder / name).read_bytes() == content
