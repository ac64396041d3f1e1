"""From an engine's draws to a posterior with named dimensions."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from importlib.metadata import version
from typing import TYPE_CHECKING, Any

import numpy as np

from forecaster.curves.learning_curves import Group, LearningCurves
from forecaster.domains.domain import Domain
from forecaster.inference import datatree
from forecaster.inference.engines.interface import GroupDraws
from forecaster.inference.posterior import Posterior
from forecaster.model.design import design_of

if TYPE_CHECKING:
    import xarray as xr


def assemble(
    curves: LearningCurves,
    cards: Mapping[Group, Domain],
    draws: Sequence[GroupDraws],
    *,
    seed: int,
    settings: Mapping[str, Any] | None = None,
    set_aside: LearningCurves | None = None,
) -> Posterior:
    """Name the dimensions of the engine's draws (one :class:`GroupDraws` for each of ``curves.groups``)."""
    import xarray as xr

    designs = [design_of(curves, g, cards[g]) for g in curves.groups]
    centre, log_spread = (np.stack([getattr(d, name) for d in draws], 2) for name in ("centre", "log_spread"))
    values = np.concatenate([d.values for d in draws], 2)
    tree = xr.DataTree.from_dict(
        {
            "/posterior": datatree.parameters(designs, centre, log_spread, values),
            "/sample_stats": _sample_stats(curves, draws),
            "/observed_data": datatree.observed(designs),
            "/constant_data": datatree.constants(designs),
        }
        | datatree.measurements(curves, set_aside)
    )
    tree.attrs = _manifest(curves, cards, draws, seed, settings or {})
    return Posterior(tree, curves, dict(cards), set_aside)


def _sample_stats(curves: LearningCurves, draws: Sequence[GroupDraws]) -> xr.Dataset:
    """Sampling statistics of the engines, by group and by curve; NaN where an engine gives none."""
    import xarray as xr

    stats: dict[str, Any] = {}
    for k in sorted({k for d in draws for k in d.stats}):
        stats[k] = ("domain_task", np.array([d.stats.get(k, np.nan) for d in draws]))
    missing = [np.full(d.values.shape[2], np.nan) for d in draws]
    for k in sorted({k for d in draws for k in d.curve_stats}):
        parts = [np.asarray(d.curve_stats.get(k, m), dtype=float) for d, m in zip(draws, missing, strict=True)]
        stats[k] = ("curve", np.concatenate(parts))
    stats["engine"] = ("domain_task", np.array([d.engine for d in draws]))
    coords = {"domain_task": ["/".join(group) for group in curves.groups], "curve": [c.label for c in curves.curves]}
    return xr.Dataset(stats, coords)


def _manifest(
    curves: LearningCurves,
    cards: Mapping[Group, Domain],
    draws: Sequence[GroupDraws],
    seed: int,
    settings: Mapping[str, Any],
) -> dict[str, Any]:
    packages = ("forecaster", "numpy", "pandas", "xarray", "jax" if draws[0].engine == "jax" else "pymc")
    return datatree.of_the_groups(curves, cards, [d.engine for d in draws]) | {
        "schema": datatree.SCHEMA,
        "seed": seed,
        "settings": json.dumps(dict(settings)),
        "versions": json.dumps({name: version(name) for name in packages}),
    }
