"""Staged buying: order a part, measure, decide again.

The plan is found by dynamic programming over (orders placed, size bought, error measured there). Posterior draws are
the scenarios. After an order the draws are weighted by the density of the measurement and each curve is moved by its
regression on it (:mod:`~forecaster.prediction.conditioning`); so the value of going on is that of what would be
learned. Of several measurements the last alone decides, since it lies nearest to what comes. The plan is then played on
draws of other chains, on which one order is played as well: neither was chosen on them. Learn-Optimize-Collect (Mahmood
et al. 2022, arXiv:2210.01234) plans later orders too, but not what they will teach. What was bought for a measurement
is owned afterwards.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

from forecaster.decisions.loss import Value
from forecaster.inference.posterior import Posterior
from forecaster.prediction.conditioning import predictive
from forecaster.prediction.curve_keys import CurveKey
from forecaster.prediction.observation import of_kind
from forecaster.resources.prices.costs import Costs

BELIEF = 2000  # draws that plan
OUTCOMES = 25  # measured errors at each size between which the plan is interpolated
TAILS = (0.004, 0.996)  # of the measured errors that are planned for; beyond, as at the ends
SCAN = 40  # sizes at which a moved curve is compared with the target
Array = np.ndarray


@dataclass(frozen=True)
class Step:
    """What follows a first order: for a measured error from ``lower`` to ``upper``, buy up to ``n`` (None: no more)."""

    lower: float
    upper: float
    n: float | None


@dataclass(frozen=True)
class OrderPlan:
    """A plan of several orders, and one order, both played on draws that neither was chosen on.

    ``first`` and ``one`` are the sizes of the first and of the only order (None: buy nothing). ``gain`` is by how much
    the plan's mean loss is lower, ``gain_sd`` the standard error of that. ``ordered`` [round] is the chance of each
    order, ``sizes`` [round] the median size bought up to where it is placed.
    """

    architecture: str
    rounds: int
    first: float | None
    one: float | None
    loss: float
    loss_one: float
    gain: float
    gain_sd: float
    cost: float
    cost_one: float
    p_target: float
    ordered: tuple[float, ...]
    sizes: tuple[float, ...]
    then: tuple[Step, ...]
    likely: tuple[Step, ...]


@dataclass(frozen=True, eq=False)
class _World:
    """What planning needs of one curve; draws that plan come first, the others (``fresh``) judge."""

    sizes: Float[np.ndarray, " size"]
    measured: Float[np.ndarray, "draw size"]  # simulated log errors
    mean: Float[np.ndarray, "draw size"]
    covariance: Float[np.ndarray, "draw size size"]
    scan: Float[np.ndarray, " scan"]
    paths: Float[np.ndarray, "draw scan"]  # log errors of the kind asked for
    shared: Float[np.ndarray, "draw scan size"]
    quantity: Float[np.ndarray, "draw size"]  # what is paid for, of each draw as it is
    before: Float[np.ndarray, " draw"]  # 1 where the target is reached by what is owned


def staged(
    posterior: Posterior,
    key: CurveKey,
    costs: Costs,
    value: Value,
    sizes: Float[np.ndarray, " size"],
    *,
    rounds: int,
    owned: float,
    idle: Float[np.ndarray, " draw"],
    needed: Float[np.ndarray, " draw"] | None,
    point: float,
    kind: str = "mean",
    seed: int = 0,
) -> OrderPlan:
    """The best plan of up to ``rounds`` orders up to some of ``sizes`` (ascending, all above what is ``owned``).

    ``idle`` is the loss of doing nothing in each draw, ``needed`` the data that each draw needs for the target.
    Risk-neutral.
    """
    world = _world(posterior, key, value, sizes, owned, needed, point, kind, seed)
    half = posterior.draws // 2  # the draws of other chains
    belief = np.arange(half)[:: max(1, half // BELIEF)]
    fresh = np.arange(half, posterior.draws)
    running = costs.running(value.volume or 0.0, key.architecture)
    step = _steps(costs, owned, sizes, key.architecture)
    at_once = step[0] + running + value.unit * world.quantity[:half].mean(0)
    grid, tables, first_values = _planned(world, belief, value, step[1:], rounds)
    ahead = step[0] + running + first_values
    nothing = float(idle[:half].mean())
    first = None if nothing <= ahead.min() else int(np.argmin(ahead))
    one = None if nothing <= at_once.min() else int(np.argmin(at_once))
    losses, paid, final, ordered = _played(world, fresh, grid, tables, step, first, value, running, idle)
    loss_one = idle[fresh] if one is None else step[0, one] + running + value.unit * world.quantity[fresh, one]
    gained = loss_one - losses
    return OrderPlan(
        architecture=key.architecture,
        rounds=rounds,
        first=None if first is None else float(sizes[first]),
        one=None if one is None else float(sizes[one]),
        loss=float(losses.mean()),
        loss_one=float(loss_one.mean()),
        gain=float(gained.mean()),
        gain_sd=float(gained.std() / np.sqrt(len(gained))),
        cost=float(paid.mean()),
        cost_one=0.0 if one is None else float(step[0, one]),
        p_target=_reached(world, fresh, needed, owned, final),
        ordered=tuple(float((at >= 0).mean()) for at in ordered),
        sizes=tuple(float(np.median(sizes[at[at >= 0]])) if (at >= 0).any() else float("nan") for at in ordered),
        then=() if first is None else _rule(grid[first], tables[0][first], sizes),
        likely=() if first is None else _likely(world.measured[:half, first], grid[first], tables[0][first], sizes),
    )


def _world(
    posterior: Posterior,
    key: CurveKey,
    value: Value,
    sizes: Float[np.ndarray, " size"],
    owned: float,
    needed: Float[np.ndarray, " draw"] | None,
    point: float,
    kind: str,
    seed: int,
) -> _World:
    found = predictive(posterior, key, sizes, seed=seed)
    scan = (
        np.unique(np.concatenate([np.geomspace(sizes[0], sizes[-1], SCAN), sizes]))
        if value.form == "penalty"
        else sizes
    )
    paths = found.paths
    asked = of_kind(paths, scan, kind)
    errors = np.exp(asked[:, np.searchsorted(scan, sizes)])
    reached = None if needed is None else needed[:, None] <= sizes * (1.0 + 1e-12)
    before = np.zeros(posterior.draws) if needed is None else (needed <= owned * (1.0 + 1e-12)).astype(float)
    quantity = value.quantity(errors, reached, point)
    shared = found.shared_with(scan)
    return _World(sizes, found.draw(), found.mean, found.covariance, scan, asked, shared, quantity, before)


def _steps(costs: Costs, owned: float, sizes: Float[np.ndarray, " size"], architecture: str) -> Array:
    """Money for going from what is owned (row 0), or from a size (rows 1, ...), up to each size."""
    out = np.full((len(sizes) + 1, len(sizes)), np.inf)
    training = costs.training(sizes, architecture)
    out[0] = costs.order(sizes - owned) + training
    for i in range(len(sizes) - 1):
        more = costs.order(sizes[i + 1 :] - sizes[i], already=float(sizes[i] - owned))
        out[i + 1, i + 1 :] = more + training[i + 1 :]
    return out


def _planned(
    world: _World, belief: Array, value: Value, step: Array, rounds: int
) -> tuple[Array, list[Array], Float[np.ndarray, " size"]]:
    """The plan, by backward induction: measured errors [size, outcome]; by number of orders placed the mean loss to
    come, beside what is paid, of stopping and of going up to each size [size, outcome, 1 + size]; and the lowest mean
    loss to come after each first order.

    A later state knows the last measurement alone. So the mean loss of stopping there is taken given the measurement at
    hand, and only what going on gains beyond it comes from the later state.
    """
    count = len(world.sizes)
    grid = np.quantile(world.measured[belief], np.linspace(*TAILS, OUTCOMES), axis=0).T
    at_once = value.unit * world.quantity[belief].mean(0)
    if rounds == 1:
        return grid, [], at_once
    moved = [_moved(world, belief, value, i, grid[i]) for i in range(count)]
    tables: list[Array] = []
    more = np.zeros((count, OUTCOMES))  # how much lower the mean loss to come is by going on [size, outcome]
    for _ in range(rounds - 1):
        table = np.full((count, OUTCOMES, 1 + count), np.inf)
        for i, (weights, money, outcomes) in enumerate(moved):
            table[i, :, 0] = (weights * money[:, :, 0]).sum(1)
            for k in range(i + 1, count):
                ahead = money[:, :, k - i]
                if tables:
                    ahead = ahead - np.interp(outcomes[:, :, k - i - 1], grid[k], more[k])
                table[i, :, 1 + k] = step[i, k] + (weights * ahead).sum(1)
        tables.insert(0, table)
        more = table[:, :, 0] - table.min(2)
    gains = [float(np.interp(world.measured[belief, i], grid[i], more[i]).mean()) for i in range(count)]
    return grid, tables, at_once - np.array(gains)


def _moved(world: _World, belief: Array, value: Value, i: int, outcomes: Array) -> tuple[Array, Array, Array]:
    """The draws given each error measured at size ``i``: weights [outcome, draw], money for the errors at that size and
    beyond [outcome, draw, size], and simulated measurements beyond [outcome, draw, size]."""
    variance = world.covariance[belief, i, i]
    away = outcomes[:, None] - world.mean[belief, i]
    log_weight = -0.5 * away**2 / variance - 0.5 * np.log(variance)
    weights = np.exp(log_weight - log_weight.max(1, keepdims=True))
    weights /= weights.sum(1, keepdims=True)
    pull = (outcomes[:, None] - world.measured[belief, i]) / variance  # [outcome, draw]
    later = world.measured[belief, i + 1 :] + pull[:, :, None] * world.covariance[belief, i + 1 :, i]
    places = np.searchsorted(world.scan, world.sizes[i:])
    if value.form == "penalty":
        assert value.target is not None
        paths = world.paths[belief] + pull[:, :, None] * world.shared[belief, :, i]
        lowest = np.minimum.accumulate(paths, 2)[:, :, places]
        reached = np.maximum(lowest <= np.log(value.target), world.before[belief][:, None])
        money = value.unit * (1.0 - reached)
    else:
        apart = pull[:, :, None] * world.shared[belief][:, places, i]
        money = value.unit * world.quantity[belief, i:] * np.exp(apart)
    return weights, money, later


def _played(
    world: _World,
    fresh: Array,
    grid: Array,
    tables: list[Array],
    step: Array,
    first: int | None,
    value: Value,
    running: float,
    idle: Array,
) -> tuple[Array, Array, Array | None, list[Array]]:
    """The plan in each fresh draw: loss, money paid, the size bought up to, each round's order (-1: none)."""
    count = len(fresh)
    if first is None:
        return idle[fresh], np.zeros(count), None, [np.full(count, -1)] * (len(tables) + 1)
    at = np.full(count, first)
    paid, going, ordered = np.full(count, step[0, first]), np.ones(count, dtype=bool), [at.copy()]
    for table in tables:
        chosen = np.zeros(count, dtype=int)
        for i in np.unique(at[going]):
            own = np.flatnonzero(going & (at == i))
            seen = world.measured[fresh[own], i]
            options = [0, *range(i + 2, table.shape[2])]
            ahead = np.stack([np.interp(seen, grid[i], table[i, :, k]) for k in options], 1)
            chosen[own] = np.array(options)[np.argmin(ahead, 1)]
        going = going & (chosen > 0)
        more = np.flatnonzero(going)
        paid[more] += step[at[more] + 1, chosen[more] - 1]
        at[more] = chosen[more] - 1
        ordered.append(np.where(going, at, -1))
    loss = paid + running + value.unit * world.quantity[fresh, at]
    return loss, paid, at, ordered


def _reached(world: _World, fresh: Array, needed: Array | None, owned: float, at: Array | None) -> float:
    """The share of fresh draws whose target is reached by the size bought up to; NaN without a target."""
    if needed is None:
        return float("nan")
    size = owned if at is None else world.sizes[at]
    return float(np.mean(needed[fresh] <= size * (1.0 + 1e-12)))


def _rule(grid: Array, table: Array, sizes: Float[np.ndarray, " size"]) -> tuple[Step, ...]:
    """What follows each error measured after the first order."""
    fine = np.linspace(grid[0], grid[-1], 400)
    chosen = _next(fine, grid, table)
    starts = [0, *(np.flatnonzero(np.diff(chosen)) + 1)]
    ends = [*(float(np.exp(fine[s])) for s in starts[1:]), np.inf]
    lows = [0.0, *ends[:-1]]
    return tuple(
        Step(low, end, None if chosen[s] == 0 else float(sizes[chosen[s] - 1]))
        for s, low, end in zip(starts, lows, ends, strict=True)
    )


def _likely(measured: Array, grid: Array, table: Array, sizes: Float[np.ndarray, " size"]) -> tuple[Step, ...]:
    """What follows three errors that may well be measured: the 10, 50 and 90 % quantiles."""
    seen = np.quantile(measured, [0.1, 0.5, 0.9])
    chosen = _next(seen, grid, table)
    return tuple(
        Step(float(np.exp(y)), float(np.exp(y)), None if c == 0 else float(sizes[c - 1]))
        for y, c in zip(seen, chosen, strict=True)
    )


def _next(seen: Array, grid: Array, table: Array) -> Array:
    """For measured log errors: 0 to stop, or one more than the position of the size to go up to."""
    usable = np.flatnonzero(np.isfinite(table[0]))
    return usable[np.argmin(np.stack([np.interp(seen, grid, table[:, k]) for k in usable], 1), 1)]
