"""Sizes at which a path first reaches an error."""

from __future__ import annotations

import numpy as np
from jaxtyping import Float

from forecaster.errors import RequestError
from forecaster.model.design import Design

PER_DECADE = 24  # sizes a decade at which a path is looked at: steps of 10 %
REACH = 1e6  # default horizon, as a multiple of the group's largest measured size


def largest_size(design: Design, architecture: str | None = None) -> float:
    """Largest measured size of the architecture; of its group where it is None or has no data."""
    own = [c.curve.n[-1] for c in design.curves if c.curve.architecture == architecture]
    return float(max(own or [c.curve.n[-1] for c in design.curves]))


def log_grid(design: Design, horizon: float, budget: float | None = None) -> Float[np.ndarray, " size"]:
    """Log sizes from the group's smallest measured one, or a smaller ``budget``, up to ``horizon``."""
    end = float(np.log(horizon))
    first = min(design.x_min, np.inf if budget is None else float(np.log(budget)))
    if end <= design.x_min:
        raise RequestError(
            f"horizon: found {horizon:g}; expected more than the smallest measured size {np.exp(design.x_min):g}"
        )
    count = int(np.ceil((end - first) / np.log(10.0) * PER_DECADE)) + 1
    return np.linspace(first, end, max(count, 2))


def with_measured(x: Float[np.ndarray, " size"], design: Design, architecture: str) -> Float[np.ndarray, " more"]:
    """The log sizes ``x`` and those at which the architecture was measured."""
    data = design.curve_of(architecture)
    return x if data is None else np.union1d(x, data.x)


def confirmed(
    x: Float[np.ndarray, " size"], paths: Float[np.ndarray, "draw size"], design: Design, architecture: str
) -> Float[np.ndarray, "draw size"]:
    """Paths for :func:`first_log_size`: up to the largest measured size none below the next measured one.

    Between measured sizes a rough curve's paths dip below all that was measured, somewhere; nobody would train there
    hoping for that. ``x`` holds the measured sizes (:func:`with_measured`).
    """
    data = design.curve_of(architecture)
    if data is None:
        return paths
    sizes = data.x[::-1]
    inside = np.flatnonzero(x <= sizes[-1])
    following = np.searchsorted(x, sizes)[np.searchsorted(sizes, x[inside])]
    out = paths.copy()
    out[:, inside] = np.maximum(paths[:, inside], paths[:, following])
    return out


def first_log_size(
    x: Float[np.ndarray, " size"], paths: Float[np.ndarray, "draw size"], log_target: float | np.ndarray
) -> Float[np.ndarray, " draw"]:
    """Log size at which each path first is at or below ``log_target`` (one, or one a draw); ``inf`` where never.

    ``x`` ascends; between its points paths are straight in log-log; ``x[0]`` where the path starts there.
    """
    goal = np.broadcast_to(np.asarray(log_target, dtype=float), len(paths))
    reached = paths <= goal[:, None]
    at, draw = np.argmax(reached, 1), np.arange(len(paths))
    before = np.maximum(at - 1, 0)
    high, low = paths[draw, before], paths[draw, at]
    drop = np.where(at > 0, high - low, 1.0)
    share = np.where(at > 0, (high - goal) / np.where(drop > 0, drop, 1.0), 0.0)
    size = x[before] + share * (x[at] - x[before])
    return np.where(reached.any(1), size, np.inf)
