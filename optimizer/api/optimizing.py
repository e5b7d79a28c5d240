"""``optimizer.optimize``: a campaign on a plain Python function, in one call."""

from __future__ import annotations

import json
from collections.abc import Callable, Hashable, Mapping, Sequence
from pathlib import Path
from typing import Any, Literal

from optimizer.acceptance.presets import PRESETS
from optimizer.api.calling import Evaluator, Scale, score_of
from optimizer.api.examples import DRAWS, SHARES, Examples, draws, split_examples
from optimizer.api.result import Optimized, result_of
from optimizer.assemble.callable import CallableRequest, open_callable
from optimizer.assemble.components import Component, harness_of
from optimizer.campaign import Campaign
from optimizer.errors import SettingsError
from optimizer.events import Bus, Event, Listener, Remarked
from optimizer.settings import DEFAULT_PROPOSERS, ProposerSettings
from search_space.domains import FloatRange, IntRange, same
from search_space.validation import nearest

NAME = "optimize"
"""The campaign's name, and so its branch's: ``ratchet/optimize``."""
FIXED = "fixed.json"
"""The file of the harness with the components that nothing may change."""


def optimize(
    seed_candidate: Mapping[str, Any],
    *,
    evaluator: Evaluator,
    space: Mapping[str, Component],
    max_metric_calls: int,
    trainset: Sequence[Any] | None = None,
    valset: Sequence[Any] | None = None,
    worst: float = 0.0,
    best: float = 1.0,
    seed: int = 0,
    run_dir: str | Path | None = None,
    deterministic: bool | None = None,
    gate: Literal["fast", "careful"] = "fast",
    shares: Sequence[float] = SHARES,
    group: Callable[[Any], Hashable] | None = None,
    draws_without_examples: int = DRAWS,
    proposers: ProposerSettings = DEFAULT_PROPOSERS,
    on_event: Listener | None = None,
) -> Optimized:
    """The best candidate that ``max_metric_calls`` calls of ``evaluator`` find, with the evidence for it.

    ``seed_candidate`` says what each component is at the start: texts, numbers, flags. ``space`` opens some of them:
    a component to the options that it may have (texts are handed over whole), an ``IntRange`` or a ``FloatRange``; the
    others stay as they are. ``evaluator(candidate, example)`` gives a number from ``worst`` to ``best`` (either may be
    the larger one: ``worst=10, best=0`` for a loss), or a pair of it and feedback; an exception counts as the worst.
    It is called in this process, one call at a time. With a parameter ``seed`` it is handed one.

    ``trainset`` is split, by ``seed``, into what the search sees, what the exams see, and the holdout (``shares``);
    ``valset``, where there is one, is the holdout. Near-copies, by ``group`` or else equal examples, are never in two
    of these. Without ``trainset`` it is ``evaluator(candidate)``, on ``draws_without_examples`` draws.

    ``deterministic`` says whether the same candidate always scores the same on an example; None: that is found out.
    ``run_dir`` keeps the campaign, and the same call goes on with it; without one nothing stays on disk. ``on_event``
    is called with every :mod:`optimizer.events` event.

    Raises :class:`optimizer.errors.SettingsError` for what cannot be, before the first call or at an answer that is no
    such number; :class:`optimizer.errors.CampaignBusy` when another process works in ``run_dir``. Ctrl-C ends it with a
    result that is not ``finished``.
    """
    scale, examples = Scale(worst, best), _examples(trainset, valset, shares, seed, group, draws_without_examples)
    opened, fixed = _opened(seed_candidate, space)
    dimensions, files = harness_of(opened, {name: seed_candidate[name] for name in opened})
    request = CallableRequest(
        score=score_of(evaluator, examples, fixed, scale),
        space=dimensions,
        harness={**files, FIXED: _fixed_text(fixed)} if fixed else files,
        tasks=examples.tasks,
        rollouts=max_metric_calls,
        seed=seed,
        view=dimensions.read,
        gate=PRESETS[_known(gate)],
        deterministic=deterministic,
        proposers=proposers,
        name=NAME,
        folder=None if run_dir is None else Path(run_dir),
    )
    left_out = f"{examples.dropped} of the trainset were left out: the valset has them too, or near-copies of them"
    remarks = [left_out] if examples.dropped else []

    def whole(assignment: Mapping[str, Any]) -> dict[str, Any]:
        return {name: {**fixed, **assignment}[name] for name in seed_candidate if name in fixed or name in assignment}

    return run_request(request, on_event, scale, whole, remarks)


def run_request(
    request: CallableRequest,
    on_event: Listener | None,
    scale: Scale,
    whole: Callable[[Mapping[str, Any]], dict[str, Any]],
    remarks: Sequence[str] = (),
) -> Optimized:
    """Run the campaign, or go on with it, and read what it came to; ``whole(assignment)`` is the candidate for what the
    space reads. Raises as :func:`optimize`."""
    told = list(remarks)

    def note(event: Event) -> None:
        if isinstance(event, Remarked):
            told.append(event.text)

    with open_callable(request, Bus(note, *([on_event] if on_event else []))) as campaign:
        _check_start(campaign, request)
        ended = campaign.run()
        return result_of(campaign, ended, scale, whole, tuple(told), request.folder)


def _examples(
    trainset: Sequence[Any] | None,
    valset: Sequence[Any] | None,
    shares: Sequence[float],
    seed: int,
    group: Callable[[Any], Hashable] | None,
    without: int,
) -> Examples:
    if trainset is not None:
        return split_examples(
            list(trainset), None if valset is None else list(valset), shares=shares, seed=seed, group=group
        )
    if valset is not None:
        raise SettingsError("valset: got one without a trainset, expected both", hint="the search needs examples too")
    return draws(without)


def _opened(
    seed_candidate: Mapping[str, Any], space: Mapping[str, Component]
) -> tuple[dict[str, Component], dict[str, Any]]:
    """The components that are open, and the others."""
    if not isinstance(seed_candidate, Mapping):
        raise SettingsError(
            f"seed_candidate: got {type(seed_candidate).__name__}, expected a mapping from component to value"
        )
    opened: dict[str, Component] = {}
    for name, component in space.items():
        if name not in seed_candidate:
            near = nearest(name, [str(known) for known in seed_candidate])
            raise SettingsError(
                f"space: got the component '{name}', which seed_candidate has not",
                hint=f"did you mean '{near}'?" if near else "say in seed_candidate what it is at the start",
            )
        opened[name] = _with_start(name, component, seed_candidate[name])
    return opened, {name: value for name, value in seed_candidate.items() if name not in space}


def _with_start(name: str, component: Component, start: Any) -> Component:
    """Options with the one at the start among them, first where it is not named."""
    if isinstance(component, IntRange | FloatRange):
        return component
    if isinstance(component, str) or not isinstance(component, Sequence):
        raise SettingsError(
            f"space: {name}: got {component!r}, expected a list of options, an IntRange or a FloatRange"
        )
    wrong = next((one for one in (start, *component) if not (one is None or isinstance(one, str | int | float))), None)
    if wrong is not None:
        raise SettingsError(f"space: {name}: got {wrong!r}, expected texts, numbers, True, False or None")
    return component if any(same(one, start) for one in component) else (start, *component)


def _fixed_text(fixed: Mapping[str, Any]) -> bytes:
    try:
        return json.dumps(fixed, sort_keys=True, indent=1, default=str).encode() + b"\n"
    except (TypeError, ValueError) as error:
        raise SettingsError(f"seed_candidate: got a component that is no text, number or flag: {error}") from None


def _known(gate: str) -> str:
    if gate not in PRESETS:
        raise SettingsError(f"gate: got {gate!r}, expected one of {', '.join(PRESETS)}")
    return gate


def _check_start(campaign: Campaign, request: CallableRequest) -> None:
    """A campaign that is gone on with began with the same candidate."""
    assert isinstance(request.harness, Mapping)
    began, files = campaign.parts.workspace.files(campaign.baseline), request.harness
    if changed := sorted(path for path in {*files, *began} if files.get(path) != began.get(path)):
        raise SettingsError(
            f"seed_candidate: got another one than the campaign in run_dir began with ({', '.join(changed)} differ)",
            hint="hand over the same one again, or another run_dir",
        )
