"""From runs to draws of the link: priors, each with its reason, and the fit."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from jaxtyping import Float

from forecaster.inference.importance.sampler import Points, Sampled, sampled
from forecaster.links.link import EDGE, Drawn, Link, Runs, log_density

DRAWS = 4000
FLOOR = 3.0  # the floor's share of the ceiling is Beta(1, 3)
WIDTH, WIDTHS = 0.25, 1.0  # of the range of losses: median, and sd of its log
SCATTER, SCATTERS = 0.03, 1.0  # median, and sd of its log
LARGEST_SCATTER = 0.7


class Reason(NamedTuple):
    """A prior in words, and why it is so."""

    prior: str
    source: str


REASONS: Mapping[str, Reason] = {
    "floor": Reason(
        "ceiling times Beta(1, 3)",
        "usually small: 3 % of the labels of common test sets are wrong (Northcutt et al. 2021); a quarter on average "
        "leaves room for questions without a right answer",
    ),
    "ceiling": Reason("the error of guessing where it is given, else uniform from 0 to 1", "no knowledge"),
    "midpoint": Reason(
        "normal around the middle of the measured losses, sd their range",
        "a judgement: a task may be learned beyond the losses measured, on either side",
    ),
    "width": Reason(
        "log-normal around a quarter of the range of losses, a factor of 2.7 either way",
        "a judgement: from a jump between two runs to a nearly straight line",
    ),
    "scatter": Reason(
        "log-normal around 0.03, a factor of 2.7 either way",
        "a judgement: runs that differ in their seed alone differ by half a point to a few points of accuracy",
    ),
}


@dataclass(frozen=True, eq=False)
class FittedLink:
    """Draws of a link, the shape ``k`` of the importance weights behind them and their effective sample size."""

    link: Link
    k: float
    ess: float

    @property
    def draws(self) -> int:
        return len(self.link.floor)


def fit_link(runs: Runs, chance: float | None, rng: np.random.Generator, draws: int = DRAWS) -> FittedLink:
    """The link of runs; ``chance`` is the error rate of guessing, learned where it is None."""
    low, high = float(runs.loss.min()), float(runs.loss.max())

    def link_of(z: Points) -> Link:
        return _link(z, 0.5 * (low + high), high - low, chance)

    def log_likelihood(z: Points) -> Drawn:
        link = link_of(z)
        return log_density(runs, link.at(runs.loss), link.scatter).sum(1)

    found = sampled(log_likelihood, 4 if chance is not None else 5, draws, rng)
    return _fitted(found, link_of(found.values))


def fit_constant(runs: Runs, rng: np.random.Generator, draws: int = DRAWS) -> FittedLink:
    """The rival without the loss: one error rate with a uniform prior, and the same scatter."""

    def link_of(z: Points) -> Link:
        rate, one = _uniform(z[:, 0]), np.ones(len(z))
        return Link(rate, rate, 0.0 * one, one, _scatter(z[:, 1]))

    def log_likelihood(z: Points) -> Drawn:
        link = link_of(z)
        return log_density(runs, link.at(runs.loss), link.scatter).sum(1)

    found = sampled(log_likelihood, 2, draws, rng)
    return _fitted(found, link_of(found.values))


def _fitted(found: Sampled, link: Link) -> FittedLink:
    return FittedLink(link, found.k, found.ess)


def _link(z: Points, middle: float, spread: float, chance: float | None) -> Link:
    """Standard normal numbers as a link: the priors above."""
    ceiling = np.full(len(z), chance) if chance is not None else _uniform(z[:, 4])
    share = -np.expm1(np.log1p(-_uniform(z[:, 0])) / FLOOR)  # quantile of Beta(1, FLOOR)
    width = spread * WIDTH * np.exp(WIDTHS * np.clip(z[:, 2], -6.0, 6.0))
    return Link(ceiling * share, ceiling, middle + spread * z[:, 1], width, _scatter(z[:, 3]))


def _scatter(z: Float[np.ndarray, " draw"]) -> Drawn:
    return np.clip(SCATTER * np.exp(SCATTERS * z), 1e-4, LARGEST_SCATTER)


def _uniform(z: Float[np.ndarray, " draw"]) -> Drawn:
    from scipy.special import ndtr

    return np.clip(ndtr(z), EDGE, 1.0 - EDGE)
