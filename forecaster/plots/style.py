"""Style of figures: colours, readable ticks, labels that do not overlap."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from contextlib import AbstractContextManager
from typing import Any

import numpy as np
from matplotlib import rc_context, rcParams
from matplotlib.axes import Axes
from matplotlib.font_manager import FontProperties, fontManager
from matplotlib.textpath import text_to_path
from matplotlib.ticker import FuncFormatter, LogLocator, MaxNLocator, NullFormatter

from forecaster._support.frames import Table
from forecaster.results.short_names import shortened, width
from forecaster.results.wording import Units, size

PALETTE = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000")  # Okabe and Ito
WIDTH = 8.2  # inches, of every figure
LEFT, RIGHT, NARROWER = 0.085, 0.81, 0.735  # edges of a panel with names to its right; of one with long ones
SHORTEST = 8  # no name is shown in fewer letters
INK, MUTED, GRID = "#1f2933", "#66717d", "#e6e9ed"

# Ticks within a decade, by how many decades (more than) an axis spans
SIZE_STEPS = ((3.2, (1.0,)), (1.3, (1.0, 3.0)), (-1.0, (1.0, 2.0, 5.0)))
ERROR_STEPS = (
    (4.0, (1.0,)),
    (2.4, (1.0, 3.0)),
    (1.0, (1.0, 2.0, 5.0)),
    (-1.0, (1.0, 1.5, 2.0, 3.0, 4.0, 5.0, 7.0)),
)


def colours(names: Sequence[str]) -> list[str]:
    """One colour a name, safe for the colour-blind; a single one where there are more names than colours."""
    return list(PALETTE[: len(names)]) if len(names) <= len(PALETTE) else [PALETTE[0]] * len(names)


def log_axes(axes: Axes, units: Units, table: Table, points: Table | None) -> None:
    """Both axes logarithmic, with ticks that people read."""
    low, high = float(table["q2.5"].min()), float(table["q97.5"].max())
    if points is not None:
        low = max(min(low, float(points["error"].min())), float(points["error"].min()) / 300)
        high = min(max(high, float(points["error"].max())), float(points["error"].max()) * 30)
    room = (high / low) ** 0.04
    axes.set(
        xscale="log", yscale="log", xlim=(table["n"].min() / 1.15, table["n"].max()), ylim=(low / room, high * room)
    )  # fmt: skip
    plain(axes)
    size_ticks(axes)
    error_ticks(axes, units, math.log10(high / low))
    axes.set_ylabel(capital(units.error_name))


def error_ticks(axes: Axes, units: Units, decades: float) -> None:
    """Ticks of errors that span so many decades."""
    if decades < 0.35:
        axes.yaxis.set_major_locator(MaxNLocator(5))
    else:
        steps = next(subs for least, subs in ERROR_STEPS if decades > least)
        axes.yaxis.set_major_locator(LogLocator(subs=steps))
    axes.yaxis.set_major_formatter(FuncFormatter(lambda v, _: units.error_plain(v)))
    axes.yaxis.set_minor_formatter(NullFormatter())


def size_ticks(axes: Axes) -> None:
    low, high = axes.get_xlim()
    decades = math.log10(high / low)
    steps = next(subs for least, subs in SIZE_STEPS if decades > least)
    axes.xaxis.set_major_locator(LogLocator(subs=steps))
    axes.xaxis.set_major_formatter(FuncFormatter(lambda v, _: size(v, short=True)))
    axes.xaxis.set_minor_formatter(NullFormatter())


def plain(axes: Axes, grid: bool = True) -> None:
    for side in ("top", "right", "left") if not grid else ("top", "right"):
        axes.spines[side].set_visible(False)
    for spine in axes.spines.values():
        spine.set_color("#9aa5b1")
    axes.tick_params(labelsize=9, colors=INK, which="both", length=3, color="#9aa5b1")
    axes.tick_params(which="minor", length=0)
    axes.xaxis.label.set(size=9.5, color=INK)
    axes.yaxis.label.set(size=9.5, color=INK)
    if grid:
        axes.grid(True, color=GRID, lw=0.7, which="major")
        axes.set_axisbelow(True)


def capital(text: str) -> str:
    return text[:1].upper() + text[1:]


def spread_out(wanted: np.ndarray, gap: float) -> np.ndarray:
    """Positions as near to ``wanted`` as a gap between neighbours allows."""
    order = np.argsort(wanted, kind="stable")
    placed = np.asarray(wanted, dtype=float)[order]
    for _ in range(200):
        short = gap - np.diff(placed)
        if not (short > 1e-9).any():
            break
        push = np.maximum(short, 0.0) / 2
        placed[:-1] -= push
        placed[1:] += push
    out = np.empty_like(placed)
    out[order] = placed
    return out


def labels(names: Iterable[str], room: float, fontsize: float, weight: str = "normal") -> dict[str, str]:
    """Names that fit in ``room`` points beside a chart: shortened in the middle where they are longer, no two alike."""
    names = list(dict.fromkeys(names))
    font = FontProperties(size=fontsize, weight=weight)

    def fit(most: int) -> bool:
        wide = (text_to_path.get_text_width_height_descent(t, font, False)[0] for t in shortened(names, most).values())
        return max(wide, default=0.0) <= room

    low, high = SHORTEST, max([SHORTEST, *map(width, names)])
    if fit(high):
        low = high
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (middle, high) if fit(middle) else (low, middle)
    return {name: text.replace("$", r"\$") for name, text in shortened(names, low).items()}  # no mathematics in names


def to_the_right(names: Sequence[str]) -> tuple[float, dict[str, str]]:
    """Where a panel ends that has names to its right, and the names as they fit there."""
    for right in (RIGHT, NARROWER):
        shown = labels(names, 72 * WIDTH * (1 - right - 0.02 * (right - LEFT)) - 2, 9, "bold")
        if shown == labels(names, math.inf, 9, "bold"):
            break
    return right, shown


def label_ends(axes: Axes, ends: dict[str, tuple[float, str]], shown: Mapping[str, str]) -> None:
    """Names, as ``shown``, at the right end of their lines, moved apart where they would touch."""
    low, high = np.log(axes.get_ylim())
    names = list(ends)
    wanted = np.array([(np.log(ends[name][0]) - low) / (high - low) for name in names])
    for name, at, place in zip(names, wanted, spread_out(wanted, 0.052), strict=True):
        axes.annotate(
            shown[name], (1.0, at), (1.02, place), xycoords="axes fraction", fontsize=9, va="center",
            color=ends[name][1], fontweight="bold", annotation_clip=False,
            arrowprops={"arrowstyle": "-", "color": ends[name][1], "lw": 0.7, "shrinkA": 1, "shrinkB": 0},
        )  # fmt: skip


def interval(axes: Axes, y: float, marks: Sequence[float], high: float, colour: str) -> None:
    """Five quantiles as thin bar, thick bar and dot; what leaves the axis ends in an arrow."""
    q5, q25, q50, q75, q95 = (max(float(m), np.finfo(float).tiny) for m in marks)
    axes.plot([min(q5, high), min(q95, high)], [y, y], color=colour, lw=2, solid_capstyle="butt", alpha=0.55)
    if q25 < high:
        axes.plot([q25, min(q75, high)], [y, y], color=colour, lw=7, solid_capstyle="butt", alpha=0.8)
    if q50 < high:
        axes.plot([q50], [y], "o", color="white", mec=colour, mew=1.8, ms=7, zorder=5)
    if q95 > high:
        axes.plot([1.0], [y], ">", color=colour, ms=6, transform=axes.get_yaxis_transform(), clip_on=False)


def beside(axes: Axes, right: float, y: float, text: str, **style: Any) -> None:
    """Text so many points to the right of a panel, whatever its width."""
    place = {"xycoords": axes.get_yaxis_transform(), "textcoords": "offset points", "annotation_clip": False}
    axes.annotate(text, (1.0, y), (right, 0), **place, **style)


# Font families that Matplotlib tries in turn for letters that its own lacks.
LETTERED = (
    *("Noto Sans", "Noto Sans CJK SC", "Noto Sans CJK TC", "Noto Sans CJK JP", "Noto Sans CJK KR"),
    *("Noto Sans SC", "Noto Sans TC", "Noto Sans JP", "Noto Sans KR", "Source Han Sans SC", "WenQuanYi Zen Hei"),
    *("PingFang SC", "Hiragino Sans", "Apple SD Gothic Neo", "Microsoft YaHei", "Yu Gothic", "Malgun Gothic"),
    *("Noto Sans Arabic", "Noto Sans Hebrew", "Noto Sans Devanagari", "Noto Sans Thai", "Noto Sans Symbols 2"),
    *("Arial Unicode MS", "Noto Emoji", "Symbola"),
)


def installed(families: Iterable[str] = LETTERED) -> list[str]:
    """Those of ``families`` that are on this machine: Matplotlib warns of each that is not."""
    there = {font.name for font in fontManager.ttflist}
    return [family for family in families if family in there]


def lettered() -> AbstractContextManager[None]:
    """A context in which letters that the usual font lacks come from another one that is installed."""
    return rc_context({"font.family": [*rcParams["font.family"], *installed()]})


STYLE: Any = {  # for saving, too
    "svg.fonttype": "path",
    "svg.hashsalt": "forecaster",
    "font.family": ["DejaVu Sans", *installed()],
}
BANDS = ((2.5, 97.5), (10, 90), (25, 75))
QUANTILES = (0.025, 0.1, 0.25, 0.5, 0.75, 0.9, 0.975)
COLUMNS = tuple(f"q{100 * q:g}" for q in QUANTILES)
BESIDE = 170  # points that names beside a panel may take


def unique(table: Table) -> list[str]:
    return list(dict.fromkeys(table["architecture"]))
