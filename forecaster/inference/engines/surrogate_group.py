"""A group whose curves have surrogates, as the compiled sweep takes it: padded, in its precision, curve by curve."""

from __future__ import annotations

from typing import Any, NamedTuple

import jax
import numpy as np

from forecaster.inference.engines import corrections, likelihoods
from forecaster.inference.engines.corrections import Correction
from forecaster.inference.engines.likelihoods import Batch
from forecaster.inference.engines.mixtures import Mixture
from forecaster.inference.engines.shapes import WIDTHS, padded_to
from forecaster.inference.engines.surrogates import Surrogate
from forecaster.model.density import Constants, CurveArrays

Array = Any  # a JAX or NumPy array; docstrings name its axes
SHARED = ("mean", "sd", "spread")  # fields of a surrogate that are not one a curve


class OfCurves(NamedTuple):
    """What a sweep takes as given of each curve."""

    real: Array  # [curve] one, or zero for a copy
    effects: Array  # [curve, 7]
    lift: Array  # [curve, 1] log error at the largest size, to which `curves` are relative
    curves: CurveArrays
    constants: Constants
    steps: Mixture  # [curve, component, ...] in the surrogate's units
    surrogate: dict[str, Array]  # its fields that are one a curve


class Group(NamedTuple):
    """What a sweep takes as given, of one group whose curves are padded with copies of the last."""

    mean: Array  # [10] prior of the hyper-parameters
    sd: Array  # [10]
    spread_fixed: Array  # [6]
    hypers: Mixture  # proposals, of one target: [component, ...]
    shared: dict[str, Array]  # fields of the surrogate that are not one a curve
    correction: Correction
    of_curves: OfCurves

    def surrogate(self, own: OfCurves) -> Surrogate:
        """Of the curves that are given: all, or some."""
        return Surrogate(**self.shared, **own.surrogate)

    def standard(self, hyper: Array) -> Array:
        """``hyper`` [10, k] in units of their prior."""
        return (hyper - self.mean[:, None]) / self.sd[:, None]


def groups_of(batch: Batch, of_groups: list[Surrogate], hypers: Mixture, steps: Mixture) -> list[Group]:
    """Of the groups of a batch, in the precision that its likelihood takes; ``steps`` are in the surrogates' units."""
    kind = np.float32 if likelihoods.single_serves(batch) else np.float64
    about, lift = likelihoods.centred(likelihoods.needed(batch.curves))
    constants = Constants(*(c[:, None] for c in batch.constants))
    every = (batch.effects[:, 1:], lift, about, constants, steps)

    def one(g: int) -> Group:
        rows = padded_rows(batch, g)
        within = rows - rows[0]
        fields = of_groups[g]._asdict()
        shared = {name: fields.pop(name) for name in SHARED}
        real = np.diff(rows, prepend=rows[0] - 1) > 0
        own = {name: a[within] for name, a in fields.items()}
        effects, lifted, curves, fixed, walk = jax.tree.map(lambda a: a[rows], every)
        of_curves = OfCurves(real, effects, lifted, curves, fixed, walk, own)
        prior = (batch.mean[g], batch.sd[g], batch.spread_fixed[g])
        whole = Group(*prior, Mixture(*(a[g] for a in hypers)), shared, corrections.none(), of_curves)
        return jax.tree.map(lambda a: np.asarray(a, kind), whole)

    return [one(g) for g in range(len(batch.mean))]


def padded_rows(batch: Batch, group: int) -> Array:
    """The group's curves, the last of them again until there are as many as a program serves."""
    rows = np.flatnonzero(batch.owner == group)
    return rows[np.minimum(np.arange(padded_to(len(rows), WIDTHS)), len(rows) - 1)]


class Seen(NamedTuple):
    """What a sweep's estimates said of the hyper-parameters that walkers had and of those they tried."""

    hyper: Array  # [10, 2 walker]
    log_gain: Array  # [2 walker] logarithm of likelihood over surrogates, summed over curves


def corrected(group: Group, seen: list[Seen]) -> Group:
    """With the correction that these estimates make."""
    hyper, log_gain = (np.concatenate(a, -1).astype(float) for a in zip(*seen, strict=True))
    found = corrections.fitted(group.standard(hyper), log_gain)
    kind = group.mean.dtype
    return group._replace(correction=Correction(*(np.asarray(a, kind) for a in found)))
