"""Verdict on how far beyond the measured sizes a question goes."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from forecaster.checks.limits import EXTRAPOLATION, FAR, worst_of
from forecaster.inference.posterior import Posterior
from forecaster.results.check import Check
from forecaster.results.wording import plain_size

SLACK = 1.0 - 1e-9  # rounding must not carry a size at a limit beyond it


def extrapolation(posterior: Posterior, sizes: np.ndarray) -> Iterator[Check]:
    """How many measured spans the farthest size lies beyond the data, on either side.

    What lies below the smallest size is seldom decided on: it may call for a look, but fails nothing.
    """
    if not sizes.size:
        return
    far, below = {}, {}
    for curve in posterior.curves.curves:
        group = posterior.designs[(curve.domain, curve.task)]
        span = np.log(curve.n[-1] / curve.n[0]) or group.x_ref - group.x_min  # of one size: it leans on its group
        above, down = np.log(sizes.max() / curve.n[-1]), np.log(curve.n[0] / sizes.min())
        above, spans = ((max(v, 0.0) / span * SLACK if span > 0 else np.inf) for v in (above, down))
        far[curve.label] = max(above, min(spans, EXTRAPOLATION.fail))
        if far[curve.label] > above:
            below[curve.label] = f"{down / np.log(10):.1f} decades below its smallest size, {spans:.1f}"

    def say(label: str, v: float) -> str:
        if label in below:
            return (
                f"{label}: {plain_size(sizes.min())} lies {below[label]} times the measured span away; nothing "
                "measured says from which size on error falls there"
            )
        text = f"{label}: {plain_size(sizes.max())} lies {v:.1f} times the measured span beyond its largest size"
        return text + ("; far beyond what any held-out score supports" if v > FAR else "")

    yield from worst_of(
        "extrapolation",
        far,
        EXTRAPOLATION,
        say,
        "no size asked for lies more than one measured span beyond the data (at most {worst})",
        "measure a size on the way there and fit again",
    )
