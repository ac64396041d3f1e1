"""A backtest in words."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from forecaster._support.frames import Table
from forecaster.curves.learning_curves import Note
from forecaster.evaluation.rivals.conformal import BAND
from forecaster.evaluation.scoring import SHOWN
from forecaster.evaluation.tables import OURS, best_rmsle, slug
from forecaster.results.message import Message, message
from forecaster.results.wording import counted

CURVES_NAMED = 5  # curves that the text names
FEW_PAIRS = 10  # with fewer pairs no chances are given: for a near tie they would seem to contradict the ranking
UNTOLD = 0.9  # width of the range of coverage by chance alone, from which coverage says nothing


def prose(
    table: Table, found: Table, numbers: Mapping[str, float], notes: Sequence[Note], level: float
) -> tuple[Message, ...]:
    """The results in sentences; curves on which a baseline did better are named, the worst first."""
    said = [*accuracy(table, numbers), by_chance(numbers), *one_sided(table)]
    if "best_baseline" in table:
        said += against(table, found)
        said.append(conformal(found, numbers))
    if "requirement_covered" in numbers:
        said.append(needed(found, numbers, level))
    if "pairs_right_measured" in numbers:
        said.append(ranking(numbers))
    if notes:
        text = f"Left out: {len(notes)} curves or groups; `notes` says which and why."
        said.append(message("left-out", text, count=len(notes)))
    return tuple(said)


def accuracy(table: Table, numbers: Mapping[str, float]) -> list[Message]:
    """How many errors were hidden, how far medians were off, and the coverage of intervals."""
    points = int(table["points"].sum())
    off, middle = numbers["rmsle"], numbers["rmsle_median"]
    coverage = {p: numbers[f"cover_{100 * p:g}"] for p in SHOWN}
    shares = ", ".join(f"{_percent(held)} for the {_percent(p)} intervals" for p, held in coverage.items())
    return [
        message(
            "accuracy",
            f"{counted(points, 'hidden error')} of {counted(len(table), 'curve')} were forecast. Root mean square log "
            f"error of the median forecasts (RMSLE): {off:.3f}, mean over curves; {middle:.3f} for the median curve.",
            points=points,
            curves=len(table),
            rmsle=off,
        ),
        message("coverage", f"Coverage: {shares}.", **{f"cover_{100 * p:g}": held for p, held in coverage.items()}),
    ]


def needed(found: Table, numbers: Mapping[str, float], level: float) -> Message:
    """How far requirements for the last hidden error were off."""
    factor = 2.0 ** numbers["requirement_log2_ratio"]
    text = (
        f"The {_percent(level)} interval of the data needed for the last hidden error was right for "
        f"{_percent(numbers['requirement_covered'])} of {counted(int(numbers['requirement_curves']), 'curve')}; the "
        f"median was off by a factor of {factor:.2f} for the median curve{_nearest(found)}."
    )
    return message("data-needed", text, covered=numbers["requirement_covered"], factor=factor)


def ranking(numbers: Mapping[str, float]) -> Message:
    """How many pairs are ranked as observed and, unless there are few, whether the chances given were calibrated."""
    count = int(numbers["pairs"])
    text = (
        f"Of {counted(count, 'pair')} of architectures, the forecast ranks {_percent(numbers['pairs_right'])} as "
        f"observed; the order at the largest measured size ranks {_percent(numbers['pairs_right_measured'])}."
    )
    if count < FEW_PAIRS:
        return message("ranking", text, pairs=count, right=numbers["pairs_right"])
    text += (
        f" The favoured architecture of a pair had a mean probability of {_percent(numbers['pairs_chance'])} and was "
        f"the better one in {_percent(numbers['pairs_held'])} of pairs."
    )
    return message(
        "ranking-with-chances",
        text,
        pairs=count,
        right=numbers["pairs_right"],
        chance=numbers["pairs_chance"],
        held=numbers["pairs_held"],
    )


def by_chance(numbers: Mapping[str, float], level: float = 0.8) -> Message:
    """Whether coverage is within what calibrated intervals would have: errors of one curve are correlated."""
    name = f"cover_{100 * level:g}"
    held, low, high = (numbers[f"{name}{end}"] for end in ("", "_low", "_high"))
    if high - low > UNTOLD:
        text = f"There are too few curves to judge the calibration of the {_percent(level)} intervals."
        return message("too-few-curves", text, low=low, high=high)
    id, found = "as-expected", "within"
    if held < low:
        id, found = "overconfident", "below"
    elif held > high:
        id, found = "underconfident", "above"
    least, most = (numbers[f"{name}_{end}_99"] for end in ("low", "high"))
    text = (
        f"With calibrated {_percent(level)} intervals, coverage would lie between {_percent(low)} and {_percent(high)} "
        f"with probability 90 %, since errors of one curve are correlated: it is {found} that range"
    )
    if found != "within":
        place = "within" if least <= held <= most else found
        text += f", and {place} the one of probability 99 % ({_percent(least)} to {_percent(most)})"
    return message(id, f"{text}.", held=held, low=low, high=high, low_99=least, high_99=most)


def one_sided(table: Table, unlikely: float = 0.01) -> list[Message]:
    """Whether forecasts miss to one side more often than a fair coin would; with the miss of the median curve."""
    from scipy.special import bdtr

    biases = table["bias"].to_numpy()
    low, high = int((biases < 0).sum()), int((biases > 0).sum())
    if 2.0 * bdtr(min(low, high), low + high, 0.5) >= unlikely:
        return []
    side, count = ("low", low) if low > high else ("high", high)
    groups = len(table[["domain", "task"]].drop_duplicates())
    miss = float(abs(np.expm1(np.median(biases))))
    text = (
        f"{count} of {len(table)} curves were forecast too {side}, the median curve by {100 * miss:.1f} %. Curves of "
        f"one group miss together and these are of {counted(groups, 'group')}, so this is weaker evidence than "
        "independent misses would be; still, forecasts of similar curves may miss to that side again."
    )
    return [message(f"too-{side}", text, count=count, curves=len(table), miss=miss, groups=groups)]


def against(table: Table, found: Table) -> list[Message]:
    """The best baseline on average, and the curves on which some baseline was nearer."""
    rivals = found[found["rmsle"].notna() & (found["method"] != OURS)]
    best = rivals.loc[rivals["rmsle"].idxmin()]
    wins = int(found["wins"].iloc[0])
    said = [
        message(
            "best-baseline",
            f"The best baseline on average is {best['method']} (RMSLE {best['rmsle']:.3f}). The forecast is the "
            f"nearest of all methods for {wins} of {counted(len(table), 'curve')}.",
            method=best["method"],
            rmsle=float(best["rmsle"]),
            wins=wins,
        )
    ]
    lost = table.assign(its=best_rmsle(table))
    lost = lost.assign(gap=lost["rmsle"] - lost["its"]).query("gap > 0").sort_values("gap", ascending=False)
    for _, row in lost.head(CURVES_NAMED).iterrows():
        name = "/".join((row["domain"], row["task"], row["architecture"]))
        text = f"{name}: {row['best_baseline']} is nearer (RMSLE {row['its']:.3f}; the forecast, {row['rmsle']:.3f})."
        said.append(message("beaten", text, curve=name, method=row["best_baseline"]))
    if len(lost) > CURVES_NAMED:
        more = len(lost) - CURVES_NAMED
        text = f"For {counted(more, 'more curve')} some baseline, chosen afterwards, is nearer."
        said.append(message("beaten-more", text, curves=more))
    return said


def conformal(found: Table, numbers: Mapping[str, float], level: float = 0.8) -> Message:
    """The forecast beside the simple rival that has intervals, too."""
    band = found[found["method"] == BAND].iloc[0]
    ratio, held = numbers[f"crps_ratio_{slug(BAND)}"], float(band[f"cover_{100 * level:g}"])
    text = (
        "As a distribution the forecast is judged by its CRPS (lower is better): "
        f"{numbers['crps']:.3f}, that of power law + floor with split-conformal intervals {band['crps']:.3f} "
        f"(ratio {ratio:.2f}), whose {_percent(level)} intervals hold {_percent(held)}."
    )
    return message("conformal", text, ratio=ratio, crps=numbers["crps"], rival=float(band["crps"]), held=held)


def _nearest(found: Table) -> str:
    """The baseline whose requirements are least off, if any."""
    rivals = found[(found["method"] != OURS) & found["requirement_log2_ratio"].notna()]
    if rivals.empty:
        return ""
    best = rivals.loc[rivals["requirement_log2_ratio"].idxmin()]
    factor = 2.0 ** best["requirement_log2_ratio"]
    return f", that of the nearest baseline ({best['method']}) by {factor:.2f}" if np.isfinite(factor) else ""


def _percent(share: float) -> str:
    """A share that was counted: 0 and 100 % are possible."""
    return f"{100 * share:.0f} %"
