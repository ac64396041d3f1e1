"""What evidence on the floor adds to the log density of a curve: a term of the floor, beside the card's prior of it.

With ``log c`` the log floor, there are three, each zero where there is no such evidence:

* People's error is a measurement of the floor that is off by a factor: normal in logs, with one standard deviation
  below (:data:`BELOW`) and a wider one above (:data:`ABOVE`). What a model cannot learn adds to what nobody can, so
  little speaks against a floor far above people's error; a floor below is one of a model that beats them.
* A stated range is normal in logs, its 10 and 90 % points the range's.
* Wrong labels bound the floor from below: a model without any mistake is charged with them. The term is the log of the
  probability that no more labels are wrong than ``c``, that of a logistic variable with the mean and the variance of
  the log of the share's Beta posterior.

The first two are about the task, and count once however many curves share it: each of ``k`` curves has a ``k``-th of
the term. Wrong labels bound each floor. The level that turns the law's share into a floor is the one measured.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
from jaxtyping import Float
from scipy import special

from forecaster.domains.domain import Domain
from forecaster.domains.floor_evidence import Counted, FloorEvidence, FloorRange
from forecaster.model import law

# Sd of the log of a floor over human-level error. Below: careful people tire and disagree, and models have come to a
# fifth of the error of one of them; two sds are a ninth. Above: a model may be too small, or see less than people do.
BELOW, ABOVE = math.log(3.0), math.log(5.0)
NORMAL_Q90 = 1.2815515655446004  # 90 % point of the standard normal
LOGISTIC = math.sqrt(3.0) / math.pi  # scale of the logistic distribution of sd 1
NOWHERE = -1e3  # a log share that every floor exceeds
GRID_POINTS, GRID_END = 801, 30.0  # points of a grid of logits, and where it ends

Terms = tuple[float, ...]  # the constants of log_evidence
NOTHING: Terms = (0.0, 0.0, 0.0, 0.0, 0.0, NOWHERE, 1.0)  # those without any evidence


def terms_of(evidence: FloorEvidence | None, curves: int = 1) -> Terms | None:
    """The constants of :func:`log_evidence` for each of so many curves of one task; None without evidence.

    Centre of people's error and its precisions below and above; centre and precision of the range; centre of the share
    of wrong labels, and how steeply its probability rises.
    """
    if not evidence:
        return None
    people, stated, labels = (0.0, 0.0, 0.0), (0.0, 0.0), (NOWHERE, 1.0)
    if evidence.human is not None:
        middle, variance = log_moments(evidence.human)
        people = middle, *(1.0 / (curves * (variance + sd**2)) for sd in (BELOW, ABOVE))
    if evidence.stated is not None:
        middle, sd = log_scale(evidence.stated)
        stated = middle, 1.0 / (curves * sd**2)
    if evidence.label_noise is not None:
        middle, variance = log_moments(evidence.label_noise)
        labels = middle, 1.0 / (LOGISTIC * math.sqrt(variance))
    return (*people, *stated, *labels)


def log_evidence(xp: Any, log_floor: Any, terms: Any) -> Any:
    """What the evidence adds to the log density of a curve with this log floor; at most zero.

    ``terms`` are those of :func:`terms_of`: numbers, or arrays that go with ``log_floor``.
    """
    people, below, above, stated, narrow, labels, steep = terms
    away = log_floor - people
    of_people = below * xp.minimum(away, 0.0) ** 2 + above * xp.maximum(away, 0.0) ** 2
    of_range = narrow * (log_floor - stated) ** 2
    return -0.5 * (of_people + of_range) - law.softplus(xp, -steep * (log_floor - labels))


def of_curves(xp: Any, floor_logit: Any, level: Any, terms: Any) -> Any:
    """:func:`log_evidence` of curves with this logit of the floor, at the ``level`` that was measured."""
    return log_evidence(xp, law.log_floor(xp, level, floor_logit), terms)


def log_moments(share: Counted) -> tuple[float, float]:
    """Mean and variance of the log of the share, under its Beta posterior."""
    a, b = share.beta
    middle = special.digamma(a) - special.digamma(a + b)
    return float(middle), float(special.polygamma(1, a) - special.polygamma(1, a + b))


def log_scale(stated: FloorRange) -> tuple[float, float]:
    """Mean and sd of the log of a floor that lies in the stated range with a probability of 80 %."""
    low, high = math.log(stated.low), math.log(stated.high)
    return 0.5 * (low + high), 0.5 * (high - low) / NORMAL_Q90


def drawn(
    rng: np.random.Generator,
    level: Float[np.ndarray, " draw"],
    middle: Float[np.ndarray, " draw"],
    sd: float,
    terms: Terms,
    tries: int = 64,
) -> Float[np.ndarray, " draw"]:
    """Logits of the floor of a curve of this ``level``, normal but for evidence: one of several tries, by weight."""
    tried = middle[:, None] + sd * rng.standard_normal((len(level), tries))
    weight = of_curves(np, tried, level[:, None], terms)
    chosen = (weight + rng.gumbel(size=weight.shape)).argmax(1)
    return np.take_along_axis(tried, chosen[:, None], 1)[:, 0]


def logit_quantiles(
    card: Domain, level: float, shares: Sequence[float], effect: float = 0.0, curves: int = 1
) -> np.ndarray:
    """Quantiles of the logit of a curve's floor at this level, under the card's prior and what evidence adds to it.

    ``effect`` is how the architecture is known to differ from others, ``curves`` how many there are. By a coarse grid,
    and a fine one where mass is.
    """
    terms = terms_of(card.floor, curves)
    middle = card.priors["floor_logit"].location + effect
    sd = math.hypot(card.priors["floor_logit"].scale, card.priors["floor_logit_spread"].location)
    grid = middle + np.linspace(-GRID_END, GRID_END, GRID_POINTS)

    def quantiles(wanted: Sequence[float]) -> np.ndarray:
        density = -0.5 * ((grid - middle) / sd) ** 2
        density = density if terms is None else density + of_curves(np, grid, level, terms)
        density = np.exp(density - density.max())
        upto = np.append(0.0, np.cumsum(density[1:] + density[:-1]))
        return np.interp(wanted, upto / upto[-1], grid)

    step = grid[1] - grid[0]
    low, high = quantiles((1e-5, 1.0 - 1e-5))
    grid = np.linspace(low - 2.0 * step, high + 2.0 * step, GRID_POINTS)
    return quantiles(shares)
