"""growth: how the best model's size, compute and hours grow with the data, and what they are at other sizes.

``s(n) = sigma n^beta`` (Hestness et al. 2017, section 4.3; 2019, Table 1), fitted beside the error: the draws of a data
requirement carry over to parameters, compute, hours, money and dates.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, cast

import numpy as np
import pandas as pd

from forecaster.errors import RequestError
from forecaster.inference.posterior import Posterior, expect_posterior
from forecaster.prediction.crossings import largest_size
from forecaster.prediction.curve_keys import CurveKey, chosen_keys
from forecaster.resources.spent import QUANTITIES, Growth, growth_of
from forecaster.results.check import Check
from forecaster.results.columns import CURVE, GIVEN_LEVEL, LEVEL, Column, Columns, declared, interval, size
from forecaster.results.message import Message, joined, message
from forecaster.results.result import Result, Shown
from forecaster.results.wording import rounded, times
from forecaster.results.wording import size as sized

MULTIPLES = (1.0, 10.0, 100.0)  # of the largest measured size, where no sizes are given
QUANTITY = Column("quantity", "text", "`params`, `compute`, `gpu_hours` or `seconds`", key=True)


@dataclass(frozen=True, eq=False, repr=False)
class GrowthTable(Result):
    """What runs take at sizes; ``exponents`` with which that grows. ``posterior`` is that of the errors."""

    exponents: pd.DataFrame = field(default_factory=pd.DataFrame)
    messages: tuple[Message, ...] = ()
    posterior: Posterior | None = None
    seed: int = 0

    command = "growth"
    columns = declared(
        table=Columns(
            "a quantity of a curve and a size",
            CURVE,
            QUANTITY,
            size("training-set size"),
            interval("yhat", "number", "what one run takes there: posterior median and equal-tailed interval"),
            GIVEN_LEVEL,
        ),
        exponents=Columns(
            "a quantity of a curve",
            CURVE,
            QUANTITY,
            interval("exponent", "number", "with which it grows with the data: posterior median and interval"),
            GIVEN_LEVEL,
            Column("noise", "number", "sd of the log of single values around the line: posterior median"),
            Column("sizes", "count", "sizes at which it was measured"),
            Column("prior", "number", "mean of the prior of the exponent's centre", terminal=False),
            Column("prior_sd", "number", "its sd", terminal=False),
            Column("source", "text", "where that is from", terminal=False),
        ),
    )

    def shown(self, most: int) -> Sequence[Shown]:
        """The exponents, then the sizes."""
        known, exponents = self.columns["exponents"], cast("Any", self.exponents)
        names = [str(c) for c in exponents if (own := known.named(str(c))) and own.terminal]
        return [
            Shown(exponents[names], known.pick(*names)),
            Shown(self.table, self.columns["table"], "At other sizes:"),
        ]


def growth(
    posterior: Posterior,
    at: Sequence[float] = (),
    *,
    level: float = LEVEL,
    seed: int = 0,
    curves: Sequence[CurveKey | str] | None = None,
    checks: tuple[Check, ...] = (),
) -> GrowthTable:
    """How model size, compute and hours of training grow with the data.

    Parameters
    ----------
    posterior : Posterior
        What :func:`~forecaster.fit` gave, from a table with a column ``params`` (of curves of best models),
        ``compute``, ``gpu_hours`` or ``seconds``.
    at : sequence of float
        Training-set sizes; by default 1, 10 and 100 times the largest measured one.
    level : float
        Probability inside each interval.
    seed : int
        The same seed gives the same numbers.
    curves : sequence, optional
        Curves to answer about: keys, labels or architectures. By default all that have such a column.
    checks : tuple of Check
        Verdicts to carry along.

    Returns
    -------
    GrowthTable
        ``table`` has a row per quantity, curve and size; ``exponents`` one per quantity and curve.

    Raises
    ------
    RequestError
        No curve has such a column with two sizes or more; a size or level out of range.

    Examples
    --------
    >>> import forecaster
    >>> curves = forecaster.read_curves("grid.csv")  # doctest: +SKIP
    >>> forecaster.growth(forecaster.fit(curves), [1e9]).exponents  # doctest: +SKIP
    """
    expect_posterior(posterior)
    _check(at, level)
    rows, exponents, said = [], [], []
    for group in posterior.groups:
        wanted = [key.architecture for key in chosen_keys(posterior, curves) if key.group == group]
        last = largest_size(posterior.designs[group])
        sizes = np.array(at, dtype=float) if len(at) else last * np.array(MULTIPLES)
        for found in growth_of(posterior, group, seed).values():
            names = [name for name in wanted if name in found.lines]
            rows += [row for name in names for row in _rows(found, group, name, sizes, level)]
            exponents += [_exponent(found, group, name, level) for name in names]
            said += [_said(found, name, last, level) for name in names[:1]]
    if not rows:
        raise RequestError(
            "growth: found no column of what runs took that grows with the data; expected `params` of curves of best "
            "models, `compute`, `gpu_hours` or `seconds`, at two sizes of a curve or more"
        )
    return GrowthTable(
        pd.DataFrame(rows), joined(said, "\n"), checks, pd.DataFrame(exponents), tuple(said), posterior, seed
    )


def _check(at: Sequence[float], level: float) -> None:
    wrong = [n for n in at if not 0 < n < np.inf]
    if wrong:
        raise RequestError(f"at: found {wrong[0]:g}; expected sizes above 0, such as 1e6")
    if not 0 < level < 1:
        raise RequestError(f"level: found {level:g}; expected a share between 0 and 1, such as 0.8")


def _rows(found: Growth, group: tuple[str, str], name: str, sizes: np.ndarray, level: float) -> list[dict[str, Any]]:
    drawn = np.exp(found.lines[name].at(np.log(sizes)))
    ends = np.quantile(drawn, [0.5, 0.5 - level / 2, 0.5 + level / 2], axis=0)
    named = {"domain": group[0], "task": group[1], "architecture": name, "quantity": found.quantity}
    return [
        named | {"n": float(n), "yhat": ends[0, i], "yhat_lower": ends[1, i], "yhat_upper": ends[2, i], "level": level}
        for i, n in enumerate(sizes)
    ]


def _exponent(found: Growth, group: tuple[str, str], name: str, level: float) -> dict[str, Any]:
    line = found.lines[name]
    middle, low, high = np.quantile(line.slope, [0.5, 0.5 - level / 2, 0.5 + level / 2])
    named = {"domain": group[0], "task": group[1], "architecture": name, "quantity": found.quantity}
    named |= {"exponent": middle, "exponent_lower": low, "exponent_upper": high, "level": level}
    named |= {"noise": float(np.median(line.noise)), "sizes": len(found.measured[name].x)}
    return named | {"prior": found.prior.location, "prior_sd": found.prior.scale, "source": found.prior.source}


def _said(found: Growth, name: str, last: float, level: float) -> Message:
    """One sentence on a quantity, with the first architecture as the example."""
    line = found.lines[name]
    middle, low, high = np.quantile(line.slope, [0.5, 0.5 - level / 2, 0.5 + level / 2])
    more = float(np.median(np.exp(line.slope * np.log(10.0))))
    now = float(np.median(np.exp(line.at(np.log([last])))))
    what = QUANTITIES[found.quantity]
    text = f"{what[:1].upper()}{what[1:]}: {name} takes about {sized(rounded(now, 3))} at {sized(last)}, "
    text += f"and {times(more)} as much with ten times the data (exponent {middle:.2f}, {low:.2f} to {high:.2f})."
    return message(found.quantity, text, architecture=name, exponent=float(middle), times=more)
