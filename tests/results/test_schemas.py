"""The JSON Schema of a type of result: what it lets through and what it does not, by an outside validator."""

from __future__ import annotations

import json
from dataclasses import dataclass

import jsonschema
import numpy as np
import pandas as pd
import pytest

from forecaster.results.columns import KINDS, Column, Columns, declared
from forecaster.results.result import Result
from forecaster.results.schemas import VALUES, refusal, schema_of

HELD = {
    "name": "digits",
    "text": "words",
    "size": np.inf,
    "error": 0.1,
    "ratio": -np.inf,
    "chance": 1.0,
    "share": 0.0,
    "count": 3,
    "number": -1e9,
    "flag": True,
    "verdict": "REVIEW",
    "money": 1.5,
    "date": "2027-03-01",
}
REFUSED = {
    "name": 1,
    "text": 1,
    "size": -1.0,
    "error": "1e-3",
    "ratio": "nan",
    "chance": 1.01,
    "share": -0.01,
    "count": 2.5,
    "number": "few",
    "flag": "yes",
    "verdict": "FINE",
    "money": "EUR 5",
    "date": "1 March",
}


@dataclass(frozen=True, eq=False, repr=False)
class Sample(Result):
    """A table with a column of each kind, one that may be left out, and some that stand for others."""

    command = "sample"
    columns = declared(
        table=Columns(
            "a case",
            (Column(kind, kind, f"a {kind}") for kind in HELD),
            Column("note", "text", "there where it applies", optional=True),
            Column("q*", "number", "a quantile"),
        )
    )
    keys = declared(extra="one more key")
    extra = ("anything",)


def faults(schema, found):
    jsonschema.Draft202012Validator.check_schema(schema)
    return [error.message for error in jsonschema.Draft202012Validator(schema).iter_errors(found)]


def printed(**changed):
    table = pd.DataFrame([HELD | {"q50": 1.0} | changed])
    return json.loads(Sample(table, "words").to_json())


def test_every_kind_of_value_has_a_schema():
    assert set(VALUES) == set(KINDS) == set(HELD) == set(REFUSED)


@pytest.mark.parametrize("kind", KINDS)
def test_values_of_a_kind_pass_and_others_do_not(kind):
    schema = schema_of(Sample, "sample")
    assert faults(schema, printed()) == []
    assert faults(schema, printed(**{kind: None})) == []
    assert faults(schema, printed(**{kind: REFUSED[kind]}))


def test_columns_are_those_declared():
    schema = schema_of(Sample, "sample")
    assert faults(schema, printed(note="words")) == []
    assert faults(schema, printed(**{"q2.5": np.inf})) == []
    assert faults(schema, printed(p50=1.0))
    assert faults(schema, printed(q50="words"))
    assert faults(schema, {key: value for key, value in printed().items() if key != "extra"})


def test_a_star_stands_for_no_column_of_its_own():
    """``quality`` is text although ``q*`` is a number."""

    @dataclass(frozen=True, eq=False, repr=False)
    class Starred(Result):
        command = "starred"
        columns = declared(table=Columns("a case", Column("quality", "text", "in words"), Column("q*", "number", "q")))

    schema = schema_of(Starred, "starred")
    rows = pd.DataFrame([{"quality": "good", "q50": 1.0}])
    assert faults(schema, json.loads(Starred(rows, "").to_json())) == []


def test_a_refusal_has_its_own_schema():
    found = {"schema": "forecaster/1", "command": "fit", "error": {"class": "RequestError", "message": "words"}}
    assert faults(refusal(), found) == []
    assert faults(refusal(), found | {"error": "words"})
