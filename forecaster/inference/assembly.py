"""From an engine's draws to a posterior with named dimensions."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from importlib.metadata import version
from typing import TYPE_CHECKING, Any

import numpy as np

from forecaster.curves.learning_curves import Group, LearningCurves
from forecaster.domains.domain import Domain
from forecaster.domains.quantities import CENTRES, LEARNED
from forecaster.inference.engines.interface import GroupDraws
from forecaster.inference.manifest import SCHEMA, of_the_groups, table_dataset
from forecaster.inference.posterior import Posterior
from forecaster.model import law
from forecaster.model.design import design_of

if TYPE_CHECKING:
    pass


def assemble(
    curves: LearningCurves,
    cards: Mapping[Group, Domain],
    draws: Sequence[GroupDraws],
    *,
    seed: int,
    settings: Mapping[str, Any] | None = None,
) -> Posterior:
    """Name the dimensions of the engine's draws (one :class:`GroupDraws` for each of ``curves.groups``)."""
    import xarray as xr

    values = np.concatenate([d.values for d in draws], 2)
    labels = [c.label for c in curves.curves]
    by_curve = ("chain", "draw", "curve")
    data: dict[str, Any] = {name: (by_curve, values[..., i]) for i, name in enumerate(CENTRES)}
    data |= {name: (by_curve, v) for name, v in _derived(curves, cards, values).items()}
    data["centre"] = (("chain", "draw", "group", "quantity"), np.stack([d.centre for d in draws], 2))
    data["log_spread"] = (("chain", "draw", "group", "learned"), np.stack([d.log_spread for d in draws], 2))
    groups = ["/".join(group) for group in curves.groups]
    coords = {
        "curve": labels,
        "domain": ("curve", [c.domain for c in curves.curves]),
        "task": ("curve", [c.task for c in curves.curves]),
        "architecture": ("curve", [c.architecture for c in curves.curves]),
        "group": groups,
        "quantity": list(CENTRES),
        "learned": list(LEARNED),
        "chain": np.arange(values.shape[0]),
        "draw": np.arange(values.shape[1]),
    }
    names = sorted({k for d in draws for k in d.stats})
    stats = {k: ("group", np.array([d.stats.get(k, np.nan) for d in draws])) for k in names}
    names = sorted({k for d in draws for k in d.curve_stats})
    missing = [np.full(d.values.shape[2], np.nan) for d in draws]
    for k in names:
        parts = [np.asarray(d.curve_stats.get(k, m), dtype=float) for d, m in zip(draws, missing, strict=True)]
        stats[k] = ("curve", np.concatenate(parts))
    stats["engine"] = ("group", np.array([d.engine for d in draws]))
    tree = xr.DataTree.from_dict(
        {
            "/posterior": xr.Dataset(data, coords),
            "/sample_stats": xr.Dataset(stats, {"group": groups, "curve": labels}),
            "/observed_data": table_dataset(curves.table),
        }
    )
    tree.attrs = _manifest(curves, cards, draws, seed, settings or {})
    return Posterior(tree, curves, dict(cards))


def _derived(curves: LearningCurves, cards: Mapping[Group, Domain], values: np.ndarray) -> dict[str, np.ndarray]:
    """Exponent, floor and alpha of each draw, [chain, draw, curve]."""
    designs = [design_of(curves, g, cards[g]) for g in curves.groups]
    x_ref, x_min = np.array([(d.x_ref, d.x_min) for d in designs for _ in d.curves]).T
    level, log_exponent, log_break, floor_logit = (values[..., i] for i in range(4))
    sharpness = np.exp(values[..., -1])
    log_alpha = law.log_alpha(np, x_ref, level, log_exponent, x_min + log_break, floor_logit, sharpness)
    return {
        "exponent": np.exp(log_exponent),
        "floor": law.floor(np, level, floor_logit),
        "alpha": np.exp(np.clip(log_alpha, -700.0, 700.0)),
    }


def _manifest(curves, cards, draws, seed, settings) -> dict[str, Any]:
    packages = ("forecaster", "numpy", "pandas", "xarray", "jax" if draws[0].engine == "jax" else "pymc")
    return of_the_groups(curves, cards, [d.engine for d in draws]) | {
        "schema": SCHEMA,
        "seed": seed,
        "settings": json.dumps(dict(settings)),
        "versions": json.dumps({name: version(name) for name in packages}),
    }
