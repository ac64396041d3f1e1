"""Candidates: runs of an architecture at a size, and what they cost."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from forecaster.errors import RequestError
from forecaster.prediction.curve_keys import CurveKey
from forecaster.resources.prices.costs import Costs
from forecaster.results.wording import rounded

MULTIPLES = (0.5, 1.0, 2.0, 4.0)  # of what is owned: the sizes of candidates where none are given
RUNS = (1, 3)
MOST_CANDIDATES = 500  # candidates
Sized = float | tuple[str, float]  # a size for every architecture, or for one


@dataclass(frozen=True)
class Candidate:
    """So many runs of one architecture at one size. ``buy``: items beyond what is owned, which stay owned."""

    key: CurveKey
    n: float
    runs: int
    buy: float
    cost: float


def candidates_of(
    keys: Sequence[CurveKey], sizes: Sequence[Sized], runs: Sequence[float], costs: Costs | None, owned: float
) -> tuple[Candidate, ...]:
    """Every architecture at its sizes with each number of runs, the smallest sizes first.

    Without a price list a candidate costs the items that it trains on. RequestError for an unknown architecture, sizes
    or numbers of runs out of range, and more than ``MOST_CANDIDATES`` candidates.
    """
    _check(keys, sizes, runs)
    named = [one if isinstance(one, tuple) else (None, one) for one in sizes]
    found = {
        (key, n, k) for name, n in named for key in keys if name in (None, key.architecture) for k in map(int, runs)
    }
    if len(found) > MOST_CANDIDATES:
        raise RequestError(
            f"candidates: found {len(found)}; expected {MOST_CANDIDATES} at most: fewer sizes, or numbers of runs"
        )
    order = sorted(found, key=lambda c: (keys.index(c[0]), c[1], c[2]))
    return tuple(_candidate(*one, costs, owned) for one in order)


def default_sizes(owned: float, below: float) -> list[float]:
    """Sizes of candidates where none are given: multiples of what is owned, ``below`` the size that is asked about."""
    sizes = sorted({rounded(owned * m, 3) for m in MULTIPLES})
    return [n for n in sizes if n < below] or sizes[:1]


def _candidate(key: CurveKey, n: float, runs: int, costs: Costs | None, owned: float) -> Candidate:
    buy = max(n - owned, 0.0)
    cost = n * runs if costs is None else float(costs.order(buy)) + runs * float(costs.training(n, key.architecture))
    return Candidate(key, float(n), runs, buy, float(cost))


def _check(keys: Sequence[CurveKey], sizes: Sequence[Sized], runs: Sequence[float]) -> None:
    known = [key.architecture for key in keys]
    for one in sizes:
        name, n = one if isinstance(one, tuple) else (None, one)
        if name is not None and name not in known:
            raise RequestError(f"candidates: found architecture {name!r}; expected one of {', '.join(known)}")
        if not 0 < n < float("inf"):
            raise RequestError(f"candidates: found size {n:g}; expected sizes above 0, such as 1e5")
    wrong = [k for k in runs if k < 1 or k != int(k)]
    if wrong or not len(runs):
        raise RequestError(f"runs: found {wrong[0] if wrong else 'none'}; expected whole numbers from 1, such as 1,3")
