"""Whole fits of several checkouts of this project (or of one under changed settings), interleaved on one machine.

    python benchmarks/lab/paired.py base=BASE new=NEW --architectures 5 --points 10 --runs 5 --cold
    python benchmarks/lab/paired.py new=NEW "two=NEW:settings.RETRIES = settings.RETRIES[:2]"

BASE and NEW stand for folders of checkouts, each with its own .venv.

Each run is a process of its own: imports, fit, posterior saved. `--cold` gives each an empty cache; otherwise an
unmeasured run fills it. Code after a colon is executed before the fit, with the names of `PRELUDE` in scope. Printed
are medians over the runs: seconds by the clock and of processor (which other work on the machine changes less), the
smallest effective sample size (ArviZ's bulk and tail sizes, capped as the posterior says), likelihood evaluations a
curve, sweeps, largest R-hat; and the median ratios of both times to those of the first checkout's run before.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

PRELUDE = """
try:
    from forecaster.inference.engines.ensemble import settings
except ImportError:
    settings = None
"""
COLUMNS = ("wall", "cpu", "ess", "evaluations", "sweeps", "r_hat")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("checkouts", nargs="*", help="name=folder, or name=folder:code")
    parser.add_argument("--architectures", type=int, default=5)
    parser.add_argument("--points", type=int, default=10)
    parser.add_argument("--curves", help="a CSV file in place of simulated curves")
    parser.add_argument("--data-seed", type=int, help="one simulated set for all runs (default: one a run)")
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--cold", action="store_true")
    parser.add_argument("--worker", type=int)
    arguments = parser.parse_args()
    if arguments.worker is not None:
        work(arguments)
        return
    made = [c.split("=", 1) for c in arguments.checkouts]
    places = {name: (Path(rest.split(":", 1)[0]).resolve(), *rest.split(":", 1)[1:]) for name, rest in made}
    rows: dict[str, list[dict]] = {name: [] for name in places}
    with tempfile.TemporaryDirectory() as folder:
        if not arguments.cold:
            for name in places:
                run(name, places[name], 0, Path(folder), arguments)
        for seed in range(arguments.runs):
            for name in places:
                rows[name].append(run(name, places[name], seed, Path(folder), arguments))
                print(seed, name, *(f"{c} {rows[name][-1][c]:.4g}" for c in COLUMNS), flush=True)
    first = next(iter(rows))
    for name, found in rows.items():
        middle = {c: statistics.median(r[c] for r in found) for c in COLUMNS}
        ratios = [
            statistics.median(a[c] / b[c] for a, b in zip(found, rows[first], strict=True)) for c in ("wall", "cpu")
        ]
        worst = min(r["ess"] for r in found)
        said = [f"{c} {v:.4g}" for c, v in middle.items()]
        print(f"{name}:", *said, f"least ess {worst:.0f} ratios {ratios[0]:.3f} {ratios[1]:.3f}")


def run(name: str, place: tuple, seed: int, folder: Path, arguments: argparse.Namespace) -> dict:
    cache = tempfile.mkdtemp(dir=folder) if arguments.cold else str(folder / name)
    command = [str(place[0] / ".venv/bin/python"), str(Path(__file__).resolve()), *sys.argv[1:], "--worker", str(seed)]
    code = PRELUDE + (place[1] if len(place) > 1 else "")
    out = folder / "out.json"
    environment = os.environ | {"XDG_CACHE_HOME": cache, "CODE": code, "OUT": str(out), "PYTHONPATH": str(place[0])}
    begin = time.time()
    subprocess.run(command, env=environment, cwd=place[0], check=True)
    report = json.loads(out.read_text())
    return report | {"wall": report["saved_at"] - begin}


def work(arguments: argparse.Namespace) -> None:
    import numpy as np

    exec(os.environ["CODE"], {})
    from forecaster import fit, read_curves

    out = Path(os.environ["OUT"])
    if arguments.curves:
        curves = read_curves(arguments.curves)
        card = None
    else:
        from forecaster.domains.loading import load_card
        from forecaster.model.simulate import simulate

        card = "generic"
        sizes = np.geomspace(1e3, 1e6, arguments.points).round()
        seed = arguments.worker if arguments.data_seed is None else arguments.data_seed
        curves = simulate(load_card(card), sizes, architectures=arguments.architectures, seed=seed).curves
    posterior = fit(curves, card=card, seed=arguments.worker)
    posterior.save(out.with_suffix(".nc"))
    used = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    report = {"saved_at": time.time(), "cpu": sum(u.ru_utime + u.ru_stime for u in used)}
    from forecaster.inference.posterior import diagnostics

    health = diagnostics(posterior)
    stats = posterior.tree.sample_stats
    report |= {"ess": float(health[["ess_bulk", "ess_tail"]].min().min()), "r_hat": float(health["r_hat"].max())}
    for name in ("evaluations", "sweeps"):
        report[name] = float(stats[name].mean()) if name in stats else float("nan")
    out.write_text(json.dumps(report))


if __name__ == "__main__":
    main()
