"""forecaster: learning curves in, credible intervals for error and data requirements out.

Functions over frozen values; each is imported when it is first asked for, so that ``import forecaster`` is quick.
"""

import sys
from importlib import import_module
from types import ModuleType
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from forecaster.backtest import backtest as backtest
    from forecaster.card_files import load_card as load_card
    from forecaster.card_files import load_domains as load_domains
    from forecaster.checks import check as check
    from forecaster.comparison import compare as compare
    from forecaster.curves import LearningCurves as LearningCurves
    from forecaster.errors import ForecasterError as ForecasterError
    from forecaster.forecast import forecast as forecast
    from forecaster.inference import fit as fit
    from forecaster.memo import memo as memo
    from forecaster.posterior import Posterior as Posterior
    from forecaster.posterior import load_posterior as load_posterior
    from forecaster.reading import read_curves as read_curves
    from forecaster.requirement import requirement as requirement

__version__ = "0.1.0"

_HOMES = {
    "backtest": "backtest",
    "load_card": "card_files",
    "load_domains": "card_files",
    "check": "checks",
    "compare": "comparison",
    "LearningCurves": "curves",
    "ForecasterError": "errors",
    "forecast": "forecast",
    "fit": "inference",
    "memo": "memo",
    "Posterior": "posterior",
    "load_posterior": "posterior",
    "read_curves": "reading",
    "requirement": "requirement",
}


class _Package(ModuleType):
    """Keeps ``forecaster.forecast`` the function: importing the submodule of that name must not replace it."""

    def __setattr__(self, name: str, value: Any) -> None:
        if not (name in _HOMES and isinstance(value, ModuleType)):
            super().__setattr__(name, value)


sys.modules[__name__].__class__ = _Package


def __getattr__(name: str) -> Any:
    if name in _HOMES:
        return getattr(import_module(f"forecaster.{_HOMES[name]}"), name)
    raise AttributeError(f"module 'forecaster' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted([*globals(), *_HOMES])
