"""Settling in two phases: intent in the ledger, compare-and-swap in git, confirmation in the ledger.

What a kill leaves behind, and what :func:`recover` makes of it:

    killed                              ledger      branch   recover
    before the intent                   evaluating  old      nothing: the experiment is gone on with, from its rollouts
    between intent and move             settling    old      moves the branch and confirms
    between move and confirmation       settling    new      confirms
    after the confirmation              done        new      nothing
    intent whose commit is gone         settling    old      undoes the intent: the experiment is decided again
    intent, branch moved by others      settling    other    BranchMoved; the intent stays until that is mended
"""

from __future__ import annotations

from dataclasses import asdict, dataclass

from optimizer.ledger.branch import Branch
from optimizer.ledger.codec import outcome_record
from optimizer.ledger.rows import Exam, ExperimentRow, Intent, Outcome, Pruning, RefMove
from optimizer.ledger.store import Ledger


@dataclass(frozen=True, slots=True)
class Recovery:
    """What recovering did. ``finished`` and ``undone`` name a settlement ("experiment 12", "exam 1") or are None;
    ``interrupted`` counts the rollouts that were under way; ``unfinished`` is the experiment to go on with."""

    finished: str | None
    undone: str | None
    interrupted: int
    unfinished: ExperimentRow | None


def discard(ledger: Ledger, outcome: Outcome) -> None:
    """Record an experiment that is not kept: one durable transaction, git is not touched."""
    ledger.finish(outcome)


def keep(ledger: Ledger, branch: Branch, outcome: Outcome, commit: str) -> None:
    """Record an experiment that is kept and move the branch from ``ledger.tip`` to ``commit``, whose objects are
    durable already (``Workspace.commit`` sees to it).

    Raises BranchMoved when somebody else moved the branch: the outcome stays in the ledger as an intent, and recovering
    finishes it once the branch is back.
    """
    moves = (RefMove(branch.ref, ledger.tip, commit),)
    _settle(ledger, branch, Intent("experiment", outcome.number, moves, outcome_record(outcome)))


def settle_exam(ledger: Ledger, branch: Branch, exam: Exam) -> None:
    """Record an exam. Passed: ``certified/<number>`` is set to the champion. Failed: ``abandoned/<number>`` keeps the
    champion, the branch falls back to the last certified one, and so does the finalized one where it holds what failed.
    Unclear: no ref moves."""
    if exam.outcome == "passed":
        moves: tuple[RefMove, ...] = (RefMove(branch.certified(exam.number), None, exam.champion),)
    elif exam.outcome == "failed":
        way = RefMove(branch.abandoned(exam.number), None, exam.champion)
        back = _back(exam)
        moves = (way, RefMove(branch.ref, exam.champion, back))
        if (pruned := _last(ledger)) is not None and pruned.champion == exam.champion:
            # What failed must not stand as what is handed over; its commits stay, each with its effect.
            kept = RefMove(branch.abandoned_final(exam.number), None, pruned.final)
            moves = (*moves, kept, RefMove(branch.final, pruned.final, back))
    else:
        ledger.examine(exam)
        return
    _settle(ledger, branch, Intent("exam", exam.number, moves, asdict(exam)))


def settle_pruning(ledger: Ledger, branch: Branch, pruning: Pruning) -> None:
    """Record what stays of a champion: the campaign's branch moves to ``pruning.champion``, which may be where it is,
    and the finalized branch to ``pruning.final``. Raises BranchMoved when somebody else moved either of them, or has a
    branch of that name."""
    moves = [RefMove(branch.final, _final_now(ledger), pruning.final)]
    if pruning.champion != ledger.tip:
        moves.insert(0, RefMove(branch.ref, ledger.tip, pruning.champion))
    _settle(ledger, branch, Intent("pruning", pruning.number, tuple(moves), asdict(pruning)))


def recover(ledger: Ledger, branch: Branch) -> Recovery:
    """Bring ledger and branch to agree after a kill at any point; to be called, under the campaign's lock, whenever a
    campaign is taken up. Doing it twice does no more than once.

    Raises BranchMoved when the branch is not where the ledger left it, RepositoryError when it is checked out.
    """
    branch.check_free()
    interrupted = ledger.rollouts.interrupt()
    intent = ledger.intent()
    finished = undone = None
    if intent is not None:
        name = f"{intent.subject} {intent.number}"
        if all(branch.holds(move.new) for move in intent.moves):
            _complete(ledger, branch, intent)
            finished = name
        else:
            ledger.undo(intent)
            undone = name
    if branch.read() is None and ledger.tip == ledger.campaign.baseline:
        branch.create(ledger.tip)  # killed between making the ledger and making the branch
    branch.check_tip(ledger.tip)
    return Recovery(finished, undone, interrupted, ledger.unfinished())


def _last(ledger: Ledger) -> Pruning | None:
    return next(iter(ledger.prunings()[-1:]), None)


def _final_now(ledger: Ledger) -> str | None:
    """Where the ledger left the finalized branch."""
    last = _last(ledger)
    if last is None:
        return None
    failed = [exam for exam in ledger.exams() if exam.outcome == "failed" and exam.champion == last.champion]
    return _back(failed[-1]) if failed else last.final


def _back(exam: Exam) -> str:
    """Where a failed exam leads back to: the last certified champion, or the baseline."""
    return str(exam.gate.get("certified_commit", exam.against))


def _settle(ledger: Ledger, branch: Branch, intent: Intent) -> None:
    branch.check_free()  # before the intent: the experiment is decided again once the branch is free
    ledger.intend(intent)
    _complete(ledger, branch, intent)


def _complete(ledger: Ledger, branch: Branch, intent: Intent) -> None:
    branch.move(intent.moves, f"{intent.subject} {intent.number}")
    ledger.confirm(intent)
