"""For every test: a scrubbed environment, deterministic hypothesis, and two options.

``--may-skip WORDS`` makes any skip fail the session unless its reason holds one of the comma-separated words, so that a
part whose tests never ran cannot pass unseen. ``--torture N`` says how often the kill test kills.
"""

from __future__ import annotations

import os
import shutil
import tempfile
import time
from typing import Any

import hypothesis
import pytest

SECRETS = ("API_KEY", "TOKEN", "SECRET", "PASSWORD")
LIVE_KEY = "RATCHET_LIVE_KEY"
"""Where the key is kept for ``tests/live`` alone, when only tests there were asked for."""
FOREIGN = ("GIT_", "XDG_", "RATCHET_", "ANTHROPIC_", "OPENAI_")
TERMINAL = (
    "COLUMNS",
    "LINES",
    "NO_COLOR",
    "FORCE_COLOR",
    "CLICOLOR_FORCE",
    "PY_COLORS",
    "GITHUB_ACTIONS",
    "DOCKER_HOST",
)
HOME = pytest.StashKey[str]()
SKIPS = pytest.StashKey[set[tuple[str, str]]]()

hypothesis.settings.register_profile("ci", derandomize=True, deadline=None, database=None, max_examples=50)
hypothesis.settings.register_profile("explore", deadline=None, database=None, max_examples=1_000)


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--may-skip", metavar="WORDS", help="any other skip fails the session (comma-separated words)")
    parser.addoption("--torture", metavar="N", type=int, default=8, help="how often the kill test kills (default: 8)")


def pytest_configure(config: pytest.Config) -> None:
    hypothesis.settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "ci"))
    config.stash[SKIPS] = set()
    config.stash[HOME] = tempfile.mkdtemp(prefix="ratchet-test-home-")
    live = os.environ.get("ANTHROPIC_API_KEY") if only_live(config) else None
    scrub_environment(config.stash[HOME])
    if live:
        os.environ[LIVE_KEY] = live
    if config.pluginmanager.hasplugin("xdist"):
        config.pluginmanager.register(SkipsOfWorkers(config), "skips-of-workers")


def only_live(config: pytest.Config) -> bool:
    """Whether the command line names tests of the real API and no others: no run of all tests spends money."""
    return bool(config.args) and all("tests/live" in argument for argument in config.args)


def pytest_unconfigure(config: pytest.Config) -> None:
    shutil.rmtree(config.stash[HOME], ignore_errors=True)


def scrub_environment(home: str) -> None:
    """No key, proxy, git identity or terminal of the person who runs the tests reaches a test or a child of one."""
    for name in list(os.environ):
        upper = name.upper()
        if upper.endswith("_PROXY") or upper.endswith(SECRETS) or upper.startswith(FOREIGN) or name in TERMINAL:
            del os.environ[name]
    os.environ.pop("PYTEST_ADDOPTS", None)
    os.environ.update(
        HOME=home, GIT_CONFIG_GLOBAL=os.devnull, GIT_CONFIG_NOSYSTEM="1", GIT_TERMINAL_PROMPT="0", TZ="UTC"
    )
    time.tzset()


@pytest.fixture(scope="session")
def torture(request: pytest.FixtureRequest) -> int:
    """How often a kill test should kill."""
    return int(request.config.getoption("--torture"))


class SkipsOfWorkers:
    """Gathers what pytest-xdist's workers skipped: skips at collection do not reach the controller by themselves."""

    def __init__(self, config: pytest.Config) -> None:
        self.config = config

    @pytest.hookimpl(optionalhook=True)
    def pytest_testnodedown(self, node: Any) -> None:
        self.config.stash[SKIPS].update(tuple(skip) for skip in getattr(node, "workeroutput", {}).get("skips", ()))


def note_skip(config: pytest.Config, report: pytest.TestReport | pytest.CollectReport) -> None:
    if report.skipped and not hasattr(report, "wasxfail") and isinstance(report.longrepr, tuple):
        config.stash[SKIPS].add((report.nodeid, str(report.longrepr[2]).removeprefix("Skipped: ")))


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item, call: pytest.CallInfo[None]) -> Any:
    report = yield
    note_skip(item.config, report)
    return report


@pytest.hookimpl(wrapper=True)
def pytest_make_collect_report(collector: pytest.Collector) -> Any:
    report = yield
    note_skip(collector.config, report)
    return report


@pytest.hookimpl(trylast=True)
def pytest_sessionfinish(session: pytest.Session) -> None:
    config = session.config
    if hasattr(config, "workeroutput"):
        config.workeroutput["skips"] = [list(skip) for skip in sorted(config.stash[SKIPS])]
    elif forbidden_skips(config) and session.exitstatus == pytest.ExitCode.OK:
        session.exitstatus = pytest.ExitCode.TESTS_FAILED


def pytest_terminal_summary(terminalreporter: Any, config: pytest.Config) -> None:
    if skips := forbidden_skips(config):
        terminalreporter.section("skipped, but needed here", red=True)
        for nodeid, reason in skips:
            terminalreporter.line(f"{nodeid}: {reason}")


def forbidden_skips(config: pytest.Config) -> list[tuple[str, str]]:
    """Skips that ``--may-skip`` does not allow, as (test, reason); none when the option is not given."""
    allowed = config.getoption("--may-skip")
    if allowed is None:
        return []
    words = [word.strip().lower() for word in allowed.split(",") if word.strip()]
    return sorted(skip for skip in config.stash[SKIPS] if not any(word in skip[1].lower() for word in words))
