"""Options as numbers: sizes, errors, shares."""

from __future__ import annotations

from forecaster.errors import OptionError

SIZES = "sizes above 0, such as 1e6,1e7 or 100k,1.5M"


def numbers(text: str, option: str, expected: str) -> list[float]:
    """``"1e6,1e7"`` as numbers; OptionError where one is not a positive, finite number."""
    return [_number(part, option, expected) for part in text.split(",")]


def sizes(text: str | None, option: str = "--at", expected: str = SIZES) -> list[float]:
    """``"100k,1.5M"`` as numbers, as charts write them; none where the option is not given."""
    return [] if text is None else [_size(part, option, expected) for part in text.split(",")]


def named_sizes(text: str | None, option: str) -> list[float | tuple[str, float]]:
    """``"100k,mlp:1.5M"`` as sizes, and sizes of one name; none where the option is not given."""
    found: list[float | tuple[str, float]] = []
    for part in [] if text is None else text.split(","):
        name, named, number = part.strip().rpartition(":")
        value = _size(number, option, f"{SIZES}, or NAME:SIZE")
        found.append((name, value) if named else value)
    return found


def size(text: str | None, option: str) -> float | None:
    """One size, or none where the option is not given."""
    return None if text is None else _size(text, option, "a size above 0, such as 1e6 or 1.5M")


def costs(given: list[str], option: str = "--cost") -> tuple[float, dict[str, float]]:
    """``["0.02", "mlp=0.05"]`` as the cost of all others, 1 by default, and costs by name."""
    general, own = 1.0, {}
    for one in given:
        name, named, text = one.rpartition("=")
        value = _number(text, option, "a cost above 0 for each item, such as 0.02 or NAME=0.05")
        if named:
            own[name] = value
        else:
            general = value
    return general, own


def shares(given: list[str], option: str) -> tuple[float | None, dict[str, float]]:
    """``["0.75", "arc=0.5"]`` as the share of all others, None without one, and shares by name."""
    general, own = None, {}
    for one in given:
        name, named, text = one.rpartition("=")
        value = _number(text, option, "a share above 0, up to 1, such as 0.75 or NAME=0.75")
        if named:
            own[name] = value
        else:
            general = value
    return general, own


def check_share(value: float, option: str) -> None:
    """OptionError unless the option's value is a share, such as a level."""
    if not 0 < value < 1:
        raise OptionError(f"{option}: found {value:g}; expected a share between 0 and 1, such as 0.8")


def check_positive(value: float | None, option: str, expected: str) -> None:
    """OptionError unless the option's value is positive and finite, or not given."""
    if value is not None and not 0 < value < float("inf"):
        raise OptionError(f"{option}: found {value:g}; expected {expected}")


def _size(text: str, option: str, expected: str) -> float:
    from forecaster.curves.reading.sizes import given_size

    found = given_size(text)
    if found is None:
        raise OptionError(f"{option}: found {text.strip()!r}; expected {expected}")
    return found


def _number(text: str, option: str, expected: str) -> float:
    try:
        number = float(text)
    except ValueError:
        number = -1.0
    if not 0 < number < float("inf"):
        raise OptionError(f"{option}: found {text.strip()!r}; expected {expected}")
    return number
