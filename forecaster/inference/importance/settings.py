"""Tuned numbers of proposals and of tempering, each with its reason.

The cost of other values was measured with the ensemble engine; the tables are in `benchmarks/lab/`.
"""

from __future__ import annotations

# Proposals -------------------------------------------------------------------------------------------

DEGREES = 8.0  # of freedom of each Student-t component: heavier tails than the targets; 4 mixes slower
# Weight of the prior in every proposal (defensive mixture): bounds importance weights at ten (Hesterberg 1995).
DEFENSIVE = 0.1
EM_STEPS = 5  # per fit, which is repeated with new points anyway
SHRINKAGE = 0.25  # of component covariances towards that of all points: while tempering, few points are effective
EMPTY = 1e-2  # weight, in points, below which a component is not moved
FLOOR_WEIGHT = 1e-3  # added to each component's weight, so that none dies
RIDGE, LEAST_VARIANCE = 1e-6, 1e-10  # relative and absolute, on the diagonal of covariances
START_WIDTH = 0.7  # of components before EM, relative to all points: they overlap at first and separate in the fit
# Of random-walk steps, times 2.38 / sqrt(d) (Roberts et al. 1997): a range of lengths.
SHORTEST_STEP, LONGEST_STEP = 0.2, 1.5
CELLS = 4_000_000  # features of points computed at once: bounds memory at 32 MB

# Tempering -------------------------------------------------------------------------------------------

EFFECTIVE = 50.0  # effective points that a tempered likelihood must leave: 100 gain nothing
STEP, LEAST_POWER = 1.3, 1e-4  # ratio of successive powers, and the smallest: a ratio of 2.8 got stuck
# Double the points after so many rounds, at most so many times: only hard targets need it.
DOUBLE_EVERY, DOUBLINGS = 2, 4
LOST = 0.5  # share of the best power so far: a proposal that falls below has lost its target and is undone
