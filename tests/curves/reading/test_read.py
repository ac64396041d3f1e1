"""Reading and refusing tables of curves."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from helpers.tables import GOOD, HEADER, codes, frame, table, write

from forecaster.curves.reading.columns import parse_columns
from forecaster.curves.reading.read import read_curves
from forecaster.errors import (
    CurveColumnsError,
    CurveContentError,
    CurveFileError,
    CurveMisreadError,
    CurveRowsError,
    ForecasterError,
    RequestError,
)

# Bad rows ---------------------------------------------------------------------------------------------

NUMBER = "expected a number above 0"
OPTIONAL = "expected a number above 0, or an empty cell"
SD = "expected a number that is 0 or more, or an empty cell"
BAD_ROWS = {
    "error zero": ("vision,cnn,5,0", HEADER, "error '0'", NUMBER),
    "error negative": ("vision,cnn,5,-0.1", HEADER, "error '-0.1'", NUMBER),
    "error infinite": ("vision,cnn,5,inf", HEADER, "error 'inf'", NUMBER),
    "error overflows": ("vision,cnn,5,1e999", HEADER, "error '1e999'", NUMBER),
    "error text": ("vision,cnn,5,good", HEADER, "error 'good'", NUMBER),
    "error boolean": ("vision,cnn,5,True", HEADER, "error 'True'", NUMBER),
    "error percent sign": ("vision,cnn,5,12%", HEADER, "error '12%'", NUMBER),
    "error decimal comma": ('vision,cnn,5,"0,25"', HEADER, "error '0,25'", NUMBER),
    "error beyond float range": ("vision,cnn,5,1e-200", HEADER, "error '1e-200'", "from 1e-100 to 1e+100"),
    "n negative": ("vision,cnn,-5,0.1", HEADER, "n '-5'", NUMBER),
    "n infinite": ("vision,cnn,-inf,0.1", HEADER, "n '-inf'", NUMBER),
    "n text": ("vision,cnn,abc,0.1", HEADER, "n 'abc'", NUMBER),
    "n with two units": ("vision,cnn,10kk,0.1", HEADER, "n '10kk'", NUMBER),
    "n empty": ("vision,cnn,,0.1", HEADER, "n an empty cell", NUMBER),
    "n long text": ("vision,cnn," + 90 * "x" + ",0.1", HEADER, "n 'xxxx", NUMBER),
    "domain empty": (",cnn,5,0.1", HEADER, "domain an empty cell", "expected a name"),
    "architecture blank": ("vision,   ,5,0.1", HEADER, "architecture an empty cell", "expected a name"),
    "error_sd negative": ("vision,cnn,5,0.1,-1", HEADER + ",error_sd", "error_sd '-1'", SD),
    "error_sd text": ("vision,cnn,5,0.1,low", HEADER + ",error_sd", "error_sd 'low'", SD),
    "repeats zero": ("vision,cnn,5,0.1,0", HEADER + ",repeats", "repeats '0'", OPTIONAL),
    "repeats negative": ("vision,cnn,5,0.1,-3", HEADER + ",repeats", "repeats '-3'", OPTIONAL),
    "n_test zero": ("vision,cnn,5,0.1,0", HEADER + ",n_test", "n_test '0'", OPTIONAL),
    "n_test text": ("vision,cnn,5,0.1,many", HEADER + ",n_test", "n_test 'many'", OPTIONAL),
    "n_test infinite": ("vision,cnn,5,0.1,inf", HEADER + ",n_test", "n_test 'inf'", OPTIONAL),
    "params text": ("vision,cnn,5,0.1,big", HEADER + ",params", "params 'big'", OPTIONAL),
    "compute zero": ("vision,cnn,5,0.1,0", HEADER + ",compute", "compute '0'", OPTIONAL),
}


@pytest.mark.parametrize("name", BAD_ROWS)
def test_a_bad_row_is_refused_with_place_finding_and_next_step(tmp_path, name):
    row, header, found, expected = BAD_ROWS[name]
    path = write(tmp_path, table(row, header=header))
    with pytest.raises(CurveRowsError) as caught:
        read_curves(path)
    assert [bad.row for bad in caught.value.rows] == [5]
    message = str(caught.value)
    assert f"{path}: 1 bad row" in message
    assert f"row 5: found {found}" in message
    assert f"{expected}\n" in message
    assert f"Correct these rows of {path} and read it again; nothing was written" in message
    assert max(map(len, message.splitlines())) < 400


@pytest.mark.parametrize("split", ["train", "", "fit extrapolate"])
def test_a_split_is_fit_or_extrapolate(tmp_path, split):
    text = "\n".join([HEADER + ",split", *(row + ",fit" for row in GOOD), f"vision,cnn,5,0.1,{split}"])
    with pytest.raises(CurveRowsError, match=r"row 5: found split .*; expected fit or extrapolate"):
        read_curves(write(tmp_path, text))


def test_all_bad_rows_are_refused_together_in_file_order(tmp_path):
    text = table("vision,cnn,abc,0.1", ",cnn,-1,0", "vision,cnn,7,0.1", "vision,cnn,8,oops")
    with pytest.raises(CurveRowsError) as caught:
        read_curves(write(tmp_path, text))
    assert [bad.row for bad in caught.value.rows] == [5, 6, 6, 6, 8]
    assert "3 bad rows" in str(caught.value)
    assert {bad.found for bad in caught.value.rows if bad.row == 6} == {
        "domain an empty cell",
        "n '-1'",
        "error '0'",
    }


def test_a_fault_of_many_rows_is_said_once_with_their_count(tmp_path):
    with pytest.raises(CurveRowsError) as caught:
        read_curves(write(tmp_path, table(",cnn,5,0.1", *["vision,cnn,5,0"] * 73, "vision,cnn,oops,0.1")))
    assert len(caught.value.rows) == 75
    assert str(caught.value).splitlines()[1:4] == [
        "  row 5: found domain an empty cell; expected a name",
        "  73 rows (6, 7, 8, 9, 10 and 68 more): found error '0'; expected a number above 0",
        "  row 79: found n 'oops'; expected a number above 0",
    ]


@pytest.mark.parametrize(("rows", "lines"), [(10, 10), (11, 11), (50, 50), (51, 1)])
def test_bad_rows_are_named_one_by_one_while_they_are_few(tmp_path, rows, lines):
    with pytest.raises(CurveRowsError) as caught:
        read_curves(write(tmp_path, table(*[f"vision,cnn,5,-{i}" for i in range(1, rows + 1)])))
    listing = [line for line in str(caught.value).splitlines() if line.startswith("  ")]
    assert len(caught.value.rows) == rows
    assert len(listing) == lines
    assert lines > 1 or "found error '-1', '-2', '-3' and others; expected a number above 0" in listing[0]


def test_of_more_than_fifty_faults_the_others_are_counted(tmp_path):
    broken = [f"vision,cnn,5,0.1,{i},{i}{i}" for i in "abcdefghij"]
    broken += ["vision,cnn,x,0.1,,", "vision,cnn,5,0,,", ",,5,0.1,,"] * 10
    text = table(*broken, header=HEADER + ",n_test,repeats")
    with pytest.raises(CurveRowsError) as caught:
        read_curves(write(tmp_path, text))
    assert len(caught.value.rows) == 60
    lines = [line for line in str(caught.value).splitlines() if line.startswith("  ")]
    assert (len(lines), lines[-1]) == (51, "  and 10 more")


@pytest.mark.parametrize("suffix", ["csv", "parquet"])
def test_rows_where_nothing_was_measured_are_left_out_and_counted(tmp_path, suffix):
    """A log that is validated every 50 steps, and starts at step 0."""
    step = np.arange(0, 401)
    log = pd.DataFrame({"domain": "d", "architecture": "a", "n": step})
    log["val_loss"] = np.where(step % 50, np.nan, 9 / (step + 1))
    path = tmp_path / f"log.{suffix}"
    log.to_csv(path, index=False) if suffix == "csv" else log.to_parquet(path, index=False)
    curves = read_curves(path, columns={"error": "val_loss"})
    assert curves.table["n"].tolist() == [50.0 * k for k in range(1, 9)]
    unmeasured, start = curves.notes
    assert (unmeasured.code, start.code) == ("unmeasured", "size-0")
    assert "3, 4, 5, 6, 7 and 387 more" in unmeasured.text
    assert start.text.endswith(": 2")


def test_a_table_without_any_measured_row_is_refused():
    with pytest.raises(CurveFileError, match="found no measured row"):
        read_curves(frame(error=[None, np.nan, ""]))
    with pytest.raises(CurveFileError, match="found no measured row"):
        read_curves(frame(n=0))


def test_what_is_wrong_in_a_row_that_is_left_out_does_not_matter():
    curves = read_curves(frame(n=[100, 1000, 10000], error=[0.5, 0.3, 0.2]).assign(repeats=[1, 2, 3]))
    more = pd.concat([curves.table, frame(n=[5, 6, 7], error=np.nan).assign(repeats=-1)])
    assert len(read_curves(more).table) == 3


def test_of_several_faults_those_of_measured_rows_are_named():
    with pytest.raises(CurveRowsError) as caught:
        read_curves(frame(error=[0.5, None, 0.2], n=[100, 1000, -1]))
    assert [bad.row for bad in caught.value.rows] == [4]
    assert "Correct these rows of table" in str(caught.value)


def test_rows_count_as_lines_do_in_an_editor(tmp_path):
    text = f'{HEADER},remark\n\nvision,cnn,10,0.5,"two\nlines"\nvision,cnn,20,0.4,\n,,,,\nvision,cnn,30,bad,\n'
    with pytest.raises(CurveRowsError) as caught:
        read_curves(write(tmp_path, text))
    assert [bad.row for bad in caught.value.rows] == [7]
    with pytest.raises(CurveRowsError) as caught:
        read_curves(write(tmp_path, text.replace("\n", "\r\n")))
    assert [bad.row for bad in caught.value.rows] == [7]


@pytest.mark.parametrize("cell", [True, np.True_, "x", [1], pd.Timestamp("2020-01-01"), 1j, None, pd.NA, 10**400])
def test_cells_of_a_frame_that_are_no_numbers_are_refused(cell):
    with pytest.raises(CurveRowsError, match=r"table: 1 bad row\n  row 3: found n .*; expected a number above 0"):
        read_curves(frame(n=pd.Series([100, cell, 10000], dtype=object)))


def test_a_boolean_column_is_no_number_column():
    with pytest.raises(CurveRowsError) as caught:
        read_curves(frame(error=[True, True, True]))
    assert [bad.row for bad in caught.value.rows] == [2, 3, 4]


# Bad tables -------------------------------------------------------------------------------------------

SHORT = "\n".join([HEADER, *GOOD[:2]])
BAD_FILES = {
    "empty": (b"", CurveFileError, ["found an empty file", "expected a header"]),
    "only a byte order mark": (b"\xef\xbb\xbf", CurveFileError, ["found an empty file"]),
    "only blank lines": (b"\n \n,,,\n", CurveFileError, ["found an empty file"]),
    "no rows": (
        HEADER + "\n",
        CurveFileError,
        ["a header and no data rows", "expected a row per measurement"],
    ),
    "short row": (
        table("vision,cnn,5"),
        CurveFileError,
        ["line 5 has 3 fields", "expected 4 as in the header"],
    ),
    "long row": (table("vision,cnn,5,0.1,9"), CurveFileError, ["line 5 has 5 fields", "Mend these lines"]),
    "open quote": (table('vision,"cnn,5,0.1'), CurveFileError, ["line 5", "malformed CSV", "Mend the line"]),
    "stray quote": (
        table('vision,"c"nn,5,0.1'),
        CurveFileError,
        ["line 5", "malformed CSV", "double quotes"],
    ),
    "huge field": (table("vision," + "x" * 200_000 + ",5,0.1"), CurveFileError, ["line 5", "malformed CSV"]),
    "missing columns": (
        "domain,model,N,error\nvision,cnn,5,0.1\n",
        CurveColumnsError,
        [
            "no column 'architecture', 'n'",
            "the columns are 'domain', 'model', 'N', 'error'",
            "expected domain, architecture, n, error",
            "n=N,architecture=model",
        ],
    ),
    "column twice": (
        table("v,c,5,1,2", header=HEADER + ",n"),
        CurveColumnsError,
        ["column 'n' twice", "Rename or"],
    ),
    "mixed metrics": (
        table(*[row + ",top-1" for row in GOOD], "vision,cnn,5,0.1,top-5", header=HEADER + ",metric", good=[]),
        CurveMisreadError,
        ["several metrics in one curve", "vision/all/cnn ('top-1', 'top-5')", "--where metric=top-1"],
    ),
    "two sizes": (
        SHORT,
        CurveContentError,
        ["three different sizes", "vision/all (at most 2)", "Measure more sizes"],
    ),
    "repeats are no sizes": (SHORT + "\nvision,cnn,100,0.4", CurveContentError, ["vision/all (at most 2)"]),
    "one short group of two": (table("text,rnn,5,0.1"), CurveContentError, ["in text/all (at most 1);"]),
}


@pytest.mark.parametrize("name", BAD_FILES)
def test_a_bad_file_is_refused_with_finding_and_next_step(tmp_path, name):
    text, kind, said = BAD_FILES[name]
    path = write(tmp_path, text)
    with pytest.raises(CurveFileError) as caught:
        read_curves(path)
    assert type(caught.value) is kind
    assert str(caught.value).startswith(f"{path}: ")
    assert "found" in str(caught.value)
    assert "expected" in str(caught.value)
    for part in said:
        assert part in str(caught.value)


PATHS = {
    "absent": ("absent.csv", ["found no such file", "Check the path"]),
    "directory": ("folder", ["found a directory", "Name the file in it"]),
    "directory with suffix": ("folder.csv", ["found a directory"]),
    "suffix": (
        "curves.xlsx",
        ["found the suffix '.xlsx'", "expected a table of curves", "Save the table"],
    ),
    "no suffix": ("curves", ["found the suffix ''", "expected a table of curves"]),
    "zero byte": ("a\0b.csv", ["found no such file"]),
    "long name": ("x" * 5000 + ".csv", ["cannot be read"]),
    "not parquet": ("text.parquet", ["cannot be read as Parquet", "Write it again"]),
    "cut parquet": ("cut.parquet", ["cannot be read as Parquet", "Write it again"]),
    "empty parquet": ("none.parquet", ["found a header and no data rows"]),
}


@pytest.mark.parametrize("name", PATHS)
def test_a_bad_path_or_parquet_file_is_refused(tmp_path, name):
    (tmp_path / "folder").mkdir()
    (tmp_path / "folder.csv").mkdir()
    for other in ("curves.xlsx", "curves", "text.parquet"):
        write(tmp_path, table(), other)
    frame().to_parquet(tmp_path / "whole.parquet")
    frame()[:0].to_parquet(tmp_path / "none.parquet")
    write(tmp_path, (tmp_path / "whole.parquet").read_bytes()[:-200], "cut.parquet")
    file, said = PATHS[name]
    with pytest.raises(CurveFileError) as caught:
        read_curves(f"{tmp_path}/{file}")
    assert file in str(caught.value)
    assert "expected" in str(caught.value)
    for part in said:
        assert part in str(caught.value)


# What is accepted -------------------------------------------------------------------------------------


def test_a_plain_table_becomes_sorted_curves(tmp_path):
    path = write(tmp_path, table("text, rnn ,3e2,0.7", "text,rnn,20,0.9", "text,rnn,1e6,0.6", "text,lstm,7,1.5"))
    curves = read_curves(str(path))
    assert curves.source == str(path)
    assert list(curves.table.columns) == ["domain", "task", "architecture", "n", "error"]
    assert [curve.label for curve in curves.curves] == ["text/all/lstm", "text/all/rnn", "vision/all/cnn"]
    assert curves.groups == (("text", "all"), ("vision", "all"))
    rnn = curves.curves[1]
    np.testing.assert_array_equal(rnn.n, [20, 300, 1e6])
    np.testing.assert_array_equal(rnn.error, [0.9, 0.7, 0.6])
    np.testing.assert_array_equal(rnn.noise_sd, 0)
    assert rnn.n.dtype == rnn.error.dtype == rnn.noise_sd.dtype == np.float64
    assert rnn.metric is None
    assert rnn.seed is None
    with pytest.raises(ValueError, match="read-only"):
        rnn.n[0] = 1


def test_odd_but_plain_cells_are_accepted(tmp_path):
    text = " domain ,architecture,n,error,n_test,task\r\n v ,cnn,1e2,.5,,\r\n"
    text += f"v,cnn,{10**30},5e-1,NA,\r\nv,cnn, 7 ,1,n/a,t\r\n"
    extra = "v,cnn,8,0.5,10,t\r\nv,cnn,9,0.5,10.0,t\r\nv,cnn,3,0.5,,\r\n"
    curves = read_curves(write(tmp_path, b"\xef\xbb\xbf" + (text + extra).encode()))
    assert curves.groups == (("v", "all"), ("v", "t"))
    np.testing.assert_array_equal(curves.curves[0].n, [3, 100, 1e30])
    assert curves.table["n_test"].isna().sum() == 4


def test_unknown_columns_are_kept_and_known_ones_typed(tmp_path):
    header = HEADER + ",seed,colour,params"
    rows = [f"{row},{seed},red,1e6" for seed, row in enumerate(GOOD)]
    curves = read_curves(write(tmp_path, "\n".join([header, *rows])))
    assert list(curves.table.columns)[-3:] == ["seed", "params", "colour"]
    assert curves.table["colour"].tolist() == ["red"] * 3
    assert curves.table["params"].tolist() == [1e6] * 3
    assert curves.curves[0].seed == ("0", "1", "2")


def test_whole_numbers_beside_gaps_name_the_same_seed():
    curves = read_curves(frame(seed=[1.0, np.nan, 2.0], metric=["top-1", None, "top-1"]))
    assert curves.curves[0].seed == ("1", "", "2")
    assert curves.curves[0].metric == "top-1"


def test_a_frame_with_odd_columns_and_text_is_read():
    odd = frame(architecture=pd.Categorical(["a"] * 3), note=[[1], {}, None]).rename(columns={"note": 7})
    odd["domain"] = pd.Series(["half \ud800 pair"] * 3, dtype=object)
    curves = read_curves(odd)
    assert curves.curves[0].label == "half ? pair/all/a"
    assert "7" in curves.table
    assert len(curves.data_hash) == 64


def test_parquet_says_what_csv_says(tmp_path):
    whole = frame(error_sd=[0.1, None, 0.3], repeats=[2, 3, 4], metric="top-1", split="fit", seed=[1, 2, 3])
    whole.to_csv(tmp_path / "a.csv", index=False)
    whole.to_parquet(tmp_path / "a.parquet")
    whole.to_parquet(tmp_path / "a.PQ", index=False)
    first, *others = (read_curves(tmp_path / name) for name in ("a.csv", "a.parquet", "a.PQ"))
    for other in [*others, read_curves(whole)]:
        pd.testing.assert_frame_equal(first.table, other.table)
        assert first.data_hash == other.data_hash
    whole.assign(error=[0.5, -0.3, 0.2]).to_parquet(tmp_path / "bad.parquet")
    with pytest.raises(CurveRowsError, match=r"row 3: found error -0\.3; expected a number above 0"):
        read_curves(tmp_path / "bad.parquet")


# Notes ------------------------------------------------------------------------------------------------


def test_a_tidy_table_needs_no_notes(tmp_path):
    assert read_curves(write(tmp_path, table())).notes == ()


def test_exact_duplicates_are_dropped_and_repeats_kept(tmp_path):
    path = write(tmp_path, table("vision,cnn,100,0.5", "vision,cnn,100,0.6", " vision,cnn,1e3,0.30"))
    curves = read_curves(path)
    assert len(curves.table) == 4
    duplicates, repeats = curves.notes
    assert (duplicates.code, duplicates.curve) == ("duplicates", None)
    assert f"{path}: exact duplicate rows dropped: 5, 7" in duplicates.text
    assert "`seed`" in duplicates.text
    assert (repeats.code, repeats.curve) == ("repeats", "vision/all/cnn")
    assert "measured before: 1" in repeats.text


def test_rows_that_a_seed_tells_apart_are_no_duplicates():
    twice = pd.concat([frame(seed=1), frame(seed=2)])
    assert codes(read_curves(twice).notes) == ["repeats"]
    assert len(read_curves(twice).table) == 6


def test_a_short_curve_borrows_from_its_group(tmp_path):
    (note,) = read_curves(write(tmp_path, table("vision,vit,5,0.9", "vision,vit,6,0.8", "vision,vit,6,0.7"))).notes[1:]
    assert (note.code, note.curve) == ("few-sizes", "vision/all/vit")
    assert "different sizes: 2" in note.text


@pytest.mark.parametrize(
    ("changes", "accuracy", "expected"),
    [
        ({"error": [50, 30, 20.0], "metric": "top-1 Error Rate"}, False, ["error-above-one"]),
        ({"metric": "accuracy"}, False, ["accuracy"]),
        ({"metric": "accuracy"}, True, ["score"]),
        ({"error": [0.5, 0.7, 0.8]}, False, ["rising"]),
        ({"error": [0.5, 0.7, 0.8]}, True, ["score"]),
        ({"error": [50, 70, 80.0]}, False, ["rising"]),
        ({"error": [500, 700, 800.0]}, False, []),
        ({}, True, ["score", "rising"]),
        ({"error": [5, 3, 2], "metric": "log loss"}, False, []),
        ({"error": [5, 3, 0.2], "n_test": 100}, False, ["binomial-skipped"]),
    ],
)
def test_a_metric_that_disagrees_with_the_errors_is_noted(changes, accuracy, expected):
    assert codes(read_curves(frame(**changes), accuracy=accuracy, as_they_are=True).notes) == expected


def test_errors_that_rise_are_noted_where_nearly_all_of_a_task_do():
    rows = {"n": 10.0 ** np.arange(1, 6), "domain": "d", "architecture": "falls", "error": [0.5, 0.4, 0.3, 0.2, 0.1]}
    falls = pd.DataFrame(rows)
    rises = [falls.assign(architecture=f"rises {i}", error=[0.5, 0.6, 0.6, 0.8, 0.7]) for i in range(4)]
    notes = read_curves(pd.concat([falls, *rises]), as_they_are=True).notes
    assert [(note.code, note.curve) for note in notes] == [("rising", f"d/all/rises {i}") for i in range(4)]
    assert "--score accuracy" in notes[0].text
    assert read_curves(pd.concat([falls, *rises[:3]])).notes == ()
    other = falls.assign(task="t")
    assert len(read_curves(pd.concat([other, *rises]), as_they_are=True).notes) == 4


@pytest.mark.parametrize(
    ("errors", "accuracy", "said"),
    [
        ([0.5, 0.3, 0.0], False, "put 0.5 / n_test there"),
        ([0.5, 0.7, 1.0], True, "put 1 - 0.5 / n_test there"),
        ([0.5, 0.3, -0.2], False, ""),
        ([0.5, 0.7, -0.1], True, ""),
    ],
)
def test_what_to_do_about_no_error_at_all_is_said(errors, accuracy, said):
    with pytest.raises(CurveRowsError) as caught:
        read_curves(frame(error=errors), accuracy=accuracy)
    assert ("half a case" in str(caught.value)) == bool(said)
    assert said in str(caught.value)


def test_errors_of_one_or_more_skip_the_binomial_part():
    curves = read_curves(frame(error=[5, 1, 0.2], n_test=100))
    np.testing.assert_allclose(curves.curves[0].noise_sd, [0, 0, np.sqrt(0.8 / 20)])
    assert curves.notes[0].code == "binomial-skipped"
    assert ": 2;" in curves.notes[0].text


# Accuracy and columns ---------------------------------------------------------------------------------


def test_accuracies_become_errors_only_when_asked():
    curves = read_curves(frame(error=[0.5, 0.75, 0.875], metric="accuracy"), accuracy=True)
    assert curves.table["error"].tolist() == [0.5, 0.25, 0.125]
    assert curves.curves[0].metric == "1 - accuracy"


@pytest.mark.parametrize("bad", [1, -0.2, "x"])
def test_an_accuracy_lies_between_0_and_1(bad):
    with pytest.raises(
        CurveRowsError, match=r"row 3: found error .*expected a score \(accuracy\) between 0 and 1"
    ) as caught:
        read_curves(frame(error=pd.Series([0.5, bad, 0.9], dtype=object)), accuracy=True)
    assert "--percent" not in str(caught.value)
    assert read_curves(frame(error=[0.0, 0.5, 0.9]), accuracy=True).table["error"].tolist()[0] == 1.0


def test_percent_is_recognised():
    with pytest.raises(CurveRowsError, match="--percent"):
        read_curves(frame(error=[50, 75, 87.5]), accuracy=True)


def test_columns_map_our_names_to_the_files(tmp_path):
    text = table().replace("architecture,n,error", "model,train_size,err")
    mapping = parse_columns(["n=train_size, error=err", "architecture=model"])
    assert mapping == {"n": "train_size", "error": "err", "architecture": "model"}
    mapped = read_curves(write(tmp_path, text), columns=mapping)
    assert mapped.data_hash == read_curves(frame()).data_hash


def test_a_mapping_may_swap_share_and_displace_columns():
    swapped = frame().rename(columns={"n": "error", "error": "n"})
    assert read_curves(swapped, columns={"n": "error", "error": "n"}).data_hash == read_curves(frame()).data_hash
    displaced = read_curves(frame(size=[1, 2, 3]), columns={"n": "size", "params": "size"}).table
    assert displaced["n"].tolist() == displaced["params"].tolist() == [1, 2, 3]
    assert displaced["n_"].tolist() == [100, 1000, 10000]


def test_a_mapped_column_must_be_there():
    with pytest.raises(CurveColumnsError) as caught:
        read_curves(frame(), columns={"n": "train_size"})
    assert "table: found no column 'train_size' for --columns n=train_size" in str(caught.value)
    assert "the columns are 'domain', 'architecture', 'n', 'error'" in str(caught.value)


@pytest.mark.parametrize("text", ["n", "n=", "=x", "", "n=a,,error=b", "n=a,n=b", "size=x"])
def test_a_malformed_mapping_is_refused(text):
    with pytest.raises(RequestError, match=r"--columns: found .*; expected (OURS=THEIRS|one of our names)"):
        parse_columns([text])


def test_a_mapping_of_an_unknown_name_is_refused():
    with pytest.raises(RequestError, match="found 'size' left of '='; expected one of our names: domain, task"):
        read_curves(frame(), columns={"size": "n"})


def test_every_refusal_is_a_forecaster_error():
    for kind in (CurveFileError, CurveColumnsError, CurveContentError, CurveRowsError, RequestError):
        assert issubclass(kind, ForecasterError)


def test_curves_whose_names_run_together_are_refused():
    """As `t` with `x/A` and `t/x` with `A`: each would be asked for by the name of the other."""
    one, other = frame(task="t", architecture="x/A"), frame(task="t/x", architecture="A")
    with pytest.raises(CurveContentError, match="t/x/A") as caught:
        read_curves(pd.concat([one, other]))
    assert "stay apart" in str(caught.value)
    assert len(read_curves(pd.concat([one, frame(task="t/x", architecture="B")])).curves) == 2
