"""The checklist for reports of scaling laws, filled in for a surface: the questions of the memo on curves."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from forecaster.reports.appendix.checklist import NONE, NOT_TOLD, Part
from forecaster.reports.two_axes.page import Found
from forecaster.results.wording import counted, listed, plain_size, times_in
from forecaster.surfaces.fitted import Surface
from forecaster.surfaces.model.design import SurfaceDesign

Rows = Iterable[tuple[str, str]]


def checklist(a: Found, surface: Surface, seed: int) -> tuple[Part, ...]:
    """The checklist of one memo; ``seed`` is the memo's."""
    design = surface.design
    return (
        Part("Law", tuple(_law(design))),
        Part("Runs and data", tuple(_data(design))),
        Part("Fit", tuple(_fit(a, surface, seed))),
        Part("Validation", tuple(_validation(a))),
        Part("Left out", tuple(_left_out(surface))),
    )


def _law(design: SurfaceDesign) -> Rows:
    units = design.units
    yield "Form", "the formula of this appendix, with drift and noise around it"
    yield "Variables", f"{units.error_name} against parameters and data in {units.size_name}"
    yield "Parameters", listed([name.removeprefix("log_").removesuffix("_logit") for name in design.quantities])
    yield "Priors", f"card {design.card.name}"


def _data(design: SurfaceDesign) -> Rows:
    units = design.units
    repeats = np.exp(design.t - design.log_unique)
    yield "Runs", f"{len(design.y):,}"
    yield "Model sizes", f"{len(np.unique(design.x))}, {_range(design.x)} parameters"
    yield "Amounts of data", f"{len(np.unique(design.t))}, {_range(design.t)} {units.size_name}"
    yield "Compute", NOT_TOLD if design.log_compute is None else f"{_range(design.log_compute)} FLOPs"
    yield "Passes over the data", f"at most {repeats.max():.3g}" if repeats.max() > 1.0 + 1e-9 else NOT_TOLD
    yield "Hyper-parameters", f"{counted(int(design.above.sum()), 'run')} untuned" if design.above.any() else NOT_TOLD
    yield "Checkpoint of a run", NOT_TOLD


def _range(logs: np.ndarray) -> str:
    low, high = (float(f"{np.exp(end):.3g}") for end in (logs.min(), logs.max()))
    return plain_size(low) if low == high else f"{plain_size(low)} to {plain_size(high)}"


def _fit(a: Found, surface: Surface, seed: int) -> Rows:
    judged = [f"{c.verdict}: {c.text.strip().rstrip('.')}" for c in a.checks if c.id == "sampling"]
    yield "Objective", "posterior: normal log losses and the priors of the card"
    yield "Algorithm", surface.draws.engine
    yield "Draws", f"{len(surface.values):,}"
    yield "Seeds", f"fit {surface.seed}, memo {seed}"
    yield "Converged", "; ".join(judged) or NOT_TOLD


def _validation(a: Found) -> Rows:
    seen, verdicts = a.record, [c.verdict for c in a.checks]
    held = NONE if seen is None else f"80 % ranges held {seen.held_80:,} of {seen.hidden:,} hidden losses"
    yield "Extrapolation, largest compute hidden", held
    yield "Intervals", f"equal-tailed, {times_in(a.level)}"
    yield "Checks", ", ".join(f"{verdicts.count(v)} {v}" for v in ("PASS", "REVIEW", "FAIL"))


def _left_out(surface: Surface) -> Rows:
    untuned = int(surface.design.above.sum())
    yield "Rows left out in reading", NOT_TOLD
    yield "Outliers", "none left out"
    yield "Untuned runs", f"{untuned:,}, in the fit, may lie above the surface" if untuned else NONE
