"""The generative story of the curves of one (domain, task), as one PyMC model: the reference.

Read :func:`build` top to bottom: centres shared by the architectures, architectures around them, the law, the
drift around the law, test-set sampling error, the noise of runs. Covariances are dense here, on purpose: the fast
engine filters instead, and the tests hold the two equal.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from forecaster.domains.quantities import CENTRES, LEARNED
from forecaster.model import drift, floor_terms, test_set_noise
from forecaster.model import law as laws
from forecaster.model.design import LOCAL, Design

if TYPE_CHECKING:
    import pymc as pm


def padded(design: Design, width: int | None = None) -> dict[str, np.ndarray]:
    """The design's sizes as arrays [curve, point], padded at the end with copies of the smallest size.

    Keys: ``x``, ``y``, ``repeats``, ``within``, ``known``, ``scale`` as in
    :class:`~forecaster.model.design.SizedCurve`, and ``present``: 1.0 for a measured size, 0.0 for padding.
    """
    longest = max(len(c.x) for c in design.curves)
    width = longest if width is None else width
    fills = {"x": None, "y": 0.0, "repeats": 1.0, "within": 0.0, "known": 0.0, "scale": 1.0}
    out = {
        name: np.stack(
            [
                np.concatenate([v, np.full(width - len(v), v[-1] if fill is None else fill)])
                for v in (getattr(c, name) for c in design.curves)
            ]
        )
        for name, fill in fills.items()
    }
    out["present"] = np.stack([(np.arange(width) < len(c.x)).astype(float) for c in design.curves])
    return out


def data_of(design: Design) -> dict[str, np.ndarray]:
    """All that the model takes from the curves, by name: data of one compiled model, not part of its graph.

    Those of :func:`padded` (``within`` only where sizes are repeated), ``luck`` [curve] where a test set is known,
    ``floor`` of :func:`floor_data` where there is evidence on it, ``x_ref`` and ``x_min``, and ``effects``
    [local, curve], the known differences of architectures from the group's centre.
    """
    *_, repeated, lucky, informed = graph_of(design)
    data = {name: values for name, values in padded(design).items() if repeated or name != "within"}
    places = {"x_ref": np.array(design.x_ref), "x_min": np.array(design.x_min)}
    if lucky:
        places["luck"] = np.array([c.luck for c in design.curves])
    if informed:
        places["floor"] = floor_data(design)
    return data | places | {"effects": design.effects[:, 1:].T}


def floor_data(design: Design) -> np.ndarray:
    """The measured level of each curve and the terms of the evidence on its floor, [curve, 8]; zero without any."""
    terms = floor_terms.NOTHING if design.floor is None else design.floor
    return np.column_stack([design.levels, np.tile(terms, (len(design.curves), 1))])


def graph_of(design: Design) -> tuple[str, int, int, bool, bool, bool]:
    """What determines the model's graph: card, numbers of curves and of points, repeated sizes, test sets, evidence.

    Designs that agree in it differ by :func:`data_of` only, and one compiled model serves them all.
    """
    longest = max(len(c.x) for c in design.curves)
    repeated = any((c.repeats > 1).any() for c in design.curves)
    lucky, informed = any(c.luck for c in design.curves), design.floor is not None
    return design.card.card_hash, len(design.curves), longest, repeated, lucky, informed


def build(design: Design) -> pm.Model:
    """The PyMC model of a group; free variables are standardised offsets, so that NUTS sees round shapes."""
    import pymc as pm
    import pytensor.tensor as pt

    *_, points, repeated, lucky, informed = graph_of(design)
    coords = {
        "quantity": list(CENTRES),
        "local": list(LOCAL),
        "learned": list(LEARNED),
        "curve": list(design.architectures),
        "point": np.arange(points),
    }
    with pm.Model(coords=coords) as model:
        data: dict[str, Any] = {name: pm.Data(name, value) for name, value in data_of(design).items()}
        measured: Any = data["present"] > 0
        centre: Any = pm.Normal("centre", design.hyper_mean[:-2], design.hyper_sd[:-2], dims="quantity")
        log_spread: Any = pm.Normal("log_spread", design.hyper_mean[-2:], design.hyper_sd[-2:], dims="learned")
        spread: Any = pt.concatenate([pt.exp(log_spread), pt.as_tensor(design.spread_fixed)])
        level: Any = pm.Normal("level", centre[0], spread[0], dims="curve")  # the data pin it down: no offset needed
        offset: Any = pm.Normal("offset", 0.0, 1.0, dims=("local", "curve"))
        values: Any = centre[1:, None] + data["effects"] + spread[1:, None] * offset
        local: list[Any] = [pm.Deterministic(name, values[i], dims="curve") for i, name in enumerate(LOCAL)]
        log_exponent, log_break, floor_logit, log_noise, log_drift, log_slope, log_sharpness = local
        exponent: Any = pt.exp(log_exponent[:, None])
        sharpness: Any = pt.exp(log_sharpness[:, None])
        x, x_ref, break_at = data["x"], data["x_ref"], data["x_min"] + log_break[:, None]
        shape = laws.log_shape(pt, laws.decay(pt, x, x_ref, exponent, break_at, sharpness), floor_logit[:, None])
        law = level[:, None] + shape

        scales: list[Any] = [pt.exp(2.0 * v) for v in (log_drift, log_slope, log_noise)]
        time = pt.where(measured, x_ref - x, 0.0)
        level_variance, slope_variance = (v[:, None, None] for v in scales[:2])
        wander = drift.covariance(pt, time, level_variance, slope_variance, design.slope_memory)
        if lucky:
            since = test_set_noise.parted_since(pt, shape, shape[:, 0, None], data["luck"][:, None])
            parted: Any = pt.where(measured, since, 0.0)
            wander = wander + pt.minimum(parted[:, :, None], parted[:, None, :])
        run_variance = scales[2][:, None] * data["scale"] + data["known"]
        noise: Any = pt.where(measured, run_variance / data["repeats"], 1.0)
        pm.MvNormal(
            "log_error",
            pt.where(measured, law, 0.0),
            cov=wander + noise[:, :, None] * np.eye(points),
            observed=data["y"],
            dims=("curve", "point"),
        )
        if informed:
            known, *terms = (data["floor"][:, i] for i in range(8))
            pm.Potential("floor_evidence", floor_terms.of_curves(pt, floor_logit, known, terms).sum())
        if repeated:
            spare = data["repeats"] - 1.0
            repeat_term = pt.log(data["repeats"]) + spare * (np.log(2 * np.pi) + pt.log(run_variance))
            pm.Potential("scatter", -0.5 * (data["present"] * (repeat_term + data["within"] / run_variance)).sum())
    return model
