"""Exceptions, one small class per cause.

Every message names the place (file, row, card line), what was found, what was expected and the next step.
The command line prints the message and exits with 1 (2 where the fault is in its options alone); a Python caller
catches :class:`ForecasterError`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass


class ForecasterError(Exception):
    """Any error the user can mend; the message says how."""


class UnwritableError(ForecasterError, OSError):
    """The system refuses a file or folder that is to be written; callers that can do without it suppress OSError."""


class CurveFileError(ForecasterError):
    """A file of learning curves cannot be read at all."""


class CurveColumnsError(CurveFileError):
    """A column of a table of learning curves is missing, named twice, or not where the mapping says."""


class CurveContentError(CurveFileError):
    """Every row can be read, but the curves cannot be used: mixed metrics, or a group without three sizes."""


class CurveMisreadError(CurveContentError):
    """Every row can be read, but the table does not seem to be what it was read as.

    ``rule`` names what was found, for programs. The message ends with other readings, each ready to paste; the last of
    them takes the table as it is.
    """

    def __init__(self, rule: str, message: str) -> None:
        self.rule = rule
        super().__init__(message)


@dataclass(frozen=True)
class BadRow:
    """One refused cell: ``row`` counts lines of the file as an editor does (the header is line 1)."""

    row: int
    column: str
    cell: str
    expected: str

    @property
    def found(self) -> str:
        return f"{self.column} {self.cell}"

    def __str__(self) -> str:
        return f"row {self.row}: found {self.found}; expected {self.expected}"


class CurveRowsError(ForecasterError):
    """Rows of a table of learning curves are refused, all of them together.

    ``rows`` holds every refused row in file order. The message lists them; a fault of more than ``FEW`` rows is said
    once, with their count. More than ``LISTED`` lines are counted.
    """

    LISTED = 50
    FEW = 10

    def __init__(self, source: str, rows: Sequence[BadRow], next_step: str) -> None:
        self.source = source
        self.rows = tuple(rows)
        listing = _listing(self.rows, self.FEW, lambda row: (row.column, row.cell, row.expected))
        if len(listing) > self.LISTED:
            listing = _listing(self.rows, self.FEW, lambda row: (row.column, row.expected))
        if len(listing) > self.LISTED:
            listing[self.LISTED :] = [f"  and {len(listing) - self.LISTED} more"]
        count = len({row.row for row in self.rows})
        noun = "row" if count == 1 else "rows"
        super().__init__("\n".join([f"{source}: {count} bad {noun}", *listing, next_step]))


def _listing(rows: Sequence[BadRow], few: int, fault: Callable[[BadRow], tuple[str, ...]]) -> list[str]:
    """A line a row, in file order; of a fault that more than a few rows have, one line where the first stands."""
    alike: dict[tuple[str, ...], list[BadRow]] = {}
    for row in rows:
        alike.setdefault(fault(row), []).append(row)
    said = []
    for row in rows:
        own = alike[fault(row)]
        if len(own) <= few:
            said.append(f"  {row}")
        elif row is own[0]:
            said.append(f"  {_together(own)}")
    return said


def _together(rows: Sequence[BadRow], most: int = 5) -> str:
    """The reasons that many rows share, each given once."""
    cells = list(dict.fromkeys(row.cell for row in rows))
    found = ", ".join(cells[:3]) + (" and others" if len(cells) > 3 else "")
    named = ", ".join(str(row.row) for row in rows[:most])
    return (
        f"{len(rows)} rows ({named} and {len(rows) - most} more): found {rows[0].column} {found}; "
        f"expected {rows[0].expected}"
    )


class CardError(ForecasterError):
    """A domain card is unknown, unreadable or says something that cannot be used."""


class UnknownCardError(CardError):
    """No domain card has this name."""


class CostsError(ForecasterError):
    """A price list (costs.toml) cannot be used."""


class PosteriorFileError(ForecasterError):
    """A file is not a posterior that this version can read."""


class RegistryError(ForecasterError):
    """A file of registered forecasts is broken, or cannot be added to."""


class RequestError(ForecasterError):
    """The question cannot be answered as asked: an unknown curve, a size out of range, a bad level."""


class EstimatorInputError(RequestError, ValueError):
    """Input that the scikit-learn estimator cannot use; scikit-learn expects a ValueError."""


class MissingPackageError(ForecasterError, ImportError):
    """A part of this package needs another package, which is not installed."""


class OptionError(RequestError):
    """An option of the command line, or its value, is wrong whatever the input holds: wrong usage."""


class RunRecordError(ForecasterError):
    """A record of training runs cannot be read or written, or holds runs of another trainer."""


class ProcessError(ForecasterError):
    """A process that took a share of the work was ended from outside."""
