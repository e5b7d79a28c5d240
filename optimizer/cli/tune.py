"""``ratchet tune``: a prompt and some cases in, a better prompt and an honest score out; ``ratchet render``: a request
by it."""

from __future__ import annotations

import shlex
import sys
from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Any

import typer

from optimizer.acceptance.holdout import Interval, interval
from optimizer.assemble import Planned, Request, judge_noise, open_campaign, plan_campaign
from optimizer.cli.options import AsJson, nearest
from optimizer.cli.run import EXIT_STOPPED, EXIT_TO_MEND
from optimizer.cli.sitting import Sitting, note
from optimizer.cli.watching import stoppable, watching
from optimizer.datasets.splitting import Divided
from optimizer.errors import SettingsError
from optimizer.events import Bus, CampaignEnded
from optimizer.home import RUNS
from optimizer.reports.json_text import json_text
from optimizer.reports.plain import PlainLog
from optimizer.tuning.handover import Handover, check_place, hand_over, scores_without
from optimizer.tuning.handover import render as rendered
from optimizer.tuning.outcome import Outcome, outcome_of
from optimizer.tuning.project import CONTEXT_TOKENS, EXPERIMENT, HARNESS, Wanted, make_project, plan_project

TUNED = "tuned"


def tune(
    prompt: Annotated[Path, typer.Argument(help="The prompt: a text or Markdown file. It is only read.")],
    data: Annotated[Path, typer.Option("--data", help="Cases: .jsonl, .csv, .tsv, .json, or a folder of cases.")],
    holdout: Annotated[Path | None, typer.Option(help="Cases of your own to report on; nothing is decided on.")] = None,
    question: Annotated[str | None, typer.Option(help="The question's column; guessed when not given.")] = None,
    answer: Annotated[str | None, typer.Option(help="The right answer's column; guessed when not given.")] = None,
    metric: Annotated[str | None, typer.Option(help="How answers are graded; chosen by what they look like.")] = None,
    context_tokens: Annotated[
        int, typer.Option(help="No request is larger than this.", min=1, max=10_000_000)
    ] = CONTEXT_TOKENS,
    model: Annotated[
        str, typer.Option(help="embedded, anthropic:ID, openai:ID or recorded:FILE; what answers the questions.")
    ] = "embedded",
    static: Annotated[
        bool, typer.Option("--static", help="The same examples for every question: one self-contained prompt.")
    ] = False,
    rollouts: Annotated[int | None, typer.Option(help="Budget of questions asked, all in all.", min=1)] = None,
    minutes: Annotated[float | None, typer.Option(help="End the search after this long, counted from now.")] = None,
    usd: Annotated[float | None, typer.Option(help="Budget of dollars.")] = None,
    seed: Annotated[int, typer.Option(help="Seed of the division into splits and of the search.", min=0)] = 0,
    out: Annotated[Path | None, typer.Option(help="Where the result goes; in the run's folder when not given.")] = None,
    runs: Annotated[Path, typer.Option(help="Where the campaign lives.")] = Path(RUNS),
    workers: Annotated[int | None, typer.Option(help="Questions asked at once.", min=1, max=256)] = None,
    as_json: AsJson = False,
    plain: Annotated[bool, typer.Option("--plain", help="Lines of text instead of the live table.")] = False,
) -> None:
    """Tune a prompt on cases with known answers, and say what it scores on cases that nothing was decided on.

    The same command goes on with what was begun. Exit codes as for 'run'.
    """
    wanted = Wanted(
        prompt=prompt,
        data=data,
        holdout=holdout,
        question=question,
        answer=answer,
        metric=metric,
        context_tokens=context_tokens,
        model=model,
        rollouts=rollouts,
        seed=seed,
        static=static,
    )
    if (
        not wanted.embedded
        and not model.startswith("recorded:")
        and rollouts is None
        and minutes is None
        and usd is None
    ):
        raise SettingsError(
            f"--model: got {model}, which costs money, and no limit, expected --usd, --rollouts or --minutes",
            hint="--usd 2 ends before two dollars are spent",
        )
    project = plan_project(wanted)
    place = out if out is not None else (runs / project.name / TUNED)
    check_place(place)
    folder = make_project(project, runs)
    planned = plan_campaign(
        Request(folder / EXPERIMENT, seed=seed, rollouts=rollouts, minutes=minutes, usd=usd, workers=workers, runs=runs)
    )
    ended = _run(planned, as_json=as_json, plain=plain)
    found = outcome_of(planned.home, HARNESS, project.divided)
    if found is None or not ended.finished:
        print(f"{ended.why}; {ended.hint or 'the same command goes on'}", file=sys.stderr)
        raise typer.Exit(EXIT_TO_MEND if ended.to_mend else EXIT_STOPPED)
    figures = _figures(found, project.divided) | _judged(planned)
    # The embedded model counts as the budget does; others have tokens of their own.
    known = found.tokens if wanted.embedded else None
    made = hand_over(place, found.before, found.after, project.divided, figures, known)
    if as_json:
        told = {**figures, "context_tokens": made.context_tokens, "prompt_file": str(made.prompt_file)}
        typer.echo(json_text({**told, "self_contained": made.self_contained, "folder": str(made.folder)}, indent=2))
    else:
        typer.echo(_told(figures, made, found))


def render(
    folder: Annotated[Path, typer.Argument(help="A folder that 'ratchet tune' made.")],
    question: Annotated[str | None, typer.Argument(help="The question; read from stdin when not given.")] = None,
    as_json: AsJson = False,
) -> None:
    """Show the request that asks a question with a tuned prompt: what to send to the model."""
    composed, harness = rendered(folder, question if question is not None else sys.stdin.read().strip())
    request = composed.request("", harness.settings.max_output_tokens)
    if as_json:
        body = {key: value for key, value in request.items() if key != "model"}
        typer.echo(json_text({**body, "estimated_tokens": composed.tokens}, indent=2))
        return
    parts = [composed.system, *(f"[{message['role']}]\n{message['content']}" for message in composed.messages)]
    typer.echo("\n\n".join(part for part in parts if part))


def _run(planned: Planned, *, as_json: bool, plain: bool) -> CampaignEnded:
    bus = Bus()
    if as_json:
        # Stdout is for the one object at the end.
        bus.listen(PlainLog(sys.stderr))
        return _ran(planned, bus, lambda text: print(text, file=sys.stderr))
    with watching(bus, as_json=False, plain=plain) as tell:
        return _ran(planned, bus, tell)


def _ran(planned: Planned, bus: Bus, tell: Any) -> CampaignEnded:
    with open_campaign(planned, bus) as campaign:
        sitting = Sitting.of(planned)
        note(planned.home, sitting)
        with stoppable(campaign, tell):
            ended = campaign.run()
        note(planned.home, sitting.ended(ended.why, finished=ended.finished))
    return ended


def _figures(found: Outcome, divided: Divided) -> dict[str, Any]:
    """The result's scores, as fractions; intervals are 95%."""
    report = found.report
    figures = {
        "search_score": found.search_score,
        "holdout_score": _three(report["champion"]),
        "baseline_score": _three(report["baseline"]),
        "gain": _three(report["difference"]),
        "certified": bool(report["certified"]),
        "changed": found.changed,
        "holdout_cases": report["tasks"],
        "near_copies": len(divided.copied),
        "unseen_answers": dict(divided.unseen) if divided.labels else {},
    }
    if divided.copied:
        after = scores_without({task: pair[1] for task, pair in found.scores.items()}, divided)
        before = scores_without({task: pair[0] for task, pair in found.scores.items()}, divided)
        for name, scores in (("holdout_score", after), ("baseline_score", before)):
            if scores:
                figures[f"{name}_without_copies"] = _three(asdict(interval(scores, low=0.0, high=1.0)))
    return figures


def _judged(planned: Planned) -> dict[str, Any]:
    """What the judge, where there is one, was found to say of the same answer a second time."""
    noise = judge_noise(planned)
    return {} if noise is None else {"judge": {key: round(value, 6) for key, value in asdict(noise).items()}}


def _three(value: dict[str, Any] | Interval) -> dict[str, float | None]:
    told = asdict(value) if isinstance(value, Interval) else value
    return {name: None if told[name] is None else round(told[name], 6) for name in ("mean", "low", "high")}


def _told(figures: dict[str, Any], made: Handover, found: Outcome) -> str:
    """The result in words."""
    lines = [
        "",
        f"holdout, {figures['holdout_cases']} cases that nothing was decided on:",
        f"  as given  {_shown(figures['baseline_score'])}",
        f"  tuned     {_shown(figures['holdout_score'])}",
    ]
    if "holdout_score_without_copies" in figures:
        without = figures["holdout_score_without_copies"]
        lines.append(
            f"  tuned, near-copies of cases in the data ({figures['near_copies']}) left out  {_shown(without)}"
        )
    if "judge" in figures:
        judge = figures["judge"]
        lines.append(
            f"judge: {100 * judge['differing']:.0f}% of {judge['pairs']} answers got another grade when judged again; "
            f"one judgement has a standard deviation of {100 * judge['sd']:.1f} points"
        )
    if not found.changed:
        lines.append("nothing that was tried is better beyond doubt: the prompt is handed over as it was given")
    elif not figures["certified"]:
        lines.append("not certified: the exam on cases that the search never saw did not confirm it")
    lines += [
        f"largest request: {made.context_tokens:,} tokens (estimated)",
        f"prompt:   {nearest(made.prompt_file)}",
        f"changes:  {nearest(made.folder / 'prompt.diff')}",
    ]
    where = shlex.quote(nearest(made.folder))
    if made.self_contained:
        lines.append(f"it is complete in itself; see how a question is put: ratchet render {where} 'QUESTION'")
    else:
        lines.append(f"examples are looked up for each question: ratchet render {where} 'QUESTION'")
    return "\n".join(lines)


def _shown(score: dict[str, float | None]) -> str:
    mean, low, high = (score[name] for name in ("mean", "low", "high"))
    if mean is None or low is None or high is None:
        return "unknown"
    return f"{100 * mean:5.1f}%  (95% interval {100 * low:.1f} to {100 * high:.1f})"
