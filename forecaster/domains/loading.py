"""Domain cards by name, by file, or by the domain of a curve."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Mapping
from functools import cache
from pathlib import Path

from forecaster.domains.card_files import find, parse, show
from forecaster.domains.domain import Domain, plain_name
from forecaster.domains.shelf import shelf, text_of
from forecaster.errors import CardError


def load_domains() -> dict[str, Domain]:
    """The shipped cards by name."""
    return dict(_shipped())


def load_card(name_or_path: str | Path) -> Domain:
    """The shipped card of this name or alias, or the card in this file."""
    if isinstance(name_or_path, str):
        found = find(name_or_path, _shipped())
        if found is not None:
            return found
        if not name_or_path.lower().endswith(".toml") and not any(c in name_or_path for c in "/\\"):
            raise CardError(_unknown_card(name_or_path))
    path = Path(name_or_path)
    return parse_card(text_of(path, str(path)), str(path))


def card_for(domain: str, metrics: Iterable[str | None] = ()) -> tuple[Domain, bool]:
    """The card named or aliased like a curve's domain and True; else the generic card and False.

    Also the generic one where the ``metrics`` of the curves name an error of another kind than the card's.
    """
    found = find(domain, _shipped())
    if found is None or not all(found.measures(metric) for metric in metrics):
        return _shipped()["generic"], False
    return found, True


def parse_card(text: str, origin: str) -> Domain:
    """The card written in ``text``; ``origin`` is the file to name when something is wrong with it."""
    return parse(text, origin, _shipped)


@cache
def _shipped() -> Mapping[str, Domain]:
    found = sorted(entry.name for entry in shelf().iterdir() if entry.name.endswith(".toml"))
    cards = [parse(text_of(shelf() / name, name), name, dict) for name in found]
    return {card.name: card for card in cards}


def _unknown_card(name: str) -> str:
    spellings = {plain_name(n): n for card in _shipped().values() for n in (*card.aliases, card.name)}
    close = difflib.get_close_matches(plain_name(name), spellings, n=3, cutoff=0.5)
    hint = f" (did you mean {' or '.join(spellings[c] for c in close)}?)" if close else ""
    known = f"one of {', '.join(_shipped())}{hint}"
    return f"found no domain card named {show(name)}; expected {known}, or the path of your own card.toml"
