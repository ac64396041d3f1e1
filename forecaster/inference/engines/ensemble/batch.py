"""Groups of curves as arrays, end to end, padded to a few shapes so that one compiled program serves many data sets."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from jaxtyping import Float, Int, Shaped

from forecaster.inference.engines.ensemble import settings
from forecaster.model import pymc_model
from forecaster.model.design import Design

if TYPE_CHECKING:  # a process that only distributes work loads no JAX
    from forecaster.model.density import CurveArrays


class Shape(NamedTuple):
    """What a compiled program depends on: batches of one shape share it."""

    length: int  # sizes of a curve, padded
    width: int  # curves of a call, padded
    repeated: bool  # whether a size was measured more than once
    lucky: bool  # whether a test set is known
    informed: bool = False  # whether there is evidence on a floor

    @classmethod
    def of(cls, designs: Sequence[Design]) -> Shape:
        """That of a batch of these groups."""
        sized = [c for d in designs for c in d.curves]
        return cls(
            max(length_of(d) for d in designs),
            min(padded_to(len(sized), settings.WIDTHS), settings.WIDTHS[-1]),
            any(bool((c.repeats > 1.0).any()) for c in sized),
            any(c.luck != 0.0 for c in sized),
            any(d.floor is not None for d in designs),
        )

    def holds(self, other: Shape) -> bool:
        """Whether a batch of the ``other`` shape can be padded to this one."""
        return all(own >= theirs for own, theirs in zip(self._flags, other._flags, strict=True))

    @property
    def _flags(self) -> tuple[int, ...]:
        return self.length, self.repeated, self.lucky, self.informed


class Batch(NamedTuple):
    """Groups and their curves. The hyper-parameters of a group are eight centres and two log spreads."""

    curves: CurveArrays  # [curve, point] each
    memory: Float[np.ndarray, " curve"]  # of the drifting slope, in nats
    owner: Int[np.ndarray, " curve"]  # index of a curve's group, ascending
    mean: Float[np.ndarray, "group 10"]  # of the hyper-parameters' normal prior
    sd: Float[np.ndarray, "group 10"]
    spread_fixed: Float[np.ndarray, "group 6"]  # spreads between curves that the card fixes
    effects: Float[np.ndarray, "curve 8"]  # known differences from the group's centre: walkers are relative to them
    shape: Shape

    def only(self, groups: Int[np.ndarray, " chosen"], curves: Int[np.ndarray, " their"]) -> Batch:
        """The part for these groups, whose curves are ``curves``."""
        return Batch(
            self.curves._make(None if a is None else a[curves] for a in self.curves),
            self.memory[curves],
            np.searchsorted(groups, self.owner[curves]),
            self.mean[groups],
            self.sd[groups],
            self.spread_fixed[groups],
            self.effects[curves],
            self.shape,
        )

    def curves_of(self, groups: Int[np.ndarray, " chosen"]) -> Int[np.ndarray, " their"]:
        """Indices of the curves of these groups."""
        return np.flatnonzero(np.isin(self.owner, groups))

    def reduce(self, by: np.ufunc, of_curves: Shaped[np.ndarray, "curve ..."]) -> Shaped[np.ndarray, "group ..."]:
        """``of_curves`` reduced over the curves of each group."""
        return by.reduceat(of_curves, np.searchsorted(self.owner, np.arange(len(self.mean))), 0)


def batch_of(designs: Sequence[Design], shape: Shape | None = None) -> Batch:
    """The curves of all groups, padded to one number of sizes; to ``shape``, where their own fits into it."""
    from forecaster.model.density import CurveArrays

    own = Shape.of(designs)
    shape = shape if shape is not None and shape.holds(own) else own
    data = [pymc_model.padded(d, shape.length) for d in designs]
    counts = [len(d.curves) for d in designs]
    names = ("x", "y", "repeats", "within", "known", "scale", "present")
    stacked = {name: np.concatenate([d[name] for d in data]) for name in names}
    curves = CurveArrays(
        **stacked,
        x_ref=np.repeat([d.x_ref for d in designs], counts),
        x_min=np.repeat([d.x_min for d in designs], counts),
        luck=np.array([c.luck for d in designs for c in d.curves]),
        floor=np.concatenate([pymc_model.floor_data(d) for d in designs]),
    )
    return Batch(
        curves,
        np.repeat([d.slope_memory for d in designs], counts),
        np.repeat(np.arange(len(designs)), counts),
        np.stack([d.hyper_mean for d in designs]),
        np.stack([d.hyper_sd for d in designs]),
        np.stack([d.spread_fixed for d in designs]),
        np.concatenate([d.effects for d in designs]),
        shape,
    )


def batches(designs: Sequence[Design], like: Sequence[Design] | None = None) -> list[list[int]]:
    """Indices of groups of one padded length, with at most ``settings.TOGETHER`` curves together.

    The length is that of the groups ``like`` them, where they are given.
    """
    out: list[list[int]] = []
    lengths = [length_of(d) for d in like or designs]
    room, last = 0, 0
    for i in sorted(range(len(designs)), key=lambda i: (lengths[i], i)):
        size, length = len(designs[i].curves), lengths[i]
        if not out or size > room or length != last:
            out.append([])
            room, last = settings.TOGETHER, length
        out[-1].append(i)
        room -= size
    return out


def length_of(design: Design) -> int:
    """Sizes of the group's longest curve, padded."""
    return padded_to(max(len(c.x) for c in design.curves), settings.LENGTHS)


def padded_to(value: int, steps: Sequence[int]) -> int:
    """The smallest of ``steps`` that holds ``value``, or the next multiple of the largest."""
    return next((s for s in steps if s >= value), -(-value // steps[-1]) * steps[-1])
