"""The chapter on how model size, compute and hours of training grow with the data."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from forecaster.plots.growth import growth_figure
from forecaster.prediction.curve_keys import CurveKey
from forecaster.reports.answers import Answers
from forecaster.reports.chapters.chapter import Chapter, Kind, Row, Shown, size_range, tabled
from forecaster.resources.growth import growth
from forecaster.resources.spent import QUANTITIES, growth_of
from forecaster.results.message import joined, message
from forecaster.results.wording import size, times_in

MOST = 2  # architectures in the chapter: the chosen one and its nearest rival


def growing(a: Answers, seed: int) -> Chapter:
    """What ``growth`` forecasts for the chosen architecture and its nearest rival, at the options and today's size.

    Parameters
    ----------
    a : Answers
        The answers of the memo.
    seed : int
        The same seed gives the same numbers.
    """
    facts = a.facts
    names = [name for name in _names(a) if name in _measured(a, seed)][:MOST]
    sizes = sorted({facts.largest, facts.headline_n, max(facts.sizes)})
    keys = [CurveKey(*a.group, name) for name in names]
    found = growth(a.posterior, sizes, level=facts.level, seed=seed, curves=keys)
    label = f"{'/'.join(a.group)}/"
    return Chapter(
        name="growth",
        heading="What a training run takes as the data grows",
        said=message("growth", joined(found.messages, "\n").replace(label, "")),
        **tabled(
            list(_rows(found.table)),
            [
                Shown("Architecture", lambda r: r["architecture"], right=False),
                Shown("What one run takes", lambda r: QUANTITIES[r["quantity"]], right=False),
                *(Shown(f"at {size(n)}", lambda r, n=n: r[n]) for n in sizes),
            ],
        ),
        figure=growth_figure(found),
        alt="Chart of what training runs took, by amount of data, and the lines that go on from there.",
        caption="Dots: measured. Lines and bands: the forecast; a band holds what one run takes "
        f"{times_in(facts.level)}. The dotted line is the largest measured size.",
        tables={"growth": found.table, "growth_exponents": found.exponents},
    )


def _names(a: Answers) -> list[str]:
    """The chosen architecture, then the others by their forecast at the headline's size."""
    who = str(a.decision.best["architecture"])
    return [who, *(row["architecture"] for row in a.facts.at(a.facts.headline_n) if row["architecture"] != who)]


def _measured(a: Answers, seed: int = 0) -> set[str]:
    """The architectures whose table says what their runs took."""
    return {name for one in growth_of(a.posterior, a.group, seed).values() for name in one.lines}


def _rows(table: Any) -> Iterator[Row]:
    """One row an architecture and quantity, with a range for each size."""
    for (name, quantity), own in table.groupby(["architecture", "quantity"], sort=False):
        ranges = {
            row["n"]: size_range(row["yhat"], row["yhat_lower"], row["yhat_upper"]) for row in own.to_dict("records")
        }
        yield {"architecture": name, "quantity": quantity} | ranges


KIND = Kind("growth", growing, unasked=lambda a: bool(_measured(a)))
