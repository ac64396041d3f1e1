"""Sizes at which a path first reaches an error."""

from __future__ import annotations

import numpy as np
from jaxtyping import Float

from forecaster.errors import RequestError
from forecaster.model.design import Design
from forecaster.prediction.paths import CurvePaths

HORIZON_FACTOR = 1e3  # default horizon, as a multiple of the group's largest measured size


def largest_size(design: Design, architecture: str | None = None) -> float:
    """Largest measured size of the architecture; of its group where it is None or has no data."""
    own = [c.curve.n[-1] for c in design.curves if c.curve.architecture == architecture]
    return float(max(own or [c.curve.n[-1] for c in design.curves]))


def searched(design: Design, horizon: float, limit: float | None = None) -> tuple[float, float]:
    """The range of sizes searched for a crossing: from the group's smallest measured one, or a smaller ``limit``, to
    ``horizon``. RequestError where the horizon lies below the former."""
    smallest = float(np.exp(design.x_min))
    if horizon <= smallest:
        raise RequestError(f"horizon: found {horizon:g}; expected more than the smallest measured size {smallest:g}")
    return min(smallest, limit or np.inf), horizon


def looked_at(
    paths: CurvePaths, values: Float[np.ndarray, "size draw"], span: tuple[float, float]
) -> tuple[Float[np.ndarray, " inside"], Float[np.ndarray, "draw inside"]]:
    """Log sizes of the grid within ``span``, both ends among them, and the ``values`` that count there.

    Up to the largest measured size those of :func:`confirmed`; memory is what costs time here, so only they are copied.
    """
    firm, x = confirmed(paths, values), paths.x
    low, high = np.log(span)
    first, last = int(np.searchsorted(x, low, "right")), int(np.searchsorted(x, high))

    def read(log_size: float) -> Float[np.ndarray, "one draw"]:
        """As :meth:`CurvePaths.read`, straight in log-log between two rows."""
        after = int(np.clip(np.searchsorted(x, log_size), 1, len(x) - 1))
        before, behind = (firm[i] if i < len(firm) else values[i] for i in (after - 1, after))
        share = np.clip((log_size - x[after - 1]) / (x[after] - x[after - 1]), 0.0, 1.0)
        return ((1.0 - share) * before + share * behind)[None]

    inside = (firm[first:last], values[max(first, len(firm)) : last])
    return np.concatenate([[low], x[first:last], [high]]), np.concatenate([read(low), *inside, read(high)]).T


def confirmed(paths: CurvePaths, values: Float[np.ndarray, "size draw"]) -> Float[np.ndarray, "known draw"]:
    """Values up to the largest measured size for :func:`first_log_size`: none below the next measured one.

    Between measured sizes, paths of a rough curve somewhere dip below every measured error; such dips are no basis for
    choosing a size. The grid of ``paths`` holds the measured sizes. Nothing for an architecture without data.
    """
    data = paths.origin.data
    if data is None:
        return values[:0]
    sizes = data.x[::-1]
    inside = int(np.searchsorted(paths.x, sizes[-1], "right"))
    following = np.searchsorted(paths.x, sizes)[np.searchsorted(sizes, paths.x[:inside])]
    return np.maximum(values[:inside], values[following])


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
