"""Result: what every question gives back, the same shape for all: tables, prose, a plot, JSON.

The JSON of every command is one object: ``schema`` (version of this layout), ``command``, ``checks`` (a list of
``id, name, verdict, curve, curves, text, next_step``), ``text``, and each of the result's tables as a list of rows;
some add keys of their own. ``docs/json.md`` lists them.
"""

from __future__ import annotations

import html
import json
import math
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, is_dataclass
from importlib import import_module
from inspect import cleandoc
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
import pandas as pd

from forecaster.results.check import Check
from forecaster.results.columns import Columns
from forecaster.results.wording import clipped, counted

if TYPE_CHECKING:
    from matplotlib.figure import Figure

SCHEMA = "forecaster/1"


@dataclass(frozen=True, eq=False)
class Shown:
    """A table as a terminal shows it: its columns, a line above it and a line below."""

    table: pd.DataFrame
    columns: Columns
    caption: str = ""
    note: str = ""


@dataclass(frozen=True, eq=False, repr=False)
class Result:
    """Tables and what they mean. Subclasses add fields, and declare ``command``, ``columns`` and ``keys``.

    ``columns`` declares each table by the name of the field that holds it; the first is ``table``. ``keys`` says what
    else the JSON object has, each the name of an attribute. Docstrings of subclasses end with both.
    """

    table: pd.DataFrame
    text: str
    checks: tuple[Check, ...] = ()

    command: ClassVar[str] = "result"
    columns: ClassVar[Mapping[str, Columns]] = {}
    keys: ClassVar[Mapping[str, str]] = {}

    def __init_subclass__(cls) -> None:
        super().__init_subclass__()
        cls.__doc__ = "\n\n".join([cleandoc(cls.__doc__ or ""), *described(cls)])

    @property
    def tables(self) -> Mapping[str, pd.DataFrame]:
        """Every table by name, the main one (``table``) first."""
        return {"table": self.table} | {name: getattr(self, name) for name in self.columns}

    @property
    def failures(self) -> tuple[Check, ...]:
        """The checks that said FAIL."""
        return tuple(check for check in self.checks if check.verdict == "FAIL")

    @property
    def failed(self) -> bool:
        """True where a check said FAIL."""
        return bool(self.failures)

    def shown(self, most: int) -> Sequence[Shown]:
        """The tables that a terminal shows, in order, each with at most about ``most`` rows where it can choose."""
        return (Shown(self.table, self.columns.get("table", Columns("each"))),)

    def plot(self) -> Figure:
        """The figure of this result, drawn from its table."""
        return import_module("forecaster.plots.dispatch").figure_of(self)  # drawing knows results, not the other way

    def to_dict(self) -> dict[str, Any]:
        """What ``--json`` prints; infinities are the strings "inf" and "-inf", missing values null."""
        return {
            "schema": SCHEMA,
            "command": self.command,
            "checks": [check.as_row() for check in self.checks],
            "text": self.text,
            **{name: rows_of(table) for name, table in self.tables.items()},
            **{name: plain(getattr(self, name)) for name in self.keys},
        }

    def to_json(self) -> str:
        return json.dumps(self.to_dict(), allow_nan=False)

    def __repr__(self) -> str:
        """At most four lines: the table's shape, the beginning of the text, how many checks said what."""
        names = ", ".join(map(str, self.table.columns))
        said = [f"{type(self).__name__}: {counted(len(self.table), 'row')} of {names}"]
        said += self.text.splitlines()[:2]
        if self.checks:
            counts = Counter(check.verdict for check in self.checks)
            said.append(f"Checks: {', '.join(f'{n} {verdict}' for verdict, n in counts.items())}")
        return "\n".join(clipped(line) for line in said)

    def _repr_html_(self) -> str:
        return f"<p>{html.escape(self.text)}</p>{self.table.to_html(index=False)}"


def described(kind: type[Result]) -> list[str]:
    """Paragraphs on each table of a type of result, and on what else its JSON has."""
    found = []
    for name, columns in kind.columns.items():
        found.append(
            "\n".join(
                [
                    f"``{name}``: one row {columns.rows.replace('`', '``')}.",
                    "",
                    *(f"* {line}" for line in columns.lines()),
                ]
            )
        )
    if kind.keys:
        lines = (f"* ``{name}``: {said.replace('`', '``')}" for name, said in kind.keys.items())
        found.append("\n".join(["Beside its tables:", "", *lines]))
    return found


def rows_of(table: pd.DataFrame) -> list[dict[str, Any]]:
    """Rows of a table as JSON values."""
    return [{str(k): plain(v) for k, v in row.items()} for row in table.to_dict("records")]


def plain(value: Any) -> Any:
    """A JSON value: no NumPy types, no NaN, infinities as text."""
    if is_dataclass(value) and not isinstance(value, type):
        value = asdict(value)
    if isinstance(value, Mapping):
        return {str(k): plain(v) for k, v in value.items()}
    if isinstance(value, Sequence) and not isinstance(value, str):
        return [plain(v) for v in value]
    if isinstance(value, np.generic):
        value = value.item()
    if isinstance(value, float) and not math.isfinite(value):
        return None if math.isnan(value) else ("inf" if value > 0 else "-inf")
    return value
