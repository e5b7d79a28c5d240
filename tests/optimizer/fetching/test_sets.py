"""The list of sets, and files that are taken from this machine."""

from __future__ import annotations

import gzip
import hashlib
import os
from pathlib import Path

import pytest

from optimizer.errors import FetchError, SettingsError
from optimizer.fetching.sets import find_set, load_sets
from optimizer.fetching.taking import take

DATA = os.environ.get("TEST_PUBLIC_DATA", "")
"""A folder with files of the public sets; they are not part of this project."""

CONTENTS = {"a.txt": b"alpha\n" * 50, "deep/b c.txt": b"beta\n" * 70}


def written(folder: Path, change: str = "", to: str = "") -> Path:
    files = ",\n".join(
        f'{{ path = "{path}", bytes = {len(content)}, sha256 = "{hashlib.sha256(content).hexdigest()}" }}'
        for path, content in CONTENTS.items()
    )
    told = 'about = "A"\nlicence = "MIT"\ncredit = "C"\nhome = "https://x.org"\nbase = "https://x.org/v1/"\n'
    text = f"[one]\n{told}files = [{files}]\n"
    assert change in text
    (folder / "sets.toml").write_text(text.replace(change, to, 1) if change else text)
    return folder / "sets.toml"


def test_the_shipped_list_is_whole() -> None:
    sets = load_sets()
    assert {"banking77", "symptom-diagnosis", "tau-bench-airline", "swe-agent-demos"} <= set(sets)
    for one in sets.values():
        assert one.licence and one.credit and one.bytes > 10_000 and all(file.bytes for file in one.files)
        assert all(one.address(file).startswith("https://") for file in one.files)


@pytest.mark.parametrize(
    ("change", "to", "told"),
    [
        ("a.txt", "../a.txt", "expected a path inside the set's folder"),
        ("a.txt", "/a.txt", "expected a path inside the set's folder"),
        ("deep/b c.txt", "a.txt", "expected each path once"),
        ("https://x.org/v1/", "http://x.org/v1/", "expected the https address"),
        ("https://x.org/v1/", "https://x.org/v1", "with a '/' at its end"),
        ("licence", "license", "one.license"),
        ('sha256 = "', 'sha256 = "z', "sha256"),
        ("[one]", "[one", "sets.toml"),
    ],
)
def test_a_wrong_list_is_told(tmp_path: Path, change: str, to: str, told: str) -> None:
    with pytest.raises(SettingsError, match=told):
        load_sets(written(tmp_path, change, to))


def test_an_unknown_set_is_told_with_the_nearest() -> None:
    with pytest.raises(SettingsError, match="unknown set 'banking'") as told:
        find_set(load_sets(), "banking")
    assert told.value.hint == "did you mean 'banking77'?"
    with pytest.raises(SettingsError, match="no such file"):
        load_sets(Path("nowhere.toml"))


def test_files_are_found_by_what_they_are(tmp_path: Path) -> None:
    one = load_sets(written(tmp_path))["one"]
    source = tmp_path / "downloads"
    source.mkdir()
    (source / "renamed").write_bytes(CONTENTS["a.txt"])
    (source / "b.gz").write_bytes(gzip.compress(CONTENTS["deep/b c.txt"]))
    (source / "cut.gz").write_bytes(gzip.compress(os.urandom(9000))[:2000])
    there, missing = take(source, one, tmp_path / "to")
    assert {path.relative_to(tmp_path / "to").as_posix(): path.read_bytes() for path in there} == CONTENTS
    assert not missing and take(source, one, tmp_path / "to") == (there, missing)
    assert one.address(one.files[1]) == "https://x.org/v1/deep/b%20c.txt"


def test_what_is_missing_is_told_and_a_part_of_a_download_stays(tmp_path: Path) -> None:
    one = load_sets(written(tmp_path))["one"]
    (tmp_path / "a").write_bytes(CONTENTS["a.txt"])
    (tmp_path / "to" / "deep").mkdir(parents=True)
    (tmp_path / "to" / "deep" / ".b c.txt.part").write_bytes(b"beta\n")
    there, missing = take(tmp_path / "a", one, tmp_path / "to")
    assert [path.name for path in there] == ["a.txt"] and [file.path for file in missing] == ["deep/b c.txt"]
    assert (tmp_path / "to" / "deep" / ".b c.txt.part").read_bytes() == b"beta\n"


def test_a_source_without_any_of_it_is_told(tmp_path: Path) -> None:
    one = load_sets(written(tmp_path))["one"]
    (tmp_path / "other").write_bytes(b"beta\n" * 71)
    for source, told in ((tmp_path / "other", "no file is one of the set"), (tmp_path / "none", "that is there")):
        with pytest.raises(FetchError, match=told):
            take(source, one, tmp_path / "to")
    assert not (tmp_path / "to").exists()


@pytest.mark.skipif(
    not Path(DATA or "nowhere").is_dir(), reason="TEST_PUBLIC_DATA names no folder with the public sets"
)
def test_the_real_files_are_what_the_list_says(tmp_path: Path) -> None:
    for name, one in load_sets().items():
        assert not take(Path(DATA), one, tmp_path / name)[1]
