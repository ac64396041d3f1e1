"""Runs with both a loss and an error rate: from one row, from two tables, and where they cannot be matched."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from forecaster.curves.reading.read import read_curves
from forecaster.errors import RequestError
from forecaster.links.pairs import how_to_read, pairs_of

SIZES = np.array([1e6, 2e6, 4e6, 8e6, 16e6])


def table(**more):
    """Ten runs of two architectures, with their loss beside their error rate."""
    rows = [
        {"domain": "language", "task": "arc", "architecture": name, "n": n, "seed": "1", "error": e, "loss": 2.0 + e}
        for name, shift in (("a", 0.0), ("b", 0.05))
        for n, e in zip(SIZES, 0.7 - shift - 0.1 * np.arange(5), strict=True)
    ]
    return pd.DataFrame(rows).assign(**more)


def read(frame):
    return read_curves(frame, as_they_are=True)


def losses(frame):
    return read(frame.assign(task="pile", error=frame["loss"]).drop(columns="loss"))


def test_a_column_and_another_table_give_the_same_runs():
    frame = table()
    shuffled = frame.sample(frac=1.0, random_state=1)
    (beside,), (matched,) = pairs_of(read(frame), "loss"), pairs_of(read(frame), losses(shuffled))
    np.testing.assert_allclose(beside.runs.loss, beside.runs.error + 2.0)
    np.testing.assert_allclose(matched.runs.loss, beside.runs.loss)
    assert (matched.loss_task, beside.loss_task) == ("pile", None)
    assert beside.group == ("language", "arc")
    assert np.isnan(beside.runs.cases).all()


def test_each_task_has_its_own_runs_and_its_own_loss_where_there_is_one():
    both = pd.concat([table(), table(task="piqa", error=0.3)], ignore_index=True)
    arc, piqa = pairs_of(read(both), losses(table()))
    np.testing.assert_allclose(arc.runs.loss, piqa.runs.loss)
    own = read(both.assign(error=both["loss"] + (both["task"] == "piqa")).drop(columns="loss"))
    arc, piqa = pairs_of(read(both), own)
    np.testing.assert_allclose(piqa.runs.loss, arc.runs.loss + 1.0)
    with pytest.raises(RequestError, match="boolq"):
        pairs_of(read(both.assign(task="boolq")), own)


def test_rows_without_a_loss_are_counted_and_left_out():
    frame = table()
    (found,) = pairs_of(read(frame), losses(frame.iloc[:7]))
    assert (len(found.runs), found.unmatched) == (7, 3)
    frame.loc[2, "loss"] = np.nan
    (found,) = pairs_of(read(frame), "loss")
    assert (len(found.runs), found.unmatched) == (9, 1)


@pytest.mark.parametrize(
    ("errors", "loss", "match"),
    [
        (table(), "perplexity", "no column 'perplexity'"),
        (table(), table(seed="2"), "without 'seed' some would"),
        (table().iloc[:3], "loss", "found 3 runs"),
        (table(loss=2.0), "loss", "1 different losses"),
        (table(error=1.0), "loss", "--n-test 1000"),
        (table(error=34.0), "loss", "--percent"),
        (table().assign(error=lambda t: 1 - t["error"]), "loss", "--accuracy"),
        (table(), pd.concat([table(), table().assign(loss=1.0)]), "`seed`"),
    ],
)
def test_refusals_name_what_was_found_and_what_helps(errors, loss, match):
    with pytest.raises(RequestError, match=match):
        pairs_of(read(errors), losses(loss) if isinstance(loss, pd.DataFrame) else loss)


def test_what_gets_worse_with_its_loss_may_be_taken_as_it_is():
    turned = table().assign(error=lambda t: 1 - t["error"])
    (found,) = pairs_of(read(turned), "loss", as_they_are=True)
    assert len(found.runs) == 10


def test_a_metric_is_a_column_or_rows():
    raw = pd.DataFrame({"kind": ["loss", "acc"], "n": [1, 1], "value": [2.0, 0.3], "ppl": [1, 1]})
    assert how_to_read({}, raw, "ppl", "--loss") == ({"error": "ppl"}, {})
    assert how_to_read({"metric": "kind"}, raw, "loss", "--loss") == ({}, {"kind": ("loss",)})
    with pytest.raises(RequestError, match="--loss nats: found neither"):
        how_to_read({"metric": "kind"}, raw, "nats", "--loss")
