"""The chapter on forecasts that were registered before their runs, and how they did."""

from __future__ import annotations

from typing import Any

from forecaster.plots.monitoring.score import score_figure
from forecaster.registry.score import score
from forecaster.reports.answers import Answers
from forecaster.reports.chapters.chapter import Chapter, Kind, Shown, file, tabled
from forecaster.results.message import message
from forecaster.results.wording import chance

MOST = 8  # outcomes in the figure, the latest registered


def registered(a: Answers, seed: int, *, registry: Any, outcomes: Any, head: str | None = None) -> Chapter:
    """What ``score`` finds of a file of registered forecasts and what was measured since, of whatever curves.

    Parameters
    ----------
    a : Answers
        The answers of the memo.
    seed : int
        Not used: scores have no randomness.
    registry : path
        What :func:`~forecaster.register` wrote.
    outcomes : path or pandas.DataFrame
        The measurements since, as :func:`~forecaster.score` takes them.
    head : str, optional
        A published hash of the last record.
    """
    found = score(registry, outcomes, head=head)
    record: Any = found.record
    rows = record[record["level"] >= 0.5].to_dict("records")
    return Chapter(
        name="record",
        heading="How forecasts made before the run turned out",
        said=message("registered", found.text, **found.totals),
        **tabled(
            rows,
            [
                Shown("Intervals meant to hold", lambda r: f"{100 * r['level']:g} %", right=False),
                Shown("Held", lambda r: f"{r['held']:,.0f} of {r['scored']:,.0f}"),
                Shown("A calibrated forecaster holds", lambda r: f"{r['low']:,.0f} – {r['high']:,.0f}"),
                Shown("Chance of a count as far out", lambda r: chance(r["p_value"])),
            ],
        ),
        figure=score_figure(found, MOST),
        alt="Chart of how many outcomes lay inside intervals, by level, and of each outcome beside its forecast.",
        caption="Left: share of outcomes inside their intervals; on the diagonal they are right. Right: the latest "
        "outcomes, as differences from the median that was forecast; bars are 80 % intervals.",
        tables={"registered": found.table, "registered_record": record},
        checks=found.checks,
    )


KIND = Kind("record", registered, {"registry": file, "outcomes": file, "head": str}, needed=("registry", "outcomes"))
