"""The pages of a memo on a surface: the answer, the options, lines on why, how far and what if; tables behind."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

import numpy as np
import pandas as pd

from forecaster.decisions.two_axes.decision import SurfaceDecision
from forecaster.decisions.two_axes.proposal import SurfaceProposal
from forecaster.results.check import FAIL, Check
from forecaster.results.message import Message, joined, message
from forecaster.results.wording import Units, chance, money, rounded, size, times, times_in
from forecaster.surfaces.answers import ComputeOptimum
from forecaster.surfaces.record import Record

MOST = 6  # options on the page
IDLE = "do nothing"
CHANGES = ("break-even", "flips", "evpi")
Line = tuple[str, Message]
Row = Mapping[str, Any]


@dataclass(frozen=True, eq=False)
class Found:
    """What was found of one surface. ``priced``: costs are money, else compute; ``open``: nothing says what a lower
    loss is worth; ``first``: which runs to make before."""

    decision: SurfaceDecision
    optimum: ComputeOptimum
    first: SurfaceProposal
    record: Record | None
    checks: tuple[Check, ...]
    units: Units
    level: float
    start: date
    priced: bool
    open: bool

    @property
    def best(self) -> Row:
        return self.decision.best

    @property
    def idle(self) -> Row:
        return next(row for row in self.rows if row["option"] == IDLE)

    @property
    def rows(self) -> list[Row]:
        table: Any = self.decision.table
        return table.to_dict("records")

    @property
    def failed(self) -> bool:
        return any(one.verdict == FAIL for one in self.checks)

    def paid(self, amount: float) -> str:
        if self.priced:
            return money(amount, self.decision.asked["currency"], exact=abs(amount) < 1e7)
        return flops(amount)

    def interval(self, row: Row) -> tuple[str, str, str]:
        """Median and ends of a row's loss."""
        low, middle, high = row["yhat_lower"], row["yhat"], row["yhat_upper"]
        places = self.units.decimals(low, high)
        return tuple(self.units.error(v, places) for v in (middle, low, high))  # type: ignore[return-value]


def flops(amount: float) -> str:
    """``1.2e21 FLOPs``."""
    return f"{amount:.3g} FLOPs".replace("e+", "e")


def day(iso: str) -> str:
    """``26 January 2027``."""
    one = date.fromisoformat(iso)
    return f"{one.day} {one:%B %Y}"


# The answer -----------------------------------------------------------------------------------------


def answer(a: Found) -> list[Message]:
    """What to train, for how much, and what it comes to."""
    if a.failed:
        failed = [one for one in a.checks if one.verdict == FAIL]
        said = [message("failed-check", f"{one.name}: {one.message.text}. {one.next_step}.") for one in failed]
        return [message("stopped", "No recommendation: a check of the fit failed."), *said]
    row = a.best
    told = {k: row[k] for k in ("option", "params", "n", "buy", "cost", "yhat", "p_target", "date")}
    if row["option"] == IDLE:
        return [message("do-not-train", f"No: train nothing larger. {a.decision.recommendation.text}", **told)]
    start = "With ten times the compute: train" if a.open else "Yes: train"
    text = f"{start} a model of {size(row['params'])} parameters on {size(row['n'])} {a.units.size_name}"
    text += f", and buy {size(row['buy'])} of them," if row["buy"] > 0 and a.priced else ""
    text += f" for {a.paid(row['cost'])}."
    said = [message("train-larger", text, **told), expected(a)]
    if a.open:
        text = "Nothing says what a lower loss is worth: with a target, or prices and a value, this becomes a decision."
        return [*said, message("open", text)]
    if a.decision.evpi is not None:
        text = f"What errors cost counted in, this costs {a.paid(rounded(row['loss_mean'], 3))} on average, and doing "
        text += f"nothing {a.paid(rounded(a.idle['loss_mean'], 3))}."
        said.append(message("all-in", text, loss=row["loss_mean"], idle=a.idle["loss_mean"]))
    if a.decision.deadline is not None and a.decision.deadline["order_by"]:
        limits = a.decision.deadline
        text = f"To be ready by {day(limits['date'])}, begin by {day(limits['order_by'])}."
        said.append(message("order-by", text, **limits))
    return said


def expected(a: Found) -> Message:
    """The loss that the chosen run comes to, and when."""
    row, idle = a.best, a.idle
    middle, low, high = a.interval(row)
    text = f"Expect {a.units.phrase(middle)}: {times_in(a.level)}, between {low} and {high}. Today it is "
    text += f"{a.interval(idle)[0]}, by {size(idle['params'])} parameters on {size(idle['n'])}."
    if row["p_target"] == row["p_target"]:
        goal = a.units.error_plain(a.decision.asked["target"])
        text += f" The chance of {goal} or less is {chance(row['p_target'])}."
    if row["date"] is not None:
        text += f" The run is done on {day(row['date'])}, if it is begun on {day(str(a.start))}."
    return message("expected", text, yhat=row["yhat"], p_target=row["p_target"], date=row["date"])


# The options ----------------------------------------------------------------------------------------


def shown(a: Found) -> np.ndarray:
    """Which rows the first page has: doing nothing, the best, and the others that lose least."""
    table: Any = a.decision.table
    standing = table["loss_mean"].fillna(table["yhat"])
    keep = table["best"] | table["option"].eq(IDLE)
    others = standing[~keep & table["allowed"]].sort_values(kind="stable").index[: MOST - int(keep.sum())]
    return keep.to_numpy() | table.index.isin(others)


def options(a: Found) -> dict[str, Any]:
    """The table of options as the page has it."""
    rows = [row for row, kept in zip(a.rows, shown(a), strict=True) if kept]
    currency = a.decision.asked["currency"]
    unit = f", {currency}" if currency else ""
    aimed, valued = a.best["p_target"] == a.best["p_target"], a.decision.evpi is not None
    timed = any(row["date"] is not None for row in rows)
    columns: list[tuple[str, bool, Any]] = [
        ("Option", False, lambda r: _option(a, r)),
        ("Compute", True, lambda r: "–" if r["option"] == IDLE else f"{r['flops']:.2g}".replace("e+", "e")),
        *([(f"Cost{unit}", True, lambda r: money(r["cost"], ""))] if a.priced else []),
        *([("Ready", True, lambda r: "today" if r["option"] == IDLE else r["date"])] if timed else []),
        (f"Loss ({times_in(a.level)})", True, lambda r: "{} ({} – {})".format(*a.interval(r))),
        *(
            [(f"Chance of {a.units.error_plain(a.decision.asked['target'])}", True, lambda r: chance(r["p_target"]))]
            if aimed
            else []
        ),
        *([(f"All in{unit}", True, lambda r: money(r["loss_mean"], ""))] if valued else []),
    ]
    return {
        "heads": [(name, right) for name, right, _ in columns],
        "rows": [
            {"cells": [show(row) for _, _, show in columns], "chosen": row["best"] and not a.failed} for row in rows
        ],
        "note": " ".join(_notes(a, rows)),
    }


def _option(a: Found, row: Row) -> str:
    name = row["option"][:1].upper() + row["option"][1:]
    if row["option"] == IDLE:
        name += f" ({size(row['params'], short=True)} on {size(row['n'], short=True)})"
    return f"{name} (recommended)" if row["best"] and not a.failed else name


def _notes(a: Found, rows: Sequence[Row]) -> Iterator[str]:
    yield f"Options are numbers of parameters on {a.units.size_name}; compute is in FLOPs."
    yield f"Loss: what to expect of the average run, and the range that holds it {times_in(a.level)}."
    if a.priced:
        yield f"Cost: data beyond the {size(a.decision.asked['owned'])} owned, and training, by the price list."
    else:
        yield "No prices were given; with a price list this table has money and dates."
    if a.decision.evpi is not None:
        yield "All in: that cost and what the loss costs, on average."
    if len(rows) < len(a.rows):
        yield f"{len(a.rows) - len(rows)} more options stand in the table options.csv."


# Three lines ----------------------------------------------------------------------------------------


def lines(a: Found) -> list[Line]:
    """Why this size, how far to trust it, and what could be wrong."""
    return [("Why this size.", why(a)), ("How far to trust this.", trust(a)), ("What could be wrong.", wrong(a))]


def why(a: Found) -> Message:
    """The best use of the chosen compute."""
    row = _optimum(a)
    low, middle, high = (size(row[f"params_{end}"], short=True) for end in ("lower", "q50", "upper"))
    text = f"{flops(row['flops'])} are spent best on {middle} parameters ({low} – {high}), with "
    text += f"{row['n_q50'] / row['params_q50']:.3g} {a.units.size_name} for each."
    if a.best["option"] != IDLE:
        off = np.log(a.best["params"] / row["params_q50"])
        if abs(off) > np.log(1.3):
            text += f" The option's model is {'larger' if off > 0 else 'smaller'} than that, for what data cost."
    values = {k: row[k] for k in ("flops", "params_q50", "params_lower", "params_upper", "n_q50")}
    return message("best-use", text, **values)


def _optimum(a: Found) -> Row:
    table: Any = a.optimum.table
    rows = table.to_dict("records")
    return min(rows, key=lambda row: abs(np.log(row["flops"] / a.best["flops"])))


def trust(a: Found) -> Message:
    """The surface's own record, and the verdict of its checks."""
    verdict = health(a)
    if a.record is None:
        return message(
            "no-record", f"No forecast of these runs was tested: too few are left without the largest. {verdict}"
        )
    r = a.record
    text = (
        f"With the {r.hidden} runs of the largest compute hidden and forecast, {r.held_80} lay in ranges meant to hold "
    )
    text += (
        f"8 in 10; forecasts were off by {100 * r.off:.2g} %, at up to {times(r.beyond).removeprefix('about ')} the "
    )
    text += "compute."
    if r.held_80 < 0.6 * r.hidden:
        text += " That is too few: read ranges as too narrow."
    return message("record", f"{text} {verdict}", **vars(r))


def health(a: Found) -> str:
    failed, open_ = (sum(one.verdict == verdict for one in a.checks) for verdict in (FAIL, "REVIEW"))
    if failed:
        return f"The fit failed {failed} of its {len(a.checks)} checks."
    if open_:
        return f"It failed none of its {len(a.checks)} checks; {open_} {'calls' if open_ == 1 else 'call'} for a look."
    return f"It passed its {len(a.checks)} checks."


def wrong(a: Found) -> Message:
    """Distance, an optimum outside the data, a target out of reach."""
    row, parts = _optimum(a), []
    if row["decades_beyond"] > 0.05:
        parts.append(f"The compute is {times(10 ** row['decades_beyond'])} the largest measured one.")
    if row["p_outside_data"] > 0.05:
        parts.append(f"Its best use lies outside the measured runs with a chance of {chance(row['p_outside_data'])}.")
    least = a.decision.lowest_risk
    if least is not None and least["risk"] >= 0.005:
        parts.append(f"With a chance of {chance(least['risk'])} no compute within reach brings the target.")
    design = a.optimum.surfaces[0].design
    if design.above.any():
        parts.append(f"{int(design.above.sum())} runs are marked as untuned, and say little.")
    parts.append("Runs that were stopped early or left untuned, if any are not marked, make the forecast too high.")
    values = {"decades": row["decades_beyond"], "p_outside": row["p_outside_data"]}
    return message("could-be-wrong", " ".join(parts[:3]), **values)


# Further pages --------------------------------------------------------------------------------------


def changes(a: Found) -> list[Line]:
    """Prices and values that would change the choice, and what the optimum rests on."""
    found: list[Line] = []
    said = [one for one in a.decision.messages if one.id in CHANGES]
    if said and a.priced:
        values = {k: v for one in said for k, v in one.values.items()}
        found.append(("Prices, and what a loss costs.", message("prices", joined(said), **values)))
    own = next(check for check in a.checks if check.id == "isoflop")
    found.append(
        ("Without the law.", message("isoflop-memo", f"{own.message.text}.".capitalize(), **own.message.values))
    )
    return found


def first_runs(a: Found) -> list[str]:
    """Which runs to make before the large one."""
    return [one.text for one in a.first.messages]


def optimum_rows(a: Found) -> dict[str, Any]:
    """The best use of each compute."""
    table: Any = a.optimum.table
    rows = [
        [
            f"{row['flops']:.2g}".replace("e+", "e"),
            _range(row, "params"),
            _range(row, "n"),
            "{:.4g} ({:.4g} – {:.4g})".format(*(row[f"error_{end}"] for end in ("q50", "lower", "upper"))),
            chance(row["p_outside_data"]),
        ]
        for row in table.to_dict("records")
    ]
    heads = ["FLOPs", "Parameters", a.units.size_name[:1].upper() + a.units.size_name[1:], "Loss", "Outside the data"]
    note = (
        f"Medians, and ranges that hold {times_in(a.level)}. Outside: the chance that an optimum lies beyond the runs."
    )
    return {"heads": heads, "rows": rows, "note": note}


def needs_rows(a: Found) -> dict[str, Any]:
    """What the target takes at its least compute."""
    table: Any = a.decision.needs
    currency = a.decision.asked["currency"]
    heads, rows = ["", "median", "from", "to"], []
    for row in table.to_dict("records"):
        told = [("Compute, FLOPs", "flops", lambda v: f"{v:.3g}".replace("e+", "e"))]
        told += [("Accelerator hours", "gpu_hours", lambda v: f"{v:,.4g}")]
        told += [(f"Cost{f', {currency}' if currency else ''}", "cost", lambda v: money(v, ""))] if a.priced else []
        for name, key, show in told:
            values = [row[f"{key}{end}"] for end in ("", "_lower", "_upper")]
            if values[0] == values[0]:
                rows.append([name, *("never" if np.isinf(v) else show(v) for v in values)])
        if row["date"] is not None:
            rows.append(["Done on", *(row[f"date{end}"] for end in ("", "_lower", "_upper"))])
    note = f"The range holds {times_in(a.level)}; “never”: not within the compute that was searched."
    return {"heads": heads, "rows": rows, "note": note}


def _range(row: Row, name: str) -> str:
    middle, low, high = (size(row[f"{name}_{end}"], short=True) for end in ("q50", "lower", "upper"))
    return f"{middle} ({low} – {high})"


def page_table(a: Found) -> pd.DataFrame:
    """All options, and which of them the first page has."""
    return a.decision.table.assign(shown=shown(a))
