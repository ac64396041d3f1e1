"""Chapters of a memo: each says what its verb says, its tables are declared, and none advises where a check failed."""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import Any

import numpy as np
import pandas as pd
import pytest
from helpers import synthetic
from helpers.synthetic import GROUP, values

import forecaster
from forecaster.errors import OptionError, RequestError
from forecaster.reports.chapters.catalogue import KINDS, parsed, wanted
from forecaster.reports.memo import memo
from forecaster.results.result import Result

SD = {"level": 0.05, "log_exponent": 0.1, "floor_logit": 0.5}
ERRORS = {"human": (0.01, 5000), "train": (0.02, 5000), "dev": (0.12, 5000)}
SIZES, TARGET = [2e5, 1e6], 0.06


@pytest.fixture(scope="module")
def three():
    """Three architectures, of which the table says what their runs took."""
    found = synthetic.posterior(
        {
            "steep": values(log_drift=-4.0, sd=SD, seed=1, exponent=0.4, level=-2.2),
            "flat": values(log_drift=-4.0, sd=SD, seed=2, exponent=0.2, level=-1.9),
            "poor": values(log_drift=-4.0, sd=SD, seed=3, exponent=0.1, level=-1.2),
        },
        card="image-classification-top1",
    )
    table = found.curves.table.copy()
    params = 20.0 * table["n"] ** 0.7
    return type(found)(found.tree, found.curves.with_rows(table.assign(params=params)), found.cards)


@pytest.fixture(scope="module")
def files(three, tmp_path_factory):
    """A forecast registered before its outcomes: a registry, and two tables, as forecast and far from it."""
    folder = tmp_path_factory.mktemp("registry")
    sizes = list(np.geomspace(1.2e5, 1e6, 6))
    forecaster.register(
        three, sizes, folder / "r.jsonl", due=date(2030, 1, 1), made_at=datetime(2027, 1, 4, tzinfo=UTC)
    )
    names = [(*GROUP, name, n) for name in ("steep", "flat", "poor") for n in sizes]
    at = pd.DataFrame(names, columns=["domain", "task", "architecture", "n"])
    told = at.assign(error=forecaster.forecast(three, at).table["yhat"])
    told.to_csv(folder / "well.csv", index=False)
    told.assign(error=3.0 * told["error"]).to_csv(folder / "badly.csv", index=False)
    return folder


@pytest.fixture(scope="module")
def surface():
    grid = [(params, n) for params in (1e6, 3e6, 1e7) for n in (2e7, 8e7, 3e8)]
    rows = [("lm", p, n, 1.8 + 480 / p**0.35 + 2100 / n**0.37) for p, n in grid]
    table = pd.DataFrame(rows, columns=["domain", "params", "n", "error"]).assign(architecture="decoder")
    return forecaster.fit_surface(table)


@pytest.fixture(scope="module")
def asked(files, surface):
    return {
        "next": {"refits": 0},
        "screen": {"at": 5e5, "risk": 0.1},
        "effect": {"baseline": "flat", "treated": "steep"},
        "growth": {},
        "surface": {"fitted": surface, "flops": 1e17},
        "triage": ERRORS,
        "record": {"registry": files / "r.jsonl", "outcomes": files / "well.csv"},
    }


@pytest.fixture(scope="module")
def whole(three, asked):
    return memo(three, sizes=SIZES, target=TARGET, chapters=asked, author="A. Author", dated=date(2027, 1, 4), seed=3)


def verb_of(name: str, three, asked) -> Result:
    """The same question, asked of the verb."""
    own = asked[name]
    if name == "next":
        return forecaster.next_measurement(three, f"requirement:{TARGET}", refits=0, seed=3, curves=["steep"])
    if name == "screen":
        return forecaster.screen(three, 5e5, risk=0.1, seed=3)
    if name == "effect":
        return forecaster.effect(three, **own, seed=3)
    if name == "growth":
        return forecaster.growth(three, [1e5, 1e6], seed=3, curves=["steep", "flat"])
    if name == "surface":
        return forecaster.surface(own["fitted"], flops=1e17)
    if name == "triage":
        return forecaster.triage(**own, posterior=three, architecture="steep", seed=3)
    return forecaster.score(own["registry"], own["outcomes"])


TABLES = {name: name for name in KINDS} | {"record": "registered"}


@pytest.mark.parametrize("name", KINDS)
def test_a_chapter_says_what_its_verb_says(name, three, asked, whole):
    alone = verb_of(name, three, asked)
    found = whole.tables[TABLES[name]]
    if name == "growth":  # the memo has more sizes
        both: Any = found.merge(alone.table, on=["architecture", "quantity", "n"])
        assert len(both)
        assert both["yhat_x"].tolist() == both["yhat_y"].tolist()
        return
    pd.testing.assert_frame_equal(found, alone.table)


def test_chapters_stand_in_their_order_each_with_text_table_and_figure(whole):
    chapters = whole.page["chapters"]
    assert [one.name for one in chapters] == list(KINDS)
    places = [whole.markdown.index(f"## {one.heading}") for one in chapters]
    assert places == sorted(places)
    assert places[-1] < whole.markdown.index("## Appendix")
    for one in chapters:
        assert one.lines[0]
        assert one.rows
        assert all(len(row) == len(one.heads) for row in one.rows)
        assert not any("nan" in cell.split() for row in one.rows for cell in row), one.name
        assert one.name in whole.figures
        assert f"memo-{one.name}.png" in whole.markdown
        assert whole.html.count(one.heading) == 1
        assert one.said in whole.messages


def test_tables_of_chapters_are_declared_and_saved(whole, tmp_path):
    for name, table in whole.tables.items():
        whole.columns[name].check(table)
    whole.save(tmp_path, "m")
    saved = pd.read_csv(tmp_path / "m-tables" / "screen.csv")
    assert saved["p_best"].tolist() == pytest.approx(whole.tables["screen"]["p_best"].tolist())


def test_the_memo_says_when_and_by_whom(whole):
    assert "Decision memo · 4 January 2027 · A. Author" in whole.html
    assert "Decision memo · 4 January 2027 · A. Author" in whole.markdown


def test_unasked_are_those_that_the_data_allow(three):
    assert [one.name for one in memo(three, seed=3).page["chapters"]] == ["screen", "growth"]
    alone = synthetic.posterior({"only": values(log_drift=-4.0, sd=SD, seed=1)})
    assert memo(alone).page["chapters"] == ()
    assert memo(three, chapters=[], seed=3).page["chapters"] == ()


def test_a_record_that_failed_stops_the_memo_and_what_advises(three, asked, files):
    badly = {"record": asked["record"] | {"outcomes": files / "badly.csv"}, "screen": {}, "growth": {}}
    found = memo(three, sizes=SIZES, target=TARGET, chapters=badly, seed=3)
    assert found.failed
    assert [one.name for one in found.page["chapters"]] == ["growth", "record"]
    assert found.markdown.startswith("> **FAIL")
    assert not any(one.id == "buy" for one in found.messages)


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"advice": {}}, "advice"),
        ({"screen": {"size": 3}}, "size"),
        ({"effect": {"baseline": "a"}}, "treated"),
        ({"screen": {"risk": "much"}}, "much"),
        ({"triage": {"dev": "0.1", "human": "x"}}, "human: found x"),
        ({"record": {"registry": "gone.jsonl", "outcomes": "gone.csv"}}, "no file gone.jsonl"),
        ("screen", "list"),
    ],
)
def test_what_cannot_be_asked_is_refused_before_any_work(given, said):
    with pytest.raises(RequestError, match=said):
        wanted(given)


def test_chapters_on_the_command_line():
    assert parsed([]) is None
    assert parsed(["none"]) == {}
    assert parsed(["screen risk=0.1 at=1.5M", "growth"]) == {"screen": {"risk": 0.1, "at": 1.5e6}, "growth": {}}
    assert parsed(["effect 'baseline=a net' treated=b"]) == {"effect": {"baseline": "a net", "treated": "b"}}
    for bad, said in (
        (["screen 0.1"], "KEY=VALUE"),
        (["advice"], "expected some of"),
        (["screen 'at=1"], "quotation mark"),
        ([""], "expected some of"),
    ):
        with pytest.raises(OptionError, match=f"--chapter.*{said}"):
            parsed(bad)
