"""The chapter on the best size of model for a compute, from runs over model size and data."""

from __future__ import annotations

from typing import Any

from forecaster.curves.reading.sizes import given_size
from forecaster.errors import RequestError
from forecaster.plots.surfaces.loss import surface_figure
from forecaster.reports.answers import Answers
from forecaster.reports.chapters.chapter import Chapter, Kind, Row, Shown, file, size_range, tabled
from forecaster.results.message import message
from forecaster.results.wording import chance, size, times_in
from forecaster.surfaces.answers import ComputeOptimum
from forecaster.surfaces.fitted import Surface
from forecaster.surfaces.posterior.storage import load_surfaces
from forecaster.surfaces.surface import surface


def two_axes(a: Answers, seed: int, *, fitted: Any, flops: float | None = None) -> Chapter:
    """The optimum of ``surface`` for a compute, by default the largest measured one and ten times that.

    Parameters
    ----------
    a : Answers
        The answers of the memo.
    seed : int
        Not used: a fitted surface carries its own.
    fitted : path or Surface
        What :func:`~forecaster.fit_surface` gave, or the file in which it was saved.
    flops : float, optional
        The compute of one run.
    """
    whole = fitted if isinstance(fitted, Surface) else load_surfaces(fitted)
    found = surface(whole, flops=flops, level=a.facts.level)
    if not isinstance(found, ComputeOptimum):
        raise RequestError(f"surface: found {fitted}; expected a fitted surface")
    rows: list[dict[Any, Any]] = found.table.to_dict("records")
    return Chapter(
        name="surface",
        heading="How to split a compute between model and data",
        said=message("surface", found.text),
        **tabled(
            rows,
            [
                Shown("Compute, FLOPs", lambda r: size(r["flops"]), right=False),
                Shown("Best model size", lambda r: _range(r, "params")),
                Shown("Data that go with it", lambda r: _range(r, "n")),
                Shown(
                    "Loss there", lambda r: f"{r['error_q50']:.4g} ({r['error_lower']:.4g} – {r['error_upper']:.4g})"
                ),
                Shown("Chance of lying outside the measured runs", lambda r: chance(r["p_outside_data"])),
            ],
        ),
        figure=surface_figure(found),
        alt="Chart of loss over model size and data, with the sizes that spend a compute best.",
        caption=f"Best sizes by the fitted surface; ranges hold them {times_in(a.facts.level)}. Beyond the measured "
        "sizes the surface is a forecast.",
        tables={"surface": found.table},
    )


def _range(row: Row, name: str) -> str:
    return size_range(row[f"{name}_q50"], row[f"{name}_lower"], row[f"{name}_upper"])


KIND = Kind("surface", two_axes, {"fitted": file, "flops": given_size}, needed=("fitted",), advises=True)
