"""Figure of a comparison: exponents with their intervals."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from forecaster.curves.learning_curves import Group
from forecaster.inference.posterior import Posterior
from forecaster.plots.style import BANDS, BESIDE, COLUMNS, QUANTILES, WIDTH, colours, labels, plain

if TYPE_CHECKING:
    from forecaster.comparison.compare import Comparison


def exponent_table(found: Posterior | Comparison, group: Group | None = None) -> pd.DataFrame:
    """Quantiles ``q2.5`` to ``q97.5`` of the exponent of each architecture (of one group, where given)."""
    if isinstance(found, Posterior):
        keys = [(c.domain, c.task, c.architecture) for c in found.curves.curves]
    else:
        keys = list(found.exponents[["domain", "task", "architecture"]].itertuples(index=False, name=None))
    rows = []
    for key in (key for key in keys if group in (None, key[:2])):
        label = "/".join(key)
        own = isinstance(found, Posterior)
        draws = np.exp(found.curve(label).log_exponent) if own else found.exponent_draws[label]
        named = zip(("domain", "task", "architecture"), key, strict=True)
        rows.append(dict(named) | dict(zip(COLUMNS, np.quantile(draws, QUANTILES), strict=True)))
    return pd.DataFrame(rows)


def comparison_figure(found: Comparison | pd.DataFrame) -> Figure:
    """Exponents side by side, from a comparison or from :func:`exponent_table`."""
    table = found if isinstance(found, pd.DataFrame) else exponent_table(found)
    figure = Figure(figsize=(WIDTH, 1.15 + 0.42 * len(table)), layout="constrained")
    axes = figure.add_subplot()
    names = table["architecture"].tolist()
    for y, (row, colour) in enumerate(zip(table.to_dict("records"), colours(names), strict=True)):
        for (low, high), width, alpha in zip(BANDS, (2, 4.5, 9), (0.5, 0.6, 0.8), strict=True):
            ends = [row[f"q{low:g}"], row[f"q{high:g}"]]
            axes.plot(ends, [y, y], color=colour, lw=width, alpha=alpha, solid_capstyle="butt")
        axes.plot([row["q50"]], [y], "o", color="white", mec=colour, mew=1.8, ms=7)
    axes.set(ylim=(len(names) - 0.4, -0.6))
    shown = labels(names, BESIDE, 9)
    axes.set_yticks(range(len(names)), [shown[name] for name in names])
    plain(axes)
    axes.set_xlabel("Exponent: how steeply error falls with data (larger is steeper)")
    return figure
