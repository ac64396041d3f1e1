"""Figures of a surface: loss along lines of one compute, and its contours over both sizes, with the runs on them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from matplotlib import colormaps
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from forecaster.plots.style import INK, MUTED, PALETTE, WIDTH, capital, plain, size_ticks
from forecaster.results.wording import clipped
from forecaster.surfaces.compute import Compute, near_isoflop, optimum
from forecaster.surfaces.model import law

if TYPE_CHECKING:
    from forecaster.surfaces.answers import ComputeOptimum, SurfaceForecast
    from forecaster.surfaces.fitted import Surface

LINES = 6  # of one compute
LINE_POINTS = 41  # of a line, and of a side of the map
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


def lines_figure(one: Surface) -> Figure:
    """Loss along lines of one compute, with the runs near them."""
    figure = Figure(figsize=(WIDTH, 3.6), layout="constrained")
    _lines(figure.add_subplot(), one)
    return figure


def options_contours(one: Surface, options: Any, *, target: float | None = None, width: float = WIDTH) -> Figure:
    """Contours of the law's median loss, the runs, the best use of compute, and the options of a decision on them.

    ``options`` are rows of a :class:`~forecaster.SurfaceDecision`; the chosen one is filled.
    """
    figure = Figure(figsize=(width, 3.3 if width == WIDTH else 3.6), layout="constrained")
    axes = figure.add_subplot()
    points = options[["params", "n"]].to_numpy(dtype=float)
    x, t = _map(axes, one, points, target)
    spent = np.linspace(float(x.min() + t.min()), float(x.max() + t.max()), LINE_POINTS)
    best = np.median(law.log_best_size(np, one.constants, spent[:, None]), 1)
    inside = (best > x.min()) & (best < x.max()) & (spent - best > t.min()) & (spent - best < t.max())
    axes.plot(np.exp(best[inside]), np.exp((spent - best)[inside]), color=INK, lw=1.1, ls=(0, (5, 3)))
    for row in options.to_dict("records"):
        chosen = bool(row["best"])
        fill = PALETTE[4] if chosen else "white"
        axes.plot(row["params"], row["n"], "o", color=fill, mec=INK, mew=1.5, ms=10 if chosen else 6.5, zorder=6)
    return figure


def _lines(axes: Axes, one: Surface) -> None:
    """Loss against model size at a few computes, with the runs of these."""
    compute, design = Compute.of(one.design), one.design
    shown = _shown(compute.log_flops(design.x, design.t), design.x)
    shades = colormaps["viridis"](np.linspace(0.05, 0.85, len(shown)))
    for k, (level, own) in enumerate(shown):
        best = optimum(one, float(np.exp(level)), compute)
        around = [*design.x[own], np.median(best.x) - 0.7, np.median(best.x) + 0.7]
        x = np.linspace(min(around), max(around), LINE_POINTS)
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
    _map(axes, one, asked)
    axes.plot(*asked.T, "D", color=PALETTE[1], mec="white", ms=7, label="asked about")
    axes.legend(frameon=False, fontsize=8, loc="upper left")


def _map(axes: Axes, one: Surface, asked: np.ndarray, target: float | None = None) -> tuple[np.ndarray, np.ndarray]:
    """Contours over the runs and the points asked about [point, 2]; returns the logs of the axes' grids."""
    x, t = (np.concatenate([own, np.log(asked[:, i])]) for i, own in enumerate((one.design.x, one.design.t)))
    grid_x, grid_t = (np.linspace(v.min() - 0.3, v.max() + 0.3, LINE_POINTS) for v in (x, t))
    mesh_x, mesh_t = np.meshgrid(grid_x, grid_t)
    loss = np.exp(np.median(one.law_log_loss(np.exp(mesh_t.ravel()), np.exp(mesh_x.ravel())), 0)).reshape(mesh_x.shape)
    drawn = axes.contour(np.exp(grid_x), np.exp(grid_t), loss, CONTOURS, cmap="viridis_r", linewidths=1.1)
    axes.clabel(drawn, fontsize=7, fmt="%.3g")
    if target is not None and loss.min() < target < loss.max():
        goal = axes.contour(np.exp(grid_x), np.exp(grid_t), loss, [target], colors=[PALETTE[1]], linewidths=2.0)
        axes.clabel(goal, fontsize=8, fmt=f"target {target:g}")
    axes.plot(np.exp(one.design.x), np.exp(one.design.t), ".", color=MUTED, ms=4, label="runs")
    axes.set(xscale="log", yscale="log", xlabel="Parameters")
    axes.set_ylabel(capital(one.design.units.size_name) if one.design.units.size_name != "items" else "Data")
    plain(axes)
    size_ticks(axes)
    return grid_x, grid_t


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
