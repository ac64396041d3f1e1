"""Expected value of sample information (EVSI): what a choice gains by waiting for a measurement's result.

After the result the option with the lowest mean loss given it is chosen. That mean is a regression of each option's
loss on the simulated result (Strong, Oakley, Brennan and Breeze 2015, doi:10.1177/0272989X15575286), here by linear
splines. It is cross-fitted: chosen by the regression on one half of the chains, valued by the losses of the other; the
same draws for both would flatter every measurement.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from jaxtyping import Bool, Float

from forecaster.decisions.loss import Draws, PerOption

KNOTS = 6  # of the splines, at quantiles of the result
REGRESSION_LEVEL = 0.999  # of a regression that explains more than chance


class Worth(NamedTuple):
    """What waiting for a result gains in mean loss, the standard error of that, and the chance of another choice."""

    gain: float
    sd: float
    p_flip: float


def losses_given(result: Float[np.ndarray, " draw"], loss: Draws) -> Draws:
    """Each option's mean loss given the result of each draw, by regression on the draws of the other half.

    The first half of the draws must be of other chains than the second.
    """
    out = np.empty(loss.shape)
    for part in _halves(len(loss)):
        out[part] = _regressed(result[~part], loss[~part], result[part])
    return out


def worth_of(given: Draws, loss: Draws, change: PerOption | None = None) -> Worth:
    """What a result is worth to a risk-neutral choice among the options of ``loss``, whose means it gives.

    ``change`` is by how much each option's loss is another after the measurement whatever its result, because what was
    bought for it is owned.
    """
    other = np.zeros(loss.shape[1]) if change is None else change
    gains, flips = np.empty(len(loss)), np.empty(len(loss))
    for part in _halves(len(loss)):
        means = loss[~part].mean(0)
        chosen = np.argmin(given[part] + other, 1)
        rows = np.flatnonzero(part)
        gains[rows] = loss[rows, np.argmin(means)] - loss[rows, chosen] - other[chosen]
        flips[rows] = chosen != np.argmin(means + other)
    return Worth(float(gains.mean()), float(gains.std() / np.sqrt(len(gains))), float(flips.mean()))


def _halves(draws: int) -> tuple[Bool[np.ndarray, " draw"], Bool[np.ndarray, " draw"]]:
    first = np.arange(draws) < draws // 2
    return first, ~first


def _regressed(x: Float[np.ndarray, " fit"], y: Draws, at: Float[np.ndarray, " at"]) -> Draws:
    """Mean of ``y`` given ``x``, at other values of ``x``: linear splines by least squares, constant beyond.

    An option is moved, beside the best, only by what its regression explains beyond chance (an F test at
    ``REGRESSION_LEVEL``): among many options that are alike, the luckiest regression would else change the choice.
    """
    from scipy.stats import f

    knots = np.unique(np.quantile(x, np.linspace(0.02, 0.98, KNOTS)))
    seen, best = _hats(x, knots), y[:, [np.argmin(y.mean(0))]]
    gaps = np.concatenate([y - best, best], 1)
    fitted = np.linalg.solve(seen.T @ seen, seen.T @ gaps)
    mean, told = gaps.mean(0), seen @ fitted
    explained, rest = ((told - mean) ** 2).sum(0), ((gaps - told) ** 2).sum(0)
    free = len(x) - len(knots)
    told_more = explained * free > f.ppf(REGRESSION_LEVEL, len(knots) - 1, free) * (len(knots) - 1) * rest
    out = np.where(told_more, _hats(at, knots) @ fitted, mean)
    return out[:, :-1] + out[:, -1:]


def _hats(x: Float[np.ndarray, " at"], knots: Float[np.ndarray, " knot"]) -> Float[np.ndarray, "at knot"]:
    return np.stack([np.interp(x, knots, row) for row in np.eye(len(knots))], 1)
