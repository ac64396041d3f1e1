"""Letters that the figures' own font lacks, such as Chinese ones, from whatever font on this machine has them."""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterable
from typing import Any

import pandas as pd
from matplotlib import font_manager, rc_context, rcParams

LIKELY = ("noto sans cjk", "noto sans", "noto emoji")  # looked at first, of hundreds that may be installed
BOXES = "last resort"  # comes with Matplotlib and has every letter, as a box


def lettered[**P, R](draw: Callable[P, R]) -> Callable[P, R]:
    """Let ``draw``, whose first argument is what it draws, use other fonts for letters that the usual one lacks."""

    @functools.wraps(draw)
    def drawn(*given: P.args, **named: P.kwargs) -> R:
        found: Any = given[0] if given else None
        with rc_context({"font.family": families(_letters(found))}):
            return draw(*given, **named)

    return drawn


def families(letters: Iterable[str]) -> list[str]:
    """The usual font, then those that together have its missing letters, as far as there are any."""
    usual = list(rcParams["font.family"])
    own = _in_font(font_manager.findfont(font_manager.FontProperties(family=usual)))
    missing = frozenset(letter for letter in letters if letter.isprintable()) - own
    return [*usual, *_others(missing)] if missing else usual


@functools.cache
def _others(missing: frozenset[str]) -> tuple[str, ...]:
    found: list[str] = []
    left = set(missing)
    for family, path in _installed():
        more = left & _in_font(path)
        if more:
            found.append(family)
            left -= more
        if not left:
            break
    return tuple(found)


def _installed() -> list[tuple[str, str]]:
    """Upright fonts of usual weight, also those installed after Matplotlib listed them: (family, path)."""
    manager = font_manager.fontManager
    known = {font.fname for font in manager.ttflist}
    for path in sorted(set(font_manager.findSystemFonts()) - known):
        try:
            manager.addfont(path)
        except (OSError, RuntimeError, ValueError, KeyError):  # coloured emoji and broken files cannot be drawn
            continue
    plain = {
        (font.name, font.fname)
        for font in manager.ttflist
        if font.style == "normal" and font.weight in (400, "normal", "regular") and BOXES not in font.name.lower()
    }
    return sorted(plain, key=lambda font: (not font[0].lower().startswith(LIKELY), font))


def _in_font(path: Any) -> frozenset[str]:
    try:
        return frozenset(map(chr, font_manager.get_font(path).get_charmap()))
    except (OSError, RuntimeError):
        return frozenset()


def _letters(found: Any) -> set[str]:
    """Every letter of the texts in a result's table and in the curves behind it."""
    posterior = getattr(found, "posterior", found)
    behind = getattr(getattr(posterior, "curves", None), "table", None)
    letters: set[str] = set()
    for table in (found, getattr(found, "table", None), behind):
        if isinstance(table, pd.DataFrame):
            for column in table.select_dtypes(exclude=["number", "bool"]):
                letters.update(*map(str, table[column].unique()))
    return letters
