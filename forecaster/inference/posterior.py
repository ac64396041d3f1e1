"""Posterior: draws with named dimensions, the data and cards they came from, on disk without loss.

The DataTree's groups: ``posterior`` (``centre``, ``log_spread`` by group; ``level`` to ``log_sharpness`` and the
derived ``exponent``, ``floor``, ``alpha`` by curve), ``sample_stats``, ``observed_data`` (the table of curves).
Its attributes are the manifest: schema, data hash, cards, engine, seed, versions.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from forecaster._support.atomic_files import write_whole
from forecaster.curves.learning_curves import KEYS, TOLD, Group, LearningCurves, as_html, counted
from forecaster.domains.domain import Domain, kinds_of_error
from forecaster.domains.quantities import CENTRES
from forecaster.errors import RequestError
from forecaster.inference.diagnostics import SUMMARISED, diagnosed
from forecaster.inference.manifest import of_the_groups, table_dataset
from forecaster.inference.parameters import CurveDraws
from forecaster.model.design import Design, design_of

if TYPE_CHECKING:
    import xarray as xr


MEDIANS = ("exponent", "floor")  # of a curve, that a notebook shows


@dataclass(frozen=True, eq=False, repr=False)
class Posterior:
    """The posterior of every group of curves, each under its card.

    Attributes
    ----------
    tree : xarray.DataTree
        Draws with the dimensions ``chain``, ``draw``, ``curve`` and ``group``, as ArviZ has them: nodes ``posterior``,
        ``sample_stats`` and ``observed_data``. Its attributes say where the draws came from.
    curves : LearningCurves
        What was measured.
    cards : mapping
        The domain card of each (domain, task).
    """

    tree: xr.DataTree
    curves: LearningCurves
    cards: Mapping[Group, Domain]

    def __repr__(self) -> str:
        """What it is a posterior of, in at most five lines."""
        engine, seed = (self.manifest.get(name, "?") for name in ("engine", "seed"))
        said = [
            f"Posterior of {counted(len(self.curves.curves), 'curve')}, {self.draws:,} draws, {engine}, seed {seed}"
        ]
        return "\n".join([*said, *self.curves.told(lambda group: f" (card {self.cards[group].name})")])

    def _repr_html_(self) -> str:
        rows = []
        for curve in self.curves.curves[:TOLD]:
            key = {name: getattr(curve, name) for name in KEYS}
            size = {"points": len(curve.n), "n_max": curve.n[-1]}
            drawn = (self.tree.posterior[name].sel(curve=curve.label).values for name in MEDIANS)
            medians = {f"{name} (median)": float(np.median(v)) for name, v in zip(MEDIANS, drawn, strict=True)}
            rows.append(key | size | medians | {"card": self.cards[(curve.domain, curve.task)].name})
        return as_html(repr(self), pd.DataFrame(rows))

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
        tree = xr.DataTree.from_dict(parts | {"/observed_data": table_dataset(curves.table)})
        engines = parts["/sample_stats"]["engine"].values.tolist()
        tree.attrs = dict(self.tree.attrs) | of_the_groups(curves, cards, engines)
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
        curve = self.curves.curves[row]
        values = (self._arrays[name][:, :, row].reshape(-1) for name in CENTRES)
        return CurveDraws(*values, reference=self.designs[curve.domain, curve.task].reference)

    def new_architecture(self, group: Group, architecture: str, rng: np.random.Generator) -> CurveDraws:
        """Draws of an architecture of this group that nobody has measured, from the hierarchy and its card."""
        centre, spread = self.centre(group) + self.cards[group].effects_of(architecture), self.spread(group)
        values = (centre + spread * rng.standard_normal(centre.shape)).T
        return CurveDraws(*values, reference=self.designs[group].reference)

    def summary(self, level: float = 0.8) -> pd.DataFrame:
        """Every parameter of every curve, in numbers.

        Parameters
        ----------
        level : float
            Probability inside each interval.

        Returns
        -------
        pandas.DataFrame
            One row per curve and quantity: ``median``, equal-tailed ``lower`` and ``upper``, ``level``, ``r_hat``,
            ``ess_bulk``, ``ess_tail``.
        """
        return summarise(self, level)

    def save(self, path: str | Path) -> Path:
        """Write one netCDF file; nothing half-written is left behind."""
        write_whole(path, lambda temporary: self.tree.to_netcdf(temporary, engine="h5netcdf"))
        return Path(path)


def diagnostics(posterior: Posterior) -> pd.DataFrame:
    """R-hat and effective sample sizes of every quantity, by :func:`~forecaster.inference.diagnostics.diagnosed`."""
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
