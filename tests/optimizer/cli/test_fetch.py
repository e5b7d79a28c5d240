"""``ratchet fetch``: shown before it is fetched, and told afterwards."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.optimizer.cli.projects import Done, Project
from tests.optimizer.fetching.server import Shelf, serving

CONTENT = b"question,answer\n" * 300


@pytest.fixture
def fetch(tmp_path: Path, here: Callable[..., Done]) -> Callable[..., Done]:
    return lambda *words: here(Project(tmp_path), "fetch", *words)


def write_list(folder: Path, shelf: Shelf) -> str:
    file = shelf.wanted
    told = f'about = "Tickets"\nlicence = "CC0-1.0"\ncredit = "C"\nhome = "https://x.org"\nbase = "{shelf.address}"\n'
    row = f'{{ path = "{file.path}", bytes = {file.bytes}, sha256 = "{file.sha256}" }}'
    (folder / "sets.toml").write_text(f"[tickets]\n{told}files = [{row}]\n")
    return str(folder / "sets.toml")


def test_without_a_name_it_lists_what_there_is(fetch: Callable[..., Done]) -> None:
    done = fetch()
    assert done.code == 0 and "banking77" in done.out and "CC-BY-4.0, 3 files, 1.1 MB" in done.out
    sets = json.loads(fetch("--json").out)
    assert {one["name"] for one in sets} >= {"banking77", "tau-bench-airline"}
    assert all(len(file["sha256"]) == 64 for one in sets for file in one["files"])


def test_nothing_is_fetched_before_somebody_saw_what_it_is(tmp_path: Path, fetch: Callable[..., Done]) -> None:
    with serving(Shelf(CONTENT)) as shelf:
        known = write_list(tmp_path, shelf)
        done = fetch("tickets", "--list", known)
        assert done.code == 2 and "nobody to ask" in done.err and not shelf.asked
        assert all(told in done.out for told in (shelf.address, "CC0-1.0", "4,800 bytes", shelf.wanted.sha256))
        done = fetch("tickets", "--list", known, "--yes")
        assert done.code == 0 and "1 file in data/tickets, every checksum right" in done.out
    assert (tmp_path / "data" / "tickets" / "data.bin").read_bytes() == CONTENT
    source = (tmp_path / "data" / "tickets" / "SOURCE.txt").read_text()
    assert shelf.address in source and "CC0-1.0; C" in source
    done = fetch("tickets", "--list", known, "--yes", "--json")
    assert json.loads(done.out)["there"] == ["data.bin"], "fetched already: the server is gone by now"


def test_a_no_is_a_no(tmp_path: Path, fetch: Callable[..., Done], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys.stdin, "isatty", lambda: True, raising=False)
    monkeypatch.setattr("typer.confirm", lambda *_, **__: False)
    with serving(Shelf(CONTENT)) as shelf:
        assert fetch("tickets", "--list", write_list(tmp_path, shelf)).code == 1
    assert not shelf.asked and not (tmp_path / "data").exists()


def test_a_file_that_is_here_already_needs_no_network(tmp_path: Path, fetch: Callable[..., Done]) -> None:
    known = write_list(tmp_path, Shelf(CONTENT, address="https://x.org/"))
    (tmp_path / "download").write_bytes(CONTENT)
    done = fetch("tickets", "--list", known, "--from", "download", "--to", "here")
    assert done.code == 0 and (tmp_path / "here" / "data.bin").read_bytes() == CONTENT
    (tmp_path / "download").write_bytes(CONTENT[1:])
    done = fetch("tickets", "--list", known, "--from", "download", "--to", "elsewhere")
    assert done.code == 2 and "no file is one of the set" in done.err and not (tmp_path / "elsewhere").exists()


def test_a_wrong_checksum_is_a_sentence(tmp_path: Path, fetch: Callable[..., Done]) -> None:
    with serving(Shelf(CONTENT)) as shelf:
        known = write_list(tmp_path, shelf)
        shelf.content = CONTENT[::-1]
        done = fetch("tickets", "--list", known, "--yes")
    assert done.code == 2 and "with sha256" in done.err and "nothing of it is kept" in done.err
    assert not (tmp_path / "data" / "tickets" / "data.bin").exists()
