"""The engine: groups of curves are padded to a few shapes, batched and sampled by a few compiled programs."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from jaxtyping import Bool

from forecaster._support import workers
from forecaster.inference.engines.ensemble import convergence, settings
from forecaster.inference.engines.ensemble.batch import Shape, batch_of, batches, length_of
from forecaster.inference.engines.ensemble.executors import Serial, threads
from forecaster.inference.engines.ensemble.settings import Settings
from forecaster.inference.engines.interface import LEAST_ESS, MOST_MEMORY, MOST_R_HAT, GroupDraws
from forecaster.model.design import Design

if TYPE_CHECKING:
    from forecaster.inference.engines.ensemble.run import Draws, JudgeChains


def cache_folder() -> Path | None:
    """The folder for compiled programs; None where none can be written."""
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
    like: Sequence[Design] | None = None,
) -> list[GroupDraws]:
    """Posterior draws of each group, in the order of ``designs``; ``draws`` per chain.

    With more than ``settings.MANY`` groups, each gets fewer sweeps. ``on_progress`` is called with what is being done
    and the share done. ``like`` are groups that were sampled before, one for each, of no fewer sizes: each gets fewer
    sweeps, too, and arrays as large as theirs, so that nothing is compiled again.
    """
    tell = on_progress or (lambda *_: None)
    many, again = len(designs) > settings.MANY, like is not None
    shaped = like or designs
    chosen = sorted(batches(designs, like), key=lambda indices: _longest(shaped[indices[0]]), reverse=True)
    work = []
    for at in chosen:
        own, shape = [designs[i] for i in at], None if like is None else Shape.of([*dict.fromkeys(like[i] for i in at)])
        work.append(Work(at, own, seed, settings_for(own, draws, many, again), cache, shape))
    found: dict[int, GroupDraws] = {}

    def told(sweeps: int = 0) -> None:
        so_far = f": sweep {sweeps}" if sweeps and len(work) == 1 else ""
        tell(f"sampling {len(found)} of {len(designs)} groups{so_far}", len(found) / len(designs))

    tell("compiling", 0.0)  # and adapting, until the first sweep
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
    effort: Settings
    cache: bool
    shape: Shape | None = None


def _side_by_side(work: list[Work], cores: int, on_sweep: Callable[[int], None]) -> Iterator[dict[int, GroupDraws]]:
    """Draws of each batch by group index, as batches finish: one batch per core, further cores within batches.

    In processes on the CPU where that is faster: threads wait for one another, since much of a sweep is Python, and
    another device serves one process only (a GPU with 16 cores took three times as long as the cores alone).
    """
    count = workers.worth(len(work))
    if count > 1 and _processor_may_serve():
        yield from workers.shared_out(_alone, work, count, in_order=False)
        return
    beside = max(min(cores, len(work), settings.THREADS), 1)
    with _configured(work[0].cache), ThreadPoolExecutor(beside) as pool:
        waiting = [pool.submit(_drawn, w, cores // beside, on_sweep) for w in work]
        try:
            for done in as_completed(waiting):
                yield done.result()
        finally:
            pool.shutdown(cancel_futures=True)


def _processor_may_serve() -> bool:
    """Whether the user asked JAX for no other device; found without loading JAX."""
    return os.environ.get("JAX_PLATFORMS", "") in ("", "cpu")


@contextmanager
def _configured(cache: bool) -> Iterator[None]:
    """Set up compiled programs and BLAS for a block of code."""
    from threadpoolctl import threadpool_limits

    from forecaster.inference.engines.ensemble import compilation

    compilation.keep_in(cache_folder() if cache else None)
    # The matrix products are small: threads inside them cost more than they gain.
    with threadpool_limits(1, "blas"):
        yield


def _alone(work: Work) -> dict[int, GroupDraws]:
    """Sample a batch in its own process, on the CPU."""
    import jax

    jax.config.update("jax_platforms", "cpu")
    with _configured(work.cache):
        return _drawn(work, 1, lambda _: None)


def _drawn(work: Work, cores: int, on_sweep: Callable[[int], None]) -> dict[int, GroupDraws]:
    """Draws of one batch, by index of the group."""
    rng = np.random.default_rng([work.seed, work.indices[0]])
    found = sample_batch(rng, work.designs, work.effort, cores, on_sweep, shape=work.shape)
    return dict(zip(work.indices, found, strict=True))


def sample_batch(
    rng: np.random.Generator,
    designs: Sequence[Design],
    effort: Settings,
    cores: int = 1,
    on_sweep: Callable[[int], None] = lambda _: None,
    check: JudgeChains | None = None,
    shape: Shape | None = None,
) -> list[GroupDraws]:
    """Draws of each group, on this many cores; ``check`` judges convergence (default: ``run.checked``).

    Chains run in parallel threads, which wait less than threads that share the curves of one chain. Only cores beyond
    one per chain are used for the latter.
    """
    from forecaster.inference.engines.ensemble import run
    from forecaster.inference.engines.ensemble.kernels import adaptation
    from forecaster.inference.engines.ensemble.kernels.particle_gibbs import ParticleGibbs
    from forecaster.inference.engines.ensemble.likelihood import Target, likelihood_of

    batch, beside = batch_of(designs, shape), min(cores, effort.chains)
    with ExitStack() as stack:
        pool, executor = threads(stack, cores), threads(stack, beside)
        proposals, evaluations = adaptation.adapted(rng, Target.of(batch, likelihood_of(batch, pool)), effort, pool)
        inside = pool if cores > beside else Serial()
        kernel = ParticleGibbs(Target.of(batch, likelihood_of(batch, inside)), proposals, effort, inside)
        out = run.sampled(rng, kernel, effort, executor, evaluations, on_sweep, check or run.checked)
    return [_group(out, g, batch.owner == g) for g in range(len(designs))]


def settings_for(designs: Sequence[Design], draws: int, many: bool, again: bool = False) -> Settings:
    """The settings for a batch of these groups; ``many``: whether there are many in all; ``again``: in less time."""
    short = max(length_of(d) for d in designs) <= settings.SHORT
    if many:
        chosen = settings.MANY_SHORT_GROUPS if short else settings.MANY_GROUPS
    else:
        most = max(len(d.curves) for d in designs)
        chosen = next(effort for curves, effort in settings.FEW_BY_CURVES if most <= curves)
        chosen = chosen._replace(**settings.AGAIN) if again else chosen
    return chosen._replace(draws=draws, kept=max(chosen.kept, -(-draws // chosen.walkers)))


def _longest(design: Design) -> tuple[bool, int]:
    """Sort key by one group of a batch, slowest first: few sizes (more particles), then many sizes."""
    length = length_of(design)
    return length <= settings.SHORT, length


def _group(out: Draws, g: int, rows: Bool[np.ndarray, " curve"]) -> GroupDraws:
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
    """Whether the draws can be trusted: effective sample size, burn-in and R-hat."""
    fewest = min(draws.stats["hyper_ess"], float(draws.curve_stats["curve_ess"].min()))
    memory = max(draws.stats["hyper_memory"], float(draws.curve_stats["memory"].max()))
    quantities = (draws.centre, draws.log_spread, *np.moveaxis(draws.values, 2, 0))
    largest = max(float(convergence.r_hat(a[None])[0]) for a in quantities)
    return fewest >= LEAST_ESS and memory <= MOST_MEMORY and largest <= MOST_R_HAT
