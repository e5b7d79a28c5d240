"""Downloads from a server on this machine: whole or not at all, and gone on with where they were cut."""

from __future__ import annotations

import hashlib
import os
import socket
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from optimizer.errors import FetchError
from optimizer.fetching.download import download
from optimizer.fetching.part import part_of
from tests.optimizer.fetching.server import Shelf, serving

CONTENT = hashlib.shake_256(b"seed").digest(5000)
ROOT = Path(__file__).parents[3]


def fetch(shelf: Shelf, folder: Path) -> tuple[bool, int]:
    """Whether it was fetched, and how many bytes were told of."""
    told: list[int] = []
    return download(shelf.address + "data.bin", folder / "data.bin", shelf.wanted, told.append), sum(told)


def test_a_file_comes_whole_and_only_once(tmp_path: Path) -> None:
    with serving(Shelf(CONTENT)) as shelf:
        assert fetch(shelf, tmp_path / "new") == (True, len(CONTENT))
        assert (tmp_path / "new" / "data.bin").read_bytes() == CONTENT
        assert fetch(shelf, tmp_path / "new") == (False, 0)
    assert shelf.asked == [None]
    assert [path.name for path in (tmp_path / "new").iterdir()] == ["data.bin"]


@settings(max_examples=15, deadline=None)
@given(st.integers(0, 4), st.integers(1, 3000), st.booleans(), st.booleans(), st.integers(0, 5100))
def test_it_comes_whole_however_it_is_cut(
    tmp_path_factory: pytest.TempPathFactory, cuts: int, piece: int, ranges: bool, length: bool, left: int
) -> None:
    folder = tmp_path_factory.mktemp("cut")
    (folder / ".data.bin.part").write_bytes((CONTENT + b"x" * 100)[:left])
    with serving(Shelf(CONTENT, cuts=cuts, piece=piece, ranges=ranges, length=length)) as shelf:
        assert fetch(shelf, folder)[0]
    assert (folder / "data.bin").read_bytes() == CONTENT
    assert not (folder / ".data.bin.part").exists()


def test_what_came_is_asked_for_no_second_time(tmp_path: Path) -> None:
    with serving(Shelf(CONTENT, cuts=2, piece=1500)) as shelf:
        fetch(shelf, tmp_path)
    assert shelf.asked == [None, "bytes=1500-", "bytes=3000-"]


def test_cut_for_good_it_says_so_and_the_next_try_goes_on(tmp_path: Path) -> None:
    with serving(Shelf(CONTENT, cuts=99, piece=0)) as shelf:
        (tmp_path / ".data.bin.part").write_bytes(CONTENT[:700])
        with pytest.raises(FetchError, match="after 700 of 5,000 bytes") as told:
            fetch(shelf, tmp_path)
        assert "goes on where it stopped" in told.value.hint
        shelf.cuts = 0
        assert fetch(shelf, tmp_path)[0] and shelf.asked[-1] == "bytes=700-"


def test_what_an_earlier_try_left_may_be_wrong(tmp_path: Path) -> None:
    (tmp_path / ".data.bin.part").write_bytes(b"?" * 900)
    with serving(Shelf(CONTENT)) as shelf:
        assert fetch(shelf, tmp_path)[0]
    assert (tmp_path / "data.bin").read_bytes() == CONTENT and shelf.asked == ["bytes=900-", None]


@pytest.mark.parametrize("other", [CONTENT[::-1], CONTENT[:4000], CONTENT + b"more", b"", b"<html>Sign in</html>"])
@pytest.mark.parametrize("length", [True, False])
def test_another_file_is_never_put_in_place(tmp_path: Path, other: bytes, length: bool) -> None:
    wanted = Shelf(CONTENT).wanted
    with serving(Shelf(other, length=length)) as shelf, pytest.raises(FetchError, match=r"expected|ended early"):
        download(shelf.address + "data.bin", tmp_path / "data.bin", wanted)
    assert not (tmp_path / "data.bin").exists()


@pytest.mark.parametrize(
    ("shelf", "told"),
    [
        (Shelf(CONTENT, code=404), "got 404, there is no such file"),
        (Shelf(CONTENT, code=403), "got 403 Forbidden"),
        (Shelf(CONTENT, code=503), "got 503 Service Unavailable"),
        (Shelf(CONTENT, encoding="gzip"), "got a compressed answer"),
    ],
)
def test_a_refusal_is_told_and_leaves_nothing(tmp_path: Path, shelf: Shelf, told: str) -> None:
    with serving(shelf), pytest.raises(FetchError, match=told):
        fetch(shelf, tmp_path)
    assert not list(tmp_path.iterdir())


def test_a_redirection_to_plain_http_elsewhere_is_refused(tmp_path: Path) -> None:
    own = socket.gethostbyname_ex(socket.gethostname())[2]
    other = next((address for address in own if not address.startswith("127.")), "127.0.0.2")
    with serving(Shelf(CONTENT)) as target:
        elsewhere = target.address.replace("127.0.0.1", other)
        with serving(Shelf(CONTENT, code=302, location=elsewhere)) as shelf, pytest.raises(FetchError):
            fetch(shelf, tmp_path)
    with serving(Shelf(CONTENT)) as target, serving(Shelf(b"", code=302, location=target.address)) as shelf:
        assert download(shelf.address, tmp_path / "data.bin", target.wanted), "to a safe one it is followed"


def test_nobody_answers(tmp_path: Path) -> None:
    with serving(Shelf(CONTENT)) as shelf:
        pass
    with pytest.raises(FetchError, match="refused") as told:
        fetch(shelf, tmp_path)
    assert "--from" in told.value.hint and not list(tmp_path.iterdir())


def test_what_is_there_is_never_written_over(tmp_path: Path) -> None:
    (tmp_path / "data.bin").write_bytes(b"mine")
    with serving(Shelf(CONTENT)) as shelf, pytest.raises(FetchError, match="something else is there already"):
        fetch(shelf, tmp_path)
    assert (tmp_path / "data.bin").read_bytes() == b"mine" and not shelf.asked


def test_two_at_once_are_told(tmp_path: Path) -> None:
    with serving(Shelf(CONTENT)) as shelf:
        with part_of(tmp_path / "data.bin", shelf.wanted), pytest.raises(FetchError, match="another process"):
            fetch(shelf, tmp_path)
        assert fetch(shelf, tmp_path)[0]


def test_a_full_disk_is_told_and_what_came_stays(tmp_path: Path) -> None:
    """The limit on a file's size stands for a full disk: the kernel refuses the write in the middle of the file."""
    code = """
import resource, signal, sys
from pathlib import Path
from optimizer.errors import FetchError
from optimizer.fetching.download import download
from optimizer.fetching.sets import PublicFile
address, folder, size, sha = sys.argv[1:]
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (2000, 2000))
try:
    download(address, Path(folder) / "data.bin", PublicFile(path="data.bin", bytes=int(size), sha256=sha))
except FetchError as error:
    print(error.message)
"""
    with serving(Shelf(CONTENT)) as shelf:
        words = [shelf.address, str(tmp_path), str(len(CONTENT)), shelf.wanted.sha256]
        done = subprocess.run(
            [sys.executable, "-B", "-c", code, *words], cwd=ROOT, capture_output=True, text=True, timeout=60
        )
        assert done.stdout.startswith("the disk is full"), done.stderr
        assert not (tmp_path / "data.bin").exists()
        assert fetch(shelf, tmp_path)[0], "with room again it comes whole"
    assert shelf.asked == [None, "bytes=2000-"]


def test_a_disk_without_room_is_told_before_anything_is_asked(tmp_path: Path) -> None:
    free = os.statvfs(tmp_path)
    huge = Shelf(CONTENT).wanted.model_copy(update={"bytes": 2 * free.f_blocks * free.f_frsize})
    with serving(Shelf(CONTENT)) as shelf, pytest.raises(FetchError, match="the disk is full"):
        download(shelf.address, tmp_path / "data.bin", huge)
    assert not shelf.asked


def test_a_folder_that_cannot_be_made(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with serving(Shelf(CONTENT)) as shelf, pytest.raises(FetchError, match="Not a directory"):
        fetch(shelf, tmp_path / "file" / "below")
