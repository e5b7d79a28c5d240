"""What a champion is made of, beside the baseline: changes that can be left out, and the harness without some of them.

The units are the dimensions in which the champion is not the baseline, by name, and its free edits, ``edit:N`` after
the experiment that they were kept in. A dimension that is active only beside another one, and a free edit that does not
apply without an earlier one, go with what they need.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property

from optimizer.acceptance.comparison import is_own
from optimizer.acceptance.pruning import Subset, Whole
from optimizer.ledger.rows import ExperimentRow
from optimizer.parts import Parts
from optimizer.standing import Standing
from optimizer.terms import options, own
from search_space.diffs import apply_diff
from search_space.domains import same
from search_space.edits import Diff
from search_space.errors import InvalidEdit, SearchSpaceError
from search_space.space import Assignment, Space

Files = Mapping[str, bytes]


@dataclass(frozen=True, slots=True)
class Change:
    """One unit: what it changes, in words, and the experiments that it comes from; ``simplification`` when it was kept
    for being simpler."""

    unit: str
    what: str
    experiments: tuple[ExperimentRow, ...]
    simplification: bool


@dataclass(frozen=True)
class Removal:
    """A champion taken apart. ``rows`` are the experiments whose edits it holds, in their order; ``origin`` and ``now``
    how the space reads the baseline and the champion; ``margin`` is what a simplification may cost."""

    space: Space
    baseline: Files
    champion: Files
    terms: tuple[str, ...]
    rows: tuple[ExperimentRow, ...]
    origin: Assignment
    now: Assignment
    margin: float
    units: tuple[str, ...] = ()
    needs: Mapping[str, Subset] = field(default_factory=dict)
    _closed: dict[Subset, Subset] = field(default_factory=dict)
    _terms: dict[Subset, tuple[str, ...]] = field(default_factory=dict)

    @classmethod
    def of(cls, standing: Standing, parts: Parts) -> Removal:
        """The working champion, taken apart."""
        numbers = sorted(int(term.partition(":")[2]) for term in standing.pool.terms if is_own(term))
        rows = tuple(row for number in numbers if (row := parts.ledger.experiment(number)) is not None)
        baseline, champion = parts.workspace.files(parts.baseline), parts.workspace.files(standing.tree)
        margin = parts.gate.working.simpler_margin
        return cls.taken_apart(parts.space, baseline, champion, standing.pool.terms, rows, margin=margin)

    @classmethod
    def taken_apart(
        cls,
        space: Space,
        baseline: Files,
        champion: Files,
        terms: tuple[str, ...],
        rows: tuple[ExperimentRow, ...],
        *,
        margin: float,
    ) -> Removal:
        """A champion with its ``terms`` and the experiments whose edits it holds."""
        origin, now = space.read(baseline), space.read(champion)
        bare = cls(space, baseline, champion, terms, rows, origin, now, margin)
        dimensions = [name for name in now if name not in origin or not same(now[name], origin[name])]
        named = [name for name in dimensions if bare._is_set(name)]
        free = [own(row.number) for row in rows if not row.proposal.changes]
        return replace(bare, units=(*named, *free), _closed={}, _terms={})._with_needs()

    @cached_property
    def whole(self) -> Whole:
        """The same for what decides."""
        margins = tuple((unit, self.margin) for unit in self.units if self.change(unit).simplification)
        return Whole(self.units, self.terms_of, self.closed, margins)

    def closed(self, subset: Subset) -> Subset:
        """``subset`` without the units that need one which is not there."""
        if subset not in self._closed:
            self._closed[subset] = self._close(subset)
        return self._closed[subset]

    def _close(self, subset: Subset) -> Subset:
        there = subset
        while gone := [unit for unit in there if not self.needs.get(unit, frozenset()) <= there]:
            there -= frozenset(gone)
        active = set(self.space.active({**self.origin, **{name: self.now[name] for name in there if name in self.now}}))
        return frozenset(unit for unit in there if unit not in self.now or unit in active)

    def assignment(self, subset: Subset) -> dict[str, object]:
        """How the space reads the harness with a closed subset."""
        return dict(self.space.target(self.origin, {name: self.now[name] for name in self.now if name in subset}))

    def terms_of(self, subset: Subset) -> tuple[str, ...]:
        """The terms of the harness with a closed subset. The own term of an edit stays while all that it changed, and
        that is still there to be left out, is in; that of an edit of which nothing is left belongs to the whole."""
        if len(subset) == len(self.units):
            return self.terms
        if subset not in self._terms:
            self._terms[subset] = self._told(subset)
        return self._terms[subset]

    def _told(self, subset: Subset) -> tuple[str, ...]:
        known = set(self.units)
        kept = []
        for row in self.rows:
            held = {name for name in row.proposal.changes if name in known} or {own(row.number)} & known
            if held and held <= subset:
                kept.append(own(row.number))
        return (*options(self.space, self.origin, self.assignment(subset)), *kept)  # type: ignore[arg-type]

    def files(self, subset: Subset) -> Files:
        """The harness with a closed subset. Raises :class:`InvalidEdit` when it cannot be made."""
        if len(subset) == len(self.units):
            return self.champion
        if not subset:
            return self.baseline
        current: Files = self.baseline
        for row in self.rows:
            current = self._with(current, row, subset)
        wanted = self.assignment(subset)
        current = self._set(current, wanted)
        if self.space.read(current) != wanted:
            raise InvalidEdit(f"without {', '.join(sorted({*self.units} - subset))} it does not read as it should")
        self.space.check(self.baseline, current)
        return current

    def change(self, unit: str) -> Change:
        """What a unit stands for."""
        if unit not in self.now:
            row = next(row for row in self.rows if own(row.number) == unit)
            return Change(unit, row.proposal.what, (row,), _simplifies(row))
        rows = [row for row in self.rows if unit in row.proposal.changes]
        last = [row for row in rows if same(row.proposal.changes[unit], self.now[unit])][-1:]
        what = self.space.describe({unit: self.now[unit]})
        return Change(unit, what, tuple(last), bool(last) and _simplifies(last[0]))

    def _is_set(self, name: str) -> bool:
        """Whether a dimension that the champion has is more than another's company: one that is active only through a
        change, and stands at its default, comes and goes with that change."""
        if name in self.origin:
            return True
        there = {other: value for other, value in self.now.items() if other != name and other in self.space.names}
        changed = {o: v for o, v in there.items() if o not in self.origin or not same(v, self.origin[o])}
        try:
            return not same(self.space.target(self.origin, changed).get(name), self.now[name])
        except InvalidEdit:
            return True

    def _with_needs(self) -> Removal:
        """With the free edits that do not apply without an earlier one."""
        needs: dict[str, Subset] = {}
        free = [own(row.number) for row in self.rows if not row.proposal.changes]
        for unit in free:
            current: Files = self.baseline
            for row in self.rows:
                if own(row.number) == unit:
                    continue
                try:
                    current = self._with(current, row, frozenset(self.units))
                except SearchSpaceError:
                    # Only a free edit can fail: what does not fit in of a typed one is passed over.
                    needs[own(row.number)] = needs.get(own(row.number), frozenset()) | {unit}
        return replace(self, needs=needs, _closed={}, _terms={})

    def _with(self, files: Files, row: ExperimentRow, subset: Subset) -> Files:
        """``files`` after what is in ``subset`` of one experiment's edit."""
        edit = row.proposal.edit
        if not row.proposal.changes:
            if own(row.number) not in subset:
                return files
            # Something above it may be left out.
            return apply_diff(files, edit.text, moved=True) if isinstance(edit, Diff) else edit.apply(files)
        changes = {name: value for name, value in row.proposal.changes.items() if name in subset}
        if len(changes) == len(row.proposal.changes):
            try:
                return edit.apply(files)
            except InvalidEdit:
                pass  # it was made for a harness that had more in it
        return self._set(files, changes, lenient=True)

    def _set(self, files: Files, values: Mapping[str, object], *, lenient: bool = False) -> Files:
        """``files`` with the dimensions at ``values``. ``lenient``: what cannot be set yet is left for later."""
        present = self.space.read(files)
        changes = {name: value for name, value in values.items() if name not in present or present[name] != value}
        if not changes:
            return files
        try:
            return self.space.edit(files, changes).apply(files)  # type: ignore[arg-type]
        except InvalidEdit:
            if lenient:
                return files
            raise


def _simplifies(row: ExperimentRow) -> bool:
    return row.decision is not None and row.decision.simplification
