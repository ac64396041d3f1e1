"""costs.toml: the price list as a file, and the template of one to fill in."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from datetime import date, datetime
from itertools import pairwise
from pathlib import Path
from typing import Any

from forecaster._support.toml_files import Problem, is_number, is_text, listed, one_of, parsed, unknown_keys, wrong
from forecaster.errors import CostsError
from forecaster.resources.prices.costs import Costs, Hours, Running

LARGEST = 1e15  # money, hours or items
MOST_FLOPS = 1e30  # operations of one accelerator in an hour
LARGEST_FILE = 200_000  # bytes; a price list is a page
MONEY = ("fixed", "per_gpu_hour", "per_million_answers", "per_test_item")  # at least 0
AMOUNTS = {
    "items_per_week": "5000",
    "gpus": "4",
    "owned": "20000",
    "flops_per_gpu_hour": "1.4e18",
}  # above 0, with an example
OF_ARCHITECTURE = ("per_gpu_hour", "gpu_hours", "per_million_answers")
ENTRIES = ("currency", "per_item", "fixed", "per_gpu_hour", "gpu_hours", "per_million_answers", "per_test_item")
ENTRIES += ("items_per_week", "gpus", "deadline", "owned", "architecture", "flops_per_gpu_hour")
EXPONENTS = (0.0, 5.0)

TEMPLATE = """\
# What data, training and running cost: fill in what you know, and delete the other lines.
# `forecaster decide CURVES --costs costs.toml ...` reads it. Text after a # is a remark.

currency = "EUR"

# Data. One price for each item, or a price list: up to so many bought, then the next price (the last one holds beyond).
# What is owned already is not bought again: the largest measured size, unless `owned` says otherwise.
per_item = [[10000, 0.50], [100000, 0.35]]
fixed = 0                 # what an order costs beside its items: a contract, a pipeline, people
# owned = 20000

# Training. Accelerator hours of one training at size n: a number, or per_item * n ** exponent.
# per_gpu_hour = 2.50
# gpu_hours = { per_item = 0.0001, exponent = 1.0 }
# flops_per_gpu_hour = 1.4e18   # with model sizes: hours are then operations over this, as 4e14 a second for an hour
# gpus = 4                # that train at the same time

# Running, with --volume answers.
# per_million_answers = 12.0

# Test cases, where some can be bought.
# per_test_item = 1.00

# Time: items delivered in a week, and the day on which the trained model must be ready.
# items_per_week = 5000
# deadline = 2027-03-01

# What differs by architecture. A name with blanks or dots stands in quotes: [architecture."ResNet 50"]
# [architecture.mlp]
# per_gpu_hour = 4.00
# gpu_hours = 12
# per_million_answers = 30.0
"""


def read_costs(source: str | Path | Costs | Mapping[str, Any], architectures: Iterable[str] | None = None) -> Costs:
    """A price list from a file, from its tables in Python, or as it is.

    Parameters
    ----------
    source : path, Costs or mapping
        ``costs.toml``, or the same keys in a dictionary.
    architectures : iterable of str, optional
        Names that a table ``[architecture.NAME]`` may have; any by default.

    Raises
    ------
    CostsError
        No such file, no TOML, an unknown key or architecture, a price below 0: with the line, what was found, what was
        expected.

    Examples
    --------
    >>> read_costs({"currency": "EUR", "per_item": [[1000, 0.5], [5000, 0.4]]}).items([500, 2000]).tolist()
    [250.0, 900.0]
    """
    if isinstance(source, Costs):
        lost = [] if architectures is None else [n for n in source.architecture if n not in set(architectures)]
        if lost:
            raise CostsError(
                f"costs: found the architecture {lost[0]!r}; expected {one_of(lost[0], architectures or ())}"
            )
        return source
    names = None if architectures is None else tuple(architectures)
    if isinstance(source, Mapping):
        found = list(_problems(dict(source), names))
        if found:
            raise CostsError("\n".join(f"costs: found {p.found}; expected {p.expected}" for p in found))
        return _costs(source)
    path = Path(source)
    try:
        data = path.read_bytes()
    except FileNotFoundError:
        raise CostsError(
            f"{path}: found no such file; expected a price list: `forecaster decide --template` writes one to fill in"
        ) from None
    except OSError as error:
        raise CostsError(f"{path}: found something unreadable ({error.strerror}); expected a text file") from None
    if len(data) > LARGEST_FILE:
        raise CostsError(f"{path}: found {len(data):,} bytes; expected a price list of at most {LARGEST_FILE:,}")
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise CostsError(f"{path}: found text that is not UTF-8; expected a text file saved as UTF-8") from None
    raw = parsed(text, str(path), CostsError, "lines like fixed = 1000")
    problems = list(_problems(raw, names))
    if problems:
        raise CostsError(listed(text, str(path), problems))
    return _costs(raw)


def _costs(raw: Mapping[str, Any]) -> Costs:
    """The price list of tables without a fault."""
    plain: dict[str, Any] = {key: float(raw[key]) for key in (*MONEY, *AMOUNTS) if key in raw}
    costs = replace(Costs(currency=raw.get("currency", "")), **plain)
    if "per_item" in raw:
        price = raw["per_item"]
        tiers = [[float("inf"), price]] if is_number(price, 0.0, LARGEST) else price
        costs = replace(costs, per_item=tuple((float(up_to), float(each)) for up_to, each in tiers))
    if "gpu_hours" in raw:
        costs = replace(costs, gpu_hours=_hours(raw["gpu_hours"]))
    if "deadline" in raw:
        costs = replace(costs, deadline=_day(raw["deadline"]))
    own = {name: _running(table) for name, table in raw.get("architecture", {}).items()}
    return replace(costs, architecture=own)


def _running(table: Mapping[str, Any]) -> Running:
    hours = _hours(table["gpu_hours"]) if "gpu_hours" in table else None
    money: dict[str, Any] = {key: float(table[key]) for key in ("per_gpu_hour", "per_million_answers") if key in table}
    return Running(gpu_hours=hours, **money)


def _hours(value: Any) -> Hours:
    """A number is the same at every size."""
    if isinstance(value, Mapping):
        return Hours(float(value["per_item"]), float(value.get("exponent", 1.0)))
    return Hours(float(value), 0.0)


def _day(value: Any) -> date | None:
    """The day that a value names, if it names one."""
    if isinstance(value, datetime):
        return value.date()
    if isinstance(value, date):
        return value
    try:
        return date.fromisoformat(value)
    except (TypeError, ValueError):
        return None


def _problems(raw: Mapping[str, Any], names: tuple[str, ...] | None) -> Iterator[Problem]:
    yield from unknown_keys((), dict(raw), ENTRIES)
    if "currency" in raw and not is_text(raw["currency"]):
        yield wrong(("currency",), raw["currency"], 'the currency in quotes, such as "EUR"')
    yield from _numbers((), raw)
    if "per_item" in raw:
        yield from _tier_problems(raw["per_item"])
    if "deadline" in raw and _day(raw["deadline"]) is None:
        yield wrong(("deadline",), raw["deadline"], "a day, such as deadline = 2027-03-01")
    known = raw.get("architecture", {})
    if not isinstance(known, Mapping):
        yield wrong(("architecture",), known, "tables [architecture.NAME]")
        return
    for name, table in known.items():
        path = ("architecture", name)
        if names is not None and name not in names:
            yield Problem(path, f"the architecture {name!r}, which was not measured", one_of(name, names))
        elif not isinstance(table, Mapping):
            yield wrong(path, table, f"a table [architecture.{name}] with {', '.join(OF_ARCHITECTURE)}")
        else:
            yield from unknown_keys(path, dict(table), OF_ARCHITECTURE)
            yield from _numbers(path, table)


def _numbers(path: tuple[str, ...], table: Mapping[str, Any]) -> Iterator[Problem]:
    """Faults in the numbers of the file, or of one architecture's table."""
    for key in (k for k in MONEY if k in table):
        if not is_number(table[key], 0.0, LARGEST):
            yield wrong((*path, key), table[key], f"a number from 0 up, such as {key} = 2.50")
    for key in (k for k in AMOUNTS if k in table):
        if not is_number(table[key], 1e-9, MOST_FLOPS if key == "flops_per_gpu_hour" else LARGEST):
            yield wrong((*path, key), table[key], f"a number above 0, such as {key} = {AMOUNTS[key]}")
    hours = table.get("gpu_hours", 0.0)
    if isinstance(hours, Mapping):
        yield from unknown_keys((*path, "gpu_hours"), dict(hours), ("per_item", "exponent"))
        fine = is_number(hours.get("per_item"), 0.0, LARGEST) and is_number(hours.get("exponent", 1.0), *EXPONENTS)
    else:
        fine = is_number(hours, 0.0, LARGEST)
    if not fine:
        expected = "hours from 0 up, or { per_item = 0.0001, exponent = 1.0 } with an exponent from 0 to 5"
        yield wrong((*path, "gpu_hours"), hours, expected)


def _tier_problems(value: Any) -> Iterator[Problem]:
    """Faults in the price of items: a number, or tiers with rising limits."""
    if is_number(value, 0.0, LARGEST):
        return
    tiers = value if isinstance(value, list | tuple) else []
    pairs = [t for t in tiers if isinstance(t, list | tuple) and len(t) == 2]
    ends = [t[0] for t in pairs]
    fine = len(pairs) == len(tiers) > 0
    fine = fine and all(
        is_number(up_to, 1e-9, float("inf")) and is_number(price, 0.0, LARGEST) for up_to, price in pairs
    )
    if not fine or any(b <= a for a, b in pairwise(ends)):
        expected = (
            "a price from 0 up, or a price list with rising limits, such as per_item = [[10000, 0.50], [inf, 0.35]]"
        )
        yield wrong(("per_item",), value, expected)
