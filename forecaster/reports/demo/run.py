"""demo: the memos of the shipped examples, each with its page. No statistics here: it names files, tells progress."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from pathlib import Path

import pandas as pd

from forecaster.evaluation.fitting import fit, fit_cached
from forecaster.inference.fit import Progress
from forecaster.reports.demo.over_time import over_time
from forecaster.reports.examples import (
    EXAMPLES,
    GRID,
    START,
    Demo,
    Example,
    GridExample,
    Written,
    example_costs,
    example_curves,
    memos_of,
)
from forecaster.reports.two_axes.written import surface_memos
from forecaster.surfaces.posterior.fitting import fit_surface


def run(
    folder: Path,
    only: str | None = None,
    *,
    cache: bool = True,
    pdf: bool = False,
    tell: Progress = lambda *_: None,
) -> Demo:
    """Fit all examples (or ``only`` one) and write their memos into ``folder``, with ``pdf`` as PDF, too."""
    chosen = [e for e in (*EXAMPLES, GRID) if only in (None, e.name)]
    made: list[Written] = []
    for i, example in enumerate(chosen):
        here = partial(_tell, tell, example.name, i, len(chosen))
        if isinstance(example, GridExample):
            made += _on_grid(example, folder, pdf, here)
        else:
            made += _on_curves(example, folder, cache, pdf, here)
    table = pd.concat([m.table for m in made], ignore_index=True)
    return Demo(table, made[0].text, tuple(c for m in made for c in m.checks))


def _tell(tell: Progress, name: str, i: int, count: int, what: str, part: float) -> None:
    tell(f"{name}: {what}", (i + part) / count)


def _on_curves(example: Example, folder: Path, cache: bool, pdf: bool, tell: Progress) -> Iterator[Written]:
    """The memo on curves in data and, where the example has later runs, a forecast of them kept over time."""
    tell("fitting", 0.0)
    curves = example_curves(example.name)
    posterior = fit_cached(curves) if cache else fit(curves, cache=False)
    tell("writing the memo", 0.6)
    priced = {} if example.penalty is None else {"costs": example_costs(), "penalty": example.penalty}
    yield memos_of(
        posterior,
        folder,
        example.name,
        tell=lambda *_: None,
        page=True,
        pdf=pdf,
        sizes=example.sizes,
        target=example.target,
        title=example.title,
        size_unit=example.size_unit,
        chapters=example.chapters,
        start=START,
        dated=START,
        **priced,
        command=f"forecaster demo --only {example.name}",
    )
    if example.later is not None:
        tell("a forecast registered, scored and watched", 0.8)
        yield over_time(curves, example.later, folder, example.name, cache=cache)


def _on_grid(example: GridExample, folder: Path, pdf: bool, tell: Progress) -> Iterator[Written]:
    """The memo on runs over model size and data."""
    tell("fitting", 0.0)
    surface = fit_surface(example_curves(example.name, two_axes=True))
    tell("writing the memo", 0.3)
    yield surface_memos(
        [surface],
        folder,
        example.name,
        tell=lambda *_: None,
        page=True,
        pdf=pdf,
        costs=example_costs(example.costs),
        target=example.target,
        penalty=example.penalty,
        title=example.title,
        start=START,
        dated=START,
        command=f"forecaster demo --only {example.name}",
    )
