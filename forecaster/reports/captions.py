"""Captions of a memo's figures."""

from __future__ import annotations

from forecaster.reports.answers import Facts
from forecaster.reports.deciding import Decided
from forecaster.reports.findings import headline
from forecaster.reports.opening.reasons import charted
from forecaster.reports.opening.settling import stopped
from forecaster.results.message import Message, message
from forecaster.results.wording import listed, times_in


def captions(a: Facts, d: Decided) -> dict[str, tuple[str, str, Message]]:
    """For each figure: its heading, what it shows (alternative text), and how to read it."""
    names = listed(list(dict.fromkeys(a.options["architecture"])))
    leaders = list(dict.fromkeys(a.floors["architecture"]))
    goal = a.units.phrase(a.units.error_plain(a.target))
    horizon = a.sized(a.needs["horizon"].to_numpy().max())
    seen = any(a.at_floor(name) for name in leaders)
    past = "; so is each line beyond its last dot" if a.uneven else ""
    first, *rival = charted(a, d)
    beside = f", beside {rival[0]}" if rival else ""
    filled = ", the recommended one filled" if d.buys and not stopped(a) else ""
    found = {
        "options": (
            "The options on the learning curve",
            f"Chart on logarithmic scales of {a.units.error_name} against training data for {first}{beside}: measured "
            f"points up to {a.sized(a.largest)}, then the forecast, with the options of the table marked.",
            message(
                "options",
                f"Dots: measured, up to the dashed line. Line and band: forecast of {first}, in the band 8 times in "
                f"10. Circles and bars: the options{filled}.",
            ),
        ),
        "forecast": (
            "The learning curves, measured and forecast",
            f"Chart on logarithmic scales of {a.units.error_name} against training data for {names}: measured points "
            f"up to {a.sized(a.largest)}, then forecast lines with bands that widen. {headline(a).text}",
            message(
                "curves-uneven" if a.uneven else "curves",
                "Dots are measurements (pale: single runs); lines are the middle of the forecast. The bands hold the "
                "true curve 5 times in 10 (dark), 8 in 10, and 19 in 20 (pale). Everything to the right of the dashed "
                f"line, the largest measured size, is forecast{past}. The shading shows three regions: small data, "
                "where little is learned yet; power law, where each tenfold of data removes a steady share of the "
                "error; near the floor, where more than half of the error is irreducible.",
            ),
        ),
        "requirement": (
            f"How much data the target needs: {goal}",
            f"Chart of the training data that {'each of ' if a.several else ''}{names} needs for {goal}.",
            message(
                "needs",
                "Thick bar: the middle half of the chances; thin bar: 9 in 10; circle: even odds; an arrow runs off "
                f"the chart. “Never” is the chance that even {horizon} are not enough.",
            ),
        ),
        "gains": (
            "Who gains from more data",
            f"Chart of the share of today's error that {a.sized(a.headline_n)} would remove, for each of {names}.",
            message(
                "gains",
                f"The share of the error at {a.sized(a.largest)} that the forecast removes by {a.sized(a.headline_n)}, "
                "the largest first. Bars hold the true value 5 times in 10 (thick), 8 in 10, and 19 in 20 (thin); "
                "below 0 the error rises. To the right, the chance to gain most. Bars that overlap do not mean that "
                "two architectures gain alike.",
            ),
        ),
        "floor": (
            "How much depends on the irreducible error",
            f"Chart of the forecast at {a.sized(a.headline_n)} against the assumed floor for {listed(leaders)}.",
            message(
                "floor-seen" if seen else "floor-not-seen",
                "The floor is the error that no amount of data removes"
                f"{'' if seen else '; the measurements do not show it yet'}. Each dot is the "
                f"forecast for that floor, each bar the range that holds the error {times_in(a.level)}. The five dots "
                "of a line are equally likely.",
            ),
        ),
    }
    return found if a.several else {k: v for k, v in found.items() if k != "gains"}
