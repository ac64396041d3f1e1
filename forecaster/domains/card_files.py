"""Card files: from the TOML of a card to a ``Domain``, and from a name to the shipped card.

A card is a TOML file of ``models/``, or one that the user wrote; ``models/README.md`` says how. A card that
cannot be used is refused with the file, the line, what was found and what was expected.
"""

from __future__ import annotations

import difflib
import json
import re
import tomllib
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, NamedTuple

import msgspec

from forecaster.domains.domain import Architecture, Domain, KnownError, Prior, plain_name
from forecaster.domains.quantities import CENTRES, EFFECTS, LEARNED_SPREADS, QUANTITIES
from forecaster.domains.shelf import place, references
from forecaster.errors import CardError

LAWS = ("three_regions",)  # the equations of laws.py that a card may name
FAMILIES = {"normal": ("mean", "sd"), "lognormal": ("median", "sd"), "fixed": ("value",)}
RANGES = {"mean": (-100.0, 100.0), "sd": (1e-6, 100.0), "median": (1e-6, 100.0), "value": (1e-6, 1000.0)}
RANGES |= {"volatility": (0.0, 2.0)}
ERROR_RANGE = (1e-9, 1e9)
FLAGS = {"level": ("relative",)}
TUNED = ("log_exponent", "floor_logit")  # what differs in curves of best models
EFFECT_RANGE = (-10.0, 10.0)

TEXTS = ("name", "title", "law", "size_unit", "error_unit")
INHERITED = ("law", "size_unit", "error_unit")  # what `extends` supplies, beside priors
KNOWN_ERRORS = ("chance", "human_level")
TOP_KEYS = (*TEXTS, "aliases", "extends", *KNOWN_ERRORS, "priors", "tuned", "architectures", "references")
SAID = {"source": "a key of references.bib or of the card's own [references]", "why": "a sentence in quotes"}


def find(name: str, cards: Mapping[str, Domain]) -> Domain | None:
    by_name = {plain_name(alias): card for card in cards.values() for alias in card.aliases}
    by_name |= {plain_name(card.name): card for card in cards.values()}
    return by_name.get(plain_name(name))


class Problem(NamedTuple):
    """A fault in a card, at a path of keys (that of the table where a key is absent)."""

    path: tuple[str, ...]
    found: str
    expected: str


def parse(text: str, origin: str, shipped: Any) -> Domain:
    raw = _toml(text, origin)
    own = raw.get("references", {})
    citations = dict(references()) | (own if isinstance(own, dict) else {})
    known = shipped() if "extends" in raw else {}
    problems = [
        *_top_problems(raw, citations, known),
        *_prior_problems(raw, citations),
        *_tuned_problems(raw, citations),
        *_architecture_problems(raw, citations),
    ]
    if problems:
        listed = sorted((_line_of(text, p.path), p.found, p.expected) for p in problems)
        raise CardError("\n".join(place(origin, *problem) for problem in listed))
    base = find(raw["extends"], known) if "extends" in raw else None
    inherited = {key: getattr(base, key) for key in INHERITED} if base else {}
    priors = dict(base.priors) if base else {}
    priors |= {quantity: msgspec.convert(table, Prior) for quantity, table in raw.get("priors", {}).items()}
    errors = {k: msgspec.convert(raw[k], KnownError) for k in KNOWN_ERRORS if k in raw}
    architectures = dict(base.architectures) if base else {}
    architectures |= {name: _architecture(table) for name, table in raw.get("architectures", {}).items()}
    tuned = dict(base.tuned) if base else {}
    tuned |= {quantity: msgspec.convert(table, Prior) for quantity, table in raw.get("tuned", {}).items()}
    records = (*priors.values(), *tuned.values(), *errors.values(), *architectures.values())
    used = sorted({record.source for record in records})
    return Domain(
        **(inherited | {key: raw[key] for key in TEXTS if key in raw}),
        aliases=tuple(raw.get("aliases", ())),
        priors={quantity: priors[quantity] for quantity in QUANTITIES},
        citations={key: citations[key] for key in used},
        text=text,
        origin=origin,
        chance=errors.get("chance"),
        human_level=errors.get("human_level"),
        architectures=architectures,
        tuned=tuned,
    )


def _architecture(table: dict[str, Any]) -> Architecture:
    effects = {quantity: float(table[quantity]) for quantity in EFFECTS if quantity in table}
    aliases = tuple(table.get("aliases", ()))
    return Architecture(effects=effects, source=table["source"], why=table["why"], aliases=aliases)


def _top_problems(raw: dict, citations: dict, shipped: Mapping[str, Domain]) -> Iterator[Problem]:
    yield from _unknown_keys((), raw, TOP_KEYS)
    for key in TEXTS:
        if key not in raw and not ("extends" in raw and key in INHERITED):
            yield Problem((), f"no {key}", f'a line {key} = "..." above the first table')
        elif key in raw and not _is_text(raw[key]):
            yield _bad((key,), raw[key], "a text in quotes, not empty")
    if _is_text(raw.get("law")) and raw["law"] not in LAWS:
        yield _bad(("law",), raw["law"], _one_of(raw["law"], LAWS))
    name, own = raw.get("extends"), raw.get("references", {})
    yield from _alias_problems(("aliases",), raw.get("aliases", []))
    if "extends" in raw and (not isinstance(name, str) or find(name, shipped) is None):
        yield _bad(("extends",), name, "the name of a shipped card, " + _one_of(name, shipped))
    for key in KNOWN_ERRORS:
        if key in raw:
            yield from _record_problems((key,), raw[key], {"value": ERROR_RANGE}, citations)
    if not isinstance(own, dict) or not all(_is_text(citation) for citation in own.values()):
        yield _bad(("references",), own, 'a table of lines key = "citation"')


def _prior_problems(raw: dict, citations: dict) -> Iterator[Problem]:
    priors = raw.get("priors", {})
    if not isinstance(priors, dict):
        yield _bad(("priors",), priors, "tables [priors.level], [priors.log_exponent] ...")
        return
    yield from _unknown_keys(("priors",), priors, QUANTITIES)
    absent = [quantity for quantity in QUANTITIES if quantity not in priors]
    if absent and "extends" not in raw:
        step = 'a table [priors.X] for each, or extends = "generic" to take the rest from a shipped card'
        yield Problem(("priors",), f"no prior for {', '.join(absent)}", step)
    yield from _each_prior_problems("priors", priors, QUANTITIES, citations)


def _tuned_problems(raw: dict, citations: dict) -> Iterator[Problem]:
    tuned = raw.get("tuned", {})
    if not isinstance(tuned, dict):
        yield _bad(("tuned",), tuned, "tables [tuned.log_exponent], [tuned.floor_logit]")
        return
    yield from _unknown_keys(("tuned",), tuned, TUNED)
    yield from _each_prior_problems("tuned", tuned, TUNED, citations)


def _each_prior_problems(table: str, priors: dict, quantities: Iterable[str], citations: dict) -> Iterator[Problem]:
    for quantity in (q for q in quantities if q in priors):
        path, record, family = (table, quantity), priors[quantity], _family(quantity)
        ranges = {key: RANGES.get(quantity, RANGES[key]) for key in FAMILIES[family]}
        if isinstance(record, dict) and record.get("family") != family:
            found = f"family = {show(record['family'])}" if "family" in record else "no family"
            expected = f'family = "{family}" with {" and ".join(FAMILIES[family])}, as every {quantity} has'
            yield Problem((*path, "family"), found, expected)
        else:
            yield from _record_problems(path, record, ranges, citations, "family", *FLAGS.get(quantity, ()))
            if isinstance(record, dict) and not isinstance(record.get("relative", False), bool):
                yield _bad((*path, "relative"), record["relative"], "relative = true or relative = false")


def _architecture_problems(raw: dict, citations: dict) -> Iterator[Problem]:
    known = raw.get("architectures", {})
    if not isinstance(known, dict):
        yield _bad(("architectures",), known, "tables [architectures.NAME] ...")
        return
    for name, record in known.items():
        path = ("architectures", name)
        said = [quantity for quantity in EFFECTS if isinstance(record, dict) and quantity in record]
        yield from _record_problems(path, record, dict.fromkeys(said, EFFECT_RANGE), citations, "aliases", *EFFECTS)
        if isinstance(record, dict) and not said:
            yield Problem(path, "no effect", f"a number for some of {', '.join(EFFECTS)}")
        if isinstance(record, dict):
            yield from _alias_problems((*path, "aliases"), record.get("aliases", []))


def _alias_problems(path: tuple[str, ...], aliases: Any) -> Iterator[Problem]:
    if not isinstance(aliases, list) or not all(_is_text(alias) for alias in aliases):
        yield _bad(path, aliases, 'a list of names in quotes, like ["nmt", "translation"]')


def _family(quantity: str) -> str:
    return "normal" if quantity in CENTRES else "lognormal" if quantity in LEARNED_SPREADS else "fixed"


def _record_problems(path: tuple, record: Any, ranges: dict, known: dict, *also: str) -> Iterator[Problem]:
    """Faults in one table of numbers, source and reason; ``also`` are keys checked elsewhere."""
    table = f"[{'.'.join(path)}]"
    if not isinstance(record, dict):
        yield _bad(path, record, f"a table {table}")
        return
    yield from _unknown_keys(path, record, (*also, *ranges, *SAID))
    for key in (*ranges, *SAID):
        low, high = ranges.get(key, (0.0, 0.0))
        expected = f"{key} = {SAID.get(key) or f'a number from {low:g} to {high:g}'}"
        if key not in record:
            yield Problem(path, f"no {key} in {table}", expected)
        elif not (_is_text(record[key]) if key in SAID else _is_within(record[key], low, high)):
            yield _bad((*path, key), record[key], expected)
    source = record.get("source")
    if _is_text(source) and source not in known:
        yield _bad((*path, "source"), source, f"{SAID['source']}: {_one_of(source, known)}")


def _bad(path: tuple[str, ...], value: Any, expected: str) -> Problem:
    return Problem(path, f"{path[-1]} = {show(value)}", expected)


def _unknown_keys(path: tuple, table: dict, allowed: Iterable[str]) -> Iterator[Problem]:
    for key in table:
        if key not in allowed:
            yield Problem((*path, key), f"unknown key {show(key)}", _one_of(key, allowed))


def _toml(text: str, origin: str) -> dict[str, Any]:
    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        found_at = re.search(r" \(at (?:line (\d+), column \d+|end of document)\)$", str(error))
        what = str(error)[: found_at.start()] if found_at else str(error)
        line = int(found_at[1]) if found_at and found_at[1] else len(text.splitlines())
        found = f"text that is not TOML ({what})"
        raise CardError(place(origin, line, found, 'lines like key = "text"')) from None
    except (ValueError, RecursionError):  # a number of thousands of digits, brackets thousands deep
        raise CardError(place(origin, 1, "values too large to read", "short texts and numbers")) from None


def _line_of(text: str, path: tuple[str, ...]) -> int:
    """Line on which the value at ``path`` begins, or that of the nearest table around it; 1 for the card.

    The value is there once the lines so far parse and hold it; lines that do not parse are inside a value.
    """
    lines, whole = text.split("\n"), tomllib.loads(text)
    while path and not _holds(whole, path):
        path = path[:-1]
    begin = 1
    for end in range(1, len(lines) + 1):
        try:
            so_far = tomllib.loads("\n".join(lines[:end]) + "\n")
        except ValueError:
            continue
        if _holds(so_far, path):
            break
        begin = end + 1
    return begin


def _holds(table: Any, path: tuple[str, ...]) -> bool:
    for key in path:
        if not isinstance(table, dict) or key not in table:
            return False
        table = table[key]
    return True


def _one_of(found: Any, allowed: Iterable[str]) -> str:
    allowed = list(allowed)
    close = difflib.get_close_matches(found, allowed, n=1) if isinstance(found, str) else []
    return f"one of {', '.join(allowed)}" + (f" (did you mean {close[0]}?)" if close else "")


def show(value: Any) -> str:
    try:
        shown = json.dumps(value, ensure_ascii=False)
    except (TypeError, ValueError):  # a date, or a number of thousands of digits
        shown = f"a {type(value).__name__}"
    return shown if len(shown) <= 60 else shown[:57] + "..."


def _is_within(value: Any, low: float, high: float) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and low <= value <= high


def _is_text(value: Any) -> bool:
    return isinstance(value, str) and bool(value.strip())
