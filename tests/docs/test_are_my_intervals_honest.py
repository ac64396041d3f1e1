"""The page runs as printed. A file of its own, so that another process can take it."""

from __future__ import annotations

from helpers.documents import mistakes, page


def test_are_my_intervals_honest_runs():
    assert mistakes(page("tutorials/are-my-intervals-honest.md")) == []
