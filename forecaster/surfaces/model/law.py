"""The joint law of loss in model size N and data D, written once for NumPy, JAX and PyTensor.

The coupled form::

    L(N, D) = E + ((A N^-a)^k + (B D^-b)^k)^(1/k)

``k = 1`` is the law of Hoffmann et al. 2022 (equation 2); a larger ``k`` lets the scarcer of the two decide, a smaller
one makes both matter everywhere. E, A and B are nearly collinear at sizes that people train (their condition number is
above 1e11), so parameters refer to a point inside the data, the *reference point*: with u and v the logs of N and D
over those of that point ::

    log L = level + log( f + (1 - f) * (w e^(-a k u) + (1 - w) e^(-b k v))^(1/k) )

``level`` is the log loss there, ``f`` the share of it that is irreducible, and ``w`` what model size makes of the
fall: the slope of the log reducible loss in log N is ``-a w`` there, and in log D ``-b (1 - w)``, whatever k is.

Data that repeat ``U`` unique tokens count as fewer (Muennighoff et al. 2023, equation 5)::

    D' = U + U R* (1 - exp(-R / R*)),    R = D / U - 1
"""

from __future__ import annotations

from typing import Any, NamedTuple

from forecaster.model.law import log_sum, softplus

Array = Any  # a NumPy array, a JAX array or a PyTensor variable


class Parameters(NamedTuple):
    """Parameters of the law on the scales on which their priors are normal."""

    level: Array
    log_a: Array
    log_b: Array
    share_logit: Array
    floor_logit: Array
    log_k: Array


class Constants(NamedTuple):
    """The same law as it is usually written: ``E + ((A N^-a)^k + (B D^-b)^k)^(1/k)``; A and B as logs."""

    floor: Array
    log_scale_n: Array  # log A
    log_scale_d: Array  # log B
    a: Array
    b: Array
    k: Array


def log_reducible(xp: Any, u: Array, v: Array, law: Parameters) -> Array:
    """Log of the reducible loss over that at the reference point; zero there."""
    k = xp.exp(law.log_k)
    by_size = -softplus(xp, -law.share_logit) - xp.exp(law.log_a) * k * u
    by_data = -softplus(xp, law.share_logit) - xp.exp(law.log_b) * k * v
    return log_sum(xp, by_size, by_data) / k


def log_loss(xp: Any, u: Array, v: Array, law: Parameters) -> Array:
    """Log loss of the law; ``u`` and ``v`` are log N and log D less those of the reference point."""
    falling = log_reducible(xp, u, v, law) - softplus(xp, law.floor_logit)
    return law.level + log_sum(xp, -softplus(xp, -law.floor_logit), falling)


def log_effective(xp: Any, t: Array, log_unique: Array, log_halving: Array) -> Array:
    """Log of the unique tokens that log tokens ``t`` are worth which repeat ``log_unique`` (at most ``t``) of them."""
    halving = xp.exp(log_halving)
    again = xp.expm1(t - log_unique)
    return log_unique + xp.log1p(-halving * xp.expm1(-again / halving))


def constants_of(xp: Any, law: Parameters, x0: Array, t0: Array) -> Constants:
    """E, A, B, a, b and k of the law whose reference point has the logs ``x0`` of N and ``t0`` of D."""
    a, b, k = xp.exp(law.log_a), xp.exp(law.log_b), xp.exp(law.log_k)
    reducible = law.level - softplus(xp, law.floor_logit)
    return Constants(
        floor=xp.exp(law.level - softplus(xp, -law.floor_logit)),
        log_scale_n=reducible - softplus(xp, -law.share_logit) / k + a * x0,
        log_scale_d=reducible - softplus(xp, law.share_logit) / k + b * t0,
        a=a,
        b=b,
        k=k,
    )


def log_best_size(xp: Any, law: Constants, log_product: Array) -> Array:
    """Log of the N at which the law is lowest among all N and D of one log product N D.

    For compute C = 6 N D this is G (C / 6)^(b / (a + b)) with G = (a A^k / (b B^k))^(1 / (k (a + b))); for k = 1 that
    of Hoffmann et al. 2022 (equation 4).
    """
    weigh = xp.log(law.a) - xp.log(law.b) + law.k * (law.log_scale_n - law.log_scale_d)
    return (weigh / law.k + law.b * log_product) / (law.a + law.b)
