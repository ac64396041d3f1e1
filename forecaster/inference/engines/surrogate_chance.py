"""What a sweep by surrogates leaves to chance: drawn outside the compiled program, which takes it as arguments."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from forecaster.inference.engines import conditionals

Array = Any  # a JAX or NumPy array; docstrings name its axes
PARTICLES = 6  # of each curve under a walker's new hyper-parameters, and under those it has
CANDIDATES = 10  # hyper-parameters that each walker chooses from, beside its own


class OfCurvesChance(NamedTuple):
    """What a sweep leaves to chance of each curve."""

    component_at: Array  # [curve, j, walker], j = PARTICLES - 1
    particle: Array  # [curve, 7, j, walker]
    own_component_at: Array  # [curve, 2, walker] of what it has, and of where a step would take it
    own_within_at: Array  # [curve, 2, walker]
    step_component_at: Array  # [curve, walker]
    length_at: Array  # [curve, walker]
    step: Array  # [curve, 7, walker]
    step_least: Array  # [curve, walker]
    particle_at: Array  # [curve, walker]
    level: Array  # [curve, walker]


class Chance(NamedTuple):
    """All that a sweep leaves to chance: what ends in ``at``, ``with`` or ``least`` is uniform, the rest normal."""

    component_at: Array  # [k] of the candidates, k = candidate x walker
    prior_at: Array  # [k]
    squares_with: Array  # [4, k]
    candidate: Array  # [k, 10]
    chosen_at: Array  # [walker]
    least: Array  # [walker]
    of_curves: OfCurvesChance
    refreshed: conditionals.Chance  # of [walker, quantity]

    @classmethod
    def drawn(cls, rng: np.random.Generator, curves: int, walkers: int, kind: type) -> Chance:
        """Of a sweep of so many walkers, as ``kind`` of numbers."""
        k, j, each = CANDIDATES * walkers, PARTICLES - 1, (curves, walkers)

        def numbers(fields: tuple[str, ...], shapes: list[tuple[int, ...]]) -> list[Array]:
            uniform = ("at", "with", "least")
            named = zip(fields, shapes, strict=False)
            return [(rng.random if n.endswith(uniform) else rng.standard_normal)(s, dtype=kind) for n, s in named]

        own, both = (curves, 7, walkers), (curves, 2, walkers)
        of_curves = [(curves, j, walkers), (curves, 7, j, walkers), both, both, each, each, own, each, each, each]
        of_group = [(k,), (k,), (4, k), (k, 10), (walkers,), (walkers,)]
        curve_numbers = OfCurvesChance(*numbers(OfCurvesChance._fields, of_curves))
        refreshed = conditionals.Chance.drawn(rng, (walkers,), kind)
        return cls._make([*numbers(cls._fields, of_group), curve_numbers, refreshed])
