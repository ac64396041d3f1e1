"""Simulated curves: draws of the whole curve, conditioned on the measurements."""

from __future__ import annotations

import zlib
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

from forecaster.curves.learning_curves import Group
from forecaster.errors import RequestError
from forecaster.inference.parameters import CurveDraws
from forecaster.inference.posterior import Posterior
from forecaster.model import drift_paths, extrapolation
from forecaster.model import law as laws


@dataclass(frozen=True)
class CurveKey:
    """A curve to ask about: measured or, where the posterior has no data of it, from its group's hierarchy."""

    domain: str
    task: str
    architecture: str

    @property
    def label(self) -> str:
        return "/".join((self.domain, self.task, self.architecture))

    @property
    def group(self) -> Group:
        return (self.domain, self.task)

    def stream(self, seed: int) -> np.random.Generator:
        """Randomness of its own: an answer does not depend on what else is asked about, or in which order."""
        return np.random.default_rng([seed, zlib.crc32(self.label.encode())])


def curve_keys(posterior: Posterior) -> tuple[CurveKey, ...]:
    """Every measured curve."""
    return tuple(CurveKey(c.domain, c.task, c.architecture) for c in posterior.curves.curves)


def check_keys(posterior: Posterior, targets: Sequence[CurveKey]) -> None:
    """RequestError where a target's (domain, task) is not in the posterior."""
    unknown = sorted({f"{t.domain}/{t.task}" for t in targets if t.group not in posterior.groups})
    if unknown:
        known = ", ".join("/".join(g) for g in posterior.groups)
        raise RequestError(f"no curves of {', '.join(unknown)} in this posterior; it holds: {known}")


def parameters(posterior: Posterior, target: CurveKey, rng: np.random.Generator) -> CurveDraws:
    """Draws of the target's parameters: from its data, or from the hierarchy where it has none."""
    if posterior.designs[target.group].curve_of(target.architecture) is None:
        return posterior.new_architecture(target.group, target.architecture, rng)
    return posterior.curve(target.label)


def log_error_paths(
    posterior: Posterior, target: CurveKey, sizes: np.ndarray, rng: np.random.Generator, thin: int = 1
) -> tuple[Float[np.ndarray, "draw size"], CurveDraws]:
    """Draws of the mean curve's log error at ``sizes``, and the parameters behind them.

    Every ``thin``-th posterior draw is used; draws of two targets of one group are paired by position.
    """
    check_keys(posterior, [target])
    design = posterior.designs[target.group]
    draws = parameters(posterior, target, rng)
    draws = CurveDraws(*(getattr(draws, f)[::thin] for f in CurveDraws.__dataclass_fields__))
    x = np.log(np.asarray(sizes, dtype=float))

    data = design.curve_of(target.architecture)
    nothing = np.empty(0)
    seen = nothing if data is None else data.x
    residual = np.empty((len(draws.level), 0)) if data is None else data.y - draws.law(data.x, design)
    noise = np.empty((len(draws.level), 0)) if data is None else data.noise(draws.log_noise)
    wander = drift_paths.sample_paths(
        rng,
        residual,
        noise,
        design.x_ref - seen,
        np.exp(2.0 * draws.log_drift),
        np.exp(2.0 * draws.log_slope),
        design.x_ref - x,
        design.slope_memory,
        lambda distance: draws.drift_time(design.x_ref - distance, design.x_ref, design.x_min, design.steady),
        design.card.volatility,
        None
        if data is None or not data.luck
        else lambda distance: draws.parted(data, design.x_ref - distance, design.x_ref, design.x_min),
    )
    late = extrapolation.late_slopes(design.card, draws.log_drift, draws.log_slope, rng)
    return draws.law(x, design) + wander + draws.late_fall(x, design.x_ref, design.x_min, late), draws


def region(posterior: Posterior, target: CurveKey, sizes: np.ndarray, draws: CurveDraws) -> list[str]:
    """Where on the curve each size lies, by majority of draws: ``small-data``, ``power-law`` or ``floor``.

    ``small-data``: below the break. ``floor``: beyond it, and more than half of the law's error is irreducible.
    """
    design = posterior.designs[target.group]
    x = np.log(np.asarray(sizes, dtype=float))
    log_break = (design.x_min + draws.log_break)[:, None]
    law = draws.law(x, design)
    floor = laws.floor(np, draws.level, draws.floor_logit)[:, None]
    small = np.mean(x < log_break, 0)
    near_floor = np.mean((x >= log_break) & (floor > 0.5 * np.exp(law)), 0)
    power = 1.0 - near_floor - small
    names = np.array(["small-data", "power-law", "floor"])
    return names[np.argmax(np.stack([small, power, near_floor]), 0)].tolist()
