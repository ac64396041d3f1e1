"""The curves of one group as draws, from which every question about two of them is answered."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Int

from forecaster.comparison.contrast import Quantity, quantity
from forecaster.curves.learning_curves import Group
from forecaster.inference.posterior import Posterior
from forecaster.model.design import Design
from forecaster.prediction.crossings import HORIZON_FACTOR, first_log_size, largest_size, looked_at, searched
from forecaster.prediction.curve_keys import CurveKey
from forecaster.prediction.forecast import log_errors
from forecaster.prediction.observation import on_grid, usual_kind
from forecaster.prediction.paths import curve_paths

BEYOND_DATA = 1.01  # sizes from this multiple of the largest measured one on lie beyond the data
DEFAULT_SIZES = (1.0, 10.0)  # sizes compared where none are named, as multiples of the largest measured one
LEAST_HORIZON = 10.0  # a horizon is at least this multiple of the largest size asked about


@dataclass(frozen=True, eq=False)
class GroupQuestion:
    """A question about one group: the sizes, ascending, the horizon, and the kind of error."""

    posterior: Posterior
    group: Group
    sizes: Float[np.ndarray, " at"]
    kind: str
    level: float
    rope: float
    decide_at: float
    seed: int

    @property
    def design(self) -> Design:
        return self.posterior.designs[self.group]

    @property
    def today(self) -> float:
        """The largest size measured in the group: what more data is counted from."""
        return largest_size(self.design)

    @property
    def horizon(self) -> float:
        """The largest size at which a crossing, or an error, is looked for."""
        return max(HORIZON_FACTOR * self.today, LEAST_HORIZON * float(self.sizes.max()))

    @property
    def beyond(self) -> Int[np.ndarray, " beyond"]:
        """Positions of the sizes beyond the data."""
        return np.flatnonzero(self.sizes >= BEYOND_DATA * self.today)

    @property
    def keys(self) -> dict[str, str]:
        return {"domain": self.group[0], "task": self.group[1]}

    def log_exponent(self, architecture: str) -> Float[np.ndarray, " draw"]:
        """Draws of the log exponent."""
        return self.posterior.curve("/".join((*self.group, architecture))).log_exponent

    def log_errors(self, architecture: str) -> Float[np.ndarray, "draw at"]:
        """Draws of the log error at today's size and then at the sizes asked about, as a forecast has them."""
        at = np.append(self.today, self.sizes)
        return log_errors(self.posterior, CurveKey(*self.group, architecture), at, self.kind, self.seed)


def question(
    posterior: Posterior,
    group: Group,
    at: Float[np.ndarray, " size"],
    kind: str | None,
    *,
    level: float,
    rope: float,
    decide_at: float,
    seed: int,
) -> GroupQuestion:
    """The question at these sizes, or at those of ``DEFAULT_SIZES``."""
    sizes = np.unique(at) if len(at) else largest_size(posterior.designs[group]) * np.array(DEFAULT_SIZES)
    return GroupQuestion(posterior, group, sizes, kind or usual_kind(posterior, group), level, rope, decide_at, seed)


@dataclass(frozen=True, eq=False)
class Drawn:
    """One architecture of a group as draws, which belong draw by draw to those of the others.

    ``x`` are log sizes that all architectures share, ``on_grid`` the log errors there. ``needed`` has, by the name of
    another, the log sizes at which this one first has its errors at the sizes asked about; ``inf``: not up to the
    horizon.
    """

    name: str
    first: float  # the smallest measured size
    at: Float[np.ndarray, "draw at"]  # log errors at the sizes asked about
    x: Float[np.ndarray, " grid"]
    on_grid: Float[np.ndarray, "grid draw"]
    needed: Mapping[str, Float[np.ndarray, "draw at"]]
    log_exponent: Quantity
    slopes: Sequence[Quantity]  # effective, from today's size to each one beyond the data


def drawn(
    asked: GroupQuestion,
    architecture: str,
    errors: Mapping[str, Float[np.ndarray, "draw at"]],
    others: Iterable[str],
) -> Drawn:
    """The curve of a measured architecture, from the smallest measured size of the group to the horizon.

    ``errors`` are :meth:`GroupQuestion.log_errors` of it and of the ``others`` that it has to match.
    """
    key, span = CurveKey(*asked.group, architecture), searched(asked.design, asked.horizon)
    paths = curve_paths(asked.posterior, key, span, seed=asked.seed).whole
    values, shared = on_grid(paths, asked.kind), paths.fixed(*np.log(span))
    data = asked.design.curve_of(architecture)
    assert data is not None  # pairs are of measured architectures
    own = errors[architecture]
    return Drawn(
        name=architecture,
        first=float(data.curve.n[0]),
        at=own[:, 1:],
        x=paths.x[shared],
        on_grid=values[shared],
        needed=_needed(looked_at(paths, values, span), {other: errors[other][:, 1:] for other in others}),
        log_exponent=quantity(asked.log_exponent(architecture), asked.level, np.exp),
        slopes=[quantity(slope(asked, own, i), asked.level) for i in asked.beyond.tolist()],
    )


def _needed(
    looked: tuple[Float[np.ndarray, " inside"], Float[np.ndarray, "draw inside"]],
    goals: Mapping[str, Float[np.ndarray, "draw at"]],
) -> dict[str, Float[np.ndarray, "draw at"]]:
    return {name: np.stack([first_log_size(*looked, goal) for goal in own.T], 1) for name, own in goals.items()}


def slope(asked: GroupQuestion, errors: Float[np.ndarray, "draw at"], i: int) -> Float[np.ndarray, " draw"]:
    """Effective slope between today's size and the ``i``-th one asked about: positive where the error falls."""
    return (errors[:, 0] - errors[:, 1 + i]) / np.log(asked.sizes[i] / asked.today)
