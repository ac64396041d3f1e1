"""What tests share: a cache folder of their own, and one fit of real curves."""

from __future__ import annotations

import os

import pytest
from helpers import typed

FITTED = ("mlp", "nearest-neighbours", "rbf-svm")  # the architectures of ``digits_posterior``
typed.spare()


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
    if hasattr(config, "workerinput"):  # one of two processes on two cores: threads that wait for work spin
        os.environ |= {"OPENBLAS_NUM_THREADS": "1", "LOKY_MAX_CPU_COUNT": "1"}
    os.environ["COLUMNS"] = "100"


def pytest_runtest_setup():
    typed.begin()


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
def fitted_surface():
    """A surface of known law, with compute and hours of its runs: fitted once a session, and a fifth of its draws."""
    from dataclasses import replace

    from helpers.surfaces import table

    import forecaster

    made = table().assign(architecture="lm")
    compute = 6.0 * made["params"] * made["n"]
    found = forecaster.fit_surface(made.assign(compute=compute, gpu_hours=compute / 1e18))
    return replace(found, draws=replace(found.draws, values=found.draws.values[:, ::5]))


@pytest.fixture(scope="session")
def surface_file(fitted_surface, tmp_path_factory):
    """That surface, saved."""
    from forecaster.surfaces.storage import save_surfaces

    return save_surfaces(fitted_surface, tmp_path_factory.mktemp("surfaces") / "lm.nc")


@pytest.fixture(scope="session")
def digits_file(digits_posterior, tmp_path_factory):
    """That posterior, saved."""
    return digits_posterior.save(tmp_path_factory.mktemp("fitted") / "digits.nc")
