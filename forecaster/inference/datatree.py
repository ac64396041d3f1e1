"""The groups of a posterior's DataTree, as ArviZ reads them, and the manifest in its attributes.

``posterior`` and ``prior`` have the dimensions ``chain, draw`` and ``curve`` (label ``domain/task/architecture``) or
``domain_task`` (label ``domain/task``). ArviZ calls a dimension of its own ``group``, and puts the variables of these
groups side by side, so none of them has coordinates beside those that index a dimension: what a label stands for is in
``constant_data``. ``observed_data``, ``log_likelihood`` and the predictive groups have the dimension ``obs``, one entry
a curve and size, with the coordinates ``curve`` and ``n``.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import msgspec
import numpy as np
import pandas as pd

from forecaster.curves.learning_curves import Group, LearningCurves
from forecaster.domains.domain import Domain
from forecaster.domains.quantities import CENTRES, LEARNED
from forecaster.model import law
from forecaster.model.design import Design
from forecaster.results.track_record import TrackRecord

if TYPE_CHECKING:
    import xarray as xr

SCHEMA = "forecaster-posterior/5"
WITHOUT_EVIDENCE, LOG_FLOOR = (
    "without_evidence",
    "log_floor",
)  # the group of floors without evidence on them, and its variable
RECORDED = "track_record"  # the group that holds a forecast's own record
COLUMN = "column"  # attribute: the name that a column has in the table, as JSON
OUTCOME = "log_error"  # what is measured and predicted: natural log of error, the mean of a size's repeats
# Of a size given the other sizes of its curve. The name keeps ArviZ's LOO-PIT from being taken of whole new curves.
CONDITIONAL = "log_error_given_others"


def of_the_groups(curves: LearningCurves, cards: Mapping[Group, Domain], engines: Sequence[str]) -> dict[str, str]:
    """Those attributes that change with the groups a posterior is about."""
    return {
        "data_hash": curves.data_hash,
        "source": curves.source,
        "reading": msgspec.json.encode(curves.reading).decode(),
        "notes": json.dumps([[n.code, n.text, n.curve] for n in curves.notes]),
        "cards": msgspec.json.encode({"/".join(g): cards[g] for g in curves.groups}).decode(),
        "card_hashes": json.dumps({"/".join(g): cards[g].card_hash for g in curves.groups}),
        "law": ", ".join(sorted({cards[g].law for g in curves.groups})),
        "engine": ", ".join(sorted(set(engines))),
    }


def measurements(curves: LearningCurves, set_aside: LearningCurves | None) -> dict[str, xr.Dataset]:
    """The groups ``measurements`` and, where there are such curves, ``set_aside``: tables as they were read."""
    found = {"/measurements": table_dataset(curves.table)}
    return found if set_aside is None else found | {"/set_aside": table_dataset(set_aside.table)}


def table_dataset(table: pd.DataFrame) -> xr.Dataset:
    """``measurements``: the table of curves as it was read, by ``row``; :func:`table_of` gives it back.

    netCDF takes no slash in a name, and ``row`` is its dimension's: columns that are no plain names go by number, with
    their own as an attribute.
    """
    import xarray as xr

    columns: dict[str, Any] = {}
    for i, (name, column) in enumerate(table.items()):
        values = column.to_numpy()
        if values.dtype.kind == "f" and values.dtype not in (np.float32, np.float64):
            values = values.astype(float)
        elif values.dtype.kind not in "fiub":
            values = np.array(["" if pd.isna(v) else _storable(str(v)) for v in column], dtype=object)
        own = str(name)
        plain = own.isidentifier() and own.isascii() and own != "row"
        columns[own if plain else f"column {i}"] = ("row", values, {} if plain else {COLUMN: json.dumps(own)})
    return xr.Dataset(columns)


def table_of(data: xr.Dataset) -> pd.DataFrame:
    """The table that :func:`table_dataset` stored."""
    named = {json.loads(v.attrs[COLUMN]) if COLUMN in v.attrs else str(k): v.values for k, v in data.data_vars.items()}
    return pd.DataFrame({name: _restored(values) for name, values in named.items()})


def _storable(text: str) -> str:
    """The text without what netCDF takes for its end, and without halves of letters."""
    return text.replace("\0", "").encode("utf-8", "replace").decode()


def _restored(values: np.ndarray) -> Any:
    return values if values.dtype.kind in "fiub" else pd.array([str(v) for v in values], dtype="str")


def recorded(record: TrackRecord | None) -> dict[str, xr.Dataset]:
    """The group ``track_record``, a ``row`` a curve, with ``replicas`` by row and replica; none without a record."""
    if record is None:
        return {}
    data = table_dataset(record.table)
    data["replicas"] = (("row", "replica"), np.asarray(record.replicas, dtype=np.float32))
    return {f"/{RECORDED}": data.assign_attrs(why=record.why, code=record.code)}


def plain_floors(posterior: xr.DataTree | None, curves: Sequence[str]) -> dict[str, xr.Dataset]:
    """The group ``without_evidence``: draws of the log floor of all ``curves`` in a fit without evidence on it.

    NaN where the other fit, a tree as any posterior's, has no such curve; all, where it is None.
    """
    import xarray as xr

    if posterior is None:
        return {
            f"/{WITHOUT_EVIDENCE}": xr.Dataset(
                {LOG_FLOOR: (("draw", "curve"), np.full((1, len(curves)), np.nan))}, {"curve": list(curves)}
            )
        }
    known = posterior["posterior"].to_dataset()["floor"].stack(sample=("chain", "draw"), create_index=False)
    values = np.log(known.reindex(curve=list(curves)).transpose("sample", "curve").values)
    return {
        f"/{WITHOUT_EVIDENCE}": xr.Dataset(
            {LOG_FLOOR: (("draw", "curve"), values.astype(np.float32))}, {"curve": list(curves)}
        )
    }


def plain_floors_of(tree: xr.DataTree) -> dict[str, np.ndarray]:
    """What :func:`plain_floors` stored, by curve; only those that have numbers."""
    if WITHOUT_EVIDENCE not in tree.children:
        return {}
    data = tree[WITHOUT_EVIDENCE].to_dataset()[LOG_FLOOR]
    found = zip(data["curve"].values.tolist(), data.values.T.astype(float), strict=True)
    return {label: draws for label, draws in found if np.isfinite(draws).all()}


def record_of(tree: xr.DataTree) -> TrackRecord:
    """The record that :func:`recorded` stored; an empty one where there is none."""
    if RECORDED not in tree.children:
        return TrackRecord()
    data = tree[RECORDED].to_dataset()
    table = table_of(data.drop_vars("replicas"))
    return TrackRecord(table, data["replicas"].values, str(data.attrs["why"]), str(data.attrs["code"]))


def constants(designs: Sequence[Design]) -> xr.Dataset:
    """``constant_data``: names of each curve, and the sizes that its parameters refer to.

    ``level`` is the log error at ``n_ref``, ``log_break`` counts from ``n_min``: the largest and the smallest size of
    the curve's (domain, task).
    """
    import xarray as xr

    rows = [(d, c.curve) for d in designs for c in d.curves]
    columns = {
        "domain": [c.domain for _, c in rows],
        "task": [c.task for _, c in rows],
        "architecture": [c.architecture for _, c in rows],
        "n_ref": np.exp([d.x_ref for d, _ in rows]).round(6),
        "n_min": np.exp([d.x_min for d, _ in rows]).round(6),
    }
    coords = {"curve": [c.label for _, c in rows]}
    return xr.Dataset({name: ("curve", v) for name, v in columns.items()}, coords)


def observations(designs: Sequence[Design]) -> dict[str, Any]:
    """Coordinates of ``obs``: each curve in turn, by ascending size; ``repeats`` are the measurements behind each."""
    sized = [c for d in designs for c in d.curves]
    return {
        "obs": np.arange(sum(len(c.x) for c in sized)),
        "curve": ("obs", [c.curve.label for c in sized for _ in c.x]),
        "n": ("obs", np.exp(np.concatenate([c.x[::-1] for c in sized])).round(6)),
        "repeats": ("obs", np.concatenate([c.repeats[::-1] for c in sized]).astype(int)),
    }


def observed(designs: Sequence[Design]) -> xr.Dataset:
    """``observed_data``: the mean log error at each size of each curve."""
    import xarray as xr

    y = np.concatenate([c.y[::-1] for d in designs for c in d.curves])
    return xr.Dataset({OUTCOME: ("obs", y)}, observations(designs))


def parameters(designs: Sequence[Design], centre: np.ndarray, log_spread: np.ndarray, values: np.ndarray) -> xr.Dataset:
    """``posterior`` or ``prior``: ``centre`` [chain, draw, group, 8] and ``log_spread`` [chain, draw, group, 2] of the
    designs, ``values`` [chain, draw, curve, 8] of all their curves, and what follows from those."""
    import xarray as xr

    by_curve = ("chain", "draw", "curve")
    data: dict[str, Any] = {name: (by_curve, values[..., i]) for i, name in enumerate(CENTRES)}
    data |= {name: (by_curve, v) for name, v in _derived(designs, values).items()}
    data["centre"] = (("chain", "draw", "domain_task", "quantity"), centre)
    data["log_spread"] = (("chain", "draw", "domain_task", "learned"), log_spread)
    coords = {
        "chain": np.arange(values.shape[0]),
        "draw": np.arange(values.shape[1]),
        "curve": [c.curve.label for d in designs for c in d.curves],
        "domain_task": [f"{d.domain}/{d.task}" for d in designs],
        "quantity": list(CENTRES),
        "learned": list(LEARNED),
    }
    return xr.Dataset(data, coords)


def _derived(designs: Sequence[Design], values: np.ndarray) -> dict[str, np.ndarray]:
    """Exponent, floor and alpha of each draw, [chain, draw, curve]."""
    x_ref, x_min = np.array([(d.x_ref, d.x_min) for d in designs for _ in d.curves]).T
    level, log_exponent, log_break, floor_logit = (values[..., i] for i in range(4))
    sharpness = np.exp(values[..., -1])
    log_alpha = law.log_alpha(np, x_ref, level, log_exponent, x_min + log_break, floor_logit, sharpness)
    return {
        "exponent": np.exp(log_exponent),
        "floor": law.floor(np, level, floor_logit),
        "alpha": np.exp(np.clip(log_alpha, -700.0, 700.0)),
    }


def only(tree: xr.DataTree, groups: Sequence[str], curves: Sequence[str]) -> dict[str, xr.Dataset]:
    """The part of the tree for these groups and curves, without ``measurements``."""
    labels = {"domain_task": list(groups), "curve": list(curves)}
    parts = {}
    for name, node in tree.children.items():
        data = node.to_dataset()
        if "obs" in data.dims:
            data = data.isel(obs=np.isin(data["curve"].values, curves))
            data = data.assign_coords(obs=np.arange(data.sizes["obs"]))
        if name not in ("measurements", RECORDED):
            parts[f"/{name}"] = data.sel({dim: chosen for dim, chosen in labels.items() if dim in data.dims})
    return parts
