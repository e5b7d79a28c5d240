"""A rollout of a command in its stages: a fresh copy of the variant, the command, then the evaluator, then the metric.

What happens between the stages happens here, outside the sandbox, when every process of the stage before is dead: what
a command leaves behind is read as the output of code that nobody vouches for.
"""

from __future__ import annotations

import json
import shutil
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from optimizer.sandboxes.base import Exit, Launch, Sandbox, read_bounded
from optimizer.suites.command.reading import NoMetric, mentions, read_metric
from optimizer.suites.command.suite import ENTRY, CommandSuite

RESULT_FILE = "result.json"
OUTPUT_FILE = "output.txt"
OUTPUT_BYTES = 8 * 1024 * 1024
COMMAND, EVALUATOR = "the command", "the evaluator"


class _Failed(Exception):
    """The rollout ends here; ``ended`` says how."""

    def __init__(self, ended: Exit) -> None:
        super().__init__(ended.reason)
        self.ended = ended


class CommandSandbox:
    """Runs the rollouts of a :class:`CommandSuite` in another sandbox. Satisfies
    :class:`optimizer.sandboxes.base.Sandbox`; launches of anything else pass through as they are."""

    def __init__(self, inner: Sandbox, suite: CommandSuite) -> None:
        self._inner, self._suite = inner, suite
        self._environment = suite.environment()

    def run(self, launch: Launch, *, cancel: threading.Event | None = None) -> Exit:
        """See :meth:`optimizer.sandboxes.base.Sandbox.run`. In ``launch.folder`` the command has ``run/`` (and works in
        ``run/work/``), the evaluator ``judge/``; ``result.json`` beside them is out of reach for both."""
        if "evaluator" not in launch.payload:
            return self._inner.run(launch, cancel=cancel)
        rollout = _Rollout(self._inner, self._suite, launch, cancel, self._environment)
        try:
            value = rollout.measured()
        except _Failed as failed:
            return replace(failed.ended, seconds=rollout.seconds)
        _write_result(launch.folder, self._suite, value)
        return Exit("ok", rollout.seconds, output=rollout.output)

    def close(self) -> None:
        """Close the sandbox within."""
        self._inner.close()


@dataclass(slots=True)
class _Rollout:
    """One rollout on its way. ``seconds`` is what its stages took together."""

    sandbox: Sandbox
    suite: CommandSuite
    launch: Launch
    cancel: threading.Event | None
    environment: Mapping[str, str]
    seconds: float = 0.0
    output: str = ""

    def measured(self) -> float:
        """The metric's value. Raises :class:`_Failed`."""
        settings, folder = self.suite.settings, self.launch.folder
        run = folder / "run"
        work = run / "work"
        began = time.monotonic()
        _copy(Path(self.launch.payload["harness"]), work)
        _put(work, self.suite.pinned_files)
        self.seconds += time.monotonic() - began
        printed = self._stage(COMMAND, settings.command, run, work)
        self._refuse_changed(work)
        if settings.evaluator is None:
            return self._read(COMMAND, printed)
        if mentions(printed, settings.metric):
            raise self._crash(
                f"the command printed the metric '{settings.metric}' itself, expected only the evaluator to: "
                "what is measured may not say how good it is"
            )
        judge = folder / "judge"
        place = judge / "work"
        place.mkdir(parents=True)
        _put(place, self.suite.pinned_files)
        printed = self._stage(EVALUATOR, settings.evaluator, judge, place, output=work)
        return self._read(EVALUATOR, printed)

    def _stage(self, who: str, command: str, folder: Path, within: Path, output: Path | None = None) -> str:
        """What ``command`` printed, run in ``within``; it may write in ``folder`` only, and read ``output`` too."""
        left_s = self.launch.timeout_s - self.seconds
        if left_s <= 0:
            raise _Failed(Exit("timeout", 0.0, f"no time was left for {who} after {self.seconds:.1f} s"))
        told = self._told(output)
        payload = {
            "command": _filled(command, told),
            "within": str(within),
            "output": str(folder / OUTPUT_FILE),
            "environment": {**self.environment, **{f"RATCHET_{name.upper()}": text for name, text in told.items()}},
        }
        readable = (*self.launch.readable, *(() if output is None else (output,)))
        ended = self.sandbox.run(Launch(ENTRY, payload, folder, readable, left_s), cancel=self.cancel)
        self.seconds += ended.seconds
        self.output = ended.output
        if ended.status != "ok":
            raise _Failed(replace(ended, reason=f"{who}: {ended.reason}" if ended.status == "crash" else ended.reason))
        return self._printed(who, folder / OUTPUT_FILE)

    def _told(self, output: Path | None) -> dict[str, str]:
        """What a command is told, in its line and in its environment."""
        settings, payload = self.suite.settings, self.launch.payload
        told = {"seed": str(seed_of(payload)), "seconds": f"{settings.seconds:g}"}
        if output is not None:
            told["output"] = str(output)
        if settings.model:
            told |= {"door": str(payload.get("door", "")), "token": str(payload.get("token", ""))}
        return told

    def _printed(self, who: str, path: Path) -> str:
        try:
            data = read_bounded(path, OUTPUT_BYTES + 1)
        except OSError as error:
            raise self._crash(f"what {who} printed cannot be read: {error.strerror}") from None
        if len(data) > OUTPUT_BYTES:
            raise self._crash(f"{who} printed more than {OUTPUT_BYTES // 1024 // 1024} MB")
        return data.decode("utf-8", "replace")

    def _refuse_changed(self, work: Path) -> None:
        for name, content in self.suite.pinned_files.items():
            if not _is_still(work / name, content):
                raise self._crash(f"the command changed '{name}', which is pinned; expected it to be left alone")

    def _read(self, who: str, printed: str) -> float:
        try:
            return read_metric(printed, self.suite.settings.metric)
        except NoMetric as error:
            self.output = printed[-2000:]
            raise self._crash(f"{who} {error}") from None

    def _crash(self, reason: str) -> _Failed:
        return _Failed(Exit("crash", self.seconds, reason, self.output))


def seed_of(payload: Mapping[str, Any]) -> int:
    """The seed that a command gets for a rollout: below 2**31, which every generator takes. The same one for every
    variant on the same task and repeat; another one for another repeat."""
    return int(payload["seed"]) % 2**31


def device_files(patterns: tuple[str, ...]) -> list[Path]:
    """The device files that the patterns name."""
    return [path for pattern in patterns for path in sorted(Path("/").glob(pattern.lstrip("/")))]


def _filled(command: str, told: Mapping[str, str]) -> str:
    for name in ("seed", "seconds", "output"):
        command = command.replace(f"{{{name}}}", told.get(name, f"{{{name}}}"))
    return command


def _copy(harness: Path, work: Path) -> None:
    """A fresh copy of the variant. Modes are not kept with it: what begins with ``#!`` may be run."""
    shutil.copytree(harness, work)
    for path in work.rglob("*"):
        if path.is_file():
            with path.open("rb") as file:
                if file.read(2) == b"#!":
                    path.chmod(0o755)


def _put(folder: Path, files: Mapping[str, bytes]) -> None:
    for name, content in files.items():
        target = folder / name
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(content)
        if content.startswith(b"#!"):
            target.chmod(0o755)


def _is_still(path: Path, content: bytes) -> bool:
    try:
        return read_bounded(path, len(content) + 1) == content
    except OSError:
        return False


def _write_result(folder: Path, suite: CommandSuite, value: float) -> None:
    metric = suite.metric
    result = {"answer": repr(value), "outcome": "answered", "steps": 0}
    low, high = sorted((metric.worst, metric.best))
    if not low <= value <= high:
        end, score = (metric.worst, 0) if (value < metric.worst) == metric.maximized else (metric.best, 1)
        which = "worst" if score == 0 else "best"
        reason = f"{metric.name} {value:g} is beyond the {which} of {end:g}, and scores {score}"
        result |= {"outcome": "out_of_range", "reason": reason}
    (folder / RESULT_FILE).write_text(json.dumps(result), encoding="utf-8")
