from __future__ import annotations

import itertools
import random
import sqlite3
import subprocess
import sys
import threading
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from optimizer.errors import SettingsError
from optimizer.models.base import UpstreamError
from optimizer.models.door import Door
from optimizer.models.embedded import EmbeddedModel
from optimizer.models.exchanges import Exchanges
from optimizer.models.recorded import RecordedUpstream, RecordingUpstream
from search_space.messages import Request, Response
from tests.optimizer.models.doubles import ONCE, Books, Miniature, Scripted, answer, ask

FOREVER = float("inf")


def moody(request: Request) -> Response:
    """Never the same answer twice."""
    return {**answer(request), "content": [{"type": "text", "text": f"{random.random()}"}]}


def said(response: Response) -> str:
    block = response["content"][0]
    assert block["type"] == "text"
    return block["text"]


def talk(door: Door, session: str, seed: int, texts: list[str]) -> list[str]:
    token = door.open(session, seed, FOREVER)
    said_ = [said(door.create(token, ask(text))) for text in texts]
    door.close(token)
    return said_


def replaying(path: Path, books: Books | None = None) -> Door:
    return Door({"agent": RecordedUpstream(path)}, books or Books(), retries=ONCE)


def test_a_recording_answers_the_same_at_the_same_cost_without_a_call(tmp_path: Path) -> None:
    path, live, again = tmp_path / "deep" / "all.db", Books(), Books()
    upstream = Scripted(moody, costs_money=True)
    recording = RecordingUpstream(upstream, path)
    door = Door({"agent": recording}, live)
    texts = ["a", "b", "a", "a"]
    first = [talk(door, f"tree/task/{seed}", seed, texts) for seed in range(3)]
    assert len({*itertools.chain(*first)}) == 12
    recording.close()
    assert [file.name for file in path.parent.iterdir()] == ["all.db"]
    replay = RecordedUpstream(path)
    door = Door({"agent": replay}, again)
    assert [talk(door, f"tree/task/{seed}", seed, texts) for seed in (2, 0, 1)] == [first[2], first[0], first[1]]
    assert len(upstream.calls) == 12 and not replay.costs_money and "scripted" in replay.name
    assert again.spent == live.spent and again.highest == live.highest


def test_a_rollout_that_begins_again_replaces_what_was_recorded_of_it(tmp_path: Path) -> None:
    path = tmp_path / "r.db"
    recording = RecordingUpstream(Scripted(moody), path)
    door = Door({"agent": recording}, Books())
    talk(door, "t/x/1", 1, ["a", "b"])
    second = talk(door, "t/x/1", 1, ["a", "c"])
    recording.close()
    recording = RecordingUpstream(Scripted(moody), path)  # another process, later
    third = talk(Door({"agent": recording}, Books()), "t/x/2", 1, ["a"])
    recording.close()
    assert talk(replaying(path), "t/x/1", 1, ["a", "c"]) == second
    assert talk(replaying(path), "t/x/2", 1, ["a"]) == third
    door = replaying(path)
    assert talk(door, "t/x/1", 1, ["a"]) == talk(door, "t/x/1", 1, ["a"]) == second[:1]
    with pytest.raises(UpstreamError, match="no answer to call 1"):
        talk(replaying(path), "t/x/1", 1, ["b"])


def test_another_rollout_with_the_same_seed_and_request_gets_the_same_answer(tmp_path: Path) -> None:
    recording = RecordingUpstream(Scripted(moody), tmp_path / "r.db")
    first = talk(Door({"agent": recording}, Books()), "one/x/1", 7, ["a", "a"])
    recording.close()
    assert talk(replaying(tmp_path / "r.db"), "other/x/1", 7, ["a", "a", "a"]) == [*first, first[1]]
    with pytest.raises(UpstreamError):
        talk(replaying(tmp_path / "r.db"), "other/x/1", 8, ["a"])


def test_what_was_never_recorded_is_told_with_what_differs(tmp_path: Path) -> None:
    recording = RecordingUpstream(Scripted(moody), tmp_path / "r.db")
    door = Door({"agent": recording}, Books())
    token = door.open("tree/task/5", 5, FOREVER)
    request: Any = {**ask("hello"), "system": "be kind", "temperature": 0.5}
    door.create(token, request)
    recording.close()
    door = replaying(tmp_path / "r.db")
    token = door.open("tree/task/5", 5, FOREVER)
    for asked, told in (
        ({**request, "system": "be quick"}, "it differs from the recorded one in system"),
        ({**ask("bye"), "system": "be kind"}, "it differs from the recorded one in temperature, messages.0"),
    ):
        with pytest.raises(UpstreamError, match=told) as error:
            door.create(token, asked)
        assert not error.value.again and error.value.status == 404 and "tree/task/5" in error.value.message
    with pytest.raises(UpstreamError, match="not among the 1 recorded ones"):
        door.create(door.open("elsewhere/task/6", 6, FOREVER), request)


def test_threads_record_side_by_side(tmp_path: Path) -> None:
    path, heard = tmp_path / "r.db", dict[int, list[str]]()
    recording = RecordingUpstream(Scripted(moody), path)
    door = Door({"agent": recording}, Books())

    def work(number: int) -> None:
        heard[number] = talk(door, f"t/x/{number}", number % 2, ["a", "b"] * 5)

    threads = [threading.Thread(target=work, args=(number,)) for number in range(12)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    recording.close()
    replay = replaying(path)
    assert [talk(replay, f"t/x/{n}", n % 2, ["a", "b"] * 5) for n in range(12)] == [heard[n] for n in range(12)]


KILLED = """
import os, sys
from pathlib import Path
from optimizer.models.recorded import RecordingUpstream
from tests.optimizer.models.doubles import Scripted, answer, ask
upstream = RecordingUpstream(Scripted(answer), Path(sys.argv[1]))
for number in range(20):
    upstream.worst_case(ask(str(number)))
    upstream.create(ask(str(number)), seed=1, session="t/x/1", deadline=0.0)
os.kill(os.getpid(), 9)
"""


def test_a_killed_process_loses_nothing_that_was_answered(tmp_path: Path) -> None:
    path = tmp_path / "r.db"
    ended = subprocess.run([sys.executable, "-c", KILLED, str(path)], check=False, timeout=60)
    assert ended.returncode == -9
    assert talk(replaying(path), "t/x/1", 1, [str(number) for number in range(20)]) == ["fine"] * 20


def test_a_conversation_takes_little_room(tmp_path: Path) -> None:
    path, mini = tmp_path / "r.db", Miniature()
    recording = RecordingUpstream(EmbeddedModel(), path)
    messages: list[Any] = [{"role": "user", "content": "q"}]
    whole = 0
    for turn in range(40):
        request = mini.request("Look things up." * 50, messages)
        whole += len(repr(request))
        recording.create(request, seed=1, session="t/x/1", deadline=FOREVER)
        said_ = [{"type": "text", "text": f"word {turn} " * 50}]
        messages = [*messages, {"role": "assistant", "content": said_}, {"role": "user", "content": f"go on {turn}"}]
    recording.close()
    assert path.stat().st_size < whole / 5


def test_files_that_are_no_recordings_are_explained(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="no such file"):
        RecordedUpstream(tmp_path / "none.db")
    with pytest.raises(SettingsError, match="got a folder, expected a recording"):
        RecordedUpstream(tmp_path)
    (tmp_path / "text.db").write_text("nothing of the kind " * 100)
    with closing(sqlite3.connect(tmp_path / "other.db")) as other:
        other.execute("CREATE TABLE mine (x)")
        other.commit()
    for name in ("text.db", "other.db"):
        before = (tmp_path / name).read_bytes()
        for opened in (lambda path: Exchanges(path, write=True), RecordedUpstream):
            with pytest.raises(SettingsError, match=name):
                opened(tmp_path / name)
        assert (tmp_path / name).read_bytes() == before
    with pytest.raises(SettingsError, match="cannot be written"):
        Exchanges(tmp_path, write=True)


def test_a_recording_that_cannot_be_written_stops_and_what_was_paid_is_counted(tmp_path: Path) -> None:
    recording = RecordingUpstream(Scripted(answer), tmp_path / "r.db")
    door, books = Door({"agent": recording}, books := Books()), books
    token = door.open("t/x/1", 1, FOREVER)
    with closing(sqlite3.connect(tmp_path / "r.db")) as other:
        other.execute("DROP TABLE exchanges")
        other.commit()
    with pytest.raises(UpstreamError, match=r"r\.db: the recording cannot be written") as error:
        door.create(token, ask())
    assert not error.value.again and books.spent.tokens == 10 and not books.open
