"""The default engine against long NUTS chains, and against itself: batches, padding, seeds.

Two engines are compared quantity by quantity in posterior standard deviations. A difference of means may be up to
0.1 of them, plus four standard errors of Monte Carlo; a quantile's probability under the other engine's draws may be
off by 0.02, plus four standard errors. A broken twin shows that the comparison can tell.
"""

from __future__ import annotations

import dataclasses
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from typing import NamedTuple

import msgspec
import numpy as np
import pandas as pd
import pytest
from arviz_stats.base import array_stats
from joblib import Parallel

from forecaster._support import workers
from forecaster.curves.reading.read import read_curves
from forecaster.domains.domain import Domain
from forecaster.domains.loading import load_card
from forecaster.domains.quantities import CENTRES, LEARNED_SPREADS
from forecaster.inference.assembly import assemble
from forecaster.inference.engines import nuts
from forecaster.inference.engines.ensemble import convergence, run, sampler
from forecaster.inference.engines.ensemble import settings as tuned
from forecaster.inference.engines.ensemble.batch import Shape, batch_of, length_of
from forecaster.inference.engines.ensemble.executors import Serial
from forecaster.inference.engines.ensemble.likelihood import likelihood_of
from forecaster.inference.engines.interface import MOST_R_HAT, GroupDraws
from forecaster.inference.posterior import Posterior
from forecaster.model import pymc_model
from forecaster.model.design import Design, design_of
from forecaster.model.simulate import simulate
from forecaster.prediction.curve_keys import CurveKey
from forecaster.prediction.paths import curve_paths

MEAN_WITHIN, QUANTILE_WITHIN, ERRORS = 0.1, 0.02, 4.0
LEVELS = (0.05, 0.5, 0.95)
CARD = load_card("tabular-classification")
SIZES = np.geomspace(1_000, 64_000, 7)
SIMULATED = simulate(CARD, [SIZES, SIZES[:4], SIZES[1:]], groups=4, architectures=3, seed=3).curves  # unequal lengths


@pytest.fixture(autouse=True, scope="module")
def several_cores():
    """Chains in threads, whatever other tests run beside these."""
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(workers, "cores", lambda: 2)
        yield


def alone(group: int) -> Design:
    """One simulated group by itself."""
    return design_of(SIMULATED, SIMULATED.groups[group], CARD)


def posterior(design: Design, found: GroupDraws, card: Domain = CARD) -> Posterior:
    group = (design.domain, design.task)
    return assemble(SIMULATED.select(task=design.task), {group: card}, [found], seed=0)


class Drawn(NamedTuple):
    """Draws [chain, draw] of one quantity, and how many independent ones they are worth."""

    draws: np.ndarray
    worth: float


def quantities(found: Posterior) -> dict[str, Drawn]:
    """Everything reported of the first group: hyper-parameters, curves, errors far out."""
    data, (group, *_) = found.tree.posterior, found.groups
    names = (*CENTRES, *LEARNED_SPREADS)
    limits = engine_says(found)
    hyper = np.concatenate([data["centre"].values[:, :, 0], data["log_spread"].values[:, :, 0]], -1)
    out = {f"centre of {name}": drawn(hyper[..., i], limits.min()) for i, name in enumerate(names)}
    shape, design = hyper.shape[:2], found.designs[group]
    for i, architecture in enumerate(design.architectures):
        own = {name: data[name].values[..., i] for name in (*CENTRES, "exponent", "floor")}
        sizes = np.exp(design.x_ref) * np.array([2.0, 10.0])
        paths = curve_paths(found, CurveKey(*group, architecture), sizes, seed=i).at(sizes)
        own |= {f"log error at {m}x": p.reshape(shape) for m, p in zip((2, 10), paths.T, strict=True)}
        out |= {f"{name}, {architecture}": drawn(v, limits[i]) for name, v in own.items()}
    return out


def engine_says(found: Posterior) -> np.ndarray:
    """Limits that the engine sets to the worth of draws, [curve]: walkers err together, which ArviZ cannot see."""
    stats = found.tree.sample_stats
    if "curve_ess" not in stats:
        return np.full(len(found.curves.curves), np.inf)
    return np.minimum(stats["hyper_ess"].values[0], stats["curve_ess"].values)


def drawn(draws: np.ndarray, limit: float) -> Drawn:
    axes = {"chain_axis": 0, "draw_axis": 1}
    worth = [np.min(array_stats.ess(draws[..., None], method=m, **axes)) for m in ("bulk", "mean")]
    return Drawn(draws, float(min(*worth, limit)))


def disagreements(these: dict[str, Drawn], those: dict[str, Drawn], quantiles_of: tuple[str, ...]) -> list[str]:
    """What differs beyond the allowance, in words; ``quantiles_of`` are beginnings of names."""
    found = []
    for name, (a, worth_a) in these.items():
        b, worth_b = those[name]
        error = np.sqrt(1 / worth_a + 1 / worth_b)
        sd = np.sqrt((a.var() + b.var()) / 2)
        apart = abs(a.mean() - b.mean()) / sd
        if apart > MEAN_WITHIN + ERRORS * error:
            found.append(f"{name}: means {apart:.2f} sd apart, {error:.3f} standard error")
        if not name.startswith(quantiles_of):
            continue
        for level in LEVELS:
            share = np.mean(a < np.quantile(b, level))
            if abs(share - level) > QUANTILE_WITHIN + ERRORS * error * np.sqrt(level * (1 - level)):
                found.append(f"{name}: quantile {level:g} of one is quantile {share:.3f} of the other")
    return found


def assert_agree(these: Posterior, those: Posterior) -> None:
    asked = ("exponent", "floor", "log error at")
    found = disagreements(quantities(these), quantities(those), asked)
    assert not found, "\n".join(found)


@pytest.fixture(scope="module")
def batch() -> list[GroupDraws]:
    """All simulated groups, fitted together."""
    return sampler.sample([alone(g) for g in range(len(SIMULATED.groups))], seed=0)


@pytest.fixture(scope="module")
def fitted(batch) -> Posterior:
    return posterior(alone(0), batch[0])


@pytest.fixture(scope="module")
def reference() -> Posterior:
    return posterior(alone(0), nuts.sample(alone(0), seed=1, tune=600, draws=1200))


def test_reference_converged(reference):
    health = reference.diagnostics()
    assert health["r_hat"].max() < 1.02
    assert health[["ess_bulk", "ess_tail"]].min().min() > 300


def test_nuts_draws_do_not_depend_on_what_the_model_was_compiled_for(reference):
    """One compiled model serves groups of one shape; a group's draws are those of a model of its own, to the bit."""
    assert pymc_model.graph_of(alone(1)) == pymc_model.graph_of(alone(0))
    assert not any((pymc_model.data_of(alone(1))["y"] == pymc_model.data_of(alone(0))["y"]).all(1))
    few = {"seed": 2, "tune": 100, "draws": 50}
    compiled = dict(nuts._compiled)
    shared = nuts.sample(alone(1), **few)
    assert nuts._compiled == compiled
    nuts._compiled.clear()
    own = nuts.sample(alone(1), **few)
    for name in ("centre", "log_spread", "values"):
        np.testing.assert_array_equal(getattr(shared, name), getattr(own, name))


def test_nuts_on_the_filtered_density_agrees(reference):
    few = {"chains": 2, "tune": 200, "draws": 250, "target_accept": 0.9}  # each step goes through Python
    filtered = nuts.sample(alone(0), seed=3, density="jax", **few)
    assert_agree(posterior(alone(0), filtered), reference)


def test_many_sizes_go_through_the_filter():
    sizes = [len(c.x) for c in alone(0).curves]
    assert max(sizes) <= nuts.MANY_SIZES
    assert nuts.density_for(alone(0)) == "pymc"
    one = alone(0).curves[0]
    longer = dataclasses.replace(one, x=np.linspace(one.x[0], one.x[-1], nuts.MANY_SIZES + 1))
    assert nuts.density_for(dataclasses.replace(alone(0), curves=(longer,))) == "jax"


def test_default_engine_agrees_with_nuts(fitted, reference):
    assert_agree(fitted, reference)


@pytest.mark.parametrize("quantity", ["log_exponent", "floor_logit", "log_drift"])
def test_a_prior_one_sd_off_is_noticed(reference, quantity):
    prior = CARD.priors[quantity]
    prior = msgspec.structs.replace(prior, mean=prior.location + prior.scale)
    card = msgspec.structs.replace(CARD, priors={**CARD.priors, quantity: prior})
    design = design_of(SIMULATED, SIMULATED.groups[0], card)
    wrong = posterior(design, sampler.sample([design], seed=0)[0], card)
    assert disagreements(quantities(wrong), quantities(reference), ("exponent", "floor", "log error at"))


def test_chains_agree_with_one_another(batch):
    for g, one in enumerate(batch):
        found = posterior(alone(g), one)
        assert found.diagnostics()["r_hat"].max() < 1.05
        assert max(one.stats["hyper_memory"], *one.curve_stats["memory"]) < 0.1
        assert sampler.trusted(one)
        assert engine_says(found).min() > 100


def test_a_group_alone_is_the_group_in_a_batch(batch):
    """Other keys, other padding of the batch, the same posterior."""
    for g in (1, 3):
        assert_agree(posterior(alone(g), batch[g]), posterior(alone(g), sampler.sample([alone(g)], seed=7)[0]))


def test_likelihoods_of_some_curves_are_those_of_all():
    """Whichever curves are asked for, by any number of threads, and with known effects inside."""
    rng = np.random.default_rng(0)
    batch = batch_of([alone(g) for g in range(4)])
    batch = batch._replace(effects=0.1 * rng.standard_normal(batch.effects.shape))
    every = np.arange(len(batch.owner))
    points = CARD.hyper_mean[1 : len(CENTRES)] + 0.3 * rng.standard_normal((len(every), 700, len(CENTRES) - 1))
    whole = likelihood_of(batch, Serial(), np.float64)(points, every)
    with ThreadPoolExecutor(2) as pool:
        found = likelihood_of(batch, pool, np.float64)
        for rows in (every, np.array([1, 4, 7]), np.array([11, 0])):
            for a, b in zip(found(points[rows], rows), whole, strict=True):
                np.testing.assert_allclose(a, b[rows], rtol=1e-10)


def test_likelihoods_do_not_depend_on_the_shape_that_arrays_are_padded_to():
    """A larger shape, with the terms of repeats and of test sets that no curve has."""
    design = alone(0)
    own = batch_of([design])
    larger = batch_of([design], Shape(own.shape.length + 8, 6, True, True))
    assert larger.shape.length > own.shape.length
    points = CARD.hyper_mean[1 : len(CENTRES)] + np.zeros((len(own.owner), 3, len(CENTRES) - 1))
    every = np.arange(len(own.owner))
    for a, b in zip(*(likelihood_of(b, Serial(), np.float64)(points, every) for b in (own, larger)), strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-9)
    assert batch_of([design], own.shape._replace(length=4)).shape == own.shape  # too small to hold it


def most_apart(batch, points: np.ndarray) -> tuple[float, float]:
    """How far single precision errs in log likelihoods up to a constant, and in means of levels, in their sds."""
    single, double = (likelihood_of(batch, Serial(), kind)(points, np.arange(len(points))) for kind in KINDS)
    off = single.log_z - double.log_z
    level = (single.mean - double.mean) / np.sqrt(double.variance)
    return float(np.abs(off - np.median(off, 1, keepdims=True)).max()), float(np.abs(level).max())


KINDS = (np.float32, np.float64)


@pytest.mark.parametrize("card", ["image-classification-top1", "tabular-classification", "generic"])
def test_single_precision_tells_likelihoods_apart(card):
    """At curves that the card holds for likely, given their data: to a hundredth of a nat."""
    card = load_card(card)
    sizes = np.geomspace(1e3, 1e8, 40)
    simulated = simulate(card, sizes, groups=6, architectures=3, seed=5)
    batch = batch_of([design_of(simulated.curves, group, card) for group in simulated.curves.groups])
    truth = simulated.truth["values"].reshape(len(batch.owner), 1, len(CENTRES))[..., 1:]
    points = truth + 0.05 * np.random.default_rng(0).standard_normal((len(truth), 50, truth.shape[-1]))
    assert max(most_apart(batch, points)) < 0.01


def test_a_part_of_a_batch_is_the_batch_of_that_part():
    designs = [alone(g) for g in range(4)]
    whole = batch_of(designs)
    groups = np.array([1, 3])
    part, direct = whole.only(groups, whole.curves_of(groups)), batch_of([designs[g] for g in groups])
    for name in ("owner", "memory", "mean", "sd", "spread_fixed", "effects"):
        np.testing.assert_array_equal(getattr(part, name), getattr(direct, name))
    for a, b in zip(part.curves, direct.curves, strict=True):
        np.testing.assert_array_equal(a, b)


def test_a_group_goes_on_until_its_own_draws_are_enough():
    """A group made hard by what its draws are said to be worth; the other stops where it did.

    Groups share random numbers, which part once one of them takes no part any more. So what the other's draws are worth
    is said, too, in both runs; of the hard one alone it is measured.
    """
    designs, hard = [alone(g) for g in range(2)], 0
    effort = sampler.settings_for(designs, 1000, many=False)._replace(r_hat=np.inf)

    def sampled(said: float) -> list[GroupDraws]:
        def check(ensemble, effort):
            found = run.checked(ensemble, effort)
            if ensemble.groups.tolist() == [hard]:
                return found
            ess = np.where(ensemble.groups == hard, said, 1e4)
            return found._replace(hyper_ess=ess, curve_ess=np.full(len(ensemble.curves), 1e4), least_ess=ess)

        return sampler.sample_batch(np.random.default_rng(0), designs, effort, 2, check=check)

    plain, found = sampled(1e4), sampled(1.0)
    more = [b.stats["sweeps"] - a.stats["sweeps"] for a, b in zip(plain, found, strict=True)]
    assert more[hard] > 0
    assert more[1] == 0
    for g in range(2):
        assert_agree(posterior(alone(g), found[g]), posterior(alone(g), plain[g]))


def test_chains_that_lie_apart_are_noticed():
    """Against ArviZ; and one chain of four that is off by three quarters of an sd makes draws that are not believed."""
    draws = np.random.default_rng(0).standard_normal((4, 500, 3))
    expected = max(float(array_stats.rhat(draws[..., i], method="identity")) for i in range(3))
    assert convergence.r_hat(draws[None])[0] == pytest.approx(expected, abs=2e-3)
    assert convergence.r_hat(draws[None])[0] < MOST_R_HAT
    draws[0, :, 2] += 0.75
    assert convergence.r_hat(draws[None])[0] > MOST_R_HAT


def test_padding_changes_nothing(fitted, monkeypatch):
    monkeypatch.setattr(tuned, "WIDTHS", (4,))
    monkeypatch.setattr(tuned, "LENGTHS", (12,))
    assert_agree(fitted, posterior(alone(0), sampler.sample([alone(0)], seed=5)[0]))


def test_seeds_repeat_to_the_bit(batch):
    again = sampler.sample([alone(g) for g in range(len(SIMULATED.groups))], seed=0)
    for one, two in zip(batch, again, strict=True):
        for name in ("centre", "log_spread", "values"):
            np.testing.assert_array_equal(getattr(one, name), getattr(two, name))
    one, other = (sampler.sample([alone(0)], seed=seed)[0] for seed in (0, 1))
    assert not np.array_equal(one.values, other.values)


def test_processes_draw_what_threads_draw(monkeypatch):
    """One batch a group, so that there are enough for two processes; a device that the user asks for gets threads."""
    monkeypatch.setattr(tuned, "TOGETHER", 1)
    monkeypatch.setattr(tuned, "MANY_SHORT_GROUPS", tuned.MANY_SHORT_GROUPS._replace(walkers=40))
    monkeypatch.setattr(tuned, "MANY", 1)
    monkeypatch.setattr(workers, "cores", lambda: 2)
    designs = [alone(g) for g in range(4)]
    asked: list[int] = []
    monkeypatch.setattr("joblib.Parallel", lambda n, **options: asked.append(n) or Parallel(n, **options))
    beside = sampler.sample(designs, seed=0, draws=100)
    assert asked == [2]
    monkeypatch.setenv("JAX_PLATFORMS", "cuda,cpu")
    for one, two in zip(beside, sampler.sample(designs, seed=0, draws=100), strict=True):
        for name in ("centre", "log_spread", "values"):
            np.testing.assert_array_equal(getattr(one, name), getattr(two, name))
    assert asked == [2]


def test_the_process_that_shares_work_out_loads_no_jax():
    """Of a fresh one, that reads curves and shares them out."""
    code = (
        "import sys; from forecaster._support import workers\n"
        "from forecaster.inference.engines.ensemble import sampler\n"
        "workers.cores = lambda: 2; workers.shared_out = lambda *a, **k: iter(())\n"
        "list(sampler._side_by_side([0] * 4, 2, print)); print('jax' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout == "False\n"


def test_many_groups_of_few_sizes_get_larger_clouds(monkeypatch):
    """So few leave far tails; of longer curves among them, or of few groups, it is as ever."""
    designs = [alone(0), alone(0)]
    few, short = (sampler.settings_for(designs, 100, many) for many in (False, True))
    assert short.particles == 2 * few.particles
    assert short.walkers == tuned.MANY_GROUPS.walkers < few.walkers
    assert short.refits > tuned.MANY_GROUPS.refits
    monkeypatch.setattr(tuned, "SHORT", length_of(alone(0)) - 1)
    assert sampler.settings_for(designs, 100, many=True).particles == few.particles


def test_groups_of_more_curves_get_larger_clouds():
    few, some, many = (
        sampler.settings_for([dataclasses.replace(alone(0), curves=alone(0).curves[:1] * k)], 100, many=False)
        for k in (8, 16, 17)
    )
    assert few.particles < some.particles < many.particles


def test_progress_counts_the_sweeps_of_a_single_group():
    said = []
    (one,) = sampler.sample([alone(0)], seed=0, on_progress=lambda what, share: said.append((what, share)))
    swept = [what for what, _ in said if "sweep" in what]
    assert said[0] == ("compiling", 0.0)
    assert said[1][0] == "sampling 0 of 1 groups: sweep 1"
    assert swept[-1] == f"sampling 0 of 1 groups: sweep {one.stats['sweeps']:.0f}"
    assert len(swept) == one.stats["sweeps"]
    assert said[-1] == ("done", 1.0)


def test_one_architecture_alone():
    """Nothing to pool, and several runs of each size."""
    curves = simulate(CARD, SIZES[:6], architectures=1, seeds=2, seed=5).curves
    design = design_of(curves, curves.groups[0], CARD)
    by_engine = (sampler.sample([design], seed=0)[0], nuts.sample(design, seed=0, tune=600, draws=800))
    assert_agree(*(assemble(curves, {curves.groups[0]: CARD}, [d], seed=0) for d in by_engine))


def test_smooth_curves_are_found_where_their_exponents_are():
    """Losses within 0.03 % of power laws with floors.

    A bend as wide as all sizes and an exponent twice as large follow them, too, at odds of one in 100,000 (by Laplace's
    approximation of both modes). Proposals tempered with few points had lost the likely mode and kept to that one.
    """
    rng = np.random.default_rng(0)
    sizes = np.geomspace(1e6, 1e9, 20)
    exponents, rows = [], []
    for i in range(5):
        exponent, floor = rng.uniform(0.2, 0.3), rng.uniform(0.2, 0.4)
        losses = (floor + (sizes * (1 + 0.1 * i) / 2e5) ** -exponent) * np.exp(3e-4 * rng.standard_normal(len(sizes)))
        exponents.append(exponent)
        rows += [("lm", "web", f"net-{i}", n, loss) for n, loss in zip(sizes * (1 + 0.1 * i), losses, strict=True)]
    curves = read_curves(pd.DataFrame(rows, columns=["domain", "task", "architecture", "n", "error"]))
    (found,) = sampler.sample([design_of(curves, curves.groups[0], load_card("generic"))], seed=0)
    assert sampler.trusted(found)
    log_exponent = found.values[..., CENTRES.index("log_exponent")]
    assert np.median(log_exponent, (0, 1)) == pytest.approx(np.log(exponents), abs=0.05)
    assert (abs(log_exponent - np.log(exponents)) < 0.3).mean() > 0.999
