"""The page of a surface: what it answers is what surface and decide answer, in Node and in a browser."""

from __future__ import annotations

import json
from datetime import date, timedelta
from html.parser import HTMLParser
from urllib.parse import urlencode

import numpy as np
import pytest
from helpers.browser import CHROMIUM, browsing
from helpers.node import node as run_in_node

from forecaster.decisions.loss import Value
from forecaster.decisions.two_axes.deciding import FINE_COMPUTES, surface_decision
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
ERROR = 0.005  # share of a loss that the grids may miss, as the page says
CHANCE = 0.02  # of a chance, as the page says: cubics over steps of 0.2 nats in a drift of 1.5, and steps of 2.5 points
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
            off = np.clip(row["p_target"] - found["run"]["p_target"], -0.02, 0.02)
            row["p_target"] = found["run"]["p_target"] + off
        if change == "hours":
            assert found["run"]["cost"] == pytest.approx(row["cost"], rel=2e-3)
            row["cost"], row["loss_mean"] = found["run"]["cost"], row["loss_mean"] + found["run"]["cost"] - row["cost"]
        assert_run(found["run"], row, 2 * near)
        assert found["idle"]["all_in"] == pytest.approx(idle["loss_mean"], abs=near)
        assert (found["run"]["affordable"] and not found["run"]["late"]) == row["allowed"]


def test_the_best_use_of_a_compute_is_that_of_surface(asked, data):
    rng, compute = np.random.default_rng(5), Compute.of(asked.surface.design)
    low, high = data["path"]["log_flops"][0], data["path"]["log_flops"][-1]
    spent = np.exp(rng.uniform(low, high, 12))
    table = ask(asked.surface, flops=spent.tolist()).table
    sizes = table["params_q50"].to_numpy()
    runs = np.exp(compute.log_data(np.log(spent), np.log(sizes)))
    questions = [data["question"] | {"params": p, "n": n} for p, n in zip(sizes.tolist(), runs.tolist(), strict=True)]
    for row, found in zip(table.to_dict("records"), answers(data, questions), strict=True):
        assert found["run"]["flops"] == pytest.approx(row["flops"], rel=1e-9)
        for name, near in (("params", WIDTH), ("n", WIDTH), ("error", ERROR)):
            wanted = [row[f"{name}_{end}"] for end in ("q50", "lower", "upper")]
            assert found["best"][name] == pytest.approx(wanted, rel=near)


@pytest.mark.parametrize("target", [2.1, 2.2, 2.35])
def test_what_the_target_takes_is_the_least_compute_of_decide(asked, data, target):
    found = surface_decision(asked.surface, asked.costs, flops=1e22, target=target, penalty=PENALTY, start=START)
    orders = {round(1 - row["risk"], 9): row for row in found.orders.to_dict("records")}
    (answer,) = answers(data, [data["question"] | {"target": target}])
    for need in answer["needs"]:
        row = orders[need["chance"]]
        if np.isinf(row["flops"]):
            assert need["flops"] == "Infinity"
            continue
        assert need["flops"] == pytest.approx(row["flops"], rel=WIDTH)
        assert need["params"] == pytest.approx(row["params"], rel=WIDTH)
        assert need["cost"] == pytest.approx(row["cost"], rel=WIDTH)


def test_the_budget_buys_the_most_compute_within_it(asked, data):
    """Of ``decide``'s runs along the best use of compute, the largest within the budget is one step below at most."""
    budgets = [1.0, 2e4, 1e5, 1e6, 1e12]
    for budget, found in zip(budgets, answers(data, [data["question"] | {"budget": b} for b in budgets]), strict=True):
        inside = surface_decision(asked.surface, asked.costs, budget=budget, start=START).table
        runs = inside[inside["allowed"] & (inside["option"] != "do nothing")]
        if found["within"] is None:
            assert budget == 1.0
            continue
        assert found["within"]["cost"] <= budget * (1 + 1e-9)
        step = 10 ** (1.0 / FINE_COMPUTES)
        assert runs["flops"].max() / 1.02 <= found["within"]["flops"] <= runs["flops"].max() * step * 1.02


def test_without_prices_or_a_target_a_page_opens_all_the_same(fitted_surface):
    one = opening(fitted_surface, None, target=None, value=Value())
    data = surface_data(one)
    (found,) = answers(data, [data["question"]])
    assert found["run"]["cost"] == 0
    assert found["run"]["all_in"] is None
    assert 0.4 < found["run"]["p_target"] < 0.6
    assert data["question"]["rate"] is None


# The file -------------------------------------------------------------------------------------------


class Fields(HTMLParser):
    """Fields without a name, and addresses outside of the file."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.labels: set[str] = set()
        self.fields: dict[str, bool] = {}
        self.outside: list[str] = []
        self.within = False
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        found = dict(attrs)
        self.outside += [v for k, v in found.items() if k in ("src", "href", "srcset", "action") and v]
        if tag == "label":
            self.labels.add(found.get("for", ""))
            self.within = "for" not in found
        if tag in ("input", "select"):
            self.fields[found["id"]] = "aria-label" in found or self.within

    def handle_endtag(self, tag):
        self.within = self.within and tag != "label"


def test_the_file_is_self_contained_small_and_its_fields_have_names(asked):
    text = asked.html
    found = Fields(text)
    assert not found.outside
    assert len(found.fields) > 15
    assert all(labelled or name in found.labels for name, labelled in found.fields.items())
    assert len(text.encode()) < 400_000


def test_a_mesh_of_far_apart_sizes_is_coarser_not_larger():
    x, t = np.log([1e6, 1e12]), np.log([1e3, 1e15])
    fine, wide = mesh_axes((x, x), (t, t)), (axis(x, x), axis(t, t))
    assert len(wide[0]) * len(wide[1]) > MOST >= len(fine[0]) * len(fine[1])
    for one, other in zip(fine, wide, strict=True):
        assert one[[0, -1]] == pytest.approx(other[[0, -1]])
        assert (np.diff(one) > 0).all()


# The page, in a browser -----------------------------------------------------------------------------

RUN = """(() => {
  const row = document.querySelector('#runs tbody tr[data-name="This run"]');
  const [yhat, p_target, cost, all_in] = [...row.querySelectorAll('data')].map((one) => Number(one.value));
  const [yhat_lower, yhat_upper] = ['low', 'high'].map((end) => Number(row.querySelector('[data-low]').dataset[end]));
  return { yhat, yhat_lower, yhat_upper, p_target, cost, all_in, date: row.querySelector('time').dateTime };
})()"""


@pytest.fixture(scope="module")
def tab(tmp_path_factory):
    if CHROMIUM is None:
        pytest.skip("needs Chromium on the path, to open the page")
    with browsing(tmp_path_factory.mktemp("profile")) as found:
        yield found


@pytest.fixture(scope="module")
def file(asked, tmp_path_factory):
    path = tmp_path_factory.mktemp("page") / "memo-page.html"
    path.write_text(asked.html, encoding="utf-8")
    return path.as_uri()


def silent(tab, file):
    """Nothing on the console, and nothing asked of the network: the browser's own icons are data."""
    assert not tab.complaints
    assert [url for url in tab.requests if not url.startswith("data:")] == [file]


@pytest.mark.slow
def test_random_runs_are_answered_as_on_the_command_line(tab, file, asked, data):
    rng = np.random.default_rng(8)
    params, n = inside(data, "params", 5, rng), inside(data, "n", 5, rng)
    wanted, _ = decided(asked, params, n)
    tab.open(file)
    for (p, d), row in wanted.items():
        typed = urlencode({"params": repr(p), "n": repr(d)})
        tab.ask(f"new Promise((done) => {{ addEventListener('hashchange', done, {{ once: true }});"
                f" location.hash = {json.dumps(typed)}; }}).then(() => 0)")  # fmt: skip
        found = tab.ask(RUN)
        assert_run(found | {"flops": row["flops"]}, row, CHANCE * PENALTY)
        assert found["date"] == row["date"]
    silent(tab, file)


@pytest.mark.slow
def test_compute_moves_both_sizes_and_sizes_move_the_compute(tab, file, data):
    tab.open(file)
    field = "document.querySelector('#{}').value"
    before = [tab.ask(field.format(name)) for name in ("params", "n")]
    tab.click("#flops")
    tab.type("3e23")
    assert [tab.ask(field.format(name)) for name in ("params", "n")] != before
    assert "3e23 FLOPs" in tab.ask("document.querySelector('#runs').textContent")
    tab.press("Tab", 9)
    assert tab.ask("document.activeElement.id") == "flops-slider"
    tab.press("ArrowRight", 39)
    assert tab.ask(field.format("flops")) != "3e23"
    tab.click("#params")
    tab.type("1e9")
    tab.click("#n")
    tab.type("2e10")
    assert tab.ask(field.format("flops")) == "1.2e20"
    tab.click("#flops")
    tab.type("much")
    assert tab.ask("document.querySelector('#flops').getAttribute('aria-invalid')") == "true"
    assert tab.ask("document.querySelector('#results').hidden")
    tab.click("button[type=reset]")
    assert [tab.ask(field.format(name)) for name in ("params", "n")] == before
    silent(tab, file)


@pytest.mark.slow
@pytest.mark.parametrize("view", ["flops", "n", "params"])
@pytest.mark.parametrize("width", [360, 390, 640, 990, 1100])
def test_nothing_is_wider_than_the_window(tab, asked, tmp_path, width, view):
    """With all columns and remarks that there may be."""
    late = opening(asked.surface, COSTS | {"deadline": START + timedelta(days=3)}, budget=1000.0)
    path = tmp_path / "memo-page.html"
    path.write_text(late.html, encoding="utf-8")
    tab.open(f"{path.as_uri()}#view={view}", width=width)
    assert "above budget" in tab.ask("document.querySelector('#runs').textContent")
    assert "too late" in tab.ask("document.querySelector('#runs').textContent")
    assert tab.ask("document.documentElement.scrollWidth") <= width
    assert tab.ask("document.querySelector('#chart canvas').getBoundingClientRect().width") <= width
    assert not tab.complaints
