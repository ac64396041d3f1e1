"""Price lists: tiers against counting items one by one, and files that cannot be used."""

from __future__ import annotations

import re
import tomllib
from datetime import date

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from forecaster.errors import CostsError
from forecaster.resources.prices.costs import Costs, Hours, Running
from forecaster.resources.prices.costs_file import ENTRIES, TEMPLATE, read_costs

TIERS = ((3.0, 5.0), (10.0, 2.0), (20.0, 1.0))


def one_by_one(tiers, bought):
    """Each item at the price of the first tier that it fits in; the last price holds beyond."""
    return sum(next((price for up_to, price in tiers if item <= up_to), tiers[-1][1]) for item in range(1, bought + 1))


@pytest.mark.parametrize("bought", [0, 1, 3, 4, 10, 11, 20, 35])
def test_tiers_price_each_item_by_how_many_were_bought(bought):
    costs = Costs(per_item=TIERS)
    assert float(costs.items(bought)) == pytest.approx(one_by_one(TIERS, bought))


@given(st.integers(0, 40), st.integers(1, 40))
def test_a_second_order_goes_on_in_the_tiers_and_pays_what_is_fixed_again(first, more):
    costs = Costs(per_item=TIERS, fixed=7.0)
    together = one_by_one(TIERS, first + more) + 7.0 * ((first > 0) + 1)
    apart = costs.order(first) + costs.order(more, already=float(first))
    assert float(apart) == pytest.approx(together)
    assert float(costs.order(0.0, already=float(first))) == 0.0


def test_training_and_running_differ_by_architecture():
    own = Running(gpu_hours=Hours(12.0, 0.0), per_million_answers=30.0)
    costs = Costs(per_gpu_hour=2.0, gpu_hours=Hours(1e-3, 2.0), per_million_answers=10.0, architecture={"mlp": own})
    n = np.array([100.0, 1000.0])
    assert costs.training(n, "svm").tolist() == pytest.approx([2.0 * 1e-3 * 100.0**2, 2.0 * 1e-3 * 1000.0**2])
    assert costs.training(n, "mlp").tolist() == [24.0, 24.0]
    assert costs.running(2e6, "svm") == 20.0
    assert costs.running(2e6, "mlp") == 60.0
    assert costs.runs_cost
    assert not Costs().runs_cost


def test_days_are_delivery_and_then_training():
    costs = Costs(items_per_week=700.0, gpu_hours=Hours(48.0, 0.0), gpus=4.0)
    assert float(costs.days(1400.0, 2000.0, "svm")) == pytest.approx(14.0 + 0.5)
    assert float(costs.days(1400.0, 2000.0, "svm", trained=False)) == pytest.approx(14.0)
    assert costs.timed
    assert not Costs().timed


def test_the_template_is_a_price_list_and_so_is_what_it_leaves_out(tmp_path):
    path = tmp_path / "costs.toml"
    path.write_text(TEMPLATE, encoding="utf-8")
    assert read_costs(path).currency == "EUR"
    whole = re.sub(r"^# (?=\w+ = |\[)", "", TEMPLATE, flags=re.M)
    raw = tomllib.loads(whole)
    assert set(raw) == set(ENTRIES)
    path.write_text(whole, encoding="utf-8")
    costs = read_costs(path, ["mlp", "svm"])
    assert costs.deadline == date(2027, 3, 1)
    assert costs.architecture["mlp"].gpu_hours == Hours(12.0, 0.0)
    assert costs == read_costs(raw)


WRONG = """\
currency = 3
per_itm = 4
per_item = [[100, 2],
            [50, 1]]
fixed = -1
deadline = "soon"
gpus = 0
items_per_week = true
[architecture.mlpp]
per_gpu_hour = 2
[architecture.mlp]
gpu_hours = { per_item = -1 }
colour = "red"
"""


def test_every_fault_is_named_with_its_line(tmp_path):
    path = tmp_path / "costs.toml"
    path.write_text(WRONG, encoding="utf-8")
    with pytest.raises(CostsError) as refused:
        read_costs(path, ["mlp", "svm"])
    lines = str(refused.value).splitlines()
    assert [int(re.findall(r"line (\d+):", line)[0]) for line in lines] == [1, 2, 3, 5, 6, 7, 8, 9, 12, 13]
    said = str(refused.value)
    for found in ("per_item?", "'mlpp'", "mlp?", "rising limits", "deadline = 2027-03-01", "colour"):
        assert found in said


@pytest.mark.parametrize(
    ("text", "line", "found"),
    [
        ("fixed = 1\nper_item = ", 2, "not TOML"),
        ("per_item = []", 1, "per_item"),
        ("per_item = [[10, 1], [inf]]", 1, "per_item"),
        ("per_item = nan", 1, "per_item"),
        ("architecture = 3", 1, "architecture"),
        ("gpu_hours = { per_item = 1, exponent = 9 }", 1, "exponent"),
        ("owned = 0", 1, "owned"),
    ],
)
def test_a_file_that_cannot_be_used_is_refused(text, line, found, tmp_path):
    path = tmp_path / "costs.toml"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(CostsError, match=f"costs.toml, line {line}: .*{found}"):
        read_costs(path)


def test_files_that_are_not_there_or_no_text_are_refused(tmp_path):
    with pytest.raises(CostsError, match="decide --template"):
        read_costs(tmp_path / "none.toml")
    with pytest.raises(CostsError, match="unreadable"):
        read_costs(tmp_path)
    (tmp_path / "latin.toml").write_bytes('currency = "£"'.encode("latin-1"))
    with pytest.raises(CostsError, match="UTF-8"):
        read_costs(tmp_path / "latin.toml")


def test_dictionaries_and_values_are_checked_alike():
    with pytest.raises(CostsError, match="found per_item = -2"):
        read_costs({"per_item": -2})
    with pytest.raises(CostsError, match="did you mean mlp"):
        read_costs(Costs(architecture={"mpl": Running()}), ["mlp"])
    assert read_costs(Costs(fixed=3.0), ["mlp"]).fixed == 3.0
    assert read_costs({}).items(np.array([5.0])).tolist() == [0.0]
