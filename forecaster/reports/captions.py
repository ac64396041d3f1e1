"""Captions of a memo's figures."""

from __future__ import annotations

from forecaster.reports.answers import Answers
from forecaster.reports.findings import gives_way, headline
from forecaster.results.wording import listed, times_in


def captions(a: Answers) -> dict[str, tuple[str, str, str]]:
    """Of each figure: heading, what it shows (alternative text), how to read it."""
    names = listed(list(dict.fromkeys(a.options["architecture"])))
    goal = a.units.phrase(a.units.error_plain(a.target))
    horizon = a.sized(a.need.table["horizon"].to_numpy().max())
    unseen = "" if any(a.at_floor(name) for name in a.floors["architecture"].unique()) else "; nobody has seen it yet"
    past = "; so is each line beyond its last dot" if a.uneven else ""
    found = {
        "forecast": (
            "The learning curves, measured and forecast",
            f"Chart on logarithmic scales of {a.units.error_name} against training data for {names}: measured points "
            f"up to {a.sized(a.largest)}, then forecast lines with bands that widen. {headline(a)}",
            "Dots are measurements (paler: single runs), lines the middle of the forecast. The bands hold the true "
            "curve 5 times in 10 (dark), 8 in 10, and 19 in 20 (pale). All to the right of the dashed line, the "
            f"largest size measured, is forecast{past}. Shading marks the three regions of a learning curve: small "
            "data, where little is learned yet; power law, where each tenfold of data buys a steady share; near the "
            "floor, where more than half of the error is of the kind that no data removes.",
        ),
        "requirement": (
            f"How much data the target takes: {goal}",
            f"Chart of the training data that {'each of ' if a.several else ''}{names} needs for {goal}.",
            "Thick bar: half of the chances; thin bar: 9 in 10; circle: even odds; an arrow runs off the chart. "
            f"“Never” is the chance that even {horizon} would not do.",
        ),
        "exponents": (
            "Who gains most from more data",
            f"Chart of how steeply the error of each of {names} falls with data, with its uncertainty.",
            "The exponent says how steeply the removable part of the error falls: at 0.3, ten times the data halves "
            "it. Bars hold the true value 5 times in 10 (thick), 8 in 10, and 19 in 20 (thin). Bars that overlap do "
            "not mean that two architectures are equal: draws are compared pair by pair.",
        ),
        "floor": (
            "How much hangs on the floor",
            f"Chart of the forecast at {a.sized(a.headline_n)} against the assumed floor for {_leaders(a)}.",
            f"The floor is the error that no amount of data removes{unseen}.{gives_way(a)} Each dot is the forecast "
            f"if the floor were there, each bar the range that holds {times_in(a.level)}. The five dots of a line are "
            "equally likely.",
        ),
    }
    return found if a.several else {k: v for k, v in found.items() if k != "exponents"}


def _leaders(a: Answers) -> str:
    return listed(list(dict.fromkeys(a.floors["architecture"])))
