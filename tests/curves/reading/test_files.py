"""Files: the same table in every kind of file."""

from __future__ import annotations

import gzip
import json
from pathlib import Path

import pandas as pd
import pytest
from helpers.tables import codes, frame, table, write

from forecaster.curves.reading.dialect import cells_of
from forecaster.curves.reading.files import kind_of_file
from forecaster.curves.reading.read import read_curves
from forecaster.errors import CurveFileError

TEXT = table()
RECORDS = frame().to_dict("records")
KINDS = {
    "a.csv": TEXT,
    "a.CSV": TEXT,
    "a.tsv": TEXT.replace(",", "\t"),
    "tabs.csv": TEXT.replace(",", "\t"),
    "semicolons.csv": TEXT.replace(",", ";"),
    "commas.csv": TEXT.replace(",", ";").replace("0.", "0,"),
    "bars.txt": TEXT.replace(",", "|"),
    "blanks.txt": TEXT.replace(",", " "),
    "wide.txt": TEXT.replace(",", "    "),
    "told.csv": "sep=;\n" + TEXT.replace(",", ";"),
    "comment.csv": "# made by hand\n#\n" + TEXT,
    "hash.txt": "# " + TEXT.replace(",", " "),
    "markdown.md": "\n".join(["| domain | architecture | n | error |", "|---|:--|--:|---|"])
    + "".join(f"\n| {' | '.join(map(str, r.values()))} |" for r in RECORDS),
    "trailing.csv": TEXT.replace("\n", ",\n"),
    "quoted.csv": "\n".join(",".join(f'"{cell}"' for cell in line.split(",")) for line in TEXT.splitlines()),
    "bom.csv": b"\xef\xbb\xbf" + TEXT.encode(),
    "utf16.csv": TEXT.encode("utf-16"),
    "utf16be.csv": b"\xfe\xff" + TEXT.encode("utf-16-be"),
    "bare16.csv": TEXT.encode("utf-16-le"),
    "utf32.csv": TEXT.encode("utf-32"),
    "a.csv.gz": gzip.compress(TEXT.encode()),
    "a.tsv.gz": gzip.compress(TEXT.replace(",", "\t").encode("utf-16")),
    "records.json": json.dumps(RECORDS),
    "below.json": json.dumps({"made": "today", "results": {"data": RECORDS}}),
    "columns.json": json.dumps(frame().to_dict("list")),
    "alike.json": json.dumps({"domain": "vision", "architecture": "cnn"} | frame()[["n", "error"]].to_dict("list")),
    "pandas.json": frame().to_json(),
    "split.json": frame().to_json(orient="split", index=False),
    "table.json": frame().to_json(orient="table", index=False),
    "rows.json": json.dumps([list(frame()), *frame().values.tolist()]),
    "lines.json": "\n".join(map(json.dumps, RECORDS)),
    "a.jsonl": "\n\n".join(map(json.dumps, RECORDS)),
    "a.ndjson.gz": gzip.compress("\n".join(map(json.dumps, RECORDS)).encode()),
}


@pytest.mark.parametrize("name", KINDS)
def test_the_same_table_in_every_kind_of_file(tmp_path, name):
    found = read_curves(write(tmp_path, KINDS[name], name))
    assert found.data_hash == read_curves(frame()).data_hash
    assert set(codes(found.notes)) <= {"numbers"}


def test_parquet_may_be_gzipped(tmp_path):
    frame().to_parquet(tmp_path / "a.parquet")
    path = write(tmp_path, gzip.compress((tmp_path / "a.parquet").read_bytes()), "b.pq.gz")
    assert read_curves(path).data_hash == read_curves(frame()).data_hash


def test_nested_records_are_flattened_with_points(tmp_path):
    records = [{"config": {"data": {"n": row["n"]}}, "val": {"loss": row["error"]}} for row in RECORDS]
    path = write(tmp_path, "\n".join(map(json.dumps, records)), "runs.jsonl")
    mapping = {"n": "config.data.n", "error": "val.loss"}
    found = read_curves(path, columns=mapping, constants={"domain": "vision", "architecture": "cnn"})
    assert found.data_hash == read_curves(frame()).data_hash


def test_another_encoding_is_said(tmp_path):
    found = read_curves(write(tmp_path, table("vision,café,5,0.1").encode("latin-1")))
    assert found.curves[0].architecture == "café"
    assert codes(found.notes)[0] == "encoding"
    assert "line 5" in found.notes[0].text


BAD = {
    "cut.csv.gz": (gzip.compress(TEXT.encode())[:-12], "gzip file"),
    "not.csv.gz": (b"\x1f\x8bxx", "gzip file"),
    "binary.csv": (b"domain,n\n\xff\xfe\x00\x01\x02", "0xff"),
    "bad.csv": (b"a,b\n\x81\x8d\x00,1", "0x81"),
    "empty.json": ("", "empty file"),
    "number.json": ("3", "JSON"),
    "cut.json": ('[{"n": 1', "malformed JSON"),
    "names.json": ('["a", "b"]', "JSON"),
    "deep.json": ("[" * 100_000, "JSON"),
    "uneven.json": ('{"n": [1, 2], "error": [1]}', "column"),
    "line.jsonl": ('{"n": 1}\n{"n": \n', "line 2"),
    "digits.json": ('[{"n": ' + "9" * 5000 + "}]", "JSON"),
}


@pytest.mark.parametrize("name", BAD)
def test_a_file_that_holds_no_table_is_refused(tmp_path, name):
    data, said = BAD[name]
    with pytest.raises(CurveFileError) as caught:
        read_curves(write(tmp_path, data, name))
    assert said in str(caught.value)
    assert "expected" in str(caught.value)


def test_separators_are_told_by_the_number_of_fields():
    text = "name;n;error\na, b;1;2\na, b;3;4\n"
    cells, separator = cells_of("x", text, "x.csv")
    assert (separator, list(cells), cells.index.tolist()) == (";", ["name", "n", "error"], [2, 3])
    quoted = 'name,n\n"a;b",1\n"c;d",2\n'
    assert cells_of("x", quoted, "x.csv")[1] == ","
    assert cells_of("x", "a\tb c\n1\t2 3\n", "x.csv")[1] == "\t"
    assert cells_of("x", "one\n1\n2\n", "x.csv")[0].shape == (2, 1)


def test_lines_count_as_an_editor_does_below_comments(tmp_path):
    found = write(tmp_path, "# a\n\n# b\n" + table("vision,cnn,x,0.1"))
    with pytest.raises(Exception, match="row 8: found n 'x'"):
        read_curves(found)


def test_kinds_by_suffix():
    assert kind_of_file(Path("a.b.TSV.gz")) == "text"
    assert kind_of_file(Path("a.gz")) is None
    assert kind_of_file(Path("a.nc")) is None


def test_a_frame_is_not_changed():
    before = frame(n=["1k", "10k", "100k"])
    read_curves(before)
    pd.testing.assert_frame_equal(before, frame(n=["1k", "10k", "100k"]))
