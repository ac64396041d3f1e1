"""Numbers as people write them: which of comma and point is the decimal mark, and what stands between thousands.

``1.000`` is a thousand in Berlin and one in Boston. A cell with both marks, or with other than three digits behind one,
tells; of other cells the rest of the column, then the rest of the table tells; where nothing does, nothing is guessed.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable
from functools import lru_cache
from typing import Literal

from forecaster.curves.how_read import Decimal

Kind = Literal["plain", "point", "comma", "either point", "either comma"]
Unsure = Literal["either point", "either comma", "both"]
BLANK = frozenset({"", "na", "n/a", "#n/a", "nan", "null", "none", "<na>", "-", "--", "—", "–", "?"})  # not given
NUMERAL = r"[-+−]?(?:\d[\d.,'’_ \u00a0\u2009\u202f]*\d|[.,]\d+|\d)[.,]?(?:[eE][-+]?\d+)?"
MARKS = "'’_ \u00a0\u2009\u202f"  # between thousands, and nowhere else
GROUPED = re.compile(rf"[-+−]?\d{{1,3}}(?:[{MARKS}]\d{{3}})+(?=[.,]|e|$)", re.I)
SHAPES: tuple[tuple[Kind, str], ...] = (
    ("plain", r"\d+(e[-+]?\d+)?"),
    ("either point", r"[1-9]\d{0,2}\.\d{3}"),
    ("either comma", r"[1-9]\d{0,2},\d{3}"),
    ("point", r"(\d+\.\d*|\.\d+)(e[-+]?\d+)?"),
    ("comma", r"(\d+,\d*|,\d+)(e[-+]?\d+)?"),
    ("point", r"\d{1,3}(,\d{3})+(\.\d*)?|\d{1,2}(,\d{2})*,\d{3}(\.\d*)?"),  # as in India, too
    ("comma", r"\d{1,3}(\.\d{3})+(,\d*)?"),
)


@lru_cache(maxsize=4096)
def kind_of(numeral: str) -> Kind | None:
    """The marks that a numeral may have: decimal point, decimal comma, either or none; None if it is no number."""
    text, grouped = _joined(numeral)
    for kind, shape in SHAPES:
        if re.fullmatch(shape, text):
            return {"either point": "point", "either comma": "comma"}.get(kind, kind) if grouped else kind  # type: ignore[return-value]
    return None


def value_of(numeral: str, decimal: Decimal) -> float | None:
    """The numeral's value where this mark is the decimal one; None where it is then no number."""
    kind = kind_of(numeral)
    if kind is None or (kind in ("point", "comma") and kind != decimal):
        return None
    text, _ = _joined(numeral)
    thousands = {"point": ",", "comma": "."}[decimal]
    sign = -1.0 if numeral.lstrip()[:1] in ("-", "−") else 1.0
    return sign * float(text.replace(thousands, "").replace(",", "."))


def decided(numerals: Collection[str]) -> Decimal | Unsure | None:
    """The decimal mark that the numerals of one column tell; what is unsure where they tell none; None without marks.

    Where some are whole numbers without a mark and others end in zeros behind one, that one stands between thousands:
    nobody writes 500, 1.000 and 1.5 in one column.
    """
    kinds = [kind_of(numeral) for numeral in numerals]
    votes = kinds.count("point"), kinds.count("comma")
    if any(votes):
        return "comma" if votes[1] > votes[0] else "point"
    unsure = {kind for kind in kinds if kind in ("either point", "either comma")}
    if len(unsure) == 2:
        return "both"
    for kind, thousands in (("either point", "comma"), ("either comma", "point")):
        if kind in unsure:
            zeros = any(k == kind and n.endswith("0") for k, n in zip(kinds, numerals, strict=True))
            return thousands if "plain" in kinds and zeros else kind  # type: ignore[return-value]
    return None


def round_numbers(numerals: Iterable[str]) -> bool:
    """Whether all with a mark are round as thousands: 1.000 and 2.500, but not 3.237."""
    return all(numeral.endswith("00") for numeral in numerals if kind_of(numeral) != "plain")


def decimals_are_three(numerals: Iterable[str]) -> bool:
    """Whether all with a mark have three digits behind it, as numbers printed to three places."""
    return all(re.search(r"[.,]\d{3}$", numeral) for numeral in numerals if kind_of(numeral) != "plain")


def _joined(numeral: str) -> tuple[str, bool]:
    """Without sign, and without marks that stand between thousands alone; whether there were any."""
    text = numeral.strip().lower()
    grouped = GROUPED.match(text) is not None
    if grouped:
        text = text.translate(dict.fromkeys(map(ord, MARKS)))
    return text.lstrip("+-−"), grouped
