"""Drift: the smooth departure of a real surface from its law, a Gaussian process over both axes.

Its covariance is a product of two Matern-3/2 functions, one in log N and one in log D, so that neighbouring sizes
depart together: of a grid of 404 runs, drifts that were independent between sizes forecast the largest tenth of
compute with intervals that held 23 % in place of 80 %.

As function of the places it is written once (``correlation``). A draw of the process is a function too (``waves``:
random Fourier features, Rahimi and Recht 2007), and so is a draw given the data (pathwise conditioning, Wilson et al.
2020), so that whatever is asked of one draw agrees.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from jaxtyping import Float

Array = Any  # a NumPy array, a JAX array or a PyTensor variable
ROOT3 = float(np.sqrt(3.0))
WAVES = 128  # features of a draw
TOGETHER = 64  # draws whose waves are worked on at a time, so that they stay in the processor's cache
LINE, EVEN = 9, 1e-12  # places from which on, and nats up to which, they are taken for evenly spaced on a line


def matern(xp: Any, apart: Array, memory: float) -> Array:
    """The Matern-3/2 correlation of places ``apart`` nats, whose length is ``memory``."""
    scaled = ROOT3 * abs(apart) / memory
    return (1.0 + scaled) * xp.exp(-scaled)


def correlation(xp: Any, one: Array, other: Array, memory: float) -> Array:
    """Correlation [..., row, column] of the drift at places [..., row, 2] and [..., column, 2]."""
    u = one[..., :, None, 0] - other[..., None, :, 0]
    v = one[..., :, None, 1] - other[..., None, :, 1]
    return matern(xp, u, memory) * matern(xp, v, memory)


def powers(turn: Array, count: int) -> Array:
    """The powers [draw, count, wave] of numbers [draw, wave], from the zeroth on."""
    found = np.ones((len(turn), count, turn.shape[1]), dtype=turn.dtype)
    for k in range(1, count):
        found[:, k] = found[:, k - 1] * turn
    return found


class Waves(NamedTuple):
    """Draws of the drift before any data, of unit variance, as sums of cosines."""

    frequency: Float[np.ndarray, "draw wave 2"]
    phase: Float[np.ndarray, "draw wave"]
    height: Float[np.ndarray, "draw wave"]

    @classmethod
    def drawn(cls, rng: np.random.Generator, draws: int, memory: float, waves: int = WAVES) -> Waves:
        """A process for each draw; the spectrum of a Matern-3/2 function is a Student t of three degrees."""
        frequency = rng.standard_t(3.0, (draws, waves, 2)) / memory
        phase = rng.uniform(0.0, 2.0 * np.pi, (draws, waves))
        return cls(frequency, phase, rng.standard_normal((draws, waves)) * np.sqrt(2.0 / waves))

    def at(self, places: Float[np.ndarray, "point 2"], most: int = 4_000_000) -> Float[np.ndarray, "draw point"]:
        """The processes at some places; a few draws at a time, so that memory stays bounded.

        In double precision: a place's value must not depend on what else is asked about. Places that are evenly spaced
        on a line, as those of one compute are, take a tenth of the time.
        """
        if len(places) >= LINE and abs(np.diff(places, 2, axis=0)).max() < EVEN:
            return self._along(places[0], (places[-1] - places[0]) / (len(places) - 1), len(places))
        draws, waves = self.phase.shape
        step = max(most // (waves * max(len(places), 1)), 1)
        out = np.empty((draws, len(places)))
        for some in (slice(at, at + step) for at in range(0, draws, step)):
            angle = self.frequency[some] @ places.T + self.phase[some, :, None]
            out[some] = np.matmul(self.height[some, None], np.cos(angle))[:, 0]
        return out

    def _along(
        self, start: Float[np.ndarray, " 2"], step: Float[np.ndarray, " 2"], count: int
    ) -> Float[np.ndarray, "draw point"]:
        """At ``start``, and so many steps from there: every turn of a wave is a product of a few."""
        side = int(np.ceil(np.sqrt(count)))
        out = np.empty((len(self.phase), side * side))
        for some in (slice(at, at + TOGETHER) for at in range(0, len(out), TOGETHER)):
            frequency, phase, height = (part[some] for part in self)
            fine = powers(np.exp(1j * (frequency @ step)), side + 1)
            coarse = powers(fine[:, -1], side) * (height * np.exp(1j * (frequency @ start + phase)))[:, None]
            first = np.concatenate([coarse.real, -coarse.imag], 2)
            then = np.concatenate([fine.real, fine.imag], 2)[:, :-1]
            out[some] = np.matmul(first, then.transpose(0, 2, 1)).reshape(len(phase), -1)
        return out[:, :count]

    def on_mesh(
        self, u: Float[np.ndarray, " row"], v: Float[np.ndarray, " column"]
    ) -> Float[np.ndarray, "draw row column"]:
        """The same where each of some first coordinates meets each of some second ones.

        The cosine of a sum is one of products, so that its cost goes with rows and columns added, not multiplied.
        """
        out = np.empty((len(self.phase), len(u), len(v)))
        for k, (frequency, phase, height) in enumerate(zip(*self, strict=True)):
            one, other = np.outer(u, frequency[:, 0]) + phase, np.outer(frequency[:, 1], v)
            out[k] = (np.cos(one) * height) @ np.cos(other) - (np.sin(one) * height) @ np.sin(other)
        return out
