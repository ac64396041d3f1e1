"""The memo: its numbers are those of the results, its files are whole, and a failed check is not to be missed."""

from __future__ import annotations

import re
import sys
from dataclasses import replace
from html.parser import HTMLParser

import numpy as np
import pandas as pd
import pytest
from synthetic import GROUP, SIZES, on_test_set, posterior, values

from forecaster.checks import check
from forecaster.comparison import compare
from forecaster.errors import RequestError
from forecaster.forecast import forecast
from forecaster.memo import default_sizes, memo
from forecaster.requirement import requirement
from forecaster.results import Check
from forecaster.units import chance, units_of

SD = {"level": 0.05, "log_exponent": 0.1, "floor_logit": 0.5}
VOID = {"meta", "img", "br", "hr", "link", "input"}


def net(seed: int, **given: float) -> np.ndarray:
    return values(log_drift=-4.0, sd=SD, seed=seed, **given)


@pytest.fixture(scope="module")
def two():
    curves = {"steep": net(1, exponent=0.4, level=-2.2), "flat|net": net(2, exponent=0.2, level=-1.9)}
    return posterior(curves, card="image-classification-top1")


@pytest.fixture(scope="module")
def made(two):
    return memo(two, command="forecaster memo curves.csv -o reports", seed=3)


def test_a_small_test_set_is_told_and_how_far_other_cases_may_lie_off(two):
    small, large = (memo(on_test_set(two, n), seed=3) for n in (60, 60_000))
    assert "Other test cases" not in memo(two, seed=3).markdown
    assert "Other test cases" not in large.markdown
    assert re.search(r"about \d+ of the 60 test cases are still wrong for steep", small.markdown)
    at = small.tables["options"].query("architecture == 'steep'")["n"].iloc[0]
    here, there = (
        forecast(on_test_set(two, 60), [at], kind=kind, seed=3).table.iloc[0] for kind in ("mean", "new-cases")
    )
    assert there["yhat_upper"] / there["yhat_lower"] > 1.1 * here["yhat_upper"] / here["yhat_lower"]


class Page(HTMLParser):
    """Tags that open and close in order, with their attributes."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.stack: list[str] = []
        self.found: list[tuple[str, dict]] = []
        self.words: list[str] = []
        self.feed(text)
        assert not self.stack

    def handle_starttag(self, tag, attrs):
        self.found.append((tag, dict(attrs)))
        if tag not in VOID:
            self.stack.append(tag)

    def handle_endtag(self, tag):
        assert self.stack.pop() == tag

    def handle_data(self, data):
        self.words.append(data)


def test_the_headline_is_the_forecast(two, made):
    units, n = units_of(two, GROUP), 10 * SIZES[-1]
    at = pd.DataFrame([(*GROUP, a, m) for a in ("flat|net", "steep") for m in (SIZES[-1], *default_sizes(SIZES[-1]))])
    table = forecast(two, at.set_axis(["domain", "task", "architecture", "n"], axis=1), seed=3).table
    row = table[table["n"] == n].sort_values("yhat").iloc[0]
    digits = units.decimals(row["yhat_lower"], row["yhat_upper"])
    yhat, low, high = (units.error(row[k], digits) for k in ("yhat", "yhat_lower", "yhat_upper"))
    said = made.facts["headline"]
    assert row["architecture"] in said
    assert f"of {yhat}: 8 times in 10, between {low} and {high}." in said
    assert "10 times the data (1 million images)" in said
    assert said in made.html.replace("\u00a0", " ")
    assert "%" in yhat


def test_tables_are_those_of_the_results(two, made):
    goal = made.tables["requirement"]["target"].iloc[0]
    sizes = default_sizes(SIZES[-1])
    pd.testing.assert_frame_equal(made.tables["requirement"], requirement(two, goal, seed=3).table)
    pd.testing.assert_frame_equal(made.tables["comparison"], compare(two, group=GROUP, at=sizes, seed=3).table)
    pd.testing.assert_frame_equal(made.tables["checks"], check(two, at=sizes).table[made.tables["checks"].columns])


def test_the_options_shown_are_those_of_the_table(made):
    shown = made.facts["options"]
    table = made.tables["options"]
    assert [r["architecture"] for r in shown] == table["architecture"].tolist()
    assert [r["best"] for r in shown] == [chance(p) for p in table["p_best"]]
    assert [r["target"] for r in shown] == [chance(p) for p in table["p_target"]]
    assert sum(r["headline"] for r in shown) == 1


def test_html_is_one_file_with_described_figures(made):
    page = Page(made.html)
    images = [attributes for tag, attributes in page.found if tag == "img"]
    assert len(images) == len(made.figures) == 4
    assert all(i["alt"] and i["src"].startswith("data:image/svg+xml;base64,") for i in images)
    assert not [tag for tag, _ in page.found if tag in ("script", "link", "iframe")]
    outside = [v for _, attributes in page.found for k, v in attributes.items() if k in ("src", "href")]
    assert not [v for v in outside if re.match(r"https?:|//", v or "")]
    assert "url(" not in made.html
    order = [w for w in page.words if w.strip()]
    headings = ["Recommendation", "What would change it", "The options by size", "Can these numbers be trusted?"]
    assert sorted(headings, key=order.index) == headings


def test_markdown_refers_to_files_that_are_there(made, tmp_path):
    paths = made.save(tmp_path / "new", "vision")
    assert all(p.stat().st_size > 0 for p in paths)
    text = (tmp_path / "new" / "vision.md").read_text()
    named = re.findall(r"!\[[^\n]+\]\(<([^>]+)>\)", text)
    assert len(named) == 4
    assert {p.name for p in paths} == {*named, "vision.md", "vision.html"}
    assert {p.name for p in (tmp_path / "new").iterdir()} == {p.name for p in paths}
    assert (tmp_path / "new" / "vision.html").read_text() == made.html


def test_markdown_tables_are_rectangular(made):
    tables = re.findall(r"(?:^\|.*\n)+", made.markdown, re.M)
    assert len(tables) >= 6
    for table in tables:
        widths = {len(re.findall(r"(?<!\\)\|", line)) for line in table.splitlines()}
        assert len(widths) == 1, table
    assert "flat\\|net" in made.markdown


def test_no_jargon_above_the_appendix(made):
    above = made.markdown.split("## Can these numbers be trusted?")[0].lower()
    for word in ("posterior", "credible", "prior", "median", "bayes", "logit", "nan"):
        assert not re.search(rf"\b{word}\b", above), word


def test_the_appendix_says_where_everything_came_from(two, made):
    for text in (made.html, made.markdown):
        assert two.manifest["data_hash"] in text
        assert "forecaster memo curves.csv -o reports" in text
        assert "Hestness et al. (2017)" in text
        assert "fit 0, memo 3" in text


def test_the_appendix_says_what_is_known_of_an_architecture_by_its_name():
    found = memo(posterior({"KNN": net(1), "some net": net(2)}, card="tabular-classification"))
    (line,) = (line for line in found.facts["appendix"]["known"] if "is known by name" in line)
    assert line.startswith("KNN is known by name")
    assert "log exponent +0.034" in line
    assert "log break −0.071" in line
    assert "KNN is known by name" in found.markdown


def test_a_failed_check_is_a_banner_and_stops_the_recommendation(two, monkeypatch):
    failing = Check("r_hat", "FAIL", "the chains <disagree>", "fit again with more draws")
    checked = replace(check(two), checks=(failing,))
    monkeypatch.setattr(sys.modules["forecaster.memo"], "check", lambda *_, **__: checked)
    found = memo(two)
    assert found.failed
    assert Page(found.html).found
    assert found.html.index('class="banner"') < found.html.index("<h1>")
    assert "the chains <disagree>" not in found.html.lower()
    assert "FAIL: do not decide on this memo" in found.markdown.split("## Recommendation")[0]
    assert found.facts["recommendation"][0].startswith("Do not decide")
    assert "Fit again with more draws." in found.facts["recommendation"]
    assert "Choose" not in found.markdown


def test_no_banner_where_nothing_failed(two, monkeypatch):
    passing = Check("r_hat", "PASS", "fine")
    checked = replace(check(two), checks=(passing,))
    monkeypatch.setattr(sys.modules["forecaster.memo"], "check", lambda *_, **__: checked)
    found = memo(two)
    assert not found.failed
    assert 'class="banner"' not in found.html
    assert "PASS" in found.html


def test_a_memo_among_others_says_what_it_says_alone():
    """Of all groups a check names the worst: each memo is to hold what is the matter with its own."""
    found = posterior({"vision/a/cnn": net(1), "vision/b/cnn": net(2, log_noise=-1.0)}, seeds=1)
    for group in found.groups:
        among, alone = memo(found, group), memo(found.only(group))
        assert among.checks == alone.checks
        assert among.facts["headline"] == alone.facts["headline"]
        own = [c for c in among.checks if c.verdict != "PASS" and (c.curve or "").startswith("/".join(group))]
        assert {"span", "one-seed"} & {c.name for c in own}
        assert not any("/".join(g) in c.text for g in found.groups if g != group for c in among.checks)
        assert f"{found.manifest['data_hash']}" in among.markdown


def test_own_sizes_target_and_title(two):
    found = memo(two, "/".join(GROUP), sizes=[2e5, 4e5], target=0.07, title="<Vision> & data", level=0.95)
    assert "&lt;Vision&gt; &amp; data" in found.html
    assert sorted(found.tables["options"]["n"].unique()) == [1e5, 2e5, 4e5]
    assert (found.tables["requirement"]["target"] == 0.07).all()
    assert "19 times in 20" in found.facts["headline"]
    assert "7 %" in found.markdown


def test_close_architectures_are_not_decided():
    near = posterior({"a": net(1), "b": net(2), "c": net(3)})
    assert memo(near).facts["recommendation"][0].startswith(("Do not choose yet", "Do not decide"))


def test_a_single_architecture_has_nothing_to_compare(tmp_path):
    found = memo(posterior({"only": net(1)}))
    assert set(found.figures) == {"forecast", "requirement", "floor"}
    assert "comparison" not in found.tables
    Page(found.html)
    found.save(tmp_path)


def test_a_target_that_no_data_reaches_is_said(two):
    said = " ".join(memo(two, target=1e-6).facts["recommendation"])
    assert "Do not count on" in said or "Do not decide" in said


def test_the_memo_is_the_same_each_time(two, made):
    again = memo(two, command="forecaster memo curves.csv -o reports", seed=3)
    assert again.html == made.html
    assert again.markdown == made.markdown


def test_unknown_groups_are_refused(two):
    with pytest.raises(RequestError, match="vision/top-1"):
        memo(two, "vision/top-2")
