"""Work shared out among processes is the work done in this one."""

from __future__ import annotations

import os
import signal

import numpy as np
import pandas as pd
import pytest
from helpers import synthetic

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
def test_cores_are_those_this_process_may_use():
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


def ended(piece: int) -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def test_a_process_ended_from_outside_is_told():
    with pytest.raises(ProcessError, match="one of 2 processes was ended from outside"):
        list(workers.shared_out(ended, range(4), 2))
    assert len(list(workers.shared_out(whose, range(4), 2))) == 4


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
