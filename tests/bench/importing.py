"""Importers: transcripts of 100 MB through ``ratchet import``, in a process of its own, on one core.

The transcripts are made here: words, paths, numbers, an e-mail address now and then, results of 300 to 8,000
characters. ``import:20`` takes 20 MB. To reach: 100 MB in under 20 s and under 300 MB of memory.
"""

from __future__ import annotations

import json
import random
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from tests.bench.tables import table

MEGABYTES = 100
HEAD = (
    "format",
    "file, MB",
    "transcripts",
    "steps",
    "seconds",
    "of them this process's own",
    "MB/s",
    "peak memory, MB",
)
WORK = """
import json, resource, sys, time
from pathlib import Path
from optimizer.transcripts.importing import import_files
began = time.perf_counter()
found = import_files([Path(sys.argv[1])], Path(sys.argv[2]))
used = resource.getrusage(resource.RUSAGE_SELF)
print(json.dumps([found.transcripts, found.steps, time.perf_counter() - began, used.ru_utime + used.ru_stime,
                  used.ru_maxrss / 1024, len(found.problems)]))
"""


def report(options: str = "") -> str:
    size = int(options or MEGABYTES) * 10**6
    rows = [_measured(name, size) for name in ("claude-code", "chat, an array", "chat, JSON lines")]
    return table(HEAD, rows)


def _measured(name: str, size: int) -> tuple[object, ...]:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / ("talks.json" if "array" in name else "talks.jsonl")
        with path.open("w", encoding="utf-8") as file:
            for part in _claude(size) if name == "claude-code" else _chats(size, array="array" in name):
                file.write(part)
        megabytes = path.stat().st_size / 10**6
        command = [sys.executable, "-c", WORK, str(path), str(Path(folder) / "out.jsonl.gz")]
        done = subprocess.run(command, capture_output=True, text=True, check=True)
        transcripts, steps, seconds, own, memory, problems = json.loads(done.stdout)
    assert not problems, "what is made here is fine"
    figures = (f"{seconds:.1f}", f"{own:.1f}", f"{megabytes / own:.1f}", f"{memory:.0f}")
    return name, f"{megabytes:.0f}", f"{transcripts:,}", f"{steps:,}", *figures


class Writer:
    """Texts like those of transcripts, from a fixed stock of lines."""

    def __init__(self) -> None:
        self.draw = random.Random(1)
        words = ["return", "value", "import os", "self.items", "for each", "x = 3", "the order", "2024-05-20", "total"]
        self.lines = [" ".join(self.draw.choice(words) for _ in range(9)) for _ in range(400)]

    def text(self, low: int, high: int) -> str:
        wanted = self.draw.randrange(low, high)
        lines = [
            f"src/part_{self.draw.randrange(900)}.py:{self.draw.randrange(2000)}: see user{self.draw.randrange(99)}"
        ]
        if self.draw.random() < 0.05:
            lines.append("write to someone@example.org")
        while sum(map(len, lines)) < wanted:
            lines.append(self.draw.choice(self.lines))
        return "\n".join(lines)

    def args(self) -> dict[str, Any]:
        return {"path": f"src/part_{self.draw.randrange(900)}.py", "query": self.text(10, 80)}


def _claude(size: int) -> Iterator[str]:
    writer, written, number = Writer(), 0, 0
    while written < size:
        number += 1
        session = {
            "sessionId": f"s{number // 60}",
            "cwd": "/home/someone/shop",
            "version": "2.0.0",
            "uuid": str(number),
        }
        use = {"type": "tool_use", "id": f"t{number}", "name": "Read", "input": writer.args()}
        content = [{"type": "text", "text": writer.text(40, 300)}, use]
        result = [{"type": "tool_result", "tool_use_id": f"t{number}", "content": writer.text(300, 8000)}]
        events = [
            {**session, "type": "assistant", "message": {"id": f"m{number}", "role": "assistant", "content": content}},
            {**session, "type": "user", "message": {"role": "user", "content": result}},
        ]
        if number % 60 == 0:
            events.insert(0, {**session, "type": "user", "message": {"role": "user", "content": writer.text(80, 900)}})
        for event in events:
            line = json.dumps(event) + "\n"
            written += len(line)
            yield line


def _chats(size: int, *, array: bool) -> Iterator[str]:
    writer, written, number = Writer(), 0, 0
    while written < size:
        number += 1
        messages: list[dict[str, Any]] = [
            {"role": "system", "content": writer.text(2000, 6000)},
            {"role": "user", "content": writer.text(80, 900)},
        ]
        for step in range(12):
            function = {"name": "look", "arguments": json.dumps(writer.args())}
            messages.append(
                {"role": "assistant", "content": None, "tool_calls": [{"id": f"c{step}", "function": function}]}
            )
            messages.append({"role": "tool", "tool_call_id": f"c{step}", "content": writer.text(300, 8000)})
        messages.append({"role": "assistant", "content": writer.text(40, 300)})
        told = json.dumps({"task_id": number, "domain": "shop", "traj": messages}, indent=1 if array else None)
        part = ("[" if number == 1 else ",\n") + told if array else told + "\n"
        written += len(part)
        yield part
    yield "]" if array else ""
