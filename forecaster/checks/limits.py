"""Limits: from which value a number calls for a look or fails, and how several curves become one check."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

import numpy as np

from forecaster.inference.engines.interface import LEAST_ESS, MOST_MEMORY, MOST_R_HAT
from forecaster.results.check import FAIL, PASS, REVIEW, Check, Finding, worst_finding
from forecaster.results.message import Message

NEVER = np.inf  # a limit that no number exceeds


@dataclass(frozen=True)
class Limits:
    """From which value on a number is REVIEW, and beyond which it is FAIL; ``rising``: larger is worse."""

    review: float
    fail: float
    rising: bool = True

    def verdict(self, value: float) -> str:
        """PASS, REVIEW or FAIL. A rising number equal to ``review`` is REVIEW, to ``fail`` not yet FAIL."""
        if not self.rising:
            return FAIL if value < self.fail else REVIEW if value < self.review else PASS
        return FAIL if value > self.fail else REVIEW if value >= self.review else PASS


# Vehtari et al. 2021 (doi:10.1214/20-BA1221): below 1.01 the chains agree; above 1.05 even their means are in doubt.
R_HAT = Limits(1.01, MOST_R_HAT)
# The same source: with 400, the standard error of a 5 % quantile is about a tenth of the posterior sd; with 100, less
# than a quarter.
ESS = Limits(400.0, LEAST_ESS, rising=False)
# Tail ESS of quantities for which no interval is reported. Of 815 measured curves twelve had one below 100; the ESS of
# their forecasts ten times beyond the data was still 700 to 1,000 at both ends.
TAILS = Limits(400.0, -NEVER, rising=False)
# Share of divergent transitions: a few may be numerical; from one in a hundred on, part of the posterior is missed.
DIVERGENCES = Limits(1e-3, 1e-2)
# Autocorrelation of the draws with the starting point: at r, up to a share r of the start's error remains.
MEMORY = Limits(0.1, MOST_MEMORY)
# Distance between posterior mean and prior mean in prior sds: 2.5 has probability 1/80 if the card is right. The data
# have then overruled the card: the card needs a look, but the posterior need not be refused.
CONFLICT = Limits(2.5, NEVER)
# Probability that a floor, in a fit without evidence on it, lies as far from the evidence as it does.
FLOOR_CONFLICT = Limits(0.05, 0.0, rising=False)
# Shift of a floor's median by evidence, in half-widths of the 80 % range without it: at 1 it leaves that range.
FLOOR_MOVED = Limits(1.0, NEVER)
# Absolute correlation of log exponent and floor: beyond 0.9, knowing one would remove four fifths of the other's
# variance.
RIDGE = Limits(0.9, NEVER)
# Posterior sds of log floor and of log exponent below which that correlation does not matter: with probability 95 % the
# floor is known to 10 % and the exponent to a factor of 1.6.
FLOOR_KNOWN, EXPONENT_KNOWN = 0.05, 0.25
# Posterior sd over prior sd: at 0.8 the data have removed a third of the prior variance.
PRIOR_SHARE = Limits(0.8, NEVER)
# Decades beyond the data over decades measured. Held-out scores cover about one span. No evidence supports more than
# four: the scale of the drift, learned on the measured span, is then unknown even where the law holds.
EXTRAPOLATION = Limits(1.0, 4.0)
FAR_BEYOND = 2.0  # spans beyond the data from which the message is stronger
# Rise of log error above the best so far that no falling law can follow: 20 %.
RISE = Limits(float(np.log(1.2)), NEVER)
# Posterior predictive probability of what was seen in one curve (or group): one false alarm per hundred.
UNLIKELY = Limits(0.01, 0.0, rising=False)
# Share of a curve's sizes whose Pareto k is too large. With few points and many parameters some sizes are influential
# (at most a quarter in sixty curves simulated from the generic card); from a half on, leave-one-out says little.
INFLUENTIAL = Limits(0.5, NEVER)
# Share of a curve's errors inside the card's 95 % band. Errors of one curve are correlated: under a right card half of
# them may lie outside (5 of those sixty curves), but hardly ever more than two thirds (none).
FORESEEN = Limits(1.0 / 3.0, -NEVER, rising=False)
# Shift of the forecast's median under another prior, in half-widths of its interval: at 1 it reaches the end.
MOVED = Limits(0.5, NEVER)


def worst_of(
    id: str,
    values: Mapping[str, float],
    limits: Limits,
    say: Callable[[str, float], Message],
    fine: Callable[[float], Message],
    next_step: str,
) -> Iterator[Check]:
    """One check from a number per curve or group; no check where there is no number.

    ``say`` gives the message for a curve that does not pass, ``fine`` the one where all pass, from the worst number.
    The check reports the worst curve and names others with the same verdict.
    """
    known = {label: float(v) for label, v in values.items() if not np.isnan(v)}
    if not known:
        return
    order = sorted(known, key=lambda label: known[label], reverse=limits.rising)
    verdicts = {label: limits.verdict(known[label]) for label in order}
    worst = order[0]
    if verdicts[worst] == PASS:
        yield Check(id, PASS, fine(known[worst]))
        return
    each = tuple(
        Finding(label, verdicts[label], say(label, known[label])) for label in order if verdicts[label] != PASS
    )
    yield worst_finding(Check(id, verdicts[worst], each[0].message, next_step), each)
