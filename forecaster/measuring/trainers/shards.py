"""Shards: training sets of growing size, each contained in the next, each with the classes in proportion.

Hestness et al. (2017), section 3: shards of a training set that is shuffled once, in steps of about two.
"""

from __future__ import annotations

from typing import Any

import numpy as np


def stratified_order(labels: Any, rng: np.random.Generator) -> np.ndarray:
    """Positions of the examples in random order, such that each class is spread evenly: every prefix is stratified.

    The i-th of a class's m examples is placed at (i + u) / m, with one random offset u in [0, 1) for each class. A
    prefix of n of N examples holds m n / N of the class but for a few: the number of classes at the most, as a rule
    less than one.
    """
    labels = np.asarray(labels)
    place = np.empty(len(labels))
    for label in np.unique(labels):
        members = rng.permutation(np.flatnonzero(labels == label))
        place[members] = (np.arange(len(members)) + rng.random()) / len(members)
    return np.argsort(place)


def nested_order(labels: Any, rng: np.random.Generator, *, stratify: bool) -> np.ndarray:
    """The order whose prefixes are the shards: stratified by ``labels``, or plainly at random."""
    return stratified_order(labels, rng) if stratify else rng.permutation(len(labels))
