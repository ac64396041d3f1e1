"""JSON Schema of what a command prints, from what its type of result declares (draft 2020-12).

A missing value is null and an infinite one a string, as :func:`~forecaster.results.result.plain` writes them.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from forecaster.results.columns import KINDS, Columns
from forecaster.results.result import SCHEMA, Result

DRAFT = "https://json-schema.org/draft/2020-12/schema"
Schema = dict[str, Any]
VERDICTS = ("PASS", "REVIEW", "FAIL")
TEXT: Schema = {"type": ["string", "null"]}
NUMBER: Schema = {"anyOf": [{"type": ["number", "null"]}, {"enum": ["inf", "-inf"]}]}
PART: Schema = {"type": ["number", "null"], "minimum": 0, "maximum": 1}
SIZE: Schema = {"anyOf": [{"type": ["number", "null"], "minimum": 0}, {"const": "inf"}]}
VALUES: Mapping[str, Schema] = {
    "name": TEXT,
    "text": TEXT,
    "size": SIZE,
    "error": NUMBER,
    "ratio": NUMBER,
    "chance": PART,
    "share": PART,
    "count": {"anyOf": [{"type": ["integer", "null"]}, {"const": "inf"}]},
    "number": NUMBER,
    "flag": {"enum": [True, False, 1, 0, None]},
    "verdict": {"enum": [*VERDICTS, None]},
    "money": NUMBER,
    "date": {"type": ["string", "null"], "pattern": r"^\d{4}-\d\d-\d\d$"},
}
CHECK: Schema = {
    "type": "object",
    "properties": {
        "id": {"type": "string"},
        "name": {"type": "string"},
        "verdict": {"enum": list(VERDICTS)},
        "curve": TEXT,
        "curves": {"type": "array", "items": {"type": "string"}},
        "text": {"type": "string"},
        "next_step": {"type": "string"},
    },
    "required": ["id", "name", "verdict", "curve", "curves", "text", "next_step"],
    "additionalProperties": False,
}


def schema_of(kind: type[Result], title: str) -> Schema:
    """The schema of a type of result as ``--json`` prints it: its tables, its other keys and what all results have.

    Parameters
    ----------
    kind : type of Result
        What declares ``command``, ``columns`` and ``keys``.
    title : str
        The schema's title.

    Returns
    -------
    dict
        JSON values. ``$defs`` holds the check and the kinds of value that the tables use. Of keys beside the tables
        the schema says that they are there and what they mean, not of which type they are.

    Examples
    --------
    >>> from forecaster.prediction.forecast import Forecast
    >>> schema_of(Forecast, "forecast")["properties"]["command"]
    {'const': 'forecast'}
    """
    kinds = {column.kind for columns in kind.columns.values() for column in columns}
    tables = {name: _table(columns) for name, columns in kind.columns.items()}
    keys = {name: {"description": said} for name, said in kind.keys.items()}
    common: Schema = {
        "schema": {"const": SCHEMA},
        "command": {"const": kind.command},
        "checks": {"type": "array", "items": {"$ref": "#/$defs/check"}},
        "text": {"type": "string"},
    }
    return {
        "$schema": DRAFT,
        "title": title,
        "type": "object",
        "properties": {**common, **tables, **keys},
        "required": [*common, *tables, *keys],
        "additionalProperties": False,
        "$defs": {"check": CHECK} | {name: VALUES[name] for name in KINDS if name in kinds},
    }


def refusal() -> Schema:
    """The schema of what any command prints instead where an input cannot be used."""
    error: Schema = {
        "type": "object",
        "properties": {"class": {"type": "string"}, "message": {"type": "string"}},
        "required": ["class", "message"],
        "additionalProperties": False,
    }
    properties = {"schema": {"const": SCHEMA}, "command": {"type": "string"}, "error": error}
    return {
        "$schema": DRAFT,
        "title": "an input that cannot be used",
        "type": "object",
        "properties": properties,
        "required": list(properties),
        "additionalProperties": False,
    }


def _table(columns: Columns) -> Schema:
    """A list of rows; a name with ``*`` stands for every name that no other column has."""
    plain = [column for column in columns if not column.pattern]
    taken = "|".join(re.escape(column.name) for column in plain)
    row: Schema = {
        "type": "object",
        "properties": {c.name: _value(c.kind, c.help) for c in plain},
        "required": [c.name for c in plain if not c.optional],
        "additionalProperties": False,
    }
    patterns = {
        f"^(?!(?:{taken})$){re.escape(c.name).replace(re.escape('*'), '.*')}$": _value(c.kind, c.help)
        for c in columns
        if c.pattern
    }
    if patterns:
        row["patternProperties"] = patterns
    return {"type": "array", "description": f"one row {columns.rows}", "items": row}


def _value(kind: str, said: str) -> Schema:
    return {"$ref": f"#/$defs/{kind}", "description": said}
