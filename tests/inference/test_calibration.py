"""Is the posterior right on average? Simulated truth: coverage of intervals, and simulation-based calibration.

Simulation-based calibration (Talts et al. 2018): draw parameters from the prior and data from the parameters, fit,
and rank the truth among posterior draws. Ranks are uniform if and only if prior, likelihood, sampler and forecast
tell one story. The broken twins tell another one, on purpose, and must be caught by the same test.

Both engines are judged: the default one by 1000 simulations, NUTS by fewer, each a fit of its own.

Every test prints its numbers; ``uv run pytest -m slow -s tests/inference/test_calibration.py`` shows them.
"""

from __future__ import annotations

import msgspec
import numpy as np
import pytest
from scipy import stats

from forecaster.curves.reading.read import read_curves
from forecaster.domains.domain import Domain
from forecaster.domains.loading import load_card
from forecaster.domains.quantities import CENTRES
from forecaster.inference.engines.ensemble.settings import MANY as FEW
from forecaster.inference.fit import fit
from forecaster.inference.posterior import Posterior, diagnostics
from forecaster.model import run_noise
from forecaster.model.simulate import Simulation, simulate
from forecaster.prediction.curve_keys import CurveKey
from forecaster.prediction.paths import curve_paths

pytestmark = pytest.mark.slow

QUANTITIES = ("exponent", "floor", "error")
RANKED = 99  # posterior draws among which the truth is ranked: 100 possible ranks
BINS = 20
ALPHA = 1e-3  # of each chi-square test of uniform ranks
CHUNK = 64  # groups that are fitted by one call; few of them are sampled longer, by proposals of their own kind
TOGETHER = pytest.mark.parametrize("chunk", [CHUNK, FEW], ids=["many-groups", "few-groups"])
CARD = "generic-error-rate"  # its slope wanders, unlike that of images: every part of the story is on
SBC_SIZES = np.geomspace(1_000, 64_000, 8)
WIDE_SIZES = np.geomspace(500, 256_000, 10)
SMOOTH_SIZES = np.geomspace(1_000, 1_000_000, 20)
NUTS_SIZES = np.geomspace(1_000, 64_000, 6)
NUTS_DRAWS = (250, 1_000, 4_000)  # of one chain: more where fewer are not worth RANKED independent ones


def drawn(simulation: Simulation, card: Domain, *, draws: int, keep: int, first_only: bool, chunk: int = CHUNK):
    """Posterior draws of each quantity, [group, curve, keep], evenly spaced over the chains."""
    curves, found = simulation.curves, []
    for first in range(0, len(curves.groups), chunk):
        names = [task for _, task in curves.groups[first : first + chunk]]
        posterior = fit(curves.select(task=names), card=card, draws=draws, seed=first)
        found.append(quantities(posterior, first, keep, first_only))
    return {name: np.concatenate([f[name] for f in found]) for name in found[0]}


def drawn_by_nuts(simulation: Simulation, card: Domain):
    """As :func:`drawn`, of the first curve of each group: thinned to RANKED draws from at least so many effective ones.

    Each group is fitted by itself, with a seed of its own, so that no two share the sampler's random numbers; the
    model is compiled once. How long to sample is decided from the draws alone, which leaves ranks uniform.
    """
    found, lengths, worst, divergences = [], [], [], 0.0
    for seed, (_, task) in enumerate(simulation.curves.groups):
        curves = simulation.curves.select(task=task)
        for draws in NUTS_DRAWS:
            posterior = fit(curves, card=card, engine="nuts", draws=draws, seed=seed)
            health = diagnostics(posterior).query("curve == @label", local_dict={"label": curves.curves[0].label})
            if health["ess_bulk"].min() >= RANKED:
                break
        found.append(quantities(posterior, seed, RANKED, first_only=True))
        lengths.append(draws)
        worst.append(health[["r_hat", "ess_bulk"]].agg({"r_hat": "max", "ess_bulk": "min"}))
        divergences += float(posterior.tree.sample_stats["divergences"].sum())
    used = {length: lengths.count(length) for length in NUTS_DRAWS}
    r_hat, ess = np.array(worst).T
    print(f"  simulations by draws of a chain: {used}; R-hat {r_hat.max():.3f}, ESS {ess.min():.0f} at worst;", end="")
    short = [group[1] for group, e in zip(simulation.curves.groups, ess, strict=True) if e < RANKED]
    print(f" short of {RANKED}: {', '.join(short) or 'none'}; {divergences:.0f} divergences")
    return {name: np.concatenate([f[name] for f in found]) for name in QUANTITIES}


def quantities(posterior: Posterior, seed: int, keep: int, first_only: bool):
    """Draws of each quantity, [group, curve, keep], evenly spaced over the chains."""
    out: dict[str, list] = {name: [] for name in (*QUANTITIES, "noise")}
    for group in posterior.groups:
        design = posterior.designs[group]
        chosen = np.linspace(0, posterior.draws - 1, keep).round().astype(int)
        here: dict[str, list] = {name: [] for name in out}
        for architecture in design.architectures[: 1 if first_only else None]:
            target = CurveKey(*group, architecture)
            ahead = np.exp([design.x_ref + np.log(10.0)])
            paths = curve_paths(posterior, target, ahead, seed=seed).at(ahead)
            row = posterior.tree.posterior.sel(curve=target.label)
            here["exponent"].append(row["exponent"].values.reshape(-1)[chosen])
            here["floor"].append(row["floor"].values.reshape(-1)[chosen])
            here["error"].append(np.exp(paths[chosen, 0]))
            here["noise"].append(np.exp(row["log_noise"].values.reshape(-1)[chosen]))
        for name in out:
            out[name].append(here[name])
    return {name: np.array(v) for name, v in out.items()}


def lasting(chunk: int) -> int:
    """Draws of a chain: of few groups as many as users have."""
    return 1000 if chunk == FEW else 100


def p_values(simulation: Simulation, draws) -> dict[str, float]:
    """Chi-square test of uniform ranks, for each quantity of the first architecture of every group."""
    found = {}
    for name in QUANTITIES:
        truth = simulation.truth[name].reshape(*simulation.truth["exponent"].shape, -1)[:, 0, 0]
        ranks = (draws[name][:, 0] < truth[:, None]).sum(1)
        counts = np.bincount(ranks * BINS // (RANKED + 1), minlength=BINS)
        found[name] = float(stats.chisquare(counts).pvalue)
        print(f"  {name:9s} p = {found[name]:.2g}  counts {counts.tolist()}")
    return found


def changed(card: Domain, quantity: str, **fields: float) -> Domain:
    """The card with one prior altered."""
    prior = msgspec.structs.replace(card.priors[quantity], **fields)
    return msgspec.structs.replace(card, priors={**card.priors, quantity: prior})


@pytest.fixture(scope="module")
def simulated() -> Simulation:
    return simulate(load_card(CARD), SBC_SIZES, groups=1000, architectures=3, seed=1)


def part(simulation: Simulation, groups: int) -> Simulation:
    """The first ``groups`` groups."""
    curves = simulation.curves.select(task=[task for _, task in simulation.curves.groups[:groups]])
    return Simulation(curves, {name: v[:groups] for name, v in simulation.truth.items()})


def coverage(simulation: Simulation, draws) -> dict[str, float]:
    """Share of truths inside 90 % intervals, for each quantity over all curves."""
    found = {}
    for quantity in QUANTITIES:
        low, high = np.quantile(draws[quantity], [0.05, 0.95], axis=-1)
        truth = simulation.truth[quantity].reshape(low.shape)
        inside = (low < truth) & (truth < high)
        error = inside.mean(1).std(ddof=1) / np.sqrt(len(inside))
        print(f"  {quantity:9s} {inside.mean():.3f} (standard error {error:.3f})")
        found[quantity] = float(inside.mean())
    return found


def covers(found: dict[str, float]) -> bool:
    return all(0.85 <= share <= 0.95 for share in found.values())


@pytest.mark.parametrize("name", ["generic-error-rate", "image-classification-top1"])
def test_intervals_cover_the_truth(name):
    card = load_card(name)
    simulation = simulate(card, WIDE_SIZES, groups=256, architectures=5, seed=2)
    print(f"\n{name}: share of truths inside 90 % intervals, 256 groups x 5 architectures x 10 sizes")
    assert covers(coverage(simulation, drawn(simulation, card, draws=256, keep=1024, first_only=False)))


def test_coverage_rejects_a_model_without_drift():
    card = load_card(CARD)
    wrong = broken(card, "drift-dropped")
    simulation = simulate(card, WIDE_SIZES, groups=100, architectures=5, seed=2)
    print("\nwithout drift, 100 groups")
    assert not covers(coverage(simulation, drawn(simulation, wrong, draws=256, keep=1024, first_only=False)))


@TOGETHER
def test_ranks_are_uniform(simulated, chunk):
    some = part(simulated, 400) if chunk == FEW else simulated  # 45 minutes for all, a few at a time
    print(f"\njax engine, {len(some.curves.groups)} simulations, {chunk} at a time")
    draws = drawn(some, load_card(CARD), draws=lasting(chunk), keep=RANKED, first_only=True, chunk=chunk)
    assert min(p_values(some, draws).values()) > ALPHA


def test_ranks_of_groups_of_many_curves_are_uniform():
    """Of twelve curves, with the larger particle sets that large groups have."""
    simulation = simulate(load_card(CARD), SBC_SIZES, groups=160, architectures=12, seed=7)
    print(f"\njax engine, 160 simulations of groups of twelve curves, {FEW} at a time")
    draws = drawn(simulation, load_card(CARD), draws=lasting(FEW), keep=RANKED, first_only=True, chunk=FEW)
    assert min(p_values(simulation, draws).values()) > ALPHA


TWINS = {
    "exponent-prior-too-narrow": {"log_exponent": lambda p: {"sd": 0.3 * p.sd}},
    "drift-dropped": dict.fromkeys(("log_drift", "log_slope"), lambda p: {"mean": -9.0, "sd": 0.1}),
    # A density in the exponent that is taken for one in its logarithm gains a factor exp(log_exponent), which moves
    # a normal prior by its variance.
    "jacobian-dropped": {"log_exponent": lambda p: {"mean": p.mean + p.sd**2}},
    "floor-dropped": {"floor_logit": lambda p: {"mean": -8.0, "sd": 0.1}},
}


def broken(card: Domain, twin: str) -> Domain:
    """The card with the priors of a broken twin."""
    for quantity, change in TWINS[twin].items():
        card = changed(card, quantity, **change(card.priors[quantity]))
    return card


@pytest.mark.parametrize("twin", TWINS)
def test_broken_twins_are_caught(simulated, twin):
    few = part(simulated, 384)
    print(f"\nbroken twin {twin}, 384 simulations")
    draws = drawn(few, broken(load_card(CARD), twin), draws=100, keep=RANKED, first_only=True)
    assert min(p_values(few, draws).values()) < ALPHA


SMALL = 60  # cases of a test set: luck of two to four tenths in log error


def little_drift() -> Domain:
    """A card of curves that drift little, errors around a tenth, on test sets whose luck stays from size to size."""
    return changed(load_card("image-classification-top1"), "level", mean=-2.3, sd=0.5)


@pytest.fixture(scope="module")
def on_small_test_sets() -> Simulation:
    return simulate(little_drift(), SBC_SIZES, groups=1000, architectures=3, n_test=SMALL, seed=6)


@TOGETHER
def test_ranks_on_small_test_sets_are_uniform(on_small_test_sets, chunk):
    print(f"\njax engine, 1000 simulations on test sets of {SMALL}, {chunk} at a time")
    draws = drawn(on_small_test_sets, little_drift(), draws=lasting(chunk), keep=RANKED, first_only=True, chunk=chunk)
    assert min(p_values(on_small_test_sets, draws).values()) > ALPHA


def test_luck_taken_for_the_curve_is_caught(on_small_test_sets):
    print(f"\nbroken twin without n_test, 1000 simulations on test sets of {SMALL}")
    blind = read_curves(on_small_test_sets.curves.table.drop(columns="n_test"))
    blind = Simulation(blind, on_small_test_sets.truth)
    draws = drawn(blind, little_drift(), draws=100, keep=RANKED, first_only=True)
    assert min(p_values(blind, draws).values()) < ALPHA


@pytest.fixture(scope="module")
def of_falling_noise() -> Simulation:
    """Three runs of each size, noisier the smaller it is: a trend that is not drawn from a prior."""
    simulation = simulate(noisy(), SBC_SIZES, groups=400, architectures=3, seeds=3, noise_trend=-0.4, seed=7)
    noise = np.exp(simulation.truth["values"][..., CENTRES.index("log_noise")])
    return Simulation(simulation.curves, {**simulation.truth, "noise": noise})


def noisy() -> Domain:
    """A card of curves that drift little and runs that scatter by a twentieth."""
    return changed(load_card("image-classification-top1"), "log_noise", mean=-3.0, sd=0.3)


def off_by(simulation: Simulation, draws) -> float:
    """Mean over first curves of log (median noise over the true one), at the largest size."""
    found = float(np.mean(np.log(np.median(draws["noise"][:, 0], -1) / simulation.truth["noise"][:, 0])))
    print(f"  noise at the largest size: {100 * np.expm1(found):.0f} % too high")
    return found


@TOGETHER
def test_ranks_where_noise_falls_with_size_are_uniform(of_falling_noise, chunk):
    """The noise itself is 8 % too high where its trend is believed to nine tenths, as it is of 48 spare runs."""
    print(f"\njax engine, 400 simulations of three runs a size, whose noise falls with size, {chunk} at a time")
    draws = drawn(of_falling_noise, noisy(), draws=lasting(chunk), keep=RANKED, first_only=True, chunk=chunk)
    assert min(p_values(of_falling_noise, draws).values()) > ALPHA
    assert abs(off_by(of_falling_noise, draws)) < 0.15


def test_noise_taken_for_constant_is_caught(of_falling_noise, monkeypatch):
    monkeypatch.setattr(run_noise, "trend", lambda _: 0.0)
    print("\nbroken twin, noise taken for constant, 400 simulations")
    draws = drawn(of_falling_noise, noisy(), draws=100, keep=RANKED, first_only=True)
    assert off_by(of_falling_noise, draws) > 0.5


def smooth(drift: float = -7.5) -> Domain:
    """A card of curves as smooth as losses of language models; ``drift`` is the logarithm of its usual scales."""
    card = changed(load_card(CARD), "log_noise", mean=-7.5, sd=0.5)
    for quantity in ("log_drift", "log_slope"):
        card = changed(card, quantity, mean=drift, sd=0.5)
    return card


@pytest.fixture(scope="module")
def simulated_smooth() -> Simulation:
    return simulate(smooth(), SMOOTH_SIZES, groups=192, architectures=3, seed=8)


@TOGETHER
def test_ranks_of_smooth_curves_are_uniform(simulated_smooth, chunk):
    """Their posteriors are narrow and may have several modes."""
    print(f"\njax engine, 192 simulations of smooth curves, {chunk} at a time")
    draws = drawn(simulated_smooth, smooth(), draws=lasting(chunk), keep=RANKED, first_only=True, chunk=chunk)
    assert min(p_values(simulated_smooth, draws).values()) > ALPHA


def test_drift_missed_in_smooth_curves_is_caught(simulated_smooth):
    print("\nbroken twin, little drift expected, 192 simulations of smooth curves")
    draws = drawn(simulated_smooth, smooth(drift=-10.0), draws=100, keep=RANKED, first_only=True)
    assert min(p_values(simulated_smooth, draws).values()) < ALPHA


@pytest.fixture(scope="module")
def simulated_for_nuts() -> Simulation:
    return simulate(load_card(CARD), NUTS_SIZES, groups=200, architectures=2, seed=4)


def test_ranks_by_nuts_are_uniform(simulated_for_nuts):
    """13 minutes on two shared cores. When last run, 199 of the 200 simulations reached 99 effective draws."""
    print("\nNUTS, 200 simulations of 2 architectures x 6 sizes")
    draws = drawn_by_nuts(simulated_for_nuts, load_card(CARD))
    assert min(p_values(simulated_for_nuts, draws).values()) > ALPHA


def test_a_broken_twin_by_nuts_is_caught(simulated_for_nuts):
    """6 minutes on two shared cores."""
    few = part(simulated_for_nuts, 60)
    print("\nNUTS, broken twin drift-dropped, 60 simulations")
    draws = drawn_by_nuts(few, broken(load_card(CARD), "drift-dropped"))
    assert min(p_values(few, draws).values()) < ALPHA
