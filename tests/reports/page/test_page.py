"""The page beside a memo: what it answers is what forecast, requirement and decide answer, in Node and in a browser."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from datetime import date, timedelta
from html.parser import HTMLParser
from urllib.parse import urlencode

import numpy as np
import pytest
from helpers.browser import CHROMIUM, browsing
from helpers.node import node as run_in_node
from helpers.synthetic import SIZES, posterior, values

from forecaster.decisions.decide import decide
from forecaster.decisions.loss import Value
from forecaster.decisions.ordering.orders import SpendingLimits, largest_within
from forecaster.errors import RequestError
from forecaster.inference.units import units_of
from forecaster.prediction.curve_keys import CurveKey
from forecaster.prediction.forecast import forecast
from forecaster.prediction.observation import usual_kind
from forecaster.prediction.requirement import requirement
from forecaster.reports import rendering
from forecaster.reports.page.document import answers_script, packed
from forecaster.reports.page.page import Opening, page_data, page_html
from forecaster.resources.prices.costs import Costs, Hours, Running
from forecaster.results.wording import Units, chance, size, times_in

START = date(2027, 1, 4)
COSTS = Costs(
    currency="EUR",
    per_item=((5000.0, 1.0), (20_000.0, 0.8), (np.inf, 0.5)),
    fixed=300.0,
    per_gpu_hour=2.0,
    gpu_hours=Hours(0.002),
    items_per_week=2000.0,
    gpus=2.0,
    architecture={"rbf-svm": Running(gpu_hours=Hours(1e-6, 1.8))},
)
QUESTIONS = 50
ERROR, CHANCE = 0.015, 0.015  # what grids may miss: of an error its share, of a chance points over 100


def opening(of, costs=COSTS, **other):
    (group,) = of.groups
    given = {
        "names": of.designs[group].architectures,
        "units": units_of(of, group),
        "kind": usual_kind(of, group),
        "level": 0.8,
        "seed": 0,
        "target": 0.01,
        "n": 2400.0,
        "budget": None,
        "start": START,
        "title": "More images?",
        "about": "Digits.",
        "verdict": "PASS",
        "health": "All is well.",
    }
    return Opening(posterior=of, group=group, costs=costs, **(given | other))


@pytest.fixture(scope="module")
def asked(digits_posterior):
    return opening(digits_posterior)


@pytest.fixture(scope="module")
def data(asked):
    return page_data(asked)


def questions(data, count, seed=1):
    """Random questions about sizes that were not measured, each with other prices and another budget."""
    rng = np.random.default_rng(seed)
    for _ in range(count):
        tiers = [[up_to, round(price * float(np.exp(rng.normal())), 3)] for up_to, price in data["question"]["tiers"]]
        yield {
            "n": float(f"{data['largest'] * 10 ** rng.uniform(0.01, 2):.5g}"),
            "target": float(f"{10 ** rng.uniform(-2.6, -1.2):.4g}"),
            "level": float(rng.choice(data["intervals"])),
            "tiers": tiers,
            "budget": round(10 ** rng.uniform(2, 5), 2),
            "start": (START + timedelta(days=int(rng.integers(0, 400)))).isoformat(),
        }


def node(**given):
    """What the page's functions give in Node."""
    return run_in_node(answers_script("curves"), **given)


def called(*calls):
    return node(calls=list(calls))["values"]


def decided(asked, question):
    """The option of each architecture at the question's size, by ``decide``."""
    tiers = tuple((np.inf if up_to is None else up_to, price) for up_to, price in question["tiers"])
    found = decide(
        asked.posterior,
        replace(asked.costs, per_item=tiers),
        [question["n"]],
        target=question["target"],
        budget=question["budget"],
        level=question["level"],
        start=date.fromisoformat(question["start"]),
    ).table
    rows = found[(found["n"] == question["n"]) & (found["option"] != "do nothing")]
    return {row["architecture"]: row for row in rows.to_dict("records")}


def assert_answers(asked, question, rows):
    """The page's rows are the options of ``decide``."""
    wanted = decided(asked, question)
    assert {row["architecture"] for row in rows} == set(wanted)
    for row in rows:
        option = wanted[row["architecture"]]
        for name in ("yhat", "yhat_lower", "yhat_upper"):
            assert row[name] == pytest.approx(option[name], rel=ERROR), (question, name)
        assert row["p_target"] == pytest.approx(option["p_target"], abs=CHANCE), question
        assert row["cost"] == pytest.approx(option["cost"], rel=1e-9)
        assert row["date"] == option["date"]
        assert row["affordable"] == option["allowed"]


# Answers, in Node -----------------------------------------------------------------------------------


def test_the_page_answers_what_decide_answers(asked, data):
    asks = list(questions(data, 15))
    named = [one | {"names": list(asked.names)} for one in asks]
    for question, rows in zip(asks, node(data=data, questions=named)["rows"], strict=True):
        assert_answers(asked, question, rows)


def test_errors_and_chances_are_those_of_forecast_and_requirement(asked, data):
    """Many sizes and targets at once, within the measured sizes, too; what is needed, by its own chance."""
    rng = np.random.default_rng(3)
    sizes = np.exp(rng.uniform(np.log(data["smallest"]), np.log(data["horizon"]), QUESTIONS))
    goals = np.exp(rng.uniform(np.log(0.003), np.log(0.1), QUESTIONS))
    blank = data["question"] | {"names": list(asked.names)}
    asks = [blank | {"n": n, "target": e} for n, e in zip(sizes.tolist(), goals.tolist(), strict=True)]
    found = node(data=data, questions=asks)["rows"]
    ahead = forecast(asked.posterior, sizes, kind=asked.kind).table.set_index(["architecture", "n"])
    need = requirement(asked.posterior, goals.tolist(), kind=asked.kind)
    assert need.draws is not None
    drawn = need.draws.values.reshape(-1, len(need.table)).T
    needed = dict(zip(need.table[["architecture", "target"]].itertuples(index=False, name=None), drawn, strict=True))
    for question, rows in zip(asks, found, strict=True):
        for row in rows:
            own = needed[row["architecture"], question["target"]]
            wanted = ahead.loc[(row["architecture"], question["n"])]
            for name in ("yhat", "yhat_lower", "yhat_upper"):
                assert row[name] == pytest.approx(wanted[name], rel=ERROR)
            assert row["p_target"] == pytest.approx(np.mean(own <= question["n"]), abs=CHANCE)
            for one in row["needs"]:
                assert np.mean(own <= 1.03 * float(one["n"])) >= one["chance"] - CHANCE
                assert np.mean(own < float(one["n"]) / 1.03) <= one["chance"] + CHANCE


@pytest.mark.parametrize("deadline", [None, date(2027, 3, 1)])
def test_what_the_budget_buys_is_the_largest_size_within_it(asked, deadline):
    costs = replace(COSTS, deadline=deadline)
    data = page_data(replace(asked, costs=costs))
    budgets = [0.0, 250.0, 1000.0, 40_000.0, 1e9]
    asks = [data["question"] | {"budget": budget, "names": list(asked.names)} for budget in budgets]
    days = np.inf if deadline is None else (deadline - START).days
    for budget, rows in zip(budgets, node(data=data, questions=asks)["rows"], strict=True):
        for row in rows:
            key = CurveKey(*asked.group, row["architecture"])
            most = largest_within(key, costs, data["prices"]["owned"], SpendingLimits(budget, days), data["horizon"])
            assert (row["within"]["n"] if row["within"] else 0.0) == pytest.approx(most, rel=1e-6)


@pytest.mark.parametrize(
    "value",
    [Value(0.01, penalty=2e4), Value(per_point=3e4), Value(per_mistake=0.5, volume=1e6)],
    ids=["penalty", "points", "mistakes"],
)
def test_what_errors_cost_is_weighed_as_decide_weighs_it(asked, value):
    """The mean loss of each option, and of doing nothing; running costs go with the volume."""
    running = {"rbf-svm": replace(COSTS.architecture["rbf-svm"], per_million_answers=700.0)}
    costs = replace(COSTS, architecture=running, per_million_answers=300.0)
    one = replace(asked, costs=costs, value=value)
    data = page_data(one)
    sizes = [1500.0, 4000.0, 25_000.0]
    questions = [data["question"] | {"n": n, "names": list(one.names)} for n in sizes]
    given = {"penalty": value.penalty, "value_per_point": value.per_point, "cost_per_mistake": value.per_mistake}
    found = decide(one.posterior, costs, sizes, target=one.target, volume=value.volume, **given).table
    wanted = found.set_index(["architecture", "option", "n"])["loss_mean"]
    idle = found[found["option"] == "do nothing"].set_index("architecture")["loss_mean"]
    scale = {"penalty": 1.0, "points": 1.0, "mistakes": value.volume}[value.form] * value.unit
    near = scale * {"penalty": CHANCE, "points": 0.02, "mistakes": 0.0002}[value.form]
    for question, rows in zip(questions, node(data=data, questions=questions)["rows"], strict=True):
        for row in rows:
            option = wanted[row["architecture"]].xs(question["n"], level="n").iloc[0]
            assert row["all_in"] == pytest.approx(option, abs=near), row["architecture"]
            assert row["idle"] == pytest.approx(idle[row["architecture"]], abs=near)


def test_without_a_value_nothing_is_weighed(asked, data):
    (rows,) = node(data=data, questions=[data["question"] | {"names": list(asked.names)}])["rows"]
    assert {row["all_in"] for row in rows} == {None}


def test_a_size_that_is_measured_costs_nothing(data, asked):
    question = data["question"] | {"n": data["largest"], "names": list(asked.names)}
    (rows,) = node(data=data, questions=[question])["rows"]
    assert [(row["cost"], row["date"]) for row in rows] == [(0, START.isoformat())] * len(rows)


# What is typed and shown, in Node --------------------------------------------------------------------


def test_what_is_typed_is_a_number_or_none():
    texts = {"7,200": 7200, "1.5M": 1.5e6, " 12k ": 12e3, "1e6": 1e6, ".5": 0.5, "0": 0, "3.4e-2": 0.034}
    wrong = ("", "0,3", "1,20", "-4", "12 apples", "1.2.3", "Infinity", "NaN", "1,2000")
    found = called(*(["parsed", text] for text in (*texts, *wrong)))
    assert found[: len(texts)] == list(texts.values())
    assert found[len(texts) :] == ["NaN"] * len(wrong)


def test_numbers_are_written_as_the_memo_writes_them():
    """At a rounding edge the two languages may round apart: none of these is at one."""
    rng = np.random.default_rng(5)
    some = [
        Units("images", "error rate", True),
        Units("characters", "bits per character", False, "bits"),
        Units("rows", "MAE", False),
    ]
    wanted, calls = [], []
    for low in np.exp(rng.uniform(np.log(1e-4), np.log(3e3), 60)).tolist():
        units = some[int(rng.integers(3))]
        middle, high = low * (1 + rng.exponential(0.2)), low * (1.3 + rng.exponential())
        said = {"percent": units.percent, "unit": units.unit}
        places = units.decimals(low, high)
        calls += [["decimals", said, low, high], ["errorText", said, middle, places], ["plainText", said, middle]]
        wanted += [places, units.error(middle, places), units.error_plain(middle)]
    for n in [3.3, 12.0, 999.0, 7200.0, 123_456.0, 9.996e5, 1.68e7, 2.345e9, 4e12, 6e24, np.inf]:
        shown = "∞" if n == np.inf else n
        calls += [["sizeText", shown], ["sizeText", shown, True]]
        wanted += [size(n), size(n, short=True)]
    for p in [0.0, 0.004, 0.013, 0.247, 0.5, 0.876, 0.9899, 0.995, 1.0]:
        calls.append(["chanceText", p])
        wanted.append(chance(p))
    for level in (0.5, 0.8, 0.9, 0.95, 0.93, 0.999):
        calls.append(["timesIn", level])
        wanted.append(times_in(level))
    assert called(*calls) == wanted


def test_dates_are_those_of_options():
    found = called(["readyOn", "2027-02-27", 1.2], ["readyOn", "2028-02-28", 1.0], ["readyOn", "2027-01-04", 1e12])
    assert found == ["2027-03-01", "2028-02-29", "never"]


def test_packed_quantiles_are_read_again():
    rng = np.random.default_rng(0)
    wanted = np.exp(rng.normal(size=(4, 7)))
    (rows,) = called(["unpacked", packed(wanted), 7])
    np.testing.assert_allclose([[row[str(i)] for i in range(7)] for row in rows], np.log(wanted), atol=1e-4)
    (flat,) = called(["unpacked", packed(np.full((1, 2), 0.5)), 2])
    assert flat[0]["0"] == pytest.approx(np.log(0.5))


# The file -------------------------------------------------------------------------------------------


class Fields(HTMLParser):
    """Fields without a name, and addresses outside of the file."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.named: set[str] = set()
        self.fields: dict[str, bool] = {}
        self.outside: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        found = dict(attrs)
        self.outside += [v for k, v in found.items() if k in ("src", "href", "srcset", "action") and v]
        if tag == "label":
            self.named.add(found.get("for", ""))
        if tag in ("input", "select"):
            self.fields[found["id"]] = "aria-label" in found


def test_the_file_is_self_contained_and_its_fields_have_names(asked):
    text = page_html(replace(asked, title="</script><b>More & more?"))
    found = Fields(text)
    assert not found.outside
    assert found.fields
    assert all(labelled or name in found.named for name, labelled in found.fields.items())
    assert "&lt;/script&gt;&lt;b&gt;More &amp; more?" in text
    assert "Permission is hereby granted" in text
    assert "Leon Sorokin" in text


def test_names_are_text_and_never_markup():
    strange = "<!--<script><img src=x>"
    found = page_html(opening(posterior({strange: values(400), "b": values(400, seed=1)}), n=SIZES[-1]))
    (told,) = re.findall(r'<script id="data" type="application/json">(.*?)</script>', found, re.S)
    assert json.loads(told)["curves"][0]["name"] == strange
    assert not Fields(found).outside


def test_a_page_of_many_long_curves_fits_in_a_mail():
    sizes = np.unique(np.geomspace(10, 1e9, 60).round())
    many = posterior({f"network {i}": values(400, log_drift=-3.5, seed=i) for i in range(12)}, sizes=sizes.tolist())
    assert len(page_html(opening(many, n=1e9)).encode()) < 400_000


def test_a_failed_check_is_said_first(asked):
    text = page_html(replace(asked, verdict="FAIL", health="The chains disagree."))
    assert text.index("The chains disagree.") < text.index("<h1>")
    assert 'role="alert"' not in page_html(asked)


def test_a_memo_without_a_posterior_has_no_page(digits_posterior):
    with pytest.raises(RequestError, match="memo"):
        _ = rendering.Memo(forecast(digits_posterior, [2400.0]).table, "").interactive


# The page, in a browser -----------------------------------------------------------------------------

ROWS = """[...document.querySelectorAll('#at tbody tr')].map((row) => {
  const [yhat, p, buy, cost] = [...row.querySelectorAll('data')].map((one) => Number(one.value));
  const range = row.querySelector('[data-low]').dataset;
  const [low, high] = [range.low, range.high].map(Number);
  const [date, affordable] = [row.querySelector('time').dateTime, !row.textContent.includes('above budget')];
  const error = { yhat, yhat_lower: low, yhat_upper: high };
  return { architecture: row.dataset.name, ...error, p_target: p, buy, cost, date, affordable };
})"""


@pytest.fixture(scope="module")
def tab(tmp_path_factory):
    if CHROMIUM is None:
        pytest.skip("needs Chromium on the path, to open the page")
    with browsing(tmp_path_factory.mktemp("profile")) as found:
        yield found


@pytest.fixture(scope="module")
def file(asked, tmp_path_factory):
    path = tmp_path_factory.mktemp("page") / "memo-page.html"
    path.write_text(page_html(asked), encoding="utf-8")
    return path.as_uri()


def silent(tab, file):
    """Nothing on the console, and nothing asked of the network: the browser's own icons are data."""
    assert not tab.complaints
    assert [url for url in tab.requests if not url.startswith("data:")] == [file]


@pytest.mark.slow
def test_random_questions_are_answered_as_on_the_command_line(tab, file, asked, data):
    tab.open(file)
    for question in questions(data, QUESTIONS, seed=7):
        typed = {name: question[name] for name in ("n", "budget", "start", "level")}
        typed |= {"target": repr(100 * question["target"])}
        typed |= {f"price-{k}": price for k, (_, price) in enumerate(question["tiers"], 1)}
        tab.ask(f"new Promise((done) => {{ addEventListener('hashchange', done, {{ once: true }});"
                f" location.hash = {json.dumps(urlencode(typed))}; }}).then(() => 0)")  # fmt: skip
        assert_answers(asked, question, tab.ask(ROWS))
    silent(tab, file)


@pytest.mark.slow
def test_it_can_be_used_by_hand_and_by_keyboard(tab, file):
    tab.open(file)
    answer = "document.querySelector('#answer').innerText"
    before = tab.ask(answer)
    tab.click("#n")
    tab.type("12k")
    tab.wait(f"{answer}.includes('12,000')")
    tab.press("Tab", 9)
    assert tab.ask("document.activeElement.id") == "n-slider"
    assert tab.ask("getComputedStyle(document.activeElement).outlineStyle") == "solid"
    tab.press("ArrowRight", 39)
    tab.wait(f"!{answer}.includes('12,000')")
    assert tab.ask("document.querySelector('#n-slider').getAttribute('aria-valuetext').length") > 0
    tab.click("#name-0")
    tab.wait("document.querySelectorAll('#at tbody tr').length === 2")
    tab.click("#target")
    tab.type("0,3")
    assert tab.ask("document.querySelector('#target').getAttribute('aria-invalid')") == "true"
    assert tab.ask("document.querySelector('#results').hidden")
    tab.click("button[type=reset]")
    tab.wait(f"{answer} === {json.dumps(before)}")
    silent(tab, file)


@pytest.mark.slow
@pytest.mark.parametrize("width", [360, 390, 640, 990, 1100])
def test_nothing_is_wider_than_the_window(tab, asked, tmp_path, width):
    """With all columns and remarks that there may be."""
    late = replace(asked, costs=replace(COSTS, deadline=START + timedelta(days=3)), budget=1000.0)
    path = tmp_path / "memo-page.html"
    path.write_text(page_html(late), encoding="utf-8")
    tab.open(path.as_uri(), width=width)
    assert "above budget" in tab.ask("document.querySelector('#at').textContent")
    assert "too late" in tab.ask("document.querySelector('#at').textContent")
    assert tab.ask("document.documentElement.scrollWidth") <= width
    assert tab.ask("document.querySelector('#chart canvas').getBoundingClientRect().width") <= width
    silent(tab, path.as_uri())
