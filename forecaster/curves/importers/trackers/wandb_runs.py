"""The runs table of W&B, from its page or from the frame that its documentation makes of the API: a row a run."""

from __future__ import annotations

import ast
import json
import re
from collections.abc import Mapping
from typing import Any

import pandas as pd

from forecaster.curves.importers.export import Export, Format, each_row
from forecaster.curves.importers.seen import Seen
from forecaster.curves.importers.settings import flat
from forecaster.curves.misread.exports import TITLES, tracker_of

ID = "wandb-runs"


def claims(seen: Seen) -> bool:
    return seen.kind in ("table", "parquet") and tracker_of(seen.names) == ID


def read(seen: Seen) -> Export:
    """A row a run; the state says which have finished."""
    table = seen.table.reset_index(drop=True)
    table = table.set_axis([str(column).lstrip("\ufeff") for column in table.columns], axis=1)
    if "State" in table:
        return each_row(table, map(str, table["Name"]), [_state(cell) for cell in table["State"]])
    rows = [_unpacked(cells) for cells in table.to_dict("records")]
    states = [_state(row.get("state", "finished")) for row in rows]
    return each_row(pd.DataFrame(rows, dtype=object), (str(row["name"]) for row in rows), states)


def _state(cell: Any) -> str:
    text = str(cell).strip().lower()
    return "" if text == "finished" else text or "without a state"


def _unpacked(cells: Mapping[Any, Any]) -> dict[str, Any]:
    """The cells of a run, with the dicts of its config and its summary spread out."""
    found = {str(key): value for key, value in cells.items() if key not in ("summary", "config")}
    for part in ("config", "summary"):
        found |= dict(flat(_as_dict(cells[part]), part))
    return found


def _as_dict(cell: Any) -> Mapping[str, Any]:
    """A dict as Python prints it, or as JSON. What neither reads makes the file a damaged one: a ValueError."""
    if isinstance(cell, Mapping):
        return cell
    text = str(cell)
    try:
        found = json.loads(text)
    except ValueError:
        bare = re.sub(r"(?<=[:\[,])\s*-?(nan|inf)\b", " None", text)
        found = ast.literal_eval(bare)
    if not isinstance(found, dict):
        raise ValueError(f"a cell that is no dict: {text[:40]!r}")
    return found


FORMAT = Format(
    *(ID, TITLES[ID], claims, read),
    single=True,
    sizes="In W&B it is a value of the config, such as train_size, or of the summary, such as tokens seen.",
)
