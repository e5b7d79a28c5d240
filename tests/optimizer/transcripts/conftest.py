"""Sessions as agents write them, small and invented."""

import json

import pytest

from optimizer.transcripts.importing import import_files
from optimizer.transcripts.store import read_transcripts


def claude_line(kind, content, number, *, id="", **more):
    message = {"role": kind, "content": content, **({"id": id, "model": "claude-x"} if id else {})}
    base = {"sessionId": "s1", "uuid": str(number), "cwd": "/home/jo/shop", "version": "9.9", "type": kind}
    return json.dumps({**base, "message": message, **more})


def use(id, name="Read", **args):
    return {"type": "tool_use", "id": id, "name": name, "input": args}


def result(id, text="fine"):
    return {"type": "tool_result", "tool_use_id": id, "content": [{"type": "text", "text": text}]}


@pytest.fixture
def taken(tmp_path):
    """Imports a file with the given content; (what it came to, the transcripts in the file that was written)."""

    def take(name, content, **options):
        path = tmp_path / "in" / name
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        to = tmp_path / "out.jsonl.gz"
        to.unlink(missing_ok=True)
        found = import_files([path], to, **options)
        notes = []
        transcripts = list(read_transcripts(to, lambda where, what: notes.append((where, what))))
        assert not notes
        return found, transcripts

    return take
