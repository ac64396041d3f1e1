"""The fast engine: groups of curves are padded to a few shapes, batched, and sampled by a few compiled programs."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from forecaster._support import workers
from forecaster.inference.engines import mixing
from forecaster.inference.engines.draws import GroupDraws
from forecaster.inference.engines.shapes import LENGTHS, WIDTHS, padded_to
from forecaster.model import pymc_model
from forecaster.model.design import Design

TOGETHER = 32  # curves that run together at the most, unless one group has more: bounds memory
THREADS = 4  # batches in threads: beyond, they wait for one another
CHAINS = 4
FEW = 8  # groups up to which each is sampled until its draws are worth enough; beyond, until they can be trusted:
MANY_GROUPS = {
    "hypers": 128,
    "hyper_adaptation": 512,
    "enough": 0.45,
    "components": 4,
    "walkers": 130,
    "fitting": 3,
    "most_fits": 4,
    "rounds": 8,
    "kept": 3,
    "worth": 0.0,
    "apart": mixing.APART,
    "sweeps": 8,
}
# Of those, where no curve has more than SHORT sizes: so few leave far tails, which small clouds enter too seldom.
SHORT, SHORT_CURVES = 16, {"particles": 2048, "fitting": 4}
# Other groups, of at most so many curves and sizes: walkers are led to new hyper-parameters and all curves at once. Of
# many curves of many sizes surrogates serve one group in three.
BY_SURROGATES = (
    (8, np.inf, {"surrogates": 12, "fitting": 10, "memory": 0.005}),
    (np.inf, 20, {"surrogates": 12, "fitting": 18, "memory": 0.005, "moved": 0.83, "refits": (3, 7, 12)}),
)
# By clouds, groups of more curves than that, where draws are to be worth enough: more clouds err together, and more
# quantities have a larger R-hat among them, and a smaller effective size. Many curves also make modes narrow: of two
# modes, one adaptation often finds one.
LARGE = {
    size: {"particles": particles, "apart": 1.02, "worth": 0.3, "starts": 4, "fitting": 7}
    for size, particles in ((8, 2048), (16, 3072))
}


def cache_folder() -> Path | None:
    """Where compiled programs are kept between processes; None where nothing can be."""
    from platformdirs import user_cache_path

    folder = user_cache_path("forecaster") / "compiled"
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError:
        return None
    return folder if os.access(folder, os.W_OK) else None


def sample(
    designs: Sequence[Design],
    *,
    seed: int,
    draws: int = 1000,
    on_progress: Callable[[str, float], None] | None = None,
    cache: bool = True,
) -> list[GroupDraws]:
    """Draws of each group's posterior, in the order of ``designs``.

    Beyond ``FEW`` groups each gets fewer sweeps.
    """
    tell = on_progress or (lambda *_: None)
    chosen = sorted(batches(designs), key=lambda indices: _longest(designs[indices[0]]), reverse=True)
    settings = {} if len(designs) <= FEW else MANY_GROUPS
    work = [Work(indices, [designs[i] for i in indices], seed, draws, settings, cache) for indices in chosen]
    found: dict[int, GroupDraws] = {}

    def told(sweeps: int = 0) -> None:
        so_far = f": sweep {sweeps}" if sweeps and len(work) == 1 else ""
        tell(f"sampling {len(found)} of {len(designs)} groups{so_far}", len(found) / len(designs))

    told()
    for drawn in _side_by_side(work, workers.cores(), told):
        found |= drawn
        told()
    tell("done", 1.0)
    return [found[i] for i in range(len(designs))]


class Work(NamedTuple):
    """A batch of groups, and how to sample it."""

    indices: list[int]  # of the groups among all
    designs: list[Design]
    seed: int
    draws: int
    settings: dict[str, Any]
    cache: bool


def _side_by_side(work: list[Work], cores: int, on_sweep: Callable[[int], None]) -> Iterator[dict[int, GroupDraws]]:
    """Draws of each batch, by index of the group, as they come: one a core, and what cores are left inside them.

    In processes where that pays, which run on the processor: threads wait for one another, as much of a sweep is
    Python, and another device serves one process (a GPU with its 16 cores took three times as long as the cores alone).
    """
    count = workers.worth(len(work))
    if count > 1 and _processor_may_serve():
        yield from workers.shared_out(_alone, work, count, in_order=False)
        return
    beside = max(min(cores, len(work), THREADS), 1)
    with _settled(work[0].cache), ThreadPoolExecutor(beside) as threads:
        waiting = [threads.submit(_drawn, w, cores // beside, on_sweep) for w in work]
        try:
            for done in as_completed(waiting):
                yield done.result()
        finally:
            threads.shutdown(cancel_futures=True)


def _processor_may_serve() -> bool:
    """Whether the user asked JAX for no other device. (This process need not load JAX to know.)"""
    return os.environ.get("JAX_PLATFORMS", "") in ("", "cpu")


@contextmanager
def _settled(cache: bool) -> Iterator[None]:
    """JAX and BLAS set up for what follows."""
    import jax
    from threadpoolctl import threadpool_limits

    from forecaster.inference.engines import clouds, likelihoods, surrogate_sweep

    folder = cache_folder() if cache else None
    jax.config.update("jax_compilation_cache_dir", None if folder is None else str(folder))
    if folder is not None:
        jax.config.update("jax_persistent_cache_min_compile_time_secs", 0.0)
    for program in (likelihoods.program, clouds.program, surrogate_sweep.program):
        program()  # one for all threads
    # Matrix products here are small: threads inside them cost more than they gain.
    with jax.enable_x64(True), threadpool_limits(1, "blas"):
        yield


def _alone(work: Work) -> dict[int, GroupDraws]:
    """A batch in a process of its own, on the processor."""
    import jax

    jax.config.update("jax_platforms", "cpu")
    with _settled(work.cache):
        return _drawn(work, 1, lambda _: None)


def _drawn(work: Work, cores: int, on_sweep: Callable[[int], None]) -> dict[int, GroupDraws]:
    """Draws of one batch, by index of the group."""
    rng = np.random.default_rng([work.seed, work.indices[0]])
    effort = _effort(work.designs, work.draws, work.settings)
    return dict(zip(work.indices, _run(rng, work.designs, effort, cores, on_sweep), strict=True))


def _effort(designs: Sequence[Design], draws: int, settings: dict):
    """How hard to work: sweeps enough for the draws asked for."""
    from forecaster.inference.engines import nested

    most = max(len(d.curves) for d in designs)
    length = max(_length(d) for d in designs)
    usual = nested.Effort(chains=CHAINS, draws=draws)
    if settings:
        return _enough(usual._replace(**settings | (SHORT_CURVES if length <= SHORT else {})))
    large = next((LARGE[size] for size in sorted(LARGE, reverse=True) if most > size), {})
    by_clouds = _enough(usual._replace(**large))
    led = next((led for curves, sizes, led in BY_SURROGATES if most <= curves and length <= sizes), None)
    return _enough(usual._replace(**led, instead=by_clouds)) if led else by_clouds


def _enough(effort):
    """With as many sweeps kept as the draws take."""
    return effort._replace(kept=max(effort.kept, -(-effort.draws // effort.walkers)))


def _length(design: Design) -> int:
    """Sizes of the group's longest curve, padded."""
    return padded_to(max(len(c.x) for c in design.curves), LENGTHS)


def _longest(design: Design) -> tuple[bool, int]:
    """Which of many batches, by one group, takes longest: those of few sizes, with larger clouds, then of many."""
    length = _length(design)
    return length <= SHORT, length


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


def _run(rng: np.random.Generator, designs: list[Design], effort, cores: int, on_sweep) -> list[GroupDraws]:
    from forecaster.inference.engines import sampling

    batch = batch_of(designs)
    out = sampling.posterior(rng, batch, padded_to(len(batch.owner), WIDTHS), effort, cores, on_sweep)
    return [_group(out, g, batch.owner == g) for g in range(len(designs))]


def batch_of(designs: Sequence[Design]):
    """The groups' curves end to end, padded to one number of sizes."""
    from forecaster.inference.engines.likelihoods import Batch
    from forecaster.model import density

    length = max(_length(d) for d in designs)
    data = [pymc_model.padded(d, length) for d in designs]
    counts = [len(d.curves) for d in designs]
    names = ("x", "y", "repeats", "within", "known", "scale", "present")
    stacked = {name: np.concatenate([d[name] for d in data]) for name in names}
    curves = density.CurveArrays(
        **stacked,
        x_ref=np.repeat([d.x_ref for d in designs], counts),
        x_min=np.repeat([d.x_min for d in designs], counts),
        luck=np.array([c.luck for d in designs for c in d.curves]),
    )
    return Batch(
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
            "hyper_memory": float(out.hyper_memory[g]),
            "sweeps": float(out.sweeps[g]),
            "evaluations": float(out.evaluations[rows].mean()),
        },
        curve_stats={"curve_ess": out.curve_ess[rows], "memory": out.curve_memory[rows]},
    )


def trusted(draws: GroupDraws) -> bool:
    """Whether the draws can be kept: enough of them, the start forgotten, chains that lie together."""
    fewest = min(draws.stats["hyper_ess"], float(draws.curve_stats["curve_ess"].min()))
    remembered = max(draws.stats["hyper_memory"], float(draws.curve_stats["memory"].max()))
    chains = (draws.centre, draws.log_spread, *np.moveaxis(draws.values, 2, 0))
    apart = max(float(mixing.r_hat(a[None])[0]) for a in chains)
    return fewest >= mixing.LEAST_ESS and remembered <= mixing.REMEMBERED and apart <= mixing.APART
