"""The page runs as printed. A file of its own, so that another process can take it."""

from __future__ import annotations

from helpers.documents import mistakes, page


def test_model_and_data_runs():
    assert mistakes(page("tutorials/model-and-data.md")) == []
