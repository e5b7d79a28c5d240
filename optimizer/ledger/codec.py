"""Records to and from what a row can hold: JSON text and plain columns."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Mapping
from dataclasses import asdict
from operator import attrgetter
from typing import Any

from optimizer.ledger.rows import Campaign, ExperimentRow, Intent, Outcome, RefMove, RolloutRow, State
from optimizer.ledger.schema import SPEND_COLUMNS
from optimizer.records import Decision, Lesson, Proposal, Rollout, RolloutKey, Spend, Status, Verdict
from search_space.edits import edit_from_json, edit_to_json

_SPEND_VALUES = attrgetter(*SPEND_COLUMNS)


def dump(value: Any) -> str:
    """Compact JSON; mappings of any kind are objects, and keep their order."""
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False, default=_plain)


def spend_values(spend: Spend) -> tuple[int | float, ...]:
    """In the order of ``SPEND_COLUMNS``."""
    values: tuple[int | float, ...] = _SPEND_VALUES(spend)
    return values


def spend_of(row: sqlite3.Row) -> Spend:
    """From a row that has the columns of ``SPEND_COLUMNS``."""
    return Spend(**{name: row[name] for name in SPEND_COLUMNS})


def proposal_text(proposal: Proposal) -> str:
    """The proposal as JSON; its edit in the form of ``search_space.edits``."""
    return dump(
        {
            "edit": edit_to_json(proposal.edit),
            "hypothesis": proposal.hypothesis,
            "proposer": proposal.proposer,
            "changes": proposal.changes,
            "expected_effect": proposal.expected_effect,
            "source": proposal.source,
            "problem": proposal.problem,
            "words": proposal.words,
            "predicted": proposal.predicted,
            "drawn": proposal.drawn,
        }
    )


def proposal_of(text: str) -> Proposal:
    """The inverse of :func:`proposal_text`."""
    value = json.loads(text)
    return Proposal(**{**value, "edit": edit_from_json(value["edit"])})


def outcome_record(outcome: Outcome) -> dict[str, Any]:
    """An outcome as JSON: what an intent carries until it is confirmed."""
    return {
        "number": outcome.number,
        "decision": asdict(outcome.decision),
        "gate": outcome.gate,
        "lesson": None if outcome.lesson is None else asdict(outcome.lesson),
        "value": outcome.value,
        "spend": asdict(outcome.spend),
        "seconds": outcome.seconds,
    }


def outcome_of(value: Mapping[str, Any]) -> Outcome:
    """The inverse of :func:`outcome_record`."""
    return Outcome(
        **{
            **value,
            "decision": decision_of(value["decision"]),
            "lesson": lesson_of(value["lesson"]),
            "spend": Spend(**value["spend"]),
        }
    )


def decision_of(value: Mapping[str, Any]) -> Decision:
    return Decision(**{**value, "verdict": Verdict(value["verdict"])})


def lesson_of(value: Mapping[str, Any] | None) -> Lesson | None:
    return None if value is None else Lesson(**{**value, "verdict": Verdict(value["verdict"])})


def intent_of(row: sqlite3.Row) -> Intent:
    moves = tuple(RefMove(**move) for move in json.loads(row["moves"]))
    return Intent(row["subject"], row["number"], moves, json.loads(row["record"]))


def campaign_of(row: sqlite3.Row) -> Campaign:
    names = ("name", "experiment", "seed", "suite", "ref", "baseline", "harness", "python", "created_at")
    return Campaign(settings=json.loads(row["settings"]), **{name: row[name] for name in names})


def experiment_of(row: sqlite3.Row) -> ExperimentRow:
    decision, lesson = row["decision"], row["lesson"]
    spend = Spend(**{name: row["rollout_seconds" if name == "seconds" else name] for name in SPEND_COLUMNS})
    return ExperimentRow(
        number=row["number"],
        state=State(row["state"]),
        proposal=proposal_of(row["proposal"]),
        champion=row["champion"],
        started_at=row["started_at"],
        variant=row["variant"],
        diff=row["diff"],
        assignment=json.loads(row["assignment"]),
        decision=None if decision is None else decision_of(json.loads(decision)),
        lesson=None if lesson is None else lesson_of(json.loads(lesson)),
        value=row["value"],
        commit=row["commit_id"],
        spend=spend,
        ended_at=row["ended_at"],
        seconds=row["seconds"],
    )


def rollout_of(row: sqlite3.Row) -> Rollout:
    """A finished rollout; one that is not counts as a crash here, and its row says what it really is."""
    state = row["state"]
    return Rollout(
        key=RolloutKey(row["tree"], row["suite"], row["task"], row["seed"]),
        status=Status(state) if state in Status.__members__ else Status.crash,
        score=row["score"] or 0.0,
        reason=row["reason"],
        answer=row["answer"],
        steps=row["steps"],
        spend=spend_of(row),
    )


def rollout_row_of(row: sqlite3.Row) -> RolloutRow:
    return RolloutRow(
        attempt=row["attempt"],
        state=row["state"],
        purpose=row["purpose"],
        experiment=row["experiment"],
        rollout=rollout_of(row),
        started_at=row["started_at"],
        ended_at=row["ended_at"],
    )


def _plain(value: Any) -> Any:
    if isinstance(value, Mapping):
        return dict(value)
    if hasattr(value, "item"):  # a numpy scalar that the gate computed
        return value.item()
    raise TypeError(f"{type(value).__name__} is not JSON")
