"""What can go wrong, one small class per cause.

Every message names the place (file, row, card line), what was found, what was expected and the next step.
The command line prints the message and exits with 1; a Python caller catches :class:`ForecasterError`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass


class ForecasterError(Exception):
    """Any error the user can mend; the message says how."""


class CurveFileError(ForecasterError):
    """A file of learning curves cannot be read at all."""


class CurveColumnsError(CurveFileError):
    """A column of a table of learning curves is missing, named twice, or not where the mapping says."""


class CurveContentError(CurveFileError):
    """Every row can be read, but the curves cannot be used: mixed metrics, or a group without three sizes."""


@dataclass(frozen=True)
class BadRow:
    """One refused row: ``row`` counts lines of the file as an editor does (the header is line 1)."""

    row: int
    found: str
    expected: str

    def __str__(self) -> str:
        return f"row {self.row}: found {self.found}; expected {self.expected}"


class CurveRowsError(ForecasterError):
    """Rows of a table of learning curves are refused, all of them together.

    ``rows`` holds every refused row in file order; the message lists the first ``LISTED``, counts the others.
    """

    LISTED = 50

    def __init__(self, source: str, rows: Sequence[BadRow], next_step: str) -> None:
        self.source = source
        self.rows = tuple(rows)
        listing = [f"  {row}" for row in self.rows[: self.LISTED]]
        if len(self.rows) > self.LISTED:
            listing.append(f"  and {len(self.rows) - self.LISTED} more")
        count = len({row.row for row in self.rows})
        noun = "row" if count == 1 else "rows"
        super().__init__("\n".join([f"{source}: {count} bad {noun}", *listing, next_step]))


class CardError(ForecasterError):
    """A domain card is unknown, unreadable or says something that cannot be used."""


class PosteriorFileError(ForecasterError):
    """A file is not a posterior that this version can read."""


class RequestError(ForecasterError):
    """The question cannot be answered as asked: an unknown curve, a size out of range, a bad level."""


class ProcessError(ForecasterError):
    """A process that took a share of the work was ended from outside."""
