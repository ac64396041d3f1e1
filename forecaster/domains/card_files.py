"""Card files: from the TOML of a card to a ``Domain``, and from a name to the shipped card.

A card is a TOML file of ``models/``, or one that the user wrote; ``models/README.md`` says how. A card that
cannot be used is refused with the file, the line, what was found and what was expected.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import msgspec

from forecaster._support.toml_files import (
    Problem,
    is_number,
    is_text,
    listed,
    one_of,
    parsed,
    show,
    unknown_keys,
    wrong,
)
from forecaster.domains.domain import Architecture, Domain, KnownError, Prior, plain_name
from forecaster.domains.floor_evidence import Counted, FloorEvidence, FloorRange
from forecaster.domains.quantities import CENTRES, EFFECTS, GROWTH, LEARNED_SPREADS, QUANTITIES
from forecaster.domains.shelf import references
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
TABLES = ("priors", "tuned", "growth", "floor", "architectures", "references")
TOP_KEYS = (*TEXTS, "aliases", "extends", *KNOWN_ERRORS, *TABLES)
COUNTED = {"rate": (0.0, 0.999999), "cases": (1.0, 1e12)}
FLOOR = {"human": COUNTED, "label_noise": COUNTED, "range": {"low": ERROR_RANGE, "high": ERROR_RANGE}}
REASONS = {"source": "a key of references.bib or of the card's own [references]", "why": "a sentence in quotes"}


def find(name: str, cards: Mapping[str, Domain]) -> Domain | None:
    by_name = {plain_name(alias): card for card in cards.values() for alias in card.aliases}
    by_name |= {plain_name(card.name): card for card in cards.values()}
    return by_name.get(plain_name(name))


def parse(text: str, origin: str, shipped: Any) -> Domain:
    raw = parsed(text, origin, CardError, 'lines like key = "text"')
    own = raw.get("references", {})
    citations = dict(references()) | (own if isinstance(own, dict) else {})
    known = shipped() if "extends" in raw else {}
    problems = [
        *_top_problems(raw, citations, known),
        *_prior_problems(raw, citations),
        *_table_problems("tuned", TUNED, raw, citations),
        *_table_problems("growth", GROWTH, raw, citations),
        *_architecture_problems(raw, citations),
        *_floor_problems(raw, citations),
    ]
    if problems:
        raise CardError(listed(text, origin, problems))
    base = find(raw["extends"], known) if "extends" in raw else None
    inherited = {key: getattr(base, key) for key in INHERITED} if base else {}
    priors = dict(base.priors) if base else {}
    priors |= {quantity: msgspec.convert(table, Prior) for quantity, table in raw.get("priors", {}).items()}
    errors = {k: msgspec.convert(raw[k], KnownError) for k in KNOWN_ERRORS if k in raw}
    architectures = dict(base.architectures) if base else {}
    architectures |= {name: _architecture(table) for name, table in raw.get("architectures", {}).items()}
    tuned = dict(base.tuned) if base else {}
    tuned |= {quantity: msgspec.convert(table, Prior) for quantity, table in raw.get("tuned", {}).items()}
    growth = dict(base.growth) if base else {}
    growth |= {quantity: msgspec.convert(table, Prior) for quantity, table in raw.get("growth", {}).items()}
    floor = _floor(raw["floor"]) if "floor" in raw else None
    known_floor = [] if floor is None else [p for p in (floor.human, floor.label_noise, floor.stated) if p is not None]
    learned = (*priors.values(), *tuned.values(), *growth.values())
    records = (*learned, *errors.values(), *architectures.values(), *known_floor)
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
        growth=growth,
        floor=floor,
    )


def _architecture(table: dict[str, Any]) -> Architecture:
    effects = {quantity: float(table[quantity]) for quantity in EFFECTS if quantity in table}
    aliases = tuple(table.get("aliases", ()))
    return Architecture(effects=effects, source=table["source"], why=table["why"], aliases=aliases)


def _floor(tables: dict[str, Any]) -> FloorEvidence:
    counted = {kind: msgspec.convert(tables[kind], Counted) for kind in ("human", "label_noise") if kind in tables}
    stated = msgspec.convert(tables["range"], FloorRange) if "range" in tables else None
    return FloorEvidence(**counted, stated=stated)


def _top_problems(raw: dict, citations: dict, shipped: Mapping[str, Domain]) -> Iterator[Problem]:
    yield from unknown_keys((), raw, TOP_KEYS)
    for key in TEXTS:
        if key not in raw and not ("extends" in raw and key in INHERITED):
            yield Problem((), f"no {key}", f'a line {key} = "..." above the first table')
        elif key in raw and not is_text(raw[key]):
            yield wrong((key,), raw[key], "a text in quotes, not empty")
    if is_text(raw.get("law")) and raw["law"] not in LAWS:
        yield wrong(("law",), raw["law"], one_of(raw["law"], LAWS))
    name, own = raw.get("extends"), raw.get("references", {})
    yield from _alias_problems(("aliases",), raw.get("aliases", []))
    if "extends" in raw and (not isinstance(name, str) or find(name, shipped) is None):
        yield wrong(("extends",), name, "the name of a shipped card, " + one_of(name, shipped))
    for key in KNOWN_ERRORS:
        if key in raw:
            yield from _record_problems((key,), raw[key], {"value": ERROR_RANGE}, citations)
    if not isinstance(own, dict) or not all(is_text(citation) for citation in own.values()):
        yield wrong(("references",), own, 'a table of lines key = "citation"')


def _prior_problems(raw: dict, citations: dict) -> Iterator[Problem]:
    priors = raw.get("priors", {})
    if not isinstance(priors, dict):
        yield wrong(("priors",), priors, "tables [priors.level], [priors.log_exponent] ...")
        return
    yield from unknown_keys(("priors",), priors, QUANTITIES)
    absent = [quantity for quantity in QUANTITIES if quantity not in priors]
    if absent and "extends" not in raw:
        step = 'a table [priors.X] for each, or extends = "generic" to take the rest from a shipped card'
        yield Problem(("priors",), f"no prior for {', '.join(absent)}", step)
    yield from _each_prior_problems("priors", priors, QUANTITIES, citations)


def _table_problems(name: str, quantities: Sequence[str], raw: dict, citations: dict) -> Iterator[Problem]:
    table = raw.get(name, {})
    if not isinstance(table, dict):
        yield wrong((name,), table, f"tables {', '.join(f'[{name}.{quantity}]' for quantity in quantities)}")
        return
    yield from unknown_keys((name,), table, quantities)
    yield from _each_prior_problems(name, table, quantities, citations)


def _each_prior_problems(table: str, priors: dict, quantities: Sequence[str], citations: dict) -> Iterator[Problem]:
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
                yield wrong((*path, "relative"), record["relative"], "relative = true or relative = false")


def _architecture_problems(raw: dict, citations: dict) -> Iterator[Problem]:
    known = raw.get("architectures", {})
    if not isinstance(known, dict):
        yield wrong(("architectures",), known, "tables [architectures.NAME] ...")
        return
    for name, record in known.items():
        path = ("architectures", name)
        said = [quantity for quantity in EFFECTS if isinstance(record, dict) and quantity in record]
        yield from _record_problems(path, record, dict.fromkeys(said, EFFECT_RANGE), citations, "aliases", *EFFECTS)
        if isinstance(record, dict) and not said:
            yield Problem(path, "no effect", f"a number for some of {', '.join(EFFECTS)}")
        if isinstance(record, dict):
            yield from _alias_problems((*path, "aliases"), record.get("aliases", []))


def _floor_problems(raw: dict, citations: dict) -> Iterator[Problem]:
    if "floor" not in raw:
        return
    tables = raw["floor"]
    if not isinstance(tables, dict) or not tables:
        yield wrong(("floor",), tables, "tables [floor.human], [floor.label_noise] or [floor.range]")
        return
    yield from unknown_keys(("floor",), tables, FLOOR)
    for kind in (k for k in FLOOR if k in tables):
        record, problems = tables[kind], list(_record_problems(("floor", kind), tables[kind], FLOOR[kind], citations))
        yield from problems
        if not problems and kind == "range" and not record["low"] < record["high"]:
            yield wrong(("floor", kind, "high"), record["high"], f"high = a number above low = {record['low']:g}")


def _alias_problems(path: tuple[str, ...], aliases: Any) -> Iterator[Problem]:
    if not isinstance(aliases, list) or not all(is_text(alias) for alias in aliases):
        yield wrong(path, aliases, 'a list of names in quotes, like ["nmt", "translation"]')


def _family(quantity: str) -> str:
    return "normal" if quantity in (*CENTRES, *GROWTH) else "lognormal" if quantity in LEARNED_SPREADS else "fixed"


def _record_problems(path: tuple, record: Any, ranges: dict, known: dict, *also: str) -> Iterator[Problem]:
    """Faults in one table of numbers, source and reason; ``also`` are keys checked elsewhere."""
    table = f"[{'.'.join(path)}]"
    if not isinstance(record, dict):
        yield wrong(path, record, f"a table {table}")
        return
    yield from unknown_keys(path, record, (*also, *ranges, *REASONS))
    for key in (*ranges, *REASONS):
        low, high = ranges.get(key, (0.0, 0.0))
        expected = f"{key} = {REASONS.get(key) or f'a number from {low:g} to {high:g}'}"
        if key not in record:
            yield Problem(path, f"no {key} in {table}", expected)
        elif not (is_text(record[key]) if key in REASONS else is_number(record[key], low, high)):
            yield wrong((*path, key), record[key], expected)
    source = record.get("source")
    if is_text(source) and source not in known:
        yield wrong((*path, "source"), source, f"{REASONS['source']}: {one_of(source, known)}")
