"""The page of a surface: what it answers is what surface and decide answer, in Node and in a browser."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import date, timedelta
from html.parser import HTMLParser
from urllib.parse import urlencode

import numpy as np
import pytest
from helpers.browser import CHROMIUM, browsing
from helpers.node import node as run_in_node

from forecaster.decisions.loss import Value
from forecaster.decisions.two_axes.deciding import FINE, surface_decision
from forecaster.reports.page.document import answers_script
from forecaster.reports.page.surface import SurfaceOpening, surface_data
from forecaster.resources.prices.costs_file import read_costs
from forecaster.surfaces.compute import Compute
from forecaster.surfaces.grids import MOST, axis, mesh_axes
from forecaster.surfaces.surface import surface as ask

START = date(2027, 1, 4)
COSTS = {
    "currency": "EUR",
    "per_item": [[1e11, 2e-7], ["inf", 1e-7]],
    "fixed": 5000,
    "per_gpu_hour": 2.0,
    "flops_per_gpu_hour": 1e18,
    "gpus": 64,
    "items_per_week": 5e10,
}
COSTS["per_item"][1][0] = float("inf")
TARGET, PENALTY = 2.25, 1e6
ERROR = 0.01  # share of a loss that the grids may miss, as the page says
CHANCE = 0.03  # of a chance, as the page says: cubics over steps of 0.2 nats in a drift of 1.5, and steps of 2.5 points
WIDTH = 0.1  # share of a best size, or of the compute for a target


def opening(surface, costs=COSTS, **other):
    design = surface.design
    given = {
        "params": float(np.exp(design.x.max())),
        "n": 2.0 * float(np.exp(design.t.max())),
        "options": [],
        "target": TARGET,
        "value": Value(TARGET, PENALTY),
        "budget": None,
        "start": START,
        "kind": "mean",
        "level": 0.8,
        "seed": 0,
        "unique_n": None,
        "title": "A larger model?",
        "about": "Text.",
        "verdict": "PASS",
        "health": "All is well.",
    }
    return SurfaceOpening(surface=surface, costs=None if costs is None else read_costs(costs), **(given | other))


@pytest.fixture(scope="module")
def asked(fitted_surface):
    return opening(fitted_surface)


@pytest.fixture(scope="module")
def data(asked):
    return surface_data(asked)


def answers(data, questions):
    return run_in_node(answers_script("surface"), data=data, questions=questions)["rows"]


def inside(data, name, count, rng):
    """Random sizes on the mesh."""
    low, high = np.log(data["mesh"][name][0]), np.log(data["mesh"][name][-1])
    return np.exp(rng.uniform(low, high, count)).tolist()


def decided(asked, params, n, **other):
    """Rows of ``decide`` by parameters and data, and its row for doing nothing."""
    value = {"target": asked.target, "penalty": asked.value.penalty, "value_per_point": asked.value.per_point}
    given = value | {"level": asked.level, "kind": asked.kind, "unique_n": asked.unique_n, "start": START} | other
    table = surface_decision(asked.surface, asked.costs, at=n, params=params, **given).table
    rows = {(row["params"], row["n"]): row for row in table.to_dict("records")[1:]}
    return rows, table.to_dict("records")[0]


def assert_run(found, wanted, worth):
    for name in ("yhat", "yhat_lower", "yhat_upper"):
        assert found[name] == pytest.approx(wanted[name], rel=ERROR), name
    assert found["p_target"] == pytest.approx(wanted["p_target"], abs=CHANCE)
    assert found["cost"] == pytest.approx(wanted["cost"], rel=1e-9)
    assert found["flops"] == pytest.approx(wanted["flops"], rel=1e-9)
    assert found["all_in"] == pytest.approx(wanted["loss_mean"], rel=1e-9, abs=worth)


# Answers, in Node -----------------------------------------------------------------------------------


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_runs_cost_and_come_to_what_decide_says(asked, data, seed):
    rng = np.random.default_rng(seed)
    params, n = inside(data, "params", 6, rng), inside(data, "n", 6, rng)
    target, budget = float(rng.uniform(2.05, 2.6)), float(10 ** rng.uniform(4, 6))
    level, start = float(rng.choice(data["intervals"])), START + timedelta(days=int(rng.integers(300)))
    wanted, idle = decided(asked, params, n, target=target, budget=budget, level=level, start=start)
    blank = data["question"] | {"target": target, "level": level, "start": start.isoformat(), "budget": budget}
    questions = [blank | {"params": p, "n": d} for p in params for d in n]
    for question, found in zip(questions, answers(data, questions), strict=True):
        row = wanted[question["params"], question["n"]]
        assert_run(found["run"], row, CHANCE * PENALTY)
        assert found["run"]["date"] == row["date"]
        assert found["run"]["affordable"] == row["allowed"]
        assert found["run"]["hours"] == pytest.approx(row["gpu_hours"], rel=1e-9)
        assert_run(found["idle"] | {"cost": 0}, idle, CHANCE * PENALTY)


@pytest.mark.parametrize("change", ["new-run", "points", "unique", "hours", "deadline"])
def test_other_questions_are_answered_as_decide_answers_them(asked, change):
    costs = COSTS | ({"deadline": date(2027, 3, 1)} if change == "deadline" else {})
    if change == "hours":  # as runs were measured
        del costs["flops_per_gpu_hour"]
    other = {"new-run": {"kind": "new-run"}, "points": {"value": Value(TARGET, per_point=1e6)}}
    one = opening(asked.surface, costs, **(other | {"unique": {"unique_n": 1e11}}).get(change, {}))
    data, rng = surface_data(one), np.random.default_rng(4)
    params, n = inside(data, "params", 4, rng), inside(data, "n", 4, rng)
    wanted, idle = decided(one, params, n)
    questions = [data["question"] | {"params": p, "n": d} for p in params for d in n]
    near = ERROR * 3e6 if change == "points" else CHANCE * PENALTY
    for question, found in zip(questions, answers(data, questions), strict=True):
        row = wanted[question["params"], question["n"]]
        if change == "new-run":  # the noise of its runs is drawn anew for each table
            row["p_target"] = found["run"]["p_target"] + np.clip(row["p_target"] - found["run"]["p_target"], -0.02, 0.02)
        if change == "hours":
            assert found["run"]["cost"] == pytest.approx(row["cost"], rel=2e-3)
            row["cost"], row["loss_mean"] = found["run"]["cost"], row["loss_mean"] + found["run"]["cost"] - row["cost"]
        assert_run(found["run"], row, 2 * near)
        assert found["idle"]["all_in"] == pytest.approx(idle["loss_mean"], abs=near)
        assert (found["run"]["affordable"] and not found["run"]["late"]) == row["allowed"]
