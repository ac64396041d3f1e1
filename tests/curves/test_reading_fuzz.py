"""Whatever a file holds, reading it gives curves or a ForecasterError, never anything else."""

from __future__ import annotations

import io
import re
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from forecaster.curves.learning_curves import KEYS, LearningCurves
from forecaster.curves.reading.read import read_curves
from forecaster.curves.summary import summarise, warnings_of
from forecaster.errors import CurveRowsError, ForecasterError

QUICK = settings(max_examples=150, deadline=None, derandomize=True, suppress_health_check=[HealthCheck.too_slow])

NAMES = st.text(st.characters(exclude_categories=["Cs", "Cc"]), min_size=1, max_size=8).filter(
    lambda text: text.strip()
)
SIZES = st.one_of(st.integers(1, 10**30), st.floats(1e-3, 1e12))
ERRORS = st.floats(1e-6, 1e3)
ODD_CELLS = st.one_of(
    st.sampled_from(
        [
            "",
            " ",
            "nan",
            "NA",
            "inf",
            "-inf",
            "-1",
            "0",
            "-0.0",
            "1e999",
            "1e-320",
            "True",
            "1_0",
            "0x1",
            "1.000",
            "2,500",
        ]
    ),
    st.sampled_from(['"', '""', "a\nb", "\r", "\x00", "٣", "½", "1,5", "9" * 400, "=1+1", "\ufeff", "fit", "Fit "]),
    st.sampled_from(["1.000", "2,500", "10k", "75.3 B", "10 min", "1 h", "25 %", "0.5 ± 0.1", "61.2(23)", "-"]),
    st.text(max_size=12),
    st.floats(),
    st.integers(),
    st.booleans(),
    st.none(),
)
OPTIONAL = ["task", "metric", "seed", "error_sd", "repeats", "n_test", "params", "compute", "split", "other"]


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("fuzz")


@st.composite
def tables(draw, optional=True):
    """A valid table: one to three groups of one to three curves, three or more sizes each."""
    keys = draw(st.lists(st.tuples(NAMES, NAMES, NAMES), min_size=1, max_size=4))
    rows = []
    for key in dict.fromkeys(tuple(name.strip() for name in key) for key in keys):
        sizes = draw(st.lists(SIZES.map(float), min_size=3, max_size=6, unique=True))
        rows += [(*key, n, draw(ERRORS)) for n in sizes]
    frame = pd.DataFrame(rows, columns=[*KEYS, "n", "error"])
    if optional and draw(st.booleans()):
        count = len(frame)
        frame["error_sd"] = draw(st.lists(st.none() | st.floats(0, 10), min_size=count, max_size=count))
        frame["n_test"] = draw(st.lists(st.none() | st.integers(1, 10**6), min_size=count, max_size=count))
        frame["other"] = draw(st.lists(st.none() | NAMES, min_size=count, max_size=count))
    return frame


def outcome(source, **options) -> LearningCurves | ForecasterError:
    """The curves, or the refusal; any other exception goes through and fails the test."""
    try:
        return read_curves(source, **options)
    except ForecasterError as refusal:
        return refusal


def faults(read: LearningCurves | ForecasterError) -> list[str]:
    """What is wrong with a refusal, or with curves and all that is computed from them; empty where nothing is."""
    if isinstance(read, ForecasterError):
        return [] if "found" in str(read) else [f"does not say what was found: {read}"]
    points, curves = read.table[["n", "error"]].to_numpy(), read.curves
    labels = [curve.label for curve in curves]
    holds = {
        "sizes and errors are finite and above zero": np.isfinite(points).all() and (points > 0).all(),
        "every row is in a curve": sum(len(curve.n) for curve in curves) == len(read.table),
        "sizes ascend": all((np.diff(curve.n) >= 0).all() for curve in curves),
        "noise is finite, zero or more": all(
            (np.isfinite(curve.noise_sd) & (curve.noise_sd >= 0)).all() for curve in curves
        ),
        "the hash is a SHA-256": len(read.data_hash) == 64,
        "the summary has a row for every curve": len(summarise(read)) == len(curves),
        "warnings name curves": {note.curve for note in warnings_of(read)} <= set(labels),
    }
    return [what for what, held in holds.items() if not held]


def measured(curves: LearningCurves) -> set[tuple[float, float]]:
    return set(curves.table[["n", "error"]].itertuples(index=False, name=None))


def test_faults_are_seen():
    curves = read_curves(pd.DataFrame({"domain": "d", "architecture": "a", "n": [1, 2, 3], "error": [0.3, 0.2, 0.1]}))
    assert faults(curves) == []
    assert faults(replace(curves, table=curves.table[::-1])) == ["sizes ascend"]
    endless = curves.table.assign(n=[1.0, 2.0, np.inf])
    assert faults(replace(curves, table=endless)) == ["sizes and errors are finite and above zero"]
    assert faults(ForecasterError("cannot be read")) == ["does not say what was found: cannot be read"]


@QUICK
@given(
    data=st.binary(max_size=200),
    prefix=st.sampled_from([b"", b"\xef\xbb\xbf", b"domain,architecture,n,error\n"]),
)
@example(data=b"a,b,1,2\na,b,2,1\na,b,3,1\n", prefix=b"domain,architecture,n,error\n")
@example(data=b"a,b,1,2\x00\na,\x00b,2,1\na,b,3,1\r", prefix=b"domain,architecture,n,error\n")
@pytest.mark.parametrize("suffix", ["csv", "parquet", "json", "txt", "csv.gz"])
def test_any_bytes(folder, data, prefix, suffix):
    path = folder / f"bytes.{suffix}"
    path.write_bytes(prefix + data)
    assert faults(outcome(path)) == []


@QUICK
@given(
    lines=st.lists(st.text(st.sampled_from('domain,architecture\n"01e.-+\r;\t \x00é'), max_size=30), max_size=8),
    accuracy=st.booleans(),
)
def test_any_text_below_a_good_header(folder, lines, accuracy):
    path = folder / "text.csv"
    path.write_text("domain,architecture,n,error\na,b,1,0.5\n" + "\n".join(lines), encoding="utf-8", newline="")
    assert faults(outcome(path, accuracy=accuracy)) == []


@QUICK
@given(frame=tables(), data=st.data())
def test_corrupted_cells(folder, frame, data):
    """Odd cells in any column, as a data frame and as CSV: refused, or read to the same measurements."""
    for column in data.draw(st.lists(st.sampled_from(OPTIONAL), max_size=3, unique=True)):
        frame[column] = data.draw(st.lists(ODD_CELLS, min_size=len(frame), max_size=len(frame)))
    frame = frame.astype(object)
    for _ in range(data.draw(st.integers(0, 3))):
        at = data.draw(st.integers(0, len(frame) - 1)), data.draw(st.integers(0, frame.shape[1] - 1))
        frame.iat[at] = data.draw(ODD_CELLS)
    path = folder / "cells.csv"
    path.write_bytes(frame.to_csv(index=False).encode())
    from_frame, from_file = outcome(frame), outcome(path)
    assert faults(from_frame) == []
    assert faults(from_file) == []
    if isinstance(from_frame, LearningCurves) and isinstance(from_file, LearningCurves):
        assert measured(from_frame) == measured(from_file)


OPTIONS = st.fixed_dictionaries(
    {},
    optional={
        "score": st.sampled_from(["accuracy", "r2", "neg_mse"]),
        "percent": st.booleans(),
        "wide": st.sampled_from(["models", "sizes"]),
        "decimal": st.sampled_from(["comma", "point"]),
        "full_size": st.sampled_from([100, 1e6]),
        "where": st.sampled_from([{"other": "a"}, {"n": 1}]),
        "columns": st.sampled_from([{"n": "rows"}, {"task": "other+seed"}, {"error": "val/loss"}]),
        "constants": st.sampled_from([{"domain": "d"}, {"domain": "d", "architecture": "a"}]),
    },
)
NAMED = st.sampled_from(
    [
        *OPTIONAL,
        *KEYS,
        "n",
        "error",
        "rows",
        "val/loss",
        "F1",
        "100",
        "1k",
        "10k",
        "n=5",
        "a - loss",
        "a - loss__MIN",
        "",
    ]
)
AGAIN = re.compile(r"\(in Python: read_curves\([^,]*, (.*)\)\)$", re.M)


@QUICK
@given(data=st.data(), options=OPTIONS, suffix=st.sampled_from(["csv", "tsv", "json", "jsonl"]))
def test_any_table_and_all_that_is_suggested_for_it(folder, data, options, suffix):
    names = data.draw(st.lists(NAMED, min_size=1, max_size=6, unique=True))
    cells = st.lists(ODD_CELLS.map(str), min_size=1, max_size=3).flatmap(st.sampled_from)
    rows = data.draw(st.lists(st.lists(cells, min_size=len(names), max_size=len(names)), max_size=6))
    table = pd.DataFrame(rows, columns=names, dtype=object)
    path = folder / f"any.{suffix}"
    lines = {"lines": suffix == "jsonl", "orient": "records"}
    text = (
        table.to_json(**lines) if "json" in suffix else table.to_csv(index=False, sep="\t" if suffix == "tsv" else ",")
    )
    path.write_bytes(text.encode(errors="replace"))
    for _ in range(4):
        found = outcome(path, **options)
        assert faults(found) == []
        suggested = AGAIN.search(str(found)) if isinstance(found, ForecasterError) else None
        if suggested is None:
            break
        options = eval(f"dict({suggested[1]})")
        assert faults(outcome(table, **options)) == []


@QUICK
@given(frame=tables(optional=False), rows=st.data())
def test_exactly_the_bad_rows_are_named(frame, rows):
    bad = sorted(rows.draw(st.sets(st.integers(0, len(frame) - 1), min_size=1)))
    for row in bad:
        column = rows.draw(st.sampled_from(["n", "error"]))
        frame[column] = frame[column].astype(object)
        frame.loc[row, column] = rows.draw(st.sampled_from([-1.5, np.inf, "text", True]))
    with pytest.raises(CurveRowsError) as caught:
        read_curves(frame)
    assert sorted({refused.row for refused in caught.value.rows}) == [row + 2 for row in bad]


@QUICK
@given(frame=tables(), cuts=st.data())
def test_damaged_parquet(folder, frame, cuts):
    buffer = io.BytesIO()
    frame.to_parquet(buffer)
    content = bytearray(buffer.getvalue())
    for _ in range(cuts.draw(st.integers(1, 4))):
        content[cuts.draw(st.integers(0, len(content) - 1))] = cuts.draw(st.integers(0, 255))
    path = folder / "damaged.parquet"
    path.write_bytes(content[: cuts.draw(st.sampled_from([len(content), len(content) // 2, -5]))])
    assert faults(outcome(path)) == []


@settings(QUICK, max_examples=30)
@given(frame=tables(), order=st.randoms(use_true_random=False))
def test_round_trip_through_files_and_row_orders(folder, frame, order):
    curves = read_curves(frame)
    assert faults(curves) == []
    shuffled = frame.iloc[order.sample(range(len(frame)), len(frame))]
    assert read_curves(shuffled).data_hash == curves.data_hash
    frame.to_csv(folder / "round.csv", index=False)
    frame.to_parquet(folder / "round.parquet")
    curves.table.to_csv(folder / "again.csv", index=False)
    for name in ("round.csv", "round.parquet", "again.csv"):
        again = read_curves(folder / name)
        assert faults(again) == []
        assert again.data_hash == curves.data_hash
        pd.testing.assert_frame_equal(again.table[[*KEYS, "n", "error"]], curves.table[[*KEYS, "n", "error"]])
    whole = sum(len(curves.select(*group).table) for group in curves.groups)
    assert whole == len(curves.table)
