"""The fast engine: groups of curves are padded to a few shapes, batched, and sampled by one compiled program."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import numpy as np

from forecaster import model
from forecaster.design import Design
from forecaster.engines.draws import GroupDraws

WIDTHS = (1, 2, 3, 4, 5, 6, 8, 12, 16, 24, 32, 48, 64, 96, 128)  # curves a group, padded
LENGTHS = (8, 12, 16, 24, 32, 48, 64, 96, 128, 192, 256, 384, 512)  # sizes a curve, padded
BATCHES = (1, 4, 16)  # groups that run together
CELLS = 4096  # groups x curves x sizes that run together at the most: bounds memory
CHAINS = 4
FEW = 4  # groups up to which each is sampled with the most particles; beyond, with these:
MANY_GROUPS = {
    "particles": 1024, "adaptation": 1024, "hypers": 512, "components": 4, "hyper_adaptation": 1024, "hyper_cloud": 512
}  # fmt: skip


def padded_to(value: int, steps: Sequence[int]) -> int:
    """The smallest of ``steps`` that holds ``value``, or the next multiple of the largest."""
    return next((s for s in steps if s >= value), -(-value // steps[-1]) * steps[-1])


def cache_folder() -> Path:
    """Where compiled programs are kept between processes."""
    from platformdirs import user_cache_path

    return user_cache_path("forecaster") / "compiled"


def sample(
    designs: Sequence[Design],
    *,
    seed: int,
    draws: int = 1000,
    harder: bool = False,
    on_progress: Callable[[str, float], None] | None = None,
    cache: bool = True,
) -> list[GroupDraws]:
    """Draws of each group's posterior, in the order of ``designs``; ``harder`` spends about four times the work."""
    import jax

    from forecaster.engines import nested

    tell = on_progress or (lambda *_: None)
    if cache:
        jax.config.update("jax_compilation_cache_dir", str(cache_folder()))
        jax.config.update("jax_persistent_cache_min_compile_time_secs", 0.0)
    few = len(designs) <= FEW
    effort = nested.Effort(chains=CHAINS, draws=draws)
    if not few:
        effort = effort._replace(**MANY_GROUPS)
    if harder:
        effort = effort._replace(stages=4, adaptation=4096, particles=8192)
    found: dict[int, GroupDraws] = {}
    with jax.enable_x64(True):
        for (width, length), indices in _batches(designs):
            chosen = [designs[i] for i in indices]
            tell(f"sampling {len(found)} of {len(designs)} groups", len(found) / len(designs))
            key = jax.random.key(seed, impl="rbg")  # a tenth of the code that the default generator compiles to
            for i, one in zip(indices, _run(key, chosen, width, length, effort), strict=True):
                found[i] = one
    tell("done", 1.0)
    return [found[i] for i in range(len(designs))]


def _batches(designs: Sequence[Design]) -> Iterator[tuple[tuple[int, int], list[int]]]:
    """Groups of one padded shape, so many at a time as memory allows."""
    shapes: dict[tuple[int, int], list[int]] = {}
    for i, d in enumerate(designs):
        length = max(len(c.x) for c in d.curves)
        shapes.setdefault((padded_to(len(d.curves), WIDTHS), padded_to(length, LENGTHS)), []).append(i)
    for (width, length), indices in sorted(shapes.items()):
        room = max(1, CELLS // (width * length))
        size = max(b for b in BATCHES if b <= room)
        for first in range(0, len(indices), size):
            yield (width, length), indices[first : first + size]


def _run(key, designs: list[Design], width: int, length: int, effort) -> list[GroupDraws]:
    import jax

    from forecaster.engines import nested

    batch = padded_to(len(designs), BATCHES)
    padded = designs + [designs[-1]] * (batch - len(designs))
    arrays, real, priors = _stack(padded, width, length)
    program = jax.jit(nested.posterior, static_argnames="effort")
    out = jax.device_get(program(key, arrays, real, priors, effort=effort))
    return [_group(out, g, len(d.curves), width, effort) for g, d in enumerate(designs)]


def _stack(designs: Sequence[Design], width: int, length: int):
    """Curves of all groups along one axis, padded with copies of each group's first curve."""
    from forecaster import density
    from forecaster.engines import nested

    names = ("x", "y", "repeats", "within", "known", "present")
    parts: dict[str, list[np.ndarray]] = {name: [] for name in names}
    for d in designs:
        data = model.padded(d, length)
        for name in names:
            rows = data[name]
            parts[name] += [rows, np.repeat(rows[:1], width - len(rows), 0)]
    x_ref = np.repeat([d.x_ref for d in designs], width)
    x_min = np.repeat([d.x_min for d in designs], width)
    stacked = {name: np.concatenate(parts[name]) for name in names}
    arrays = density.CurveArrays(**stacked, x_ref=x_ref, x_min=x_min)
    real = np.array([[float(i < len(d.curves)) for i in range(width)] for d in designs])
    constants = density.Constants(*np.array([d.constants for d in designs], dtype=float).T)
    priors = nested.GroupPriors(
        np.stack([d.hyper_mean for d in designs]),
        np.stack([d.hyper_sd for d in designs]),
        np.stack([d.spread_fixed for d in designs]),
        constants,
    )
    return arrays, real, priors


def _group(out, g: int, curves: int, width: int, effort) -> GroupDraws:
    """Cut one group out of a batch."""
    rows = slice(g * width, g * width + curves)
    return GroupDraws(
        centre=out.hyper[g, :, :, :-2],
        log_spread=out.hyper[g, :, :, -2:],
        values=np.moveaxis(out.values[rows], 0, 2),
        engine="jax",
        stats={"hyper_ess": float(out.hyper_ess[g]), "hyper_pareto_k": _pareto_k(out.hyper_log_weights[g])},
        curve_stats={
            "particle_ess": out.curve_ess[rows],
            "pareto_k": np.array([_pareto_k(np.log(w + 1e-300)) for w in out.particle_weights[rows]]),
            "tempering": out.power[rows],
        },
    )


def _pareto_k(log_weights: np.ndarray) -> float:
    """Largest Pareto k over chains of log importance weights [chain, particle] (Vehtari et al. 2024), by ArviZ.

    ArviZ takes log likelihoods, whose weights are their reciprocals: hence the sign.
    """
    from arviz_stats.base.array import array_stats

    near = np.maximum(log_weights - log_weights.max(-1, keepdims=True), -30.0)  # its tail fit overflows on wider ranges
    return float(np.max(array_stats.psislw(-near, axis=-1)[1]))


LEAST_ESS = 100.0  # effective particles, of hyper-parameters and of each curve, below which draws are not kept
GOOD_ESS = 1000.0  # below which a group is sampled again with more particles
HEAVY = 0.7  # Pareto k of the weights from which on an effective number cannot be believed (Vehtari et al. 2024)


def weakest(draws: GroupDraws) -> float:
    """The smallest effective number of particles: of the group's hyper-parameters, or of one of its curves.

    Weights with a heavy tail count a fifth: their effective number flatters them.
    """
    heaviest = max(draws.stats["hyper_pareto_k"], float(draws.curve_stats["pareto_k"].max()))
    smallest = min(draws.stats["hyper_ess"], float(draws.curve_stats["particle_ess"].min()))
    return smallest * (0.2 if heaviest > HEAVY else 1.0)
