"""The reference engine: NUTS through nutpie, on the PyMC model or on the same density by a Kalman filter in JAX.

The PyMC model is written independently of the default engine and shares no likelihood with it, so it can serve as a
reference. Its dense covariance costs the cube of the number of points: with seventy points a gradient takes two hundred
times as long as with the filter, which tests hold equal to it in value and gradient. Curves of many sizes therefore use
the filter.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Literal

import numpy as np

from forecaster.inference.engines.interface import GroupDraws
from forecaster.model import pymc_model
from forecaster.model.design import LOCAL, Design

TARGET_ACCEPT = 0.97  # exponent and floor are correlated and need small steps
KEPT = 8  # compiled models that a process keeps; the oldest goes first
MANY_SIZES = 32  # sizes per curve from which the filter is faster, although nutpie calls it through Python
Density = Literal["pymc", "jax"]
_compiled: dict[Any, Any] = {}


def compiled_for(design: Design, tell: Callable[[str], None] = lambda _: None) -> Any:
    """The compiled model for ``design``, compiled once for each ``model.graph_of`` and then given new data.

    Neither the starting points nor anything else but the data differ between designs of one graph, so draws do not
    depend on what was sampled before.
    """
    import nutpie

    graph = pymc_model.graph_of(design)
    if graph not in _compiled:
        tell("compiling the model")
        while len(_compiled) >= KEPT:
            _compiled.pop(next(iter(_compiled)))
        _compiled[graph] = nutpie.compile_pymc_model(pymc_model.build(design), freeze_model=False)
    return _compiled[graph].with_data(**pymc_model.data_of(design))


def density_for(design: Design) -> Density:
    """The faster of both for these curves."""
    return "jax" if max(len(c.x) for c in design.curves) > MANY_SIZES else "pymc"


def filtered_for(design: Design) -> Any:
    """The same density by the filter in JAX, for nutpie."""
    import jax
    from nutpie.compiled_pyfunc import from_pyfunc

    from forecaster.inference.engines.ensemble.batch import batch_of
    from forecaster.inference.engines.ensemble.likelihood import needed
    from forecaster.model import density

    batch = batch_of([design])
    curves = needed(batch.curves, batch.shape)
    program = jax.jit(jax.value_and_grad(density.of_free_variables(design, curves, design.slope_memory)))
    named = jax.jit(lambda free: density.split_free(design, free))
    count = len(design.curves)
    shapes = [(design.hyper_mean.size - 2,), (2,), (count,), *[(count,)] * len(LOCAL)]
    names = ["centre", "log_spread", "level", *LOCAL]
    size = design.hyper_mean.size + count * (1 + len(LOCAL))

    def log_density() -> Callable[[np.ndarray], tuple[float, np.ndarray]]:
        def found(free: np.ndarray) -> tuple[float, np.ndarray]:
            with jax.enable_x64(True):  # a setting of the thread
                value, slope = program(free)
            return float(value), np.asarray(slope)

        return found

    def expand(*_: int) -> Callable[[np.ndarray], dict[str, np.ndarray]]:
        def found(free: np.ndarray) -> dict[str, np.ndarray]:
            with jax.enable_x64(True):
                *outer, local = (np.asarray(v) for v in named(free))
            return dict(zip(names, [*outer, *local], strict=True))

        return found

    def start(seed: int) -> np.ndarray:
        """Near the priors' means, at the measured levels."""
        rng = np.random.default_rng(seed)
        level = np.array([c.y[0] for c in design.curves])
        hyper = design.hyper_mean + 0.3 * design.hyper_sd * rng.standard_normal(design.hyper_mean.size)
        return np.concatenate([hyper, level, 0.3 * rng.standard_normal(len(LOCAL) * count)])

    kinds = [np.dtype(float)] * len(names)
    return from_pyfunc(size, log_density, expand, kinds, shapes, names, make_initial_point_fn=start)


def sample(
    design: Design,
    *,
    seed: int,
    chains: int = 4,
    draws: int = 1500,
    tune: int = 1000,
    target_accept: float = TARGET_ACCEPT,
    cores: int | None = None,
    density: Density | None = None,
    on_progress: Callable[[str], None] | None = None,
) -> GroupDraws:
    """Posterior draws of one group; ``on_progress`` is called with what begins.

    ``cores`` are those that chains may use at once (default: all); the draws do not depend on it. ``density`` names
    what is sampled: the PyMC model or the filter in JAX (None: by the number of sizes).
    """
    import nutpie

    tell = on_progress or (lambda _: None)
    chosen = density or density_for(design)
    compiled = compiled_for(design, tell) if chosen == "pymc" else filtered_for(design)
    tell("sampling")
    trace = nutpie.sample(
        compiled,
        draws=draws,
        tune=tune,
        chains=chains,
        seed=seed,
        cores=cores,
        target_accept=target_accept,
        adaptation="low_rank",
        progress_bar=False,
    )
    posterior = trace.posterior
    values = [posterior[name].values for name in ("level", *LOCAL)]
    diverging = trace.sample_stats["diverging"].values
    return GroupDraws(
        centre=posterior["centre"].values,
        log_spread=posterior["log_spread"].values,
        values=np.stack(values, -1),
        engine="nuts",
        stats={"divergences": float(diverging.sum()), "transitions": float(diverging.size)},
    )
