"""From the scores of single curves to the tables of a backtest: totals, calibration, headline numbers."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd

from forecaster.evaluation import declarations, scoring
from forecaster.evaluation.scoring import SHOWN, PointScores
from forecaster.results.columns import Columns

OURS, MEASURED = "forecaster", "largest measured size"
Table = Any  # a DataFrame, where pandas' own annotations know no better


def slug(name: str) -> str:
    """The name of a method as part of a column's name."""
    return "_".join("".join(c if c.isalnum() else " " for c in name.lower()).split())


def totals(table: Table, scores: PointScores, pairs: Table, needs: Table, rivals: Sequence[str]) -> pd.DataFrame:
    """One row a method; see ``Backtest``."""
    ours = {"method": OURS, **_errors(table, "")} | {
        "crps": table["crps"].mean(),
        "log_score": table["log_score"].mean(),
        "msce": scoring.msce(scores.pit),
        "msce_by_curve": table["msce"].mean(),
        "bias": table["bias"].mean(),
        "too_high": table["bias"].gt(0).mean(),
    }
    for level, held, width in zip(SHOWN, scores.covered, scores.width, strict=True):
        name = f"cover_{100 * level:g}"
        low, high = scoring.by_chance(scores.replicas, level)
        ours |= {name: held.mean(), f"{name}_low": low, f"{name}_high": high}
        ours |= {f"width_{100 * level:g}": np.median(width)}
    rows: list[dict[str, Any]] = [ours | _ranked(pairs, "right") | _needed(needs, "log2_ratio")]
    for name in rivals:
        own = f"_{slug(name)}"
        row = {"method": name, **_errors(table, own), "crps": table[f"mae_log{own}"].mean()}
        rows.append(row | _ranked(pairs, f"right{own}") | _needed(needs, f"log2_ratio{own}"))
    if len(pairs):
        rows.append({"method": MEASURED, **_ranked(pairs, "right_measured")})
    found = pd.DataFrame(rows)
    if rivals:
        scored = ["rmsle", *(f"rmsle_{slug(name)}" for name in rivals)]
        best = table[scored].to_numpy().argmin(1)
        found["wins"] = [int(np.sum(best == i)) if i < len(scored) else np.nan for i in range(len(found))]
    return found


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


def calibration(points: Table, replicas: Any) -> pd.DataFrame:
    """Coverage of each level, over all points and by how far they lie beyond the fitted sizes.

    ``replicas`` [replica, point] are those of the points' scores.
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
            low, high = scoring.by_chance(stand_ins, level)
            rows.append(
                {
                    "distance": distance,
                    "level": level,
                    "points": len(ranks),
                    "curves": len(by_curve),
                    "coverage": held.mean(),
                    "coverage_low": low,
                    "coverage_high": high,
                    "coverage_by_curve": by_curve.mean(),
                }
            )
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
    ours = found.iloc[0].drop("method").to_dict()
    out = {str(k): float(v) for k, v in ours.items()}
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


def ranges(found: Table) -> pd.DataFrame:
    """One row a range of chances: the range, how many pairs, how often the favoured one was the better one."""

    def said(name: str) -> list[str]:
        ends = zip(found[f"{name}_low"], found[f"{name}_high"], strict=True)
        return [f"{100 * low:.0f} to {100 * high:.0f} %" for low, high in ends]

    cells = said("chance"), found["pairs"].tolist(), found["held"].tolist(), said("held")
    return pd.DataFrame(dict(zip(declarations.RANGES.names, cells, strict=True)))
