"""Facts of a memo, and a decision on them, made by hand: a few numbers, no posterior."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from forecaster.decisions.decision import OPTIONS, Decision
from forecaster.reports.answers import Facts, Measured
from forecaster.reports.deciding import Decided, Worth
from forecaster.results.check import Check
from forecaster.results.message import message
from forecaster.results.wording import Units

GROUP = ("vision", "top-1")
LARGEST = 1e5


@dataclass(frozen=True)
class Curve:
    """One architecture: its error today and at the options, the chance of being best at each, and what it needs."""

    errors: Sequence[float]  # today, then at each option
    best: Sequence[float]
    needs: Sequence[float] = (4e5, 5e5, 8e5, 1e6)  # q25, q50, q75, q95
    never: float = 0.0
    met: float = 0.0
    risen: float = 0.0
    floors: tuple[float, float] = (0.001, 0.01)
    largest: float = LARGEST
    last: float | None = None  # error measured at the largest size
    lowest: float | None = None  # lowest error measured
    cases: float = float("nan")


def facts(curves: Mapping[str, Curve], sizes: Sequence[float] = (1e6, 1e7), **given: Any) -> Facts:
    """The facts of these architectures; the headline is the first option unless given."""
    options, needs, floors, ends, measured = [], [], [], {}, {}
    for name, one in curves.items():
        for n, error, p in zip((LARGEST, *sizes), one.errors, one.best, strict=True):
            options.append({"architecture": name, "n": n, "p_best": p, "p_target": 0.5} | around(error))
        shares = dict(zip(("q25", "q50", "q75", "q95"), one.needs, strict=True))
        needs.append(
            {"architecture": name, "target": 0.05, "horizon": 1e11, "p_never": one.never}
            | shares
            | {"already_met": one.met, "p_risen": one.risen}
        )
        low, high = one.floors
        for part in range(5):
            floor = low + (high - low) * part / 4
            row = {"architecture": name, "part": part + 1, "floor": floor, "p_best": one.best[1]}
            floors.append(row | around(one.errors[1] + 0.1 * (floor - low)))
        ends[name] = {"architecture": name, "n": one.largest} | around(one.errors[0])
        last = one.errors[0] if one.last is None else one.last
        lowest = last if one.lowest is None else one.lowest
        measured[name] = Measured(1e3, one.largest, last, lowest, one.cases)
    table = pd.DataFrame(options).sort_values(["n", "yhat"], ignore_index=True)
    basic: dict[str, Any] = {
        "group": GROUP,
        "units": Units("images", "top-1 error", percent=True),
        "level": 0.8,
        "largest": LARGEST,
        "sizes": tuple(sizes),
        "headline_n": sizes[0],
        "target": 0.05,
        "target_given": True,
        "options": table,
        "needs": pd.DataFrame(needs),
        "ends": ends,
        "measured": measured,
        "floors": pd.DataFrame(floors),
    }
    return Facts(**basic | given)


def around(error: float, width: float = 1.1) -> dict[str, float]:
    """A forecast and its interval."""
    return {"yhat": error, "yhat_lower": error / width, "yhat_upper": error * width}


def check(id: str, verdict: str, *architectures: str) -> Check:
    """A check about these architectures."""
    labels = tuple("/".join((*GROUP, name)) for name in architectures)
    return Check(id, verdict, message("made-up", "made up"), "do something", labels)


ASKED = dict.fromkeys(["target", "penalty", "per_point", "per_mistake", "volume", "budget", "risk"])


def decided(
    a: Facts,
    architecture: str,
    n: float = 0.0,
    *,
    id: str = "buy",
    losses: Mapping[float, float] | None = None,
    date: str | None = None,
    worth: Worth | None = None,
    open: bool = False,
    asked: Mapping[str, Any] | None = None,
    **given: Any,
) -> Decided:
    """A decision for an architecture at size ``n`` (0: do nothing): items cost 1; ``losses`` by size, 0 for idle."""
    rows: list[dict[str, Any]] = []
    basic = dict(zip(("domain", "task"), a.group, strict=True)) | {"level": 0.8, "allowed": True}
    for end in a.ends.values():
        rows.append(basic | dict(end) | {"option": "do nothing", "buy": 0.0, "p_target": 0.1, "at": 0.0})
    for row in a.options.to_dict("records"):
        if row["n"] > LARGEST:
            rows.append(basic | dict(row) | {"option": f"buy {row['n'] - LARGEST:.0f}", "buy": row["n"] - LARGEST})
    for row in rows:
        at = row["n"] if row["buy"] else 0.0
        row |= {"cost": row["buy"], "best": row["architecture"] == architecture and at == n, "date": date}
        row["loss_mean"] = np.nan if losses is None else losses[at]
    table = pd.DataFrame([{name: row.get(name, np.nan) for name in OPTIONS.names} for row in rows])
    table["date"] = date
    known = {"currency": "EUR", "owned": LARGEST, "attitude": "mean", **ASKED, **(asked or {})}
    extra = {"evpi": None if losses is None else 1.0} | given
    found = Decision(table, "", recommendation=message(id, ""), asked=known, **extra)
    return Decided(found, worth or Worth(costs={"per_item": 1.0}), open=open)
