"""The page runs as printed. A file of its own, so that another process can take it."""

from __future__ import annotations

from helpers.documents import mistakes, page


def test_deciding_runs():
    assert mistakes(page("decide.md")) == []
