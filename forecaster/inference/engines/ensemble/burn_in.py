"""Burn-in: sweeps until the walkers' autocorrelation with their start is small, proposals refitted in the first."""

from __future__ import annotations

import numpy as np

from forecaster.inference.engines.ensemble import chains, settings
from forecaster.inference.engines.ensemble.chains import Ensemble, Resources
from forecaster.inference.engines.ensemble.convergence import Memory
from forecaster.inference.engines.ensemble.settings import Settings


def burnt_in(
    rng: np.random.Generator, ensemble: Ensemble, resources: Resources, effort: Settings
) -> tuple[Ensemble, tuple[Memory, Memory]]:
    """The ensemble after burn-in, and the autocorrelation of hyper-parameters and curves with their start."""
    hyper, values = Memory.fresh(_hyper(ensemble)), Memory.fresh(_values(ensemble))
    refits = effort.refits > 0
    while ensemble.sweeps < effort.sweeps and (refits or max(hyper.left.max(), values.left.max()) > effort.memory):
        if refits:
            ensemble = chains.refitted(rng, ensemble.keeping(), chains.usual_fit(effort))
        ensemble = chains.stepped(ensemble, resources)
        hyper, values = hyper.after(_hyper(ensemble)), values.after(_values(ensemble))
        few = ensemble.sweeps < effort.most_refits and _distinct(ensemble) < settings.DISTINCT
        refits = refits and (ensemble.sweeps < effort.refits or few)
    return ensemble, (hyper, values)


def _hyper(ensemble: Ensemble) -> tuple[np.ndarray, ...]:
    return tuple(state.hyper for state in ensemble.states)


def _values(ensemble: Ensemble) -> tuple[np.ndarray, ...]:
    return tuple(state.values for state in ensemble.states)


def _distinct(ensemble: Ensemble) -> float:
    """Share of a chain's walkers at distinct values, for the curve where it is smallest."""
    counts = [[len(np.unique(row)) for row in values[..., 1]] for values in _values(ensemble)]
    return float(np.mean(counts, 0).min()) / ensemble.states[0].values.shape[1]
