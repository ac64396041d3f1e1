"""Chains of an ensemble over a batch of groups, for any kernel."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Executor
from typing import Any, NamedTuple, Protocol, runtime_checkable

import numpy as np
from jaxtyping import Bool, Float, Int

from forecaster.inference.engines.ensemble import settings
from forecaster.inference.engines.ensemble.batch import Batch
from forecaster.inference.engines.ensemble.kernels.adaptation import Fit
from forecaster.inference.engines.ensemble.settings import Settings


@runtime_checkable
class State(Protocol):
    """The positions of one chain's walkers."""

    @property
    def hyper(self) -> Float[np.ndarray, "group walker 10"]: ...
    @property
    def values(self) -> Float[np.ndarray, "curve walker 8"]: ...
    def only(self, groups: Any, curves: Any) -> Any: ...


@runtime_checkable
class Info(Protocol):
    """What one step of a kernel returns beside the new state."""

    @property
    def evaluations(self) -> int: ...


@runtime_checkable
class Kernel(Protocol):
    """A Markov kernel that leaves the posterior of its batch's groups invariant (``init`` and ``step`` as in blackjax).

    ``refitted`` adapts its proposals to walkers; ``intensified`` multiplies the work per step.
    """

    @property
    def batch(self) -> Batch: ...
    def init(self, rng: np.random.Generator) -> tuple[State, Info]: ...
    def step(self, rng: np.random.Generator, state: Any) -> tuple[State, Info]: ...
    def only(self, groups: Any, curves: Any) -> Any: ...
    def refitted(self, rng: np.random.Generator, hyper: Any, values: Any, how: Fit) -> Any: ...
    def intensified(self, times: int) -> Any: ...


class Resources(NamedTuple):
    """The resources that chains run with."""

    executor: Executor  # for chains
    rngs: list[np.random.Generator]  # of each chain
    on_sweep: Callable[[int], None]  # called with the number of sweeps


class Ensemble(NamedTuple):
    """An ensemble of walkers for a batch of groups."""

    groups: Int[np.ndarray, " group"]  # indices in the whole batch
    curves: Int[np.ndarray, " curve"]
    kernel: Kernel
    states: tuple[State, ...]  # of each chain
    evaluations: Float[np.ndarray, " curve"]  # of each curve's likelihood, so far
    sweeps: int  # so far
    # Of each sweep that is kept.
    kept: tuple[tuple[Float[np.ndarray, "chain group walker 10"], Float[np.ndarray, "chain curve walker 8"]], ...]

    def only(self, chosen: Bool[np.ndarray, " group"]) -> Ensemble:
        """The part for some groups."""
        groups, curves = np.flatnonzero(chosen), np.flatnonzero(self.of_curves(chosen))
        return Ensemble(
            self.groups[groups],
            self.curves[curves],
            self.kernel.only(groups, curves),
            tuple(state.only(groups, curves) for state in self.states),
            self.evaluations[curves],
            self.sweeps,
            tuple((hyper[:, groups], values[:, curves]) for hyper, values in self.kept),
        )

    def of_curves(self, of_groups: Bool[np.ndarray, " group"]) -> Bool[np.ndarray, " curve"]:
        """Values by group, repeated for each of its curves."""
        return of_groups[self.kernel.batch.owner]

    def keeping(self) -> Ensemble:
        """With the current positions of the walkers added to those kept."""
        now = (np.stack([s.hyper for s in self.states]), np.stack([s.values for s in self.states]))
        return self._replace(kept=(*self.kept, now))


def started(kernel: Kernel, resources: Resources, evaluations: Int[np.ndarray, " curve"]) -> Ensemble:
    """The initial ensemble; ``evaluations`` counts those made before."""
    found = list(resources.executor.map(kernel.init, resources.rngs))
    states, infos = zip(*found, strict=True)
    total = evaluations + float(sum(info.evaluations for info in infos))
    every = np.arange(len(kernel.batch.mean)), np.arange(len(kernel.batch.owner))
    return Ensemble(*every, kernel, states, total, 0, ())


def stepped(ensemble: Ensemble, resources: Resources) -> Ensemble:
    """The ensemble after one step of each chain."""
    states, infos = zip(*resources.executor.map(ensemble.kernel.step, resources.rngs, ensemble.states), strict=True)
    resources.on_sweep(ensemble.sweeps + 1)
    evaluations = ensemble.evaluations + float(sum(info.evaluations for info in infos))
    return ensemble._replace(states=states, evaluations=evaluations, sweeps=ensemble.sweeps + 1)


def usual_fit(effort: Settings) -> Fit:
    """How proposals are fitted to converged walkers."""
    return Fit(effort.components, effort.hyper_components, settings.WIDER, effort.tails)


def refitted(rng: np.random.Generator, ensemble: Ensemble, how: Fit) -> Ensemble:
    """With proposals fitted to all kept positions, which are then discarded."""
    hyper, values = (_end_to_end(np.stack(each)) for each in zip(*ensemble.kept, strict=True))
    return ensemble._replace(kernel=ensemble.kernel.refitted(rng, hyper, values, how), kept=())


def _end_to_end(whole: Float[np.ndarray, "sweep chain row walker d"]) -> Float[np.ndarray, "row n d"]:
    return np.moveaxis(whole, 2, 0).reshape(whole.shape[2], -1, whole.shape[-1])
