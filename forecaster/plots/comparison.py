"""Figures of a comparison: who may be best, who gains from more data, how steep the curves are."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from forecaster.curves.learning_curves import KEYS, Group
from forecaster.inference.posterior import Posterior
from forecaster.plots.style import BANDS, BESIDE, COLUMNS, INK, MUTED, QUANTILES, WIDTH, beside, colours, labels, plain
from forecaster.results.wording import chance, size

if TYPE_CHECKING:
    from forecaster.comparison.comparison import Comparison
    from forecaster.comparison.metrics import MetricComparison

CHANCE_WIDTH = 44  # points beside a panel for the chance of gaining most
STEEP = "Exponent: how steeply the\nreducible error falls with data"


def exponent_table(found: Posterior | Comparison | MetricComparison, group: Group | None = None) -> pd.DataFrame:
    """Quantiles ``q2.5`` to ``q97.5`` of the exponent of each architecture (of one group, where given)."""
    held = found if isinstance(found, Posterior) else found.posterior
    assert held is not None  # comparisons are made of posteriors
    own = isinstance(found, Posterior)
    drawn = {}
    for c in held.curves.curves:
        key = (c.domain, c.task, c.architecture)
        if group in (None, key[:2]) and (own or c.label in found.exponent_draws):
            drawn[key] = np.exp(found.curve(c.label).log_exponent) if own else found.exponent_draws[c.label]
    return _quantiles(drawn)


def gain_table(found: Comparison, n: float | None = None) -> pd.DataFrame:
    """Quantiles of the share of today's error that is gone at a size, and the chance to gain most, the largest first.

    ``n`` is one of ``found.gain_sizes``, by default the largest; without any the table is empty.
    """
    sizes = found.gain_sizes
    if not len(sizes):
        return pd.DataFrame(columns=[*KEYS, *COLUMNS])
    at = int(np.argmin(np.abs(sizes - (sizes[-1] if n is None else n))))
    best: Any = found.best
    rows = best[best["gain"].notna() & np.isclose(best["n"], sizes[at])]
    keys = list(rows[KEYS].itertuples(index=False, name=None))
    table = _quantiles({key: found.gain_draws["/".join(key)][:, _place(best, key, sizes[at])] for key in keys}).merge(
        rows[[*KEYS, "n", "n_from", "p_gains_most"]], on=KEYS
    )
    return table.sort_values("q50", ascending=False, kind="stable", ignore_index=True)


def _place(best: Any, key: tuple[str, ...], n: float) -> int:
    """The column of a size among the draws of a curve's gains: groups may have sizes of their own."""
    mine = best[best["gain"].notna() & (best[KEYS] == list(key)).all(axis=1)]
    return int(np.argmin(np.abs(np.sort(mine["n"].to_numpy(dtype=float)) - n)))


def _quantiles(drawn: Mapping[tuple[str, ...], np.ndarray]) -> pd.DataFrame:
    rows = [
        dict(zip(KEYS, key, strict=True)) | dict(zip(COLUMNS, np.quantile(own, QUANTILES), strict=True))
        for key, own in drawn.items()
    ]
    return pd.DataFrame(rows, columns=[*KEYS, *COLUMNS])


def comparison_figure(found: Comparison) -> Figure:
    """A row for each architecture: chances of being best, gains at the largest size asked about, exponents."""
    exponents, gains, best = exponent_table(found), gain_table(found), found.best
    names = _ordered(exponents, gains)
    figure = Figure(figsize=(WIDTH, 1.45 + 0.42 * len(names)), layout="constrained")
    panels = list(figure.subplots(1, 3 if len(gains) else 2, sharey=True))
    every = list(exponents[KEYS].itertuples(index=False, name=None))
    shades = dict(zip(every, colours([name[-1] for name in every]), strict=True))
    _chances(panels[0], best, names, shades)
    if len(gains):
        _bars(panels[1], gains, names, shades, 100.0)
        far, today = (size(float(gains[k].iloc[0]), short=True) for k in ("n", "n_from"))
        panels[1].set_xlabel(f"Share of the error at {today}\nthat is gone at {far} (%)")
    _bars(panels[-1], exponents, names, shades)
    panels[-1].set_xlabel(STEEP)
    _rows(panels[0], [name[-1] for name in names])
    return figure


def gain_figure(found: Comparison, n: float | None = None) -> Figure:
    """Who gains from more data: :func:`gain_table`, the largest gain first, with the chance to gain most beside it."""
    table = gain_table(found, n)
    names = list(table[KEYS].itertuples(index=False, name=None))
    every = list(exponent_table(found)[KEYS].itertuples(index=False, name=None))
    figure = Figure(figsize=(WIDTH, 1.15 + 0.42 * len(names)), layout="constrained")
    axes = figure.add_subplot()
    _bars(axes, table, names, dict(zip(every, colours([name[-1] for name in every]), strict=True)), 100.0)
    for y, p in enumerate(table["p_gains_most"]):
        beside(axes, CHANCE_WIDTH / 4, y, chance(p), va="center", fontsize=9, color=INK)
    beside(axes, CHANCE_WIDTH / 4, -0.75, "gains most", fontsize=8.5, color=MUTED)
    _rows(axes, [name[-1] for name in names])
    axes.set_xlim(right=min(max(axes.get_xlim()[1], 0.0), 100.0))
    far, today = (size(float(table[k].iloc[0])) for k in ("n", "n_from"))
    axes.set_xlabel(f"Share of the error at {today} that is gone at {far} (%)")
    return figure


def metric_figure(found: MetricComparison) -> Figure:
    """Exponents of each architecture by each of its metrics."""
    table = exponent_table(found)
    names = list(table[KEYS].itertuples(index=False, name=None))
    kinds = list(dict.fromkeys(name[2] for name in names))
    by_name = dict(zip(kinds, colours(kinds), strict=True))
    figure = Figure(figsize=(WIDTH, 1.15 + 0.42 * len(names)), layout="constrained")
    axes = figure.add_subplot()
    _bars(axes, table, names, {name: by_name[name[2]] for name in names})
    _rows(axes, [f"{name[2]}, {name[1]}" for name in names])
    axes.set_xlabel(STEEP.replace("\n", " "))
    return figure


def _ordered(exponents: pd.DataFrame, gains: pd.DataFrame) -> list[tuple[str, ...]]:
    """The largest gain first, where gains are known."""
    known = list(gains[KEYS].itertuples(index=False, name=None))
    return known + [name for name in exponents[KEYS].itertuples(index=False, name=None) if name not in known]


def _bars(
    axes: Axes,
    table: pd.DataFrame,
    names: Sequence[tuple[str, ...]],
    shades: Mapping[tuple[str, ...], str],
    scale: float = 1.0,
) -> None:
    """Median, and bars of 50, 80 and 95 %, a row each."""
    for row in table.to_dict("records"):
        name = tuple(row[k] for k in KEYS)
        y, colour = names.index(name), shades[name]
        for (low, high), width, alpha in zip(BANDS, (2, 4.5, 9), (0.5, 0.6, 0.8), strict=True):
            ends = [scale * row[f"q{low:g}"], scale * row[f"q{high:g}"]]
            axes.plot(ends, [y, y], color=colour, lw=width, alpha=alpha, solid_capstyle="butt")
        axes.plot([scale * row["q50"]], [y], "o", color="white", mec=colour, mew=1.8, ms=7)
    plain(axes)


def _chances(axes: Axes, best: Any, names: Sequence[tuple[str, ...]], shades: Mapping[tuple[str, ...], str]) -> None:
    """The chance of being best at each size: a dot each, the larger the size the larger the dot."""
    sizes = sorted(best["n"].unique())
    for row in best.to_dict("records"):
        name = tuple(row[k] for k in KEYS)
        if name in shades:  # no curve that cannot be forecast
            large = sizes.index(row["n"]) + 1
            mark = {
                "color": shades[name],
                "ms": 3.0 + 6.0 * large / len(sizes),
                "alpha": 0.45 + 0.5 * large / len(sizes),
            }
            axes.plot([100.0 * row["p_best"]], [names.index(name)], "o", mec="white", mew=0.8, **mark)
    axes.set_xlim(-6, 106)
    plain(axes)
    at = ", ".join(size(float(n), short=True) for n in sizes)
    axes.set_xlabel(f"Chance of the lowest error (%)\nat {at}, small to large dots")


def _rows(axes: Axes, names: Sequence[str]) -> None:
    axes.set_ylim(len(names) - 0.4, -0.6)
    shown = labels(names, BESIDE, 9)
    axes.set_yticks(range(len(names)), [shown[name] for name in names])
