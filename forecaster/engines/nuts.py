"""The reference engine: NUTS on the PyMC model, through nutpie."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from forecaster import model
from forecaster.design import LOCAL, Design
from forecaster.engines.draws import GroupDraws

TARGET_ACCEPT = 0.97  # ridges between exponent and floor need small steps
KEPT = 8  # compiled models that a process keeps; the oldest goes first
_compiled: dict[Any, Any] = {}


def compiled_for(design: Design, tell: Callable[[str], None] = lambda _: None) -> Any:
    """The model compiled for ``design``: compiled once for each ``model.graph_of``, then given other data.

    Neither the starting points nor anything else but the data differ between designs of one graph, so draws do not
    depend on what was sampled before.
    """
    import nutpie

    graph = model.graph_of(design)
    if graph not in _compiled:
        tell("compiling the model")
        while len(_compiled) >= KEPT:
            _compiled.pop(next(iter(_compiled)))
        _compiled[graph] = nutpie.compile_pymc_model(model.build(design), freeze_model=False)
    return _compiled[graph].with_data(**model.data_of(design))


def sample(
    design: Design,
    *,
    seed: int,
    chains: int = 4,
    draws: int = 1500,
    tune: int = 1000,
    target_accept: float = TARGET_ACCEPT,
    cores: int | None = None,
    on_progress: Callable[[str], None] | None = None,
) -> GroupDraws:
    """Draws of one group's posterior; ``on_progress`` is told what begins.

    ``cores`` are those that chains may use at once (default: all); the draws do not depend on it.
    """
    import nutpie

    tell = on_progress or (lambda _: None)
    compiled = compiled_for(design, tell)
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
