"""One turn: think with what is in view, then look something up or answer."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from optimizer.models.embedded.answering import answer_text
from optimizer.models.embedded.arguments import fill
from optimizer.models.embedded.deducing import Missing
from optimizer.models.embedded.delegating import errands
from optimizer.models.embedded.dice import Dice
from optimizer.models.embedded.intents import Intent
from optimizer.models.embedded.knowledge import CHECKING, Knowledge
from optimizer.models.embedded.policy import Policy
from optimizer.models.embedded.questions import Goal
from optimizer.models.embedded.rates import Rates
from optimizer.models.embedded.reading import inputs_key
from optimizer.models.embedded.reasoning import Reasoner
from optimizer.models.embedded.remembering import note, recall
from optimizer.models.embedded.toolbox import Toolbox
from optimizer.models.embedded.wants import READ_TOP, Call, Want, Way, ways

MAX_CALLS_A_TURN = 4
MAX_NOTES_A_TURN = 3
CARELESS_SHARE = 0.4
"""A dedicated tool is used without its optional path at this share of the rate for plain searches."""
MAX_PAGES = 2
"""Pages of a file that are read on behind the first."""
LEAST_DEDICATED = 0.42
"""Where no tool is this similar to a need, hidden tools are searched for, if there is a way to."""


@dataclass(frozen=True, slots=True)
class Turn:
    """What the model says and does; a turn without calls is its answer."""

    text: str
    calls: tuple[Call, ...] = ()


class Thinker:
    """Everything one turn depends on.

    ``steady`` dice depend on seed, prompt, tools and question, ``fresh`` ones on the whole request: what is misread
    stays misread, but which tool is taken is drawn anew at each step.
    """

    def __init__(
        self, goal: Goal, known: Knowledge, toolbox: Toolbox, policy: Policy, rates: Rates, steady: Dice, fresh: Dice
    ) -> None:
        self._goal = goal
        self._known = known
        self._toolbox = toolbox
        self._policy = policy
        self._rates = rates
        self._steady = steady
        self._fresh = fresh

    def turn(self, *, may_call: bool, may_batch: bool) -> Turn:
        """The next turn. ``may_call``: tools may be used; ``may_batch``: several of them in one turn."""
        given_up: set[str] = set()
        if may_call and (errand := self._hand_out()):
            return errand
        while True:
            reasoner = Reasoner(self._known, self._steady, self._rates, frozenset(given_up))
            try:
                value = reasoner.solve(self._goal)
            except Missing as missing:
                calls = self._look(missing.wants, reasoner, may_batch, given_up) if may_call else []
                if calls:
                    return self._acting(calls, reasoner)
                given_up.update(want.key for want in missing.wants)
                continue
            if may_call and (check := self._second_look(reasoner)):
                return Turn(f"{CHECKING} {_spoken(reasoner.deciding)}", (check,))
            return Turn(answer_text(self._goal, value, self._rates, self._policy, self._steady))

    # Handing parts out

    def _hand_out(self) -> Turn | None:
        """The parts of the question for sub-agents, once, where the prompt asks for that and there are some."""
        tool = self._toolbox.with_role("delegate")
        if tool is None or not self._steady.happens(self._rates.hand_out, "hand out"):
            return None
        tasks = errands(self._goal, tool.parameters, tool.description, self._steady)
        call = Call(tool.name, {"tasks": tasks})
        if not tasks or (call.tool, inputs_key(call.inputs)) in self._known.tried:
            return None
        return Turn(f"The {len(tasks)} parts of this can be found out separately.", (call,))

    # Looking things up

    def _look(self, wants: Sequence[Want], reasoner: Reasoner, may_batch: bool, given_up: set[str]) -> list[Call]:
        """The calls for the first of ``wants``, or for several; wants for which nothing is left are given up."""
        batch = may_batch and len(wants) > 1 and self._fresh.happens(self._rates.side_by_side, "side by side")
        calls: list[Call] = []
        for want in wants[:MAX_CALLS_A_TURN] if batch else wants[:1]:
            remembered = recall(want, reasoner.open, self._known, self._toolbox, self._rates, self._steady)
            call = remembered or self._call_for(want)
            if call is None:
                given_up.add(want.key)
            elif call not in calls:
                calls.append(call)
        return calls

    def _call_for(self, want: Want) -> Call | None:
        """The next call that could find ``want``, None when it is given up."""
        options = ways(want)
        plain = self._steady.happens(self._rates.plain, "plain", want.kind, want.name)
        options.sort(key=lambda way: way.plain != plain)
        failures = 0
        if first := self._read_first(want):
            return first
        for way in options:
            found, failed = self._call_by(way, want)
            failures += failed
            if found and any(
                self._steady.happens(self._rates.give_up, "give up", want.key, i) for i in range(failures)
            ):
                return None
            if found:
                return found
        return None

    def _read_first(self, want: Want) -> Call | None:
        """Reading the file that ``want`` is about, page by page, before anything else is asked about it."""
        reader = self._toolbox.with_role("read")
        if reader is None or not want.path.endswith(".py"):
            return None
        if not self._steady.happens(self._rates.read_first, "read first", want.path):
            return None
        last, cut, pages = self._known.pages.get(want.path, (0, True, 0))
        if (
            not cut
            or pages > MAX_PAGES
            or (pages and not self._steady.happens(self._rates.whole, "read on", want.path))
        ):
            return None
        inputs: dict[str, Any] = {"path": want.path}
        if pages:
            inputs["start"] = last + 1
        elif not self._steady.happens(self._rates.whole, "read whole", want.path):
            inputs |= {"start": 1, "end": READ_TOP}
        call = Call(reader.name, inputs)
        return None if (call.tool, inputs_key(call.inputs)) in self._known.tried else call

    def _call_by(self, way: Way, want: Want) -> tuple[Call | None, int]:
        """The next call by ``way``, and how many calls by it are in view that did not help."""
        rate = self._rates.broad * (1.0 if way.plain else CARELESS_SHARE)
        broad = not way.local and self._steady.happens(rate, "broad", want.key)
        whole = way.ranged and self._steady.happens(self._rates.whole, "whole", want.key)
        without: set[str] = set()
        failed = 0
        if not way.plain and (hidden := self._search_hidden(way)):
            return hidden, 0
        while tool := self._toolbox.take(way.need, self._fresh, self._rates.calm, without):
            without.add(tool.name)
            for wide in (True, False) if broad else (False,):
                inputs = fill(tool, way, broad=wide, whole=whole)
                if inputs is None:
                    break
                if (tool.name, inputs_key(inputs)) not in self._known.tried:
                    return Call(tool.name, inputs), failed
                failed += 1
        return None, failed

    def _search_hidden(self, way: Way) -> Call | None:
        """A search for hidden tools, when none in view suits the need."""
        finder = self._toolbox.with_role("tools")
        if finder is None or max(self._toolbox.fits(way.need).values(), default=0.0) >= LEAST_DEDICATED:
            return None
        call = Call(finder.name, {"query": way.need})
        return None if (call.tool, inputs_key(call.inputs)) in self._known.tried else call

    def _second_look(self, reasoner: Reasoner) -> Call | None:
        want = reasoner.deciding
        if want is None or self._known.checked or not self._steady.happens(self._rates.check, "check"):
            return None
        for way in ways(want):
            call, _ = self._call_by(way, want)
            if call is not None:
                return call
        return None

    # Saying things

    def _acting(self, calls: list[Call], reasoner: Reasoner) -> Turn:
        """A turn of calls, with a word on what for, a plan at the beginning, and notes where they are asked for."""
        lines = []
        if not self._known.results and self._policy.strength(Intent.plan):
            lines.append(
                f"Plan: find what the question names one after the other, then answer. {len(calls)} to begin with."
            )
        new = {key: value for key, value in reasoner.found.items() if key not in self._known.noted}
        kept = [f"{k} = {v}" for k, v in new.items() if self._steady.happens(self._rates.note, "note", k)]
        writer = self._toolbox.with_role("note")
        if writer is None:
            lines += kept
        else:
            calls = [*(note(writer, text) for text in kept[-MAX_NOTES_A_TURN:]), *calls]
        lines.append(f"Next: {', '.join(sorted({call.tool for call in calls}))}.")
        return Turn("\n".join(lines), tuple(calls))


def _spoken(want: Want | None) -> str:
    return f"{want.kind} of {want.name or want.path}." if want else "the last fact."
