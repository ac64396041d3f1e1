"""Shards: every prefix has the classes in proportion, and all examples come once."""

from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from forecaster.measuring.trainers.shards import nested_order, stratified_order


@settings(max_examples=150, deadline=None, derandomize=True)
@given(counts=st.lists(st.integers(1, 80), min_size=1, max_size=8), seed=st.integers(0, 2**32 - 1))
def test_every_prefix_is_stratified(counts, seed):
    rng = np.random.default_rng(seed)
    labels = rng.permutation(np.repeat(np.arange(len(counts)), counts))
    order = stratified_order(labels, rng)
    assert sorted(order) == list(range(len(labels)))
    held = np.cumsum(labels[order][:, None] == np.arange(len(counts)), axis=0)  # [prefix, class]
    share = np.array(counts) / len(labels)
    wanted = np.arange(1, len(labels) + 1)[:, None] * share
    # Fewer than one of each class beyond m t at the threshold t, which is n / N but for these.
    assert (np.abs(held - wanted) < 1.0 + len(counts) * share + 1e-9).all()


def test_orders_are_random_and_the_seeds_own():
    labels = np.repeat([0, 1], 50)
    first, again, other = (nested_order(labels, np.random.default_rng(s), stratify=True) for s in (1, 1, 2))
    assert first.tolist() == again.tolist() != other.tolist()
    # Each example of a class is as likely as any other to be among the first ten.
    rng = np.random.default_rng(0)
    early = np.bincount(np.concatenate([stratified_order(labels, rng)[:10] for _ in range(2000)]), minlength=100)
    assert np.abs(early / 2000 - 0.1).max() < 5 * np.sqrt(0.1 * 0.9 / 2000)


def test_without_classes_it_is_a_permutation():
    order = nested_order(np.linspace(0, 1, 30), np.random.default_rng(0), stratify=False)
    assert sorted(order) == list(range(30))
