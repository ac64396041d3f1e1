"""The checks of the command line: run on everything that was fitted, shown for the curves asked about."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from importlib import import_module
from typing import TYPE_CHECKING

from forecaster.cli import console

if TYPE_CHECKING:
    from forecaster.checks.check import CheckReport
    from forecaster.cli.choosing import Choice
    from forecaster.inference.posterior import Posterior
    from forecaster.results.check import Check


def checked(
    posterior: Posterior, choice: Choice, at: Sequence[float] = (), *, seed: int, refit: bool = False
) -> CheckReport:
    """The checks of the posterior; of the chosen architectures alone if some are named."""
    from forecaster.checks.check import about, check

    _load_arviz()
    with console.progress("Checking the fit") as tell:
        found = check(posterior, at=at, refit=refit, seed=seed, on_progress=tell)
    if not choice.architecture:
        return found
    own = about(found, choice.keys(posterior))
    if found.verdict == "FAIL" != own.verdict:
        console.say(
            "Note: a check failed for curves that were not asked about; curves of one task inform one another. "
            "`forecaster check` without --architecture shows it."
        )
    return own


def _load_arviz() -> None:
    """ArviZ's statistics, without JAX where nothing has sampled.

    ArviZ leaves a placeholder among the modules that becomes JAX when asked for anything, and SciPy asks wherever it
    finds one: most of a second for verbs on a saved posterior. ArviZ has no setting for it, so the placeholder goes
    again. Here, where the process is ours: whoever reads NumPyro's results by ArviZ needs it.
    """
    import_module("arviz_stats")
    if "jax._src" not in sys.modules:
        sys.modules.pop("jax", None)


def verdicts(posterior: Posterior, choice: Choice, at: Sequence[float] = (), *, seed: int) -> tuple[Check, ...]:
    """The checks alone, as other answers carry them."""
    return checked(posterior, choice, at, seed=seed).checks
