"""Domain cards by name, by file, or by the domain of a curve."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable, Mapping
from functools import cache
from pathlib import Path

from forecaster._support.toml_files import show
from forecaster.domains.card_files import find, parse
from forecaster.domains.domain import Domain, kinds_of_error, plain_name
from forecaster.domains.shelf import shelf, text_of
from forecaster.errors import UnknownCardError

GENERIC = {frozenset({"rate"}): "generic-error-rate", frozenset({"loss"}): "generic-loss"}
EXTENDS = re.compile(r"^extends\s*=", re.M)


def load_domains() -> dict[str, Domain]:
    """The domain cards that ship with the package.

    Returns
    -------
    dict of str to Domain
        Cards by name.

    Examples
    --------
    >>> import forecaster
    >>> sorted(forecaster.load_domains())[:2]
    ['character-language-modelling', 'generic']
    """
    return dict(_shipped())


def load_card(name_or_path: str | Path) -> Domain:
    """A domain card by name, alias or file.

    Parameters
    ----------
    name_or_path : str or Path
        The name or alias of a shipped card (case, blanks, hyphens and underscores make no difference), or the path of
        your own ``.toml`` file.

    Returns
    -------
    Domain
        The card, checked.

    Raises
    ------
    CardError
        There is no card of that name (the message names close ones), or the file cannot be used: every wrong line is
        named.

    Examples
    --------
    >>> import forecaster
    >>> card = forecaster.load_card("image-classification-top1")
    >>> card.size_unit
    'images'
    """
    if isinstance(name_or_path, str):
        found = find(name_or_path, _shipped())
        if found is not None:
            return found
        if not name_or_path.lower().endswith(".toml") and not any(c in name_or_path for c in "/\\"):
            raise UnknownCardError(_unknown_card(name_or_path))
    path = Path(name_or_path)
    return parse_card(text_of(path, str(path)), str(path))


def card_for(domain: str, metrics: Iterable[str | None] = ()) -> tuple[Domain, bool]:
    """The card named or aliased like a curve's domain and True; else the generic card and False.

    Also a generic one where the ``metrics`` of the curves name an error of another kind than the card's. There is one
    for error rates, one for losses, and one where nothing says which.
    """
    found, metrics = find(domain, _shipped()), tuple(metrics)
    if found is not None and all(found.measures(metric) for metric in metrics):
        return found, True
    kinds = frozenset[str]().union(*(kinds_of_error(metric or "") for metric in metrics))
    return _shipped()[GENERIC.get(kinds, "generic")], False


def parse_card(text: str, origin: str) -> Domain:
    """The card written in ``text``; ``origin`` is the file to name when something is wrong with it."""
    return parse(text, origin, _shipped)


@cache
def _shipped() -> Mapping[str, Domain]:
    names = sorted(entry.name for entry in shelf().iterdir() if entry.name.endswith(".toml"))
    texts = {name: text_of(shelf() / name, name) for name in names}
    whole = {name: parse(text, name, dict) for name, text in texts.items() if not EXTENDS.search(text)}
    by_name = {card.name: card for card in whole.values()}
    return {card.name: card for n in names for card in [whole.get(n) or parse(texts[n], n, lambda: by_name)]}


def _unknown_card(name: str) -> str:
    spellings = {plain_name(n): n for card in _shipped().values() for n in (*card.aliases, card.name)}
    close = difflib.get_close_matches(plain_name(name), spellings, n=3, cutoff=0.5)
    hint = f" (did you mean {' or '.join(spellings[c] for c in close)}?)" if close else ""
    known = f"one of {', '.join(_shipped())}{hint}"
    return f"found no domain card named {show(name)}; expected {known}, or the path of your own card.toml"
