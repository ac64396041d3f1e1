"""Which figure a result has: one function for each type of result."""

from __future__ import annotations

from functools import singledispatch

from matplotlib.figure import Figure

from forecaster.comparison.comparison import Comparison
from forecaster.comparison.effect import Effect
from forecaster.comparison.metrics import MetricComparison
from forecaster.curves.importers.imported import Imported
from forecaster.decisions.decision import Decision
from forecaster.decisions.measuring.proposal import Proposal
from forecaster.decisions.screen import Screening
from forecaster.evaluation.backtest import Backtest
from forecaster.floors.split import FloorSplit
from forecaster.inference.validation import Validation
from forecaster.ladders.triage import Triage
from forecaster.links.downstream import Downstream
from forecaster.measuring.measured import Measured
from forecaster.monitoring.watch import Watch
from forecaster.plots.backtest import backtest_figure
from forecaster.plots.comparison import comparison_figure, metric_figure
from forecaster.plots.decisions.decision import decision_figure
from forecaster.plots.decisions.proposal import proposal_figure
from forecaster.plots.decisions.screen import screen_figure
from forecaster.plots.effect import effect_figure
from forecaster.plots.floor import split_figure
from forecaster.plots.forecast import forecast_figure
from forecaster.plots.growth import growth_figure
from forecaster.plots.ladders.triage import triage_figure
from forecaster.plots.links.downstream import downstream_figure
from forecaster.plots.measured import measured_figure
from forecaster.plots.measuring.grid import grid_figure
from forecaster.plots.monitoring.score import score_figure
from forecaster.plots.monitoring.watch import watch_figure
from forecaster.plots.requirement import requirement_figure
from forecaster.plots.style import lettered
from forecaster.plots.surfaces.loss import surface_figure
from forecaster.prediction.forecast import Forecast
from forecaster.prediction.requirement import Requirement
from forecaster.registry.scored import Scored
from forecaster.resources.growth import GrowthTable
from forecaster.results.result import Result
from forecaster.surfaces.answers import ComputeOptimum, SurfaceForecast


def figure_of(result: Result) -> Figure:
    """The figure of a result, drawn from its table; TypeError where its type has none."""
    with lettered():
        return _drawn(result)


@singledispatch
def _drawn(result: Result) -> Figure:
    raise TypeError(f"{type(result).__name__} has no figure of its own")


@_drawn.register
def _(result: Forecast) -> Figure:
    return forecast_figure(result)


@_drawn.register
def _(result: Requirement) -> Figure:
    return requirement_figure(result)


@_drawn.register
def _(result: Comparison) -> Figure:
    return comparison_figure(result)


@_drawn.register
def _(result: FloorSplit) -> Figure:
    return split_figure(result)


@_drawn.register
def _(result: Effect) -> Figure:
    return effect_figure(result)


@_drawn.register
def _(result: Screening) -> Figure:
    return screen_figure(result)


@_drawn.register
def _(result: MetricComparison) -> Figure:
    return metric_figure(result)


@_drawn.register
def _(result: Backtest) -> Figure:
    return backtest_figure(result)


@_drawn.register
def _(result: Validation) -> Figure:
    return measured_figure(result.curves, result.cards)


@_drawn.register
def _(result: Imported) -> Figure:
    return measured_figure(result.curves)


@_drawn.register
def _(result: Measured) -> Figure:
    return grid_figure(result)


@_drawn.register
def _(result: Decision) -> Figure:
    return decision_figure(result)


@_drawn.register
def _(result: Proposal) -> Figure:
    return proposal_figure(result)


@_drawn.register
def _(result: GrowthTable) -> Figure:
    return growth_figure(result)


@_drawn.register
def _(result: Triage) -> Figure:
    return triage_figure(result)


@_drawn.register
def _(result: Downstream) -> Figure:
    return downstream_figure(result)


@_drawn.register
def _(result: SurfaceForecast) -> Figure:
    return surface_figure(result)


@_drawn.register
def _(result: ComputeOptimum) -> Figure:
    return surface_figure(result)


@_drawn.register
def _(result: Scored) -> Figure:
    return score_figure(result)


@_drawn.register
def _(result: Watch) -> Figure:
    return watch_figure(result)
