"""Mutated exports: ``fuzz.py`` beside this, a few of them here and many where slow tests run."""

from __future__ import annotations

import importlib.util
import random
import sys
from pathlib import Path

import pytest
from helpers.exports import FIXTURES

_spec = importlib.util.spec_from_file_location("fuzz", Path(__file__).with_name("fuzz.py"))
assert _spec is not None
assert _spec.loader is not None
fuzz = importlib.util.module_from_spec(_spec)
sys.modules["fuzz"] = fuzz
_spec.loader.exec_module(fuzz)


@pytest.mark.parametrize("fixture", FIXTURES, ids=lambda fixture: fixture.path)
def test_a_mutated_export_is_read_or_refused(fixture, tmp_path):
    for seed in range(2):
        rng, desk = random.Random(seed), tmp_path / str(seed)
        desk.mkdir()
        words = fuzz.words_of(rng, fixture, fuzz.mutated(rng, fixture, desk))
        fault, _, _ = fuzz.fault_of(words, desk)
        assert fault is None, (words, fault)


@pytest.mark.slow
def test_many_mutated_exports_are_read_or_refused():
    count, faults = fuzz.fuzz(10_000, seed=3)
    assert count >= 10_000
    assert faults == []
