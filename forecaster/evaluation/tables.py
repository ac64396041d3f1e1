"""From the scores of single curves to the tables of a backtest: totals, calibration, headline numbers."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd

from forecaster._support.frames import Table
from forecaster.evaluation import declarations, scoring
from forecaster.evaluation.rivals.conformal import BAND, LAW
from forecaster.evaluation.scoring import SHOWN, PointScores
from forecaster.results.columns import Columns

OURS, MEASURED = "forecaster", "largest measured size"
TINY = 1e-12  # of a rival that is exactly right
DISTANCE_LEVELS = (0.5, 0.8, 0.95)  # levels whose coverage a terminal shows by distance


def slug(name: str) -> str:
    """The name of a method as part of a column's name."""
    return "_".join("".join(c if c.isalnum() else " " for c in name.lower()).split())


def totals(
    table: Table,
    scores: PointScores,
    pairs: Table,
    needs: Table,
    rivals: Sequence[str],
    band: PointScores | None = None,
) -> pd.DataFrame:
    """One row a method; see ``Backtest``. ``band`` has the scores of the conformal band, of the same points."""
    ours = {"method": OURS, **_errors(table, "")} | {
        "crps": table["crps"].mean(),
        **({"crps_ratio": np.nan} if rivals else {}),
        "log_score": table["log_score"].mean(),
        "msce": scoring.msce(scores.pit),
        "msce_by_curve": table["msce"].mean(),
        "bias": table["bias"].mean(),
        "too_high": table["bias"].gt(0).mean(),
    }
    for level, held, width in zip(SHOWN, scores.covered, scores.width, strict=True):
        name = f"cover_{100 * level:g}"
        ours |= {name: held.mean(), **scoring.ranges(name, scores.replicas, level)}
        ours |= {f"width_{100 * level:g}": np.median(width)}
    rows: list[dict[str, Any]] = [ours | _ranked(pairs, "right") | _needed(needs, "log2_ratio")]
    for name in rivals:
        own = f"_{slug(name)}"
        off = table[f"mae_log{own}"].mean()
        row = {"method": name, **_errors(table, own), "crps": off, "crps_ratio": ours["crps"] / max(off, TINY)}
        rows.append(row | _ranked(pairs, f"right{own}") | _needed(needs, f"log2_ratio{own}"))
    if band is not None:
        row = _with_band(table, band)
        rows.append(row | {"crps_ratio": ours["crps"] / max(row["crps"], TINY)})
    if len(pairs):
        rows.append({"method": MEASURED, **_ranked(pairs, "right_measured")})
    found = pd.DataFrame(rows)
    if rivals:
        scored = ["rmsle", *(f"rmsle_{slug(name)}" for name in rivals)]
        best = table[scored].to_numpy().argmin(1)
        found["wins"] = [int(np.sum(best == i)) if i < len(scored) else np.nan for i in range(len(found))]
    return found


def _with_band(table: Table, band: PointScores) -> dict[str, Any]:
    """The row of power law + floor with its conformal intervals; its errors are those of the point."""
    curve = np.repeat(np.arange(len(table)), table["points"])
    row = {"method": BAND, **_errors(table, f"_{slug(LAW)}"), "msce": scoring.msce(band.pit)}
    row |= {name: _by_curve(getattr(band, name), curve) for name in ("crps", "log_score")}
    for level, held, width in zip(SHOWN, band.covered, band.width, strict=True):
        row |= {f"cover_{100 * level:g}": held.mean(), f"width_{100 * level:g}": np.median(width)}
    return row


def _by_curve(values: np.ndarray, curve: np.ndarray) -> float:
    """Mean over curves of the mean over their points."""
    return float(np.mean(np.bincount(curve, values) / np.bincount(curve)))


def _errors(table: Table, own: str) -> dict[str, float]:
    return {
        "curves": len(table),
        "rmsle": table[f"rmsle{own}"].mean(),
        "rmsle_median": table[f"rmsle{own}"].median(),
        "rmse": table[f"rmse{own}"].mean(),
    }


def _ranked(pairs: Table, column: str) -> dict[str, float]:
    return {"pairs": len(pairs), "pairs_right": pairs[column].mean()} if len(pairs) else {}


def _needed(needs: Table, column: str) -> dict[str, float]:
    return {"requirement_log2_ratio": _middle(needs[column])} if len(needs) else {}


def _middle(ratios: Any) -> float:
    """Median of absolute values, some infinite: an order statistic."""
    return float(np.quantile(abs(np.asarray(ratios, dtype=float)), 0.5, method="inverted_cdf"))


def calibration(points: Table, replicas: Any, band: PointScores | None = None) -> pd.DataFrame:
    """Coverage of each level, over all points and by how far they lie beyond the fitted sizes.

    ``replicas`` [replica, point] are those of the points' scores, ``band`` the scores of the conformal band.
    """
    bins = np.array(scoring.BINS)[scoring.distance_bin(points["decades_beyond"].to_numpy())]
    rows = []
    for distance in ("all", *scoring.BINS):
        here = (bins == distance) | (distance == "all")
        chosen = points[here]
        if chosen.empty:
            continue
        ranks = chosen["pit"].to_numpy()
        which = chosen.groupby(["domain", "task", "architecture"]).ngroup().to_numpy()
        stand_ins = replicas[:, here]
        for level in scoring.LEVELS:
            held = scoring.covers(ranks, level)
            by_curve = np.bincount(which, held) / np.bincount(which)
            row = {"distance": distance, "level": level, "points": len(ranks), "curves": len(by_curve)}
            row |= {"coverage": held.mean(), **scoring.ranges("coverage", stand_ins, level)}
            row["coverage_by_curve"] = by_curve.mean()
            if band is not None:
                row["coverage_conformal"] = scoring.covers(band.pit[here], level).mean()
            rows.append(row)
    return pd.DataFrame(rows)


FEWEST_PAIRS = 50  # pairs from which chances are shown by range: fewer would show nothing
CHANCES = (0.5, 0.6, 0.7, 0.8, 0.9, 0.95, 1.0)  # of the favoured one of a pair: where a range ends and the next begins


def chances(pairs: Table, stand_ins: Any) -> pd.DataFrame:
    """How often the favoured architecture of a pair was the better one, by its forecast chance; see ``Backtest``.

    ``stand_ins`` [pair, replica]: whether ``a`` is the better one in draws that stand in for what was observed.
    """
    if pairs.empty:
        return pd.DataFrame()
    said, held, alike = favoured(pairs, stand_ins)
    which = np.clip(np.searchsorted(CHANCES, said, side="left") - 1, 0, len(CHANCES) - 2)
    rows = []
    for k in np.unique(which):
        here = which == k
        low, high = scoring.range_of(alike[here].mean(0))
        row = {"chance_low": CHANCES[k], "chance_high": CHANCES[k + 1], "pairs": int(here.sum())}
        rows.append(row | {"chance": said[here].mean(), "held": held[here].mean(), "held_low": low, "held_high": high})
    return pd.DataFrame(rows)


def favoured(pairs: Table, stand_ins: Any = None) -> tuple[np.ndarray, ...]:
    """The favoured one of each pair: its chance, whether it was the better one, and whether it is in ``stand_ins``."""
    p_better = pairs["p_better"].to_numpy()
    first = p_better >= 0.5
    held = 0.5 * (1.0 - np.where(first, 1.0, -1.0) * np.sign(pairs["log_ratio"].to_numpy()))  # a tie is half a hit
    found = np.where(first, p_better, 1.0 - p_better), held
    return found if stand_ins is None else (*found, np.asarray(stand_ins) == first[:, None])


def summary(found: Table, requirement: Table, pairs: Table) -> dict[str, float]:
    """The headline numbers: ours of the totals, then of the requirement and of the ranking."""
    ours = found.iloc[0].drop(["method", "crps_ratio"], errors="ignore").to_dict()
    out = {str(k): float(v) for k, v in ours.items()}
    for row in found.to_dict("records"):
        if row["method"] in (LAW, BAND):
            out[f"crps_ratio_{slug(row['method'])}"] = float(row["crps_ratio"])
    if len(requirement):
        for own in ("", "run_"):
            ratio = requirement[f"{own}log2_ratio"].dropna().to_numpy()
            if len(ratio) == 0:
                continue
            out[f"requirement_{own}curves"] = len(ratio)
            out[f"requirement_{own}covered"] = float(requirement[f"{own}covered"].mean())
            out[f"requirement_{own}log2_ratio"] = _middle(ratio)
            out[f"requirement_{own}log2_bias"] = float(np.quantile(ratio, 0.5, method="inverted_cdf"))
        out["requirement_lows_covered"] = float(requirement["lows_covered"].mean())
        out["requirement_lows_log2_ratio"] = _middle(requirement["lows_log2_ratio"])
    if len(pairs):
        turned = pairs[pairs["right_measured"] < 1]
        chance = np.where(pairs["log_ratio"] < 0, pairs["p_better"], 1 - pairs["p_better"])
        said, held = favoured(pairs)
        out |= {
            "pairs_right_measured": float(pairs["right_measured"].mean()),
            "pairs_turned": len(turned),
            "pairs_turned_right": float(turned["right"].mean()) if len(turned) else float("nan"),
            "pairs_chance": float(said.mean()),
            "pairs_held": float(held.mean()),
            "pairs_log_score": float(np.mean(np.log(np.clip(chance, 1e-3, 1.0)))),
        }
    return out


def best_rmsle(table: Table) -> list[float]:
    """RMSLE of each curve's best baseline."""
    return [row[f"rmsle_{slug(row['best_baseline'])}"] for row in table.to_dict("records")]


# What a terminal shows ----------------------------------------------------------------------------


def judged(table: Table) -> tuple[pd.DataFrame, Columns]:
    """The columns that a terminal shows, one row a curve, with the best baseline and its error."""
    if "best_baseline" in table:
        table = table.assign(its_rmsle=best_rmsle(table))
    return table[[name for name in declarations.JUDGED.names if name in table]], declarations.JUDGED


def methods(found: Table) -> tuple[pd.DataFrame, Columns]:
    """One row a method; the requirement's median as the factor it is off by. Columns without a number are left out."""
    if "requirement_log2_ratio" in found:
        found = found.assign(requirement_factor=2.0 ** found["requirement_log2_ratio"])
    kept = [name for name in declarations.METHODS.names if name in found and found[name].notna().any()]
    return found[kept], declarations.METHODS


def ahead(found: Table) -> pd.DataFrame:
    """One row a distance of the calibration: coverage of ``DISTANCE_LEVELS``, each beside its range by chance."""
    rows = []
    for distance in (d for d in ("all", *scoring.BINS) if d in set(found["distance"])):
        own = found[found["distance"] == distance].set_index("level")
        row = {"decades ahead": distance, "points": int(own["points"].iloc[0])}
        for level in DISTANCE_LEVELS:
            held, low, high = (100 * own.loc[level, f"coverage{end}"] for end in ("", "_low", "_high"))
            row[f"{100 * level:g} % intervals hold"] = f"{held:.0f} % ({low:.0f} to {high:.0f})"
        rows.append(row)
    return pd.DataFrame(rows)


def ranges(found: Table) -> pd.DataFrame:
    """One row a range of chances: the range, how many pairs, how often the favoured one was the better one."""

    def said(name: str) -> list[str]:
        ends = zip(found[f"{name}_low"], found[f"{name}_high"], strict=True)
        return [f"{100 * low:.0f} to {100 * high:.0f} %" for low, high in ends]

    cells = said("chance"), found["pairs"].tolist(), found["held"].tolist(), said("held")
    return pd.DataFrame(dict(zip(declarations.RANGES.names, cells, strict=True)))
