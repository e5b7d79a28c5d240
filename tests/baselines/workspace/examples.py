"""A small workspace, and for every tool one call that works and one that cannot: what is said, and what is changed."""

from __future__ import annotations

import base64
import io
import json
import os
import subprocess
import zipfile
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

APP = '''"""An app."""

import os
import sys
from pkg.shapes import area


class App:
    """Runs."""

    def run(self, side: int = 2) -> int:
        return area(side)


def main():
    print(App().run())  # area


if __name__ == "__main__":
    sys.exit(main())
'''
FILES: dict[str, str | bytes] = {
    "app.py": APP,
    "pkg/__init__.py": "",
    "pkg/shapes.py": "def area(side):\n    return side * side\n",
    "pkg/broken.py": "def (:\n",
    "test_app.py": "from pkg.shapes import area\n\n\ndef test_area():\n    assert area(3) == 9\n",
    "notes.txt": "beta 2\nalpha 10\nbeta 2\nbeta 2\nalpha 9\n",
    "windows.txt": b"one\r\ntwo\r\n",
    "image.bin": b"\x00\x01\xff\xfe",
    "twin.bin": b"\x00\x01\xff\xfe",
    "empty.txt": "",
    "data/config.json": '{\n  "name": "demo",\n  "items": [{"id": 1}, {"id": 2}],\n  "a.b": null\n}\n',
    "data/bad.json": '{"name": }',
    "data/settings.toml": '# settings\ntitle = "demo"  # kept\n\n[server]\nport = 80\n',
    "data/people.csv": "name,age,city\nAnn,31,Oslo\nBob,9,Rome\nCy,,Oslo\n",
    "data/ragged.csv": "a,b\n1\n",
    "TODO.md": "# To do\n\n- [ ] write tests\n- [x] read the code\n",
    "JOURNAL.md": "## Shapes\n\nArea is squared.\n",
}
DIFF = "--- a/notes.txt\n+++ b/notes.txt\n@@ -1,2 +1,2 @@\n-beta 2\n+gamma 2\n alpha 10\n"


def pack() -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        archive.writestr("in/a.txt", "packed")
        archive.writestr("b.txt", "also")
    return out.getvalue()


def lay_out(root: Path) -> None:
    """The workspace: the files, an archive, and a git repository with two commits and a change."""
    for path, content in {**FILES, "pack.zip": pack()}.items():
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_bytes(content if isinstance(content, bytes) else content.encode())
    text = root / "notes.txt"
    now = text.read_text()
    text.write_text("first\n")
    git(root, "init", "-q", "-b", "main")
    git(root, "add", ".")
    git(root, "commit", "-qm", "Begin the demo")
    text.write_text(now)
    git(root, "commit", "-qam", "Write the notes")
    git(root, "tag", "v1")
    (root / "app.py").write_text(APP.replace("App()", "App( )"))


def snapshot(root: Path) -> dict[str, bytes]:
    """Every file below ``root`` with its content, those of ``.git`` included."""
    return {path.relative_to(root).as_posix(): path.read_bytes() for path in root.rglob("*") if path.is_file()}


def git(root: Path, *words: str) -> None:
    who = {"NAME": "Demo", "EMAIL": "demo@example.org", "DATE": "2024-03-01T12:00:00Z"}
    names = {f"GIT_{role}_{key}": value for role in ("AUTHOR", "COMMITTER") for key, value in who.items()}
    subprocess.run(["git", *words], cwd=root, check=True, env={**os.environ, **names})


@dataclass(frozen=True)
class Works:
    """A call, words that its result holds, and the files that it leaves (None: gone)."""

    tool: str
    given: dict[str, Any]
    says: tuple[str, ...]
    leaves: dict[str, str | bytes | None] = field(default_factory=dict)

    def __str__(self) -> str:
        return self.tool


def works(tool: str, *says: str, leaves: dict[str, str | bytes | None] | None = None, **given: Any) -> Works:
    return Works(tool, given, says, leaves or {})


def _json(value: Any) -> str:
    return json.dumps(value, indent=2) + "\n"


WORKS = [
    works("read_file", "def area(side):\n    return side * side\n", path="pkg/shapes.py"),
    works("read_lines", "    2: alpha 10\n    3: beta 2", path="notes.txt", start=2, end=3),
    works("read_lines", "    4: beta 2\n    5: alpha 9", path="./notes.txt", start=4),
    works("head_file", "    1: beta 2\n    2: alpha 10", path="notes.txt", lines=2),
    works("tail_file", "    5: alpha 9", path="notes.txt", lines=1),
    works("read_files", "== notes.txt\nbeta 2", "== windows.txt", paths=["notes.txt", "windows.txt"]),
    works("list_folder", "__init__.py\nbroken.py\nshapes.py", path="pkg"),
    works("list_folder", "data/", "image.bin"),
    works("show_tree", "data/\n  bad.json", "pkg/\n  __init__.py", depth=2),
    works("find_files", "app.py\npkg/__init__.py\npkg/broken.py\npkg/shapes.py\ntest_app.py", pattern="**/*.py"),
    works("find_files", "broken.py", path="pkg", pattern="[!s]roken.??"),
    works("find_files", "no file matches *.rs", pattern="*.rs"),
    works("find_by_name", "app.py\ntest_app.py", text="APP"),
    works("file_info", "notes.txt: text file, 38 bytes, 5 lines, line ends LF", path="notes.txt"),
    works("file_info", "image.bin: binary file, 4 bytes", path="image.bin"),
    works("file_info", "pkg: folder, 3 files", path="pkg"),
    works("compare_files", "--- notes.txt", "-beta 2", "+one", path="notes.txt", other="windows.txt"),
    works(
        "write_file", "wrote new/deep.txt: 1 lines", path="new/deep.txt", text="hi\n", leaves={"new/deep.txt": "hi\n"}
    ),
    works(
        "append_to_file",
        "appended 1 lines",
        path="windows.txt",
        text="three",
        leaves={"windows.txt": b"one\r\ntwo\r\nthree"},
    ),
    works(
        "insert_lines",
        "after line 0",
        path="notes.txt",
        after=0,
        text="top",
        leaves={"notes.txt": "top\n" + str(FILES["notes.txt"])},
    ),
    works(
        "replace_text",
        "replaced 1 place",
        path="windows.txt",
        old="one\ntwo",
        new="1\n2",
        leaves={"windows.txt": b"1\r\n2\r\n"},
    ),
    works(
        "replace_text",
        "replaced 3 places",
        path="notes.txt",
        old="beta",
        new="b",
        every=True,
        leaves={"notes.txt": "b 2\nalpha 10\nb 2\nb 2\nalpha 9\n"},
    ),
    works(
        "replace_lines",
        "replaced lines 2 to 4",
        path="notes.txt",
        start=2,
        end=4,
        text="",
        leaves={"notes.txt": "beta 2\nalpha 9\n"},
    ),
    works("delete_file", "deleted notes.txt", path="notes.txt", leaves={"notes.txt": None}),
    works("delete_folder", "deleted pkg and 3 files", path="pkg", leaves={"pkg": None}),
    works(
        "move_file",
        "moved pkg to lib/pkg",
        path="pkg",
        target="lib/pkg",
        leaves={"pkg": None, "lib/pkg/broken.py": "def (:\n"},
    ),
    works(
        "copy_file",
        "copied",
        path="image.bin",
        target="x/y.bin",
        leaves={"x/y.bin": b"\x00\x01\xff\xfe", "image.bin": b"\x00\x01\xff\xfe"},
    ),
    works("make_folder", "made a/b", path="a/b"),
    works(
        "apply_patch",
        "changed 1 files: notes.txt",
        patch=DIFF,
        leaves={"notes.txt": "gamma 2\nalpha 10\nbeta 2\nbeta 2\nalpha 9\n"},
    ),
    works(
        "search_files",
        "pkg/shapes.py:1: def area(side):\npkg/shapes.py-2- return side * side",
        pattern=r"^def \w+\(side",
        context=1,
    ),
    works("search_files", "notes.txt:2: alpha 10", path="notes.txt", pattern="ALPHA 1", ignore_case=True),
    works("count_matches", "5 matches in 1 files\nnotes.txt: 5", path="notes.txt", pattern="[ab]\\w+ \\d"),
    works("files_without", "empty.txt", pattern="."),
    works(
        "replace_in_files",
        "replaced in 3 files",
        "pkg/shapes.py: 1",
        old="area",
        new="size",
        whole_words=True,
        leaves={"pkg/shapes.py": "def size(side):\n    return side * side\n"},
    ),
    works("find_text", "app.py:11: def run(self, side: int = 2) -> int:", text="DEF RUN"),
    works("count_lines_with", "3 lines", path="notes.txt", text="beta"),
    works("outline", "class App (lines 8-12)\n  def run(self, side: int=2) -> int (lines 11-12)", path="app.py"),
    works("list_imports", "3: import os\n4: import sys\n5: from pkg.shapes import area", path="app.py"),
    works("find_definition", "app.py:11: def run(self, side: int=2) -> int", name="App.run"),
    works(
        "show_definition",
        "   11:     def run(self, side: int = 2) -> int:\n   12:         return area(side)",
        path="app.py",
        name="run",
    ),
    works("show_docstring", "Runs.", path="app.py", name="App"),
    works("show_docstring", "An app.", path="app.py"),
    works("find_calls", "app.py:12: in App.run\ntest_app.py:5: in test_area", name="area"),
    works("check_syntax", "pkg/broken.py: line 1: invalid syntax", path="pkg"),
    works("check_syntax", "1 files, no syntax error", path="app.py"),
    works("find_unused_imports", "app.py:3: os", path="app.py"),
    works("find_mentions", "app.py:5: from pkg.shapes import area\napp.py:12: return area(side)", name="area"),
    works("list_symbols", "App\nApp.run\nmain", path="app.py"),
    works("json_get", "2", path="data/config.json", key="items[1].id"),
    works("json_get", "null", path="data/config.json", key='"a.b"'),
    works("json_keys", "name: a text\nitems: a list of 2", path="data/config.json"),
    works(
        "json_set",
        "set items[2]",
        path="data/config.json",
        key="items[2]",
        value='{"id": 3}',
        leaves={"data/config.json": _json({"name": "demo", "items": [{"id": 1}, {"id": 2}, {"id": 3}], "a.b": None})},
    ),
    works(
        "json_delete",
        "deleted items",
        path="data/config.json",
        key="items",
        leaves={"data/config.json": '{\n  "name": "demo",\n  "a.b": null\n}\n'},
    ),
    works("json_check", "valid JSON, but lacks: version", path="data/config.json", required=["name", "version"]),
    works("toml_get", "80", path="data/settings.toml", key="server.port"),
    works("toml_keys", "title: a text\nserver: an object with 1 keys (port)", path="data/settings.toml"),
    works(
        "toml_set",
        "set server.port",
        path="data/settings.toml",
        key="server.port",
        value="81",
        leaves={"data/settings.toml": '# settings\ntitle = "demo"  # kept\n\n[server]\nport = 81\n'},
    ),
    works("csv_head", "name,age,city\nAnn,31,Oslo\n... 2 more rows", path="data/people.csv", rows=1),
    works(
        "csv_columns",
        "3 rows, 3 columns\nname: texts, 3 different, 0 empty\nage: numbers, 2 different, 1 empty",
        path="data/people.csv",
    ),
    works(
        "csv_filter",
        "1 of 3 rows\nname,age,city\nAnn,31,Oslo",
        path="data/people.csv",
        column="age",
        comparison="above",
        value="9.0",
    ),
    works(
        "csv_sort",
        "name,age,city\nAnn,31,Oslo\nBob,9,Rome\nCy,,Oslo",
        path="data/people.csv",
        column="age",
        descending=True,
    ),
    works("csv_aggregate", "Oslo: 31\nRome: 9", path="data/people.csv", column="age", function="sum", by="city"),
    works("csv_distinct", "2 different values\nOslo: 2\nRome: 1", path="data/people.csv", column="city"),
    works(
        "csv_to_json",
        "wrote 3 objects",
        path="data/people.csv",
        target="p.json",
        leaves={
            "p.json": _json(
                [
                    {"name": "Ann", "age": 31, "city": "Oslo"},
                    {"name": "Bob", "age": 9, "city": "Rome"},
                    {"name": "Cy", "age": "", "city": "Oslo"},
                ]
            )
        },
    ),
    works("count_words", "5 lines, 10 words, 38 characters", path="notes.txt"),
    works("frequent_words", "2: 3\nbeta: 3", path="notes.txt", count=2),
    works("sort_lines", "alpha 9\nalpha 10\nbeta 2\nbeta 2\nbeta 2", path="notes.txt", natural=True),
    works("sort_lines", "beta 2\nbeta 2\nbeta 2\nalpha 9\nalpha 10", path="notes.txt", descending=True),
    works("distinct_lines", "beta 2\nalpha 10\nalpha 9", path="notes.txt"),
    works("squeeze_lines", "beta 2\nalpha 10\nbeta 2\nalpha 9", path="notes.txt"),
    works("extract_matches", "beta\t2\nalpha\t10\nalpha\t9", path="notes.txt", pattern=r"(\w+) (\d+)", distinct=True),
    works("change_case", "my_http_server_2", text="myHTTPServer2", case="snake"),
    works("change_case", "MyHttpServer", text="my http-server", case="pascal"),
    works("wrap_text", "aaa bbb\nccc\n\nddd", text="aaa bbb ccc\n\nddd", width=10),
    works("encode_base64", base64.b64encode("é!".encode()).decode(), text="é!"),
    works("decode_base64", "é!", text="w6kh"),
    works("list_archive", "2 files, 10 bytes\nin/a.txt: 6 bytes\nb.txt: 4 bytes", path="pack.zip"),
    works(
        "extract_archive",
        "extracted 2 files to out",
        path="pack.zip",
        target="out",
        leaves={"out/in/a.txt": "packed", "out/b.txt": "also"},
    ),
    works(
        "extract_archive",
        "extracted 1 files",
        path="pack.zip",
        target="out",
        member="b.txt",
        leaves={"out/in": None, "out/b.txt": "also"},
    ),
    works("create_archive", "packed 4 files into all.tar.gz", paths=["pkg", "notes.txt"], target="all.tar.gz"),
    works("shift_date", "2024-02-29", date="2024-01-31", amount=1, unit="months"),
    works("shift_date", "2024-03-04", date="1 March 2024", amount=1, unit="workdays"),
    works("shift_date", "2023-12-31T23:30", date="2024-01-01T00:30", amount=-1, unit="hours"),
    works("days_between", "60 days (8 weeks and 4 days)", start="2024-01-01", end="2024-03-01"),
    works("describe_date", "2024-12-30: Monday, day 365 of the year, ISO week 1 of 2025, quarter 4", date="30.12.2024"),
    works("format_date", "29 February 2024", date="2024-02-29", format="%d %B %Y"),
    works(
        "convert_timezone",
        "2024-07-01 06:00-04:00 EDT",
        time="2024-07-01T12:00",
        source="Europe/Berlin",
        target="America/New_York",
    ),
    works("month_calendar", "February 2024\nMo Tu We Th Fr Sa Su", "26 27 28 29", year=2024, month=2),
    works("workdays_between", "5 days", start="2024-03-01", end="2024-03-08"),
    works("calculate", "14", expression="2 + 3 * 4"),
    works("calculate", "1267650600228229401496703205376", expression="2^100"),
    works("calculate", "3.14", expression="round(pi, 2)"),
    works("describe_numbers", "count: 4\nsum: 10\nmean: 2.5\nmedian: 2.5", "1.2909944487358", numbers=[1, 2, 3, 4]),
    works("convert_units", "5 km = 3.106855961 mi", value=5, source="km", target="mi"),
    works("convert_units", "100 C = 212 F", value=100, source="C", target="F"),
    works("convert_base", "11111111", number="ff", source=16, target=2),
    works("percent_change", "-20%", before=50, after=40),
    works("percent_of", "40 is 80% of 50", part=40, whole=50),
    works("git_log", "2024-03-01 Demo: Write the notes\n", "Demo: Begin the demo"),
    works("git_log", "Demo: Write the notes", words="NOTES", path="notes.txt", count=1),
    works("git_show", "Write the notes", "+alpha 10", revision="HEAD"),
    works("git_status", "## main\n M app.py"),
    works("git_diff", "-    print(App().run())  # area\n+    print(App( ).run())  # area"),
    works("git_diff", "notes.txt", revision="HEAD~1..HEAD"),
    works("git_blame", "(Demo 2024-03-01 2) alpha 10", path="notes.txt", start=2, end=2),
    works("git_branches", "* main", "v1"),
    works("git_file_at", "first", path="notes.txt", revision="HEAD~1"),
    works("git_files", "TODO.md\napp.py", revision="v1"),
    works("git_search", "Demo: Write the notes", text="alpha"),
    works(
        "add_todo", "added 1; 2 open", items=["ship it"], leaves={"TODO.md": str(FILES["TODO.md"]) + "- [ ] ship it\n"}
    ),
    works("list_todos", "1. open: write tests"),
    works(
        "complete_todo",
        "done: write tests; 0 open",
        number=1,
        leaves={"TODO.md": "# To do\n\n- [x] write tests\n- [x] read the code\n"},
    ),
    works(
        "add_journal_entry",
        "entered under Speed",
        heading="Speed",
        text="Fast.",
        leaves={"JOURNAL.md": "## Shapes\n\nArea is squared.\n\n## Speed\n\nFast.\n"},
    ),
    works("read_journal", "## Shapes\n\nArea is squared.", words="SQUARED"),
    works("run_process", "exit status 0\napp.py", command=["ls", "app.py"]),
    works("run_python", "exit status 0\n4", path="app.py"),
    works("run_code", "exit status 3\nhello", code="print('hello'); raise SystemExit(3)"),
    works("run_tests", "exit status 0", "1 passed", path="test_app.py"),
    works("hash_file", "d41d8cd98f00b204e9800998ecf8427e", path="empty.txt", algorithm="md5"),
    works(
        "verify_hash", "empty.txt matches (sha1)", path="empty.txt", expected="DA39A3EE5E6B4B0D3255BFEF95601890AFD80709"
    ),
    works("largest_files", "3 files, ", "bytes: pkg/shapes.py", path="pkg", count=1),
    works("find_duplicates", "empty.txt = pkg/__init__.py\nimage.bin = twin.bin"),
]

FAILS: list[tuple[str, dict[str, Any], str]] = [
    ("read_file", {"path": "nope/x.txt"}, "no such file or folder: nope/x.txt; list_folder"),
    ("read_lines", {"path": "notes.txt", "start": 6}, "has 5"),
    ("head_file", {"path": "pkg"}, "pkg is a folder"),
    ("tail_file", {"path": "image.bin"}, "binary"),
    ("read_files", {"paths": []}, "no paths"),
    ("list_folder", {"path": "notes.txt"}, "is a file, not a folder"),
    ("show_tree", {"path": "nowhere"}, "no such file or folder: nowhere"),
    ("find_files", {"pattern": " "}, "empty pattern"),
    ("find_by_name", {"text": "a", "path": "nowhere"}, "no such file"),
    ("file_info", {"path": "nowhere"}, "no such file"),
    ("compare_files", {"path": "notes.txt", "other": "image.bin"}, "binary"),
    ("write_file", {"path": "notes.txt/x", "text": ""}, "notes.txt is a file"),
    ("append_to_file", {"path": "pkg", "text": "x"}, "pkg is a folder"),
    ("insert_lines", {"path": "notes.txt", "after": 9, "text": "x"}, "no line 9"),
    ("replace_text", {"path": "notes.txt", "old": "beta", "new": "b"}, "holds this text 3 times"),
    ("replace_lines", {"path": "notes.txt", "start": 4, "end": 2, "text": ""}, "no such lines"),
    ("delete_file", {"path": "pkg"}, "delete_folder"),
    ("delete_folder", {"path": "notes.txt"}, "delete_file"),
    ("move_file", {"path": "pkg", "target": "pkg/in"}, "into itself"),
    ("copy_file", {"path": "notes.txt", "target": "app.py"}, "already there"),
    ("make_folder", {"path": "pkg"}, "already there: a folder"),
    ("apply_patch", {"patch": DIFF.replace("alpha", "delta")}, "the patch was not applied: notes.txt"),
    ("search_files", {"pattern": "("}, "bad regular expression"),
    ("count_matches", {"pattern": "(a+)+b"}, "may take for ever"),
    ("files_without", {"pattern": ""}, "empty pattern"),
    ("replace_in_files", {"old": "zzz", "new": "y"}, "no file holds 'zzz'"),
    ("find_text", {"text": ""}, "a piece of one line"),
    ("count_lines_with", {"text": "a\nb"}, "a piece of one line"),
    ("outline", {"path": "pkg/broken.py"}, "no valid Python: line 1"),
    ("list_imports", {"path": "notes.txt"}, "no valid Python"),
    ("find_definition", {"name": "x", "path": "pkg/broken.py"}, "no valid Python"),
    ("show_definition", {"path": "app.py", "name": "stop"}, "defines no stop; it defines: App, App.run, main"),
    ("show_docstring", {"path": "app.py", "name": "stop"}, "defines no stop"),
    ("find_calls", {"name": "x", "path": "nowhere"}, "no such file"),
    ("check_syntax", {"path": "data"}, "no Python file"),
    ("find_unused_imports", {"path": "pkg/broken.py"}, "no valid Python"),
    ("find_mentions", {"name": "x", "path": "nowhere"}, "no such file"),
    ("list_symbols", {"path": "pkg/broken.py"}, "no valid Python"),
    ("json_get", {"path": "data/config.json", "key": "items[7].id"}, "no 7 at items, which is a list of 2"),
    ("json_keys", {"path": "data/bad.json"}, "no valid JSON: line 1, column 10"),
    ("json_set", {"path": "data/config.json", "key": "name.first", "value": "1"}, "what is above it is a text"),
    ("json_delete", {"path": "data/config.json", "key": "nope"}, "no 'nope' at the top"),
    ("json_check", {"path": "data/bad.json"}, "no valid JSON"),
    ("toml_get", {"path": "data/settings.toml", "key": "server.host"}, "no 'host' at server"),
    ("toml_keys", {"path": "data/config.json"}, "no valid TOML"),
    ("toml_set", {"path": "data/settings.toml", "key": "title.x", "value": "1"}, "title"),
    ("csv_head", {"path": "data/ragged.csv"}, "row 2 has 1 fields, the header 2"),
    ("csv_columns", {"path": "empty.txt"}, "is empty"),
    ("csv_filter", {"path": "data/people.csv", "column": "x", "comparison": "equals", "value": ""}, "no column 'x'"),
    ("csv_sort", {"path": "data/people.csv", "column": "x"}, "the columns are: name, age, city"),
    ("csv_aggregate", {"path": "data/people.csv", "column": "name", "function": "sum"}, "needs numbers, got 'Ann'"),
    ("csv_distinct", {"path": "data/people.csv", "column": "x"}, "no column"),
    ("csv_to_json", {"path": "data/people.csv", "target": "pkg"}, "pkg is a folder"),
    ("count_words", {"path": "image.bin"}, "binary"),
    ("frequent_words", {"path": "nowhere"}, "no such file"),
    ("sort_lines", {"path": "image.bin"}, "binary"),
    ("distinct_lines", {"path": "nowhere"}, "no such file"),
    ("squeeze_lines", {"path": "nowhere"}, "no such file"),
    ("extract_matches", {"path": "notes.txt", "pattern": "[z-a]"}, "bad regular expression"),
    ("change_case", {"text": "x", "case": "loud"}, "expected one of upper, lower"),
    ("wrap_text", {"text": "x", "width": 1}, "expected 10 to 1000"),
    ("encode_base64", {"text": 7}, "expected a string"),
    ("decode_base64", {"text": "?"}, "no valid Base64"),
    ("list_archive", {"path": "notes.txt"}, "no zip or tar archive"),
    ("extract_archive", {"path": "pack.zip", "target": "out", "member": "zzz"}, "no file 'zzz' in pack.zip"),
    ("create_archive", {"paths": ["pkg"], "target": "all.rar"}, "ends with .zip"),
    ("shift_date", {"date": "2024-01-01", "amount": 9999, "unit": "years"}, "outside the years"),
    ("days_between", {"start": "yesterday", "end": "2024-01-01"}, "'yesterday' is no date"),
    ("describe_date", {"date": "2023-02-29"}, "is no date"),
    ("format_date", {"date": "", "format": "%d"}, "is no date"),
    (
        "convert_timezone",
        {"time": "2024-01-01T00:00", "source": "Mars/One", "target": "UTC"},
        "no time zone 'Mars/One'",
    ),
    ("month_calendar", {"year": 2024, "month": 13}, "expected 1 to 12"),
    ("workdays_between", {"start": "2024-01-01", "end": "x"}, "'x' is no date"),
    ("calculate", {"expression": "__import__('os').getcwd()"}, "cannot be calculated"),
    ("describe_numbers", {"numbers": []}, "no numbers"),
    ("convert_units", {"value": 1, "source": "km", "target": "kg"}, "cannot convert km to kg"),
    ("convert_base", {"number": "129", "source": 8, "target": 10}, "no whole number in base 8"),
    ("percent_change", {"before": 0, "after": 1}, "from 0"),
    ("percent_of", {"part": 1, "whole": 0}, "share of 0"),
    ("git_log", {"revision": "--output=x"}, "is no revision"),
    ("git_show", {"revision": "nope"}, "git show: "),
    ("git_status", {"path": "x"}, "unknown input: path; git_status takes none"),
    ("git_diff", {"revision": "nope"}, "git diff: "),
    ("git_blame", {"path": "nowhere"}, "no such path"),
    ("git_branches", {"x": 1}, "unknown input"),
    ("git_file_at", {"path": "nowhere", "revision": "HEAD"}, "does not exist"),
    ("git_files", {"revision": "nope"}, "git ls-tree: "),
    ("git_search", {"text": ""}, "empty text"),
    ("add_todo", {"items": ["  "]}, "no items"),
    ("list_todos", {"done": "yes"}, "expected true or false"),
    ("complete_todo", {"number": 2}, "is done already"),
    ("add_journal_entry", {"heading": "", "text": "x"}, "neither of them empty"),
    ("read_journal", {"words": 3}, "expected a string"),
    ("run_process", {"command": ["no-such-program"]}, "cannot be run: No such file"),
    ("run_python", {"path": "nowhere.py"}, "no such file"),
    ("run_code", {"code": "1", "seconds": 100}, "expected 1 to 60"),
    ("run_tests", {"path": "nowhere"}, "no such file or folder"),
    ("hash_file", {"path": "pkg"}, "is a folder"),
    ("verify_hash", {"path": "app.py", "expected": "abc"}, "no known hash"),
    ("largest_files", {"path": "nowhere"}, "no such file"),
    ("find_duplicates", {"path": "nowhere"}, "no such file"),
]
