"""Many curves at once: curves per second and peak memory for a whole file of learning curves.

Fits every (domain, task) of ``FOLDER/lcdb.csv`` with the default engine, architectures of a task pooled, and saves
the posterior. The file is not part of this repository; without it the script says so and ends. Run as

    python benchmarks/batch.py --data FOLDER

``--dask 2`` shares the work out to a Dask cluster of two processes on this machine, ``--dask HOST:PORT`` to that of a
scheduler (dependency group ``cluster``).
"""

from __future__ import annotations

import argparse
import os
import platform
import resource
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import numpy as np
from recording import add_output, record

FILE = "lcdb.csv"


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True, help=f"folder that holds {FILE}")
    parser.add_argument("--tasks", type=int, help="fit only so many tasks")
    parser.add_argument("--whole", action="store_true", help="fit the rows marked `extrapolate`, too")
    parser.add_argument("--card", default="tabular-classification")
    parser.add_argument(
        "--draws", type=int, default=None, help="of each of four chains; default: as the engine chooses"
    )
    parser.add_argument("--dask", metavar="N|HOST:PORT", help="share out by Dask: local processes, or a scheduler")
    add_output(parser, "speed")
    arguments = parser.parse_args()
    path = arguments.data / FILE
    if not path.is_file():
        print(f"{path} is not there; this benchmark needs the LCDB curves and was skipped")
        return 0

    begin = time.perf_counter()
    from forecaster.curves.reading.read import read_curves
    from forecaster.inference.engines.interface import LEAST_ESS
    from forecaster.inference.fit import fit

    curves = read_curves(path)
    if not arguments.whole and "split" in curves.table:
        curves = read_curves(curves.table[curves.table["split"] == "fit"])
    if arguments.tasks:
        curves = curves.select(task=[task for _, task in curves.groups[: arguments.tasks]])
    read = time.perf_counter()
    with shared_out_by(arguments.dask):
        posterior = fit(curves, card=arguments.card, draws=arguments.draws, on_progress=tell)
    fitted = time.perf_counter()
    with tempfile.TemporaryDirectory() as folder:
        size = posterior.save(Path(folder) / "posterior.nc").stat().st_size
    saved = time.perf_counter()
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / (2**20 if sys.platform == "darwin" else 2**10)
    count = len(curves.curves)
    stats = posterior.tree.sample_stats

    print(f"{platform.machine()}, {os.cpu_count()} cores, Python {platform.python_version()}")
    print(f"{count} curves in {len(curves.groups)} groups, {len(curves.table)} measurements")
    print(f"imports and reading  {read - begin:8.1f} s")
    print(f"fit                  {fitted - read:8.1f} s   {count / (fitted - read):.1f} curves per second")
    print(f"save                 {saved - fitted:8.1f} s   {size / 2**20:.0f} MiB")
    print(f"whole process        {saved - begin:8.1f} s   {count / (saved - begin):.1f} curves per second")
    workers = [f"{size:.0f}" for size in peaks_of_workers()]
    print(
        f"peak memory          {peak:8.0f} MiB; workers, shared pages counted in each: {', '.join(workers) or 'none'}"
    )
    worth = stats["curve_ess"].values
    few = int((worth < LEAST_ESS).sum())
    print(
        f"effective draws of a curve: {np.median(worth):.0f} in the median, {worth.min():.0f} at the least; "
        f"{few} curves have fewer than {LEAST_ESS:g}"
    )
    print(f"correlation with the start: {np.median(stats['memory'].values):.3f}, {stats['memory'].values.max():.3f}")
    if arguments.output:
        row = {
            "curves": count,
            "groups": len(curves.groups),
            "fit (s)": fitted - read,
            "whole process (s)": saved - begin,
        }
        row |= {
            "curves a second": count / (fitted - read),
            "largest process (MiB)": max(peak, *peaks_of_workers(), 0.0),
        }
        row |= {"effective draws, median": float(np.median(worth)), "least": float(worth.min())}
        record(arguments.output, "Many curves at once", [row])
    print(f"repeat with: python benchmarks/batch.py {' '.join(sys.argv[1:])}")
    return 0


@contextmanager
def shared_out_by(dask: str | None) -> Iterator[None]:
    """Work in this context goes to so many local processes of Dask, or to its scheduler; None: to our own."""
    if dask is None:
        yield
        return
    from distributed import Client, LocalCluster
    from joblib import parallel_config

    with ExitStack() as stack:
        where: Any = dask
        if dask.isdigit():
            local = LocalCluster(n_workers=int(dask), threads_per_worker=1, dashboard_address=None)
            where = stack.enter_context(local)
        stack.enter_context(Client(where))
        stack.enter_context(parallel_config(backend="dask"))
        yield


def peaks_of_workers() -> list[float]:
    """Peak MiB of each process that this one started and that still waits for work; none where /proc does not say."""
    found = []
    for status in Path("/proc").glob("[0-9]*/status"):
        try:
            fields = dict(line.split(":", 1) for line in status.read_text().splitlines() if ":" in line)
        except OSError:
            continue  # it has ended
        if int(fields["PPid"]) == os.getpid() and "VmHWM" in fields:
            found.append(int(fields["VmHWM"].split()[0]) / 2**10)
    return found


def tell(what: str, share: float) -> None:
    """Progress, on one line of stderr."""
    print(f"\r{what} ({share:.0%})    ", end="\n" if share >= 1 else "", file=sys.stderr, flush=True)


if __name__ == "__main__":
    sys.exit(main())
