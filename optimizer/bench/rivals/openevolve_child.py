"""The interpreter in which OpenEvolve runs: ``python -m optimizer.bench.rivals.openevolve_child`` in a folder with a
``job.json``. Started by ``openevolve_run.py`` and by nothing else."""

from __future__ import annotations

import json
import multiprocessing
import os
import random
import re
import socket
import uuid
from functools import cache
from pathlib import Path
from typing import Any, TextIO

from optimizer.bench.rivals.openevolve_run import SOCKET
from optimizer.bench.rivals.programs import assignment_of, line_of, program_of

EVALUATOR = f"from {__spec__.name if __spec__ else __name__} import evaluate\n"
"""The evaluator that OpenEvolve is given: a file with a function ``evaluate(program_path)``."""

CURRENT = re.compile(r"^# Current Program\n```[^\n]*\n(.*?)^```", re.MULTILINE | re.DOTALL)
"""Where OpenEvolve's prompt shows the program to be changed."""


def main() -> None:
    """Runs the job to its end."""
    job = json.loads(Path("job.json").read_text())
    # The pool's one process inherits the model, the ids and the socket; forking is what Linux does up to Python 3.13.
    multiprocessing.set_start_method("fork")
    _seed_ids(job["seed"])
    from openevolve.api import run_evolution

    program, evaluator = Path("program.txt"), Path("evaluator.py")
    program.write_text(program_of({name: options[0] for name, options in job["components"]}))
    evaluator.write_text(EVALUATOR)
    run_evolution(program, evaluator, _config(job), iterations=job["iterations"], output_dir="output", cleanup=False)


def evaluate(program_path: str) -> dict[str, float]:
    """What OpenEvolve calls with each program: the score is asked for on the socket."""
    end = _socket()
    end.write(json.dumps(Path(program_path).read_text()) + "\n")
    end.flush()
    return {"combined_score": json.loads(end.readline())}


class StubModel:
    """Answers as OpenEvolve's prompt asks, with one SEARCH/REPLACE block: another option of a random component, or on a
    stream the next edit, switched on. An answer without a block ends nothing and costs nothing."""

    def __init__(self, components: dict[str, list[str]], *, stream: bool, seed: int) -> None:
        self.model = "stub"  # OpenEvolve logs it
        self._components, self._random = components, random.Random(f"stub {seed}")
        self._next = iter(components) if stream else None

    async def generate(self, prompt: str, **_: Any) -> str:
        found = CURRENT.search(prompt)
        if found is None:
            raise ValueError("the prompt does not show the current program where OpenEvolve 0.2 to 0.4 show it")
        return self._changed(assignment_of(found[1]))

    async def generate_with_context(self, system_message: str, messages: list[dict[str, str]], **_: Any) -> str:
        return await self.generate(messages[-1]["content"])

    def _changed(self, parent: dict[str, str]) -> str:
        component = self._random.choice(list(parent)) if self._next is None else next(self._next, None)
        if component is None:
            return "Every edit was tried."
        others = [option for option in self._components[component] if option != parent[component]]
        before, after = line_of(component, parent[component]), line_of(component, self._random.choice(others))
        return f"<<<<<<< SEARCH\n{before}\n=======\n{after}\n>>>>>>> REPLACE\n"


def _config(job: dict[str, Any]) -> Any:
    from openevolve.config import Config, DatabaseConfig, EvaluatorConfig, LLMConfig, LLMModelConfig

    def model(_: object) -> StubModel:
        return StubModel(dict(job["components"]), stream=job["stream"], seed=job["seed"])

    length = len(program_of({name: max(options, key=len) for name, options in job["components"]}))
    return Config(
        random_seed=job["seed"],
        log_level="ERROR",
        language="text",
        checkpoint_interval=job["iterations"] + 2,  # none
        max_code_length=max(10_000, length),
        llm=LLMConfig(models=[LLMModelConfig(name="stub", init_client=model)]),
        database=DatabaseConfig(**job["database"], log_prompts=False),
        evaluator=EvaluatorConfig(parallel_evaluations=1, cascade_evaluation=False, max_retries=0),
    )


def _seed_ids(seed: int) -> None:
    """Ids of programs out of the seed. OpenEvolve draws them at random and draws parents out of sets of them, so that
    its ``random_seed`` alone does not make a run repeatable."""
    ids = {where: random.Random(f"ids {where} {seed}") for where in ("controller", "worker")}

    def seeded() -> uuid.UUID:
        where = "worker" if multiprocessing.parent_process() else "controller"
        return uuid.UUID(int=ids[where].getrandbits(128), version=4)

    uuid.uuid4 = seeded


@cache
def _socket() -> TextIO:
    return socket.socket(fileno=int(os.environ[SOCKET])).makefile("rw")


if __name__ == "__main__":
    main()
