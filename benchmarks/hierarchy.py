"""Fields, groups and curves as one hierarchy: what a card believes of a field that nobody has measured.

The centres of a group (one domain and task) lie around those of its field, and the centres of fields around one common
centre for losses and one for rates, with variances that all share:

    eta_g ~ Normal(m_f, W),    m_f ~ Normal(m_kind, B),

where ``eta`` holds the eight centres and the logs of the two learned spreads, and ``W`` and ``B`` are diagonal. Of each
group a fit under a known card gives a posterior of ``eta``; that card divided out of its normal approximation leaves
the group's likelihood, and a Gibbs sampler the rest (Gelman et al. 2013, chapter 5). The card of a field that was never
seen is the predictive distribution of one more ``eta`` of its kind.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import msgspec
import numpy as np
from jaxtyping import Float

from forecaster.curves.learning_curves import Curve, Group
from forecaster.domains.domain import Domain
from forecaster.domains.quantities import CENTRES, FIXED_SPREADS, LEARNED_SPREADS
from forecaster.inference.posterior import Posterior
from forecaster.model import law

EXPECTED_SD = 0.5  # of fields, and of groups within one, in any quantity, before the library
WORTH = 2.0  # fields (or groups) that this expectation counts as
SPREAD_WORTH = 10  # curves
RELATIVE_SD = 1.0  # of a level that counts from the measurements
SETTLED = 0.02  # prior sd below which curves say nothing of a quantity: it was left out of the model
WIDE_SD = 3.0  # of the common centre, before the library
SWEEPS, BURN_IN = 1200, 200
Vector = Float[np.ndarray, "10"]


@dataclass(frozen=True, eq=False)
class Likelihood:
    """What the curves of one group say of its ``eta``: precision, and precision times mean."""

    field: str
    kind: str
    group: Group
    precision: Float[np.ndarray, "10 10"]
    pull: Vector
    spread: Float[np.ndarray, 8]  # mean square of curves around the centre, by quantity
    curves: int


@dataclass(frozen=True, eq=False)
class Learned:
    """The predictive distribution of ``eta`` of one more field of each kind, and spreads of curves around it."""

    mean: Mapping[str, Vector]
    sd: Mapping[str, Vector]
    spread: Float[np.ndarray, 8]
    own: Mapping[str, tuple[Vector, Vector]]  # of one more group of each field: mean, sd
    spread_of: Mapping[str, Float[np.ndarray, 8]]  # of each field's curves


def likelihoods(posterior: Posterior, fields: Mapping[str, str]) -> list[Likelihood]:
    """The likelihood of each group; ``fields`` are the kinds by field, which is the domain of a group."""
    found = []
    for group in posterior.groups:
        card, design = posterior.cards[group], posterior.designs[group]
        eta = np.concatenate([posterior.centre(group), np.log(posterior.spread(group)[:, :2])], 1)
        eta = eta - (design.hyper_mean - card.hyper_mean)  # a level relative to the measurements counts from them
        free = np.flatnonzero(card.hyper_sd >= SETTLED)  # of what is settled, noise alone would be taken for precision
        known = np.diag(1.0 / card.hyper_sd[free] ** 2)
        after = np.linalg.inv(np.cov(eta[:, free].T))
        values, vectors = np.linalg.eigh(after - known)
        told = (vectors * (values > 0.0)) @ vectors.T  # no likelihood is less sure than nothing, or pulls where it is
        precision, pull = np.zeros((10, 10)), np.zeros(10)
        precision[np.ix_(free, free)] = (vectors * np.maximum(values, 0.0)) @ vectors.T
        mean = eta[:, free].mean(0)
        pull[free] = told @ (after @ mean - known @ card.hyper_mean[free])
        pull += precision @ _shift(posterior, group)
        labels = ["/".join((*group, name)) for name in design.architectures]
        drawn = np.stack([[getattr(posterior.curve(label), q) for q in CENTRES] for label in labels])
        gap = drawn.transpose(0, 2, 1) - posterior.centre(group) - design.effects[:, None, :]
        found.append(Likelihood(group[0], fields[group[0]], group, precision, pull, (gap**2).mean((0, 1)), len(labels)))
    return found


def _shift(posterior: Posterior, group: Group) -> Vector:
    """What the centres would be, less what they are, had the curves ended with their fitted sizes.

    A card is for curves of which the future is not known, while these were measured to the end: there their levels are
    lower, and more of their errors is a floor.
    """
    moved = []
    for curve in (one for one in posterior.curves.curves if (one.domain, one.task) == group):
        drawn, end = posterior.curve(curve.label), _fitted_end(posterior, curve)
        shape = drawn.shape(np.array([end]))[0]  # log error of the law there, above that at the reference size
        share = np.minimum(law.floor(np, -shape, drawn.floor_logit), 1.0 - 1e-9)
        moved.append([shape.mean(), (np.log(share / (1.0 - share)) - drawn.floor_logit).mean()])
    out = np.zeros(10)
    out[[CENTRES.index("level"), CENTRES.index("floor_logit")]] = np.mean(moved, 0)
    return out


def _fitted_end(posterior: Posterior, curve: Curve) -> float:
    """Log of the curve's largest size that is not marked as one to extrapolate to; of the reference size if all are."""
    table = posterior.curves.select(curve.domain, curve.task, curve.architecture).table
    fitted = table["n"][~table["split"].eq("extrapolate")] if "split" in table else table["n"]
    return float(np.log(fitted.max())) if len(fitted) else posterior.designs[curve.domain, curve.task].x_ref


def learned(parts: Sequence[Likelihood], rng: np.random.Generator) -> Learned:
    """The hierarchy over these groups, by Gibbs sampling."""
    fields = list(dict.fromkeys(p.field for p in parts))
    kind_of = {p.field: p.kind for p in parts}
    kinds = list(dict.fromkeys(kind_of.values()))
    of_group = np.array([fields.index(p.field) for p in parts])
    of_field = np.array([kinds.index(kind_of[f]) for f in fields])
    precision, pull = (np.stack([getattr(p, name) for p in parts]) for name in ("precision", "pull"))
    within = between = np.full(10, EXPECTED_SD**2)
    centre, common = np.zeros((len(fields), 10)), np.zeros((len(kinds), 10))
    kept: dict[str, list[np.ndarray]] = {"kind": [], "field": []}
    for sweep in range(SWEEPS):
        root = np.linalg.cholesky(precision + np.diag(1.0 / within))
        seen = np.linalg.solve(root, (pull + centre[of_group] / within)[..., None])
        eta = np.linalg.solve(root.transpose(0, 2, 1), seen + rng.standard_normal(seen.shape))[..., 0]
        counts = np.bincount(of_group)[:, None]
        sums = np.stack([eta[of_group == i].sum(0) for i in range(len(fields))])
        variance = 1.0 / (counts / within + 1.0 / between)
        middle = variance * (sums / within + common[of_field] / between)
        centre = middle + np.sqrt(variance) * rng.standard_normal(middle.shape)
        counts = np.bincount(of_field)[:, None]
        sums = np.stack([centre[of_field == i].sum(0) for i in range(len(kinds))])
        variance = 1.0 / (counts / between + 1.0 / WIDE_SD**2)
        common = variance * sums / between + np.sqrt(variance) * rng.standard_normal((len(kinds), 10))
        within = _variance(eta - centre[of_group], rng)
        between = _variance(centre - common[of_field], rng)
        if sweep >= BURN_IN:
            one_more = common + np.sqrt(between + within) * rng.standard_normal(common.shape)
            kept["kind"].append(one_more)
            kept["field"].append(centre + np.sqrt(within) * rng.standard_normal(centre.shape))
    drawn = {name: np.stack(values) for name, values in kept.items()}
    own = {f: np.mean([p.spread for p in parts if p.field == f], 0) for f in fields}
    spread = np.exp(np.mean([np.log(variance) for variance in own.values()], 0) / 2)
    return Learned(
        {kind: drawn["kind"][:, i].mean(0) for i, kind in enumerate(kinds)},
        {kind: drawn["kind"][:, i].std(0) for i, kind in enumerate(kinds)},
        spread,
        {f: (drawn["field"][:, i].mean(0), drawn["field"][:, i].std(0)) for i, f in enumerate(fields)},
        {f: np.sqrt(_shrunk(own[f], spread**2, sum(p.curves for p in parts if p.field == f))) for f in fields},
    )


def _shrunk(own: Float[np.ndarray, 8], common: Float[np.ndarray, 8], curves: int) -> Float[np.ndarray, 8]:
    """Variances of curves in a field: its own, and those of all fields as if seen on so many curves more."""
    return (curves * own + SPREAD_WORTH * common) / (curves + SPREAD_WORTH)


def _variance(gaps: Float[np.ndarray, "one 10"], rng: np.random.Generator) -> Vector:
    """A draw of each variance: scaled inverse chi-square."""
    freedom = WORTH + len(gaps)
    return (WORTH * EXPECTED_SD**2 + (gaps**2).sum(0)) / rng.chisquare(freedom, gaps.shape[1])


def wide(card: Domain) -> Domain:
    """The card to start from: as this one, and less sure."""
    return _with(card, card.hyper_mean, 1.3 * card.hyper_sd, card.spread_fixed)


def card_of(card: Domain, found: Learned, kind: str) -> Domain:
    """The card of a field of this kind that nobody has seen; ``card`` supplies constants and texts."""
    return _with(card, found.mean[kind], found.sd[kind], found.spread[2:])


def any_card_of(card: Domain, found: Learned) -> Domain:
    """The card of a field whose kind is not known: the kinds count alike, and their distance is part of what is not."""
    means, variances = (np.stack(list(by_kind.values())) for by_kind in (found.mean, found.sd))
    sd = np.sqrt((variances**2).mean(0) + means.var(0))
    return _with(card, means.mean(0), sd, found.spread[2:])


def own_card_of(card: Domain, found: Learned, field: str) -> Domain:
    """The card of one more group of a field of the library."""
    return _with(card, *found.own[field], found.spread_of[field][2:])


def relative(card: Domain) -> Domain:
    """The card with its level counted from the measurements: for errors in arbitrary units."""
    level = msgspec.structs.replace(card.priors["level"], mean=0.0, sd=RELATIVE_SD, relative=True)
    return msgspec.structs.replace(card, priors=dict(card.priors) | {"level": level})


def _with(card: Domain, mean: Vector, sd: Vector, spread: Float[np.ndarray, " 6"]) -> Domain:
    priors = dict(card.priors)
    for quantity, middle, scale in zip(CENTRES + LEARNED_SPREADS, mean.tolist(), sd.tolist(), strict=True):
        own = priors[quantity]
        if own.relative:
            continue
        place = {"mean": middle} if own.mean is not None else {"median": float(np.exp(middle))}
        priors[quantity] = msgspec.structs.replace(own, sd=scale, **place)
    for quantity, value in zip(FIXED_SPREADS, spread.tolist(), strict=True):
        priors[quantity] = msgspec.structs.replace(priors[quantity], value=value)
    return msgspec.structs.replace(card, priors=priors)
