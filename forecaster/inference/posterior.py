"""Posterior: draws with named dimensions, the data and cards they came from, on disk without loss.

The DataTree is one that ArviZ works on. Its groups (:mod:`~forecaster.inference.datatree`): ``posterior`` (``level`` to
``log_sharpness`` and the derived ``exponent``, ``floor``, ``alpha`` by ``curve``; ``centre`` and ``log_spread`` by
``domain_task``), ``sample_stats``, ``observed_data`` (mean log error by curve and size), ``constant_data`` (what a
curve's label stands for), ``measurements`` (the table of curves), ``track_record`` (how forecasts of hidden sizes did,
where that was asked for), and those of :meth:`Posterior.with_predictive`.
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

from forecaster._support.atomic_files import write_netcdf
from forecaster.curves.learning_curves import CURVES_SHOWN, KEYS, Group, LearningCurves, as_html, counted
from forecaster.curves.metrics import metric_of
from forecaster.domains.domain import Domain, kinds_of_error
from forecaster.domains.quantities import CENTRES
from forecaster.errors import RequestError
from forecaster.inference import datatree, predictive
from forecaster.inference.diagnostics import SUMMARISED, diagnostics
from forecaster.inference.parameters import CurveDraws, of_architecture
from forecaster.model.design import Design, design_of
from forecaster.results.track_record import TrackRecord

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
    set_aside : LearningCurves or None
        Curves that were measured and cannot be forecast (:mod:`~forecaster.curves.divergence`). They have no draws, and
        the others learned nothing from them.
    """

    tree: xr.DataTree
    curves: LearningCurves
    cards: Mapping[Group, Domain]
    set_aside: LearningCurves | None = None

    def __repr__(self) -> str:
        """The curves and cards of the posterior, in at most five lines."""
        engine, seed = (self.manifest.get(name, "?") for name in ("engine", "seed"))
        said = [
            f"Posterior of {counted(len(self.curves.curves), 'curve')}, {self.draws:,} draws, {engine}, seed {seed}"
        ]
        return "\n".join([*said, *self.curves.told(lambda group: f" (card {self.cards[group].name})")])

    def _repr_html_(self) -> str:
        rows = []
        for curve in self.curves.curves[:CURVES_SHOWN]:
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
    def record(self) -> TrackRecord:
        """How forecasts of these curves did when the largest sizes were hidden; empty where that was not asked for."""
        return datatree.record_of(self.tree)

    @cached_property
    def floors_without_evidence(self) -> Mapping[str, np.ndarray]:
        """Draws of the log floor [draw] of each curve that there is evidence on, in a fit without the evidence."""
        return datatree.plain_floors_of(self.tree)

    def with_floors_of(self, plain: Posterior | None) -> Posterior:
        """The same posterior, with the floors of the fit ``plain`` without the evidence on them, for checks."""
        import xarray as xr

        kept = {
            f"/{name}": node.to_dataset()
            for name, node in self.tree.children.items()
            if name != datatree.WITHOUT_EVIDENCE
        }
        found = datatree.plain_floors(None if plain is None else plain.tree, [c.label for c in self.curves.curves])
        tree = xr.DataTree.from_dict(kept | found)
        tree.attrs = dict(self.tree.attrs)
        return Posterior(tree, self.curves, self.cards, self.set_aside)

    def with_record(self, record: TrackRecord | None) -> Posterior:
        """The same posterior with this record, or without any."""
        import xarray as xr

        kept = {f"/{name}": node.to_dataset() for name, node in self.tree.children.items() if name != datatree.RECORDED}
        tree = xr.DataTree.from_dict(kept | datatree.recorded(record))
        tree.attrs = dict(self.tree.attrs)
        return Posterior(tree, self.curves, self.cards, self.set_aside)

    @cached_property
    def of_shares(self) -> frozenset[Group]:
        """Groups whose errors are shares of cases, by metric or card, unless an error or a metric contradicts it."""
        above = {(c.domain, c.task) for c in self.curves.curves if c.error.max() > 1.0}
        said = {group for group in self.groups if "share" in self.cards[group].error_unit}
        said |= {group for group, of in self.curves.metrics.items() if of and all(metric_of(m).bounded for m in of)}
        losses = {g for g, named in self.curves.metrics.items() if any(kinds_of_error(m) == {"loss"} for m in named)}
        return frozenset(said - above - losses)

    def only(self, *groups: Group) -> Posterior:
        """The part that is about these groups, as a posterior of its own: the same draws."""
        import xarray as xr

        if set(groups) == set(self.groups):
            return self
        cards = {g: self.cards[g] for g in self.groups if g in groups}
        curves = self.curves.of_groups(cards)
        assert curves is not None
        parts = datatree.only(self.tree, ["/".join(g) for g in cards], [c.label for c in curves.curves])
        aside = None if self.set_aside is None else self.set_aside.of_groups(cards)
        own = datatree.recorded(self.record.of_groups(cards) if self.record.why else None)
        tree = xr.DataTree.from_dict(parts | datatree.measurements(curves, aside) | own)
        engines = parts["/sample_stats"]["engine"].values.tolist()
        tree.attrs = dict(self.tree.attrs) | datatree.of_the_groups(curves, cards, engines)
        return Posterior(tree, curves, cards, aside)

    def with_predictive(self, *, seed: int = 0, prior: bool = True) -> Posterior:
        """The same posterior, its tree with the groups that ArviZ's checks of a model ask for; a file grows by them.

        ``log_likelihood`` (for ``az.loo`` and ``az.compare``) is the log density of each size's ``log_error`` given the
        other sizes of its curve, which are not independent of it: leave-one-out leaves out one size, and the sum over
        sizes is not the log likelihood of a curve. ``posterior_predictive`` (for ``az.plot_ppc_dist``) holds whole
        curves with a new drift and new noise, given the draw's parameters; both are [chain, draw, obs]. With ``prior``
        also ``prior``, with every variable of ``posterior`` (for ``az.plot_prior_posterior``), and
        ``prior_predictive``: one chain of as many draws. Leave-one-out PIT, which needs draws of each size given the
        others, is in :func:`forecaster.check`.

        The same ``seed`` gives the same draws. RequestError where posterior draws are not finite.
        """
        import xarray as xr

        for curve in self.curves.curves:
            drawn = self.curve(curve.label)
            if not all(np.isfinite(getattr(drawn, name)).all() for name in CENTRES):
                raise RequestError(
                    f"{curve.label}: found draws that are not finite numbers; "
                    "fit again with the reference engine, engine nuts, and report this"
                )
        designs = [self.designs[group] for group in self.groups]
        groups = predictive.after_data(designs, self.curve, int(self.tree.posterior.sizes["chain"]), seed)
        if prior:
            groups |= predictive.before_any_data(designs, self.draws, seed)
        kept = {name: node.to_dataset() for name, node in self.tree.children.items()}
        tree = xr.DataTree.from_dict({f"/{name}": data for name, data in (kept | groups).items()})
        tree.attrs = dict(self.tree.attrs)
        return Posterior(tree, self.curves, self.cards, self.set_aside)

    def diagnostics(self) -> pd.DataFrame:
        """R-hat and effective sample sizes: the table of :func:`~forecaster.inference.diagnostics.diagnostics`."""
        return self._diagnostics.copy()

    @cached_property
    def _diagnostics(self) -> pd.DataFrame:
        return diagnostics(self.tree)

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
        """Draws of an architecture of this group without data, from the hierarchy and its card."""
        hyper, reference = (self.centre(group), self._of_group("log_spread", group)), self.designs[group].reference
        return of_architecture(self.cards[group], *hyper, architecture, reference, rng)

    def summary(self, level: float = 0.8) -> pd.DataFrame:
        """Exponent, floor and alpha of every curve, in numbers.

        Parameters
        ----------
        level : float
            Probability inside each interval.

        Returns
        -------
        pandas.DataFrame
            One row per curve and quantity: ``domain``, ``task``, ``architecture``, ``quantity``, ``median``,
            equal-tailed ``lower`` and ``upper``, ``level``, and ``r_hat``, ``ess_bulk``, ``ess_tail``, ``ess_curve`` of
            :meth:`diagnostics`.
        """
        names = pd.DataFrame(
            [(c.label, c.domain, c.task, c.architecture) for c in self.curves.curves],
            columns=["curve", "domain", "task", "architecture"],
        )
        rows = []
        for name in SUMMARISED:
            values = self.tree.posterior[name].values
            low, middle, high = np.quantile(values, [0.5 - level / 2, 0.5, 0.5 + level / 2], axis=(0, 1))
            rows.append(names.assign(quantity=name, median=middle, lower=low, upper=high, level=level))
        table = pd.concat(rows).merge(self._diagnostics, on=["curve", "quantity"], how="left", validate="1:1")
        return table.drop(columns="curve")

    def save(self, path: str | Path) -> Path:
        """Write one netCDF file; nothing half-written is left behind."""
        write_netcdf(self.tree, path)
        return Path(path)


def expect_posterior(posterior: object) -> None:
    """RequestError where something other than a posterior was given, such as learning curves."""
    if isinstance(posterior, Posterior):
        return
    step = "call posterior = forecaster.fit(curves) first, and pass that"
    if isinstance(posterior, LearningCurves):
        raise RequestError(f"posterior: found learning curves; expected the posterior fitted to them; {step}")
    if isinstance(posterior, str | Path):
        raise RequestError(
            f"posterior: found {str(posterior)!r}; expected a posterior; read a saved one by "
            f"forecaster.load_posterior({str(posterior)!r}), or {step}"
        )
    raise RequestError(f"posterior: found a {type(posterior).__name__}; expected a posterior; {step}")
