"""Replay: steps scored a second on one core, memory, and how the time grows with a transcript's length.

Conversations are made here; the sizes are those of coding agents: 200 to 1,600 steps, a result of about 1,000
characters each, rendered into 50,000 tokens. ``tokens a step`` is what sending everything would take on average.
``replay:FILE`` adds a file of transcripts. To reach: 400 steps a second at 50,000 tokens a step, under 300 MB, and a
time that grows as the length does.
"""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

from tests.bench.tables import table

LENGTHS = (300, 600, 1200, 2400)
LIMIT, CHARS = 50_000, 1_000
HEAD = ("steps", "strategy", "tokens a step", "steps/s", "ms a step", "peak memory, MB")
FILE_HEAD = ("strategy", "transcripts", "steps", "at risk", "kept", "cost", "steps/s")
WORK = """
import json, resource, sys, time
from optimizer.replay.comparing import STRATEGIES, score_transcript
from optimizer.replay.rendering import built_in, configuration
from optimizer.replay.uses import Uses
from tests.optimizer.replay.talks import talk, transcript
steps, chars, limit = map(int, sys.argv[1:])
whole = transcript(talk(steps, chars=chars, paths=400))
for name in STRATEGIES:
    began = time.process_time()
    found = score_transcript(whole, built_in(configuration(name), limit), Uses(whole.messages))
    seconds = time.process_time() - began
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    rate = found.steps / seconds
    print(json.dumps([name, found.full_tokens // found.steps, rate, 1000 / rate, memory]))
"""


def report(options: str = "") -> str:
    rows = []
    for steps in LENGTHS:
        command = [sys.executable, "-c", WORK, str(steps), str(CHARS), str(LIMIT)]
        done = subprocess.run(command, capture_output=True, text=True, check=True)
        for line in done.stdout.splitlines():
            name, tokens, rate, each, memory = json.loads(line)
            rows.append((f"{steps:,}", name, f"{tokens:,}", f"{rate:,.0f}", f"{each:.2f}", f"{memory:.0f}"))
    parts = [table(HEAD, rows)]
    if options:
        parts.append(f"The transcripts of a file:\n\n{table(FILE_HEAD, _of_file(Path(options)))}")
    return "\n\n".join(parts)


def _of_file(path: Path) -> list[tuple[object, ...]]:
    import time

    from optimizer.replay.comparing import STRATEGIES, score_transcript
    from optimizer.replay.loading import load, usual_limit
    from optimizer.replay.rendering import built_in, configuration
    from optimizer.replay.tables import rows

    found = []
    with load([path], lambda where, what: None) as transcripts:
        limit = usual_limit(transcripts)
        wholes = list(transcripts)
        for name in STRATEGIES:
            began = time.process_time()
            scores = [score_transcript(whole, built_in(configuration(name), limit)) for whole in wholes]
            seconds = time.process_time() - began
            row = rows(name, scores)[0]
            kept, cost = (f"{share.value:.2f}" for share in (row.kept, row.cost))
            rate = f"{row.steps / seconds:,.0f}"
            found.append((name, row.transcripts, f"{row.steps:,}", f"{row.at_risk:,}", kept, cost, rate))
    return found
