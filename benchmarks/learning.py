"""Cards learned from the library of fields: of a field that nobody has seen, and of each field's own.

The library is fitted as a whole, a few times, each under the cards learned before it; the hierarchy of ``hierarchy.py``
then makes of the groups' likelihoods the card of one more field of a kind, or of one more group of a field.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import numpy as np
from hierarchy import Likelihood, card_of, learned, likelihoods, own_card_of, relative, wide
from library import Field, groups

from forecaster.curves.learning_curves import Group, LearningCurves
from forecaster.domains.domain import Domain
from forecaster.domains.loading import load_card
from forecaster.inference.fit import fit

ITERATIONS = 2  # fits of the library
FOLDS = 5  # of a field's groups
Changed = Callable[[Domain], Domain]


def as_it_is(card: Domain) -> Domain:
    """The card."""
    return card


def start(kind: str) -> Domain:
    """The card whose constants and texts those of a kind take: its level counts from the measurements but for rates."""
    return load_card("generic-error-rate") if kind == "rate" else relative(load_card("generic-loss"))


def library_likelihoods(
    fields: Mapping[str, Field],
    curves: Mapping[str, LearningCurves],
    *,
    iterations: int = ITERATIONS,
    seed: int = 0,
    changed: Changed = as_it_is,
) -> list[Likelihood]:
    """The likelihood of every group of the library; ``changed`` is applied to each card that it is fitted under."""
    kinds = {name: field.kind for name, field in fields.items()}
    whole = groups(curves.values())
    cards = {kind: changed(wide(start(kind))) for kind in kinds.values()}
    parts: list[Likelihood] = []
    for k in range(iterations):
        by_group = {group: cards[kinds[group[0]]] for group in whole.groups}
        posterior = fit(whole, card=by_group, seed=seed + k, fallback=False, diverging=True)
        parts = likelihoods(posterior, kinds)
        found = learned(parts, np.random.default_rng(seed + k))
        cards = {kind: changed(card_of(start(kind), found, kind)) for kind in cards}
    return parts


def unseen_cards(
    parts: Sequence[Likelihood], kinds: Mapping[str, str], *, seed: int = 0, changed: Changed = as_it_is
) -> dict[str, Domain]:
    """The card of each field, learned from all others."""
    out = {}
    for name, kind in kinds.items():
        rest = learned([p for p in parts if p.field != name], np.random.default_rng(seed))
        out[name] = changed(card_of(start(kind), rest, kind))
    return out


def own_cards(
    parts: Sequence[Likelihood], kinds: Mapping[str, str], *, seed: int = 0
) -> dict[str, dict[Group, Domain]]:
    """The card of each field with two groups or more, of each group learned without the fold that it is in."""
    out = {}
    for name, kind in kinds.items():
        own = [p for p in parts if p.field == name]
        if len(own) < 2:
            continue
        fold = np.random.default_rng(seed).permutation(len(own)) % min(FOLDS, len(own))
        out[name] = {}
        for k in np.unique(fold):
            aside = [p for p, at in zip(own, fold, strict=True) if at == k]
            rest = learned([p for p in parts if not any(p is q for q in aside)], np.random.default_rng(seed))
            out[name] |= dict.fromkeys((p.group for p in aside), own_card_of(start(kind), rest, name))
    return out
