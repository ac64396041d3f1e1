"""The fast log density is the reference model's, and both are a dense Gaussian's."""

from __future__ import annotations

import jax
import msgspec
import numpy as np
import pandas as pd
import pytest
from hypothesis import assume, example, given, settings
from hypothesis import strategies as st
from scipy import stats

from forecaster.curves.reading.read import read_curves
from forecaster.domains.domain import Architecture, Domain
from forecaster.domains.floor_evidence import FloorEvidence
from forecaster.domains.loading import load_card
from forecaster.domains.quantities import CENTRES, LEARNED
from forecaster.model import density, drift, pymc_model
from forecaster.model import law as laws
from forecaster.model.design import LOCAL, Design, design_of
from forecaster.model.floor_terms import log_evidence

TYPICAL = np.array([-1.2, 0.5, -0.5, -4.0, -3.5, -4.0, 0.5])  # of LOCAL
FREE = ("centre", "log_spread", "level", "offset")  # the model's free variables, in its order


@pytest.fixture(autouse=True, scope="module")
def double_precision():
    with jax.enable_x64(True):
        yield


def made(card: str | Domain, lengths: tuple[int, ...], *, seeds: int = 1, n_test: int | None = None) -> Design:
    """A group whose architectures have these numbers of sizes, measured by so many seeds."""
    rng = np.random.default_rng(0)
    rows = []
    for i, length in enumerate(lengths):
        for j, n in enumerate(np.geomspace(1_000, 50_000 * (1 + i), length).round()):
            for seed in range(1 + j % seeds):  # one seed at some sizes, several at others
                error = np.exp(-0.7 - 0.2 * np.log(n / 1000) + 0.05 * rng.standard_normal())
                rows.append(("d", "t", f"a{i}", n, error, seed, n_test))
    table = pd.DataFrame(rows, columns=["domain", "task", "architecture", "n", "error", "seed", "n_test"])
    curves = read_curves(table if n_test else table.drop(columns="n_test"))
    return design_of(curves, curves.groups[0], load_card(card) if isinstance(card, str) else card)


KNOWN = Architecture(
    effects={"log_exponent": 0.3, "floor_logit": -0.8, "log_slope": 0.5}, source="hestness2017", why="for this test"
)
EVIDENCE = FloorEvidence.of(human="0.1:500", label_noise="20/1000", floor=(0.1, 0.3), because="a test")
DESIGNS = {
    "one architecture": made("generic-error-rate", (5,)),
    "known noise": made("image-classification-top1", (6, 6), n_test=2000),
    "unequal lengths, repeats, known noise": made("tabular-classification", (3, 12, 7), seeds=4, n_test=500),
    "evidence on the floor": made(msgspec.structs.replace(load_card("generic-error-rate"), floor=EVIDENCE), (5, 9)),
    "an architecture known by name": made(
        msgspec.structs.replace(load_card("generic-error-rate"), architectures={"a1": KNOWN}), (5, 8)
    ),
}


def arrays(design: Design, width: int) -> density.CurveArrays:
    data = pymc_model.padded(design, width)
    curves = len(design.curves)
    names = density.CurveArrays._fields[:-4]
    luck = np.array([c.luck for c in design.curves])
    places = np.full((2, curves), [[design.x_ref], [design.x_min]])
    floor = None if design.floor is None else pymc_model.floor_data(design)
    return density.CurveArrays(*(data[k] for k in names), *places, luck, floor)


level_likelihood = jax.jit(density.level_likelihood)


def chunks(length: int) -> int:
    """The padded length that the fast density needs."""
    return -(-length // density.CHUNK) * density.CHUNK


PADDING = -0.5 * float(np.log(2 * np.pi))  # what each padded point adds to the log density of the PyMC model


def free_density(design: Design):
    """The JAX log density as a function of the PyMC model's free variables, one vector."""
    curves = len(design.curves)
    longest = max(len(c.x) for c in design.curves)
    missing = sum(longest - len(c.x) for c in design.curves)
    joint = density.of_free_variables(design, arrays(design, chunks(longest)), design.slope_memory)
    size = len(CENTRES) + len(LEARNED) + (1 + len(LOCAL)) * curves
    return jax.jit(jax.value_and_grad(lambda free: joint(free) + missing * PADDING)), size


@pytest.fixture(scope="module", params=DESIGNS)
def both(request):
    """The reference's log density and gradient, the fast one's, and their number of free variables."""
    design = DESIGNS[request.param]
    built = pymc_model.build(design)
    variables = [built[name] for name in FREE]
    assert set(built.free_RVs) == set(variables)
    both = built.compile_fn([built.logp(), built.dlogp(variables)], mode="FAST_COMPILE")
    shapes = [tuple(v.shape.eval()) for v in variables]
    ends = np.cumsum([int(np.prod(s)) for s in shapes])[:-1]

    def reference(free):
        parts = np.split(free, ends)
        point = {n: p.reshape(s) for n, p, s in zip(FREE, parts, shapes, strict=True)}
        value, slope = both(point)
        return float(value), slope

    return reference, *free_density(design)


# Log densities below this are of exponents of 1e20, say. There the drift's time, log shape over exponent, no longer
# changes with the exponent; the reference's gradient has 1e-16 of that left, which outweighs all else. Finite
# differences of either density say that ours is right.
FAR = -1e20


@settings(max_examples=25, deadline=None)
@given(seed=st.integers(0, 2**32 - 1), scale=st.floats(0.0, 1.5), level=st.floats(-3.0, 0.5))
@example(seed=43945, scale=1.5, level=0.0)  # an exponent of 1e23
@example(seed=3554, scale=1.484375, level=0.0)  # a drift so wide that 1e-16 nats past the reference size were seen
def test_equals_the_reference_model(both, seed, scale, level):
    reference, fast, size = both
    free = scale * np.random.default_rng(seed).standard_normal(size)
    free[: len(CENTRES)] += [level, *TYPICAL]
    expected, slope = reference(free)
    found, found_slope = fast(free)
    assert float(found) == pytest.approx(expected, rel=1e-8, abs=1e-8)
    assume(expected > FAR)
    np.testing.assert_allclose(found_slope, slope, rtol=1e-6, atol=1e-6 * np.abs(slope).max())


@settings(max_examples=40, deadline=None)
@given(seed=st.integers(0, 2**32 - 1), name=st.sampled_from(sorted(DESIGNS)))
def test_level_likelihood_is_a_dense_gaussian_of_every_run(seed, name):
    """The oracle writes each run as an observation of its own: no reduction of repeats, no filter."""
    design = DESIGNS[name]
    rng = np.random.default_rng(seed)
    longest = max(len(c.x) for c in design.curves)
    curves = len(design.curves)
    local = TYPICAL[:, None] + 0.7 * rng.standard_normal((len(LOCAL), curves))
    level = rng.normal(-1.5, 0.5, curves)
    found = level_likelihood(density.Local(*local[..., None]), arrays(design, chunks(longest)), design.slope_memory)
    log_z, mean, variance = (np.asarray(a)[:, 0] for a in found)
    found = log_z + stats.norm(mean, np.sqrt(variance)).logpdf(level)
    for i, sized in enumerate(design.curves):
        log_exponent, log_break, floor_logit, log_noise, log_drift, log_slope, log_sharpness = local[:, i]
        x, y = np.log(sized.curve.n), np.log(sized.curve.error)
        law = laws.log_error(
            np, x, design.x_ref, level[i], log_exponent, design.x_min + log_break, floor_logit, np.exp(log_sharpness)
        )
        known = sized.known[np.searchsorted(-sized.x, -x)]  # a size's runs share their mean known variance
        noise = np.exp(2.0 * (log_noise + design.noise_trend * (x - design.x_ref))) + known
        time = design.x_ref - x
        wander = drift.covariance(np, time, np.exp(2.0 * log_drift), np.exp(2.0 * log_slope), design.slope_memory)
        parted = sized.luck * (1.0 - np.exp(law.min() - law))  # smallest at the largest size
        wander = wander + np.minimum(parted[:, None], parted)
        dense = stats.multivariate_normal(law, wander + np.diag(noise))
        beside = 0.0
        if design.floor is not None:
            last = y[-1] if i == 1 else _level_of_the_shorter(design)
            beside = float(log_evidence(np, last - np.log1p(np.exp(-floor_logit)), design.floor))
        assert found[i] == pytest.approx(dense.logpdf(y) + beside, rel=1e-8, abs=1e-8)


def _level_of_the_shorter(design: Design) -> float:
    """The first curve's last error, less what the second falls from there."""
    (short, whole) = (c.curve for c in design.curves)
    fall = np.interp(np.log(short.n[-1]), np.log(whole.n), np.log(whole.error)) - np.log(whole.error[-1])
    return float(np.log(short.error[-1]) - fall)


@settings(max_examples=20, deadline=None)
@given(seed=st.integers(0, 2**32 - 1), name=st.sampled_from(sorted(DESIGNS)))
def test_more_padding_changes_nothing(seed, name):
    design = DESIGNS[name]
    longest = chunks(max(len(c.x) for c in design.curves))
    local = np.random.default_rng(seed).normal(-1.0, 1.0, (len(LOCAL), len(design.curves), 1))
    tight, wide = (
        level_likelihood(density.Local(*local), arrays(design, width), design.slope_memory)
        for width in (longest, longest + 3 * density.CHUNK)
    )
    for a, b in zip(tight, wide, strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-12)
