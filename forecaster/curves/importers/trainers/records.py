"""JSON Lines of records with a ``config`` and a ``summary``, a run each: what Marin and many scripts write."""

from __future__ import annotations

import json

import pandas as pd

from forecaster.curves.importers.export import Export, Format, each_row
from forecaster.curves.importers.seen import Seen
from forecaster.curves.importers.settings import flat
from forecaster.curves.misread.exports import TITLES

PREFIXES = ("config", "summary")
NAMES = ("name", "run_name", "display_name", "run_id", "id")
STATES = ("state", "status")
DONE = ("", "finished", "completed", "complete", "success", "succeeded", "done", "none")


def claims(seen: Seen) -> bool:
    return seen.kind in ("lines", "json") and set(PREFIXES) <= set(seen.names)


def read(seen: Seen) -> Export:
    """A row a run: ``config.*``, ``summary.*``, and what stands beside them."""
    if seen.kind == "json":
        records = seen.value if isinstance(seen.value, list) else [seen.value]
    else:
        records = [json.loads(line) for line in seen.text.splitlines() if line.strip()]
    if not all(isinstance(record, dict) and set(PREFIXES) <= set(record) for record in records):
        raise ValueError("a record without config and summary is in it")
    rows = [dict(flat(record)) for record in records]
    names = [
        _first(row, NAMES) or (seen.label if len(rows) == 1 else f"{seen.label} {i}") for i, row in enumerate(rows, 1)
    ]
    states = [_first(row, STATES).lower() for row in rows]
    return each_row(pd.DataFrame(rows, dtype=object), names, ("" if state in DONE else state for state in states))


def _first(row: dict[str, object], keys: tuple[str, ...]) -> str:
    return next((str(row[key]) for key in keys if row.get(key) is not None), "")


FORMAT = Format(
    *("records", TITLES["records"], claims, read),
    single=True,
    sizes="It is a value of the config, such as config.train_size, or of the summary, such as summary.tokens.",
)
