"""Chapter: what one more question gave, as a memo shows it; and the kinds of chapters there are."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pandas as pd
from matplotlib.figure import Figure

from forecaster.errors import RequestError
from forecaster.reports.answers import Answers
from forecaster.results.check import Check
from forecaster.results.message import Message
from forecaster.results.wording import rounded, size

Row = Mapping[Any, Any]
HEIGHT = 2.75  # inches, of a figure at the most: two chapters then share a printed page, with letters that can be read


@dataclass(frozen=True)
class Shown:
    """A column of a chapter's table: its head, how a row's cell is written, and whether it holds numbers."""

    head: str
    cell: Callable[[Row], str]
    right: bool = True


@dataclass(frozen=True, eq=False)
class Chapter:
    """One chapter: a heading, what was found, a short table, a figure with its caption, and the tables behind them.

    ``checks`` join those of the memo.
    """

    name: str
    heading: str
    said: Message
    heads: tuple[tuple[str, bool], ...]
    rows: tuple[tuple[str, ...], ...]
    figure: Figure
    alt: str
    caption: str
    tables: Mapping[str, pd.DataFrame]
    checks: tuple[Check, ...] = ()

    @property
    def lines(self) -> list[str]:
        """What was found, a sentence or two each."""
        return self.said.text.splitlines()


@dataclass(frozen=True)
class Kind:
    """A kind of chapter: how it is written, which arguments it takes, and when it is written unasked.

    Parameters
    ----------
    name : str
        By which it is asked for.
    write : callable
        From the answers of a memo, its seed and the arguments to a chapter.
    arguments : mapping
        Name of each argument, and what makes its value from text.
    needed : sequence of str
        Those without which it cannot be written.
    unasked : callable
        Whether the answers allow for it and it takes no time to speak of.
    advises : bool
        Whether it recommends something, so that it is left out where a check failed.
    """

    name: str
    write: Callable[..., Chapter]
    arguments: Mapping[str, Callable[[str], Any]] = field(default_factory=dict)
    needed: Sequence[str] = ()
    unasked: Callable[[Answers], bool] = lambda _: False
    advises: bool = False


def file(text: str) -> Path:
    """A file that is there; RequestError where none is."""
    path = Path(text)
    if not path.is_file():
        raise RequestError(f"chapters: found no file {text}; expected one that can be read")
    return path


def size_range(middle: float, low: float, high: float) -> str:
    """``61,000 (50,000 – 74,000)``; a single number where the range is none."""
    shown, *ends = (size(rounded(value)) for value in (middle, low, high))
    return shown if ends[0] == ends[1] else f"{shown} ({ends[0]} – {ends[1]})"


def tabled(rows: Sequence[Row], columns: Sequence[Shown]) -> dict[str, Any]:
    """Heads and rows of a chapter's table."""
    return {
        "heads": tuple((column.head, column.right) for column in columns),
        "rows": tuple(tuple(column.cell(row) for column in columns) for row in rows),
    }


def low(figure: Figure) -> Figure:
    """The figure, made lower where it is higher than a chapter's may be."""
    figure.set_figheight(min(figure.get_figheight(), HEIGHT))
    return figure
