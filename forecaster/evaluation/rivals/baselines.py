"""Baselines: fast and deterministic point extrapolations of one curve from its fitted points.

Each takes (fitted n, fitted error, n wanted) and returns the error there: finite and positive, whatever the points.
Repeats at one size are first reduced to their geometric mean. Nothing is shared between curves, no prior is used.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np
from jaxtyping import Float

FEWEST_POINTS = 5  # minimum number of points in the upper part of a curve
STARTS = 10  # of the one-break law
ROUNDS = 120  # maximum number of least-squares iterations
LIMIT = 80.0  # of log error: beyond it an extrapolation has run away
Fitted = Float[np.ndarray, " fitted"]  # points that an extrapolation is given
Sizes = Float[np.ndarray, " point"]  # that it is wanted at
Model = Callable[[np.ndarray, np.ndarray], np.ndarray]  # parameters [start, p], z [point] -> log error [start, point]


def last_value(fit_n: Fitted, fit_error: Fitted, n: Sizes) -> Sizes:
    """No model: the median of the last fifth of the sizes (one to three), as a constant."""
    _, y = _averaged(fit_n, fit_error)
    keep = min(3, -(-len(y) // 5))
    return np.full(len(n), np.exp(np.median(y[-keep:])))


def last_point(fit_n: Fitted, fit_error: Fitted, n: Sizes) -> Sizes:
    """No model: the error at the largest size, as a constant."""
    _, y = _averaged(fit_n, fit_error)
    return np.full(len(n), np.exp(y[-1]))


def straight_line(fit_n: Fitted, fit_error: Fitted, n: Sizes) -> Sizes:
    """A pure power law: least squares in log-log through the last half of the sizes, five at least."""
    x, y = _averaged(fit_n, fit_error)
    keep = max(FEWEST_POINTS, (len(x) + 1) // 2)
    x, y = x[-keep:], y[-keep:]
    centred = x - x.mean()
    slope = centred @ y / max(centred @ centred, 1e-12)
    return _errors(y.mean() + slope * (np.log(n) - x.mean()))


def power_law_with_floor(fit_n: Fitted, fit_error: Fitted, n: Sizes) -> Sizes:
    """``alpha n^-beta + gamma`` on the upper part of the curve, by least squares in log error.

    The upper part is the last decade of sizes (five sizes at least): below it many curves sit on the plateau of small
    data, where the law does not hold yet. Exhaustive over beta and gamma, twice as fine the second time.
    """
    x, y = upper_part(*_averaged(fit_n, fit_error))
    z, wanted = x - x[-1], np.log(n) - x[-1]
    beta, share = np.geomspace(0.01, 3.0, 48), np.linspace(0.0, 0.99, 48)
    level = b = s = 0.0
    for _ in range(3):
        shape = np.logaddexp(-beta[:, None, None] * z, _odds(share)[None, :, None])
        rest = y - shape
        loss = np.var(rest, axis=-1)
        i, j = np.unravel_index(np.argmin(loss), loss.shape)
        b, s, level = beta[i], share[j], rest[i, j].mean()
        beta = np.geomspace(beta[max(i - 1, 0)], beta[min(i + 1, len(beta) - 1)], 24)
        share = np.linspace(share[max(j - 1, 0)], share[min(j + 1, len(share) - 1)], 24)
    return _errors(level + np.logaddexp(-b * wanted, _odds(np.array([s]))))


def m4(fit_n: Fitted, fit_error: Fitted, n: Sizes) -> Sizes:
    """M4 of Alabdulmohsin et al. 2022: ``(e - e_inf) / (e_0 - e)^a = b n^-c``, in log error, all points, eight starts.

    ``e = e_inf + (e_0 - e_inf) / (1 + exp(-u))`` turns the law into ``a softplus(u) - softplus(-u) = l - c log n``.
    """
    x, y = _averaged(fit_n, fit_error)
    z, wanted = x - x[-1], np.log(n) - x[-1]
    low, high = y.min(), y.max()

    def model(p: np.ndarray, at: np.ndarray) -> np.ndarray:
        line, c, log_a, floor, ceiling = (p[:, i, None] for i in range(5))
        u = _inverse(np.exp(np.clip(log_a, -6.0, 3.0)), line - np.exp(c) * at)
        e_inf, e_0 = low - _softplus(-floor), high + _softplus(ceiling)
        gap = e_0 + np.log(-np.expm1(np.minimum(e_inf - e_0, -1e-9)))
        return np.logaddexp(e_inf, gap - _softplus(-u))

    starts = []
    for log_a in (-2.0, 0.0):
        for floor in (-2.0, 1.0):
            for room in (0.02, max(-high, 0.3)):
                ceiling = np.log(np.expm1(room))
                e_inf, e_0 = np.exp(low - _softplus(-floor)), np.exp(high + room)
                inside = (np.exp(y) - e_inf) / (e_0 - e_inf)
                u = np.log(inside) - np.log1p(-inside)
                slope, line = np.polyfit(z, np.exp(log_a) * _softplus(u) - _softplus(-u), 1) if len(z) > 1 else (-1, 0)
                starts.append([line, np.log(max(-slope, 0.01)), log_a, floor, ceiling])
    return _errors(_best(model, np.array(starts), z, y, wanted, ROUNDS // 2))


def broken_power_law(fit_n: Fitted, fit_error: Fitted, n: Sizes) -> Sizes:
    """Caballero et al. 2023 with one break: ``a + b n^-c0 (1 + (n/d)^(1/f))^(-c1 f)``, all points, ten seeded starts.

    Where the law rises beyond the data, it is followed to the largest fitted error and no further.
    """
    x, y = _averaged(fit_n, fit_error)
    z, wanted = x - x[-1], np.log(n) - x[-1]

    def model(p: np.ndarray, at: np.ndarray) -> np.ndarray:
        floor, level, c0, c1, bend, log_f = (p[:, i, None] for i in range(6))
        f = np.exp(np.clip(log_f, -3.0, 2.0))
        turned = f * (_softplus((at - bend) / f) - _softplus(-bend / f))
        return np.logaddexp(floor, level - c0 * at - c1 * turned)

    rng = np.random.default_rng(0)
    slope = max(y[0] - y[-1], 0.01) / max(-z[0], 0.01)
    starts = np.column_stack(
        [
            y.min() - rng.uniform(0.1, 4.0, STARTS),
            y[-1] - rng.uniform(0.0, 1.0, STARTS),
            slope * rng.uniform(0.0, 2.0, STARTS),
            slope * rng.uniform(-1.0, 2.0, STARTS),
            rng.uniform(z[0], 0.0, STARTS),
            rng.uniform(-1.5, 0.5, STARTS),
        ]
    )
    return _errors(np.minimum(_best(model, starts, z, y, wanted), y.max()))


BASELINES: Mapping[str, Callable[[Fitted, Fitted, Sizes], Sizes]] = {
    "last point": last_point,
    "last value": last_value,
    "straight line": straight_line,
    "power law + floor": power_law_with_floor,
    "M4": m4,
    "BNSL, 1 break": broken_power_law,
}


def upper_part(x: Fitted, y: Fitted) -> tuple[Sizes, Sizes]:
    """The last decade of log sizes, or the last five sizes where it holds fewer."""
    keep = max(FEWEST_POINTS, int(np.sum(x >= x[-1] - np.log(10.0) - 1e-9)))
    return x[-keep:], y[-keep:]


def _averaged(fit_n: Fitted, fit_error: Fitted) -> tuple[Sizes, Sizes]:
    """Log sizes, ascending and distinct, and the mean log error at each."""
    sizes, where, count = np.unique(fit_n, return_inverse=True, return_counts=True)
    return np.log(sizes), np.bincount(where, np.log(fit_error)) / count


def _errors(log_error: np.ndarray) -> np.ndarray:
    return np.exp(np.clip(np.nan_to_num(log_error), -LIMIT, LIMIT))


def _odds(share: np.ndarray) -> np.ndarray:
    """Log of the floor relative to the reducible error at the last size; -700 for none."""
    return np.log(np.maximum(share, 1e-300)) - np.log1p(-share)


def _softplus(value: np.ndarray | float) -> np.ndarray | np.float64:
    return np.logaddexp(0.0, value)


def _inverse(a: np.ndarray, wanted: np.ndarray) -> np.ndarray:
    """u with ``a softplus(u) - softplus(-u) = wanted``; increasing, its slope between a and 1: Newton's method."""
    # Beyond the kink the function is nearly a line of slope 1 (left) or a (right); start on the side of no overshoot.
    u = np.where(wanted < 0, wanted, wanted / a)
    for _ in range(12):
        logistic = 0.5 * (1.0 + np.tanh(0.5 * u))
        value = a * _softplus(u) - _softplus(-u)
        u = u - (value - wanted) / (a * logistic + (1.0 - logistic))
    return u


def _best(model: Model, starts: np.ndarray, z: Fitted, y: Fitted, wanted: Sizes, rounds: int = ROUNDS) -> np.ndarray:
    """Least squares from all starts at once (Levenberg and Marquardt); the best one's log error at ``wanted``."""
    p, damping = starts.astype(float), np.full(len(starts), 1e-2)
    steps = np.full(p.shape[1], 1e-6)
    fitted = model(p, z)
    loss = _loss(fitted, y)
    for _ in range(rounds):
        jacobian = np.stack([(model(p + step, z) - fitted) / steps[0] for step in np.diag(steps)], -1)
        normal = np.einsum("sip,siq->spq", jacobian, jacobian)
        gradient = np.einsum("sip,si->sp", jacobian, y - fitted)
        scale = np.einsum("spp->sp", normal) + 1e-8
        normal = normal + np.eye(p.shape[1]) * (damping[:, None] * scale)[:, :, None]
        move = np.linalg.solve(normal, gradient[..., None])[..., 0]
        tried = p + np.clip(move, -2.0, 2.0)
        new = model(tried, z)
        new_loss = _loss(new, y)
        better = new_loss < loss
        gain = np.where(better, loss - new_loss, 0.0).max()
        damping = np.clip(np.where(better, damping / 4.0, damping * 5.0), 1e-9, 1e9)
        p, fitted = np.where(better[:, None], tried, p), np.where(better[:, None], new, fitted)
        loss = np.where(better, new_loss, loss)
        if gain < 1e-10 * loss.min() and damping.min() > 1e3:
            break
    return model(p[[np.argmin(loss)]], wanted)[0]


def _loss(fitted: np.ndarray, y: Sizes) -> np.ndarray:
    loss = np.sum((fitted - y) ** 2, -1)
    return np.where(np.isfinite(loss), loss, np.inf)
