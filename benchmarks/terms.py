"""Which terms of the model earn their place: each left out in turn, on fields that no card has seen.

    uv run python benchmarks/terms.py --data FOLDER --output benchmarks/results/terms.md

The cards are those of `fields.py`, learned from all other fields, anew for each line. `gain` is the log score with the
term less that without it, meaned over the curves of a field and then over fields, and `se` its standard error over
fields. A term that gains less than one standard error is not worth its place.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import fields
import msgspec
import numpy as np
from learning import library_likelihoods, unseen_cards
from library import LIBRARY, curves_of
from recording import add_output, record

from forecaster.domains.domain import Domain

TITLE = "What each term gains on fields that no card has seen"
LITTLE = 0.01  # a standard deviation that leaves nothing to learn


def main() -> int:
    """Score the library without each term; 1 where its files are absent."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True, help="folder of the library")
    parser.add_argument("--terms", default=",".join(TERMS), help="which, separated by commas (default: all)")
    parser.add_argument("--seed", type=int, default=0)
    add_output(parser, "terms")
    chosen = parser.parse_args()
    found = {field.name: field for field in LIBRARY if (chosen.data / f"{field.files[0]}.csv").is_file()}
    if not found:
        print(f"{chosen.data}: found none of the library's files", file=sys.stderr)
        return 1
    curves = {name: curves_of(field, chosen.data, hidden=fields.HIDDEN) for name, field in found.items()}

    def scores(without: Callable[[Domain], Domain]) -> dict[str, Mapping[str, float]]:
        parts = library_likelihoods(found, curves, seed=chosen.seed, changed=without)
        cards = unseen_cards(parts, {name: field.kind for name, field in found.items()}, changed=without)
        return {
            name: numbers(fields.scored(of, dict.fromkeys(of.groups, cards[name]), chosen.seed))
            for name, of in curves.items()
        }

    whole = scores(lambda card: card)
    rows: list[dict[str, Any]] = [line("nothing", whole, whole)]
    print(rows[-1], flush=True)
    for name in chosen.terms.split(","):
        rows.append(line(name, whole, scores(TERMS[name])))
        print(rows[-1], flush=True)
        if chosen.output:
            record(chosen.output, TITLE, rows, shares=("80 % hold",))
    return 0


def numbers(found: Any) -> dict[str, float]:
    """What is compared, of one field."""
    ours = found.totals.set_index("method").loc["forecaster"]
    names = {"log score": "log_score", "80 % hold": "cover_80", "CRPS": "crps"}
    return {said: float(ours[name]) for said, name in names.items()} | {"mean error": float(found.table["bias"].mean())}


def line(
    name: str, whole: Mapping[str, Mapping[str, float]], less: Mapping[str, Mapping[str, float]]
) -> dict[str, Any]:
    """One term's line: the mean over fields of each number without it, and what it gains."""
    gain = np.array([whole[field]["log score"] - less[field]["log score"] for field in whole])
    out: dict[str, Any] = {"left out": name}
    for said in ("80 % hold", "mean error", "log score"):
        out[said] = float(np.mean([one[said] for one in less.values()]))
    ratio = [np.log(less[field]["CRPS"] / whole[field]["CRPS"]) for field in whole]
    out["CRPS / with it"] = float(np.exp(np.mean(ratio)))
    by_field = {f"gain: {field}": round(float(g), 3) for field, g in zip(whole, gain, strict=True)}
    return out | {"gain": float(gain.mean()), "se": float(gain.std(ddof=1) / np.sqrt(len(gain)))} | by_field


def fixed(card: Domain, **values: float) -> Domain:
    """The card with these constants."""
    priors = dict(card.priors)
    for quantity, value in values.items():
        priors[quantity] = msgspec.structs.replace(priors[quantity], value=value)
    return msgspec.structs.replace(card, priors=priors)


def settled(card: Domain, quantity: str, mean: float) -> Domain:
    """The card with nothing to learn of a quantity: every curve has this one."""
    priors = dict(card.priors)
    priors[quantity] = msgspec.structs.replace(priors[quantity], mean=mean, sd=LITTLE)
    spread = f"{quantity}_spread"
    priors[spread] = msgspec.structs.replace(priors[spread], value=LITTLE)
    return msgspec.structs.replace(card, priors=priors)


TERMS: dict[str, Callable[[Domain], Domain]] = {
    "volatility": lambda card: fixed(card, volatility=0.0),
    "learned sharpness": lambda card: settled(card, "log_sharpness", 0.4),
    "drift of the slope": lambda card: settled(card, "log_slope", -10.0),
}

if __name__ == "__main__":
    sys.exit(main())
