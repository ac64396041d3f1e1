"""Draws of one curve's parameters: its law, and its noise at any size."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import Any

import numpy as np
from jaxtyping import Float

from forecaster.domains.domain import Domain
from forecaster.domains.quantities import CENTRES
from forecaster.model import floor_terms, test_set_noise
from forecaster.model import law as laws
from forecaster.model.design import Reference, SizedCurve

FLOOR = CENTRES.index("floor_logit")
Sizes = Float[np.ndarray, " size"]
BySize = Float[np.ndarray, "... size"]
SizesFirst = Float[np.ndarray, "size ..."]


@dataclass(frozen=True, eq=False)
class CurveDraws:
    """Draws of one curve's parameters, all of one shape, in the order of the chains, relative to ``reference``."""

    level: np.ndarray
    log_exponent: np.ndarray
    log_break: np.ndarray
    floor_logit: np.ndarray
    log_noise: np.ndarray
    log_drift: np.ndarray
    log_slope: np.ndarray
    log_sharpness: np.ndarray
    reference: Reference

    def __len__(self) -> int:
        return len(self.level)

    def map(self, change: Any) -> CurveDraws:
        """The same parameters with ``change`` applied to the array of each, such as a choice of draws."""
        return CurveDraws(*(change(getattr(self, name)) for name in CENTRES), reference=self.reference)

    def shape(self, x: Sizes) -> SizesFirst:
        """Log error of the law at log sizes ``x``, above that at the reference size."""
        by_size = x.reshape(-1, *(1 for _ in self.level.shape))
        log_break = self.reference.x_min + self.log_break
        exponent, sharpness = np.exp(self.log_exponent), np.exp(self.log_sharpness)
        decayed = laws.decay(np, by_size, self.reference.x_ref, exponent, log_break, sharpness)
        return laws.log_shape(np, decayed, self.floor_logit)

    def law(self, x: Sizes) -> BySize:
        """Log error of the law at log sizes ``x``."""
        return _sizes_last(self.level + self.shape(x))

    def luck(self, data: SizedCurve, x: Sizes) -> BySize:
        """Variance of a test set's sampling error at log sizes ``x``, since the curve's largest one; zero beyond it."""
        if not data.luck:
            return np.zeros((*self.level.shape, len(x)))
        shape = self.shape(np.append(data.x[0], x))
        parted = test_set_noise.parted_since(np, shape[1:], shape[:1], np.array(data.luck))
        return _sizes_last(np.maximum(parted, 0.0))

    def noise(self, x: Sizes) -> BySize:
        """Variance of what is learned of a run's noise, at log sizes ``x``."""
        return np.exp(2.0 * self.log_noise)[..., None] * self.reference.noise_scale(x)


def _sizes_last(values: SizesFirst) -> BySize:
    return np.moveaxis(values, 0, -1)


assert tuple(f.name for f in fields(CurveDraws))[:-1] == CENTRES  # the order in which they are made from arrays


def before_data(card: Domain, draws: int, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Draws from the card's priors of a group's centre [draw, 8] and log spread across architectures [draw, 2]."""
    hyper = card.hyper_mean + card.hyper_sd * rng.standard_normal((draws, len(card.hyper_mean)))
    return hyper[:, :-2], hyper[:, -2:]


def of_architecture(
    card: Domain,
    centre: np.ndarray,
    log_spread: np.ndarray,
    architecture: str,
    reference: Reference,
    rng: np.random.Generator,
) -> CurveDraws:
    """Draws of an architecture that nobody has measured, of the group with this ``centre`` and ``log_spread``.

    ``centre`` is [draw, 8] in the order of ``CENTRES``, ``log_spread`` [draw, 2]; the card fixes the other spreads.
    Evidence on the floor counts for its floor as for that of each measured curve.
    """
    spread = np.concatenate([np.exp(log_spread), np.tile(card.spread_fixed, (len(centre), 1))], 1)
    middle = centre + card.effects_of(architecture)
    values = middle + spread * rng.standard_normal(spread.shape)
    if reference.floor is not None:
        level, own = values[:, 0], float(spread[0, FLOOR])
        values[:, FLOOR] = floor_terms.drawn(rng, level, middle[:, FLOOR], own, reference.floor)
    return CurveDraws(*values.T, reference=reference)
