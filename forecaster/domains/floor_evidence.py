"""Evidence on the floor, the error that no data removes: what people reach, wrong labels, or a stated range.

A card may hold it (``[floor.human]``, ``[floor.label_noise]``, ``[floor.range]``), and a fit may be given it. What it
says of the floor of a model is worked out in :mod:`forecaster.model.floor_prior`.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import msgspec

from forecaster.errors import OptionError

GIVEN = "given-with-the-fit"  # the source of what no card states
Stated = str | Sequence[float] | None  # "0.01:500", "5/500" or (0.01, 500); a range: "0.01,0.03" or (0.01, 0.03)
RANGE_LEVEL = 0.8  # probability of a stated range


class Counted(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A share of cases that was measured: ``rate`` of ``cases``."""

    rate: float
    cases: float
    source: str = GIVEN
    why: str = ""

    @property
    def beta(self) -> tuple[float, float]:
        """Parameters of the Beta posterior of the share, from the prior of Jeffreys."""
        wrong = self.rate * self.cases
        return wrong + 0.5, self.cases - wrong + 0.5

    def __str__(self) -> str:
        return f"{100 * self.rate:.3g} % of {self.cases:,.0f} cases"


class FloorRange(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A stated range: the floor lies between ``low`` and ``high`` with a probability of 80 %."""

    low: float
    high: float
    why: str
    source: str = GIVEN

    def __str__(self) -> str:
        return f"{self.low:g} to {self.high:g} with a probability of {100 * RANGE_LEVEL:g} % ({self.why})"


class FloorEvidence(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Evidence on the floor from outside the curves. :meth:`of` parses the forms that users write.

    Attributes
    ----------
    human : Counted or None
        The error of the best people, or group of people, on cases of the same test set.
    label_noise : Counted or None
        The share of test labels that are wrong, by relabelling.
    stated : FloorRange or None
        A range that holds the floor with a probability of 80 %, and why.
    """

    human: Counted | None = None
    label_noise: Counted | None = None
    stated: FloorRange | None = None

    @classmethod
    def of(
        cls,
        *,
        human: Stated = None,
        label_noise: Stated = None,
        floor: Stated = None,
        because: str | None = None,
    ) -> FloorEvidence:
        """Evidence as it is written on the command line, or as pairs of numbers.

        Parameters
        ----------
        human : str or pair of float, optional
            Human-level error: ``"0.01:500"`` or ``(0.01, 500)``, a share and the cases it was measured on; ``"5/500"``,
            the same as wrong cases of all.
        label_noise : str or pair of float, optional
            Share of test labels that are wrong, in the same way.
        floor : str or pair of float, optional
            ``"0.01,0.03"`` or ``(0.01, 0.03)``: where the floor lies with a probability of 80 %.
        because : str, optional
            Why; needed beside ``floor``.

        Returns
        -------
        FloorEvidence
            Checked.

        Raises
        ------
        OptionError
            A share outside 0 to 1, fewer than one case, a range that is none or has no reason, or nothing at all.

        Examples
        --------
        >>> import forecaster
        >>> forecaster.FloorEvidence.of(human="5/500").human.rate
        0.01
        """
        reason = (because or "").strip()
        if floor is not None and not reason:
            raise OptionError('--floor: found no --because; expected the reason, such as --because "a label audit"')
        if floor is None and because is not None:
            raise OptionError("--because: found no --floor; expected a range that it is the reason of")
        found = cls(
            human=_counted(human, "--human"),
            label_noise=_counted(label_noise, "--label-noise"),
            stated=_range(floor, reason),
        )
        if not found:
            raise OptionError(
                "found no evidence on the floor; expected one of --human 0.01:500, --label-noise 20/1000 and "
                '--floor 0.01,0.03 --because "a reason"'
            )
        return found

    def __bool__(self) -> bool:
        return any(part is not None for part in (self.human, self.label_noise, self.stated))

    @property
    def of_cases(self) -> bool:
        """Whether part of it is a share of cases, which only errors that are such shares can be compared with."""
        return self.human is not None or self.label_noise is not None

    def over(self, other: FloorEvidence | None) -> FloorEvidence:
        """This, and of the other what this does not say."""
        if other is None:
            return self
        return FloorEvidence(
            human=self.human or other.human,
            label_noise=self.label_noise or other.label_noise,
            stated=self.stated or other.stated,
        )

    @property
    def said(self) -> tuple[str, ...]:
        """A clause for each kind of evidence."""
        parts = (
            ("a human-level error of {}", self.human),
            ("wrong labels, {}", self.label_noise),
            ("a stated range of {}", self.stated),
        )
        return tuple(
            text.format(part) + ("" if part.source == GIVEN else f" [{part.source}]")
            for text, part in parts
            if part is not None
        )

    def __str__(self) -> str:
        return "; ".join(self.said)


def _counted(given: Stated, option: str) -> Counted | None:
    """A rate and its number of cases."""
    if given is None:
        return None
    expected = "a share and the cases it was measured on, such as 0.01:500, or wrong cases of all, such as 5/500"
    rate, cases = _pair(given, option, expected, ":", "/")
    if isinstance(given, str) and "/" in given:
        rate = rate / cases if cases else math.nan
    shown = given if isinstance(given, str) else f"{rate:g}, {cases:g}"
    if not (math.isfinite(cases) and cases >= 1):
        raise OptionError(f"{option}: found {shown}, of {cases:g} cases; expected one case or more: {expected}")
    if not 0 <= rate < 1:
        raise OptionError(
            f"{option}: found {shown}, a share of {rate:g}; expected one from 0 to below 1 (1 per cent is 0.01): "
            f"{expected}"
        )
    return Counted(rate=rate, cases=cases)


def _range(given: Stated, because: str) -> FloorRange | None:
    if given is None:
        return None
    expected = "two errors above 0, the lower first, such as 0.01,0.03"
    low, high = _pair(given, "--floor", expected, ",")
    if not 0 < low < high < math.inf:
        raise OptionError(f"--floor: found {low:g} to {high:g}; expected {expected}")
    return FloorRange(low=low, high=high, why=because)


def _pair(given: Stated, option: str, expected: str, *marks: str) -> tuple[float, float]:
    """Two numbers, parted by one of the marks where they are a text."""
    parts: Sequence[str | float] = () if given is None else given
    if isinstance(given, str):
        mark = next((m for m in marks if m in given), marks[0])
        parts = given.split(mark)
    try:
        first, second = (float(part) for part in parts)
    except (TypeError, ValueError):
        raise OptionError(f"{option}: found {given!r}; expected {expected}") from None
    return first, second
