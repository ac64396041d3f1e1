"""Check of how far beyond the measured sizes a question goes."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from forecaster.checks.limits import EXTRAPOLATION, FAR_BEYOND, worst_of
from forecaster.inference.posterior import Posterior
from forecaster.results.check import Check
from forecaster.results.message import Message, message
from forecaster.results.wording import plain_size

SLACK = 1.0 - 1e-9  # rounding must not carry a size at a limit beyond it


def extrapolation(posterior: Posterior, sizes: np.ndarray) -> Iterator[Check]:
    """How many measured spans the farthest size lies beyond the data, on either side.

    Sizes below the smallest measured one seldom matter for a decision: they may call for a look but never fail.
    """
    if not sizes.size:
        return
    far, below = {}, {}
    for curve in posterior.curves.curves:
        group = posterior.designs[(curve.domain, curve.task)]
        span = np.log(curve.n[-1] / curve.n[0]) or group.x_ref - group.x_min  # a curve of one size: its group's span
        above, down = np.log(sizes.max() / curve.n[-1]), np.log(curve.n[0] / sizes.min())
        above, spans = ((max(v, 0.0) / span * SLACK if span > 0 else np.inf) for v in (above, down))
        far[curve.label] = max(above, min(spans, EXTRAPOLATION.fail))
        if far[curve.label] > above:
            below[curve.label] = float(down / np.log(10)), float(spans)

    def say(label: str, v: float) -> Message:
        if label in below:
            decades, spans = below[label]
            text = (
                f"{label}: {plain_size(sizes.min())} lies {decades:.1f} decades, or {spans:.1f} measured spans, below "
                "its smallest size; the measurements do not show where the fall of the error begins"
            )
            return message("below", text, n=float(sizes.min()), decades=decades, spans=spans)
        text = f"{label}: {plain_size(sizes.max())} lies {v:.1f} measured spans beyond its largest size"
        text += "; no held-out score supports forecasts so far ahead" if v > FAR_BEYOND else ""
        return message("far-beyond" if v > FAR_BEYOND else "beyond", text, n=float(sizes.max()), spans=v)

    yield from worst_of(
        "extrapolation",
        far,
        EXTRAPOLATION,
        say,
        lambda v: message(
            "near", f"every size asked about lies within one measured span of the data (at most {v:.1f} spans)", spans=v
        ),
        "measure a size in between and fit again",
    )
