"""Figures of a surface: loss along lines of one compute, and its contours over both sizes, with the runs on them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from matplotlib import colormaps
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from forecaster.plots.style import INK, MUTED, PALETTE, WIDTH, plain, size_ticks
from forecaster.results.wording import clipped
from forecaster.surfaces.compute import Compute, near_isoflop, optimum

if TYPE_CHECKING:
    from forecaster.surfaces.fitted import Surface
    from forecaster.surfaces.surface import ComputeOptimum, SurfaceForecast

LINES = 6  # of one compute
STEPS = 41  # of a line, and of a side of the map
CONTOURS = 12
BAND = (0.1, 0.5, 0.9)


def surface_figure(found: SurfaceForecast | ComputeOptimum) -> Figure:
    """Two panels for the first surface: isoFLOP lines with the runs near them, and contours of the median loss."""
    one = found.surfaces[0]
    figure = Figure(figsize=(WIDTH, 4.0), layout="constrained")
    lines, contours = figure.subplots(1, 2)
    _lines(lines, one)
    _contours(contours, one, found.table)
    figure.suptitle(clipped(one.design.label), fontsize=10, color=INK, x=0.01, ha="left")
    return figure


def _lines(axes: Axes, one: Surface) -> None:
    """Loss against model size at a few computes, with the runs of these."""
    compute, design = Compute.of(one.design), one.design
    shown = _shown(compute.log_flops(design.x, design.t), design.x)
    shades = colormaps["viridis"](np.linspace(0.05, 0.85, len(shown)))
    for k, (level, own) in enumerate(shown):
        best = optimum(one, float(np.exp(level)), compute)
        around = [*design.x[own], np.median(best.x) - 0.7, np.median(best.x) + 0.7]
        x = np.linspace(min(around), max(around), STEPS)
        drawn = np.exp(np.quantile(one.log_loss(np.exp(compute.log_data(level, x)), np.exp(x)), BAND, axis=0))
        axes.fill_between(np.exp(x), drawn[0], drawn[2], color=shades[k], alpha=0.2, lw=0)
        axes.plot(np.exp(x), drawn[1], color=shades[k], lw=1.4, label=f"{np.exp(level):.1e}".replace("e+", "e"))
        axes.plot(np.exp(design.x[own]), np.exp(design.y[own]), ".", color=shades[k], ms=4)
        axes.plot(np.exp(np.median(best.x)), np.exp(np.median(best.log_loss)), "D", color=shades[k], mec="white", ms=6)
    room = np.ptp(design.y) * 0.05
    axes.set(xscale="log", yscale="log", xlim=(np.exp(design.x.min()) / 1.2, np.exp(design.x.max()) * 1.2))
    axes.set(xlabel="Parameters", ylabel="Loss", ylim=np.exp([design.y.min() - room, design.y.max() + room]))
    _plain_losses(axes)
    plain(axes)
    size_ticks(axes)
    axes.legend(title="FLOPs", frameon=False, fontsize=7.5, title_fontsize=8, ncols=2)


def _shown(spent: np.ndarray, x: np.ndarray) -> list[tuple[float, np.ndarray]]:
    """Log computes to draw, evenly among slices of many sizes, and their runs; computes alone without slices."""
    slices = near_isoflop(spent, x)
    low, high = np.quantile(spent, [0.05, 0.95])
    if len(slices) < 2:
        return [(level, np.array([], dtype=int)) for level in np.linspace(low, high, LINES)]
    chosen = np.unique(np.linspace(0, len(slices) - 1, LINES).round().astype(int))
    return [(float(np.median(spent[slices[k]])), slices[k]) for k in chosen]


def _contours(axes: Axes, one: Surface, table: Any) -> None:
    """Contours of the median loss, the runs, and the points or optima that were asked about."""
    asked = _asked(table)
    x, t = (np.concatenate([own, np.log(asked[:, i])]) for i, own in enumerate((one.design.x, one.design.t)))
    grid_x, grid_t = (np.linspace(v.min() - 0.3, v.max() + 0.3, STEPS) for v in (x, t))
    mesh_x, mesh_t = np.meshgrid(grid_x, grid_t)
    loss = np.exp(np.median(one.law_log_loss(np.exp(mesh_t.ravel()), np.exp(mesh_x.ravel())), 0)).reshape(mesh_x.shape)
    drawn = axes.contour(np.exp(grid_x), np.exp(grid_t), loss, CONTOURS, cmap="viridis_r", linewidths=1.1)
    axes.clabel(drawn, fontsize=7, fmt="%.3g")
    axes.plot(np.exp(one.design.x), np.exp(one.design.t), ".", color=MUTED, ms=4, label="runs")
    axes.plot(*asked.T, "D", color=PALETTE[1], mec="white", ms=7, label="asked about")
    axes.set(xscale="log", yscale="log", xlabel="Parameters", ylabel="Data")
    axes.legend(frameon=False, fontsize=8, loc="upper left")
    plain(axes)
    size_ticks(axes)


def _asked(table: Any) -> np.ndarray:
    """Parameters and data of each row of the first surface, [row, 2]."""
    own = table[
        (table[["domain", "task", "architecture"]] == table[["domain", "task", "architecture"]].iloc[0]).all(axis=1)
    ]
    names = ["params_q50", "n_q50"] if "params_q50" in own else ["params", "n"]
    return own[names].to_numpy(dtype=float)


def _plain_losses(axes: Axes) -> None:
    from matplotlib.ticker import FuncFormatter, MaxNLocator, NullFormatter

    axes.yaxis.set_major_locator(MaxNLocator(6))
    axes.yaxis.set_major_formatter(FuncFormatter(lambda v, _: f"{v:.3g}"))
    axes.yaxis.set_minor_formatter(NullFormatter())
