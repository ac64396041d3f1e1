"""Posteriors made without sampling: chosen draws around chosen curves, for tests of what reads a posterior."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd

from forecaster.curves.reading.read import read_curves
from forecaster.domains.loading import load_card
from forecaster.domains.quantities import CENTRES
from forecaster.inference.assembly import assemble
from forecaster.inference.engines.interface import GroupDraws
from forecaster.inference.posterior import Posterior
from forecaster.model import law as laws

GROUP = ("vision", "top-1")
SIZES = (1_000, 3_000, 10_000, 30_000, 100_000)
CHAINS = 4
SHARPNESS = float(np.log(2.0))  # log of the nats over which the plateau turns
STILL = -30.0  # log drift of a curve that does not leave its law


def values(
    draws: int = 400,
    *,
    level: float = -2.0,
    exponent: float = 0.3,
    log_break: float = 0.5,
    floor_logit: float = -3.0,
    log_noise: float = -5.0,
    log_drift: float = STILL,
    log_slope: float = STILL,
    log_sharpness: float = SHARPNESS,
    sd: Mapping[str, float] | None = None,
    seed: int = 0,
) -> np.ndarray:
    """Draws of one curve's parameters around the given ones, [draw, 8]; ``sd`` by name of ``CENTRES``."""
    middle = np.array([level, np.log(exponent), log_break, floor_logit, log_noise, log_drift, log_slope, log_sharpness])
    scale = np.array([(sd or {}).get(name, 0.0) for name in CENTRES])
    return middle + scale * np.random.default_rng(seed).standard_normal((draws, len(CENTRES)))


def posterior(
    curves: Mapping[str, np.ndarray],
    *,
    sizes: Sequence[float] | Mapping[str, Sequence[float]] = SIZES,
    error: Mapping[str, Sequence[float]] | None = None,
    seeds: int = 2,
    centre: np.ndarray | None = None,
    stats: Mapping[str, float] | None = None,
    curve_stats: Mapping[str, Sequence[float]] | None = None,
    card: str = "generic-error-rate",
) -> Posterior:
    """A posterior with these draws [draw, 8] by architecture (or ``domain/task/architecture``).

    Measured errors lie on the law of the mean draw unless ``error`` gives them by size; the group's centre
    follows the prior of ``card`` unless given, [draw, 8].
    """
    named = {name if "/" in name else "/".join((*GROUP, name)): drawn for name, drawn in curves.items()}
    known = load_card(card)
    grid = {label: _of(sizes, label) for label in named}
    rows = []
    for label, drawn in named.items():
        key, own = label.split("/"), grid[label]
        group = [np.log(grid[other]) for other in named if other.split("/")[:2] == key[:2]]
        x_ref, x_min = max(g.max() for g in group), min(g.min() for g in group)
        given = (error or {}).get(label, (error or {}).get(key[2]))
        y = np.asarray(given) if given is not None else np.exp(law(drawn.mean(0), own, x_ref, x_min, known))
        rows += [(*key, n, e, s) for n, e in zip(own, y, strict=True) for s in range(seeds)]
    table = pd.DataFrame(rows, columns=["domain", "task", "architecture", "n", "error", "seed"])
    read = read_curves(table)
    found = []
    for group in read.groups:
        labels = [c.label for c in read.curves if (c.domain, c.task) == group]
        drawn = np.stack([named[label] for label in labels], 1)  # [draw, curve, 8]
        shape = (CHAINS, len(drawn) // CHAINS)
        rng = np.random.default_rng(1)
        hyper = known.hyper_mean + 0.3 * known.hyper_sd * rng.standard_normal((*shape, len(known.hyper_mean)))
        middle = hyper[..., :-2] if centre is None else centre.reshape(*shape, len(CENTRES))
        found.append(
            GroupDraws(
                centre=middle,
                log_spread=hyper[..., -2:],
                values=drawn.reshape(*shape, len(labels), len(CENTRES)),
                engine="synthetic",
                stats=stats or {},
                curve_stats={k: np.asarray(v, dtype=float) for k, v in (curve_stats or {}).items()},
            )
        )
    return assemble(read, dict.fromkeys(read.groups, known), found, seed=0)


def on_test_set(found: Posterior, n_test: int) -> Posterior:
    """The same posterior, its errors measured on a test set of so many cases."""
    return Posterior(found.tree, read_curves(found.curves.table.assign(n_test=n_test)), found.cards)


def law(parameters: np.ndarray, n: np.ndarray, x_ref: float, x_min: float, card=None) -> np.ndarray:
    """Log error of the law at sizes ``n`` for one curve's parameters."""
    level, log_exponent, log_break, floor_logit = parameters[:4]
    sharpness = np.exp(parameters[-1])
    x = np.log(np.asarray(n, dtype=float))
    return laws.log_error(np, x, x_ref, level, log_exponent, x_min + log_break, floor_logit, sharpness)


def _of(sizes, label: str) -> np.ndarray:
    own = sizes.get(label, sizes.get(label.split("/")[2])) if isinstance(sizes, Mapping) else sizes
    return np.asarray(own, dtype=float)
