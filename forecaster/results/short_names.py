"""Names that fit: shortened in the middle, no two alike. Widths are those of a terminal, where 模 is as wide as nn."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable, Iterator
from itertools import count, takewhile

ELLIPSIS = "…"
BREAKS = "-_/. :+,"  # where a part of a name ends


def width(text: str) -> int:
    """Columns that the text takes on a terminal."""
    return sum(_columns(letter) for letter in text)


def _columns(letter: str) -> int:
    if unicodedata.category(letter) in ("Mn", "Me", "Cf"):
        return 0
    return 2 if unicodedata.east_asian_width(letter) in "WF" else 1


def shortened(names: Iterable[str], most: int) -> dict[str, str]:
    """Each name in at most ``most`` columns (8 or more), and no two of them alike.

    A longer name keeps its beginning and end. Names that only differ in between show the part in which they do, and
    those that differ in more than fits are numbered.
    """
    found = {name: _cut(name, most) for name in names}
    for alike in _alike(found):
        found |= _by_difference([name for name in alike if found[name] != name], most)
    for alike in _alike(found):
        for name in sorted(alike, key=lambda name: found[name] != name)[1:]:
            taken = set(found.values())
            numbered = (_cut(name, most - len(str(k)) - 1) + f"~{k}" for k in count(2))
            found[name] = next(text for text in numbered if text not in taken)
    return found


def _cut(name: str, most: int) -> str:
    """The beginning and the end of a name that is too long."""
    if width(name) <= most:
        return name
    room = most - 1
    return _first(name, room - room // 2) + ELLIPSIS + _last(name, room // 2)


def _first(text: str, most: int) -> str:
    """As much of the beginning as fits."""
    taken = 0
    for i, letter in enumerate(text):
        taken += _columns(letter)
        if taken > most:
            return text[:i]
    return text


def _last(text: str, most: int) -> str:
    return _first(text[::-1], most)[::-1]


def _alike(found: dict[str, str]) -> Iterator[list[str]]:
    """Names that were shortened to the same text."""
    groups: dict[str, list[str]] = {}
    for name, text in found.items():
        groups.setdefault(text, []).append(name)
    return (names for names in groups.values() if len(names) > 1)


def _by_difference(names: list[str], most: int) -> dict[str, str]:
    """Names with the part in which they differ, from its first letter to its last, and what fits around it."""
    before = _common(names)
    after = min(_common([name[::-1] for name in names]), min(map(len, names)) - before)
    whole = _whole_parts(names[0], before, after)
    longest = max(width(name[whole[0] : len(name) - whole[1]]) for name in names)
    before, after = whole if longest <= most // 2 else (before, after)
    return {name: _around(name, before, len(name) - after, most) for name in names}


def _common(names: list[str]) -> int:
    """With how many letters all of them begin."""
    return sum(1 for _ in takewhile(lambda letters: len(set(letters)) == 1, zip(*names, strict=False)))


def _whole_parts(name: str, before: int, after: int) -> tuple[int, int]:
    """How much is common before and after, in whole parts of the name: ``lr3e-5``, not ``3``."""
    head, tail = name[:before], name[len(name) - after :]
    starts = max(head.rfind(mark) for mark in BREAKS) + 1
    ends = min((at for at in (tail.find(mark) for mark in BREAKS) if at >= 0), default=len(tail))
    return starts, len(tail) - ends


def _around(name: str, start: int, stop: int, most: int) -> str:
    """``name[start:stop]`` with as much before and after as fits."""
    shown = _first(name[start:stop], most - 2)
    room = most - 2 - width(shown)
    head = _first(name[:start], room - room // 2)
    tail = _last(name[stop:], room // 2) if shown == name[start:stop] else ""
    head += ELLIPSIS if len(head) < start else ""
    gap = ELLIPSIS if shown + tail != name[start:] and not (head.endswith(ELLIPSIS) and not shown) else ""
    return head + shown + gap + tail
