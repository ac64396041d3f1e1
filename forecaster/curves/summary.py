"""What a table of curves shows before any fit: a summary and warnings."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping

import numpy as np
import pandas as pd

from forecaster._support.frames import Table
from forecaster.curves.learning_curves import KEYS, Curve, LearningCurves, Note
from forecaster.curves.repeats import means_by_size, reduced
from forecaster.curves.rises import around_neighbours, best_so_far


def summarise(curves: LearningCurves) -> pd.DataFrame:
    """One row per curve, in table order.

    ``points``; ``sizes`` (different n); ``n_min``, ``n_max`` and ``decades`` between them; ``seeds``
    (different seeds; if none is named, the most points at one size); ``error_first``, ``error_last``
    (mean at smallest and largest size); ``noise``, the sd of log error: from repeats at one
    size where there are any, else 1.48 x the median absolute residual from the line (in log n) through a
    size's two neighbours, scaled to one point, NaN below three sizes; ``best_so_far_rise``: largest rise
    of log error (mean per size, those of a long log taken together as a fit does) above the best at smaller sizes.
    """
    rows = []
    for curve in curves.curves:
        x, count, noise = _per_size(curve)
        row = {key: getattr(curve, key) for key in KEYS}
        row |= {"points": len(curve.n), "sizes": len(x), "n_min": curve.n[0], "n_max": curve.n[-1]}
        row["decades"] = (x[-1] - x[0]) / np.log(10)
        row["seeds"] = len({seed for seed in curve.seed or () if seed}) or int(count.max())
        row |= {f"error_{end}": curve.error[curve.n == curve.n[i]].mean() for end, i in (("first", 0), ("last", -1))}
        row["noise"] = noise
        row["best_so_far_rise"] = best_so_far(reduced(curve.n, np.log(curve.error)).y)
        rows.append(row)
    return pd.DataFrame(rows)


def _per_size(curve: Curve) -> tuple[np.ndarray, np.ndarray, float]:
    """Log n and number of points of each size; the noise that :func:`summarise` describes."""
    which, x, y, count, within = means_by_size(curve.n, np.log(curve.error))
    if len(which) > len(x):
        return x, count, float(np.sqrt(within.sum() / (len(which) - len(x))))
    return x, count, around_neighbours(x, y)


FOLLOWS = {  # by whether error is still up at the largest sizes
    False: "; a law that falls cannot follow",
    True: " at its largest sizes: it may go on rising, and no law that falls says for how long",
}


def above_share(curves: LearningCurves, groups: Collection[tuple[str, str]]) -> tuple[Note, ...]:
    """A note for each curve with errors above 1 in ``groups``, those whose card calls the error a share of 1.

    A metric that is no rate overrules the card; a curve noted when it was read is not noted again.
    """
    noted = {note.curve for note in curves.notes if note.code == "error-above-one"}
    said = "though the card calls the error a share of 1: divide per cent by 100, or name another card with --card"
    return tuple(
        Note("error-above-one", f"{curve.label}: errors above 1: {above}, {said}", curve.label)
        for curve in curves.curves
        if (above := int((curve.error > 1).sum())) > 0
        and (curve.domain, curve.task) in groups
        and curve.label not in noted
        and re.search("error|accuracy", curve.metric or "error", re.I)
    )


def _strays(curve: Curve) -> str:
    """A remark on outlying runs: the farthest one, and how many more there are."""
    far = max(curve.strays, key=lambda stray: abs(np.log(stray.ratio)))
    named = f"run {curve.seed[far.at]!r}" if curve.seed and curve.seed[far.at] else "one run"
    more = f", and {len(curve.strays) - 1} more stand apart so" if len(curve.strays) > 1 else ""
    apart = f"{abs(far.ratio - 1):.0%} {'above' if far.ratio > 1 else 'below'}"
    if not 0.5 < far.ratio < 2:
        apart = f"{far.ratio:.2g} times"
    return (
        f"{named} at {curve.n[far.at]:g}, {curve.error[far.at]:.4g}, is {apart} the other runs there, far beyond their "
        f"scatter{more}; it counts in the fit like any other"
    )


def warnings_of(
    curves: LearningCurves, chance: Mapping[tuple[str, str] | str, float] | None = None
) -> tuple[Note, ...]:
    """Questions that the design of the measurements leaves open, without any fit; one note per curve and code.

    Codes: ``span`` (sizes span under one decade), ``one-seed`` (no repeats, no ``error_sd`` over repeats),
    ``stray-run`` (a run far from all others at its size), ``non-monotone`` (rises over 5 % above the best so far, by
    more than its noise explains), ``near-chance`` (no error over 5 % below that of guessing, which ``chance`` gives for
    the curve's (domain, task), or else for its domain).
    """
    known: Table = curves.table.reindex(columns=[*KEYS, "repeats", "error_sd"])
    known = known[(known["repeats"] > 1) & known["error_sd"].notna()]
    averaged = set(known[KEYS].itertuples(index=False, name=None))
    levels = chance or {}
    notes = []
    for curve, row in zip(curves.curves, summarise(curves).to_dict("records"), strict=True):
        said = {}
        rise, level = curve.rise, levels.get((curve.domain, curve.task), levels.get(curve.domain))
        if row["n_max"] < 10 * row["n_min"]:
            said["span"] = f"sizes span {row['decades']:.2f} decades; under one, the exponent is hard to tell"
        if row["points"] == row["sizes"] and (curve.domain, curve.task, curve.architecture) not in averaged:
            said["one-seed"] = "one run per size; the spread between runs cannot be seen"
        if curve.strays:
            said["stray-run"] = _strays(curve)
        if rise is not None:
            said["non-monotone"] = f"error rises {np.expm1(rise.size):.0%} above its best{FOLLOWS[rise.at_end]}"
        if level is not None and curve.error.min() >= 0.95 * level:
            said["near-chance"] = f"every error is above or within 5 % of guessing ({level:g}); nothing learned yet"
        notes += [Note(code, f"{curve.label}: {text}", curve.label) for code, text in said.items()]
    return tuple(notes)


def understood(curves: LearningCurves) -> tuple[str, ...]:
    """Which column served as what, how the error follows from it, which metric it is; and the command that says so."""
    how = curves.reading
    made = {"n": how.columns.get("n", "n"), "error": how.error_column or "the cells", **how.columns}
    used = [*(c for c in (*KEYS, "n", "error") if c in how.constants or c in made or c in curves.table), *made]
    said = []
    for ours in dict.fromkeys(used):
        if ours in how.constants:
            said.append(f"{ours} is {str(how.constants[ours])!r} for all rows")
        elif ours == "task" and ours not in made and set(curves.table[ours]) == {"all"}:
            continue
        elif (ours, how.wide) in (("architecture", "models"), ("n", "sizes")) and ours not in how.columns:
            said.append(f"{ours} is the name of the column")
        elif ours == "error" and how.turned is not None:
            said.append(f"error is {how.turned} of {made[ours]!r}")
        else:
            said.append(f"{ours} is {made.get(ours, ours)!r}")
    metrics = list(dict.fromkeys(name for named in curves.metrics.values() for name in named))
    if metrics and "metric" not in how.constants:
        said.append(f"the metric is {' or '.join(map(repr, metrics[:3]))}")
    read = [f"Read so: {'; '.join(said)}."]
    return tuple(read) if not how.as_command else (*read, "The same in full:", f"  {how.command()}")
