"""The law of a learning curve and its inverse, written once for NumPy, JAX and PyTensor.

Every function takes the array namespace ``xp`` (``numpy``, ``jax.numpy`` or ``pytensor.tensor``) and uses
only operators and functions that all three have, so that one line of mathematics serves the fast engine,
the reference model and the tests.

The three regions of Hestness et al. 2017 (section 5, figure 6), relative to the error at a reference size::

    error(n) = error(n_ref) * [ f + (1 - f) * exp(decay(n)) ]
    decay(n) = -exponent * s * ( softplus((log n - b) / s) - softplus((log n_ref - b) / s) )

``b`` is the log size at which the plateau of small data turns into the power law ``n ** -exponent``, ``s``
how sharply it turns (in nats of log n), ``f`` the share of ``error(n_ref)`` that no data removes.
"""

from __future__ import annotations

from typing import Any

Array = Any  # a NumPy array, a JAX array or a PyTensor variable
SMALL = 1e-5  # two terms of a series are exact below


def softplus(xp: Any, value: Array) -> Array:
    """log(1 + exp(value)), without overflow."""
    return xp.maximum(value, 0.0) + xp.log1p(xp.exp(-abs(value)))


def log_sum(xp: Any, one: Array, other: Array) -> Array:
    """log(exp(one) + exp(other)) of finite values; the namespaces' own care for infinities, at four times the cost."""
    return xp.maximum(one, other) + xp.log1p(xp.exp(-abs(one - other)))


def decay(xp: Any, x: Array, x_ref: Array, exponent: Array, log_break: Array, sharpness: Array) -> Array:
    """Log of the reducible error at log size ``x`` relative to log size ``x_ref``; zero there, falling in x."""
    ahead = softplus(xp, (x - log_break) / sharpness)
    behind = softplus(xp, (x_ref - log_break) / sharpness)
    # Programs of arrays may round the two differently, and no time passes at the reference size, not even 1e-16 nats.
    fallen = xp.where(abs(x - x_ref) > 0.0, ahead - behind, 0.0)
    return -exponent * sharpness * fallen


def log_shape(xp: Any, decayed: Array, floor_logit: Array) -> Array:
    """Log of error(n) / error(n_ref) for a given :func:`decay`; f = 1 / (1 + exp(-floor_logit)).

    A law that hardly falls has a log near zero, whose leading digits cancel; its series keeps them.
    """
    falling = 1.0 / (1.0 + xp.exp(floor_logit))
    series = falling * decayed * (1.0 + 0.5 * (1.0 - falling) * decayed)
    return xp.where(abs(decayed) < SMALL, series, log_sum(xp, floor_logit, decayed) - softplus(xp, floor_logit))


def log_error(
    xp: Any,
    x: Array,
    x_ref: Array,
    level: Array,
    log_exponent: Array,
    log_break: Array,
    floor_logit: Array,
    sharpness: Array,
) -> Array:
    """Log error of the law at log size ``x``; ``level`` is the log error at ``x_ref``."""
    decayed = decay(xp, x, x_ref, xp.exp(log_exponent), log_break, sharpness)
    return level + log_shape(xp, decayed, floor_logit)


def log_floor(xp: Any, level: Array, floor_logit: Array) -> Array:
    """Log of the irreducible error."""
    return level - softplus(xp, -floor_logit)


def floor(xp: Any, level: Array, floor_logit: Array) -> Array:
    """Irreducible error, in the unit of the error."""
    return xp.exp(log_floor(xp, level, floor_logit))


def log_alpha(
    xp: Any,
    x_ref: Array,
    level: Array,
    log_exponent: Array,
    log_break: Array,
    floor_logit: Array,
    sharpness: Array,
) -> Array:
    """Log of the intercept alpha in ``alpha * n ** -exponent + floor``, the law's form beyond the break."""
    exponent = xp.exp(log_exponent)
    behind = sharpness * softplus(xp, (x_ref - log_break) / sharpness)
    return level - softplus(xp, floor_logit) + exponent * (behind + log_break)
