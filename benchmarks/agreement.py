"""Does the default engine draw from the posterior? Its draws beside long NUTS runs of the same model, same data.

Data sets: `nmt.csv`, three tasks of `ic_birds_caltech.csv` and one of `lcdb.csv`, with more curves, from a folder
(fitted rows only; the hidden ones stay hidden), and the two examples that the package ships. NUTS samples the PyMC
model or, of curves of many sizes, the same density as JAX filters it, which tests hold equal in value and gradient:
thirty times faster there. For each curve:

    means       |difference of posterior means| in posterior standard deviations (those of NUTS) of level, exponent,
                floor, and log error at 2x and 10x the largest size of the group. Bar: 0.1
    quantiles   differences of the 5, 50 and 95 % quantiles of exponent, floor and error at 2x and 10x, in units of
                their combined Monte Carlo standard error; the largest of the three. NUTS' standard errors are ArviZ's;
                those of the default engine grow where it says that its draws are worth less than ArviZ can see

The errors are posterior paths, drift included. `mc` is the standard error of a difference of means, in the same unit
as the means (the largest of the curve): a difference below 2 of them says nothing. NUTS may judge where its own R-hat
is below 1.01 and its smallest effective sample size above 1000, over every reported quantity and hyper-parameter. A
data set passes where NUTS may judge and every mean is within the bar; quantiles beyond 3 standard errors are reported
(under exact agreement 0.3 % of them, less than independent).

    python benchmarks/agreement.py --data FOLDER --save POSTERIORS
    python benchmarks/agreement.py --data FOLDER --nuts POSTERIORS

`--save` keeps the NUTS posteriors, `--nuts` reads them in place of sampling. Exit status: 1 where a data set did not
pass or none was there.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import sys
import time
from importlib.metadata import version
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
from arviz_stats.base.array import array_stats
from recording import add_output, record

from forecaster.curves.learning_curves import LearningCurves
from forecaster.curves.reading.read import read_curves
from forecaster.evaluation.holdout import hide
from forecaster.inference.assembly import assemble
from forecaster.inference.engines import nuts
from forecaster.inference.fit import cards_of, fit
from forecaster.inference.posterior import Posterior
from forecaster.inference.storage import load_posterior
from forecaster.model.design import design_of
from forecaster.prediction.curve_keys import curve_keys
from forecaster.prediction.paths import curve_paths
from forecaster.reports.examples import example_curves

BAR = 0.1  # posterior standard deviations between means
MANY = 3.0  # Monte Carlo standard errors between quantiles
R_HAT, LEAST_ESS = 1.01, 1000.0  # what the judge must show
LEVELS = (0.05, 0.5, 0.95)
AHEAD = (2.0, 10.0)
MEANS = ("level", "exponent", "floor", *(f"{m:g}x" for m in AHEAD))
QUANTILES = MEANS[1:]
AXES: dict[str, Any] = {"chain_axis": 0, "draw_axis": 1}


class Source(NamedTuple):
    """Where a data set comes from: a file of the folder, and its task; or a shipped example."""

    file: str | None = None
    task: str | None = None


SOURCES = {
    "nmt": Source("nmt.csv"),
    "digits": Source(),
    "characters": Source(),
    **{task: Source("ic_birds_caltech.csv", task) for task in ("bird_5", "bird_10", "bird_25")},
    "openml-1441": Source("lcdb.csv", "openml-1441"),  # 14 curves
}


class Compared(NamedTuple):
    """One data set: a row a curve, every quantile's difference in standard errors, and whether NUTS may judge."""

    table: pd.DataFrame
    apart: np.ndarray
    judge: dict[str, float]

    @property
    def largest(self) -> float:
        return float(self.table[list(MEANS)].max(axis=None))

    @property
    def may_judge(self) -> bool:
        return self.judge["r_hat"] < R_HAT and self.judge["ess"] > LEAST_ESS

    @property
    def verdict(self) -> str:
        if not self.may_judge:
            return "NO VERDICT: NUTS may not judge"
        return "PASS" if self.largest <= BAR else "FAIL"


def arguments() -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, help="folder that holds the files of curves")
    parser.add_argument("--only", default=",".join(SOURCES), help=f"some of {','.join(SOURCES)} (default: all)")
    parser.add_argument("--save", type=Path, help="folder that the NUTS posteriors are written to")
    parser.add_argument("--nuts", type=Path, help="folder of NUTS posteriors that --save wrote; nothing is sampled")
    parser.add_argument("--chains", type=int, default=4)
    parser.add_argument("--draws", type=int, default=4000, help="of one chain of NUTS")
    parser.add_argument("--tune", type=int, default=1000)
    parser.add_argument("--ours", type=int, default=1000, help="draws of one chain of the default engine")
    parser.add_argument(
        "--density", choices=("pymc", "jax"), help="what NUTS samples (default: by the number of sizes)"
    )
    parser.add_argument("--target-accept", type=float, default=nuts.TARGET_ACCEPT)
    parser.add_argument("--seed", type=int, default=0)
    add_output(parser, "agreement")
    chosen = parser.parse_args()
    chosen.only = chosen.only.split(",")
    unknown = sorted(set(chosen.only) - set(SOURCES))
    if unknown:
        parser.error(f"--only: found {', '.join(unknown)}; expected some of {', '.join(SOURCES)}")
    if chosen.save and chosen.nuts:
        parser.error("--save keeps what NUTS samples, --nuts samples nothing: expected one of them")
    return chosen


def curves_of(name: str, folder: Path | None) -> LearningCurves | None:
    """The fitted rows of a data set; None, and a word about it, where its file is not there."""
    source = SOURCES[name]
    if source.file is None:
        return example_curves(name)
    if folder is None or not (folder / source.file).is_file():
        where = "no --data was given" if folder is None else "it is not in that folder"
        print(f"{name}: skipped; it needs {source.file}, and {where}\n", flush=True)
        return None
    curves = read_curves(folder / source.file)
    return hide(curves if source.task is None else curves.select(task=source.task), "column")[0]


def reference(name: str, curves: LearningCurves, chosen: argparse.Namespace) -> Posterior | None:
    """The long NUTS run, sampled or read; None, and a word about it, where the one on disk cannot serve."""
    cards = cards_of(curves)
    if chosen.nuts:
        path = chosen.nuts / f"{name}.nc"
        if not path.is_file():
            print(f"{name}: skipped; {path.name} is not among the NUTS posteriors\n", flush=True)
            return None
        found = load_posterior(path)
        same = found.curves.data_hash == curves.data_hash
        if not same or any(found.cards[g].card_hash != cards[g].card_hash for g in curves.groups):
            print(f"{name}: skipped; {path.name} was made from other {'cards' if same else 'curves'}\n", flush=True)
            return None
        return found
    settings = {key: getattr(chosen, key) for key in ("chains", "tune", "draws", "target_accept")}
    begin = time.perf_counter()
    designs = [design_of(curves, g, cards[g]) for g in curves.groups]
    densities = [chosen.density or nuts.density_for(d) for d in designs]
    drawn = [nuts.sample(d, seed=chosen.seed, density=k, **settings) for d, k in zip(designs, densities, strict=True)]
    settings |= {"engine": "nuts", "density": densities[0], "seconds": time.perf_counter() - begin}
    found = assemble(curves, cards, drawn, seed=chosen.seed, settings=settings)
    if chosen.save:
        chosen.save.mkdir(parents=True, exist_ok=True)
        found.save(chosen.save / f"{name}.nc")
    return found


def health(posterior: Posterior) -> dict[str, float]:
    """The largest R-hat, the smallest effective sample size, divergences."""
    found = posterior.diagnostics()
    diverging = posterior.tree.sample_stats.get("divergences")
    return {
        "r_hat": float(found["r_hat"].max()),
        "ess": float(found[["ess_bulk", "ess_tail", "ess_curve"]].min(axis=None)),
        "divergences": 0.0 if diverging is None else float(diverging.sum()),
    }


class Drawn(NamedTuple):
    """Draws [chain, draw, quantity] of one curve, in the order of MEANS, and the most that they can be worth."""

    values: np.ndarray
    worth: float


def drawn(posterior: Posterior, seed: int) -> list[Drawn]:
    """One for each curve of the posterior."""
    known = posterior.diagnostics().groupby("curve")["ess_curve"].max()  # what the engine says of the whole curve
    out = []
    for target in curve_keys(posterior):
        own = posterior.tree.posterior.sel(curve=target.label)
        sizes = np.exp(posterior.designs[target.group].x_ref) * np.array(AHEAD)
        paths = curve_paths(posterior, target, sizes, seed=seed).at(sizes)
        parameters = np.stack([own[name].values for name in MEANS[:3]], -1)
        values = np.concatenate([parameters, paths.reshape(*parameters.shape[:2], -1)], -1)
        out.append(Drawn(values, float(known.fillna(np.inf)[target.label])))
    return out


def spoiled(one: Drawn, values: np.ndarray, **method: Any) -> np.ndarray:
    """Monte Carlo standard errors by ArviZ, grown where the engine says that draws are worth less than it can see."""
    seen = np.atleast_1d(array_stats.ess(values, **AXES, **method))
    return np.atleast_1d(array_stats.mcse(values, **AXES, **method)) * np.sqrt(np.maximum(seen / one.worth, 1.0))


def compared(ours: Posterior, judge: Posterior) -> Compared:
    """Every curve of two posteriors of the same curves."""
    rows, apart = [], []
    pairs = zip(ours.curves.curves, drawn(ours, 1), drawn(judge, 2), strict=True)
    for curve, these, those in pairs:
        both = (these, those)
        sd = those.values.std((0, 1))
        means = [one.values.mean((0, 1)) for one in both]
        error = np.hypot(*(spoiled(one, one.values, method="mean") for one in both)) / sd
        row = {"curve": curve.architecture} | dict(zip(MEANS, abs(means[0] - means[1]) / sd, strict=True))
        row["mc"] = error.max()
        asked = [one.values[..., 1:] for one in both]
        off = np.stack([_quantile_apart(both, asked, level) for level in LEVELS])
        row |= {f"q {name}": v for name, v in zip(QUANTILES, abs(off).max(0), strict=True)}
        rows.append(row)
        apart.append(off)
    return Compared(pd.DataFrame(rows), np.array(apart), health(judge))


def _quantile_apart(both: tuple[Drawn, Drawn], asked: list[np.ndarray], level: float) -> np.ndarray:
    at = [np.quantile(values, level, axis=(0, 1)) for values in asked]
    error = [spoiled(one, v, method="quantile", prob=level) for one, v in zip(both, asked, strict=True)]
    return (at[0] - at[1]) / np.hypot(*error)


def report(name: str, found: Compared, ours: Posterior, judge: Posterior, seconds: float) -> None:
    """Print one data set."""
    print(name)
    settings = json.loads(judge.manifest["settings"])
    spent = f"{settings['seconds']:.0f} s" if "seconds" in settings else "unknown time"
    print(
        f"NUTS ({settings.get('density', 'pymc')} density): {settings.get('chains')} x "
        f"({settings.get('tune')} + {settings.get('draws')}) at {settings.get('target_accept')}, {spent}; "
        f"R-hat {found.judge['r_hat']:.4f}, ESS {found.judge['ess']:.0f}, {found.judge['divergences']:.0f} divergences"
    )
    own = health(ours)
    print(
        f"default engine ({ours.manifest['engine']}): {seconds:.0f} s; R-hat {own['r_hat']:.4f}, ESS {own['ess']:.0f}\n"
    )
    print(found.table.to_string(index=False, float_format=lambda v: f"{v:.3f}"))
    away = abs(found.apart)
    curve, level, quantity = np.unravel_index(away.argmax(), away.shape)
    where = f"{LEVELS[level]:.0%} of {QUANTILES[quantity]}, {found.table['curve'][curve]}"
    print(f"\nmeans: largest difference {found.largest:.3f} sd (bar {BAR:g})")
    print(
        f"quantiles: {np.mean(away > MANY):.1%} of {away.size} beyond {MANY:g} se, largest {away.max():.1f} ({where})"
    )
    print(f"{name}: {found.verdict}\n", flush=True)


def summary(found: dict[str, Compared]) -> pd.DataFrame:
    """One row a data set."""
    rows = [
        {
            "data": name,
            "r_hat": one.judge["r_hat"],
            "ess": one.judge["ess"],
            "largest mean": one.largest,
            "quantiles > 3 se": np.mean(abs(one.apart) > MANY),
            "largest quantile": abs(one.apart).max(),
            "verdict": one.verdict,
        }
        for name, one in found.items()
    ]
    return pd.DataFrame(rows)


def main() -> int:
    """Compare every data set asked for; 1 where one did not pass or none was there."""
    chosen = arguments()
    packages = ", ".join(f"{p} {version(p)}" for p in ("jax", "pymc", "nutpie"))
    print(f"{platform.machine()}, {os.cpu_count()} cores, Python {platform.python_version()}, {packages}\n")
    found: dict[str, Compared] = {}
    for name in chosen.only:
        curves = curves_of(name, chosen.data)
        judge = None if curves is None else reference(name, curves, chosen)
        if curves is None or judge is None:
            continue
        begin = time.perf_counter()
        ours = fit(curves, seed=chosen.seed, draws=chosen.ours)
        seconds = time.perf_counter() - begin
        found[name] = compared(ours, judge)
        report(name, found[name], ours, judge, seconds)
    if found:
        print(summary(found).to_string(index=False, float_format=lambda v: f"{v:.4g}"))
        if chosen.output:
            record(chosen.output, "Posterior draws beside NUTS", summary(found).to_dict("records"))
    print(f"\nrepeat with: python benchmarks/agreement.py {' '.join(sys.argv[1:])}".rstrip())
    return 0 if found and all(one.verdict == "PASS" for one in found.values()) else 1


if __name__ == "__main__":
    sys.exit(main())
