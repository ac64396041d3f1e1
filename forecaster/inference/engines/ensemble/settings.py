"""Every tuned number of the ensemble engine, each with its reason.

The cost of other values was measured; the tables are in `benchmarks/lab/`. "Walkers" are the members of the ensemble:
each is one point of a group's posterior (hyper-parameters and the parameters of all curves).
"""

from __future__ import annotations

from typing import NamedTuple


class Settings(NamedTuple):
    """How hard to work on a group. The defaults are for up to `MANY` groups of up to eight curves."""

    # The ensemble
    chains: int = 4  # independent given the proposals; R-hat needs several
    draws: int = 1000  # a chain, reported
    walkers: int = (
        250  # per chain, in whole blocks: 40 halve the time of a sweep but give a tenth of the effective draws
    )
    block: int = (
        5  # walkers that share candidates: with ten, up to a quarter fewer draws per second; with 25, more sweeps
    )
    candidates: int = (
        10  # hyper-parameters per block and sweep: twice as many gain nothing; half lose a quarter of the draws
    )
    particles: int = 1024  # per curve, chain and sweep, Metropolis proposals included: 512 give a third of the draws

    # Adaptation of the first proposals
    adaptation_particles: int = 512  # per curve in the first round; later rounds double them. 4,096: a third slower
    adaptation_hypers: int = 1024  # hyper-parameters in the first round, doubled likewise: one call of `CALL_HYPERS`
    initial_hypers: int = 1024  # per chain; its walkers are resampled from these, four times as many
    rounds: int = 14  # at most: smooth curves of many sizes need more than ten, others stop after four to eight
    power: float = 1.0  # power of the group's likelihood that its proposal must reach
    components: int = 12  # of a curve's proposal: the posterior of exponent and floor is curved
    hyper_components: int = 8  # of the group's proposal: ten dimensions, but closer to normal

    # Burn-in
    refits: int = 5  # first sweeps, before which proposals are refitted to the walkers: with three, tails are too short
    most_refits: int = 12  # while walkers share particles (see DISTINCT): smooth curves need more
    tails: float = 0.5  # power of the ranks that gives outlying walkers more weight in a fit: 0.3 and 0.7 mix slower
    memory: float = 0.1  # autocorrelation with the start at which burn-in ends

    # Convergence
    kept: int = 4  # sweeps before the first convergence check: enough to hold the draws, each walker once
    efficiency: float = (
        0.25  # effective draws over draws at which sampling stops; 0: as soon as the draws can be trusted
    )
    r_hat: float = 1.01  # R-hat of the chains at which sampling stops (Vehtari et al. 2021)
    sweeps: int = 40  # maximum, in burn-in and again after it: three times what typical groups take


# Up to this many groups are sampled to full accuracy; more are sampled only until they can be trusted.
MANY = 8
FEW_GROUPS = Settings()
# By the largest number of curves in a group. Weights multiply over curves, so many curves need more particles; the
# largest of many R-hats is larger, and the smallest of many effective sample sizes smaller, than a single one.
FEW_BY_CURVES = (
    (8, FEW_GROUPS),
    (16, FEW_GROUPS._replace(particles=2048, efficiency=0.3, r_hat=1.02)),
    (float("inf"), FEW_GROUPS._replace(particles=3072, efficiency=0.3, r_hat=1.02)),  # 64: a third of 2,048's sweeps
)
# For 815 curves in a minute or two: about a third of the sweeps, with just enough effective draws.
MANY_GROUPS = FEW_GROUPS._replace(
    walkers=130,  # so that three sweeps hold the draws; 250 do not improve the tails
    adaptation_hypers=512,  # 256 leave quantiles up to a tenth of a posterior sd low
    initial_hypers=128,  # burn-in makes up for it: 1,024 do not improve the tails
    rounds=8,  # typical curves need no more, and sweeps make up for the rest
    power=0.45,  # likewise: a sixth faster, the same tails
    components=4,  # eight do not improve the tails
    refits=3,  # four: a fifth slower, the same quantiles; two: the error of 5 % quantiles grows by half
    most_refits=4,  # one more where walkers share particles; `check` reports groups that remain hard
    kept=3,  # six do not improve the tails
    efficiency=0.0,  # stop as soon as the draws can be trusted,
    r_hat=1.05,  # judged by `interface.MOST_R_HAT`
    sweeps=8,  # maximum: groups of a batch that need more delay the others
)
# Curves of few sizes have long tails, which small particle sets rarely reach (seen in calibration).
SHORT = 16
MANY_SHORT_GROUPS = MANY_GROUPS._replace(
    particles=2048,  # halves the error of 95 % quantiles; a sixth slower
    refits=4,  # three: a ninth faster, 95 % quantiles a fiftieth of a posterior sd lower
)

# Burn-in and convergence -----------------------------------------------------------------------------

DISTINCT = 0.5  # share of a chain's walkers at distinct particles, below which proposals are refitted further
# Share of the requested effective sample size that the worst quantity must reach, if more than the minimum is asked
# for. A break and its sharpness have a third to a half of the typical one. (500 of 4,000; Vehtari et al. 2021 ask for
# 400. After three sweeps the smallest of 90 estimates is mostly noise.)
WORST = 0.5
CHECK_EVERY = 2  # sweeps between convergence checks, each of which costs about a tenth of a sweep
# Successive retries for a group that fails convergence: (inflation of the refitted proposals, multiple of the
# particles). Walkers that rarely move would make the proposals too narrow.
RETRIES = ((1.5, 1), (1.75, 2))
RETRY_COMPONENTS = 6  # of a curve's proposal in a retry: few, since there may be few distinct walkers

# For a group that was sampled before, now with fewer of its sizes or curves: what changes in the settings above. Arrays
# keep their shapes, so that no program is compiled. Mean errors of its forecasts differ from those after all sweeps by
# no more than from seed to seed (0.005 in log error), in two thirds of the time.
AGAIN = {
    "rounds": 8,
    "power": 0.45,
    "components": 4,
    "refits": 3,
    "most_refits": 4,
    "kept": 3,
    "efficiency": 0.0,
    "r_hat": 1.05,
    "sweeps": 8,
}

# Proposals -------------------------------------------------------------------------------------------

# Inflation of a curve's proposals: the ensemble under-represents the tails; another 1.25 to 1.5 mixes slower.
WIDER = 1.25
WIDER_PRIOR = 1.3  # inflation of the pooled prior behind proposals: at 1.0 one start of twelve had 15 effective points

# Gibbs steps -----------------------------------------------------------------------------------------

# Of the hyper-parameters given the curves, without likelihood evaluations; 4 would save only 5 to 10 %.
GIBBS_SWEEPS = 10
# Of a log spread's random walk, in sds of its Laplace approximation: 59 % acceptance for a normal target.
SPREAD_STEP = 1.5

# Work ------------------------------------------------------------------------------------------------

TOGETHER = 32  # maximum number of curves in a batch, unless one group has more: bounds memory
THREADS = 4  # batches run in threads: more would wait for one another, since half of a sweep holds Python's lock
WIDTHS = (1, 2, 3, 4, 5, 6, 8)  # curves per likelihood call, padded; the largest fits a processor's cache
CALL_PARTICLES = 512  # particles of each, padded: 1,024 evaluate a fifth more for padding
LENGTHS = (
    8,
    12,
    16,
    20,
    24,
    28,
    *range(32, 64, 8),
    64,
    80,
    96,
)  # sizes per curve, padded: few shapes need few programs
CELL = 64  # particles per cell: weights are summed by cells first
CALL_HYPERS = 1024  # hyper-parameters per weighing call: bounds memory at 12 MB; fewer are no faster
VECTOR_BITS = 512  # vector width for XLA on a CPU: a sixth faster than its default of 256
