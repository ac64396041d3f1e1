"""A run: burn-in, then sweeps whose walkers are kept, until the draws of each group have converged.

Groups that have converged take no part in later sweeps.
"""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Executor
from typing import NamedTuple

import numpy as np
from jaxtyping import Bool, Float, Int

from forecaster.inference.engines.ensemble import burn_in, chains, convergence, settings
from forecaster.inference.engines.ensemble.batch import Batch
from forecaster.inference.engines.ensemble.chains import Ensemble, Kernel, Resources
from forecaster.inference.engines.ensemble.kernels.adaptation import Fit
from forecaster.inference.engines.ensemble.settings import Settings
from forecaster.inference.engines.interface import LEAST_ESS, MOST_R_HAT


class Draws(NamedTuple):
    """Posterior draws of all groups, and statistics of the sampling."""

    hyper: Float[np.ndarray, "group chain draw 10"]
    values: Float[np.ndarray, "curve chain draw 8"]  # known effects included
    hyper_ess: Float[np.ndarray, " group"]  # typical effective sample size of a quantity
    curve_ess: Float[np.ndarray, " curve"]
    hyper_memory: Float[np.ndarray, " group"]  # largest autocorrelation of the first draw with the start
    curve_memory: Float[np.ndarray, " curve"]
    sweeps: Float[np.ndarray, " group"]
    evaluations: Float[np.ndarray, " curve"]  # of the likelihood


class Checked(NamedTuple):
    """Draws so far, and their effective sample sizes."""

    hyper: Float[np.ndarray, "group chain draw 10"]
    values: Float[np.ndarray, "curve chain draw 8"]
    hyper_ess: Float[np.ndarray, " group"]  # of a typical quantity
    curve_ess: Float[np.ndarray, " curve"]
    least_ess: Float[np.ndarray, " group"]  # smallest over the quantities of the group and its curves

    def only(self, groups: Bool[np.ndarray, " group"], curves: Bool[np.ndarray, " curve"]) -> Checked:
        """The part for some groups and curves."""
        sizes = self.hyper_ess[groups], self.curve_ess[curves], self.least_ess[groups]
        return Checked(self.hyper[groups], self.values[curves], *sizes)

    def at_most(self, other: Checked) -> Checked:
        """The smaller of the effective sample sizes of two checks."""
        return Checked(*self[:2], *(np.minimum(a, b) for a, b in zip(self[2:], other[2:], strict=True)))

    def converged(self, batch: Batch, ess: float, least: float, r_hat: float) -> Bool[np.ndarray, " group"]:
        """Whether each group has converged.

        Its typical quantities have the effective sample size ``ess``, all of them ``least``, and R-hat is at most
        ``r_hat``.
        """
        typical = np.minimum(self.hyper_ess, batch.reduce(np.minimum, self.curve_ess))
        of_curves = batch.reduce(np.maximum, convergence.r_hat(self.values))
        apart = np.maximum(convergence.r_hat(self.hyper), of_curves)
        return (typical >= ess) & (self.least_ess >= least) & (apart <= r_hat)


JudgeChains = Callable[[Ensemble, Settings], Checked]


def checked(ensemble: Ensemble, effort: Settings) -> Checked:
    """The reported draws among the kept positions, equally many from each sweep."""
    hyper, values = (np.stack(each) for each in zip(*ensemble.kept, strict=True))
    walkers = hyper.shape[0] * hyper.shape[1] * hyper.shape[3]
    thinned = max(1.0 / (effort.chains * effort.draws) - 1.0 / walkers, 0.0)  # precision lost by thinning
    of_hyper, of_curves = (1.0 / (thinned + 1.0 / convergence.effective_sizes(whole)) for whole in (hyper, values))
    batch = ensemble.kernel.batch
    return Checked(
        _draws(hyper, effort.draws),
        _draws(values, effort.draws) + batch.effects[:, None, None],
        convergence.typical(of_hyper),
        convergence.typical(of_curves),
        np.minimum(of_hyper.min(-1), batch.reduce(np.minimum, of_curves.min(-1))),
    )


def _draws(whole: Float[np.ndarray, "sweep chain row walker d"], draws: int) -> Float[np.ndarray, "row chain draw d"]:
    """Of every sweep as many walkers, others in each, one sweep after the other."""
    sweeps, walkers = len(whole), whole.shape[3]
    each = -(-draws // sweeps)
    parts = [whole[k][:, :, (np.arange(each) + k * walkers // sweeps) % walkers] for k in range(sweeps)]
    return np.concatenate(parts, 2).swapaxes(0, 1)[:, :, :draws]


def sampled(
    rng: np.random.Generator,
    kernel: Kernel,
    effort: Settings,
    executor: Executor,
    evaluations: Int[np.ndarray, " curve"],
    on_sweep: Callable[[int], None] = lambda _: None,
    check: JudgeChains = checked,
) -> Draws:
    """Draws from the posterior of each group of the kernel's batch; ``evaluations`` are those of its adaptation.

    Chains run side by side in ``executor``; the draws do not depend on it.
    """
    resources = Resources(executor, rng.spawn(effort.chains), on_sweep)
    ensemble = chains.started(kernel, resources, evaluations)
    ensemble, (hyper, values) = burn_in.burnt_in(rng, ensemble, resources, effort)
    parts = _Sampling(rng, resources, effort, check).until_trusted(ensemble)
    groups, curves = (
        np.argsort(np.concatenate(each)) for each in zip(*((p.groups, p.curves) for p in parts), strict=True)
    )

    def whole(name: str, order: np.ndarray) -> np.ndarray:
        return np.concatenate([part.fields[name] for part in parts])[order]

    return Draws(
        hyper=whole("hyper", groups),
        values=whole("values", curves),
        hyper_ess=whole("hyper_ess", groups),
        curve_ess=whole("curve_ess", curves),
        hyper_memory=hyper.left.max(-1),
        curve_memory=values.left.max(-1),
        sweeps=whole("sweeps", groups),
        evaluations=whole("evaluations", curves),
    )


class Part(NamedTuple):
    """Groups that have converged."""

    groups: Int[np.ndarray, " group"]  # indices in the whole batch
    curves: Int[np.ndarray, " curve"]
    fields: dict[str, np.ndarray]  # of their Draws


class _Sampling(NamedTuple):
    """Sweeps after burn-in."""

    rng: np.random.Generator
    resources: Resources
    effort: Settings
    check: JudgeChains

    def until_trusted(self, ensemble: Ensemble) -> list[Part]:
        """A group that fails the first check restarts with proposals fitted to all its draws."""
        ensemble, parts = self.fewest(ensemble.keeping()), []
        for wider, times in settings.RETRIES:
            now = self.check(ensemble, self.effort)
            trusted = now.converged(ensemble.kernel.batch, LEAST_ESS, 0.0, MOST_R_HAT)
            if trusted.any():
                parts += self.until_enough(ensemble.only(trusted), now.only(trusted, ensemble.of_curves(trusted)))
            if trusted.all():
                return parts
            ensemble = ensemble.only(~trusted)
            how = Fit(settings.RETRY_COMPONENTS, self.effort.hyper_components, wider)
            ensemble = chains.refitted(self.rng, ensemble, how)
            ensemble = ensemble._replace(kernel=ensemble.kernel.intensified(times))
            ensemble = self.fewest(chains.stepped(ensemble, self.resources).keeping())
        return parts + self.until_enough(ensemble, self.check(ensemble, self.effort))

    def until_enough(self, ensemble: Ensemble, now: Checked) -> list[Part]:
        """Sweeps until each group's draws have converged; ``now`` is what the first check found.

        If more than the minimum effective sample size is requested, two successive checks must pass and the lesser
        counts: stopping at the first success would favour estimates that are too large by chance.
        """
        effort, parts, before = self.effort, [], None
        wanted = effort.efficiency * effort.chains * effort.draws
        sizes = max(wanted, LEAST_ESS), settings.WORST * wanted
        while True:
            found = now if before is None else now.at_most(before)
            may = before is not None or not effort.efficiency
            converged = found.converged(ensemble.kernel.batch, *sizes, effort.r_hat)
            done = converged & may | (len(ensemble.kept) >= effort.sweeps)
            if done.any():
                parts.append(_part(ensemble.only(done), found.only(done, ensemble.of_curves(done))))
            if done.all():
                return parts
            before = now.only(~done, ensemble.of_curves(~done)) if effort.efficiency else None
            ensemble = ensemble.only(~done)
            for _ in range(settings.CHECK_EVERY):
                ensemble = chains.stepped(ensemble, self.resources).keeping()
            now = self.check(ensemble, effort)

    def fewest(self, ensemble: Ensemble) -> Ensemble:
        """The smallest number of sweeps to keep."""
        while len(ensemble.kept) < self.effort.kept:
            ensemble = chains.stepped(ensemble, self.resources).keeping()
        return ensemble


def _part(ensemble: Ensemble, found: Checked) -> Part:
    fields = found._asdict() | {
        "sweeps": np.full(len(ensemble.groups), float(ensemble.sweeps)),
        "evaluations": ensemble.evaluations,
    }
    return Part(ensemble.groups, ensemble.curves, fields)
