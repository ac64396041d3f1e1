"""The fast engine: groups of curves are padded to a few shapes, batched, and sampled by one compiled program."""

from __future__ import annotations

import importlib
import threading
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np

from forecaster import model
from forecaster.design import Design
from forecaster.engines.draws import GroupDraws

WIDTHS = (1, 2, 3, 4, 5, 6, 8, 12, 16, 24, 32, 48, 64)  # curves that run together, padded
LENGTHS = (8, 12, 16, 24, 32, 48, 64, 96, 128, 192, 256, 384, 512)  # sizes a curve, padded
TOGETHER = 64  # curves that run together at the most, unless one group has more: bounds memory
CHAINS = 4
FEW = 4  # groups up to which each is sampled with the most particles; beyond, with these:
MANY_GROUPS = {"particles": 1024, "adaptation": 1024, "hypers": 1024, "hyper_adaptation": 512, "components": 4} | {
    "refinements": 1
}
# How the sampling of a batch goes on where its weights are too few: from where it was, with more of everything.
LONGER = (
    {"stages": 0, "particles": 4096, "hypers": 6144},
    {"stages": 1, "adaptation": 4096, "particles": 6144, "hypers": 6144},
    {"stages": 1, "adaptation": 8192, "particles": 12288, "hypers": 6144},
)
MANY_LONGER = ({"stages": 1, "particles": 2048, "adaptation": 2048, "hyper_adaptation": 1024},)


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
    patient: bool = False,
    on_progress: Callable[[str, float], None] | None = None,
    cache: bool = True,
) -> list[GroupDraws]:
    """Draws of each group's posterior, in the order of ``designs``; beyond ``FEW`` each with fewer particles.

    ``patient``: where the weights of a group are too few to trust, its sampling goes on with more particles.
    """
    import jax

    from forecaster.engines import nested

    tell = on_progress or (lambda *_: None)
    # Its import takes as long as the sampling, and is only needed afterwards.
    threading.Thread(target=importlib.import_module, args=("arviz_stats.base.array",)).start()
    if cache:
        jax.config.update("jax_compilation_cache_dir", str(cache_folder()))
        jax.config.update("jax_persistent_cache_min_compile_time_secs", 0.0)
    effort = nested.Effort(chains=CHAINS, draws=draws)
    many = len(designs) > FEW
    if many:
        effort = effort._replace(**MANY_GROUPS)
    efforts = [effort, *(effort._replace(**more) for more in (MANY_LONGER if many else LONGER) if patient)]
    enough = LEAST_OF_MANY if many else GOOD_ESS
    found: dict[int, GroupDraws] = {}
    with jax.enable_x64(True):
        for indices in batches(designs):
            tell(f"sampling {len(found)} of {len(designs)} groups", len(found) / len(designs))
            rng = np.random.default_rng([seed, indices[0]])
            for i, one in zip(indices, _run(rng, [designs[i] for i in indices], efforts, enough), strict=True):
                found[i] = one
    tell("done", 1.0)
    return [found[i] for i in range(len(designs))]


def _length(design: Design) -> int:
    """Sizes of the group's longest curve, padded."""
    return padded_to(max(len(c.x) for c in design.curves), LENGTHS)


def batches(designs: Sequence[Design]) -> list[list[int]]:
    """Groups of one padded length, so many at a time as TOGETHER allows."""
    out: list[list[int]] = []
    room, last = 0, 0
    for i in sorted(range(len(designs)), key=lambda i: (_length(designs[i]), i)):
        size, length = len(designs[i].curves), _length(designs[i])
        if not out or size > room or length != last:
            out.append([])
            room, last = TOGETHER, length
        out[-1].append(i)
        room -= size
    return out


def _run(rng: np.random.Generator, designs: list[Design], efforts: Sequence, enough: float) -> list[GroupDraws]:
    """Each of ``efforts`` in turn, until every group's weights are worth ``enough``; of each group the best draws."""
    from forecaster.engines import nested

    batch = batch_of(designs)
    width = padded_to(len(batch.owner), WIDTHS)
    found: list[GroupDraws] = []
    proposals = None
    for effort in efforts:
        out = nested.posterior(rng, batch, width, effort, proposals)
        proposals = out.proposals
        new = [_group(out, g, batch.owner == g) for g in range(len(designs))]
        found = [max(two, key=weakest) for two in zip(found, new, strict=True)] if found else new
        if min(map(weakest, found)) >= enough:
            break
    return found


def batch_of(designs: Sequence[Design]):
    """The groups' curves end to end, padded to one number of sizes."""
    from forecaster import density
    from forecaster.engines import nested

    length = max(_length(d) for d in designs)
    data = [model.padded(d, length) for d in designs]
    counts = [len(d.curves) for d in designs]
    names = ("x", "y", "repeats", "within", "known", "present")
    stacked = {name: np.concatenate([d[name] for d in data]) for name in names}
    curves = density.CurveArrays(
        **stacked,
        x_ref=np.repeat([d.x_ref for d in designs], counts),
        x_min=np.repeat([d.x_min for d in designs], counts),
    )
    return nested.Batch(
        curves,
        density.Constants(
            slope_memory=np.repeat([d.slope_memory for d in designs], counts),
            steady=np.repeat([d.steady for d in designs], counts),
        ),
        np.repeat(np.arange(len(designs)), counts),
        np.stack([d.hyper_mean for d in designs]),
        np.stack([d.hyper_sd for d in designs]),
        np.stack([d.spread_fixed for d in designs]),
        np.concatenate([d.effects for d in designs]),
    )


def _group(out, g: int, rows: np.ndarray) -> GroupDraws:
    """Cut one group out of a batch; ``rows`` are its curves."""
    return GroupDraws(
        centre=out.hyper[g, :, :, :-2],
        log_spread=out.hyper[g, :, :, -2:],
        values=np.moveaxis(out.values[rows], 0, 2),
        engine="jax",
        stats={
            "hyper_ess": float(out.hyper_ess[g]),
            "hyper_pareto_k": _pareto_k(out.hyper_log_weights[g]),
            "evaluations": float(out.evaluations[rows].mean()),
        },
        curve_stats={
            "particle_ess": out.curve_ess[rows],
            "pareto_k": np.array([_pareto_k(np.log(w + 1e-300)) for w in out.particle_weights[rows]]),
            "tempering": out.proposals.power[rows],
        },
    )


def _pareto_k(log_weights: np.ndarray) -> float:
    """Pareto k of log importance weights [chain, particle] (Vehtari et al. 2024), by ArviZ, over all chains.

    The chains sample one proposal, so their weights are one sample, up to each chain's own normalisation. ArviZ takes
    log likelihoods, whose weights are their reciprocals: hence the sign.
    """
    from arviz_stats.base.array import array_stats

    near = log_weights - np.log(np.exp(log_weights - log_weights.max(-1, keepdims=True)).mean(-1, keepdims=True))
    near = (near - log_weights.max(-1, keepdims=True)).ravel()
    near = np.maximum(near - near.max(), -30.0)  # its tail fit overflows on wider ranges
    return float(array_stats.psislw(-near, axis=-1)[1])


LEAST_OF_MANY = 25.0  # the same where a batch of many groups is sampled, which shall not wait for the worst
LEAST_ESS = 100.0  # effective particles, of hyper-parameters and of each curve, below which draws are not kept
GOOD_ESS = 1000.0  # below which a group is sampled again with more particles
APART = 1.01  # R-hat of the chains above which their effective number cannot be believed either
HEAVY = 0.7  # Pareto k of the weights from which on an effective number cannot be believed (Vehtari et al. 2024)


def weakest(draws: GroupDraws) -> float:
    """The smallest effective number of particles: of the group's hyper-parameters, or of one of its curves.

    Weights with a heavy tail count a fifth, and so do chains that lie apart: their effective number flatters them.
    """
    heaviest = max(draws.stats["hyper_pareto_k"], float(draws.curve_stats["pareto_k"].max()))
    smallest = min(draws.stats["hyper_ess"], float(draws.curve_stats["particle_ess"].min()))
    apart = max(r_hat(draws.centre), r_hat(draws.log_spread), r_hat(draws.values))
    return smallest * (0.2 if heaviest > HEAVY or apart > APART else 1.0)


def r_hat(draws: np.ndarray) -> float:
    """The largest R-hat (Gelman & Rubin 1992) of quantities [chain, draw, ...], unsplit: these chains have no trend."""
    count = draws.shape[1]
    between, within = draws.mean(1).var(0, ddof=1), draws.var(1, ddof=1).mean(0)
    return float(np.sqrt((count - 1) / count + between / np.maximum(within, 1e-300)).max())
