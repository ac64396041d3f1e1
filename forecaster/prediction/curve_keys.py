"""Names of curves: those of a posterior, and those that are asked about."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from forecaster._support.streams import stream
from forecaster.curves.learning_curves import Curve, Group
from forecaster.errors import RequestError
from forecaster.inference.posterior import Posterior


@dataclass(frozen=True)
class CurveKey:
    """The name of a curve: measured, or an architecture of a measured group that has no data."""

    domain: str
    task: str
    architecture: str

    @property
    def label(self) -> str:
        return "/".join((self.domain, self.task, self.architecture))

    @property
    def group(self) -> Group:
        return (self.domain, self.task)

    def stream(self, seed: int, *use: int) -> np.random.Generator:
        """Random numbers of this curve for one use; they do not depend on other questions or their order."""
        return stream(self.label, seed, *use)


def curve_keys(posterior: Posterior) -> tuple[CurveKey, ...]:
    """Every measured curve that can be forecast."""
    return tuple(_key(curve) for curve in posterior.curves.curves)


def set_aside_keys(posterior: Posterior) -> tuple[CurveKey, ...]:
    """Every curve that was measured and cannot be forecast."""
    return () if posterior.set_aside is None else tuple(_key(curve) for curve in posterior.set_aside.curves)


def _key(curve: Curve) -> CurveKey:
    return CurveKey(curve.domain, curve.task, curve.architecture)


def check_keys(posterior: Posterior, keys: Sequence[CurveKey]) -> None:
    """RequestError where the (domain, task) of a curve is not in the posterior."""
    unknown = sorted({f"{key.domain}/{key.task}" for key in keys if key.group not in posterior.groups})
    if unknown:
        known = ", ".join("/".join(g) for g in posterior.groups)
        raise RequestError(f"no curves of {', '.join(unknown)} in this posterior; it holds: {known}")


def chosen_keys(posterior: Posterior, curves: Sequence[CurveKey | str] | None) -> list[CurveKey]:
    """The curves asked about that can be forecast; a text is the label or the architecture of measured ones."""
    measured = curve_keys(posterior)
    if curves is None:
        return list(measured)
    aside = set_aside_keys(posterior)
    found: list[CurveKey] = []
    for one in curves:
        if isinstance(one, CurveKey):
            found += [] if one in aside else [one]
            continue
        named = [t for t in measured if one in (t.label, t.architecture)]
        if not named and not any(one in (t.label, t.architecture) for t in aside):
            known = ", ".join(t.label for t in measured)
            raise RequestError(f"no curve {one!r} in this posterior; it holds: {known}")
        found += named
    if not found and not aside:
        raise RequestError("no curves to ask about; name some, or leave the choice out for all")
    check_keys(posterior, found)
    return list(dict.fromkeys(found))
