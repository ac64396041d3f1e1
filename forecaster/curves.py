"""Learning curves: the values, selected and summarised. Nothing here knows of Bayes.

One (``domain``, ``task``, ``architecture``) is a curve; the curves of one (``domain``, ``task``) form a group.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import pandas as pd
from jaxtyping import Float

from forecaster.errors import RequestError
from forecaster.rises import Rise, around_neighbours, best_so_far, clearest_rise
from forecaster.sizes import distinct, reduced
from forecaster.strays import Stray, stray_runs

KEYS = ["domain", "task", "architecture"]
NOISE = ("error_sd", "repeats", "n_test")
Table = Any  # a DataFrame or Series, where pandas' own annotations know no better


@dataclass(frozen=True)
class Note:
    """A remark that stops nothing: a ``code`` for programs, a sentence for people, a curve's label."""

    code: str
    text: str
    curve: str | None = None


@dataclass(frozen=True, eq=False)
class Curve:
    """One learning curve: ``error`` (positive, lower is better) against ``n`` (amount of training data).

    The arrays are float64, read-only and of one shape (point,), by ascending ``n``; repeats are kept.
    ``noise_sd`` is the known sd of log error at each point (0 where nothing is known): the binomial part
    ``sqrt((1 - error) / (error * n_test))`` and ``error_sd / sqrt(repeats) / error``, in quadrature. ``seed``
    names each point's run ("" where unnamed); None without such a column, as ``metric``. ``n_test`` is the
    number of test cases of each point, NaN where unknown or where the curve's errors, 1 and more, are no error rates.
    ``run_sd`` is what one run's log error has beyond ``noise_sd`` where a point is the average of several.
    """

    domain: str
    task: str
    architecture: str
    metric: str | None
    n: Float[np.ndarray, " point"]
    error: Float[np.ndarray, " point"]
    noise_sd: Float[np.ndarray, " point"]
    seed: tuple[str, ...] | None
    n_test: Float[np.ndarray, " point"]
    run_sd: Float[np.ndarray, " point"]

    @property
    def label(self) -> str:
        """``domain/task/architecture``."""
        return "/".join((self.domain, self.task, self.architecture))

    @cached_property
    def rise(self) -> Rise | None:
        """The rise above the best at smaller sizes that most exceeds the noise; None where noise explains all.

        Stray runs make none: they are told of by themselves.
        """
        kept = np.ones(len(self.n), dtype=bool)
        kept[[stray.at for stray in self.strays]] = False
        return clearest_rise(self.n[kept], np.log(self.error[kept]), self.noise_sd[kept])

    @cached_property
    def strays(self) -> tuple[Stray, ...]:
        """Runs that stand apart from all others at their size."""
        return stray_runs(self.n, np.log(self.error))


@dataclass(frozen=True, eq=False)
class LearningCurves:
    """A validated table of learning curves, as :func:`~forecaster.reading.read_curves` gives it.

    ``table`` begins with ``domain, task, architecture, n, error``, sorted by the first four, then ``seed``;
    ``notes`` are remarks from reading; ``source`` is the file's name as it was given, or ``table``.
    """

    table: pd.DataFrame
    notes: tuple[Note, ...]
    source: str

    @cached_property
    def curves(self) -> tuple[Curve, ...]:
        """Every curve, in table order."""
        table: Table = self.table
        by_curve = table.groupby(KEYS, sort=False)
        starts = np.flatnonzero(np.diff(by_curve.ngroup().to_numpy(), prepend=-1))
        columns = [np.array(table["n"]), np.array(table["error"]), *_noise(table)]
        for column in columns:
            column.flags.writeable = False
        metrics = by_curve["metric"].max() if "metric" in table else [None] * len(starts)
        seeds = table["seed"].tolist() if "seed" in table else None
        found = []
        keys = table[KEYS].iloc[starts].itertuples(index=False, name=None)
        for key, start, stop, metric in zip(keys, starts, [*starts[1:], len(table)], metrics, strict=True):
            domain, task, architecture = key
            n, error, noise, n_test, run = (column[start:stop] for column in columns)
            seed = None if seeds is None else tuple(seeds[start:stop])
            found.append(Curve(domain, task, architecture, metric or None, n, error, noise, seed, n_test, run))
        return tuple(found)

    @cached_property
    def groups(self) -> tuple[tuple[str, str], ...]:
        """The (domain, task) pairs, in table order."""
        return tuple(dict.fromkeys((curve.domain, curve.task) for curve in self.curves))

    @cached_property
    def metrics(self) -> dict[tuple[str, str], tuple[str, ...]]:
        """The metrics named in each (domain, task): one a curve, so usually one or none."""
        named: dict[tuple[str, str], dict[str, None]] = {group: {} for group in self.groups}
        for curve in self.curves:
            if curve.metric:
                named[curve.domain, curve.task][curve.metric] = None
        return {group: tuple(own) for group, own in named.items()}

    @cached_property
    def data_hash(self) -> str:
        """SHA-256 (hex) of domain, task, architecture, n, error and the noise columns.

        Row order, file format, the file's column names and all other columns make no difference.
        """
        table = self.table.reindex(columns=[*KEYS, "n", "error", *NOISE])
        table = table.sort_values(list(table.columns)).astype(object)
        content = json.dumps({name: column.tolist() for name, column in table.items()})
        return hashlib.sha256(content.encode()).hexdigest()

    def select(
        self,
        domain: str | Sequence[str] | None = None,
        task: str | Sequence[str] | None = None,
        architecture: str | Sequence[str] | None = None,
        split: str | Sequence[str] | None = None,
    ) -> LearningCurves:
        """Keep the rows with these names (one or several of each kind; None keeps all).

        Raises RequestError, listing what exists, if a name is not there or there is no ``split`` column.
        """
        table: Table = self.table
        for column, wanted in zip((*KEYS, "split"), (domain, task, architecture, split), strict=True):
            if wanted is None:
                continue
            known = listed(table[column].unique()) if column in table else "the names in such a column. Add it"
            names = [wanted] if isinstance(wanted, str) else list(wanted)
            lost = [name for name in names if column not in table or not table[column].eq(name).any()]
            if lost or not names:
                raise RequestError(
                    f"{self.source}: found no {column} {listed(lost)} among the rows asked for; "
                    f"expected one of {known}. `validate` lists all curves."
                )
            table = table[table[column].isin(names)]
        return self.with_rows(table)

    def with_rows(self, table: Table) -> LearningCurves:
        """These rows of the table alone, and the notes about their curves."""
        chosen = LearningCurves(table.reset_index(drop=True), (), self.source)
        labels = {None, *(curve.label for curve in chosen.curves)}
        return LearningCurves(chosen.table, tuple(n for n in self.notes if n.curve in labels), self.source)


def _noise(table: Table) -> tuple[Float[np.ndarray, " row"], ...]:
    """``noise_sd``, ``n_test`` and ``run_sd`` of :class:`Curve`, of each row."""
    sd, repeats, n_test = table.reindex(columns=NOISE).astype(float).to_numpy().T
    error, runs = table["error"].to_numpy(), np.nan_to_num(repeats, nan=1.0)
    rate: Any = table.groupby(KEYS, sort=False)["error"].transform("max") < 1
    spread = np.nan_to_num(sd / error)
    binomial = np.sqrt(np.nan_to_num(np.clip(1.0 - error, 0.0, None) / (error * n_test)))
    one_run = spread * np.sqrt(1.0 - 1.0 / np.maximum(runs, 1.0))
    return np.hypot(spread / np.sqrt(runs), binomial), np.where(rate, n_test, np.nan), one_run


def listed(names: Iterable[Any], most: int = 20, quote: bool = True) -> str:
    """Names as a message lists them: the first ``most``, quoted where asked, and how many more there are."""
    texts = [repr(str(name)) if quote else str(name) for name in names]
    return ", ".join(texts[:most]) + (f" and {len(texts) - most} more" if len(texts) > most else "")


# What a table shows before any fit ----------------------------------------------------------------


def summarise(curves: LearningCurves) -> pd.DataFrame:
    """One row per curve, in table order.

    ``points``; ``sizes`` (different n); ``n_min``, ``n_max`` and ``decades`` between them; ``seeds``
    (different seeds; if none is named, the most points at one size); ``error_first``, ``error_last``
    (geometric mean at smallest and largest size); ``noise``, the sd of log error: from repeats at one
    size where there are any, else 1.48 x the median absolute residual from the line (in log n) through a
    size's two neighbours, scaled to one point, NaN below three sizes; ``best_so_far_rise``: largest rise
    of log error (mean per size, those of a long log taken together as a fit does) above the best at smaller sizes.
    """
    rows = []
    for curve in curves.curves:
        x, y, count, noise = _per_size(curve)
        row = {key: getattr(curve, key) for key in KEYS}
        row |= {"points": len(curve.n), "sizes": len(x), "n_min": curve.n[0], "n_max": curve.n[-1]}
        row["decades"] = (x[-1] - x[0]) / np.log(10)
        row["seeds"] = len({seed for seed in curve.seed or () if seed}) or int(count.max())
        row |= {"error_first": np.exp(y[0]), "error_last": np.exp(y[-1]), "noise": noise}
        row["best_so_far_rise"] = best_so_far(reduced(curve.n, np.log(curve.error)).y)
        rows.append(row)
    return pd.DataFrame(rows)


def _per_size(curve: Curve) -> tuple[np.ndarray, np.ndarray, np.ndarray, float]:
    """Log n, mean log error and number of points of each size; the noise that :func:`summarise` describes."""
    which, x, y, count, within = distinct(curve.n, np.log(curve.error))
    if len(which) > len(x):
        return x, y, count, float(np.sqrt(within.sum() / (len(which) - len(x))))
    return x, y, count, around_neighbours(x, y)


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
    """What is said of runs that stand apart: the farthest one, and how many more there are."""
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
    """What the design of the measurements cannot tell, without any fit; one note per curve and code.

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
