"""The README says what happens: its commands and its Python run as printed and print what it shows.

``uv run python docs/transcripts.py`` writes the outputs anew; ``forecaster demo --output reports`` draws its figure.
"""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from helpers.documents import apart, mistakes, transcripts

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text(encoding="utf-8")
RESULTS = ROOT / "benchmarks" / "results"


def test_it_does_what_it_shows():
    assert mistakes(README) == []


def test_it_opens_with_a_command_that_works_in_a_fresh_clone():
    first = next(transcripts.steps(README))
    assert first.kind == "console"
    assert first.told
    assert first.source.startswith("uv run forecaster ")
    (path,) = re.findall(r"\S+\.csv", first.source)
    assert (ROOT / path).is_file()


def test_it_is_short():
    assert len(README.splitlines()) <= 150


def test_links_lead_somewhere():
    targets = re.findall(r"\]\(([^)#:]+)\)", README)
    assert targets
    assert [target for target in targets if not (ROOT / target).exists()] == []


def test_its_table_is_that_of_the_results():
    found = list(transcripts.tables(README))
    assert len(found) == 1
    for told, meant in found:
        assert told == meant


@pytest.mark.parametrize("change", ["0.00197", "9.9e9", "Nonsense"])
def test_a_transcript_that_is_not_what_is_printed_is_seen(change):
    printed = "rbf-svm  2,400  0.431  0.362\nrbf-svm  12,000  0.497  0.108\nknown words"
    assert apart(printed, printed) == ""
    assert apart(printed.replace("known", "unknown"), printed)
    assert apart(f"{change} {change} {change} {change} {change} {printed}", printed)


def test_another_last_digit_is_no_mistake():
    printed = "rbf-svm  2,400  0.431  0.362"
    assert apart("rbf-svm  2,400  0.433  0.360", printed) == ""
    assert apart("rbf-svm  2,400  0.833  0.360", printed)
