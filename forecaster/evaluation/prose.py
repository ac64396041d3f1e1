"""A backtest in words."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from forecaster.curves.learning_curves import Note
from forecaster.evaluation.scoring import SHOWN
from forecaster.evaluation.tables import OURS, Table, best_rmsle

NAMED = 5  # curves that the text names
FEW_PAIRS = 10  # of fewer, no chances are spoken of: of one or two near ties they would contradict the ranking


def prose(table: Table, found: Table, numbers: Mapping[str, float], notes: Sequence[Note], level: float) -> str:
    """What was found, worst first where a baseline did better."""
    points = int(table["points"].sum())
    curves = f"{len(table)} curve{'s' if len(table) != 1 else ''}"
    said = [
        f"{points} hidden errors of {curves} were forecast: the median is off by {numbers['rmsle']:.4f} in log error "
        f"(RMSLE, mean over curves; {numbers['rmsle_median']:.4f} in the median curve).",
        "Shares of hidden errors inside their intervals: "
        + ", ".join(f"{numbers[f'cover_{100 * p:g}']:.0%} in those of {p:.0%}" for p in SHOWN)
        + ".",
        _by_chance(numbers),
        *_one_sided(table),
    ]
    if "best_baseline" in table:
        said += _against(table, found)
    if "requirement_covered" in numbers:
        factor = 2.0 ** numbers["requirement_log2_ratio"]
        said.append(
            f"The data needed for the last hidden error lay in its {level:.0%} interval for "
            f"{numbers['requirement_covered']:.0%} of {numbers['requirement_curves']:.0f} curves; the median was off "
            f"by a factor of {factor:.2f} in the median curve{_nearest(found)}."
        )
    if "pairs_right_measured" in numbers:
        said.append(_ranking(numbers))
    if notes:
        said.append(f"Left out: {len(notes)} curves or groups; `notes` says which and why.")
    return "\n".join(said)


def _ranking(numbers: Mapping[str, float]) -> str:
    """How many pairs are ranked as observed and, where they are not few, whether the chances given held."""
    count = int(numbers["pairs"])
    said = (
        f"Of {count} pair{'s' if count != 1 else ''} of architectures, the forecast ranks {numbers['pairs_right']:.0%} "
        f"as observed; ranking by the largest measured size, {numbers['pairs_right_measured']:.0%}."
    )
    if count < FEW_PAIRS:
        return said
    return (
        f"{said} The one of a pair that runs are likelier to measure as the better one was given a chance of "
        f"{numbers['pairs_chance']:.0%} on average, and was it in {numbers['pairs_held']:.0%}."
    )


UNTOLD = 0.9  # range of coverage by chance alone from which coverage says nothing


def _by_chance(numbers: Mapping[str, float], level: float = 0.8) -> str:
    """Whether coverage is what the intervals would have were they right: curves are few, and their points alike."""
    name = f"cover_{100 * level:g}"
    held, low, high = (numbers[f"{name}{end}"] for end in ("", "_low", "_high"))
    if high - low > UNTOLD:
        return f"These are too few curves to tell whether the {level:.0%} intervals hold what they claim."
    found = "fewer" if held < low else "more" if held > high else "as many"
    return (
        f"Were the {level:.0%} intervals exactly right they would hold {low:.0%} to {high:.0%} of these, nine times in "
        f"ten, for errors of one curve are hit or missed together: they hold {found}."
    )


def _one_sided(table: Table, unlikely: float = 0.01) -> list[str]:
    """Whether forecasts miss to one side, where a fair coin would so seldom; with the median curve's miss."""
    from scipy.special import bdtr

    biases = table["bias"].to_numpy()
    low, high = int((biases < 0).sum()), int((biases > 0).sum())
    if 2.0 * bdtr(min(low, high), low + high, 0.5) >= unlikely:
        return []
    side, count = ("low", low) if low > high else ("high", high)
    groups = len(table[["domain", "task"]].drop_duplicates())
    within = "all of these are of one group" if groups == 1 else f"these are of {groups} groups"
    return [
        f"{count} of {len(table)} curves were forecast too {side}, the median curve by "
        f"{abs(np.expm1(np.median(biases))):.1%}. Curves of one group miss together, and {within}: this says less "
        "than so many independent misses would, but forecasts of curves like these may err to that side again."
    ]


def _nearest(found: Table) -> str:
    """The baseline whose requirements are least off, if there are any."""
    rivals = found[(found["method"] != OURS) & found["requirement_log2_ratio"].notna()]
    if rivals.empty:
        return ""
    best = rivals.loc[rivals["requirement_log2_ratio"].idxmin()]
    factor = 2.0 ** best["requirement_log2_ratio"]
    return f", that of the nearest baseline ({best['method']}) by {factor:.2f}" if np.isfinite(factor) else ""


def _against(table: Table, found: Table) -> list[str]:
    rivals = found[found["rmsle"].notna() & (found["method"] != OURS)]
    best = rivals.loc[rivals["rmsle"].idxmin()]
    said = [
        f"The best baseline on average is {best['method']} with {best['rmsle']:.4f}; "
        f"of all methods, the forecast is nearest on {found['wins'].iloc[0]:.0f} of {len(table)} curves."
    ]
    lost = table.assign(its=best_rmsle(table))
    lost = lost.assign(gap=lost["rmsle"] - lost["its"]).query("gap > 0").sort_values("gap", ascending=False)
    for _, row in lost.head(NAMED).iterrows():
        name = "/".join((row["domain"], row["task"], row["architecture"]))
        said.append(f"Beaten on {name}: {row['rmsle']:.4f} against {row['its']:.4f} of {row['best_baseline']}.")
    if len(lost) > NAMED:
        said.append(f"Some baseline, chosen afterwards, is nearer on {len(lost) - NAMED} more.")
    return said
