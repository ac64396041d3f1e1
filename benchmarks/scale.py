"""Many groups shared out: this machine's processes against a Dask cluster, and a worker killed on the way.

Fits simulated groups of curves with the default engine, first with the built-in processes, then through
``joblib.parallel_config(backend="dask")`` on a ``LocalCluster``, and compares draws and wall times. ``--kill`` ends one
worker of the cluster in the middle of a further fit. ``--chunk`` measures what a run over very many curves costs:
groups are fitted, forecast and saved a chunk at a time. Needs the dependency group ``cluster``:

    uv run --group cluster python benchmarks/scale.py --groups 200 --curves 10 --kill
"""

from __future__ import annotations

import argparse
import os
import platform
import resource
import signal
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
from recording import add_output, record

SIZES = tuple(1_000.0 * 2.0**k for k in range(8))
PAGE = "scale"


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--groups", type=int, default=200)
    parser.add_argument("--curves", type=int, default=10, help="of each group")
    parser.add_argument("--workers", type=int, default=2, help="processes of the cluster, and of this machine")
    parser.add_argument("--kill", action="store_true", help="also fit while a worker of the cluster is killed")
    parser.add_argument("--chunk", type=int, help="groups fitted at a time, in this machine's processes alone")
    add_output(parser, PAGE)
    arguments = parser.parse_args()
    curves = simulated(arguments.groups, arguments.curves)
    print(f"{platform.machine()}, {os.cpu_count()} cores, Python {platform.python_version()}")
    rows = in_chunks(curves, arguments.chunk) if arguments.chunk else against_dask(curves, arguments)
    for row in rows:
        print(
            "  ".join(
                f"{name} {value:.4g}" if isinstance(value, float) else f"{name} {value}" for name, value in row.items()
            )
        )
    if arguments.output:
        title = "In chunks" if arguments.chunk else "Built-in processes and Dask"
        record(arguments.output, title, rows, note=f"{arguments.workers} processes, {os.cpu_count()} cores")
    return 0


def simulated(groups: int, architectures: int) -> Any:
    """Curves of eight sizes: power laws down to floors, with runs that scatter."""
    import pandas as pd

    from forecaster.curves.reading.read import read_curves

    rng = np.random.default_rng(0)
    keys = [(f"task-{g:05d}", f"architecture-{a:02d}") for g in range(groups) for a in range(architectures)]
    exponent = np.repeat(rng.uniform(0.15, 0.5, groups), architectures) * rng.lognormal(0.0, 0.1, len(keys))
    start, floor = rng.uniform(0.3, 0.6, len(keys)), rng.uniform(0.005, 0.05, len(keys))
    n = np.array(SIZES)
    law = floor[:, None] + (start - floor)[:, None] * (n / n[0]) ** -exponent[:, None]
    error = law * rng.lognormal(0.0, 0.02, law.shape)
    table = pd.DataFrame(np.repeat(keys, len(n), axis=0), columns=["task", "architecture"])
    return read_curves(table.assign(domain="simulated", n=np.tile(n, len(keys)), error=error.ravel()))


def against_dask(curves: Any, arguments: argparse.Namespace) -> list[dict[str, Any]]:
    """One row a way to share out; the draws of each are held against those of the first."""
    from distributed import Client, LocalCluster
    from joblib import parallel_config

    # Programs are compiled once a machine: both ways find them. A few groups warm up each kind of process.
    few = curves.of_groups(curves.groups[: min(12, len(curves.groups))])
    with parallel_config(n_jobs=arguments.workers):
        fitted(few)
        seconds, first = timed(lambda: fitted(curves))
    rows = [{"processes": "built-in", "seconds": seconds, "curves a second": len(curves.curves) / seconds}]
    rows[0] |= {"draws": "", "ratio": 1.0, "largest worker (MiB)": max(peaks(os.getpid()), default=0.0)}
    with (
        LocalCluster(n_workers=arguments.workers, threads_per_worker=1, dashboard_address=None) as cluster,
        Client(cluster) as client,
        parallel_config(backend="dask"),
    ):
        fitted(few)
        ways: list[tuple[str, Callable[[], Any]]] = [("Dask", lambda: fitted(curves))]
        if arguments.kill:
            ways.append(("Dask, a worker killed", lambda: fitted_while_killed(curves, client, seconds / 2.0)))
        for name, way in ways:
            took, found = timed(way)
            pids = [worker["pid"] for worker in client.run(lambda: {"pid": os.getpid()}).values()]
            row = {"processes": name, "seconds": took, "curves a second": len(curves.curves) / took}
            row |= {"draws": "the same" if same(first, found) else "DIFFERENT", "ratio": took / seconds}
            rows.append(row | {"largest worker (MiB)": max((peak_of(pid) for pid in pids), default=0.0)})
    return rows


def fitted(curves: Any) -> Any:
    from forecaster.inference.fit import fit

    return fit(curves, card="generic-error-rate", fallback=False)


def fitted_while_killed(curves: Any, client: Any, after: float) -> Any:
    """A fit during which one worker is killed after so many seconds."""
    pid = next(iter(client.run(os.getpid).values()))
    killer = threading.Timer(after, os.kill, (pid, signal.SIGKILL))
    killer.start()
    try:
        found = fitted(curves)
    finally:
        killer.cancel()
    alive = set(client.run(os.getpid).values())
    assert pid not in alive, "the worker was not killed in time"
    return found


def same(one: Any, other: Any) -> bool:
    """Whether two posteriors hold the same draws, to the bit."""
    names = one.tree.posterior.data_vars
    return all(np.array_equal(one.tree.posterior[n].values, other.tree.posterior[n].values) for n in names)


def in_chunks(curves: Any, groups: int) -> list[dict[str, Any]]:
    """Fit, forecast and save so many groups at a time."""
    import pandas as pd

    import forecaster

    rows, begin = [], time.perf_counter()
    with tempfile.TemporaryDirectory() as folder:
        for at in range(0, len(curves.groups), groups):
            chunk = curves.of_groups(curves.groups[at : at + groups])
            with counted() as steps:
                steps("fit")
                posterior = fitted(chunk)
                steps("forecast")
                ahead = forecaster.forecast(posterior, [10.0 * SIZES[-1]]).table
                ahead.to_parquet(Path(folder) / f"{at}.parquet")
                steps("save")
                path = posterior.save(Path(folder) / f"{at}.nc")
            own = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**10
            row: dict[str, Any] = {"curves": len(chunk.curves)}
            row |= {f"{name} (ms a curve)": 1e3 * s / len(chunk.curves) for name, s in steps.seconds.items()}
            row |= {"posterior (KiB a curve)": path.stat().st_size / 2**10 / len(chunk.curves)}
            row |= {"this process, peak (MiB)": own, "largest worker, peak (MiB)": max(peaks(os.getpid()), default=0.0)}
            rows.append(row)
        whole = sum(len(pd.read_parquet(path)) for path in Path(folder).glob("*.parquet"))
    assert whole == len(curves.curves)
    print(f"{1e3 * (time.perf_counter() - begin) / whole:.0f} ms a curve in all")
    return rows


class Steps:
    """Seconds of each named step."""

    def __init__(self) -> None:
        self.seconds: dict[str, float] = {}
        self.last, self.since = "", time.perf_counter()

    def __call__(self, name: str) -> None:
        now = time.perf_counter()
        if self.last:
            self.seconds[self.last] = now - self.since
        self.last, self.since = name, now


@contextmanager
def counted() -> Iterator[Steps]:
    steps = Steps()
    yield steps
    steps("")


def timed(work: Callable[[], Any]) -> tuple[float, Any]:
    begin = time.perf_counter()
    found = work()
    return time.perf_counter() - begin, found


def peaks(parent: int) -> list[float]:
    """Peak MiB of each process that ``parent`` started and that still waits for work."""
    found = []
    for status in Path("/proc").glob("[0-9]*/status"):
        fields = fields_of(status)
        if fields.get("PPid", "").strip() == str(parent) and "VmHWM" in fields:
            found.append(int(fields["VmHWM"].split()[0]) / 2**10)
    return found


def peak_of(pid: int) -> float:
    """Peak MiB of one process."""
    fields = fields_of(Path(f"/proc/{pid}/status"))
    return int(fields["VmHWM"].split()[0]) / 2**10 if "VmHWM" in fields else float("nan")


def fields_of(status: Path) -> dict[str, str]:
    try:
        return dict(line.split(":", 1) for line in status.read_text().splitlines() if ":" in line)
    except OSError:
        return {}  # it has ended


if __name__ == "__main__":
    sys.exit(main())
