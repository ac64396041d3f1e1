"""Which rows of a table to show first."""

from __future__ import annotations

from collections import Counter
from collections.abc import Hashable, Sequence


def leading(groups: Sequence[Hashable], standing: Sequence[tuple[float, ...]], most: int) -> list[int]:
    """Positions of the ``most`` rows of lowest standing, every group in turn; as they stand where there are no more."""
    if len(groups) <= most:
        return list(range(len(groups)))
    place = {group: i for i, group in enumerate(dict.fromkeys(groups))}
    rank, taken = {}, Counter()
    for i in sorted(range(len(groups)), key=lambda i: standing[i]):
        rank[i] = taken[groups[i]]
        taken[groups[i]] += 1
    chosen = sorted(rank, key=lambda i: (rank[i], place[groups[i]]))[:most]
    return sorted(chosen, key=lambda i: (place[groups[i]], rank[i]))
