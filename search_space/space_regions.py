"""Which tables of a space file cannot open the same file: what stands around a region stays byte for byte."""

from __future__ import annotations

from collections.abc import Sequence

from search_space.harness_file import HARNESS_FILE
from search_space.keyed.formats import fixed_keys
from search_space.space_file import DimensionSpec, KeySpec, RegionSpec, TextSpec


def region_clash(spec: DimensionSpec, specs: Sequence[DimensionSpec]) -> str | None:
    """Why a table with a region cannot stand beside the others of the space; None when it can."""
    if not isinstance(spec, RegionSpec | TextSpec) or spec.region is None:
        return None
    for other in specs:
        if getattr(other, "file", HARNESS_FILE) != spec.file or other is spec:
            continue
        if isinstance(spec, RegionSpec) and isinstance(other, RegionSpec) and other.region == spec.region:
            return f"got two dimensions for the region {spec.region}, expected one with all its texts"
        beside = isinstance(other, RegionSpec) or (isinstance(other, TextSpec) and other.section is None)
        if not beside and not (isinstance(other, KeySpec) and fixed_keys(spec.file)):
            return f"got regions of {spec.file} beside kind = '{other.kind}', expected regions of this file alone"
    return None
