"""The fast engine on the device that JAX chooses, beside the processor of the same machine: times and draws.

Each device gets a process of its own, with a cache of compiled programs of its own. It fits every data set three times:
with nothing compiled, compiled, and compiled with ``--many`` draws a chain. The table has

    first, again    seconds of the first fit, which compiles, and of the second
    programs        share of the second's time inside compiled programs, transfers included
    worth           independent draws of the curve that has fewest, by the engine's own account, and of them a second
    many            the same of the third fit
    apart           largest difference of posterior means between device and processor, of all reported quantities, in
                    posterior sd; and the share of quantiles beyond three Monte Carlo standard errors (`agreement.py`)

Without a device other than the processor it says so and ends.

    python benchmarks/devices.py --data FOLDER
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import agreement
import numpy as np
from recording import add_output, record

DEVICES = {"device": {}, "processor": {"JAX_PLATFORMS": "cpu"}}  # what JAX is told
SEEDS = (0, 1, 2)
# In a process of its own, which would keep most of the device's memory to itself.
ASK = "import jax; d = jax.devices()[0]; print(d.platform, d.device_kind, 'JAX', jax.__version__)"


def main() -> int:
    """Fit on both, print what came of it."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, help="folder that holds nmt.csv and ic_birds_caltech.csv")
    parser.add_argument("--only", default=",".join(agreement.SOURCES), help="some of the data sets (default: all)")
    parser.add_argument("--many", type=int, default=5000, help="draws of a chain of the third fit")
    parser.add_argument("--child", type=Path, help=argparse.SUPPRESS)
    add_output(parser, "speed")
    chosen = parser.parse_args()
    if chosen.child:
        return child(chosen)
    asked = subprocess.run([sys.executable, "-c", ASK], capture_output=True, text=True, check=True)
    platform, kind = asked.stdout.splitlines()[-1].split(maxsplit=1)
    if platform == "cpu":
        print("JAX has no device here but the processor; this benchmark was skipped")
        return 0
    print(f"{kind}; {os.cpu_count()} cores\n", flush=True)
    with tempfile.TemporaryDirectory() as folder:
        for name, told in DEVICES.items():
            kept = {"XDG_CACHE_HOME": f"{folder}/{name}"}
            command = [sys.executable, __file__, *sys.argv[1:], "--child", f"{folder}/{name}"]
            subprocess.run(command, env=os.environ | told | kept, check=True)
        rows = report(Path(folder))
    if chosen.output:
        record(chosen.output, f"A GPU beside its host: {kind}", rows)
    print(f"\nrepeat with: python benchmarks/devices.py {' '.join(sys.argv[1:])}")
    return 0


def child(chosen: argparse.Namespace) -> int:
    """On the device of this process: posteriors and what they took, into a folder."""
    from forecaster.inference.fit import fit

    spent = timed_programs()
    found: dict[str, dict[str, float]] = {}
    chosen.child.mkdir(parents=True, exist_ok=True)
    for name in chosen.only.split(","):
        curves = agreement.curves_of(name, chosen.data)
        if curves is None:
            continue
        row: dict[str, float] = {}
        for seed, label in zip(SEEDS, ("first", "again", "many"), strict=True):
            spent.clear()
            begin = time.perf_counter()
            posterior = fit(curves, seed=seed, draws=chosen.many if label == "many" else None)
            row[label] = time.perf_counter() - begin
            row[f"{label} programs"] = sum(spent)
            row[f"{label} worth"] = float(posterior.tree.sample_stats["curve_ess"].min())
            if label == "again":
                posterior.save(chosen.child / f"{name}.nc")
        found[name] = row
        print(f"{chosen.child.name}: {name} {row['again']:.2f} s", file=sys.stderr, flush=True)
    (chosen.child / "rows.json").write_text(json.dumps(found))
    return 0


def timed_programs() -> list[float]:
    """Seconds of every call of a compiled program from here on, appended as they come."""
    import jax

    from forecaster.inference.engines.ensemble import compilation

    spent: list[float] = []
    compiled = compilation.compiled

    def timed(function: Callable) -> Callable:
        program = compiled(function)

        def call(*arguments: Any) -> Any:
            begin = time.perf_counter()
            out = jax.block_until_ready(program(*arguments))
            spent.append(time.perf_counter() - begin)
            return out

        return call

    compilation.compiled = timed
    return spent


def report(folder: Path) -> list[dict[str, Any]]:
    """Print the table, a row for each data set and device, and give back what goes on a page of results."""
    from forecaster.inference.storage import load_posterior

    kept: list[dict[str, Any]] = []
    rows = {name: json.loads((folder / name / "rows.json").read_text()) for name in DEVICES}
    print(f"{'data':<12}{'':<10}{'first s':>9}{'again s':>9}{'programs':>10}{'worth':>8}{'a second':>10}", end="")
    print(f"{'many s':>9}{'worth':>8}{'a second':>10}{'apart sd':>10}{'> 3 se':>8}")
    for data in rows["device"]:
        both = [load_posterior(folder / name / f"{data}.nc") for name in DEVICES]
        apart = agreement.compared(*both)
        for name in DEVICES:
            row = rows[name][data]
            line = f"{data:<12}{name:<10}{row['first']:9.2f}{row['again']:9.2f}"
            line += f"{row['again programs'] / row['again']:10.0%}"
            for label in ("again", "many"):
                line += f"{row[label]:9.2f}" if label == "many" else ""
                line += f"{row[f'{label} worth']:8.0f}{row[f'{label} worth'] / row[label]:10.0f}"
            if name == "device":
                line += f"{apart.largest:10.3f}{np.mean(abs(apart.apart) > agreement.MANY):8.1%}"
            print(line)
            kept.append({"data": data, "where": name, "first fit (s)": row["first"], "once compiled (s)": row["again"]})
            kept[-1] |= {"draws a second": row["again worth"] / row["again"]}
            kept[-1] |= {"means apart (sd)": apart.largest if name == "device" else None}
    return kept


if __name__ == "__main__":
    sys.exit(main())
