"""Names and order of the model's parameters."""

from __future__ import annotations

# The order of these names is a contract: arrays of hyper-parameters follow it everywhere.
CENTRES = ("level", "log_exponent", "log_break", "floor_logit", "log_noise", "log_drift", "log_slope", "log_sharpness")
LEARNED = CENTRES[:2]  # quantities whose spread across architectures is learned; the others' is fixed by the card
LEARNED_SPREADS = ("level_spread", "log_exponent_spread")
FIXED_SPREADS = (
    "log_break_spread",
    "floor_logit_spread",
    "log_noise_spread",
    "log_drift_spread",
    "log_slope_spread",
    "log_sharpness_spread",
)
CONSTANTS = ("slope_memory", "volatility")
QUANTITIES = CENTRES + LEARNED_SPREADS + FIXED_SPREADS + CONSTANTS
GROWTH = ("params", "compute", "hours")  # exponents with which what a run takes grows with the data
EFFECTS = CENTRES[1:]  # in what an architecture known by name may differ from the centre of its group
