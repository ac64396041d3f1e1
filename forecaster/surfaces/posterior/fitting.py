"""fit_surface: from a table with two axes to the posterior of its surface."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pandas as pd

from forecaster.curves.learning_curves import LearningCurves
from forecaster.curves.reading.read import read_curves
from forecaster.errors import RequestError
from forecaster.surfaces.fitted import Surface
from forecaster.surfaces.model.card import SurfaceCard, load_surface_card
from forecaster.surfaces.model.design import SurfaceDesign, designs_of
from forecaster.surfaces.posterior.sampling import Engine, sample

Source = LearningCurves | pd.DataFrame | str | Path


def fit_surface(
    source: Source,
    *,
    card: SurfaceCard | str | Path | None = None,
    engine: Engine = "importance",
    seed: int = 0,
    **reading: Any,
) -> Surface:
    """Fit the joint law of loss in model size and data to a table of runs.

    Parameters
    ----------
    source : str, Path, pandas.DataFrame or LearningCurves
        Final losses of runs: a table with the columns ``n`` (data), ``params`` (model size) and ``error`` (loss), and
        where data repeat ``unique_n``; ``architecture`` names a family, or each model size.
    card : SurfaceCard, str or Path, optional
        Other priors than the shipped ones: a card, or the path of a file like ``models/surfaces/losses.toml``.
    engine : {"importance", "nuts"}
        Adaptive importance sampling, or NUTS on the PyMC model (slow; the reference).
    seed : int
        The same seed gives the same draws.
    reading : keyword arguments
        How a table is read, as for :func:`~forecaster.read_curves`.

    Returns
    -------
    Surface
        Draws of the loss as a function of both sizes: ``log_loss(n, params)``.

    Raises
    ------
    RequestError
        The table holds several surfaces, no ``params``, or fewer than three different values of either size.

    Examples
    --------
    >>> import pandas as pd, forecaster
    >>> grid = [(params, n) for params in (1e8, 3e8, 1e9) for n in (2e9, 8e9, 3e10)]
    >>> rows = [("lm", p, n, 1.8 + 480 / p**0.35 + 2100 / n**0.37) for p, n in grid]
    >>> table = pd.DataFrame(rows, columns=["domain", "params", "n", "error"]).assign(architecture="decoder")
    >>> fitted = forecaster.fit_surface(table)
    >>> fitted.parameters.index.tolist()
    ['E', 'A', 'B', 'a', 'b', 'k', 'noise', 'drift']
    """
    designs = designs_of_source(source, card, reading)
    if len(designs) > 1:
        named = ", ".join(design.label for design in designs)
        raise RequestError(
            f"found {len(designs)} surfaces ({named}); expected one: choose it with where=, or ask surface()"
        )
    return fitted_to(designs[0], engine=engine, seed=seed)


def fitted_to(design: SurfaceDesign, *, engine: Engine = "importance", seed: int = 0) -> Surface:
    """The posterior of one design."""
    return Surface(design, sample(design, seed=seed, engine=engine), seed)


def designs_of_source(
    source: Source, card: SurfaceCard | str | Path | None = None, reading: Mapping[str, Any] | None = None
) -> list[SurfaceDesign]:
    """The designs of a table, read as one of two axes."""
    known = card if isinstance(card, SurfaceCard) else load_surface_card(card)
    return list(designs_of(curves_of(source, reading or {}), known))


def curves_of(source: Source, reading: Mapping[str, Any]) -> LearningCurves:
    """The table as curves: read with two axes, where it is not read yet."""
    if isinstance(source, LearningCurves):
        if reading:
            raise RequestError(f"found {', '.join(reading)} beside curves, which are read already; leave it out")
        return source
    return read_curves(source, two_axes=True, **reading)
