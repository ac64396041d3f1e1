"""Curves that were measured and cannot be forecast: their rows in tables."""

from __future__ import annotations

from collections.abc import Sequence

from forecaster.curves.learning_curves import Curve
from forecaster.inference.posterior import Posterior
from forecaster.prediction.curve_keys import CurveKey, set_aside_keys
from forecaster.results.columns import Column
from forecaster.results.wording import plain_size

NOTE = Column("note", "text", "why a row has no numbers: its curve cannot be forecast", optional=True)


def set_aside(posterior: Posterior, curves: Sequence[CurveKey | str] | None = None) -> dict[CurveKey, Curve]:
    """The curves that cannot be forecast, of those asked about (keys, labels or architectures; None for all)."""
    if posterior.set_aside is None:
        return {}
    found = dict(zip(set_aside_keys(posterior), posterior.set_aside.curves, strict=True))
    if curves is None:
        return found
    return {k: c for k, c in found.items() if {k, k.label, k.architecture} & set(curves)}


def last_measured(curve: Curve) -> str:
    """The text in place of a forecast."""
    last = curve.error[curve.n == curve.n[-1]].mean()
    return f"cannot be forecast; measured last: {last:.4g} at {plain_size(curve.n[-1])}"
