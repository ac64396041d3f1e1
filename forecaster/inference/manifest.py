"""The manifest of a posterior: where its draws came from."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import msgspec
import numpy as np
import pandas as pd

from forecaster.curves.learning_curves import Group, LearningCurves
from forecaster.domains.domain import Domain

if TYPE_CHECKING:
    import xarray as xr

SCHEMA = "forecaster-posterior/4"


def of_the_groups(curves: LearningCurves, cards: Mapping[Group, Domain], engines: Sequence[str]) -> dict[str, str]:
    return {
        "data_hash": curves.data_hash,
        "source": curves.source,
        "notes": json.dumps([[n.code, n.text, n.curve] for n in curves.notes]),
        "cards": msgspec.json.encode({"/".join(g): cards[g] for g in curves.groups}).decode(),
        "card_hashes": json.dumps({"/".join(g): cards[g].card_hash for g in curves.groups}),
        "law": ", ".join(sorted({cards[g].law for g in curves.groups})),
        "engine": ", ".join(sorted(set(engines))),
    }


def table_dataset(table: pd.DataFrame) -> xr.Dataset:
    import xarray as xr

    columns: dict[str, Any] = {}
    for name, column in table.items():
        values = column.to_numpy()
        if values.dtype.kind not in "fiub":
            values = np.array(["" if pd.isna(v) else str(v) for v in column], dtype=object)
        columns[str(name)] = ("row", values)
    return xr.Dataset(columns)
