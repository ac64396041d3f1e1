"""Learning curves: the values, selected and summarised. Nothing here knows of Bayes.

One (``domain``, ``task``, ``architecture``) is a curve; the curves of one (``domain``, ``task``) form a group.
"""

from __future__ import annotations

import hashlib
import html
import json
from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any

import numpy as np
import pandas as pd
from jaxtyping import Bool, Float

from forecaster._support.frames import Table
from forecaster.curves.best_models import of_best_models
from forecaster.curves.divergence import CERTAIN, Divergence, divergence
from forecaster.curves.how_read import HowRead
from forecaster.curves.metrics import metric_of, metric_of_reading
from forecaster.curves.outliers import Stray, stray_runs
from forecaster.curves.rises import Rise, clearest_rise
from forecaster.errors import RequestError
from forecaster.results.wording import clipped, counted

Group = tuple[str, str]  # (domain, task): the curves that share a hierarchy
KEYS = ["domain", "task", "architecture"]
NOISE = ("error_sd", "repeats", "n_test")
LEAST_CASES = 0.5 - 1e-9  # of a case: less is no share of the cases
NO_TASK = "all"  # the task of rows that name none
GROUPS_NAMED, ARCHITECTURES_NAMED = 3, 5  # groups, and architectures of each, that ``repr`` names
CURVES_SHOWN = 20  # curves that a notebook shows


@dataclass(frozen=True)
class Note:
    """A remark that stops nothing: a ``code`` for programs, a sentence for people, a curve's label."""

    code: str
    text: str
    curve: str | None = None


@dataclass(frozen=True, eq=False, repr=False)
class Curve:
    """One learning curve: ``error`` (positive, lower is better) against ``n`` (amount of training data).

    Arrays are float64, read-only and of one shape (point,), by ascending ``n``; repeats are kept.

    Attributes
    ----------
    domain, task, architecture : str
        The name of the curve.
    metric : str or None
        What the error is, by the column ``metric`` or the name of the error column; None where neither says it.
    n : array [point]
        Training-set sizes.
    error : array [point]
        Errors, in the unit of the table.
    noise_sd : array [point]
        Known standard deviation of the log error, 0 where nothing is known: the binomial part
        ``sqrt((1 - error) / (error * n_test))`` and ``error_sd / sqrt(repeats) / error``, in quadrature.
    seed : tuple of str, or None
        Each point's run, "" where unnamed; None without such a column.
    n_test : array [point]
        Test cases; NaN where unknown, or where errors are not shares of them (a loss, an error of 1 or more, less than
        half a case).
    run_sd : array [point]
        What one run's log error has beyond ``noise_sd`` where a point is the average of several.
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

    def __repr__(self) -> str:
        ends = f"n {self.n[0]:g} to {self.n[-1]:g}, error {self.error.max():.4g} to {self.error.min():.4g}"
        return clipped(f"Curve {self.label}: {counted(len(self.n), 'point')}, {ends}")

    @property
    def label(self) -> str:
        """``domain/task/architecture``."""
        return "/".join((self.domain, self.task, self.architecture))

    @property
    def reported_variance(self) -> Float[np.ndarray, " point"]:
        """The part of ``noise_sd`` squared that is not a test set's: that of the reported spread, [point]."""
        binomial = np.nan_to_num(np.clip(1.0 - self.error, 0.0, None) / (self.error * self.n_test))
        return np.maximum(self.noise_sd**2 - binomial, 0.0)

    @cached_property
    def rise(self) -> Rise | None:
        """The rise above the best at smaller sizes that most exceeds the noise; None where noise explains all.

        Stray runs make none: they are told of by themselves.
        """
        kept = np.ones(len(self.n), dtype=bool)
        kept[[stray.at for stray in self.strays]] = False
        return clearest_rise(self.n[kept], np.log(self.error[kept]), self.noise_sd[kept])

    @cached_property
    def divergence(self) -> Divergence:
        """How far the error at the largest size lies above the best, and the chance that this is no noise."""
        return divergence(self.n, self.error, self.noise_sd)

    @property
    def diverges(self) -> bool:
        """Whether the curve cannot be forecast: its error has risen and nothing says how it goes on."""
        return self.divergence.chance > CERTAIN

    @cached_property
    def strays(self) -> tuple[Stray, ...]:
        """Runs that stand apart from all others at their size."""
        return stray_runs(self.n, np.log(self.error))


@dataclass(frozen=True, eq=False, repr=False)
class LearningCurves:
    """A validated table of learning curves, as :func:`~forecaster.read_curves` gives it.

    Attributes
    ----------
    table : pandas.DataFrame
        One row per measurement. It begins with ``domain, task, architecture, n, error``, sorted by the first four, then
        by ``seed``.
    notes : tuple of Note
        Remarks from reading; each has a ``code``, a ``text`` and the ``curve`` it is about.
    source : str
        The name of the file as it was given, or ``table``.
    reading : HowRead
        How the table was read: which column served as what, how cells were taken.
    """

    table: pd.DataFrame
    notes: tuple[Note, ...]
    source: str
    reading: HowRead = field(default_factory=HowRead)

    def __repr__(self) -> str:
        """A description in at most five lines."""
        sizes = f"n {self.table['n'].min():g} to {self.table['n'].max():g}"
        made = f"{counted(len(self.table), 'measurement')} of {counted(len(self.curves), 'curve')}"
        return "\n".join([clipped(f"LearningCurves from {self.source}: {made}, {sizes}"), *self.told()])

    def _repr_html_(self) -> str:
        rows = []
        for c in self.curves[:CURVES_SHOWN]:
            ends = {"n_min": c.n[0], "n_max": c.n[-1], "error_min": c.error.min(), "error_max": c.error.max()}
            rows.append({"domain": c.domain, "task": c.task, "architecture": c.architecture, "points": len(c.n)} | ends)
        return as_html(repr(self), pd.DataFrame(rows))

    def told(self, more: Callable[[Group], str] = lambda group: "") -> list[str]:
        """A line for each of the first groups: ``more`` and its architectures; then how many groups there are else."""
        lines = []
        for group in self.groups[:GROUPS_NAMED]:
            names = [curve.architecture for curve in self.curves if (curve.domain, curve.task) == group]
            lines.append(
                clipped(f"  {'/'.join(group)}{more(group)}: {listed(names, ARCHITECTURES_NAMED, quote=False)}")
            )
        left = len(self.groups) - GROUPS_NAMED
        return [*lines, f"  and {left} more"] if left > 0 else lines

    @cached_property
    def curves(self) -> tuple[Curve, ...]:
        """Every curve, in table order."""
        table: Table = self.table
        by_curve = table.groupby(KEYS, sort=False)
        starts = np.flatnonzero(np.diff(by_curve.ngroup().to_numpy(), prepend=-1))
        own = metric_of_reading(self.reading)
        losses = "metric" not in table and own is not None and own.kind in ("loss", "perplexity")
        columns = [np.array(table["n"]), np.array(table["error"]), *_noise(table, losses)]
        for column in columns:
            column.flags.writeable = False
        named = None if own is None else str(own)
        metrics = by_curve["metric"].max() if "metric" in table else [None] * len(starts)
        seeds = table["seed"].tolist() if "seed" in table else None
        found = []
        keys = table[KEYS].iloc[starts].itertuples(index=False, name=None)
        for key, start, stop, metric in zip(keys, starts, [*starts[1:], len(table)], metrics, strict=True):
            domain, task, architecture = key
            n, error, noise, n_test, run = (column[start:stop] for column in columns)
            seed = None if seeds is None else tuple(seeds[start:stop])
            found.append(Curve(domain, task, architecture, metric or named, n, error, noise, seed, n_test, run))
        return tuple(found)

    @cached_property
    def groups(self) -> tuple[tuple[str, str], ...]:
        """The (domain, task) pairs, in table order."""
        return tuple(dict.fromkeys((curve.domain, curve.task) for curve in self.curves))

    @cached_property
    def metrics(self) -> dict[tuple[str, str], tuple[str, ...]]:
        """The metrics of each (domain, task) that the table names, one a curve: usually one or none."""
        named: dict[tuple[str, str], dict[str, None]] = {group: {} for group in self.groups}
        for curve in self.curves:
            if curve.metric:
                named[curve.domain, curve.task][curve.metric] = None
        return {group: tuple(own) for group, own in named.items()}

    @cached_property
    def tuned(self) -> frozenset[Group]:
        """The groups of which every curve is one of best models (a column ``tuned``, or ``params`` that grow)."""
        table: Table = self.table
        if "tuned" not in table and "params" not in table:
            return frozenset()
        best = {key: of_best_models(rows) for key, rows in table.groupby(KEYS, sort=False)}
        return frozenset(g for g in self.groups if all(is_best for key, is_best in best.items() if key[:2] == g))

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
        """Keep the rows with these names.

        Parameters
        ----------
        domain, task, architecture, split : str or sequence of str, optional
            One or several names of each kind; None keeps all.

        Returns
        -------
        LearningCurves
            The rows that have one of the names of every kind, and the notes about their curves.

        Raises
        ------
        RequestError
            A name is not there, or there is no column ``split``. The message lists what exists.
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

    def leave_out(self, names: str | Sequence[str]) -> LearningCurves:
        """All curves but these: names of architectures, or labels ``domain/task/architecture`` of single curves.

        Raises RequestError, listing what exists, if a name is not there or no curve would be left.
        """
        wanted = [names] if isinstance(names, str) else list(names)
        known = {name for curve in self.curves for name in (curve.architecture, curve.label)}
        if lost := [name for name in wanted if name not in known]:
            there = listed(dict.fromkeys(curve.architecture for curve in self.curves))
            raise RequestError(
                f"{self.source}: found no curve {listed(lost)} to leave out; expected an architecture, of {there}, or "
                "domain/task/architecture. `validate` lists all curves."
            )
        if not wanted:
            return self
        left = [c.label for c in self.curves if c.architecture not in wanted and c.label not in wanted]
        if not left:
            raise RequestError(f"{self.source}: found no curve that is not left out; expected one at the least")
        table: Table = self.table
        return self.with_rows(table[table[KEYS].agg("/".join, axis=1).isin(left)])

    def parted(self) -> tuple[LearningCurves | None, LearningCurves | None]:
        """The curves that can be forecast, and those that diverge; None where there are none.

        A table that was read as it is has none of the latter.
        """
        out = set() if self.reading.as_they_are else {curve.label for curve in self.curves if curve.diverges}
        if len(out) in (0, len(self.curves)):
            return (None, self) if out else (self, None)
        table: Table = self.table
        aside = table[KEYS].agg("/".join, axis=1).isin(out)
        return self.with_rows(table[~aside]), self.with_rows(table[aside])

    def of_groups(self, groups: Collection[Group]) -> LearningCurves | None:
        """The curves of these groups; None where there are none."""
        table: Table = self.table
        own = table[[group in groups for group in zip(table["domain"], table["task"], strict=True)]]
        return self.with_rows(own) if len(own) else None

    def with_rows(self, table: Table) -> LearningCurves:
        """These rows of the table alone, and the notes about their curves."""
        chosen = replace(self, table=table.reset_index(drop=True), notes=())
        labels = {None, *(curve.label for curve in chosen.curves)}
        return replace(chosen, notes=tuple(n for n in self.notes if n.curve in labels))


def _noise(table: Table, losses: bool) -> tuple[Float[np.ndarray, " row"], ...]:
    """``noise_sd``, ``n_test`` and ``run_sd`` of :class:`Curve`, of each row; ``losses``: all errors are no shares."""
    sd, repeats, n_test = table.reindex(columns=NOISE).astype(float).to_numpy().T
    error, runs = table["error"].to_numpy(), np.nan_to_num(repeats, nan=1.0)
    n_test = np.where(losses | _no_shares(table), np.nan, n_test)
    rate: Any = table.groupby(KEYS, sort=False)["error"].transform("max") < 1
    spread = np.nan_to_num(sd / error)
    binomial = np.sqrt(np.nan_to_num(np.clip(1.0 - error, 0.0, None) / (error * n_test)))
    one_run = spread * np.sqrt(1.0 - 1.0 / np.maximum(runs, 1.0))
    return np.hypot(spread / np.sqrt(runs), binomial), np.where(rate, n_test, np.nan), one_run


def _no_shares(table: Table) -> Bool[np.ndarray, " row"]:
    """Rows of curves whose errors are no shares of test cases: their metric is a loss, or one is under half a case."""
    other = table["error"] * table.get("n_test", np.nan) < LEAST_CASES
    if "metric" in table:
        named = {text: metric_of(text).kind in ("loss", "perplexity") for text in set(table["metric"])}
        other |= table["metric"].map(named).astype(bool)
    return table.assign(other=other).groupby(KEYS, sort=False)["other"].transform("any").to_numpy()


def as_html(said: str, table: pd.DataFrame) -> str:
    """What a notebook shows: a sentence, its first line, above a table."""
    return f"<p>{html.escape(said.splitlines()[0])}</p>{table.to_html(index=False)}"


def listed(names: Iterable[Any], most: int = 20, quote: bool = True) -> str:
    """Names as a message lists them: the first ``most``, quoted where asked, and how many more there are."""
    texts = [repr(str(name)) if quote else str(name) for name in names]
    return ", ".join(texts[:most]) + (f" and {len(texts) - most} more" if len(texts) > most else "")


# What a table shows before any fit ----------------------------------------------------------------
