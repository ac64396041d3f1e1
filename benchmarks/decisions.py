"""Orders of data on public learning curves: is the risk that was asked for the one that is met, and at what cost?

    uv run python benchmarks/decisions.py --data FOLDER --simulated 60 --output benchmarks/results/decisions.md

Reads `lcdb.csv` from the folder: curves of classifiers on tables, with a column `split`. Rows marked `fit` are fitted,
a table at a time; the others judge. Targets are 0.9, 0.8, 0.7 and 0.5 times the last fitted error, where no fitted
error is as low. Data may be ordered up to the sizes that were measured; a target is reached at the first of them whose
measured error is at it or below.

Orders for a risk: of the cases whose order for a risk of 10, 20 and 30 % (a quantile of `requirement`) lies within the
largest measured size, the share that misses the target, with its range over replicas that draw tables anew.

Cost at equal failure, over the cases whose target is reached: the failure rate (orders that end below the size needed)
and the median cost ratio of those that succeed, (ordered - owned) / (needed - owned) - 1 (Mahmood et al. 2022,
arXiv:2210.01234), in one round and in five, each followed by a measurement at the size bought. Rivals: least squares of
a power law with floor through the last decade, ordering the size at which it reaches the target; the same with the
fixed factor on that size that is cheapest among those that fail on 10, 20 or 30 % of these very cases at most;
Learn-Optimize-Collect, the distribution of that size by 100 bootstrap fits, smoothed, ordering by price and penalty.
All order everything where they see no end. Ours, in one round, is the order for a risk (`decide --risk`); in five the
same optimisation by price and penalty, on the posterior, which is conditioned on each measurement. Risk or penalty are
chosen so that it fails as often as the rival.

`--simulated N` also draws N groups of curves from the card, fits their smaller sizes, and compares the chance of the
target with how often it is reached, in ten bins.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from recording import add_output, record

from forecaster import fit
from forecaster.curves.learning_curves import Group, LearningCurves
from forecaster.curves.reading.read import read_curves
from forecaster.domains.loading import load_card
from forecaster.inference.importance.weights import weights_of
from forecaster.inference.posterior import Posterior
from forecaster.model.simulate import simulate
from forecaster.prediction.conditioning import predictive
from forecaster.prediction.curve_keys import CurveKey
from forecaster.prediction.observation import of_kind
from forecaster.prediction.requirement import requirement

FILE = "lcdb.csv"
FACTORS = (0.9, 0.8, 0.7, 0.5)
RISKS = (0.1, 0.2, 0.3)
MOST_CURVES = 200
REPLICAS = 2000
BOOTSTRAPS = 100
PENALTIES = np.geomspace(0.5, 300.0, 10)  # as multiples of the price of what all measured sizes cost
ACCEPTED = (0.02, 0.05, 0.1, 0.15, 0.2, 0.25, 0.3, 0.35, 0.4, 0.45, 0.5, 0.55, 0.6, 0.65, 0.7, 0.8)  # risks
MEASURED = np.geomspace(1e2, 2e3, 8)  # sizes of simulated curves
AHEAD = np.geomspace(1.0, 50.0, 40)[1:]  # multiples of the largest at which the true curve is looked at
MET = 0.01  # chance of the target within the measured sizes above which a case is left out
SHARES = ("risk", "missed", "low", "high", "failure rate", "ours fails")
Array = np.ndarray[Any, Any]
Table = Any


@dataclass(frozen=True, eq=False)
class Case:
    """One curve and target: fitted sizes and log errors, and the sizes that can be ordered with theirs."""

    task: str
    x: Array
    y: Array
    sizes: Array
    errors: Array
    target: float  # log error

    @property
    def needed(self) -> int:
        """Position of the first size that reaches the target; as many as there are sizes where none does."""
        return first_below(self.errors, self.target)

    @property
    def owned(self) -> float:
        return float(np.exp(self.x[-1]))

    def ratio(self, at: int) -> float:
        """Cost ratio of an order up to a size."""
        return float((self.sizes[at] - self.owned) / (self.sizes[self.needed] - self.owned) - 1.0)


def first_below(errors: Array, target: float) -> int:
    reached = errors <= target + 1e-12
    return int(np.argmax(reached)) if reached.any() else len(errors)


# Ordering ------------------------------------------------------------------------------------------

# Given what was bought so far (-1: nothing) and the errors measured at sizes bought up to, the next order.
Orders = Callable[[int, list[int], int], int]


def played(case: Case, order: Orders, rounds: int) -> int:
    """Position of the size that is bought up to in the end; -1 where nothing is bought."""
    at, seen = -1, []
    for k in range(rounds):
        new = order(at, seen, rounds - k)
        if new <= at:
            break
        at = min(new, len(case.sizes) - 1)
        seen.append(at)
        if case.errors[at] <= case.target or at == len(case.sizes) - 1:
            break
    return at


def planned(case: Case, missing: Array, at: int, left: int, penalty: float) -> int:
    """The next order by price and penalty: ``missing`` [size] is the chance that the target is not reached by it.

    Later orders are placed where the earlier ones failed (the objective of Learn-Optimize-Collect).
    """
    sizes = np.concatenate([[case.owned if at < 0 else case.sizes[at]], case.sizes[at + 1 :]])
    chance = np.concatenate([[1.0], missing[at + 1 :]])
    to_come, chosen = penalty * chance, np.zeros(len(sizes), dtype=int)
    for _ in range(left):
        ahead = (sizes[None, :] - sizes[:, None]) * chance[:, None] + to_come[None, :]
        ahead[np.tril_indices(len(sizes), -1)] = np.inf
        np.fill_diagonal(ahead, penalty * chance)  # stop
        chosen, to_come = np.argmin(ahead, 1), ahead.min(1)
    return at if chosen[0] == 0 else at + int(chosen[0])


# The posterior -------------------------------------------------------------------------------------


@dataclass(frozen=True, eq=False)
class Drawn:
    """Draws of one curve at the sizes that can be ordered, and their moments given what was fitted."""

    paths: Array  # log error of the mean run [draw, size]
    measured: Array
    mean: Array
    covariance: Array
    shared: Array

    @classmethod
    def of(cls, posterior: Posterior, key: CurveKey, sizes: Array, seed: int) -> Drawn:
        found = predictive(posterior, key, sizes, seed=seed)
        paths = of_kind(found.paths, sizes, "mean")
        return cls(paths, found.draw(), found.mean, found.covariance, found.covariance - found.noise)

    def missing(self, case: Case, at: int, seen: Sequence[int]) -> Array:
        """Chance that each size does not reach the target, given the errors measured so far and that none did."""
        paths, weights = self.paths, np.full(len(self.paths), 1.0 / len(self.paths))
        if seen:
            own = list(seen)
            inside = self.covariance[:, own][:, :, own]
            gap = case.errors[own] - self.mean[:, own]
            solved = np.linalg.solve(inside, gap[..., None])[..., 0]
            log_density = -0.5 * (gap * solved).sum(1) - 0.5 * np.linalg.slogdet(inside)[1]
            weights = weights_of(log_density).values
            pull = np.linalg.solve(inside, (case.errors[own] - self.measured[:, own])[..., None])
            paths = paths + (self.shared[:, :, own] @ pull)[..., 0]
        lowest = np.full(paths.shape, np.inf)
        lowest[:, at + 1 :] = np.minimum.accumulate(paths[:, at + 1 :], 1)
        return weights @ (lowest > case.target)


# Least squares -------------------------------------------------------------------------------------

BETA, SHARE = np.geomspace(0.01, 3.0, 50), np.linspace(0.0, 0.99, 50)


def least_squares(case: Case, seen: Sequence[int], weights: Array) -> Array:
    """Sizes at which fits of a power law with floor reach the target, one for each column of ``weights`` [point, fit].

    Of the last decade of what was measured, five sizes at least, as ``forecaster.evaluation.rivals.baselines`` has it.
    """
    x, y = points_of(case, seen)
    z = x - x[-1]
    odds = np.log(np.maximum(SHARE, 1e-300)) - np.log1p(-SHARE)
    shape = np.logaddexp(-BETA[:, None, None] * z, odds[None, :, None]).reshape(-1, len(z))
    rest, total = y - shape, weights.sum(0)
    level = rest @ weights / total
    best = np.argmin(rest**2 @ weights / total - level**2, 0)
    level = level[best, np.arange(weights.shape[1])]
    beta, floor = BETA[best // len(SHARE)], odds[best % len(SHARE)]
    gap = np.exp(case.target - level) - np.exp(floor)
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.where(gap > 0.0, np.exp(x[-1] - np.log(gap) / beta), np.inf)


def points_of(case: Case, seen: Sequence[int]) -> tuple[Array, Array]:
    x = np.append(case.x, np.log(case.sizes[list(seen)]))
    y = np.append(case.y, case.errors[list(seen)])
    keep = max(5, int(np.sum(x >= x[-1] - np.log(10.0) - 1e-9)))
    return x[-keep:], y[-keep:]


def regression(case: Case, factor: float) -> Orders:
    """Order the size at which the fitted law reaches the target, times a factor; all there is where it never does."""

    def order(at: int, seen: list[int], left: int) -> int:
        count = len(points_of(case, seen)[0])
        size = factor * least_squares(case, seen, np.ones((count, 1)))[0]
        return max(int(np.searchsorted(case.sizes, size * (1 - 1e-12))), at + 1)

    return order


def collect(case: Case, penalty: float, seed: int) -> Orders:
    """Learn-Optimize-Collect: the size needed by bootstrap fits, smoothed, then price and penalty."""

    def order(at: int, seen: list[int], left: int) -> int:
        from scipy.special import ndtr

        count = len(points_of(case, seen)[0])
        drawn = np.random.default_rng([seed, len(seen)]).multinomial(count, np.full(count, 1.0 / count), BOOTSTRAPS).T
        size = np.log(least_squares(case, seen, drawn.astype(float)))
        known = size[np.isfinite(size)]
        width = max(float(known.std()) if len(known) else 0.0, 0.01) * max(len(known), 1) ** -0.2
        smooth = ndtr((np.log(case.sizes)[:, None] - known[None, :]) / width).sum(1) / BOOTSTRAPS
        before = smooth[at] if at >= 0 else 0.0
        missing = np.clip((1.0 - smooth) / max(1.0 - before, 1e-9), 0.0, 1.0)
        return planned(case, missing, at, left, penalty)

    return order


def ours(case: Case, drawn: Drawn, penalty: float) -> Orders:
    return lambda at, seen, left: planned(case, drawn.missing(case, at, seen), at, left, penalty)


def for_risk(case: Case, missing: Array, risk: float) -> int:
    """The order that misses the target with this chance; all there is where none does."""
    return min(first_below(missing, risk), len(case.sizes) - 1)


# The benchmark -------------------------------------------------------------------------------------


def sampled(curves: LearningCurves, seed: int) -> LearningCurves:
    """Whole tables, drawn by the seed, of at most so many curves together."""
    tasks = sorted({task for _, task in curves.groups})
    found: list[str] = []
    count = 0
    for task in np.random.default_rng(seed).permutation(tasks).tolist():
        own = sum(c.task == task for c in curves.curves)
        if count + own <= MOST_CURVES:
            found.append(task)
            count += own
    return curves.select(task=found)


def cases_of(table: Table, curve: Any) -> list[Case]:
    """The cases of one fitted curve."""
    own = table[(table["task"] == curve.task) & (table["architecture"] == curve.architecture)]
    hidden = own[own["split"] == "extrapolate"].groupby("n")["error"].mean()
    hidden = hidden[hidden.index > curve.n[-1]]
    x, y = np.log(curve.n), np.log(curve.error)
    return [
        Case(curve.task, x, y, hidden.index.to_numpy(dtype=float), np.log(hidden.to_numpy()), float(np.log(f) + y[-1]))
        for f in FACTORS
        if y.min() > np.log(f) + y[-1] and len(hidden)
    ]


def misses(posterior: Posterior, table: Table, seed: int) -> pd.DataFrame:
    """Each case and risk whose order lies within the measured sizes: whether the target was missed."""
    rows = []
    for curve in posterior.curves.curves:
        key = CurveKey(curve.domain, curve.task, curve.architecture)
        for case in cases_of(table, curve):
            need = requirement(posterior, float(np.exp(case.target)), curves=[key], seed=seed)
            assert need.draws is not None
            drawn = need.draws.values.ravel()
            for risk in RISKS:
                order = float(np.quantile(drawn, 1.0 - risk, method="inverted_cdf"))
                if case.owned < order <= case.sizes[-1]:
                    bought = case.errors[case.sizes <= order * (1 + 1e-12)]
                    rows.append({"task": case.task, "risk": risk, "missed": not (bought <= case.target).any()})
    return pd.DataFrame(rows)


def of_risks(found: pd.DataFrame, seed: int) -> list[dict[str, Any]]:
    """One line a risk: how often the target was missed, and the 90 % range of that over replicas of tables."""
    rng, rows = np.random.default_rng(seed), []
    for risk, own in found.groupby("risk"):
        by_table = own.groupby("task")["missed"].agg(["sum", "count"]).to_numpy()
        drawn = by_table[rng.integers(0, len(by_table), (REPLICAS, len(by_table)))].sum(1)
        low, high = np.quantile(drawn[:, 0] / drawn[:, 1], [0.05, 0.95])
        rows.append(
            {"risk": risk, "cases": len(own), "tables": len(by_table), "missed": own["missed"].mean()}
            | {"low": low, "high": high}
        )
    return rows


def scored(cases: Sequence[Case], ends: Sequence[int]) -> tuple[float, float]:
    """Failure rate, and median cost ratio of the cases that succeed."""
    fails = np.array([end < case.needed for case, end in zip(cases, ends, strict=True)])
    ratios = [case.ratio(end) for case, end, f in zip(cases, ends, fails, strict=True) if not f]
    return float(fails.mean()), float(np.median(ratios)) if ratios else np.nan


def of_costs(cases: Sequence[Case], drawn: Sequence[Drawn], rounds: int, seed: int) -> list[dict[str, Any]]:
    """One line a rival: its failure rate and median cost ratio, and ours where we fail as often."""
    price = [case.sizes[-1] - case.owned for case in cases]
    if rounds == 1:
        missing = [d.missing(c, -1, []) for c, d in zip(cases, drawn, strict=True)]
        ends = [[for_risk(c, m, risk) for c, m in zip(cases, missing, strict=True)] for risk in ACCEPTED]
    else:
        each = list(zip(cases, drawn, price, strict=True))
        ends = [[played(c, ours(c, d, penalty * p), rounds) for c, d, p in each] for penalty in PENALTIES]
    own = [scored(cases, one) for one in ends]
    rivals: dict[str, tuple[float, float]] = {}
    by_factor = {
        f: scored(cases, [played(c, regression(c, f), rounds) for c in cases]) for f in np.geomspace(0.5, 30.0, 25)
    }
    rivals["least squares"] = scored(cases, [played(c, regression(c, 1.0), rounds) for c in cases])
    for risk in RISKS:
        enough = {f: s for f, s in by_factor.items() if s[0] <= risk}
        if enough:
            f = min(enough, key=lambda f: enough[f][1])
            rivals[f"least squares, {f:.2g} times as much ({risk:.0%} at most)"] = enough[f]
    for penalty in PENALTIES[::2]:
        ends = [played(c, collect(c, penalty * p, seed), rounds) for c, p in zip(cases, price, strict=True)]
        rivals[f"Learn-Optimize-Collect, penalty {penalty:.2g}"] = scored(cases, ends)
    rows = []
    for name, (fails, ratio) in rivals.items():
        at, own_ratio = as_often(own, fails)
        rows.append(
            {"rounds": rounds, "rival": name, "failure rate": fails, "cost ratio": ratio}
            | {"ours fails": at, "our cost ratio": own_ratio, "cases": len(cases)}
        )
    return rows


def as_often(own: Sequence[tuple[float, float]], fails: float) -> tuple[float, float]:
    """Our failure rate and cost ratio at this failure rate, between two penalties; at the nearest, beyond all."""
    rates, ratios = (np.array(part) for part in zip(*sorted(own), strict=True))
    at = float(np.clip(fails, rates[0], rates[-1]))
    return at, float(np.interp(at, rates, ratios))


def simulated(groups: int, seed: int) -> list[dict[str, Any]]:
    """Curves drawn from the card: chance of the target against how often the true curve reaches it, in ten bins.

    The true curve is that of the mean run, drift included, at ``AHEAD`` multiples of the largest measured size.
    """
    card, rows = load_card("tabular-classification"), []
    world = simulate(card, MEASURED, groups=groups, architectures=5, seeds=2, beyond=AHEAD, seed=seed)
    posterior = fit(world.curves, card=card, seed=seed, draws=250, record=False, diverging=True)
    for group, i in placed(posterior):
        g, name = posterior.groups.index(group), posterior.designs[group].architectures[i]
        curve = next(c.curve for c in posterior.designs[group].curves if c.curve.architecture == name)
        truth = world.truth["error"][g, i]
        for f in FACTORS:
            target = f * float(curve.error[curve.n == curve.n[-1]].mean())
            for last in (10, len(AHEAD)):
                limit = MEASURED[-1] * AHEAD[last - 1]
                key = CurveKey(*group, name)
                need = requirement(posterior, target, curves=[key], limit=limit, kind="mean", seed=seed)
                if need.table["already_met"].iloc[0] > MET:  # the true curve is not known at measured sizes
                    continue
                chance = float(need.table["p_within_limit"].iloc[0])
                rows.append({"group": g, "chance": chance, "reached": bool((truth[:last] <= target).any())})
    return of_bins(pd.DataFrame(rows), seed)


def placed(posterior: Posterior) -> Iterator[tuple[Group, int]]:
    """Every curve by its group and place in it."""
    for group in posterior.groups:
        yield from ((group, i) for i in range(len(posterior.designs[group].architectures)))


def of_bins(found: pd.DataFrame, seed: int) -> list[dict[str, Any]]:
    rng, rows = np.random.default_rng(seed), []
    found = found.assign(bin=np.minimum((10 * found["chance"]).astype(int), 9))
    for k, own in found.groupby("bin"):
        by_group = own.groupby("group")["reached"].agg(["sum", "count"]).to_numpy()
        drawn = by_group[rng.integers(0, len(by_group), (REPLICAS, len(by_group)))].sum(1)
        low, high = np.quantile(drawn[:, 0] / drawn[:, 1], [0.05, 0.95])
        rows.append(
            {"chances": f"{10 * int(str(k))} to {10 * int(str(k)) + 10} %", "cases": len(own)}
            | {"mean chance": own["chance"].mean(), "reached": own["reached"].mean(), "low": low, "high": high}
        )
    return rows


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, help=f"folder that holds {FILE}; without one, simulated curves alone")
    parser.add_argument("--simulated", type=int, default=0, metavar="N", help="also N groups of simulated curves")
    parser.add_argument("--draws", type=int, default=250, help="of each of four chains")
    parser.add_argument("--seed", type=int, default=0)
    add_output(parser, "decisions")
    chosen = parser.parse_args()
    begin = time.perf_counter()
    if chosen.data is not None:
        path = chosen.data / FILE
        if not path.is_file():
            print(f"{FILE} is not in this folder; this benchmark needs the LCDB curves", file=sys.stderr)
            return 1
        public(path, chosen, begin)
    if chosen.simulated:
        bins = simulated(chosen.simulated, chosen.seed)
        print(pd.DataFrame(bins).round(3).to_string(index=False), flush=True)
        say("simulated curves", begin)
        if chosen.output:
            shares = ("mean chance", "reached", "low", "high")
            record(chosen.output, "Chance of the target, simulated curves", bins, shares=shares)
    return 0


def public(path: Path, chosen: argparse.Namespace, begin: float) -> None:
    """Orders on the public curves, and what they cost at equal failure."""
    curves = sampled(read_curves(path), chosen.seed)
    table: Table = curves.table
    shown = curves.with_rows(table[table["split"] == "fit"])
    posterior = fit(shown, seed=chosen.seed, draws=chosen.draws)
    say(f"{len(posterior.curves.curves)} curves fitted", begin)
    risks = of_risks(misses(posterior, table, chosen.seed), chosen.seed)
    print(pd.DataFrame(risks).round(3).to_string(index=False), flush=True)
    say("orders for a risk", begin)
    cases, drawn = [], []
    for curve in posterior.curves.curves:
        found = [case for case in cases_of(table, curve) if case.needed < len(case.sizes)]
        if found:
            key = CurveKey(curve.domain, curve.task, curve.architecture)
            one = Drawn.of(posterior, key, found[0].sizes, chosen.seed)
            cases += found
            drawn += [one] * len(found)
    say(f"{len(cases)} cases whose target is reached", begin)
    costs = []
    for rounds in (1, 5):
        costs += of_costs(cases, drawn, rounds, chosen.seed)
        print(pd.DataFrame(costs).round(3).to_string(index=False), flush=True)
        say(f"{rounds} rounds", begin)
    if chosen.output:
        record(chosen.output, "Orders for a risk, public curves", risks, shares=SHARES)
        record(chosen.output, "Cost at equal failure, public curves", costs, shares=SHARES)


def say(what: str, begin: float) -> None:
    print(f"{what} ({time.perf_counter() - begin:.0f} s)", file=sys.stderr, flush=True)


if __name__ == "__main__":
    sys.exit(main())
