"""Result: what every question gives back, the same shape for all: a table, prose, a plot, JSON.

The JSON of every command is one object: ``schema`` (version of this layout), ``command``, ``checks`` (a list of
``name, verdict, curve, curves, text, next_step``), ``table`` (a list of rows); some add ``text`` and keys of their own.
"""

from __future__ import annotations

import html
import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from importlib import import_module
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from forecaster.results.check import Check

if TYPE_CHECKING:
    from matplotlib.figure import Figure

SCHEMA = "forecaster/1"


@dataclass(frozen=True, eq=False)
class Result:
    """A table and what it means. Subclasses add their own fields and ``plot``."""

    table: pd.DataFrame
    text: str
    checks: tuple[Check, ...] = ()

    command = "result"

    @property
    def failures(self) -> tuple[Check, ...]:
        """The checks that said FAIL."""
        return tuple(check for check in self.checks if check.verdict == "FAIL")

    @property
    def failed(self) -> bool:
        """True where a check said FAIL."""
        return bool(self.failures)

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
            "table": rows_of(self.table),
        }

    def to_json(self) -> str:
        return json.dumps(self.to_dict(), allow_nan=False)

    def _repr_html_(self) -> str:
        return f"<p>{html.escape(self.text)}</p>{self.table.to_html(index=False)}"


def rows_of(table: pd.DataFrame) -> list[dict[str, Any]]:
    """Rows of a table as JSON values."""
    return [{str(k): plain(v) for k, v in row.items()} for row in table.to_dict("records")]


def plain(value: Any) -> Any:
    """A JSON value: no NumPy types, no NaN, infinities as text."""
    if isinstance(value, Mapping):
        return {str(k): plain(v) for k, v in value.items()}
    if isinstance(value, Sequence) and not isinstance(value, str):
        return [plain(v) for v in value]
    if isinstance(value, np.generic):
        value = value.item()
    if isinstance(value, float) and not math.isfinite(value):
        return None if math.isnan(value) else ("inf" if value > 0 else "-inf")
    return value


@dataclass(frozen=True, eq=False)
class Listing(Result):
    """A table that lists what is there; ``command`` is the verb that asked."""

    command: str = field(default="domains")
