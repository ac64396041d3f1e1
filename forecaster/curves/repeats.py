"""Sizes: the measurements of a curve reduced to one mean a size or, where there are very many, a few sizes.

A curve that is measured at hundreds of sizes (a loss logged every few steps) says little more than at tens of them,
takes longer to fit, and misleads: its neighbours are not independent runs, and fluctuations that last a few of them
would be taken for drift. So neighbours are taken together, and count for as many measurements as their correlation
leaves (the mean of an autoregressive series; Priestley 1981, section 5.3.2).
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from jaxtyping import Float, Int

MOST_SIZES = 96  # sizes of a curve that are all kept
BINS = 64  # steps of log size, all alike, that the sizes of a curve with more are taken together in


class Reduced(NamedTuple):
    """By ascending size, [size] each but the first."""

    which: Int[np.ndarray, " measurement"]  # the size of each measurement
    x: Float[np.ndarray, " size"]  # log size
    y: Float[np.ndarray, " size"]  # mean log error
    repeats: Float[np.ndarray, " size"]  # measurements that this mean is worth
    within: Float[np.ndarray, " size"]  # sum of squares of log error around it, of one less than so many


def reduced(n: Float[np.ndarray, " measurement"], log_error: Float[np.ndarray, " measurement"]) -> Reduced:
    """Measurements by distinct size, ``n`` ascending; more than ``MOST_SIZES`` in ``BINS`` steps of log size."""
    found = means_by_size(n, log_error)
    return found if len(found.x) <= MOST_SIZES else _together(np.log(n), log_error)


def means_by_size(n: Float[np.ndarray, " measurement"], log_error: Float[np.ndarray, " measurement"]) -> Reduced:
    """Measurements by distinct size, however many sizes there are."""
    sizes, index, count = np.unique(n, return_inverse=True, return_counts=True)
    mean = np.bincount(index, log_error) / count
    within = np.bincount(index, (log_error - mean[index]) ** 2)
    return Reduced(index, np.log(sizes), mean, count.astype(float), within)


def _together(x: Float[np.ndarray, " measurement"], y: Float[np.ndarray, " measurement"]) -> Reduced:
    step = np.clip((x - x[0]) / (x[-1] - x[0]) * BINS, 0, BINS - 1).astype(int)
    _, index, count = np.unique(step, return_inverse=True, return_counts=True)
    middle, mean = np.bincount(index, x) / count, np.bincount(index, y) / count
    off = y - mean[index] - np.gradient(mean, middle)[index] * (x - middle[index])
    worth = np.maximum(count / lasting(off, index), 1.0)
    spread = np.bincount(index, off**2) / np.maximum(count - 1, 1)
    return Reduced(index, middle, mean, worth, spread * (worth - 1.0))


def lasting(off: Float[np.ndarray, " measurement"], index: Int[np.ndarray, " measurement"]) -> float:
    """How many neighbours are worth one independent measurement: (1 + r) / (1 - r), for the correlation r of two.

    Of deviations ``off``; two are neighbours where ``index`` is the same.
    """
    beside = index[1:] == index[:-1]
    before, after = off[:-1][beside], off[1:][beside]
    power = float(before @ before + after @ after)
    r = min(max(2.0 * float(before @ after) / power, 0.0), 0.98) if power else 0.0
    return (1.0 + r) / (1.0 - r)
