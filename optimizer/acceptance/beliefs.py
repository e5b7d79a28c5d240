"""What the gate believes of options, for those who choose what to try next: draws from its joint posterior."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from optimizer.acceptance.effects import LEAST, Effects
from optimizer.acceptance.presets import WorkingSettings

if TYPE_CHECKING:
    from typing import Any

    import numpy

    Floats = numpy.ndarray[Any, numpy.dtype[numpy.floating[Any]]]


@dataclass(frozen=True, eq=False)
class Posterior:
    """The beliefs of a gate with these settings after all that went into ``effects``."""

    effects: Effects
    settings: WorkingSettings

    def draws(self, terms: Sequence[str], seed: int) -> Iterator[Mapping[str, float]]:
        """Endless joint draws of what ``terms`` (all different) add, as fractions of the score's scale.

        Terms that were met are drawn together, through the Cholesky factor of their covariance (Gelman et al.,
        "Bayesian Data Analysis", 3rd ed., appendix A.2); the others each for itself, from the prior of an option
        (``comparison.priors``).
        """
        import numpy as np

        rng = np.random.default_rng(seed)
        places = self.effects.places
        met = [term for term in terms if term in places]
        new = [term for term in terms if term not in places]
        rows = [places[term] for term in met]
        mean, factor = self.effects.mean[rows], _factor(self.effects.cov[np.ix_(rows, rows)])
        names, sd = [*met, *new], self.settings.prior_sd * math.sqrt(self.settings.pooled)
        while True:
            known = mean + factor @ rng.standard_normal(len(met))
            unknown = rng.normal(self.settings.prior_mean, sd, len(new))
            yield dict(zip(names, (*known.tolist(), *unknown.tolist()), strict=True))


def _factor(cov: Floats) -> Floats:
    """The lower Cholesky factor. What rounding took away from the diagonal in a thousand updates is given back."""
    import numpy as np

    spare = LEAST
    while True:
        try:
            return np.linalg.cholesky(cov + spare * np.eye(len(cov)))
        except np.linalg.LinAlgError:
            spare *= 10.0
