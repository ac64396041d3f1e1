"""Work shared out among processes is the work done in this one."""

from __future__ import annotations

import os
import signal
import threading
import time

import numpy as np
import pandas as pd
import pytest
from helpers import synthetic
from joblib import parallel_config

from forecaster._support import workers
from forecaster.checks import predictive
from forecaster.checks.predictive import assess
from forecaster.domains.quantities import CENTRES
from forecaster.errors import ProcessError
from forecaster.inference import diagnostics


def whose(piece: int) -> tuple[int, int]:
    return piece, os.getpid()


@pytest.mark.parametrize(
    ("pieces", "cores", "count"),
    [(1, 8, 1), (3, 8, 1), (4, 8, 2), (7, 8, 3), (100, 3, 3), (100, 64, 8), (100, 1, 1)],
)
def test_how_many_processes_are_worth_starting(pieces, cores, count, monkeypatch):
    monkeypatch.setattr(workers, "cores", lambda: cores)
    assert workers.worth(pieces) == count


@pytest.mark.skipif(not hasattr(os, "sched_setaffinity"), reason="no affinity on this system")
def test_cores_are_those_this_process_may_use(monkeypatch):
    monkeypatch.delenv("LOKY_MAX_CPU_COUNT", raising=False)
    allowed = os.sched_getaffinity(0)
    try:
        os.sched_setaffinity(0, {min(allowed)})
        assert workers.cores() == 1
    finally:
        os.sched_setaffinity(0, allowed)
    assert 1 <= workers.cores() <= len(allowed)


def test_one_process_is_this_one():
    assert list(workers.shared_out(whose, range(3), 1)) == [(i, os.getpid()) for i in range(3)]


def test_several_are_others_and_keep_the_order():
    found = list(workers.shared_out(whose, range(6), 2))
    assert [piece for piece, _ in found] == list(range(6))
    assert os.getpid() not in {process for _, process in found}
    assert sorted(workers.shared_out(whose, range(6), 2, in_order=False))[0][0] == 0


def test_processes_stay_for_the_next_call():
    first, second = ({process for _, process in workers.shared_out(slowly, range(6), 2)} for _ in range(2))
    assert first == second


def slowly(piece: int) -> tuple[int, int]:
    time.sleep(0.1)  # so that each process gets some
    return whose(piece)


def ended(piece: int) -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def ended_once(piece: tuple[int, str]) -> int:
    """A number; the process of the third piece is ended, the first time it gets there."""
    number, mark = piece
    if number == 2 and not os.path.exists(mark):
        with open(mark, "w"):
            os.kill(os.getpid(), signal.SIGKILL)
    return number


def test_processes_ended_again_and_again_are_told():
    with pytest.raises(ProcessError, match=r"one of 2 processes was ended from outside, 3 times"):
        list(workers.shared_out(ended, range(4), 2))
    assert len(list(workers.shared_out(whose, range(4), 2))) == 4


@pytest.mark.parametrize("in_order", [True, False])
def test_a_process_ended_once_loses_nothing(tmp_path, in_order):
    pieces = [(i, str(tmp_path / "ended")) for i in range(6)]
    found = list(workers.shared_out(ended_once, pieces, 2, in_order=in_order))
    assert (tmp_path / "ended").exists()
    assert (found if in_order else sorted(found)) == list(range(6))


def thread(piece: int) -> tuple[int, int, str]:
    return piece, os.getpid(), threading.current_thread().name


def test_the_backend_that_joblib_is_told_to_use_gets_the_work(monkeypatch):
    before = os.environ.get("NPROC")
    with parallel_config(backend="threading", n_jobs=3):
        assert [workers.worth(pieces) for pieces in (1, 4, 100)] == [1, 2, 3]
        found = list(workers.shared_out(thread, range(12)))
        inside = list(workers.shared_out(worth_there, range(12)))
    assert [piece for piece, *_ in found] == list(range(12))
    assert {process for _, process, _ in found} == {os.getpid()}
    assert threading.current_thread().name not in {name for *_, name in found}
    assert inside == [1] * 12  # what is shared out is not shared out again
    assert os.environ.get("NPROC") == before  # a setting for processes of their own
    with parallel_config(n_jobs=2):
        assert workers.worth(100) == 2


def worth_there(piece: int) -> int:
    return workers.worth(100)


def test_a_backend_that_hands_back_all_at_once_serves_too():
    with parallel_config(backend="sequential", n_jobs=2):  # not `multiprocessing`, which forks a process with JAX
        assert list(workers.shared_out(whose, range(4), 2))[3][0] == 3


def test_processes_get_the_device_of_this_one(monkeypatch):
    monkeypatch.setenv("JAX_PLATFORMS", "cpu")
    assert list(workers.shared_out(device, range(4), 2)) == ["cpu"] * 4


def device(piece: int) -> str | None:
    return os.environ.get("JAX_PLATFORMS")


def test_checks_are_the_same_by_several_processes(monkeypatch):
    """What is looked at in pieces of one curve, by two processes, is what is looked at all at once."""
    drawn = {f"net-{i}": synthetic.values(400, sd=dict.fromkeys(CENTRES, 0.1), seed=i) for i in range(5)}
    held = synthetic.posterior(drawn)
    alone, own = assess(held), held.diagnostics()
    asked = []
    monkeypatch.setattr(workers, "worth", lambda pieces: asked.append(pieces) or 2)
    monkeypatch.setattr(predictive, "AT_ONCE", 1)
    monkeypatch.setattr(diagnostics, "AT_ONCE", 20)
    told = []
    shared = assess(held, on_progress=lambda what, share: told.append((what, share)))
    again = synthetic.posterior(drawn).diagnostics()
    assert asked == [5, -(-len(own) // 20)]
    assert told[0] == ("0 of 5 curves", 0.0)
    assert told[-1] == ("5 of 5 curves", 1.0)
    # Where arrays begin in memory may change the last digit of an exponential.
    pd.testing.assert_frame_equal(shared.points, alone.points, rtol=1e-12)
    pd.testing.assert_frame_equal(shared.curves, alone.curves, rtol=1e-12)
    pd.testing.assert_frame_equal(again, own, rtol=1e-12)
    assert np.isfinite(own["r_hat"]).any()


@pytest.mark.slow
def test_dask_gets_the_work_and_a_worker_that_is_ended_loses_nothing(tmp_path):
    """Needs the dependency group ``cluster``; benchmarks/scale.py does so with fits."""
    distributed = pytest.importorskip("distributed")
    with (
        distributed.LocalCluster(n_workers=2, threads_per_worker=1, dashboard_address=None) as cluster,
        distributed.Client(cluster),
        parallel_config(backend="dask"),
    ):
        assert workers.worth(100) == 2
        found = list(workers.shared_out(whose, range(6)))
        again = list(workers.shared_out(ended_once, [(i, str(tmp_path / "ended")) for i in range(6)]))
    assert [piece for piece, _ in found] == list(range(6))
    assert os.getpid() not in {process for _, process in found}
    assert (tmp_path / "ended").exists()
    assert again == list(range(6))
