"""floor: what the irreducible error is made of, and what evidence on it changes in the forecast.

Draw by draw, the floor has up to three parts. Wrong labels: their share given that it is no larger than the floor,
which is what the fit assumed. What people get wrong as well: the human-level error beyond the wrong labels, as far as
the floor reaches. And the rest, which people do not get wrong: what another recipe could remove. The parts add up to
the floor in every draw.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import msgspec
import numpy as np
import pandas as pd
from jaxtyping import Float
from scipy import special

from forecaster.curves.learning_curves import Group, LearningCurves
from forecaster.domains.domain import Domain
from forecaster.domains.floor_evidence import FloorEvidence
from forecaster.errors import RequestError
from forecaster.evaluation.fitting import fit, fit_cached
from forecaster.inference.fit import Cards, Floors, Progress, cards_of_well_read, with_floor
from forecaster.inference.posterior import Posterior, expect_posterior
from forecaster.inference.units import units_of
from forecaster.model import law
from forecaster.prediction.curve_keys import CurveKey, chosen_keys
from forecaster.prediction.forecast import forecast
from forecaster.results.check import Check
from forecaster.results.columns import CURVE, GIVEN_LEVEL, LEVEL, Column, Columns, declared, interval, size
from forecaster.results.message import Message, joined, message
from forecaster.results.result import Result, Shown
from forecaster.results.wording import Units, listed
from forecaster.results.wording import size as sized

PARTS_STREAM = 31  # names the stream of random numbers that parts are drawn from
FARTHER = 10.0  # times the largest measured size: where forecasts are compared, where no size is asked about
LABELS, PEOPLE, RECIPE, REST, FLOOR = "label noise", "people too", "recipe", "rest", "floor"
WITH, WITHOUT = "with", "without"
Draws = Float[np.ndarray, " draw"]


@dataclass(frozen=True, eq=False, repr=False)
class FloorSplit(Result):
    """What the floor of each curve is made of, and the forecast with and without the evidence on it."""

    forecasts: pd.DataFrame = field(default_factory=pd.DataFrame)
    evidence: tuple[str, ...] = ()
    posterior: Posterior | None = None

    command = "floor"
    columns = declared(
        table=Columns(
            "a curve and part of its floor",
            CURVE,
            Column(
                "part",
                "text",
                f"`{LABELS}`: wrong labels, which no model can be right on; `{PEOPLE}`: what people get wrong as well, "
                f"beyond those; `{RECIPE}`: what people get right, so that another recipe may; `{REST}`: all but wrong "
                f"labels, where no human-level error is known; `{FLOOR}`: all of it",
                key=True,
            ),
            interval("error", "error", "posterior median of the part, and its equal-tailed interval"),
            Column("share", "share", "median share of the floor"),
            GIVEN_LEVEL,
        ),
        forecasts=Columns(
            "a curve, size and fit",
            CURVE,
            size(),
            Column("evidence", "text", f"`{WITH}` the evidence on the floor or `{WITHOUT}` it", key=True),
            interval("yhat", "error", "forecast of that fit: median and equal-tailed interval"),
            GIVEN_LEVEL,
            Column("kind", "text", "what is forecast: `mean`, `new-run` or `new-cases`", given=True),
        ),
    )
    keys = declared(evidence="the evidence, a clause each")

    def shown(self, most: int) -> tuple[Shown, ...]:
        """The parts; the forecasts of both fits."""
        caption = "The forecast with the evidence on the floor and without it:"
        return (
            Shown(self.table, self.columns["table"]),
            Shown(self.forecasts, self.columns["forecasts"], caption),
        )


def floor(
    source: LearningCurves | Posterior,
    evidence: Floors = None,
    *,
    at: Sequence[float] = (),
    curves: Sequence[CurveKey | str] | None = None,
    kind: str | None = None,
    level: float = LEVEL,
    card: Cards = None,
    seed: int = 0,
    cache: bool = True,
    checks: tuple[Check, ...] = (),
    on_progress: Progress | None = None,
) -> FloorSplit:
    """What the floor is made of: wrong labels, what people get wrong as well, and what another recipe could remove.

    Fits with the evidence and without it.

    Parameters
    ----------
    source : LearningCurves or Posterior
        What :func:`~forecaster.read_curves` gave; or a posterior that was fitted with evidence on the floor.
    evidence : FloorEvidence or mapping, optional
        Human-level error, wrong labels, a stated range (:meth:`FloorEvidence.of <forecaster.FloorEvidence.of>`), of
        curves of one task, or by (domain, task). It may be left out where a card or the posterior holds it.
    at : sequence of float
        Sizes at which the forecasts of both fits are compared; by default ten times the largest.
    curves : sequence, optional
        Curves asked about: keys, labels (``domain/task/architecture``) or architectures. By default all.
    kind : {"mean", "new-run", "new-cases"}
        What is forecast, as in :func:`~forecaster.forecast`.
    level : float
        Probability inside each interval, between 0 and 1.
    card : Domain, str or mapping, optional
        The domain card, as in :func:`~forecaster.fit`; not beside a posterior.
    seed : int
        The same seed gives the same numbers.
    cache : bool
        Keep fits and compiled programs in the user's cache folder, and use those that are there.
    checks : tuple of Check
        Verdicts to carry along.
    on_progress : callable, optional
        Called with a sentence and the share done, between 0 and 1.

    Returns
    -------
    FloorSplit
        ``table`` has the parts of each curve's floor, ``forecasts`` the forecasts of both fits.

    Raises
    ------
    RequestError
        No evidence, or such as measured errors contradict; a share of cases for errors that are none.

    Examples
    --------
    >>> import forecaster
    >>> evidence = forecaster.FloorEvidence.of(human="0.01:500", label_noise="4/1000")
    >>> print(evidence)
    a human-level error of 1 % of 500 cases; wrong labels, 0.4 % of 1,000 cases
    >>> curves = forecaster.read_curves("forecaster/examples/digits.csv")
    >>> parts = forecaster.floor(curves.select(architecture="mlp"), evidence)  # doctest: +SKIP
    """
    tell = on_progress or (lambda *_: None)
    if isinstance(source, LearningCurves):
        cards = with_floor(source, cards_of_well_read(source, card), evidence)
        expect_evidence(cards)
        source = _fitted(source, cards, seed, cache, lambda what, share: tell(what, 0.5 * share))
    elif evidence is not None or card is not None:
        expect_posterior(source)
        raise RequestError(
            "evidence: found evidence, or a card, beside a posterior, which is fitted already; expected the curves "
            "themselves: forecaster.floor(posterior.curves, evidence)"
        )
    expect_posterior(source)
    expect_evidence(source.cards)
    source = source.only(*(group for group, own in source.cards.items() if own.floor))
    plain_cards = {group: msgspec.structs.replace(own, floor=None) for group, own in source.cards.items()}
    plain = _fitted(source.curves, plain_cards, seed, cache, lambda what, share: tell(what, 0.5 + 0.5 * share))
    return compared(source, plain, at=at, curves=curves, kind=kind, level=level, seed=seed, checks=checks)


def expect_evidence(cards: Mapping[Group, Domain]) -> None:
    """RequestError where no card holds evidence on the floor."""
    if not any(card.floor for card in cards.values()):
        raise RequestError(
            "found no evidence on the floor; expected some: --human 0.01:500, --label-noise 20/1000 or "
            '--floor 0.01,0.03 --because "a reason", beside the curves themselves (in Python, '
            "forecaster.FloorEvidence.of), or [floor] in their card"
        )


def compared(
    informed: Posterior,
    plain: Posterior,
    *,
    at: Sequence[float] = (),
    curves: Sequence[CurveKey | str] | None = None,
    kind: str | None = None,
    level: float = LEVEL,
    seed: int = 0,
    checks: tuple[Check, ...] = (),
) -> FloorSplit:
    """The parts of each floor of the ``informed`` fit, and its forecasts beside those of the ``plain`` one."""
    keys = chosen_keys(informed, curves)
    sizes = list(at) or [FARTHER * float(max(c.n[-1] for c in informed.curves.curves))]
    asked = {"kind": kind, "level": level, "seed": seed, "curves": keys, "record": False}
    both = {WITH: forecast(informed, sizes, **asked).table, WITHOUT: forecast(plain, sizes, **asked).table}
    rows, said = [], []
    tails = (0.5 - level / 2, 0.5, 0.5 + level / 2)
    for key in keys:
        drawn = parts_of(informed, key, seed)
        total = drawn[FLOOR]
        for part, values in drawn.items():
            low, middle, high = np.quantile(values, tails)
            row = {"domain": key.domain, "task": key.task, "architecture": key.architecture, "part": part}
            row |= {"error": middle, "error_lower": low, "error_upper": high}
            rows.append(row | {"share": float(np.median(values / total)), "level": level})
    forecasts: Any = pd.concat([table.assign(evidence=name) for name, table in both.items()], keys=range(2))
    forecasts = forecasts.swaplevel().sort_index(kind="stable").reset_index(drop=True)
    forecasts = forecasts[[c for c in FloorSplit.columns["forecasts"].names if c in forecasts]]
    table = pd.DataFrame(rows)
    for group in dict.fromkeys(key.group for key in keys):
        said += prose(table, forecasts, group, units_of(informed, group))
    evidence = tuple(dict.fromkeys(part for own in informed.cards.values() if own.floor for part in own.floor.said))
    return FloorSplit(table, joined(said, "\n"), checks, forecasts, evidence, informed)


def parts_of(posterior: Posterior, key: CurveKey, seed: int = 0) -> dict[str, Draws]:
    """Draws of the parts of a curve's floor, by name, which add up to the last, the floor."""
    values, evidence = posterior.curve(key.label), posterior.cards[key.group].floor
    total = np.exp(law.log_floor(np, values.level, values.floor_logit))
    return split(total, evidence or FloorEvidence(), key.stream(seed, PARTS_STREAM))


def split(total: Draws, evidence: FloorEvidence, rng: np.random.Generator) -> dict[str, Draws]:
    """The parts of each draw of a floor, by name, and the floor itself last; see :mod:`forecaster.floors.split`."""
    found, left = {}, total
    noise = np.zeros_like(total)
    if evidence.label_noise is not None:
        beta = evidence.label_noise.beta
        noise = np.minimum(special.betaincinv(*beta, rng.random(len(total)) * special.betainc(*beta, total)), total)
        found[LABELS], left = noise, total - noise
    if evidence.human is not None:
        people = rng.beta(*evidence.human.beta, len(total))
        found[PEOPLE] = np.clip(people - noise, 0.0, left)
        found[RECIPE] = left - found[PEOPLE]
    elif evidence.label_noise is not None:
        found[REST] = left
    return found | {FLOOR: total}


def _fitted(curves: LearningCurves, cards: Mapping[Group, Domain], seed: int, cache: bool, tell: Progress) -> Posterior:
    if cache:
        return fit_cached(curves, card=cards, seed=seed, record=False, on_progress=tell)
    return fit(curves, card=cards, seed=seed, record=False, cache=False, on_progress=tell)


# In words -----------------------------------------------------------------------------------------

CALLED = {
    LABELS: "wrong labels",
    PEOPLE: "what people get wrong as well",
    RECIPE: "what another recipe could remove at most",
    REST: "all else",
}


def prose(table: pd.DataFrame, forecasts: pd.DataFrame, group: Group, units: Units) -> list[Message]:
    """A sentence on the floor of each curve of a group and its parts, and one on its forecast at the first size."""
    said = []
    own: Any = table[(table["domain"] == group[0]) & (table["task"] == group[1])]
    for name, rows in own.groupby("architecture", sort=False):
        by = {row["part"]: row for row in rows.to_dict("records")}
        label, whole = "/".join((*group, str(name))), by.pop(FLOOR)
        text = f"{label}: a floor of {_ranged(whole, 'error', units)}"
        parts = [f"{_ranged(row, 'error', units)} {CALLED[part]}" for part, row in by.items()]
        if parts:
            text += f": {listed(parts)}"
        said.append(message("floor", f"{text}.", floor=whole["error"], parts={k: v["error"] for k, v in by.items()}))
        mine: Any = forecasts[(forecasts["domain"] == group[0]) & (forecasts["task"] == group[1])]
        mine = mine[mine["architecture"] == name]
        first = {row["evidence"]: row for row in mine[mine["n"] == mine["n"].iloc[0]].to_dict("records")}
        said += [_difference(first[WITH], first[WITHOUT], units)] if np.isfinite(first[WITH]["yhat"]) else []
    return said


def _difference(informed: Mapping[str, Any], plain: Mapping[str, Any], units: Units) -> Message:
    ratio = _width(informed) / _width(plain)
    change = f"{abs(100.0 * (1.0 - ratio)):.0f} % {'narrower' if ratio < 1.0 else 'wider'}"
    changed = "as wide" if abs(ratio - 1.0) < 0.005 else change
    text = (
        f"At {sized(informed['n'])} the forecast is {_ranged(informed, 'yhat', units)} with the evidence and "
        f"{_ranged(plain, 'yhat', units)} without it: a range {changed} (of logs)."
    )
    return message("with-and-without", text, ratio=ratio, yhat=informed["yhat"], yhat_plain=plain["yhat"])


def _width(row: Mapping[str, Any]) -> float:
    return float(np.log(row["yhat_upper"] / row["yhat_lower"]))


def _ranged(row: Mapping[str, Any], of: str, units: Units) -> str:
    """``1.2 % (0.8 – 1.9 %)``."""
    low, middle, high = (float(row[name]) for name in (f"{of}_lower", of, f"{of}_upper"))
    digits = units.decimals(low, high)
    between = units.between(units.error(low, digits), units.error(high, digits))
    return f"{units.error(middle, digits)} ({between})"
