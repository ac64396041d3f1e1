"""Every tuned number of the ensemble engine, each with its reason.

What other values cost was measured; the tables are in `benchmarks/lab/`. "Walkers" are the members of the ensemble:
each is one point of a group's posterior (hyper-parameters and the parameters of all curves).
"""

from __future__ import annotations

from typing import NamedTuple


class Settings(NamedTuple):
    """How hard to work on a group. The defaults are for up to `MANY` groups of up to eight curves."""

    # The ensemble
    chains: int = 4  # independent given the proposals; R-hat needs several
    draws: int = 1000  # a chain, reported
    walkers: int = 250  # a chain, in whole blocks: 40 are half the time a sweep, and a tenth of the independent draws
    block: int = 5  # walkers that share candidates: ten give up to a quarter fewer draws a second, 25 take more sweeps
    candidates: int = 10  # hyper-parameters a block and sweep: twice as many, no more draws; half, a quarter fewer
    particles: int = 1024  # a curve, chain and sweep, the walkers' own moves included: 512 give a third of the draws

    # Adaptation of the first proposals
    adaptation_particles: int = 512  # a curve in the first round; later rounds double them. 4,096: a third slower
    adaptation_hypers: int = 1024  # hyper-parameters in the first round, likewise: a call of `CALL_HYPERS`
    initial_hypers: int = 1024  # a chain, from which its walkers are resampled: four times as many as those
    rounds: int = 14  # at most: smooth curves of many sizes need more than ten, others stop after four to eight
    power: float = 1.0  # of the group's likelihood that its proposal must reach
    components: int = 12  # of a curve's proposal: ridges between exponent and floor are curved
    hyper_components: int = 8  # of the group's: ten dimensions, milder shapes

    # Burn-in
    refits: int = 5  # sweeps before which proposals are refitted to the walkers: three leave the tails short
    most_refits: int = 12  # while walkers share particles (see DISTINCT): smooth curves need more
    tails: float = 0.5  # power of the ranks by which outlying walkers count for more in a fit: 0.3 and 0.7 mix slower
    memory: float = 0.1  # autocorrelation with the start at which burn-in ends

    # Convergence
    kept: int = 4  # sweeps before the first convergence check: those that hold the draws, each walker once
    efficiency: float = 0.25  # effective draws over draws at which sampling stops; 0: as soon as draws can be trusted
    r_hat: float = 1.01  # of the chains, likewise (Vehtari et al. 2021)
    sweeps: int = 40  # at most, in burn-in and again after it: three times what usual groups take


# Up to how many groups somebody waits for full accuracy. Beyond, each group is sampled until it can be trusted.
MANY = 8
FEW_GROUPS = Settings()
# By the number of curves of the largest group, at most. Particles of many curves err together, so more of them; the
# largest of many R-hats is larger, and the smallest of many effective sizes smaller, than each by itself.
FEW_BY_CURVES = (
    (8, FEW_GROUPS),
    (16, FEW_GROUPS._replace(particles=2048, efficiency=0.3, r_hat=1.02)),
    (float("inf"), FEW_GROUPS._replace(particles=3072, efficiency=0.3, r_hat=1.02)),  # 64: a third of 2,048's sweeps
)
# 815 curves of one table in a minute or two: about a third of the sweeps, with just enough effective draws.
MANY_GROUPS = FEW_GROUPS._replace(
    walkers=130,  # so that three sweeps hold the draws; with 250 tails are no better
    adaptation_hypers=512,  # 256 leave quantiles up to a tenth of a posterior sd low
    initial_hypers=128,  # sweeps forget the start: with 1,024 tails are no better
    rounds=8,  # usual curves need no more, and sweeps do the rest
    power=0.45,  # likewise: a sixth less time, the same tails
    components=4,  # with eight tails are no better
    refits=3,  # four: a fifth more time, the same quantiles; two: 5 % quantiles err by half as much again
    most_refits=4,  # one more where walkers share particles: hard groups are for `check` to name
    kept=3,  # with six tails are no better
    efficiency=0.0,  # as soon as draws can be trusted,
    r_hat=1.05,  # by the limit of `interface.MOST_R_HAT`
    sweeps=8,  # at most: those of a batch that need more hold up the others
)
# Curves of so few sizes leave far tails, which small particle sets reach too seldom (seen by calibration).
SHORT = 16
MANY_SHORT_GROUPS = MANY_GROUPS._replace(
    particles=2048,  # halves the error of 95 % quantiles, for a sixth more time
    refits=4,  # three: a ninth less time, 95 % quantiles a fiftieth of a posterior sd lower
)

# Burn-in and convergence -----------------------------------------------------------------------------

DISTINCT = 0.5  # share of a chain's walkers at particles of their own below which proposals need refits still
# Share of the effective size asked for that the worst quantity must have, too, where draws are to be worth more than
# trust needs: a break and its sharpness have a third to a half of what is typical. (500 of 4,000; Vehtari et al. 2021
# ask for 400. Of three sweeps, as many groups have at first, the smallest of 90 estimates is mostly noise.)
WORST = 0.5
CHECK_EVERY = 2  # sweeps between convergence checks, which take about as long as a tenth of a sweep
# Retries of a group whose draws cannot be trusted: how much wider than the walkers proposals are refitted, and how many
# times the particles. (Walkers that stand still make narrow proposals.)
RETRIES = ((1.5, 1), (1.75, 2))
RETRY_COMPONENTS = 6  # of a curve's proposal then: few, as the walkers may stand at few places

# Proposals -------------------------------------------------------------------------------------------

DEGREES = 8.0  # of freedom of every Student component: heavier tails than the targets; 4 mixes slower
DEFENSIVE = 0.1  # share of the prior in every proposal: bounds importance weights at ten (Hesterberg 1995)
EM_STEPS = 5  # of a fit: it is repeated with fresh points anyway
SHRINKAGE = 0.25  # of component covariances towards that of all points: few are effective while tempered
EMPTY = 1e-2  # points' worth of weight below which a component keeps its place
FLOOR_WEIGHT = 1e-3  # added to each component's weight, so that none dies
RIDGE, LEAST_VARIANCE = 1e-6, 1e-10  # relative and absolute, on the diagonal of covariances
START_WIDTH = 0.7  # of components before EM, relative to all points: they overlap and part by fitting
WIDER = 1.25  # than the walkers, proposals for a curve: few stand in the tails; a further 1.25 to 1.5 mixes slower
WIDER_PRIOR = 1.3  # than the pooled prior, the units of proposals: at 1.0 one start of twelve had 15 effective points
SHORTEST_STEP, LONGEST_STEP = 0.2, 1.5  # of random walks, times 2.38 / sqrt(d) (Roberts et al. 1997): many lengths
CELLS = 4_000_000  # features of points computed at a time: bounds memory at 32 MB

# Tempering -------------------------------------------------------------------------------------------

EFFECTIVE = 50.0  # points that a tempered likelihood must leave effective: 100 are no better
STEP, LEAST_POWER = 1.3, 1e-4  # between the powers that are tried: steps of 2.8 got stuck
DOUBLE_EVERY, DOUBLINGS = 2, 4  # rounds after which points are doubled, so many times: hard targets alone get there
LOST = 0.5  # of the best power so far: a proposal that falls below has lost its target and is undone

# Gibbs steps -----------------------------------------------------------------------------------------

GIBBS_SWEEPS = 10  # over the hyper-parameters given the curves: no likelihood is evaluated; 4 save 5 to 10 %, no more
SPREAD_STEP = 1.5  # of a log spread's random walk, in sds of its Laplace approximation: 59 % accepted if normal

# Work ------------------------------------------------------------------------------------------------

TOGETHER = 32  # curves that run together at most, unless one group has more: bounds memory
THREADS = 4  # batches in threads: more wait for one another, as half of a sweep holds Python's lock
WIDTHS = (1, 2, 3, 4, 5, 6, 8)  # curves of one likelihood call, padded; the largest stays in a processor's cache
CALL_PARTICLES = 512  # of each of them, padded: 1,024 evaluate a fifth more for padding
LENGTHS = (8, 12, 16, 20, 24, 28, *range(32, 64, 8), 64, 80, 96)  # sizes of a curve, padded: few shapes, few programs
CELL = 64  # particles whose weights are first summed together
CALL_HYPERS = 1024  # hyper-parameters that one call weighs particles by: bounds memory at 12 MB; fewer are no faster
VECTOR_BITS = 512  # that XLA uses on a processor: a sixth faster than the 256 it would choose
