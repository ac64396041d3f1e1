"""What a data requirement takes in other units: parameters, compute, hours, money and dates.

Each draw of the size needed is carried through the draw of the line with which a quantity grows, and through the price
list; so "never" stays never in every unit.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta
from typing import Any

import numpy as np
import pandas as pd

from forecaster.curves.learning_curves import Group
from forecaster.inference.posterior import Posterior
from forecaster.prediction.crossings import largest_size
from forecaster.prediction.curve_keys import CurveKey
from forecaster.prediction.requirement import Requirement
from forecaster.resources.prices.costs import EVERY, Costs, Hours
from forecaster.resources.spent import QUANTITIES, line_of
from forecaster.results.message import Message, joined, message
from forecaster.results.wording import listed, money, plain_number

SHARES = {"q10": 0.1, "q50": 0.5, "q90": 0.9}
LATEST = 365 * 1000  # days; a later date is given as never
UNITS = {"params": "parameters", "compute": "FLOPs", "gpu_hours": "accelerator hours", "seconds": "seconds"}
Drawn = dict[str, np.ndarray]


def with_resources(found: Requirement, costs: Costs | None, start: date, seed: int) -> Requirement:
    """The requirement with what it takes in other units, where the table or a price list say; else as it is."""
    assert found.posterior is not None
    assert found.draws is not None
    posterior, drawn = found.posterior, found.draws.values.reshape(-1, found.draws.shape[-1])
    rows = []
    for i, row in enumerate(found.table.to_dict("records")):
        key = CurveKey(row["domain"], row["task"], row["architecture"])
        taken = {} if row["q50"] != row["q50"] else _taken(posterior, key, drawn[:, i], costs, seed)
        if taken:
            named = {name: row[name] for name in ("domain", "task", "architecture", "target")}
            rows.append(named | _quantiles(taken, start))
    if not rows:
        return found
    first = rows[0]
    said = _said(first, "" if costs is None else costs.currency)
    text = joined([message("need", found.text), said], "\n")
    order = None if costs is None else _order(posterior, (first["domain"], first["task"]), costs, start)
    return replace(found, resources=pd.DataFrame(rows), text=text, order=order)


def _order(posterior: Posterior, group: Group, costs: Costs, start: date) -> dict[str, Any]:
    owned = largest_size(posterior.designs[group]) if costs.owned is None else costs.owned
    told = {"currency": costs.currency, "owned": owned, "items_per_week": costs.items_per_week}
    return told | {"start": start.isoformat()}


def measured_hours(costs: Costs, posterior: Posterior, keys: tuple[CurveKey, ...], seed: int) -> Costs:
    """The price list with the hours that runs were measured to take, for architectures of which it says none."""
    own = dict(costs.architecture)
    for key in keys:
        known = own.get(key.architecture, EVERY)
        line = line_of(posterior, key, "gpu_hours", seed)
        if line is None or known.gpu_hours is not None or costs.gpu_hours.per_item > 0.0:
            continue
        middle, slope = float(np.median(line.middle)), float(np.median(line.slope))
        hours = Hours(float(np.exp(middle - slope * line.x)), slope)
        own[key.architecture] = replace(known, gpu_hours=hours)
    return replace(costs, architecture=own)


def _taken(posterior: Posterior, key: CurveKey, n: np.ndarray, costs: Costs | None, seed: int) -> Drawn:
    """Draws of each quantity at the sizes needed [draw], infinite where no size is enough."""
    log_n = np.log(n)
    lines = {name: line for name in QUANTITIES if (line := line_of(posterior, key, name, seed)) is not None}
    out = {name: np.exp(line.along(log_n)) for name, line in lines.items()}
    if costs is None:
        return out
    if "gpu_hours" not in out and costs.hours(1.0, key.architecture) > 0.0:
        out["gpu_hours"] = np.asarray(costs.hours(n, key.architecture), dtype=float)
    owned = largest_size(posterior.designs[key.group]) if costs.owned is None else costs.owned
    hours = out.get("gpu_hours", np.zeros(len(n)))
    finite = np.isfinite(n)
    buy = np.where(finite, np.maximum(n - owned, 0.0), 0.0)
    paid = costs.order(buy) + costs.hour_price(key.architecture) * np.where(finite, hours, 0.0)
    out["cost"] = np.where(finite, paid, np.inf)
    if costs.items_per_week is not None or "gpu_hours" in out:
        days = costs.delivery(buy) + np.where(finite, hours, 0.0) / costs.gpus / 24.0
        out["days"] = np.where(finite, days, np.inf)
    return out


def _quantiles(taken: Drawn, start: date) -> dict[str, Any]:
    """Quantiles of each quantity; of days the dates."""
    found: dict[str, Any] = {}
    for name, drawn in taken.items():
        for q, share in SHARES.items():
            value = float(np.quantile(drawn, share, method="inverted_cdf"))
            if name == "days":
                found[f"date_{q}"] = _day(start, value)
            else:
                found[f"{name}_{q}"] = value
    return found


def _day(start: date, days: float) -> str:
    return (start + timedelta(days=float(np.ceil(days)))).isoformat() if days < LATEST else "never"


def _said(row: dict[str, Any], currency: str) -> Message:
    """What one target takes, in words."""
    parts = []
    for name in (*UNITS, "cost"):
        if f"{name}_q50" not in row:
            continue
        low, middle, high = (row[f"{name}_{q}"] for q in SHARES)
        told = [money(v, currency) if name == "cost" and np.isfinite(v) else _number(v) for v in (middle, low, high)]
        parts.append(f"{told[0]}{'' if name == 'cost' else ' ' + UNITS[name]} ({told[1]} to {told[2]})")
    text = f"For {plain_number(row['target'])} {row['architecture']} takes {listed(parts)}"
    if "date_q50" in row:
        text += f", and is ready on {row['date_q50']} ({row['date_q10']} to {row['date_q90']})"
    return message("resources", f"{text}: medians, and the range of eight in ten draws.", **row)


def _number(value: float) -> str:
    return f"{value:.3g}" if np.isfinite(value) else "never"
