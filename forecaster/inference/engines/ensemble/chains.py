"""Chains of an ensemble over groups that are being sampled, for any kernel."""

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
    """Where one chain's walkers are."""

    @property
    def hyper(self) -> Float[np.ndarray, "group walker 10"]: ...
    @property
    def values(self) -> Float[np.ndarray, "curve walker 8"]: ...
    def only(self, groups: Any, curves: Any) -> Any: ...


@runtime_checkable
class Info(Protocol):
    """What a step took."""

    @property
    def evaluations(self) -> int: ...


@runtime_checkable
class Kernel(Protocol):
    """A Markov kernel that leaves the posterior of its batch's groups invariant (``init`` and ``step`` as in blackjax).

    ``refitted`` adapts its proposals to walkers, ``intensified`` works so many times as hard a step.
    """

    @property
    def batch(self) -> Batch: ...
    def init(self, rng: np.random.Generator) -> tuple[State, Info]: ...
    def step(self, rng: np.random.Generator, state: Any) -> tuple[State, Info]: ...
    def only(self, groups: Any, curves: Any) -> Any: ...
    def refitted(self, rng: np.random.Generator, hyper: Any, values: Any, how: Fit) -> Any: ...
    def intensified(self, times: int) -> Any: ...


class Resources(NamedTuple):
    """What chains run on."""

    executor: Executor  # for chains
    rngs: list[np.random.Generator]  # of each chain
    on_sweep: Callable[[int], None]  # told how many there were


class Ensemble(NamedTuple):
    """Groups that are being sampled."""

    groups: Int[np.ndarray, " group"]  # indices in the whole batch
    curves: Int[np.ndarray, " curve"]
    kernel: Kernel
    states: tuple[State, ...]  # of each chain
    evaluations: Float[np.ndarray, " curve"]  # of each curve's likelihood, so far
    sweeps: int  # so far
    # Of each sweep that is kept.
    kept: tuple[tuple[Float[np.ndarray, "chain group walker 10"], Float[np.ndarray, "chain curve walker 8"]], ...]

    def only(self, chosen: Bool[np.ndarray, " group"]) -> Ensemble:
        """Those groups alone."""
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
        """What holds of each curve's group."""
        return of_groups[self.kernel.batch.owner]

    def keeping(self) -> Ensemble:
        """With the walkers' positions among those that are kept."""
        now = (np.stack([s.hyper for s in self.states]), np.stack([s.values for s in self.states]))
        return self._replace(kept=(*self.kept, now))


def started(kernel: Kernel, resources: Resources, evaluations: Int[np.ndarray, " curve"]) -> Ensemble:
    """An ensemble where the kernel starts; ``evaluations`` are those before."""
    found = list(resources.executor.map(kernel.init, resources.rngs))
    states, infos = zip(*found, strict=True)
    total = evaluations + float(sum(info.evaluations for info in infos))
    every = np.arange(len(kernel.batch.mean)), np.arange(len(kernel.batch.owner))
    return Ensemble(*every, kernel, states, total, 0, ())


def stepped(ensemble: Ensemble, resources: Resources) -> Ensemble:
    """After a step of each chain."""
    states, infos = zip(*resources.executor.map(ensemble.kernel.step, resources.rngs, ensemble.states), strict=True)
    resources.on_sweep(ensemble.sweeps + 1)
    evaluations = ensemble.evaluations + float(sum(info.evaluations for info in infos))
    return ensemble._replace(states=states, evaluations=evaluations, sweeps=ensemble.sweeps + 1)


def usual_fit(effort: Settings) -> Fit:
    """How proposals are fitted to walkers that can be trusted."""
    return Fit(effort.components, effort.hyper_components, settings.WIDER, effort.tails)


def refitted(rng: np.random.Generator, ensemble: Ensemble, how: Fit) -> Ensemble:
    """With proposals fitted to all positions that are kept; none kept."""
    hyper, values = (_end_to_end(np.stack(each)) for each in zip(*ensemble.kept, strict=True))
    return ensemble._replace(kernel=ensemble.kernel.refitted(rng, hyper, values, how), kept=())


def _end_to_end(whole: Float[np.ndarray, "sweep chain row walker d"]) -> Float[np.ndarray, "row n d"]:
    return np.moveaxis(whole, 2, 0).reshape(whole.shape[2], -1, whole.shape[-1])
