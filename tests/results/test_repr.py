"""What a value says of itself at a prompt and in a notebook: a few lines, however much it holds."""

from __future__ import annotations

import pandas as pd
import pytest
from helpers.synthetic import posterior, values

from forecaster.curves.reading.read import read_curves
from forecaster.domains.loading import load_card


def lines_of(value):
    lines = repr(value).splitlines()
    assert 1 <= len(lines) <= 5
    assert max(map(len, lines)) <= 100
    return lines


@pytest.fixture(scope="module")
def many():
    """Curves of five groups with twelve architectures each, long names among them."""
    rows = [
        ("a field of a rather long name", f"task-{t}", f"net-{k}-" + "x" * 30, n, 0.5 * n**-0.2)
        for t in range(5)
        for k in range(12)
        for n in (100, 1000, 10_000)
    ]
    return read_curves(pd.DataFrame(rows, columns=["domain", "task", "architecture", "n", "error"]))


def test_curves(many):
    lines = lines_of(many)
    assert lines[0] == "LearningCurves from table: 180 measurements of 60 curves, n 100 to 10000"
    assert lines[-1] == "  and 2 more"
    assert lines_of(many.select(task="task-1"))[1].startswith("  a field of a rather long name/task-1: net-0-x")
    assert lines_of(many.curves[0])[0].startswith("Curve a field of a rather long name/task-0/net-0-")
    page = many._repr_html_()
    assert page.count("<tr") == 21
    assert "180 measurements" in page


def test_posterior():
    found = posterior({"cnn": values(exponent=0.3), "<mlp>": values(exponent=0.2)})
    lines = lines_of(found)
    assert lines == [
        "Posterior of 2 curves, 400 draws, synthetic, seed 0",
        "  vision/top-1 (card generic-error-rate): <mlp>, cnn",
    ]
    page = found._repr_html_()
    assert "0.3" in page
    assert "&lt;mlp&gt;" in page
    assert "<mlp>" not in page


def test_card():
    card = load_card("generic")
    (line,) = repr(card).splitlines()
    assert line.startswith(f"Domain generic: {card.title}")
    assert len(line) < 200
