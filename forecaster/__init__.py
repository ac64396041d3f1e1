"""forecaster: learning curves in, credible intervals for error and data requirements out.

Functions over frozen values. Each name is imported when it is first asked for, so that ``import forecaster`` is quick.
"""

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from forecaster.checks.check import CheckReport as CheckReport
    from forecaster.checks.check import check as check
    from forecaster.comparison.compare import compare as compare
    from forecaster.comparison.comparison import Comparison as Comparison
    from forecaster.comparison.effect import Effect as Effect
    from forecaster.comparison.effect import effect as effect
    from forecaster.comparison.metrics import MetricComparison as MetricComparison
    from forecaster.comparison.metrics import compare_metrics as compare_metrics
    from forecaster.curves.importers.import_runs import import_runs as import_runs
    from forecaster.curves.importers.imported import Imported as Imported
    from forecaster.curves.learning_curves import Curve as Curve
    from forecaster.curves.learning_curves import LearningCurves as LearningCurves
    from forecaster.curves.reading.read import read_curves as read_curves
    from forecaster.decisions.cases.labels import LabelUse as LabelUse
    from forecaster.decisions.cases.labels import label_use as label_use
    from forecaster.decisions.cases.needed import CasesNeeded as CasesNeeded
    from forecaster.decisions.cases.needed import test_set_size as test_set_size
    from forecaster.decisions.cases.promise import ForecastInCases as ForecastInCases
    from forecaster.decisions.cases.promise import forecast_in_cases as forecast_in_cases
    from forecaster.decisions.cases.selection import SelectionBias as SelectionBias
    from forecaster.decisions.cases.selection import selection_bias as selection_bias
    from forecaster.decisions.decide import decide as decide
    from forecaster.decisions.decision import Decision as Decision
    from forecaster.decisions.measuring.next_measurement import next_measurement as next_measurement
    from forecaster.decisions.measuring.proposal import Proposal as Proposal
    from forecaster.decisions.screen import Screening as Screening
    from forecaster.decisions.screen import screen as screen
    from forecaster.decisions.two_axes.deciding import surface_decision as surface_decision
    from forecaster.decisions.two_axes.decision import SurfaceDecision as SurfaceDecision
    from forecaster.decisions.two_axes.proposal import SurfaceProposal as SurfaceProposal
    from forecaster.decisions.two_axes.proposing import surface_next as surface_next
    from forecaster.domains.domain import Domain as Domain
    from forecaster.domains.floor_evidence import FloorEvidence as FloorEvidence
    from forecaster.domains.loading import load_card as load_card
    from forecaster.domains.loading import load_domains as load_domains
    from forecaster.errors import CurveMisreadError as CurveMisreadError
    from forecaster.errors import ForecasterError as ForecasterError
    from forecaster.estimators.learning_curve_forecaster import LearningCurveForecaster as LearningCurveForecaster
    from forecaster.evaluation.backtest import Backtest as Backtest
    from forecaster.evaluation.backtest import backtest as backtest
    from forecaster.evaluation.fitting import fit as fit
    from forecaster.floors.split import FloorSplit as FloorSplit
    from forecaster.floors.split import floor as floor
    from forecaster.inference.posterior import Posterior as Posterior
    from forecaster.inference.storage import load_posterior as load_posterior
    from forecaster.inference.validation import Validation as Validation
    from forecaster.inference.validation import validate as validate
    from forecaster.ladders.triage import Triage as Triage
    from forecaster.ladders.triage import triage as triage
    from forecaster.links.downstream import Downstream as Downstream
    from forecaster.links.downstream import downstream as downstream
    from forecaster.measuring.measure import measure as measure
    from forecaster.measuring.measure import measure_plan as measure_plan
    from forecaster.measuring.measured import Measured as Measured
    from forecaster.measuring.measured import MeasuringPlan as MeasuringPlan
    from forecaster.measuring.runs import Trained as Trained
    from forecaster.measuring.trainers.commands import CommandTrainer as CommandTrainer
    from forecaster.measuring.trainers.scikit import measure_curve as measure_curve
    from forecaster.monitoring.update import Update as Update
    from forecaster.monitoring.update import update as update
    from forecaster.monitoring.watch import Watch as Watch
    from forecaster.monitoring.watch import watch as watch
    from forecaster.prediction.curve_keys import CurveKey as CurveKey
    from forecaster.prediction.forecast import Forecast as Forecast
    from forecaster.prediction.forecast import forecast as forecast
    from forecaster.prediction.requirement import Requirement as Requirement
    from forecaster.registry.register import Registered as Registered
    from forecaster.registry.register import register as register
    from forecaster.registry.score import score as score
    from forecaster.registry.scored import Scored as Scored
    from forecaster.registry.verify import Verification as Verification
    from forecaster.registry.verify import verify as verify
    from forecaster.reports.memo import memo as memo
    from forecaster.reports.rendering import Memo as Memo
    from forecaster.reports.two_axes.memo import SurfaceMemo as SurfaceMemo
    from forecaster.reports.two_axes.memo import surface_memo as surface_memo
    from forecaster.resources.growth import GrowthTable as GrowthTable
    from forecaster.resources.growth import growth as growth
    from forecaster.resources.prices.costs import Costs as Costs
    from forecaster.resources.requirement import requirement as requirement
    from forecaster.results.check import Check as Check
    from forecaster.surfaces.answers import ComputeOptimum as ComputeOptimum
    from forecaster.surfaces.answers import SurfaceForecast as SurfaceForecast
    from forecaster.surfaces.fitted import Surface as Surface
    from forecaster.surfaces.posterior.fitting import fit_surface as fit_surface
    from forecaster.surfaces.posterior.storage import load_surfaces as load_surfaces
    from forecaster.surfaces.posterior.storage import save_surfaces as save_surfaces
    from forecaster.surfaces.requirement import SurfaceRequirement as SurfaceRequirement
    from forecaster.surfaces.requirement import surface_requirement as surface_requirement
    from forecaster.surfaces.surface import surface as surface

__version__ = "0.3.0"

_HOMES = {
    "Backtest": "evaluation.backtest",
    "CasesNeeded": "decisions.cases.needed",
    "Check": "results.check",
    "CheckReport": "checks.check",
    "CommandTrainer": "measuring.trainers.commands",
    "Comparison": "comparison.comparison",
    "Costs": "resources.prices.costs",
    "ComputeOptimum": "surfaces.answers",
    "Curve": "curves.learning_curves",
    "CurveKey": "prediction.curve_keys",
    "Decision": "decisions.decision",
    "Domain": "domains.domain",
    "Downstream": "links.downstream",
    "Effect": "comparison.effect",
    "FloorEvidence": "domains.floor_evidence",
    "FloorSplit": "floors.split",
    "Forecast": "prediction.forecast",
    "CurveMisreadError": "errors",
    "ForecasterError": "errors",
    "GrowthTable": "resources.growth",
    "Imported": "curves.importers.imported",
    "LearningCurveForecaster": "estimators.learning_curve_forecaster",
    "LearningCurves": "curves.learning_curves",
    "Measured": "measuring.measured",
    "MeasuringPlan": "measuring.measured",
    "Memo": "reports.rendering",
    "MetricComparison": "comparison.metrics",
    "Posterior": "inference.posterior",
    "Proposal": "decisions.measuring.proposal",
    "Requirement": "prediction.requirement",
    "Registered": "registry.register",
    "Scored": "registry.scored",
    "Screening": "decisions.screen",
    "Surface": "surfaces.fitted",
    "SurfaceForecast": "surfaces.answers",
    "Watch": "monitoring.watch",
    "Trained": "measuring.runs",
    "Validation": "inference.validation",
    "Verification": "registry.verify",
    "backtest": "evaluation.backtest",
    "check": "checks.check",
    "compare": "comparison.compare",
    "compare_metrics": "comparison.metrics",
    "decide": "decisions.decide",
    "downstream": "links.downstream",
    "effect": "comparison.effect",
    "fit": "evaluation.fitting",
    "floor": "floors.split",
    "fit_surface": "surfaces.posterior.fitting",
    "forecast": "prediction.forecast",
    "growth": "resources.growth",
    "import_runs": "curves.importers.import_runs",
    "load_card": "domains.loading",
    "load_domains": "domains.loading",
    "load_posterior": "inference.storage",
    "measure": "measuring.measure",
    "measure_curve": "measuring.trainers.scikit",
    "measure_plan": "measuring.measure",
    "load_surfaces": "surfaces.posterior.storage",
    "memo": "reports.memo",
    "next_measurement": "decisions.measuring.next_measurement",
    "read_curves": "curves.reading.read",
    "register": "registry.register",
    "requirement": "resources.requirement",
    "score": "registry.score",
    "save_surfaces": "surfaces.posterior.storage",
    "screen": "decisions.screen",
    "surface": "surfaces.surface",
    "SurfaceDecision": "decisions.two_axes.decision",
    "SurfaceMemo": "reports.two_axes.memo",
    "surface_memo": "reports.two_axes.memo",
    "SurfaceProposal": "decisions.two_axes.proposal",
    "SurfaceRequirement": "surfaces.requirement",
    "surface_next": "decisions.two_axes.proposing",
    "surface_decision": "decisions.two_axes.deciding",
    "surface_requirement": "surfaces.requirement",
    "test_set_size": "decisions.cases.needed",
    "ForecastInCases": "decisions.cases.promise",
    "LabelUse": "decisions.cases.labels",
    "SelectionBias": "decisions.cases.selection",
    "forecast_in_cases": "decisions.cases.promise",
    "label_use": "decisions.cases.labels",
    "selection_bias": "decisions.cases.selection",
    "Triage": "ladders.triage",
    "triage": "ladders.triage",
    "Update": "monitoring.update",
    "update": "monitoring.update",
    "validate": "inference.validation",
    "verify": "registry.verify",
    "watch": "monitoring.watch",
}

__all__ = sorted(_HOMES)  # pyright: ignore[reportUnsupportedDunderAll]


def __getattr__(name: str) -> object:
    if name in _HOMES:
        return getattr(import_module(f"forecaster.{_HOMES[name]}"), name)
    raise AttributeError(f"module 'forecaster' has no attribute {name!r}")


def __dir__() -> list[str]:
    return [*__all__, "__version__"]
