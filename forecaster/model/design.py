"""Design: the curves of one (domain, task) and their card as the arrays that every engine and forecast use.

Repeats at one size are reduced to their mean, count and sum of squares (sufficient for normal noise), so the
cost of inference grows with the number of sizes, not of seeds. NumPy only.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from forecaster.curves import repeats as sizes
from forecaster.curves.learning_curves import Curve, LearningCurves
from forecaster.domains.domain import Domain
from forecaster.domains.quantities import CENTRES
from forecaster.model import run_noise
from forecaster.model.floor_terms import Terms, terms_of

LEAST_NOISE = 5e-4  # sd of log error that every measurement has: errors are printed with few digits
# Share of a reported variance that is independent between sizes. Repeats mostly share test cases and training data: the
# tables of LCDB scatter by 1 % where their standard errors are 2.2 %. With all of it the learned noise of runs went to
# zero there; over the library the two score alike (-0.01 with a standard error of 0.03).
REPORTED = 0.24
LOCAL = CENTRES[1:]  # quantities of a curve besides its level


@dataclass(frozen=True, eq=False)
class SizedCurve:
    """One curve by distinct size, in descending order of size; every array is [size].

    ``x`` and ``y`` are the logs of size and of error (the mean of ``repeats``, whose squares around it sum to
    ``within``), ``known`` the variance of one measurement that is known and fresh, ``scale`` that of the learned noise
    over what it is at the group's largest size (:mod:`~forecaster.model.run_noise`). ``luck`` scales the
    test-set sampling error: one over the cases that are wrong at the largest size (``test_set_noise.parted_since``).
    """

    curve: Curve
    x: np.ndarray
    y: np.ndarray
    repeats: np.ndarray
    within: np.ndarray
    known: np.ndarray
    scale: np.ndarray
    luck: float

    def noise(self, log_noise: np.ndarray) -> np.ndarray:
        """Variance of the mean of the repeats [..., size]; ``log_noise`` [...] is that at the group's largest size."""
        return (np.exp(2.0 * log_noise)[..., None] * self.scale + self.known) / self.repeats


@dataclass(frozen=True)
class Reference:
    """Reference sizes of a group's curves, and the properties that all of them share.

    ``x_ref`` is the log of the group's largest measured size, at which a curve's level is its log error; ``x_min`` that
    of the smallest, above which its break lies. ``slope_memory`` is the correlation length of the slope in nats,
    ``noise_trend`` the change of the log sd of a run's noise per nat of size, ``floor`` the evidence on
    each curve's floor (:mod:`~forecaster.model.floor_terms`), where there is any.
    """

    x_ref: float
    x_min: float
    slope_memory: float
    noise_trend: float = 0.0
    floor: Terms | None = None

    def noise_scale(self, x: np.ndarray) -> np.ndarray:
        """Variance of the learned noise at log sizes ``x`` over that at the largest measured one."""
        return run_noise.relative(self.noise_trend, x, self.x_ref)


@dataclass(frozen=True, eq=False)
class Design:
    """One group: its curves by size, its reference sizes and the priors of its card.

    ``levels`` [curve] are the measured log errors at the largest size of the group.
    """

    domain: str
    task: str
    curves: tuple[SizedCurve, ...]
    card: Domain
    x_ref: float
    x_min: float
    noise_trend: float  # of the log sd of noise, per nat of size
    levels: np.ndarray

    @property
    def architectures(self) -> tuple[str, ...]:
        return tuple(c.curve.architecture for c in self.curves)

    def curve_of(self, architecture: str) -> SizedCurve | None:
        """The architecture's curve; None where it has no data."""
        return next((c for c in self.curves if c.curve.architecture == architecture), None)

    @property
    def reference(self) -> Reference:
        """The reference of its curves' parameters."""
        return Reference(self.x_ref, self.x_min, self.slope_memory, self.noise_trend, self.floor)

    @property
    def floor(self) -> Terms | None:
        """The evidence on each curve's floor; None without any."""
        return terms_of(self.card.floor, len(self.curves))

    @property
    def effects(self) -> np.ndarray:
        """How each architecture is known to differ from the group's centre, [curve, 8] in the order of ``CENTRES``."""
        return np.stack([self.card.effects_of(name) for name in self.architectures])

    @property
    def hyper_mean(self) -> np.ndarray:
        """Prior means of the eight centres and the two log spreads, [10]."""
        return np.asarray(self.card.hyper_mean, dtype=float)

    @property
    def hyper_sd(self) -> np.ndarray:
        return np.asarray(self.card.hyper_sd, dtype=float)

    @property
    def spread_fixed(self) -> np.ndarray:
        """Spreads across architectures that the card fixes: break, floor, noise, drift, slope, sharpness, [6]."""
        return np.asarray(self.card.spread_fixed, dtype=float)

    @property
    def slope_memory(self) -> float:
        """Correlation length of the drifting slope, in nats of size."""
        return self.card.slope_memory


def by_size(curve: Curve) -> SizedCurve:
    """Reduce repeats: means of log error per distinct size (:mod:`forecaster.curves.repeats`), largest size first.

    Of the reported spread of runs the share ``REPORTED`` is independent noise at each size. The sampling error of a
    test set is shared between sizes: the part common to all sizes shifts the whole curve and is absorbed by the level;
    ``luck`` scales the rest.
    """
    found = sizes.reduced(curve.n, np.log(curve.error))
    reported = np.bincount(found.which, curve.reported_variance) / np.bincount(found.which)
    known = REPORTED * reported + LEAST_NOISE**2
    order = slice(None, None, -1)
    luck = 1.0 / np.median(curve.n_test) * np.exp(-found.y[-1])
    arrays = (found.x, found.y, found.repeats, found.within, known, np.ones(len(known)))
    return SizedCurve(curve, *(a[order] for a in arrays), luck=0.0 if np.isnan(luck) else min(float(luck), 1.0))


def design_of(curves: LearningCurves, group: tuple[str, str], card: Domain) -> Design:
    """Arrays of the group ``(domain, task)`` under ``card``, its level centred on the curves if relative."""
    sized = tuple(by_size(c) for c in curves.curves if (c.domain, c.task) == group)
    x_ref = max(float(np.log(c.curve.n[-1])) for c in sized)
    x_min = min(float(np.log(c.curve.n[0])) for c in sized)
    centred = card.centred_on(float(np.mean([c.y[0] for c in sized])))
    trend = run_noise.trend(_repeated(c) for c in sized)
    sized = tuple(replace(c, scale=run_noise.relative(trend, c.x, x_ref)) for c in sized)
    return Design(group[0], group[1], sized, centred, x_ref, x_min, trend, _levels(sized))


def _levels(curves: Sequence[SizedCurve]) -> np.ndarray:
    """Measured log error of each curve at the group's largest size.

    One that ends earlier is taken to fall from there as those do, in the mean, that do not.
    """
    last = max(c.x[0] for c in curves)
    whole = [c for c in curves if c.x[0] == last]
    falls = [[np.interp(c.x[0], w.x[::-1], w.y[::-1]) - w.y[0] for w in whole] for c in curves]
    return np.array([c.y[0] - float(np.mean(fall)) for c, fall in zip(curves, falls, strict=True)])


def _repeated(curve: SizedCurve) -> run_noise.Repeated:
    more = curve.repeats > 1
    return run_noise.Repeated(curve.x[more], curve.repeats[more] - 1.0, curve.within[more], curve.known[more])
