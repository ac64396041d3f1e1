"""The figure of new measurements: each curve's forecast band, what was fitted, and what came since."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from forecaster.curves.learning_curves import KEYS
from forecaster.inference.units import units_of
from forecaster.plots.style import INK, MUTED, PALETTE, WIDTH, error_ticks, labels, plain, size_ticks
from forecaster.prediction.curve_keys import CurveKey
from forecaster.prediction.forecast import log_errors

if TYPE_CHECKING:
    from forecaster.monitoring.watch import Watch

COLUMNS, MOST = 3, 9  # panels in a row, and at most: curves with most evidence
TITLE = 130  # points for a name
BANDS = ((0.99, 0.12), (0.8, 0.25))  # levels, and how dark they are


def watch_figure(found: Watch) -> Figure:
    """One panel a curve, those with most evidence first."""
    assert found.posterior is not None
    shown: Any = found.curves.sort_values("e_value", ascending=False).head(MOST)
    columns = min(COLUMNS, len(shown))
    rows = -(-len(shown) // columns)
    figure = Figure(figsize=(WIDTH, 0.7 + 2.5 * rows), layout="constrained")
    panels = figure.subplots(rows, columns, squeeze=False).ravel()
    names = labels(shown["architecture"], TITLE, 9)
    for axes, row in zip(panels, shown.to_dict("records"), strict=False):
        _draw(axes, found, CurveKey(*(row[k] for k in KEYS)))
        axes.set_title(f"{names[row['architecture']]}{': ALARM' if row['alarm'] else ''}", fontsize=9, color=INK)
    for axes in panels[len(shown) :]:
        axes.set_visible(False)
    figure.supxlabel("Training data", fontsize=9.5)
    figure.supylabel("Error", fontsize=9.5)
    handles, said = panels[0].get_legend_handles_labels()
    figure.legend(handles, said, loc="outside upper center", ncols=5, frameon=False, fontsize=8)
    return figure


def _draw(axes: Axes, found: Watch, key: CurveKey) -> None:
    """The band of a new measurement, the fitted measurements, the new ones."""
    posterior, table = found.posterior, found.table
    assert posterior is not None
    own: Any = table[(table[KEYS] == [key.domain, key.task, key.architecture]).all(axis=1)]
    data = posterior.designs[key.group].curve_of(key.architecture)
    assert data is not None
    sizes = np.geomspace(data.curve.n[0], max(own["n"].max(), data.curve.n[-1]) * 1.2, 60)
    drawn = log_errors(posterior, key, sizes, "new-run")
    for level, alpha in BANDS:
        ends = np.exp(np.quantile(drawn, [0.5 - level / 2, 0.5 + level / 2], axis=0))
        label = f"forecast, {100 * level:.0f} %"
        axes.fill_between(sizes, ends[0], ends[1], color=PALETTE[0], alpha=alpha, lw=0, label=label)
    axes.plot(data.curve.n, data.curve.error, "o", color=MUTED, ms=3, label="fitted")
    calm, alarm = own[~own["alarm"]], own[own["alarm"]]
    axes.plot(calm["n"], calm["error"], "o", color=PALETTE[0], ms=5, label="new")
    axes.plot(alarm["n"], alarm["error"], "D", color=PALETTE[1], ms=5, label="new, since the alarm")
    axes.set(xscale="log", yscale="log", xlim=(sizes[0], sizes[-1]))
    plain(axes)
    size_ticks(axes)
    low, high = axes.get_ylim()
    error_ticks(axes, units_of(posterior, key.group), float(np.log10(high / low)))
