"""Curves of kinds without a card, as benchmarks/unseen.py measures them: what each yields, and which are known."""

from __future__ import annotations

import importlib
from itertools import islice
from pathlib import Path

import numpy as np
import pytest

BENCHMARKS = Path(__file__).parents[2] / "benchmarks"


@pytest.fixture(scope="module")
def unseen():
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(str(BENCHMARKS))
        yield importlib.import_module("unseen")


def test_every_kind_yields_rows_of_curves(unseen):
    assert len(unseen.KINDS) == 10
    for kind, measure in unseen.KINDS.items():
        assert measure.__doc__, kind
        for row in islice(measure(0), 2):
            task, architecture, n, error, run = row
            assert isinstance(task, str), kind
            assert isinstance(architecture, str), kind
            assert n > 0, kind
            assert np.isfinite(error), kind
            assert error > 0.0, kind
            assert run == 0, kind


def test_unknown_kinds_are_refused_with_those_known(unseen, capsys):
    with pytest.raises(SystemExit) as refused:
        unseen.main(["--kinds", "covariances", "nonsense"])
    assert refused.value.code == 2
    said = capsys.readouterr().err
    assert "'nonsense'" in said
    assert all(f"'{kind}'" in said for kind in unseen.KINDS)


def test_means_are_over_kinds_and_missing_where_one_is_missing(unseen):
    scores = {"a": (0.1, 1.0), "b": (0.3, np.nan)}
    rows = [
        {"kind": kind, "decades": hidden, "curves": 3, "points": 12, "rmsle": rmsle, "M4": m4}
        for kind, (rmsle, m4) in scores.items()
        for hidden in unseen.HIDDEN
    ]
    means = unseen.with_means(rows).query("kind == 'mean'")
    assert means["decades"].tolist() == [*unseen.HIDDEN]
    assert means["rmsle"].tolist() == pytest.approx([0.2, 0.2])
    assert means["M4"].isna().all()
    assert means["curves"].tolist() == ["-", "-"]
