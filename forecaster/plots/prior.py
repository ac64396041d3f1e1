"""Figure of a card's prior predictive distribution, which docs/model.md shows for the image card."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from forecaster._support.frames import Table
from forecaster.checks.prior_predictive import prior_paths
from forecaster.domains.domain import Domain
from forecaster.plots.style import PALETTE, WIDTH, log_axes
from forecaster.results.wording import Units

RUN_AWAY = 500.0  # of log error: beyond it a drawn curve has run away, and its error is no number


def prior_predictive_table(
    card: Domain, sizes: Sequence[float] | None = None, *, draws: int = 400, seed: int = 0
) -> pd.DataFrame:
    """Curves drawn from a card's prior, drift included: ``draw, n, error``; ``sizes`` default to three decades."""
    rng = np.random.default_rng(seed)
    x = np.log(np.geomspace(1e3, 1e6, 31) if sizes is None else np.sort(np.asarray(sizes, dtype=float)))
    paths = prior_paths(card, x, x[-1], x[0], draws, rng)[0]
    error = np.exp(np.clip(paths, -RUN_AWAY, RUN_AWAY))
    n = np.tile(np.exp(x), draws)
    return pd.DataFrame({"draw": np.repeat(np.arange(draws), len(x)), "n": n, "error": error.ravel()})


def prior_predictive_figure(
    card: Domain, sizes: Sequence[float] | None = None, *, draws: int = 400, shown: int = 40, seed: int = 0
) -> Figure:
    """Curves that a card holds possible before any data: ``shown`` of them, the median and the 80 % band."""
    table: Table = prior_predictive_table(card, sizes, draws=draws, seed=seed)
    figure = Figure(figsize=(WIDTH, 4.2), layout="constrained")
    axes = figure.add_subplot()
    for _, mine in table[table["draw"] < shown].groupby("draw"):
        axes.plot(mine["n"], mine["error"], color=PALETTE[0], lw=0.7, alpha=0.35)
    bands = table.groupby("n")["error"].quantile([0.1, 0.5, 0.9]).unstack()
    axes.fill_between(bands.index, bands[0.1], bands[0.9], color=PALETTE[1], alpha=0.15, lw=0)
    axes.plot(bands.index, bands[0.5], color=PALETTE[1], lw=2)
    units = Units(card.size_unit, card.error_unit.split(",")[0], "share" in card.error_unit)
    log_axes(axes, units, bands.reset_index().rename(columns={0.1: "q2.5", 0.9: "q97.5"}), None)
    axes.set_xlabel(f"Training data ({card.size_unit})")
    axes.set_title(f"{card.title}: before any data, 8 curves in 10 pass through the band", fontsize=9.5, loc="left")
    return figure
