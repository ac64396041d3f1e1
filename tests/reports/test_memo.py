"""The memo: its numbers are those of the results, its files are whole, and a failed check is not to be missed."""

from __future__ import annotations

import html
import json
import re
import sys
from dataclasses import replace
from datetime import date
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from helpers.synthetic import GROUP, SIZES, on_test_set, posterior, values

import forecaster
from forecaster.checks.check import check
from forecaster.comparison.compare import compare
from forecaster.curves import binomial_power
from forecaster.curves.reading.read import read_curves
from forecaster.domains.loading import load_card
from forecaster.errors import CostsError, RequestError
from forecaster.prediction.forecast import forecast
from forecaster.prediction.requirement import requirement
from forecaster.reports import collect, examples, findings, rendering
from forecaster.reports.advice import default_sizes
from forecaster.reports.appendix import sections
from forecaster.reports.memo import memo
from forecaster.results.check import Check
from forecaster.results.message import message
from forecaster.results.wording import chance

SD = {"level": 0.05, "log_exponent": 0.1, "floor_logit": 0.5}
VOID = {"meta", "img", "br", "hr", "link", "input", "source"}


def net(seed: int, **given: float) -> np.ndarray:
    return values(log_drift=-4.0, sd=SD, seed=seed, **given)


@pytest.fixture(scope="module")
def two():
    curves = {"steep": net(1, exponent=0.4, level=-2.2), "flat|net": net(2, exponent=0.2, level=-1.9)}
    return posterior(curves, card="image-classification-top1")


@pytest.fixture(scope="module")
def made(two):
    return memo(two, command="forecaster memo curves.csv -o reports", seed=3)


def ids_of(found):
    return [one.id for one in found.messages]


def named(found, id):
    """The first message of this id."""
    return next(one for one in found.messages if one.id == id)


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
    n = 10 * SIZES[-1]
    at = pd.DataFrame(
        [(*GROUP, a, m) for a in ("flat|net", "steep") for m in (SIZES[-1], *default_sizes(SIZES[-1], 100.0))]
    )
    table = forecast(two, at.set_axis(["domain", "task", "architecture", "n"], axis=1), seed=3).table
    row = table[table["n"] == n].sort_values("yhat").iloc[0]
    (said,) = [one for one in made.messages if one.id == "headline"]
    assert {k: said.values[k] for k in ("architecture", "n", "yhat", "yhat_lower", "yhat_upper")} == {
        k: row[k] for k in ("architecture", "n", "yhat", "yhat_lower", "yhat_upper")
    }
    assert said.text in made.html.replace("\u00a0", " ")


def test_every_message_is_on_the_page_and_in_the_json(made):
    page = made.html.replace("\u00a0", " ").replace("&#39;", "'")
    for one in made.messages:
        assert html.escape(one.text, quote=False) in page
        assert rendering._markdown_text(one.text) in made.markdown
    assert [one["id"] for one in json.loads(made.to_json())["messages"]] == ids_of(made)
    assert made.text.splitlines() == made.page["answer"]


def test_tables_are_those_of_the_results(two, made):
    goal = made.tables["requirement"]["target"].iloc[0]
    sizes = default_sizes(SIZES[-1], 100.0)
    pd.testing.assert_frame_equal(made.tables["requirement"], requirement(two, goal, seed=3).table)
    compared = compare(two, group=GROUP, at=sizes, seed=3)
    held = {"comparison": "table", "gains": "best"} | {k: k for k in ("crossings", "slopes", "exponents")}
    for name, ours in held.items():
        pd.testing.assert_frame_equal(made.tables[name], getattr(compared, ours))
    pd.testing.assert_frame_equal(made.tables["verdicts"], check(two, at=sizes, seed=3).table)


def test_the_options_shown_are_those_of_the_table(made):
    shown = made.page["options"]
    table = made.tables["by_size"]
    assert [r["architecture"] for r in shown] == table["architecture"].tolist()
    assert [r["best"] for r in shown] == [chance(p) for p in table["p_best"]]
    assert [r["target"] for r in shown] == [chance(p) for p in table["p_target"]]
    assert sum(r["headline"] for r in shown) == 1


def test_html_is_one_file_with_described_figures(made):
    page = Page(made.html)
    images = [attributes for tag, attributes in page.found if tag == "img"]
    assert len(images) == len(made.figures) == 5
    assert all(i["alt"] and i["src"].startswith("data:image/svg+xml;base64,") for i in images)
    assert not [tag for tag, _ in page.found if tag in ("script", "link", "iframe")]
    outside = [v for _, attributes in page.found for k, v in attributes.items() if k in ("src", "href")]
    assert not [v for v in outside if re.match(r"https?:|//", v or "")]
    assert "url(" not in made.html


def test_markdown_refers_to_files_that_are_there(made, tmp_path):
    paths = made.save(tmp_path / "new", "vision")
    assert all(p.stat().st_size > 0 for p in paths)
    text = (tmp_path / "new" / "vision.md").read_text()
    named = re.findall(r"!\[[^\n]+\]\(<([^>]+)>\)", text)
    assert len(named) == 5
    tables = {p.name for p in paths if p.parent.name == "vision-tables"}
    assert {p.name for p in paths} == {*named, "vision.md", "vision.html", *tables}
    assert {p for p in (tmp_path / "new").rglob("*") if p.is_file()} == set(paths)
    assert (tmp_path / "new" / "vision.html").read_text() == made.html


def test_markdown_tables_are_rectangular(made):
    tables = re.findall(r"(?:^\|.*\n)+", made.markdown, re.M)
    assert len(tables) >= 6
    for table in tables:
        widths = {len(re.findall(r"(?<!\\)\|", line)) for line in table.splitlines()}
        assert len(widths) == 1, table
    assert "flat\\|net" in made.markdown


def test_no_jargon_above_the_appendix(made):
    above = made.markdown.split("## Appendix")[0].lower()
    for word in ("posterior", "credible", "prior", "median", "bayes", "logit", "nan"):
        assert not re.search(rf"\b{word}\b", above), word


def test_the_appendix_says_where_everything_came_from(two, made):
    for text in (made.html, made.markdown):
        assert two.manifest["data_hash"] in text
        assert "forecaster memo curves.csv -o reports" in text
        assert all(c.split(". ")[0] in text for c in two.cards[two.groups[0]].citations.values())
        assert "fit 0, memo 3" in text


def test_the_appendix_says_what_the_card_knows_of_an_architecture_by_its_name():
    card = load_card("tabular-classification")
    known = card.known_as("KNN")
    assert known is not None
    said = sections.differs("KNN", known)
    assert (said.id, said.values["architecture"], said.values["effects"]) == ("known-by-name", "KNN", known.effects)
    found = memo(posterior({"KNN": net(1), "some net": net(2)}, card="tabular-classification"))
    assert sum(said.text in line for line in found.page["appendix"]["known"]) == 1
    assert card.known_as("some net") is None


def checked(monkeypatch, two, *checks):
    """A memo whose checks are these."""
    report = replace(check(two), checks=checks)
    monkeypatch.setattr(sys.modules["forecaster.reports.collect"], "check", lambda *_, **__: report)
    return memo(two)


def test_a_failed_check_is_a_banner_and_stops_the_recommendation(two, monkeypatch):
    found = checked(monkeypatch, two, Check("r-hat", "FAIL", message("x", "the chains <disagree>"), "fit again"))
    assert found.failed
    assert Page(found.html).found
    assert found.html.index('class="banner"') < found.html.index("<h1>")
    assert "the chains <disagree>" not in found.html.lower()
    assert found.markdown.startswith("> **FAIL")
    assert ids_of(found)[:2] == ["do-not-decide", "first"]
    assert not {"buy", "buy-a-step", "plan"} & set(ids_of(found))
    assert "(recommended)" not in found.html


def test_no_banner_where_nothing_failed(two, monkeypatch):
    found = checked(monkeypatch, two, Check("r-hat", "PASS", message("x", "fine")))
    assert not found.failed
    assert 'class="banner"' not in found.html
    assert [row["id"] for row in found.page["checks"]] == ["r-hat"]


def test_a_memo_among_others_says_what_it_says_alone():
    """Of all groups a check names the worst: each memo is to hold what is the matter with its own."""
    found = posterior({"vision/a/cnn": net(1), "vision/b/cnn": net(2, log_noise=-1.0)}, seeds=1)
    for group in found.groups:
        among, alone = memo(found, group), memo(found.only(group))
        assert among.checks == alone.checks
        assert among.messages == alone.messages
        own = [c for c in among.checks if c.verdict != "PASS" and (c.curve or "").startswith("/".join(group))]
        assert "one-seed" in {c.id for c in own}
        assert not any("/".join(g) in c.text for g in found.groups if g != group for c in among.checks)
        assert f"{found.manifest['data_hash']}" in among.markdown


def test_own_sizes_target_and_title(two):
    found = memo(two, "/".join(GROUP), sizes=[2e5, 4e5], target=0.07, title="<Vision> & data", level=0.95)
    assert "&lt;Vision&gt; &amp; data" in found.html
    assert sorted(found.tables["by_size"]["n"].unique()) == sorted({1e5, 2e5, 4e5, *found.table.query("best")["n"]})
    assert set(found.table["n"]) >= {1e5, 2e5, 4e5}
    assert (found.tables["requirement"]["target"] == 0.07).all()
    assert (found.table["level"] == 0.95).all()


def test_a_single_architecture_has_nothing_to_compare(tmp_path):
    found = memo(posterior({"only": net(1)}))
    assert set(found.figures) == {"options", "forecast", "requirement", "floor"}
    assert found.tables["comparison"].empty
    Page(found.html)
    found.save(tmp_path)


def test_a_target_above_every_error_measured_is_doubted(two, made):
    assert [c.id for c in memo(two, target=5.0, seed=3).checks][-1] == "target"
    assert "target" not in [c.id for c in made.checks]


KINDS = ("mean", "new-run", "new-cases")


@pytest.fixture(scope="module")
def of_kinds(two):
    """A memo of each kind."""
    tested = on_test_set(two, 200)
    return {kind: memo(tested, kind=kind, sizes=[1e6], target=0.06, seed=3) for kind in KINDS}


@pytest.mark.parametrize("kind", KINDS)
def test_all_numbers_are_of_the_kind_asked_for(two, of_kinds, kind):
    """Forecasts, requirements and the error today; the page says which. Kinds differ by more than the last digit."""
    tested, found = on_test_set(two, 200), of_kinds[kind]
    bought = found.table.query("best")["n"].iloc[0]
    at = pd.DataFrame([(*GROUP, a, n) for a in ("flat|net", "steep") for n in sorted({1e5, 1e6, bought})])
    at = at.set_axis(["domain", "task", "architecture", "n"], axis=1)
    wanted = forecast(tested, at, kind=kind, seed=3).table
    pd.testing.assert_frame_equal(found.tables["forecast"], wanted)
    need = requirement(tested, 0.06, kind=kind, seed=3).table
    pd.testing.assert_frame_equal(found.tables["requirement"], need)
    assert set(found.tables["comparison"]["kind"]) == {kind}
    head, context = (named(found, id) for id in ("headline", "leads-today"))
    rows = wanted.set_index(["architecture", "n"])
    assert head.values["yhat_upper"] == rows.loc[("steep", bought), "yhat_upper"]
    assert context.values["yhat"] == rows.loc[("steep", 1e5), "yhat"]
    assert found.tables["floor"]["yhat"].between(0.8 * rows["yhat"].min(), 1.2 * rows["yhat"].max()).all()
    assert found.page["about"].endswith(findings.KINDS[kind])
    assert ("other-test-cases" in ids_of(found)) == (kind == "mean")
    assert sum(sections.RANGES[kind] in line for line in found.page["appendix"]["assumptions"]) == 1


def test_kinds_of_a_memo_differ(of_kinds):
    tables = [of_kinds[kind].tables["forecast"].query("architecture == 'steep' and n == 1e6") for kind in KINDS]
    widths = [one["yhat_upper"].iloc[0] / one["yhat_lower"].iloc[0] for one in tables]
    assert widths[2] > 1.1 * widths[0]
    assert widths[1] > 1.1 * widths[0]


def test_where_the_test_set_is_known_a_memo_is_about_new_cases(two, of_kinds):
    """As it is where that is asked for; and it says what the test set can prove, in every kind."""
    found = memo(on_test_set(two, 200), sizes=[1e6], target=0.06, seed=3)
    assert found.markdown == of_kinds["new-cases"].markdown
    (told,) = [one for one in found.messages if one.id == "test-set"]
    head = named(found, "headline").values
    assert told.values["cases"] == 200
    assert told.values["error"] == head["yhat"]
    assert told.values["provable"] == binomial_power.provable(200, head["yhat"])
    wanted = forecaster.test_set_size(error=head["yhat"], target=0.06).table["cases"].iloc[0]
    assert told.values["for_target"] == wanted
    assert all("test-set" in ids_of(one) for one in of_kinds.values())
    assert "test-set" not in ids_of(memo(two, sizes=[1e6], seed=3))


def test_new_cases_need_a_test_set_and_kinds_are_known(two):
    with pytest.raises(RequestError, match="n_test"):
        memo(two, kind="new-cases")
    with pytest.raises(RequestError, match="kind"):
        memo(two, kind="best")


def test_what_sizes_count_may_be_said(two):
    found = memo(two, size_unit="FLOPs", sizes=[1e24], seed=3)
    assert "1e24 FLOPs" in named(found, "headline").text
    assert "images" not in found.markdown.replace("One more task of images", "")  # what the priors were learned from
    assert found.figures["requirement"].axes[0].get_xlabel().endswith("(FLOPs)")


def test_a_large_size_that_was_measured_is_one_row_an_architecture():
    """The log of a billion, and back, misses it by more than rounding to six digits mends."""
    sizes = [10**k for k in range(5, 10)]
    found = memo(posterior({"a": net(1), "b": net(2)}, sizes=sizes), sizes=[1e9, 1e10])
    assert [r["size"] for r in found.page["options"]] == ["1 billion", "", "10 billion", ""]


def test_options_are_multiples_of_what_was_measured_of_each_architecture():
    """The leader ends at a tenth of the size to which the other was measured."""
    curves = {"short": net(1, exponent=0.4, level=-2.6), "long": net(2, exponent=0.2, level=-1.9)}
    found = memo(posterior(curves, sizes={"short": SIZES[:3], "long": SIZES}), sizes=[2e5, 1e6], seed=3)
    shown = [(r["architecture"], r["times"]) for r in found.page["options"]]
    assert shown[:4] == [("short", "10 times"), ("long", "measured"), ("short", "20 times"), ("long", "2 times")]
    context = named(found, "measured-less-far")
    assert (context.id, context.values["n"], context.values["leader"]) == ("measured-less-far", 1e4, "long")


def test_measurements_are_summarised_for_each_architecture():
    """Means of the runs at a size; the error of the last size, and the lowest one."""
    held = posterior({"end": net(2), "well": net(3)}, error={"end": [0.3, 0.2, 0.15, 0.12, 0.13]})
    found = collect._measured(on_test_set(held, 500).designs[GROUP])
    end, well = found["end"], found["well"]
    assert (end.smallest, end.largest, end.cases) == pytest.approx((1e3, 1e5, 500))
    assert (end.last, end.best) == pytest.approx((0.13, 0.12))
    assert end.still_up
    assert not well.still_up
    assert not replace(end, last=0.121).still_up


def test_no_text_claims_certainty():
    sure = posterior({"steep": values(exponent=0.4, level=-2.6), "flat": values(exponent=0.1, level=-1.9)})
    for text in (compare(sure).text, requirement(sure, [0.07, 1e-9], limit=1e6).text):
        assert "over 99 %" in text
        assert not re.search(r"(?<![\d.])(0|100) %", text)


def test_memos_of_tasks_whose_names_are_alike_do_not_share_files(monkeypatch, tmp_path):
    class Stub:
        checks = ()

        def __init__(self, group):
            self.group = group

        def write(self, folder, name, **_):
            (folder / f"{name}.md").write_text(self.group[1])
            return (f"{name}.md",)

    monkeypatch.setattr(examples, "memo", lambda _, group: Stub(group))
    tasks = ["C", "C++", "c 2", "c", "犬", "猫"]
    several = posterior({f"d/{task}/cnn": values() for task in tasks})
    one, again = (examples.memos_of(several, tmp_path / k, "m", tell=lambda *_: None).table for k in "ab")
    assert sorted(one["task"]) == sorted(tasks)
    assert [Path(f).read_text() for f in one["file"]] == one["task"].tolist()
    assert [Path(f).name for f in one["file"]] == [Path(f).name for f in again["file"]]
    assert Path(one.set_index("task").loc["c 2", "file"]).name == "m-d-c-2.md"


def test_the_memo_is_the_same_each_time(two, made):
    again = memo(two, command="forecaster memo curves.csv -o reports", seed=3)
    assert again.html == made.html
    assert again.markdown == made.markdown


def test_unknown_groups_are_refused(two):
    with pytest.raises(RequestError, match="vision/top-1"):
        memo(two, "vision/top-2")


def test_a_curve_that_cannot_be_forecast_is_named_and_never_recommended(two):
    """It is in the note below the options, and fails none of the others."""
    rising = pd.DataFrame({"n": SIZES, "error": [0.30, 0.28, 0.40, 0.60, 0.95]})
    rising = rising.assign(domain=GROUP[0], task=GROUP[1], architecture="rising")
    measured = read_curves(pd.concat([two.curves.table, rising], ignore_index=True))
    found = memo(replace(two, set_aside=measured.select(architecture="rising")), seed=3)
    assert "rising" in found.page["options_note"]
    assert "0.95" in found.page["options_note"]
    assert "rising" not in set(found.table["architecture"])
    assert {c.id: c.verdict for c in found.checks}["divergence"] == "REVIEW"


# The first page ------------------------------------------------------------------------------------

COSTS = {"currency": "EUR", "per_item": 0.05, "fixed": 1000, "items_per_week": 50_000}
START = date(2027, 1, 4)


@pytest.fixture(scope="module")
def priced(two):
    return memo(two, sizes=[2e5, 5e5, 1e6, 3e6], target=0.06, costs=COSTS, penalty=1e5, start=START, seed=3)


def test_one_number_has_one_value(two, priced):
    """That of ``decide``, ``forecast`` and ``requirement``, and of the memo's other tables."""
    alone = forecaster.decide(two, COSTS, [2e5, 5e5, 1e6, 3e6], target=0.06, penalty=1e5, start=START, seed=3)
    pd.testing.assert_frame_equal(priced.table.drop(columns="shown"), alone.table)
    pd.testing.assert_frame_equal(priced.tables["orders"], alone.orders)
    by_size = priced.tables["by_size"].set_index(["architecture", "n"])
    for row in alone.table[alone.table["option"] != "do nothing"].to_dict("records"):
        same = by_size.loc[(row["architecture"], row["n"])]
        for name in ("yhat", "yhat_lower", "yhat_upper", "p_target"):
            assert same[name] == row[name], name
        within = requirement(two, 0.06, limit=row["n"], curves=[row["architecture"]], seed=3).table
        assert within["p_within_limit"].iloc[0] == row["p_target"]


def test_the_first_page_tells_the_chosen_option(priced):
    best = priced.table[priced.table["best"]].iloc[0]
    first = priced.messages[0]
    assert (first.id, first.values["n"], first.values["cost"]) == ("buy", best["n"], best["cost"])
    assert named(priced, "expected").values["date"] == best["date"]
    rows = priced.page["choices"]["rows"]
    assert sum(row["chosen"] for row in rows) == 1
    assert len(rows) == priced.table["shown"].sum()
    (chosen,) = [row for row in rows if row["chosen"]]
    assert chance(best["p_target"]) in chosen["cells"]
    assert best["date"] in chosen["cells"]
    above = priced.markdown.split("## What would change it")[0]
    assert above.index("**Yes: buy") < above.index("| Option")
    for cell in chosen["cells"]:
        assert f"**{rendering._markdown_text(cell)}**" in above


def test_a_telephone_gets_a_narrow_chart_and_heads_in_every_cell(priced):
    assert 'media="(max-width: 620px)"' in priced.html
    assert set(priced.narrow) == {"options"}
    page = Page(priced.html)
    cells = [attributes for tag, attributes in page.found if tag == "td"]
    assert sum("data-head" in one for one in cells) > 0.6 * len(cells)
    shown = {one["data-head"].replace("\u00a0", " ") for one in cells if "data-head" in one}
    assert {name for name, _ in priced.page["choices"]["heads"]} <= shown


def test_every_table_stands_beside_the_memo(priced, tmp_path):
    priced.save(tmp_path, "m")
    names = {"options" if name == "table" else name for name in priced.columns}
    assert {path.stem for path in (tmp_path / "m-tables").iterdir()} == names
    options = pd.read_csv(tmp_path / "m-tables" / "options.csv")
    assert options["n"].tolist() == priced.table["n"].tolist()
    assert options["cost"].tolist() == priced.table["cost"].tolist()
    for name, table in priced.tables.items():
        priced.columns[name].check(table)
    alone = memo(posterior({"only": net(1)}))
    alone.save(tmp_path, "m")  # over the other one: nothing of that stays
    assert {path.stem for path in (tmp_path / "m-tables").iterdir()} == names
    assert pd.read_csv(tmp_path / "m-tables" / "comparison.csv").empty


def test_money_needs_a_price_list_and_architectures_must_be_there(two):
    with pytest.raises(RequestError, match="price list"):
        memo(two, target=0.06, penalty=1e5)
    with pytest.raises(CostsError, match="vit"):
        memo(two, target=0.06, penalty=1e5, costs={"per_item": 1, "architecture": {"vit": {"per_gpu_hour": 1}}})


def test_the_demo_of_digits_is_a_purchase_with_money_date_and_chance():
    digits = next(e for e in examples.EXAMPLES if e.name == "digits")
    costs = examples.example_costs()
    assert digits.penalty is not None
    assert costs.timed
    assert set(costs.architecture) <= set(examples.example_curves("digits").table["architecture"])
