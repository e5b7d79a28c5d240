"""Conversations for replay: invented, of any length, the same for the same seed."""

import random

from optimizer.transcripts.records import Header, Transcript


def read(number, path, result, **more):
    """A step that reads ``path``, and what it gets."""
    call = {"type": "tool_use", "id": f"c{number}", "name": "read_file", "input": {"path": path, **more}}
    back = {"type": "tool_result", "tool_use_id": f"c{number}", "content": result}
    return [{"role": "assistant", "content": [call]}, {"role": "user", "content": [back]}]


def talk(steps, *, seed=1, chars=400, paths=30):
    """Steps that read files which earlier results named."""
    draw = random.Random(seed)
    messages = [{"role": "user", "content": "Mend the shop, begin at src/mod_0/file_0.py"}]
    for number in range(steps):
        wanted = draw.randrange(min(paths, number + 1))
        lines = [f"see src/mod_{(number + 1) % paths}/file_{(number + 1) % paths}.py:{draw.randrange(900)}"]
        while sum(map(len, lines)) < chars:
            lines.append(" ".join(draw.choice(("alpha", "beta_2", "return", "import os", "x = 3")) for _ in range(8)))
        messages += read(number, f"src/mod_{wanted}/file_{wanted}.py", "\n".join(lines))
    return [*messages, {"role": "assistant", "content": [{"type": "text", "text": "Done"}]}]


def transcript(messages, *, id="t", workload="w", system=""):
    return Transcript(Header(id, workload, "test", system=system), messages)
