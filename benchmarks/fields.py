"""How often intervals hold on fields that no card has seen: a library of fields, each left out in turn.

    uv run python benchmarks/fields.py --data FOLDER --output benchmarks/results/calibration.md
    uv run python benchmarks/fields.py --data FOLDER --card generic

Each field of `library.py` is forecast with the card that the hierarchy of `hierarchy.py` learns from all other fields;
with `--own` each of its groups with the field's own card, learned without that group; with `--card NAME` with that
card. Rows marked `extrapolate` are hidden. Each field weighs the same in `all fields`:

    80 % hold        share of hidden errors inside their 80 % interval; `low` and `high` are what intervals that are
                     exactly right would hold of these very curves nine times in ten (`99`: 99 in 100)
    mean error       mean over curves of log forecast - log outcome: below 0 is too low; `se` its standard error
    CRPS / law       CRPS on log error over that of power law + floor, which is a point
    CRPS / band      the same over that of power law + floor with split-conformal intervals
    slope            median over curves of log error's slope over the hidden sizes, over that before: as measured, as
                     the median forecast has it, and as curves drawn from the card have it (`prior`)
    FAIL             share of curves that stop the tool; they are in every score all the same

A second table has the coverage by decades beyond the largest fitted size, as means over the fields that reach so far.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from learning import ITERATIONS, library_likelihoods, own_cards, unseen_cards
from library import LIBRARY, Field, curves_of
from recording import add_output, record

from forecaster.checks.prior_predictive import prior_paths
from forecaster.curves.learning_curves import KEYS, Group, LearningCurves
from forecaster.domains.domain import Domain
from forecaster.domains.loading import load_card
from forecaster.evaluation.backtest import Backtest, backtest
from forecaster.evaluation.rivals.conformal import BAND, LAW

TITLE = "Fields that no card has seen"
OWN = "Tasks that the card of their field has not seen"
HIDDEN = 8  # hidden sizes of a curve that are scored
SHARES = ("80 % hold", "low", "high", "low 99", "high 99", "95 % hold", "FAIL", *("coverage", "conformal"))
SHORT = ("field", "curves", "decades ahead", "80 % hold", "low", "high", "95 % hold", "mean error", "CRPS / law")
FALLS = 0.02  # least slope, per nat, of a curve that is said to fall
PRIOR_DRAWS = 400
Table = Any  # a DataFrame, where pandas' own annotations know no better


def main() -> int:
    """Score every field; 1 where none could be."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True, help="folder of the library")
    parser.add_argument("--only", help="names of fields, separated by commas (default: all)")
    parser.add_argument("--card", help="one card for all fields, in place of those learned from all others")
    parser.add_argument("--own", action="store_true", help="own cards, cross-validated by task")
    parser.add_argument(
        "--iterations", type=int, default=ITERATIONS, help="fits of the library, each under the cards before it"
    )
    parser.add_argument("--seed", type=int, default=0)
    add_output(parser, "calibration")
    chosen = parser.parse_args()
    fields = {field.name: field for field in LIBRARY if (chosen.data / f"{field.files[0]}.csv").is_file()}
    if not fields:
        print(f"{chosen.data}: found none of the library's files", file=sys.stderr)
        return 1
    curves = {name: curves_of(field, chosen.data, hidden=HIDDEN) for name, field in fields.items()}
    cards = cards_of(fields, curves, chosen)
    rows, ahead = [], []
    for name in chosen.only.split(",") if chosen.only else cards:
        found = scored(curves[name], cards[name], chosen.seed)
        ahead.append(found.calibration)
        rows.append(row_of(name, found, cards[name]))
        print(
            ", ".join(f"{k} {v:.3g}" if isinstance(v, float) else f"{k} {v}" for k, v in rows[-1].items()), flush=True
        )
    rows.append(macro(rows))
    if chosen.output:
        title = f"The library under the card {chosen.card}" if chosen.card else OWN if chosen.own else TITLE
        record(chosen.output, title, rows, shares=SHARES)
        record(chosen.output, f"{title}, in short", [{k: row.get(k) for k in SHORT} for row in rows], shares=SHARES)
        record(chosen.output, f"{title}, by distance", by_distance(ahead), shares=SHARES)
    return 0


def cards_of(
    fields: Mapping[str, Field], curves: Mapping[str, LearningCurves], chosen: argparse.Namespace
) -> dict[str, dict[Group, Domain]]:
    """The card of every group, by field."""
    kinds = {name: field.kind for name, field in fields.items()}
    if chosen.card:
        return {name: dict.fromkeys(curves[name].groups, load_card(chosen.card)) for name in fields}
    parts = library_likelihoods(fields, curves, iterations=chosen.iterations, seed=chosen.seed)
    if chosen.own:
        return own_cards(parts, kinds, seed=chosen.seed)
    found = unseen_cards(parts, kinds, seed=chosen.seed)
    return {name: dict.fromkeys(curves[name].groups, found[name]) for name in fields}


def scored(curves: LearningCurves, cards: Mapping[Group, Domain], seed: int) -> Backtest:
    """The backtest of one field."""
    return backtest(curves, split="column", card=dict(cards), seed=seed)


def row_of(name: str, found: Backtest, cards: Mapping[Group, Domain]) -> dict[str, Any]:
    """One line of the table."""
    table: Table = found.table
    ours = found.totals.set_index("method")
    numbers = ours.loc["forecaster"]
    ahead = float(np.median(np.log10(table["n_last"] / table["n_fit"])))
    before, after, forecast = slopes(found)
    fails = sum(curve.diverges for curve in found.fitted.curves) if found.fitted else 0
    return {"field": name, "curves": len(table), "decades ahead": round(ahead, 2)} | {
        "80 % hold": float(numbers["cover_80"]),
        "low": float(numbers["cover_80_low"]),
        "high": float(numbers["cover_80_high"]),
        "low 99": float(numbers["cover_80_low_99"]),
        "high 99": float(numbers["cover_80_high_99"]),
        "95 % hold": float(numbers["cover_95"]),
        "mean error": float(table["bias"].mean()),
        "median error": float(table["bias"].median()),
        "se": float(table["bias"].std() / np.sqrt(len(table))) if len(table) > 1 else None,
        "CRPS / law": float(numbers["crps"] / ours.loc[LAW, "crps"]),
        "CRPS / band": float(numbers["crps"] / ours.loc[BAND, "crps"]),
        "log score": float(numbers["log_score"]),
        "slope measured": float(np.median(after / before)) if len(before) else None,
        "slope forecast": float(np.median(forecast / before)) if len(before) else None,
        "slope prior": prior_slope(found, cards),
        "FAIL": fails / len(found.fitted.curves) if found.fitted else None,
    }


def slopes(found: Backtest) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Slopes of log error before the largest fitted size, beyond it, and as forecast there, of curves that fall.

    Over the hidden stretch, and one equally long before it (or as long as was measured).
    """
    out = []
    assert found.fitted is not None
    points: Table = found.points
    hidden = {key: rows for key, rows in points.groupby(KEYS)}  # noqa: C416 (dict() would call its keys)
    for curve in found.fitted.curves:
        rows = hidden.get((curve.domain, curve.task, curve.architecture))
        if rows is None:
            continue
        x, y = np.log(curve.n), np.log(curve.error)
        ahead = np.log(rows["n"].to_numpy())
        near = x >= x[-1] - (ahead.max() - x[-1]) - 1e-9
        if len(np.unique(x[near])) < 2:
            near = x >= np.unique(x)[-2]
        slope = np.polyfit(x[near], y[near], 1)[0]
        last = y[x == x[-1]].mean()
        far = ahead == ahead.max()
        reach = ahead.max() - x[-1]
        true, said = (np.log(rows[name].to_numpy()[far]).mean() for name in ("error", "yhat"))
        if slope < -FALLS:
            out.append((slope, (true - last) / reach, (said - last) / reach))
    before, after, forecast = np.array(out).reshape(-1, 3).T
    return before, after, forecast


def prior_slope(found: Backtest, cards: Mapping[Group, Domain]) -> float | None:
    """:func:`slopes` of curves drawn from the card: their ratio, as the median over draws and then over curves."""
    assert found.fitted is not None
    ratios, rng = [], np.random.default_rng(0)
    furthest = found.table.set_index(KEYS)["n_last"]
    for curve in found.fitted.curves:
        key = (curve.domain, curve.task, curve.architecture)
        if key not in furthest.index:
            continue
        first, last, far = np.log([curve.n[0], curve.n[-1], furthest[key]])
        x = np.array([max(first, 2.0 * last - far), last, far])
        drawn, _ = prior_paths(cards[key[:2]], x, last, first, PRIOR_DRAWS, rng)
        before, after = (np.diff(drawn) / np.diff(x)).T
        ratios.append(np.median((after / before)[before < -FALLS]))
    return float(np.nanmedian(ratios)) if ratios else None


def by_distance(tables: Sequence[Table]) -> list[dict[str, Any]]:
    """Means over fields of coverage and of its ranges, by distance and level."""
    whole: Table = pd.concat(tables)
    names = ["coverage", "coverage_low", "coverage_high", "coverage_low_99", "coverage_high_99", "coverage_conformal"]
    mean: Table = whole.groupby(["distance", "level"], sort=False)[names].mean().reset_index()
    fields = whole.groupby(["distance", "level"], sort=False).size().to_numpy()
    short = {f"coverage_{end}": end.replace("_", " ") for end in ("low", "high", "low_99", "high_99", "conformal")}
    mean = mean.assign(fields=fields).rename(columns=short).sort_values(["distance", "level"])
    return mean.to_dict("records")


def macro(rows: list[dict[str, Any]]) -> dict[str, Any]:
    """All fields, each of the same weight; ratios by their geometric mean."""
    mean: dict[str, Any] = {"field": "all fields", "curves": sum(row["curves"] for row in rows)}
    for name in ("80 % hold", "95 % hold", "mean error", "log score"):
        mean[name] = float(np.mean([row[name] for row in rows]))
    for name in ("CRPS / law", "CRPS / band"):
        mean[name] = float(np.exp(np.mean(np.log([row[name] for row in rows]))))
    return mean


if __name__ == "__main__":
    sys.exit(main())
