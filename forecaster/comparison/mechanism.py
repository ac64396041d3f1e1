r"""Mechanism: which quantities of a learning curve a treatment moved, where it may have moved few of them or none.

The treated curve is the baseline's law with some quantities changed. With
:math:`u(x) = b + s \operatorname{softplus}((x - b) / s)`, log size beyond the onset b,

    error(n) = exp(I - beta (u(log n) - x_p)) + c,

and a treatment adds to the intercept I (log reducible error that the power law has at the pivot x_p), to log beta, to
log c (the floor) and to b (the onset). The pivot is where the curves begin: at the smaller of the measured sizes, or at
the onset where that is larger. An intercept alone is a constant factor on the reducible error, an exponent lets curves
fan out from the pivot, a floor parts them at the end, an onset at the beginning.

Each of the 16 sets of changes is a model: a set's prior probability has ``INCLUDED`` for each quantity in it, changes
are normal with the sds of ``SLABS``. For each draw of the baseline's law the treated measurements are normal around the
changed law (drift, test-set sampling error and noise of runs integrated out), so changes and evidence follow from
Laplace's approximation, draw by draw; the draws, weighted by evidence, are the posterior over sets and changes (spike
and slab: Mitchell and Beauchamp 1988; Bayesian model averaging: Hoeting et al. 1999). Where runs are paired, the
treated measurements are taken given the baseline's (``pairing.py``).
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from itertools import combinations

import numpy as np
from jaxtyping import Bool, Float

from forecaster.comparison.pairing import Pairing
from forecaster.inference.parameters import CurveDraws
from forecaster.model import drift, law
from forecaster.model.design import SizedCurve

QUANTITIES = ("intercept", "exponent", "floor", "onset")
SLABS = np.array([0.5, 0.5, 1.0, 1.5])  # sds of changes: of log error, log exponent, log floor, and nats of size
INCLUDED = 0.1  # prior probability that a quantity has moved
SETS = tuple(chosen for k in range(len(QUANTITIES) + 1) for chosen in combinations(range(len(QUANTITIES)), k))
MOST_DRAWS = 400  # of the baseline's law
ROUNDS = 6  # Gauss-Newton steps of a mode
LONGEST = 0.7  # of one such step, in each quantity
SAMPLES = 4000

Changes = Float[np.ndarray, "draw quantity"]
AtSizes = Float[np.ndarray, "draw size"]
Covariances = Float[np.ndarray, "draw size other"]


@dataclass(frozen=True, eq=False)
class Moves:
    """Draws of what a treatment changed, [sample, quantity] in the order of ``QUANTITIES``: treated less baseline."""

    changes: Float[np.ndarray, "sample quantity"]
    ropes: Float[np.ndarray, " quantity"]

    @cached_property
    def moved(self) -> Bool[np.ndarray, "sample quantity"]:
        """Whether a change is larger than its region of practical equivalence."""
        return np.abs(self.changes) > self.ropes

    @property
    def p_moved(self) -> Float[np.ndarray, " quantity"]:
        return self.moved.mean(0)

    @property
    def p_none(self) -> float:
        """Probability that nothing moved."""
        return float(np.mean(~self.moved.any(1)))

    def named(self, decide_at: float) -> tuple[str, ...] | None:
        """The quantities that moved with probability ``decide_at`` or more; () where none did, None if undecided."""
        found = tuple(name for name, p in zip(QUANTITIES, self.p_moved, strict=True) if p >= decide_at)
        return found or (() if self.p_none >= decide_at else None)


@dataclass(frozen=True, eq=False)
class _Law:
    """Draws [draw] of the baseline's law around the pivot."""

    intercept: np.ndarray
    log_exponent: np.ndarray
    log_floor: np.ndarray
    onset: np.ndarray
    sharpness: np.ndarray
    pivot: float

    def changed(
        self, changes: Changes, x: Float[np.ndarray, " size"]
    ) -> tuple[AtSizes, Float[np.ndarray, "draw size quantity"]]:
        """Log error at log sizes ``x`` with these changes, and its derivatives with respect to them."""
        by_draw = (part[:, None] for part in changes.T)
        intercept, exponent, floor, onset = by_draw
        b, s = self.onset[:, None] + onset, self.sharpness[:, None]
        slope = np.exp(self.log_exponent[:, None] + exponent)
        beyond = b + s * law.softplus(np, (x - b) / s) - self.pivot
        reducible, irreducible = self.intercept[:, None] + intercept - slope * beyond, self.log_floor[:, None] + floor
        found = law.log_sum(np, reducible, irreducible)
        share = np.exp(reducible - found)
        before = 0.5 * (1.0 - np.tanh(0.5 * (x - b) / s))  # how much of the onset's move shows at x
        return found, np.stack([share, -share * slope * beyond, 1.0 - share, -share * slope * before], -1)


def moves(
    baseline: tuple[SizedCurve, CurveDraws],
    treated: tuple[SizedCurve, CurveDraws],
    ropes: Float[np.ndarray, " quantity"],
    rng: np.random.Generator,
    paired: Pairing | None = None,
) -> Moves:
    """What moved between two curves of one group, each with its data and the draws of its parameters.

    ``ropes`` are changes, in the order of ``QUANTITIES`` and in logs, up to which a quantity counts as unmoved.
    """
    thin = -(-len(baseline[1]) // MOST_DRAWS)
    (known, one), (measured, other) = (
        (data, values.map(lambda drawn: drawn[::thin])) for data, values in (baseline, treated)
    )
    start = _law_of(one, other)
    offset, covariance = _given_baseline((known, one), (measured, other), paired)
    factor = np.linalg.cholesky(covariance)
    whiten = np.linalg.inv(factor)
    log_det = np.log(np.diagonal(factor, axis1=1, axis2=2)).sum(1)
    y = measured.y - offset
    fits = [_fit(start, list(chosen), measured.x, y, whiten) for chosen in SETS]
    evidence = np.stack([fit.evidence - log_det for fit in fits])
    prior = [len(chosen) * np.log(INCLUDED) + (4 - len(chosen)) * np.log1p(-INCLUDED) for chosen in SETS]
    weight = np.exp(evidence + np.array(prior)[:, None] - np.max(evidence))
    return Moves(_sampled(fits, weight / weight.sum(), rng), ropes)


def pivot_of(one: CurveDraws, other: CurveDraws) -> float:
    """Log size from which curves may fan out: the smallest measured one, or the onset where that is larger."""
    onset = float(np.median(np.concatenate([one.log_break, other.log_break])))
    return one.reference.x_min + max(onset, 0.0)


def _law_of(values: CurveDraws, other: CurveDraws) -> _Law:
    ref, pivot = values.reference, pivot_of(values, other)
    onset, sharpness = ref.x_min + values.log_break, np.exp(values.log_sharpness)
    alpha = law.log_alpha(np, ref.x_ref, values.level, values.log_exponent, onset, values.floor_logit, sharpness)
    log_floor = values.level - law.softplus(np, -values.floor_logit)
    intercept = alpha - np.exp(values.log_exponent) * pivot
    return _Law(intercept, values.log_exponent, log_floor, onset, sharpness, pivot)


def _covariance(data: SizedCurve, values: CurveDraws) -> Covariances:
    """Covariance of measured log errors around the law: drift, test-set sampling error and noise of runs."""
    level, slope = (np.exp(2.0 * part)[:, None, None] for part in (values.log_drift, values.log_slope))
    wandered = drift.covariance(np, values.reference.x_ref - data.x, level, slope, values.reference.slope_memory)
    luck = values.luck(data, data.x)
    shared = np.minimum(luck[:, :, None], luck[:, None, :])
    return wandered + shared + data.noise(values.log_noise)[:, :, None] * np.eye(len(data.x))


def _given_baseline(
    baseline: tuple[SizedCurve, CurveDraws], treated: tuple[SizedCurve, CurveDraws], paired: Pairing | None
) -> tuple[AtSizes, Covariances]:
    """The treated measurements given the baseline's noise: their mean beyond the law, and covariance around it.

    Without pairs nothing, so zero and their own covariance.
    """
    (known, one), (measured, other) = baseline, treated
    own = _covariance(measured, other)
    if paired is None:
        return np.zeros((len(one), len(measured.x))), own
    cross = _shared(known, one, measured, other, paired)
    gain = np.linalg.solve(_covariance(known, one), cross).transpose(0, 2, 1)
    residual = known.y - one.law(known.x)
    return (gain @ residual[..., None])[..., 0], own - gain @ cross


def _shared(
    known: SizedCurve, one: CurveDraws, measured: SizedCurve, other: CurveDraws, paired: Pairing
) -> Covariances:
    """Covariance of the noise of the baseline's means with that of the treated ones, [draw, baseline, treated]."""
    mine, theirs = (
        np.sqrt(data.noise(values.log_noise) * data.repeats) for data, values in ((known, one), (measured, other))
    )
    out = np.zeros((len(one), len(known.x), len(measured.x)))
    for x, runs in zip(np.log(paired.n), paired.runs, strict=True):
        i, j = (int(np.argmin(np.abs(data.x - x))) for data in (known, measured))
        together = paired.correlation * runs / (known.repeats[i] * measured.repeats[j])
        out[:, i, j] = together * mine[:, i] * theirs[:, j]
    return out


@dataclass(frozen=True, eq=False)
class _Fit:
    """Modes of the changes of one set of quantities, by draw, their precision (None of no change) and log evidence."""

    chosen: list[int]
    mode: Changes
    precision: Float[np.ndarray, "draw moved also"] | None
    evidence: Float[np.ndarray, " draw"]


def _fit(start: _Law, chosen: list[int], x: Float[np.ndarray, " size"], y: AtSizes, whiten: Covariances) -> _Fit:
    """Gauss-Newton to the mode of the changes of ``chosen``, and Laplace's approximation there, for every draw."""
    mode = np.zeros((len(y), len(QUANTITIES)))
    if not chosen:
        found, _ = start.changed(mode, x)
        return _Fit(chosen, mode, None, -0.5 * ((whiten @ (y - found)[..., None])[..., 0] ** 2).sum(1))
    prior = SLABS[chosen] ** -2.0
    for _ in range(ROUNDS):
        missed, along, precision = _around(start, mode, chosen, x, y, whiten)
        uphill = (along.transpose(0, 2, 1) @ missed[..., None])[..., 0] - mode[:, chosen] * prior
        step = np.linalg.solve(precision, uphill[..., None])[..., 0]
        mode[:, chosen] += np.clip(step, -LONGEST, LONGEST)
    missed, _, precision = _around(start, mode, chosen, x, y, whiten)
    fit = -0.5 * ((missed**2).sum(1) + (mode[:, chosen] ** 2 @ prior) + np.linalg.slogdet(precision)[1])
    return _Fit(chosen, mode, precision, fit - np.log(SLABS[chosen]).sum())


def _around(
    start: _Law, mode: Changes, chosen: list[int], x: Float[np.ndarray, " size"], y: AtSizes, whiten: Covariances
) -> tuple[AtSizes, Float[np.ndarray, "draw size moved"], Float[np.ndarray, "draw moved also"]]:
    """White residuals, their slopes in the changes, and the precision of the changes, at a mode."""
    found, slopes = start.changed(mode, x)
    along = whiten @ slopes[:, :, chosen]
    precision = along.transpose(0, 2, 1) @ along + np.diag(SLABS[chosen] ** -2.0)
    return (whiten @ (y - found)[..., None])[..., 0], along, precision


def _sampled(
    fits: list[_Fit], weight: Float[np.ndarray, "set draw"], rng: np.random.Generator
) -> Float[np.ndarray, "sample quantity"]:
    """Changes of sets and draws chosen by weight, from Laplace's normal approximation."""
    which, draw = np.unravel_index(rng.choice(weight.size, SAMPLES, p=weight.ravel()), weight.shape)
    out = np.zeros((SAMPLES, len(QUANTITIES)))
    for k, fit in enumerate(fits):
        here = np.flatnonzero(which == k)
        z = rng.standard_normal((len(here), len(fit.chosen)))
        if fit.precision is None or not len(here):
            continue
        own = draw[here]
        factor = np.linalg.cholesky(np.linalg.inv(fit.precision[own]))
        out[np.ix_(here, fit.chosen)] = fit.mode[np.ix_(own, fit.chosen)] + (factor @ z[..., None])[..., 0]
    return out
