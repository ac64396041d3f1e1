"""Sizes: nothing lost of few, and of many what their correlation leaves."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from helpers import synthetic

from forecaster.curves import repeats
from forecaster.curves.reading.read import read_curves
from forecaster.inference.fit import fit
from forecaster.prediction.forecast import forecast


def series(count: int, kept: float, sd: float = 0.01, seed: int = 0) -> np.ndarray:
    """An autoregressive series of this sd, of whose values a share ``kept`` goes on."""
    rng = np.random.default_rng(seed)
    out = np.empty(count)
    out[0] = sd * rng.standard_normal()
    for i, shock in enumerate(sd * np.sqrt(1.0 - kept**2) * rng.standard_normal(count - 1), 1):
        out[i] = kept * out[i - 1] + shock
    return out


def test_few_sizes_are_kept_as_they_are():
    n = np.repeat(np.geomspace(100, 1e4, repeats.MOST_SIZES).round(), 2)
    log_error = np.random.default_rng(0).standard_normal(len(n))
    found = repeats.reduced(n, log_error)
    pairs = log_error.reshape(-1, 2)
    np.testing.assert_allclose(found.x, np.log(n[::2]))
    np.testing.assert_allclose(found.y, pairs.mean(1))
    np.testing.assert_allclose(found.within, np.ptp(pairs, axis=1) ** 2 / 2)
    assert (found.repeats == 2.0).all()
    np.testing.assert_array_equal(found.which, np.repeat(np.arange(repeats.MOST_SIZES), 2))


@pytest.mark.parametrize("spacing", [np.geomspace, np.linspace])
def test_many_lie_on_the_curve_that_they_lay_on(spacing):
    n = np.unique(spacing(100, 1e5, 3000).round())
    curve = np.log(0.1 + (n / 30.0) ** -0.6)
    found = repeats.reduced(n, curve)
    assert 40 < len(found.x) <= repeats.BINS
    assert (np.diff(found.x) > 0).all()
    np.testing.assert_allclose(found.y, np.log(0.1 + (np.exp(found.x) / 30.0) ** -0.6), atol=2e-3)
    assert found.within.max() < 1e-3


@pytest.mark.parametrize(("kept", "lasts"), [(0.0, 1.0), (0.5, 3.0), (0.8, 9.0)])
def test_neighbours_count_for_what_their_correlation_leaves(kept, lasts):
    """The oracle: means of steps scatter as those of so many independent measurements would."""
    n = np.geomspace(100, 1e5, 64 * 200)
    off = series(len(n), kept)
    found = repeats.reduced(n, off)
    counts = np.bincount(found.which)
    assert np.median(counts / found.repeats) == pytest.approx(lasts, rel=0.15)
    assert found.y.var() == pytest.approx(np.mean(0.01**2 / found.repeats), rel=0.45)
    assert found.within.sum() / (found.repeats - 1.0).sum() == pytest.approx(0.01**2, rel=0.1)


def test_repeats_of_many_sizes_are_counted_too():
    n = np.repeat(np.geomspace(100, 1e5, 640), 3)
    found = repeats.reduced(n, 0.01 * np.random.default_rng(1).standard_normal(len(n)))
    assert found.repeats.sum() == pytest.approx(len(n), rel=0.1)


def test_distance_from_the_data_is_from_the_largest_size_measured():
    """The last of the sizes taken together lies below it."""
    n = np.geomspace(500, 1e6, 500)
    drawn = synthetic.posterior({"log": synthetic.values(sd={"level": 0.01})}, sizes=n, seeds=1)
    data = drawn.designs[synthetic.GROUP].curve_of("log")
    assert data is not None
    assert len(data.x) < len(n)
    assert np.exp(data.x[0]) < 0.98e6
    assert forecast(drawn, [1e5, 1e6, 1e7]).table["decades_beyond"].tolist() == pytest.approx([0.0, 0.0, 1.0], abs=1e-9)


def test_forecasts_are_those_of_all_sizes(monkeypatch):
    """96 sizes with independent noise, kept or taken together: the same forecast within a quarter of its sd."""
    rng, n = np.random.default_rng(2), np.geomspace(100, 1e5, 96)
    rows = [
        ("d", f"a{i}", size, (0.1 + (1.0 + 0.3 * i) * (size / 50.0) ** -0.4) * np.exp(0.02 * rng.standard_normal()))
        for i in range(2)
        for size in n
    ]
    curves = read_curves(pd.DataFrame(rows, columns=["domain", "architecture", "n", "error"]))

    def drawn() -> np.ndarray:
        return np.log(forecast(fit(curves, card="generic", seed=1), [4e5]).errors([0, 1]))

    whole = drawn()
    monkeypatch.setattr(repeats, "MOST_SIZES", 64)
    together = drawn()
    low, middle, high = np.quantile(whole, [0.16, 0.5, 0.84], axis=0)
    less, same, more = np.quantile(together, [0.16, 0.5, 0.84], axis=0)
    assert (abs(same - middle) < 0.25 * (high - low) / 2).all()
    assert ((more - less) / (high - low)).tolist() == pytest.approx([1.0, 1.0], abs=0.25)
