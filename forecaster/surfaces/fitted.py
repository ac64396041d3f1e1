"""A fitted surface: draws of the whole function from size and data to loss, which every question reads.

A draw is a function, not a table of values (:mod:`~forecaster.surfaces.model.drift`), so that questions asked apart
have one answer: what a forecast says of a point, and an optimum or a decision of the same point, agree.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import pandas as pd
from jaxtyping import Float
from scipy.spatial import ConvexHull, QhullError

from forecaster.errors import RequestError
from forecaster.surfaces.model import density, drift, law
from forecaster.surfaces.model.design import OfRows, SurfaceDesign, places_of
from forecaster.surfaces.model.drift import Waves
from forecaster.surfaces.posterior.sampling import SurfaceDraws

Sizes = Sequence[float] | np.ndarray | float
Draws = Float[np.ndarray, "draw point"]
SLACK = 1e-6  # nats by which a point may lie outside the measured ones and still count as measured


@dataclass(frozen=True, eq=False, repr=False)
class Surface:
    """The posterior of one surface.

    Attributes
    ----------
    design : SurfaceDesign
        Its runs and priors.
    draws : SurfaceDraws
        Draws of its parameters, with diagnostics.
    seed : int
        That of the draws of its drift.
    """

    design: SurfaceDesign
    draws: SurfaceDraws
    seed: int = 0

    def __repr__(self) -> str:
        runs = (
            f"{len(self.design.y)} runs, params {np.exp(self.design.x.min()):.3g} to {np.exp(self.design.x.max()):.3g}"
        )
        said = ", ".join(f"{name} {value:.3g}" for name, value in self.parameters["q50"].items())
        return f"Surface {self.design.label}: {runs}\n  {said}"

    @property
    def values(self) -> Float[np.ndarray, "draw quantity"]:
        """Draws of the parameters in the order of the design's ``quantities``."""
        return self.draws.values.reshape(-1, self.draws.values.shape[-1])

    @cached_property
    def law(self) -> law.Parameters:
        """Draws of the parameters of the law, [draw, 1] each."""
        return law.Parameters(*self.values.T[: len(law.Parameters._fields), :, None])

    @property
    def constants(self) -> law.Constants:
        """Draws of E, log A, log B, a, b and k, [draw] each."""
        found = law.constants_of(np, self.law, np.float64(self.design.x0), np.float64(self.design.t0))
        return law.Constants(*(part[:, 0] for part in found))

    @cached_property
    def parameters(self) -> pd.DataFrame:
        """Medians and 80 and 95 % intervals of E, A, B, a, b, k, the noise of one run, the drift, and any excess."""
        c = self.constants
        drawn = {"E": c.floor, "A": np.exp(c.log_scale_n), "B": np.exp(c.log_scale_d), "a": c.a, "b": c.b, "k": c.k}
        drawn |= {"noise": np.exp(self.values[:, 6]), "drift": np.exp(self.values[:, 7])}
        if self.design.above.any():
            drawn["excess"] = np.exp(self.values[:, 9])
        shares = {"q50": 0.5, "q10": 0.1, "q90": 0.9, "q2.5": 0.025, "q97.5": 0.975}
        rows = {name: {q: float(np.quantile(drawn[name], p)) for q, p in shares.items()} for name in drawn}
        return pd.DataFrame(rows).T

    # The function -----------------------------------------------------------------------------------

    def log_loss(self, n: Sizes, params: Sizes, unique_n: Sizes | None = None) -> Draws:
        """Draws of the expected log loss, the average over runs, at some points.

        Parameters
        ----------
        n : array [point] or float
            Amount of data.
        params : array [point] or float
            Number of parameters of the model.
        unique_n : array [point] or float, optional
            Unique data, where ``n`` repeats them.

        Returns
        -------
        array [draw, point]
            Natural logs of the loss. Draw ``i`` is the same function of both sizes in every call.

        Examples
        --------
        >>> import pandas as pd, forecaster
        >>> grid = [(params, n) for params in (1e8, 3e8, 1e9) for n in (2e9, 8e9, 3e10)]
        >>> rows = [("lm", p, n, 1.8 + 480 / p**0.35 + 2100 / n**0.37) for p, n in grid]
        >>> table = pd.DataFrame(rows, columns=["domain", "params", "n", "error"]).assign(architecture="decoder")
        >>> fitted = forecaster.fit_surface(table)
        >>> fitted.log_loss([1e11, 2e11], 1e9).shape
        (2000, 2)
        """
        x, t, log_unique = self._logs(n, params, unique_n)
        level = law.log_loss(np, x - self.design.x0, self._effective(t, log_unique) - self.design.t0, self.law)
        return level + self._drift(places_of(self.design, x, t, log_unique))

    def mesh(self, n: Sizes, params: Sizes, unique_n: float | None = None) -> Float[np.ndarray, "draw size data"]:
        """:meth:`log_loss` where each of some sizes of models meets each of some amounts of data, in less time.

        Parameters
        ----------
        n : array [data]
            Amounts of data.
        params : array [size]
            Numbers of parameters.
        unique_n : float, optional
            Unique data, of which more are repeated.

        Returns
        -------
        array [draw, size, data]
            Natural logs of the loss, equal to those of :meth:`log_loss` but for rounding.
        """
        shape = (np.size(params), np.size(n))
        data, sizes = (part.ravel() for part in np.meshgrid(n, params))
        level = self.law_log_loss(data, sizes, unique_n)
        places = places_of(self.design, *self._logs(data, sizes, unique_n))
        near = drift.correlation(np, self.design.tuned.places, places, self.design.card.memory)
        waves = self._waves.on_mesh(places[:: shape[1], 0], places[: shape[1], 1])
        return (level + self._pull @ near).reshape(-1, *shape) + np.exp(self.values[:, 7, None, None]) * waves

    def new_run(self, n: Sizes, params: Sizes, unique_n: Sizes | None = None, *, seed: int = 0) -> Draws:
        """The same of one new training run at each point: with the noise of one run."""
        mean = self.log_loss(n, params, unique_n)
        noise, _ = density.variances(np, self.values)
        return mean + np.sqrt(noise) * np.random.default_rng([seed, 11]).standard_normal(mean.shape)

    def law_log_loss(self, n: Sizes, params: Sizes, unique_n: Sizes | None = None) -> Draws:
        """Draws of the log loss of the law alone, without drift."""
        x, t, log_unique = self._logs(n, params, unique_n)
        return law.log_loss(np, x - self.design.x0, self._effective(t, log_unique) - self.design.t0, self.law)

    def log_limit(self, params: float) -> Float[np.ndarray, " draw"]:
        """Draws of the log of what the law leaves to a model of this size with data without end: E + A N^-a."""
        c = self.constants
        return np.logaddexp(np.log(c.floor), c.log_scale_n - c.a * np.log(params))

    def _logs(self, n: Sizes, params: Sizes, unique_n: Sizes | None) -> tuple[OfRows, ...]:
        given = [np.atleast_1d(np.asarray(v, dtype=float)) for v in (params, n, n if unique_n is None else unique_n)]
        x, t, unique = np.broadcast_arrays(*given)
        if not all(np.isfinite(v).all() and (v > 0).all() for v in (x, t, unique)):
            raise RequestError(
                "found a size that is not positive; expected n, params and unique_n above 0, such as 1e9"
            )
        return np.log(x), np.log(t), np.log(np.minimum(unique, t))

    def _effective(self, t: OfRows, log_unique: OfRows) -> Draws:
        return law.log_effective(np, t, log_unique, self.values[:, 8, None])

    @cached_property
    def _waves(self) -> Waves:
        return Waves.drawn(np.random.default_rng([self.seed, 13]), len(self.values), self.design.card.memory)

    @cached_property
    def _pull(self) -> Float[np.ndarray, "draw row"]:
        """Weights [draw, run] of the drift's correlation with the data, by which its mean elsewhere is interpolated."""
        data = density.rotated(self.design)
        noise, wander = density.variances(np, self.values)
        level = density.law_at(np, self.values, data.u, data.t, data.log_unique, data.t0)
        rng = np.random.default_rng([self.seed, 17])
        made = np.sqrt(noise * self.design.tuned.relative) * rng.standard_normal(level.shape)
        made += np.sqrt(wander) * self._waves.at(self.design.tuned.places)
        return wander * ((((data.y - level - made) @ data.turn) / (wander * data.eigenvalues + noise)) @ data.turn.T)

    def _drift(self, places: Float[np.ndarray, "point 2"]) -> Draws:
        """Draws of the drift given the data."""
        near = drift.correlation(np, self.design.tuned.places, places, self.design.card.memory)
        return np.exp(self.values[:, 7, None]) * self._waves.at(places) + self._pull @ near

    # Where it was measured ---------------------------------------------------------------------------

    @cached_property
    def _edges(self) -> Float[np.ndarray, "edge 3"]:
        """Half planes whose common part the measured points span, in the logs of parameters and of data."""
        points = np.stack([self.design.x, self.design.t], -1)
        try:
            return ConvexHull(points).equations
        except QhullError:  # on one line
            low, high = points.min(0), points.max(0)
            return np.array([[1, 0, -high[0]], [0, 1, -high[1]], [-1, 0, low[0]], [0, -1, low[1]]], dtype=float)

    def outside(self, n: np.ndarray, params: np.ndarray) -> np.ndarray:
        """Whether points lie outside all that was measured: the convex hull of the logs of both sizes."""
        points = np.stack([np.log(params), np.log(n)], -1)
        return (points @ self._edges[:, :2].T + self._edges[:, 2] > SLACK).any(-1)

    def decades_beyond(self, n: np.ndarray, params: np.ndarray) -> np.ndarray:
        """Decades beyond the largest measured size or amount of data, of whichever is further; 0 within."""
        ahead = [np.log10(params) - self.design.x.max() / np.log(10), np.log10(n) - self.design.t.max() / np.log(10)]
        return np.maximum(np.maximum(*ahead), 0.0)
