"""Numbers as a reader wants them: errors in the card's unit, sizes in words, chances in words. No statistics."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass, replace

import numpy as np

WORDS = ((1e12, "trillion", "T"), (1e9, "billion", "B"), (1e6, "million", "M"))
LARGEST_SAID = 1e15  # in words; larger numbers of examples, or of FLOPs, are written like 6e24
MOST_DECIMALS = 6  # smaller errors are written like 2.99e-10


@dataclass(frozen=True)
class Units:
    """How one group's errors and sizes are written: ``12,000 rows``, ``0.25 %`` or ``1.66 bits per character``."""

    size_name: str
    error_name: str
    percent: bool
    unit: str = ""  # of errors, where they are no percent

    def counting(self, size_name: str | None) -> Units:
        """With another name for what sizes count, where one is given."""
        return self if size_name is None else replace(self, size_name=size_name)

    @property
    def sign(self) -> str:
        """The unit after an error's number."""
        return " %" if self.percent else f" {self.unit}" if self.unit else ""

    def scaled(self, value: float) -> float:
        """The number as shown: in percent where errors are shares."""
        return 100.0 * value if self.percent else value

    def decimals(self, low: float, high: float) -> int:
        """Decimals that show two significant digits of an interval's width (three of the value, without one).

        Below 0 where whole numbers say too much: -3 is to the thousand; of the lower end two digits stay.
        """
        width = abs(self.scaled(high) - self.scaled(low))
        if not (math.isfinite(width) and width > 0):
            width = 0.1 * abs(self.scaled(high))
        if not width > 0:
            return 2
        least = abs(self.scaled(low))
        fewest = min(1 - math.floor(math.log10(least)), 0) if math.isfinite(least) and least > 0 else 0
        return max(1 - math.floor(math.log10(width)), fewest)

    def error(self, value: float, decimals: int) -> str:
        number = self.scaled(value)
        if number > 0 and decimals > MOST_DECIMALS and number < 10.0 ** (3 - MOST_DECIMALS):
            digits = max(math.floor(math.log10(number)) + decimals, 0)
            return re.sub(r"e([+-])0*(\d)", r"e\1\2", f"{number:.{digits}e}") + self.sign
        after = max(decimals, 0)
        shown = f"{round(number, decimals):,.{after}f}"
        if value > 0 and not re.search("[1-9]", shown):
            shown = f"<{10.0**-decimals:,.{after}f}"
        return shown + self.sign

    def between(self, low: str, high: str) -> str:
        """``0.10 – 0.27 %`` for two ends already written."""
        return f"{low.removesuffix(self.sign)} – {high}"

    def error_plain(self, value: float) -> str:
        """An exact error, such as a target: as many digits as it has, up to four."""
        return f"{plain_number(float(f'{self.scaled(value):.4g}'))}{self.sign}"

    def phrase(self, shown: str) -> str:
        """``an error rate of 0.25 %`` or ``1.66 bits per character`` for a number already written."""
        if re.match(r"(bits|nats|bytes|points)\b", self.error_name):
            return f"{shown} {self.error_name}"
        if self.error_name.startswith("1 - "):
            return f"an error ({self.error_name}) of {shown}"
        return f"{article(self.error_name)} {self.error_name} of {shown}"

    def sized(self, n: float) -> str:
        return f"{size(n)} {self.size_name}"


def article(noun: str) -> str:
    """``a`` or ``an``, as the noun is spoken: an error, an MAE, a loss."""
    spelled = re.match(r"[A-Z]{2}", noun) is not None
    return "an" if noun[:1] in "aeiouAEIOU" or (spelled and noun[0] in "FHLMNRSX") else "a"


def size(n: float, short: bool = False) -> str:
    """``12,000``, ``16.8 million``, or in short ``12k``, ``16.8M``; ``never`` for infinity."""
    if math.isinf(n):
        return "never"
    if n >= LARGEST_SAID:
        return plain_size(n)
    for scale, word, letter in WORDS:
        if n >= 0.9995 * scale:
            return f"{n / scale:.3g}{letter}" if short else f"{n / scale:.3g} {word}"
    if short:
        return f"{n / 1e3:.3g}k" if n >= 1000 else f"{n:.3g}"
    return f"{n:,.0f}" if n >= 10 else f"{n:.3g}"


def about(n: float) -> str:
    """A forecast size, to two significant digits."""
    return size(rounded(n))


def rounded(value: float, digits: int = 2) -> float:
    """``value`` to so many significant digits."""
    return float(f"{value:.{digits - 1}e}") if math.isfinite(value) else value


def money(amount: float, currency: str, *, exact: bool = False) -> str:
    """``3,300 EUR``; an estimate to three significant digits."""
    shown = amount if exact else rounded(amount, 3)
    text = f"{shown:,.0f}" if abs(shown) >= 100 or shown == round(shown) else f"{shown:,.2f}"
    return f"{text} {currency}".strip()


def chance(p: float) -> str:
    """``83 %``; never 0 or 100, which draws cannot tell."""
    return "not known" if math.isnan(p) else percent(p)


def times_in(level: float) -> str:
    """``8 times in 10``, ``19 times in 20``, ``93 times in 100``, ``999 times in 1,000``; never all, and never none."""
    bases = (10, 20, 100, 1000)
    exact = (b for b in bases if abs(b * level - round(b * level)) < 1e-9)
    near = (b for b in (10**k for k in range(2, 10)) if 0 < round(b * level) < b)
    base = next(exact, None) or next(near, 10**9)
    return f"{base * level:,.0f} times in {base:,}"


def times(ratio: float) -> str:
    """``10 times``, or ``about 10 times`` where that is rounded."""
    shown = rounded(ratio)
    exact = abs(ratio / shown - 1.0) < 1e-3
    return f"{'' if exact else 'about '}{shown:,g} times"


def listed(names: list[str]) -> str:
    """``a, b and c``."""
    return " and ".join([", ".join(names[:-1]), names[-1]]) if len(names) > 1 else "".join(names)


def counted(count: int, noun: str) -> str:
    """``1 curve``, ``1,200 curves``."""
    return f"{count:,} {noun}{'' if count == 1 else 's'}"


def clipped(line: str, most: int = 100) -> str:
    """The beginning of a line that is too long."""
    return line if len(line) <= most else line[: most - 1] + "…"


def plain_size(size: float) -> str:
    """A size for people: three digits, with separators up to ten million."""
    if not np.isfinite(size):
        return "no size within the horizon"
    rounded = float(f"{size:.3g}")
    return f"{rounded:,.0f}" if 100 <= rounded < 1e7 else f"{rounded:.3g}".replace("e+0", "e").replace("e+", "e")


def plain_number(value: float) -> str:
    """A number that is no size, such as a target, as it was given; thousands with separators."""
    return f"{value:,.0f}" if 1e6 <= abs(value) < 1e15 else f"{value:,g}"


def percent(share: float) -> str:
    """A probability for people; never 0 or 100 %, which draws cannot tell, as in the tables."""
    return "under 1 %" if share < 0.01 else "over 99 %" if share > 0.99 else f"{100 * share:.0f} %"
