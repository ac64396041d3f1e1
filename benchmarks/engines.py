"""Engines side by side: whole processes from a CSV file to a saved posterior, same data, same model, one table.

For each number of architectures and of points it simulates one group and gives it to every engine in a process of
its own; or each group of a file, fitted rows only, under the card of its domain. Columns:

    wall       seconds from the start of the process until the posterior is saved, imports and compiling included
    compiled   seconds once compiled: for jax a second fit in the same process, for the others what the sampler itself
               reports (tuning included; NumPyro compiles inside its sampling, so its number holds that too)
    ess        the smallest effective sample size, bulk or tail, over every reported quantity and hyper-parameter;
               for jax what the engine says itself counts too, whichever is smallest
    ess/s      ess over wall
    r_hat      the largest
    MiB        peak resident memory until the posterior is saved (of the largest process, where there are several)
    evals      evaluations of one curve's likelihood, in thousands; for NUTS each comes with its gradient, and
               those of tuning are estimated from the draws where the sampler does not keep them
    evals/ess  evaluations per effective draw
    evals s    seconds that those evaluations alone take (jax)

Then the slope of log wall (and of log compiled) against log curves and log points. Run as

    python benchmarks/engines.py --architectures 1,5,16,64 --points 10,50,200
    python benchmarks/engines.py --curves nmt.csv --engines jax,nutpie
    python benchmarks/engines.py --curves ic_birds_caltech.csv --tasks bird_5,bird_10 --engines jax,nutpie
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import platform
import resource
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from importlib.metadata import version
from pathlib import Path
from typing import Any, NamedTuple

from recording import add_output, record

ENGINES = ("jax-cold", "jax", "nutpie", "nutpie-jax", "numpyro", "pymc")
COLUMNS = ("wall", "compiled", "ess", "ess/s", "r_hat", "MiB", "evals", "evals/ess", "evals s")
CARD = "generic"


def main() -> None:
    arguments = parse()
    if arguments.worker:
        worker(arguments)
        return
    rows = []
    print(f"{platform.machine()}, {os.cpu_count()} cores, Python {platform.python_version()}, ", end="")
    print(", ".join(f"{p} {version(p)}" for p in ("jax", "pymc", "nutpie", "numpyro")))
    card = arguments.card or "of the domain"
    nuts = f"4 chains x ({arguments.tune} + {arguments.draws}), target 0.97"
    print(f"card {card}; NUTS: {nuts}; jax: 4 x {arguments.ours}\n")
    columns = ("engine", "curves", "points", *COLUMNS)
    print("".join(f"{c:>10}" for c in columns), flush=True)
    with tempfile.TemporaryDirectory() as folder:
        for data in data_sets(Path(folder), arguments):
            print(data.name, flush=True)
            for engine in arguments.engines:
                row = {"engine": engine, "curves": data.curves, "points": data.points}
                row |= measured(engine, data.path, Path(folder), arguments)
                rows.append({"data": data.name} | row)
                print("".join(f"{shown(row.get(c)):>10}" for c in columns), flush=True)
    if arguments.output:
        record(arguments.output, "Engines side by side", rows)
    if not arguments.curves:
        print_slopes(rows, arguments.engines)
    print(f"\nrepeat with: python benchmarks/engines.py {' '.join(sys.argv[1:])}".rstrip())


def parse() -> argparse.Namespace:
    numbers = lambda text: [int(v) for v in text.split(",")]  # noqa: E731
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--architectures", type=numbers, default=[5])
    parser.add_argument("--points", type=numbers, default=[10])
    parser.add_argument("--curves", type=Path, help="a file whose groups are fitted in place of simulated ones")
    parser.add_argument("--tasks", type=lambda text: text.split(","), help="of that file (default: all)")
    parser.add_argument("--engines", type=lambda text: text.split(","), default=list(ENGINES), help=", ".join(ENGINES))
    parser.add_argument("--limit", type=float, default=600.0, help="seconds a process may take")
    parser.add_argument("--card", help=f"default: {CARD}, of a file that of its domain")
    parser.add_argument("--draws", type=int, default=1500, help="of one chain of NUTS")
    parser.add_argument("--ours", type=int, default=1000, help="draws of one chain of the default engine")
    parser.add_argument("--tune", type=int, default=1000)
    parser.add_argument("--seed", type=int, default=0)
    for name in ("worker", "data", "out"):
        parser.add_argument(f"--{name}", help=argparse.SUPPRESS)
    add_output(parser, "speed")
    arguments = parser.parse_args()
    unknown = [e for e in arguments.engines if e not in ENGINES]
    if unknown:
        parser.error(f"--engines: found {', '.join(unknown)}; expected some of {', '.join(ENGINES)}")
    if not (arguments.curves or arguments.card or arguments.worker):
        arguments.card = CARD
    return arguments


class DataSet(NamedTuple):
    """One group of curves, in a CSV file."""

    name: str
    path: Path
    curves: int
    points: int  # sizes of the longest curve


def data_sets(folder: Path, arguments: argparse.Namespace) -> Iterator[DataSet]:
    """The groups that engines are given."""
    if arguments.curves:
        yield from groups_of(folder, arguments)
        return
    for curves in arguments.architectures:
        for points in arguments.points:
            path = simulated(folder, curves, points, arguments)
            yield DataSet(f"simulated, seed {arguments.seed}", path, curves, points)


def groups_of(folder: Path, arguments: argparse.Namespace) -> Iterator[DataSet]:
    """The groups of the file, without the rows that its column `split` hides."""
    from forecaster.curves.reading.read import read_curves
    from forecaster.evaluation.holdout import hide

    found = read_curves(arguments.curves)
    if "split" in found.table:
        found = hide(found, "column")[0]
    if arguments.tasks:
        found = found.select(task=arguments.tasks)
    for i, group in enumerate(found.groups):
        one = found.select(*group)
        path = folder / f"group-{i}.csv"
        one.table.drop(columns="split", errors="ignore").to_csv(path, index=False)
        yield DataSet("/".join(group), path, len(one.curves), max(len(set(c.n.tolist())) for c in one.curves))


def simulated(folder: Path, curves: int, points: int, arguments: argparse.Namespace) -> Path:
    """One group of curves drawn from the card's priors, sizes over three decades, as a CSV file."""
    import numpy as np

    from forecaster.domains.loading import load_card
    from forecaster.model.simulate import simulate

    sizes = np.geomspace(1e3, 1e6, points).round()
    found = simulate(load_card(arguments.card), sizes, architectures=curves, seed=arguments.seed)
    path = folder / f"{curves}x{points}.csv"
    found.curves.table.to_csv(path, index=False)
    return path


def measured(engine: str, data: Path, folder: Path, arguments: argparse.Namespace) -> dict[str, Any]:
    """Run one engine in a process of its own; columns by name."""
    cache = folder / "cache"
    if engine == "jax-cold":
        cache = Path(tempfile.mkdtemp(dir=folder))
    elif engine == "jax":  # fill the cache, unmeasured
        run("jax", data, folder, cache, arguments)
    return run(engine, data, folder, cache, arguments)


def run(engine: str, data: Path, folder: Path, cache: Path, arguments: argparse.Namespace) -> dict[str, Any]:
    out = folder / "report.json"
    out.unlink(missing_ok=True)
    command = [sys.executable, __file__, "--worker", engine, "--data", str(data), "--out", str(out)]
    for name in ("card", "draws", "ours", "tune", "seed"):
        value = getattr(arguments, name)
        command += [] if value is None else [f"--{name}", str(value)]
    environment = os.environ | {"XDG_CACHE_HOME": str(cache)}
    begin = time.time()
    process = subprocess.Popen(
        command, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, start_new_session=True
    )
    try:
        _, complaint = process.communicate(timeout=arguments.limit)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        process.communicate()
        return {"wall": f"> {arguments.limit:g}"}
    if not out.exists():
        print(complaint.decode().strip().splitlines()[-1:], file=sys.stderr)
        return {"wall": "failed"}
    report = json.loads(out.read_text())
    report["wall"] = report.pop("saved_at") - begin
    report["ess/s"] = report["ess"] / report["wall"]
    report["evals/ess"] = 1e3 * report["evals"] / report["ess"] if report["evals"] else None
    return report


def shown(value: Any) -> str:
    if isinstance(value, float):
        return f"{value:.0f}" if value >= 1000 else f"{value:.3g}"
    return "-" if value is None else str(value)


def print_slopes(rows: list[dict[str, Any]], engines: list[str]) -> None:
    """Growth of cost: least-squares slope of log seconds on log curves and log points, where there are several."""
    import numpy as np

    for axis in ("curves", "points"):
        other = "points" if axis == "curves" else "curves"
        for engine in engines:
            for cost in ("wall", "compiled"):
                here = [r for r in rows if r["engine"] == engine and isinstance(r.get(cost), float)]
                if len({r[axis] for r in here}) < 2:
                    continue
                kinds = sorted({r[other] for r in here})
                x = np.array([[np.log(r[axis]), *(float(r[other] == k) for k in kinds)] for r in here])
                slope = np.linalg.lstsq(x, np.log([r[cost] for r in here]), rcond=None)[0][0]
                print(f"{engine}: {cost} seconds grow as {axis} ** {slope:.2f}")


# What runs in each process --------------------------------------------------------------------------


def worker(arguments: argparse.Namespace) -> None:
    from forecaster.curves.reading.read import read_curves

    jax = arguments.worker.startswith("jax")
    curves = read_curves(arguments.data)
    posterior, report = (fit_jax if jax else fit_nuts)(curves, arguments)
    posterior.save(Path(arguments.out).with_suffix(".nc"))
    report["saved_at"] = time.time()
    usage = [resource.getrusage(who).ru_maxrss for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    report["MiB"] = max(usage) / (2**20 if sys.platform == "darwin" else 2**10)

    health = posterior.diagnostics()
    sizes = [float(health[c].min()) for c in ("ess_bulk", "ess_tail")]
    if jax:
        stats = posterior.tree.sample_stats
        report |= jax_costs(curves, arguments, float(stats["evaluations"].sum()))
        sizes += [float(stats[name].min()) for name in ("hyper_ess", "curve_ess")]
    report |= {"ess": min(sizes), "r_hat": float(health["r_hat"].max())}
    Path(arguments.out).write_text(json.dumps(report))


def fit_jax(curves, arguments) -> tuple[Any, dict[str, Any]]:
    from forecaster.inference.fit import fit

    return fit(curves, card=arguments.card, seed=arguments.seed, draws=arguments.ours), {}


def jax_costs(curves, arguments, evaluations: float) -> dict[str, Any]:
    """A second fit, then nothing but as many likelihoods as the first evaluated of each curve."""
    from concurrent.futures import ThreadPoolExecutor

    import numpy as np

    from forecaster.inference.engines.ensemble.batch import batch_of
    from forecaster.inference.engines.ensemble.likelihood import likelihood_of
    from forecaster.inference.engines.ensemble.settings import FEW_GROUPS
    from forecaster.inference.fit import cards_of, fit
    from forecaster.model.design import LOCAL, design_of

    begin = time.perf_counter()
    fit(curves, card=arguments.card, seed=arguments.seed + 1, draws=arguments.ours)
    compiled = time.perf_counter() - begin

    (group,) = curves.groups
    design = design_of(curves, group, cards_of(curves, arguments.card)[group])
    shape, every = (len(design.curves), FEW_GROUPS.particles), np.arange(len(design.curves))
    points = design.hyper_mean[1:-2] + 0.3 * np.random.default_rng(0).standard_normal((*shape, len(LOCAL)))
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        likelihood = likelihood_of(batch_of([design]), pool)
        likelihood(points, every)
        begin = time.perf_counter()
        for _ in range(3):
            likelihood(points, every)
        once = (time.perf_counter() - begin) / 3
    return {
        "compiled": compiled,
        "evals": evaluations * len(design.curves) / 1e3,
        "evals s": once * evaluations / shape[1],
    }


def fit_nuts(curves, arguments) -> tuple[Any, dict[str, Any]]:
    from forecaster.inference.assembly import assemble
    from forecaster.inference.fit import cards_of
    from forecaster.model.design import design_of

    cards = cards_of(curves, arguments.card)
    (group,) = curves.groups
    design = design_of(curves, group, cards[group])
    sampler = sample_nutpie if arguments.worker.startswith("nutpie") else sample_pymc
    drawn, seconds, steps = sampler(design, arguments)
    report = {"compiled": seconds, "evals": steps * len(design.curves) / 1e3}
    return assemble(curves, cards, [drawn], seed=arguments.seed), report


def sample_nutpie(design, arguments) -> tuple[Any, float, float]:
    """The project's own reference engine, watched: when sampling begins, and how many steps it takes.

    On the PyMC model (nutpie), or on the same density as JAX filters it (nutpie-jax).
    """
    import nutpie

    from forecaster.inference.engines import nuts

    traces, began = [], []
    original = nutpie.sample

    def watched(*positional, **named):
        began.append(time.perf_counter())
        traces.append(original(*positional, **named))
        began.append(time.perf_counter())
        return traces[-1]

    nutpie.sample = watched
    settings = {"seed": arguments.seed, "draws": arguments.draws, "tune": arguments.tune}
    drawn = nuts.sample(design, **settings, density="jax" if arguments.worker == "nutpie-jax" else "pymc")
    return drawn, began[1] - began[0], total_steps(traces[0], arguments)


def sample_pymc(design, arguments) -> tuple[Any, float, float]:
    """PyMC's own NUTS, or NumPyro's on the same PyMC model."""
    import numpy as np
    import pymc as pm

    from forecaster.inference.engines.interface import GroupDraws
    from forecaster.inference.engines.nuts import TARGET_ACCEPT
    from forecaster.model import pymc_model
    from forecaster.model.design import LOCAL

    with pymc_model.build(design):
        trace = pm.sample(
            draws=arguments.draws,
            tune=arguments.tune,
            chains=4,
            random_seed=arguments.seed,
            target_accept=TARGET_ACCEPT,
            nuts_sampler=arguments.worker,
            progressbar=False,
            compute_convergence_checks=False,
        )
    found = trace["posterior"]
    drawn = GroupDraws(
        centre=found["centre"].values,
        log_spread=found["log_spread"].values,
        values=np.stack([found[name].values for name in ("level", *LOCAL)], -1),
        engine="nuts",
        stats={},
    )
    return drawn, float(found.attrs.get("sampling_time", np.nan)), total_steps(trace, arguments)


def total_steps(trace, arguments) -> float:
    """Leapfrog steps of all chains, those of tuning estimated from the draws where they are not kept."""
    groups = set(trace.children) if hasattr(trace, "children") else set(trace.groups())
    steps = 0.0
    for name in ("sample_stats", "warmup_sample_stats"):
        if name in groups:
            with contextlib.suppress(StopIteration):
                key = next(k for k in ("n_steps", "num_steps") if k in trace[name])
                steps += float(trace[name][key].sum())
    if "warmup_sample_stats" not in groups:
        steps *= (arguments.draws + arguments.tune) / arguments.draws
    return steps


if __name__ == "__main__":
    main()
