"""What tests share: a cache folder of their own, and one fit of real curves."""

from __future__ import annotations

import os

import pytest

FITTED = ("mlp", "nearest-neighbours", "rbf-svm")  # the architectures of ``digits_posterior``


def pytest_xdist_auto_num_workers(config):
    """Two processes, a file of tests at a time; one where what tests print is asked for (``-s``), as others keep it."""
    if config.getoption("capture") != "no":
        return 2
    config.option.dist = "no"
    return 0


def pytest_configure(config):
    """Keep compiled programs and fits in pytest's own cache, away from the user's; subprocesses inherit it."""
    os.environ["XDG_CACHE_HOME"] = str(config.cache.mkdir("forecaster"))
    os.environ["MPLBACKEND"] = "agg"
    os.environ["COLUMNS"] = "100"


@pytest.fixture(scope="session")
def digits_curves():
    """Three architectures of the shipped digits example."""
    from forecaster.reports.examples import example_curves

    return example_curves("digits").select(architecture=FITTED)


@pytest.fixture(scope="session")
def digits_posterior(digits_curves):
    """Their posterior by the JAX engine: fitted once a session, or taken from the cache where nothing changed."""
    from forecaster.evaluation.fitting import fit_cached

    return fit_cached(digits_curves, seed=0)


@pytest.fixture(scope="session")
def digits_file(digits_posterior, tmp_path_factory):
    """That posterior, saved."""
    return digits_posterior.save(tmp_path_factory.mktemp("fitted") / "digits.nc")
