"""Sampling error of one test set, shared by all sizes of a curve."""

from __future__ import annotations

from typing import Any

from forecaster.model.drift import Array


def parted_since(xp: Any, log_shape: Array, at_largest: Array, luck: Array) -> Array:
    """Variance of the difference between log errors on one test set and that at the curve's largest size.

    The walk of :func:`parted`, seen from its end: ``luck * (1 - e / e')`` where the law's error e' is that at a size
    and e that at the largest, ``luck`` one over the cases (or a share of them) that are wrong there. It is computed
    from the law, not from the measurements: otherwise a fall by chance would be given more sampling error than an equal
    rise, which makes forecasts too high. ``log_shape`` and ``at_largest`` are the law's log error, up to a constant.
    """
    return -luck * xp.expm1(at_largest - log_shape)


def parted(log_error: Array, per_case: float) -> Array:
    """Variance of log error on one test set around the curve ``log_error`` [..., size], since its first size.

    Of the cases that are wrong at one size those that still are at a larger one are a sample: with errors e and
    e' < e, the ratio on the test set varies by ``(1 / e' - 1 / e) * per_case`` about that of the curve (binomial, to
    first order; at most 1), where ``per_case`` is one over its cases, or a share of that. From size to size that is a
    Wiener process. Sizes ascend; error that rises counts as constant. Zeros where ``per_case`` is NaN: no test
    set is known.
    """
    import numpy as np

    if np.isnan(per_case):
        return np.zeros(log_error.shape)
    wrong = np.exp(-np.minimum.accumulate(log_error, axis=-1))
    return np.minimum((wrong - wrong[..., :1]) * per_case, 1.0)
