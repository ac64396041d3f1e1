"""Comparison: who is ahead at which size, what a difference is worth in data, who gains from more."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd

from forecaster.comparison import contrast
from forecaster.comparison.prose import leading_pairs
from forecaster.inference.posterior import Posterior
from forecaster.prediction.set_aside import NOTE
from forecaster.results.columns import GIVEN_LEVEL, GROUP, Column, Columns, declared, interval, size
from forecaster.results.result import Result, Shown

LIKELIEST = 3  # minimum number of architectures shown at a size
FEWER = 12  # pairs that a terminal shows
CAPTIONS = {  # of the tables of pairs, in the order in which a terminal shows them
    "table": "Who is ahead, and how many times the data b needs to match a:",
    "crossings": "Where their order changes:",
    "slopes": "Effective slopes:",
    "exponents": "Exponents, of the reducible error alone:",
}
NAMES = (*GROUP, *(Column(name, "name", "the pair of architectures", key=True) for name in "ab"))
OF_GROUP = (*GROUP, Column("architecture", "name", "the architecture", key=True))
FROM = Column("n_from", "size", "the largest size measured in the group: more data is counted from there", given=True)
KIND = Column("kind", "text", "whose error: `mean`, `new-run` or `new-cases`, as in a forecast", given=True)
DECIDE = Column("decide_at", "share", "probability that a verdict needs", terminal=False, given=True)
HORIZON = Column("horizon", "size", "the largest size searched", terminal=False)


@dataclass(frozen=True, eq=False, repr=False)
class Comparison(Result):
    """Pairs of architectures a, b of a group; intervals are medians and equal-tailed at ``level``.

    Where no pairs are named, a is the one more likely ahead at the largest size asked about. ``exponent_draws`` holds
    the draws [draw] of each curve's exponent by label, ``gain_draws`` those [draw, size] of its gain at ``gain_sizes``.
    """

    crossings: pd.DataFrame = field(default_factory=pd.DataFrame)
    best: pd.DataFrame = field(default_factory=pd.DataFrame)
    slopes: pd.DataFrame = field(default_factory=pd.DataFrame)
    exponents: pd.DataFrame = field(default_factory=pd.DataFrame)
    curves: pd.DataFrame = field(default_factory=pd.DataFrame)
    exponent_draws: Mapping[str, np.ndarray] = field(default_factory=dict)
    gain_draws: Mapping[str, np.ndarray] = field(default_factory=dict)
    posterior: Posterior | None = None

    command = "compare"
    columns = declared(
        table=Columns(
            "a pair of architectures `a`, `b` and size",
            NAMES,
            size(),
            Column("p_better", "chance", "chance that a's error is the lower one"),
            Column("ahead", "name", "whose error is the lower one, as far as that is decided; else `undecided`", False),
            interval("error_ratio", "ratio", "error of a over that of b", terminal=False),
            interval(
                "data_ratio",
                "ratio",
                "data that b needs for the error of a at `n`, over `n`: the exchange rate; `inf`: not up to `horizon`",
            ),
            Column(
                "data_ratio_least",
                "ratio",
                'the smallest ratio that can be resolved: one that is no larger is a bound, "at most"',
                bound="least",
            ),
            Column("p_never", "chance", "chance that b does not reach it up to `horizon`", terminal=False),
            GIVEN_LEVEL,
            KIND,
            DECIDE,
            HORIZON,
        ),
        crossings=Columns(
            "a pair",
            NAMES,
            Column("p_better_first", "chance", "chance that a's error is the lower one at `first`"),
            Column("first", "size", "the smallest size measured for both", given=True),
            Column("p_crossover", "chance", "chance that the order of the errors changes from there up to `horizon`"),
            interval("crossover", "size", "the last size at which the order changes; `inf`: no change up to `horizon`"),
            GIVEN_LEVEL,
            Column("p_better_finally", "chance", "chance that a's error is the lower one at `horizon`", terminal=False),
            HORIZON,
        ),
        best=Columns(
            "an architecture and size",
            GROUP,
            size(),
            OF_GROUP[-1],
            Column("p_best", "chance", "chance that its error is the lowest of its group"),
            interval(
                "gain",
                "share",
                "share of its error at `n_from` that is gone at `n`; negative: it rises; null for sizes up to `n_from`",
            ),
            Column("p_gains_most", "chance", "chance that its gain is the largest of its group"),
            FROM,
            GIVEN_LEVEL,
            KIND,
            NOTE,
        ),
        slopes=Columns("a pair and size beyond the data", NAMES, FROM, size(), contrast.of_slopes()),
        exponents=Columns("a pair", NAMES, contrast.of_exponents()),
        curves=Columns(
            "an architecture",
            OF_GROUP,
            interval("exponent", "number", "median and interval of its exponent"),
            GIVEN_LEVEL,
        ),
    )

    @property
    def gain_sizes(self) -> np.ndarray:
        """The sizes beyond the data that were asked about, ascending."""
        known: Any = self.best[self.best["gain"].notna()]
        return np.unique(known["n"].to_numpy(dtype=float))

    def leading(self, most: int) -> pd.DataFrame:
        """The rows of ``table`` of the ``most`` pairs whose architectures are most likely to be best."""
        return _rows_of(self.table, self._leading(most))

    def _leading(self, most: int) -> list[tuple[str, ...]]:
        pairs = _pairs_of(self.crossings)
        return [pairs[i] for i in leading_pairs(self.table, self.best, most)]

    def shown(self, most: int) -> tuple[Shown, ...]:
        """The chances of being best and the gains, who is ahead, where the order changes; slopes and exponents last."""
        chosen, whole = self._leading(max(min(FEWER, most // 2), 1)), len(self.crossings)
        note = (
            f"{len(chosen)} of {whole:,} pairs, those of the architectures most likely to be best first; --json gives "
            "all."
        )
        tables = ((name, self.tables[name]) for name in CAPTIONS)
        told = [
            Shown(_rows_of(table, chosen), self.columns[name], CAPTIONS[name], note if len(chosen) < whole else "")
            for name, table in tables
            if len(table)
        ]
        return (*((self._likeliest(most),) if len(self.best) else ()), *told)

    def _likeliest(self, most: int) -> Shown:
        """The chances of being best, and gains; of more than ``most`` rows, the largest chances at each size."""
        best, keys = self.best, ["domain", "task", "n"]
        if not len(self.gain_sizes):
            best = best.drop(columns=["gain", "gain_lower", "gain_upper", "p_gains_most", "n_from"])
        if len(best) <= most:
            return Shown(best, self.columns["best"])
        groups = best.groupby(keys, sort=False)
        ranked = best.assign(at=groups.ngroup()).sort_values("p_best", ascending=False, kind="stable")
        chosen = ranked.groupby("at", sort=False).head(max(most // groups.ngroups, LIKELIEST))
        shown = chosen.sort_values("at", kind="stable").drop(columns="at")
        note = f"{len(shown)} of {len(best):,} rows, the most likely to be best; --json gives all."
        return Shown(shown, self.columns["best"], note=note)


def _pairs_of(table: pd.DataFrame) -> list[tuple[str, ...]]:
    """The pair of each row."""
    return list(table[[column.name for column in NAMES]].itertuples(index=False, name=None))


def _rows_of(table: pd.DataFrame, pairs: Sequence[tuple[str, ...]]) -> pd.DataFrame:
    """The rows of these pairs, in their order."""
    place = {pair: i for i, pair in enumerate(pairs)}
    rows = sorted((place[pair], i) for i, pair in enumerate(_pairs_of(table)) if pair in place)
    return table.iloc[[i for _, i in rows]]
