"""``ratchet door``: a command written by others, with a metered model."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any

import typer

from optimizer.assemble.metered import OpenDoor, open_door
from optimizer.cli.options import AsJson, console
from optimizer.errors import SettingsError
from optimizer.models.base import Account
from optimizer.reports.json_text import json_text
from optimizer.reports.spending import cache_sentence, dollars, spend_json
from optimizer.reports.words import count, some

KEYS = (
    "ANTHROPIC_API_KEY",
    "ANTHROPIC_AUTH_TOKEN",
    "ANTHROPIC_BASE_URL",
    "ANTHROPIC_API_BASE",
    "OPENAI_API_KEY",
    "OPENAI_BASE_URL",
)
"""Taken out of the command's environment: what it asks a model, it asks through the door."""


def door(
    command: Annotated[list[str], typer.Argument(help="What to run, behind a '--'.")],
    model: Annotated[
        str, typer.Option(help="Who answers: embedded, anthropic:ID, openai:ID, recorded:FILE.")
    ] = "embedded",
    usd: Annotated[float | None, typer.Option(help="At most so many dollars.", min=0.0)] = None,
    tokens: Annotated[int | None, typer.Option(help="At most so many tokens.", min=1)] = None,
    record: Annotated[Path | None, typer.Option(help="Keep every exchange in this file.")] = None,
    prices: Annotated[Path | None, typer.Option(help="A file with prices of your own.")] = None,
    seed: Annotated[int, typer.Option(help="Seed of the embedded model's answers.")] = 0,
    as_json: AsJson = False,
) -> None:
    """Run a command whose calls of a model are metered, and say what they cost.

    ANTHROPIC_BASE_URL and ANTHROPIC_API_KEY of the command lead to a door on this machine; keys of yours stay outside.
    The exit code is the command's.
    """
    with open_door(model, usd=usd, tokens=tokens, record=record, prices=prices, seed=seed) as opened:
        code = _run(command, surroundings(opened, os.environ))
        account = opened.account()
    if as_json:
        print(json_text(account_json(opened, account, code)), file=sys.stderr)
    else:
        console(stderr=True).print(f"ratchet door: {sentence(opened, account)}", soft_wrap=True)
    raise typer.Exit(code)


def surroundings(opened: OpenDoor, environment: Mapping[str, str]) -> dict[str, str]:
    """The command's environment: the caller's without keys, with the door in their place, past any proxy."""
    kept = {name: value for name, value in environment.items() if name not in KEYS}
    beside = ",".join(filter(None, [kept.get("NO_PROXY") or kept.get("no_proxy"), "127.0.0.1"]))
    led = {"ANTHROPIC_BASE_URL": opened.url, "ANTHROPIC_API_KEY": opened.token}
    return {**kept, **led, "NO_PROXY": beside, "no_proxy": beside}


def account_json(opened: OpenDoor, account: Account, code: int) -> dict[str, Any]:
    """What the command had, as JSON; ``failed_attempts`` were paid for beside the answers."""
    failure = None if account.failure is None else str(account.failure)
    return {
        "model": opened.model,
        "exit_code": code,
        "cost": spend_json(account.spend + account.wasted),
        "failed_attempts": spend_json(account.wasted),
        "waited_s": round(account.waited_s, 3),
        "last_failure": failure,
    }


def sentence(opened: OpenDoor, account: Account) -> str:
    """What the command had, in words."""
    spend = account.spend + account.wasted
    told = f"{some(spend.calls, 'call')} of {opened.model}, {count(spend.tokens)} tokens"
    told += f" ({count(spend.input_tokens)} in, {count(spend.output_tokens)} out), "
    told += dollars(spend) + ("" if opened.costs_money or not spend.usd else " as recorded, nothing of it paid")
    if cached := cache_sentence(spend):
        told += f"; {cached}"
    if account.wasted.tokens:
        told += f"; {count(account.wasted.tokens)} of the tokens went to attempts that failed"
    if account.failure is not None:
        told += f"; the last failure: {account.failure}"
    return told


def _run(command: Sequence[str], environment: Mapping[str, str]) -> int:
    """The command's exit code, 128 and the signal's number when one ended it. Ctrl-C is the command's own affair."""
    try:
        running = subprocess.Popen(list(command), env=dict(environment))
    except OSError as error:
        raise SettingsError(
            f"door: '{command[0]}' cannot be run: {error.strerror}", hint="ratchet door [OPTIONS] -- COMMAND ..."
        ) from None
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        code = running.wait()
    finally:
        signal.signal(signal.SIGINT, before)
        if running.poll() is None:
            running.kill()
            running.wait()
    return code if code >= 0 else 128 - code
