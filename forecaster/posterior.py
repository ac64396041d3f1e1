"""Posterior: draws with named dimensions, the data and cards they came from, on disk without loss.

The DataTree's groups: ``posterior`` (``centre``, ``log_spread`` by group; ``level`` to ``log_sharpness`` and the
derived ``exponent``, ``floor``, ``alpha`` by curve), ``sample_stats``, ``observed_data`` (the table of curves).
Its attributes are the manifest: schema, data hash, cards, engine, seed, versions.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec
import numpy as np
import pandas as pd

from forecaster import laws
from forecaster.curve_draws import CurveDraws
from forecaster.curves import LearningCurves, Note
from forecaster.design import Design, design_of
from forecaster.diagnostics import SUMMARISED, diagnosed
from forecaster.domains import CENTRES, LEARNED, Domain, kinds_of_error
from forecaster.engines.draws import GroupDraws
from forecaster.errors import PosteriorFileError, RequestError
from forecaster.files import write_whole
from forecaster.reading import SUFFIXES

if TYPE_CHECKING:
    import xarray as xr

SCHEMA = "forecaster-posterior/4"
Group = tuple[str, str]


@dataclass(frozen=True, eq=False)
class Posterior:
    """The posterior of every group of ``curves``, each under its card."""

    tree: xr.DataTree
    curves: LearningCurves
    cards: Mapping[Group, Domain]

    @property
    def manifest(self) -> dict[str, Any]:
        """Schema, data hash, engine, seed, versions and the like."""
        return {str(k): v for k, v in self.tree.attrs.items()}

    @property
    def groups(self) -> tuple[Group, ...]:
        return self.curves.groups

    @property
    def draws(self) -> int:
        """Draws of all chains together."""
        return int(self.tree.posterior.sizes["chain"] * self.tree.posterior.sizes["draw"])

    @cached_property
    def designs(self) -> Mapping[Group, Design]:
        return {group: design_of(self.curves, group, self.cards[group]) for group in self.groups}

    @cached_property
    def of_shares(self) -> frozenset[Group]:
        """Groups whose errors are shares of cases: their card says so, and neither an error nor a metric else."""
        above = {(c.domain, c.task) for c in self.curves.curves if c.error.max() > 1.0}
        said = {group for group in self.groups if "share" in self.cards[group].error_unit}
        losses = {g for g, named in self.curves.metrics.items() if any(kinds_of_error(m) == {"loss"} for m in named)}
        return frozenset(said - above - losses)

    def only(self, *groups: Group) -> Posterior:
        """The part that is about these groups, as a posterior of its own: the same draws."""
        import xarray as xr

        if set(groups) == set(self.groups):
            return self
        cards = {g: self.cards[g] for g in self.groups if g in groups}
        table: Any = self.curves.table
        curves = self.curves.with_rows(table[[g in cards for g in zip(table["domain"], table["task"], strict=True)]])
        chosen = {"group": ["/".join(g) for g in cards], "curve": [c.label for c in curves.curves]}

        def part(name: str) -> xr.Dataset:
            data = self.tree[name].to_dataset()
            return data.sel({dim: labels for dim, labels in chosen.items() if dim in data.dims})

        parts = {f"/{name}": part(name) for name in ("posterior", "sample_stats")}
        tree = xr.DataTree.from_dict(parts | {"/observed_data": _table_dataset(curves.table)})
        engines = parts["/sample_stats"]["engine"].values.tolist()
        tree.attrs = dict(self.tree.attrs) | _of_the_groups(curves, cards, engines)
        return Posterior(tree, curves, cards)

    @cached_property
    def _health(self) -> pd.DataFrame:
        return diagnosed(self.tree)

    @cached_property
    def _arrays(self) -> Mapping[str, np.ndarray]:
        return {name: self.tree.posterior[name].values for name in ("centre", "log_spread", *CENTRES)}

    @cached_property
    def _row_of(self) -> Mapping[str, int]:
        return {label: i for i, label in enumerate(self.tree.posterior["curve"].values.tolist())}

    def centre(self, group: Group) -> np.ndarray:
        """Draws of the group's centres, [draw, 8] in the order of ``domains.CENTRES``."""
        return self._of_group("centre", group)

    def spread(self, group: Group) -> np.ndarray:
        """Draws of the spread across architectures, [draw, 8]; six of them are fixed by the card."""
        learned = np.exp(self._of_group("log_spread", group))
        fixed = np.broadcast_to(self.designs[group].spread_fixed, (len(learned), len(self.designs[group].spread_fixed)))
        return np.concatenate([learned, fixed], 1)

    def _of_group(self, name: str, group: Group) -> np.ndarray:
        index = self.groups.index(group)
        values = self._arrays[name][:, :, index]
        return values.reshape(-1, values.shape[-1])

    def curve(self, label: str) -> CurveDraws:
        """Draws of the measured curve ``domain/task/architecture``."""
        row = self._row_of.get(label)
        if row is None:
            raise RequestError(f"no curve {label!r} in this posterior; it holds: {', '.join(self._row_of)}")
        return CurveDraws(*(self._arrays[name][:, :, row].reshape(-1) for name in CENTRES))

    def new_architecture(self, group: Group, architecture: str, rng: np.random.Generator) -> CurveDraws:
        """Draws of an architecture of this group that nobody has measured, from the hierarchy and its card."""
        centre, spread = self.centre(group) + self.cards[group].effects_of(architecture), self.spread(group)
        return CurveDraws(*(centre + spread * rng.standard_normal(centre.shape)).T)

    def summary(self, level: float = 0.8) -> pd.DataFrame:
        """One row a curve and quantity: median, equal-tailed interval, R-hat and effective sample size."""
        return summarise(self, level)

    def save(self, path: str | Path) -> Path:
        """Write one netCDF file; nothing half-written is left behind."""
        write_whole(path, lambda temporary: self.tree.to_netcdf(temporary, engine="h5netcdf"))
        return Path(path)


def assemble(
    curves: LearningCurves,
    cards: Mapping[Group, Domain],
    draws: Sequence[GroupDraws],
    *,
    seed: int,
    settings: Mapping[str, Any] | None = None,
) -> Posterior:
    """Name the dimensions of the engine's draws (one :class:`GroupDraws` for each of ``curves.groups``)."""
    import xarray as xr

    values = np.concatenate([d.values for d in draws], 2)
    labels = [c.label for c in curves.curves]
    by_curve = ("chain", "draw", "curve")
    data: dict[str, Any] = {name: (by_curve, values[..., i]) for i, name in enumerate(CENTRES)}
    data |= {name: (by_curve, v) for name, v in _derived(curves, cards, values).items()}
    data["centre"] = (("chain", "draw", "group", "quantity"), np.stack([d.centre for d in draws], 2))
    data["log_spread"] = (("chain", "draw", "group", "learned"), np.stack([d.log_spread for d in draws], 2))
    groups = ["/".join(group) for group in curves.groups]
    coords = {
        "curve": labels,
        "domain": ("curve", [c.domain for c in curves.curves]),
        "task": ("curve", [c.task for c in curves.curves]),
        "architecture": ("curve", [c.architecture for c in curves.curves]),
        "group": groups,
        "quantity": list(CENTRES),
        "learned": list(LEARNED),
        "chain": np.arange(values.shape[0]),
        "draw": np.arange(values.shape[1]),
    }
    names = sorted({k for d in draws for k in d.stats})
    stats = {k: ("group", np.array([d.stats.get(k, np.nan) for d in draws])) for k in names}
    names = sorted({k for d in draws for k in d.curve_stats})
    missing = [np.full(d.values.shape[2], np.nan) for d in draws]
    for k in names:
        parts = [np.asarray(d.curve_stats.get(k, m), dtype=float) for d, m in zip(draws, missing, strict=True)]
        stats[k] = ("curve", np.concatenate(parts))
    stats["engine"] = ("group", np.array([d.engine for d in draws]))
    tree = xr.DataTree.from_dict(
        {
            "/posterior": xr.Dataset(data, coords),
            "/sample_stats": xr.Dataset(stats, {"group": groups, "curve": labels}),
            "/observed_data": _table_dataset(curves.table),
        }
    )
    tree.attrs = _manifest(curves, cards, draws, seed, settings or {})
    return Posterior(tree, curves, dict(cards))


def _derived(curves: LearningCurves, cards: Mapping[Group, Domain], values: np.ndarray) -> dict[str, np.ndarray]:
    """Exponent, floor and alpha of each draw, [chain, draw, curve]."""
    designs = [design_of(curves, g, cards[g]) for g in curves.groups]
    x_ref, x_min = np.array([(d.x_ref, d.x_min) for d in designs for _ in d.curves]).T
    level, log_exponent, log_break, floor_logit = (values[..., i] for i in range(4))
    sharpness = np.exp(values[..., -1])
    log_alpha = laws.log_alpha(np, x_ref, level, log_exponent, x_min + log_break, floor_logit, sharpness)
    return {
        "exponent": np.exp(log_exponent),
        "floor": laws.floor(np, level, floor_logit),
        "alpha": np.exp(np.clip(log_alpha, -700.0, 700.0)),
    }


def _manifest(curves, cards, draws, seed, settings) -> dict[str, Any]:
    packages = ("forecaster", "numpy", "pandas", "xarray", "jax" if draws[0].engine == "jax" else "pymc")
    return _of_the_groups(curves, cards, [d.engine for d in draws]) | {
        "schema": SCHEMA,
        "seed": seed,
        "settings": json.dumps(dict(settings)),
        "versions": json.dumps({name: version(name) for name in packages}),
    }


def _of_the_groups(curves: LearningCurves, cards: Mapping[Group, Domain], engines: Sequence[str]) -> dict[str, str]:
    return {
        "data_hash": curves.data_hash,
        "source": curves.source,
        "notes": json.dumps([[n.code, n.text, n.curve] for n in curves.notes]),
        "cards": msgspec.json.encode({"/".join(g): cards[g] for g in curves.groups}).decode(),
        "card_hashes": json.dumps({"/".join(g): cards[g].card_hash for g in curves.groups}),
        "law": ", ".join(sorted({cards[g].law for g in curves.groups})),
        "engine": ", ".join(sorted(set(engines))),
    }


def _table_dataset(table: pd.DataFrame) -> xr.Dataset:
    import xarray as xr

    columns: dict[str, Any] = {}
    for name, column in table.items():
        values = column.to_numpy()
        if values.dtype.kind not in "fiub":
            values = np.array(["" if pd.isna(v) else str(v) for v in column], dtype=object)
        columns[str(name)] = ("row", values)
    return xr.Dataset(columns)


def load_posterior(path: str | Path) -> Posterior:
    """Read a posterior that :meth:`Posterior.save` wrote; PosteriorFileError where it is not one."""
    import xarray as xr

    path = Path(path)
    if not path.is_file():
        raise PosteriorFileError(f"{path}: no such file; `forecaster fit CURVES -o {path}` makes one")
    try:
        tree = xr.open_datatree(path, engine="h5netcdf").load()
        tree.close()
    except Exception as error:
        if path.suffix.lower() in SUFFIXES:
            raise PosteriorFileError(
                f"{path}: found a table of curves, expected a posterior; "
                f"`forecaster fit {path} -o {path.with_suffix('.nc')}` makes one"
            ) from None
        raise PosteriorFileError(
            f"{path}: not a posterior file ({type(error).__name__}); "
            f"expected netCDF written by `forecaster fit`; fit again with `forecaster fit CURVES -o {path}`"
        ) from error
    found = tree.attrs.get("schema")
    if found != SCHEMA:
        raise PosteriorFileError(
            f"{path}: found schema {found!r}, expected {SCHEMA!r}; fit again with this version of forecaster"
        )
    observed = tree["observed_data"].to_dataset()
    table = pd.DataFrame({str(name): _restored(v.values) for name, v in observed.data_vars.items()})
    notes = tuple(Note(*n) for n in json.loads(tree.attrs["notes"]))
    curves = LearningCurves(table, notes, str(tree.attrs["source"]))
    if curves.data_hash != tree.attrs["data_hash"]:
        raise PosteriorFileError(f"{path}: its curves do not match its own data hash; fit again")
    named = msgspec.json.decode(tree.attrs["cards"], type=dict[str, Domain])
    cards = {g: named["/".join(g)] for g in curves.groups}
    return Posterior(tree, curves, cards)


def _restored(values: np.ndarray) -> Any:
    return values if values.dtype.kind in "fiub" else pd.array([str(v) for v in values], dtype="str")


def diagnostics(posterior: Posterior) -> pd.DataFrame:
    """R-hat and effective sample sizes of every quantity, as :func:`forecaster.diagnostics.diagnosed` finds them."""
    return posterior._health.copy()


def summarise(posterior: Posterior, level: float) -> pd.DataFrame:
    """See :meth:`Posterior.summary`."""
    health = diagnostics(posterior).set_index(["curve", "quantity"])
    data = posterior.tree.posterior
    rows = []
    for name in SUMMARISED:
        low, middle, high = np.quantile(data[name].values, [0.5 - level / 2, 0.5, 0.5 + level / 2], axis=(0, 1))
        for i, curve in enumerate(posterior.curves.curves):
            known = health.loc[(curve.label, name)]
            rows.append(
                {
                    "domain": curve.domain,
                    "task": curve.task,
                    "architecture": curve.architecture,
                    "quantity": name,
                    "median": middle[i],
                    "lower": low[i],
                    "upper": high[i],
                    "level": level,
                    "r_hat": known["r_hat"],
                    "ess_bulk": known["ess_bulk"],
                    "ess_tail": known["ess_tail"],
                }
            )
    return pd.DataFrame(rows)
