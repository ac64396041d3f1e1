"""Draws of one curve's parameters, and what they say of the law, its drift's time and the noise at any size."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from forecaster.model import drift, test_set_noise
from forecaster.model import law as laws
from forecaster.model.design import Design, SizedCurve


@dataclass(frozen=True, eq=False)
class CurveDraws:
    """Draws of one curve's parameters, [draw] each, in the order of the chains."""

    level: np.ndarray
    log_exponent: np.ndarray
    log_break: np.ndarray
    floor_logit: np.ndarray
    log_noise: np.ndarray
    log_drift: np.ndarray
    log_slope: np.ndarray
    log_sharpness: np.ndarray

    def log_shape(self, x: np.ndarray, x_ref: float, x_min: float) -> np.ndarray:
        """Log error of the law at log sizes ``x`` [size], above that at the reference size: [..., size]."""
        exponent, sharpness = np.exp(self.log_exponent)[..., None], np.exp(self.log_sharpness)[..., None]
        decayed = laws.decay(np, x, x_ref, exponent, x_min + self.log_break[..., None], sharpness)
        return laws.log_shape(np, decayed, self.floor_logit[..., None])

    def law(self, x: np.ndarray, design: Design) -> np.ndarray:
        """Log error of the law at log sizes ``x`` [size]: [..., size]."""
        return self.level[..., None] + self.log_shape(x, design.x_ref, design.x_min)

    def late_fall(self, x: np.ndarray, x_ref: float, x_min: float, relative: np.ndarray) -> np.ndarray:
        """What a late fall adds to log error at ``x`` [size]: [draw, size]. Its exponents are ``relative`` [draw] to
        the law's slope at the reference size."""
        shape = (self.log_exponent, x_min + self.log_break, self.floor_logit, np.exp(self.log_sharpness))
        exponent = relative * laws.slope(np, x_ref, *shape)
        log_share = -laws.softplus(np, -self.floor_logit)[..., None] - self.log_shape(x, x_ref, x_min)
        return laws.late_fall(np, np.exp(np.minimum(log_share, 0.0)), np.maximum(x - x_ref, 0.0), exponent[..., None])

    def parted(self, data: SizedCurve, x: np.ndarray, x_ref: float, x_min: float) -> np.ndarray:
        """Variance of a test set's luck at log sizes ``x`` [size], since the curve's largest one: [..., size]."""
        shape = self.log_shape(np.append(data.x[0], x), x_ref, x_min)
        return np.maximum(test_set_noise.parted_since(np, shape[..., 1:], shape[..., :1], np.array(data.luck)), 0.0)

    def noise(self, x: np.ndarray, design: Design) -> np.ndarray:
        """Variance of what is learned of a run's noise, at log sizes ``x`` [size]: [..., size]."""
        return np.exp(2.0 * self.log_noise)[..., None] * design.noise_scale(x)

    def drift_time(self, x: np.ndarray, x_ref: float, x_min: float, steady: float) -> np.ndarray:
        """The drift's time at log sizes ``x`` [size] (``drift.clock``): [..., size]."""
        exponent = np.exp(self.log_exponent)[..., None]
        return drift.clock(np, x, x_ref, self.log_shape(x, x_ref, x_min), exponent, steady)
