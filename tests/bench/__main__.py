"""``python -m tests.bench [name ...]``: the measurements of docs/benchmarks.md, as Markdown; all when none is named.

What a benchmark takes after its name and a colon is its own (``navigator:3`` runs three seeds); see its file.
"""

from __future__ import annotations

import sys
from collections.abc import Callable

from tests.bench import (
    believed,
    bpb,
    chance,
    decision,
    door,
    faults,
    fork,
    importing,
    keeps,
    navigator,
    own_time,
    parallel,
    prompts,
    replay,
    rollouts,
    simplify,
)
from tests.bench.tables import machine

BENCHMARKS: dict[str, Callable[[str], str]] = {
    "own_time": own_time.report,
    "decision": decision.report,
    "rollouts": rollouts.report,
    "parallel": parallel.report,
    "door": door.report,
    "faults": faults.report,
    "navigator": navigator.report,
    "fork": fork.report,
    "simplify": simplify.report,
    "believed": believed.report,
    "chance": chance.report,
    "keeps": keeps.report,
    "import": importing.report,
    "replay": replay.report,
    "prompts": prompts.report,
    "bpb": bpb.report,
}


def main(wanted: list[str]) -> int:
    unknown = [name for name in wanted if name.partition(":")[0] not in BENCHMARKS]
    if unknown:
        print(f"got {', '.join(unknown)}, expected some of: {', '.join(BENCHMARKS)}", file=sys.stderr)
        return 2
    print(f"{machine()}\n", flush=True)
    for argument in wanted or list(BENCHMARKS):
        name, _, options = argument.partition(":")
        print(f"## {name}\n\n{BENCHMARKS[name](options)}\n", flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
