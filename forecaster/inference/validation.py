"""validate: a summary of a table of curves, with remarks, before anything is fitted."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from forecaster.curves import summary
from forecaster.curves.learning_curves import Group, LearningCurves, Note
from forecaster.curves.metrics import metric_of
from forecaster.domains.domain import Domain
from forecaster.inference.fit import Cards, cards_of, cards_of_well_read, expect_curves
from forecaster.results.columns import CURVE, Column, Columns, declared
from forecaster.results.result import Result
from forecaster.results.wording import counted


@dataclass(frozen=True, eq=False, repr=False)
class Validation(Result):
    """What a table of curves holds. ``curves`` are the curves themselves, ``cards`` the card of each group."""

    notes: tuple[Note, ...] = ()
    curves: LearningCurves | None = None
    cards: Mapping[Group, Domain] = field(default_factory=dict)

    command = "validate"
    columns = declared(
        table=Columns(
            "a curve",
            CURVE,
            Column("points", "count", "measurements"),
            Column("sizes", "count", "different sizes"),
            (Column(name, "size", "smallest and largest size") for name in ("n_min", "n_max")),
            Column("decades", "number", "decades between them"),
            Column("seeds", "count", "different seeds; where none is named, the most measurements at one size"),
            *(
                Column(f"error_{end}", "error", "mean error at the smallest and the largest size")
                for end in ("first", "last")
            ),
            Column("noise", "number", "sd of log error around its neighbours, or between repeats"),
            Column(
                "best_so_far_rise",
                "number",
                "largest rise of log error above the best at smaller sizes, noise and all; a note `non-monotone` says "
                "where noise does not explain it",
            ),
            Column("card", "text", "the domain card that a fit would use"),
        )
    )
    keys = declared(notes="remarks that stop nothing: a list of `code`, `text`, `curve`")


def validate(curves: LearningCurves, *, card: Cards = None) -> Validation:
    """Summarise curves and remark on what their design cannot show; nothing is fitted.

    Parameters
    ----------
    curves : LearningCurves
        As :func:`forecaster.read_curves` gives them.
    card : Domain, str, path or mapping, optional
        The domain card of all, or of each (domain, task); by default that of the domain's name.

    Returns
    -------
    Validation
        A row a curve; ``notes`` are remarks on possible faults of the measurements and on what they cannot show.

    Raises
    ------
    RequestError
        Where ``curves`` were not read.
    CardError
        For a card that is unknown or unreadable.
    CurveMisreadError
        Errors are above 1, and the card takes them for shares.

    Examples
    --------
    >>> import forecaster
    >>> found = forecaster.validate(forecaster.read_curves("forecaster/examples/digits.csv"))
    >>> found.text.splitlines()[0]
    '980 measurements make 7 curves; they can be fitted.'
    """
    expect_curves(curves)
    cards = cards_of_well_read(curves, card)
    chance: dict[Group | str, float] = {g: c.chance.value for g, c in cards.items() if c.chance is not None}
    notes = (*curves.notes, *above_share(curves, cards), *summary.warnings_of(curves, chance))
    table = summary.summarise(curves)
    table["card"] = [cards[key].name for key in zip(table["domain"], table["task"], strict=True)]
    made = f"{counted(len(curves.table), 'measurement')} make {counted(len(curves.curves), 'curve')}"
    they = "it" if len(curves.curves) == 1 else "they"
    text = "\n".join([f"{made}; {they} can be fitted.", *summary.understood(curves)])
    return Validation(table, text, (), notes, curves, cards)


def above_share(curves: LearningCurves, card: Cards) -> tuple[Note, ...]:
    """Notes on errors above 1 where the card calls them shares."""
    units = {group: found.error_unit for group, found in cards_of(curves, card).items()}
    shares = [group for group, unit in units.items() if "share" in unit and " or " not in unit]
    shares = [group for group in shares if metric_of(units[group]).bounded]
    return summary.above_share(curves, shares)
