"""The reference engine: NUTS on the PyMC model, through nutpie."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from forecaster import model
from forecaster.design import LOCAL, Design
from forecaster.engines.draws import GroupDraws

TARGET_ACCEPT = 0.97  # ridges between exponent and floor need small steps


def sample(
    design: Design,
    *,
    seed: int,
    chains: int = 4,
    draws: int = 1500,
    tune: int = 1000,
    on_progress: Callable[[str], None] | None = None,
) -> GroupDraws:
    """Draws of one group's posterior; ``on_progress`` is told what begins."""
    import nutpie

    tell = on_progress or (lambda _: None)
    tell("compiling the model")
    compiled = nutpie.compile_pymc_model(model.build(design))
    tell("sampling")
    trace = nutpie.sample(
        compiled,
        draws=draws,
        tune=tune,
        chains=chains,
        seed=seed,
        target_accept=TARGET_ACCEPT,
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
