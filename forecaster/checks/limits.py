"""Verdicts: where a number stops being good, and how the worst of several curves becomes one Check."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

import numpy as np

from forecaster.inference.engines.interface import LEAST_ESS, MOST_MEMORY, MOST_R_HAT
from forecaster.results.check import FAIL, PASS, REVIEW, Check, spoken

NEVER = np.inf  # a limit that no number passes


@dataclass(frozen=True)
class Limits:
    """Where a number stops being good: ``review`` and ``fail``; ``rising``: larger is worse."""

    review: float
    fail: float
    rising: bool = True

    def verdict(self, value: float) -> str:
        """PASS, REVIEW or FAIL; a value at the limit of ``review`` needs a look, one at ``fail`` still may pass it."""
        if not self.rising:
            return FAIL if value < self.fail else REVIEW if value < self.review else PASS
        return FAIL if value > self.fail else REVIEW if value >= self.review else PASS


# Vehtari et al. 2021 (doi:10.1214/20-BA1221): below 1.01 chains agree; above 1.05 even their means are in doubt.
R_HAT = Limits(1.01, MOST_R_HAT)
# The same: 400 make the standard error of a 5 % quantile about a tenth of the posterior sd; 100 not a quarter.
ESS = Limits(400.0, LEAST_ESS, rising=False)
# Tails of quantities that no interval reports. Of 815 curves of tables twelve had one worth fewer than 100 draws; the
# errors ten times ahead of those curves were worth 700 to 1,000 at both ends all the same.
TAILS = Limits(400.0, -NEVER, rising=False)
# Share of divergent transitions: a few may be numerical; from one in a hundred on, part of the posterior is missed.
DIVERGENCES = Limits(1e-3, 1e-2)
# Correlation with where the draws began: at r, up to r of what the start had got wrong is still in them.
MEMORY = Limits(0.1, MOST_MEMORY)
# Prior sds between the posterior mean and the prior mean: 2.5 happens once in 80 if the card is right. The data
# have overruled the card by then, so the card is what to look at; it is no ground to refuse the posterior.
CONFLICT = Limits(2.5, NEVER)
# Correlation of log exponent and floor: beyond 0.9, knowing one would cut the other's variance by four fifths.
RIDGE = Limits(0.9, NEVER)
# Sds of log floor and of log exponent below which that is no matter: a floor known to 10 % and an exponent known to a
# factor of 1.6, nineteen times in twenty.
FLOOR_KNOWN, EXPONENT_KNOWN = 0.05, 0.25
# Posterior over prior sd: at 0.8 the data have removed a third of the prior's variance.
PRIOR_SHARE = Limits(0.8, NEVER)
# Decades beyond the data over decades measured. Held-out scores cover about one; no evidence at all backs more than
# four, where even a right law leaves the drift's scale, learned on so short a span, unknown.
EXTRAPOLATION = Limits(1.0, 4.0)
FAR = 2.0  # spans beyond the data from which the sentence is stronger
# Rise above the best error so far that no falling law can follow, of log error: 20 %.
RISE = Limits(float(np.log(1.2)), NEVER)
# Chance, if the model is right, of what was seen in one curve (or group): one false alarm in a hundred of each kind.
UNLIKELY = Limits(0.01, 0.0, rising=False)
# Share of a curve's sizes whose Pareto k is too large: few points and many parameters make some of them influential
# (at most a quarter in sixty curves drawn from the generic card); from a half on, leaving out tells little.
INFLUENTIAL = Limits(0.5, NEVER)
# Share of a curve's errors inside the card's 95 % band. The sizes of a curve move together: a right card may leave
# half of one outside (in 5 of those sixty curves), but seldom more than two thirds (in none).
FORESEEN = Limits(1.0 / 3.0, -NEVER, rising=False)
# Half widths of the forecast's interval by which another prior moves its middle: at 1 the old end is the new middle.
MOVED = Limits(0.5, NEVER)


def worst_of(
    name: str,
    values: Mapping[str, float],
    limits: Limits,
    say: Callable[[str, float], str],
    fine: str,
    next_step: str,
) -> Iterator[Check]:
    """One check from a number per curve or group: what ``say`` tells of the worst, and who else has its verdict.

    Nothing where there is no number. ``fine`` is the sentence when all pass, with ``{worst}`` filled in.
    """
    known = {label: float(v) for label, v in values.items() if not np.isnan(v)}
    if not known:
        return
    order = sorted(known, key=lambda label: known[label], reverse=limits.rising)
    said = {label: limits.verdict(known[label]) for label in order}
    worst = order[0]
    verdict = said[worst]
    if verdict == PASS:
        yield Check(name, PASS, fine.format(worst=f"{known[worst]:.4g}"))
        return
    each = tuple((label, said[label], say(label, known[label])) for label in order if said[label] != PASS)
    yield spoken(Check(name, verdict, "", next_step), each)
