"""What a posterior holds, as tables: its groups, and a summary of its draws."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import pandas as pd

from forecaster.inference.posterior import Posterior
from forecaster.results.check import Check
from forecaster.results.columns import CURVE, GIVEN_LEVEL, GROUP, Column, Columns, declared
from forecaster.results.result import Result

ESS = ("ess_bulk", "ess_tail")


@dataclass(frozen=True, eq=False, repr=False)
class Contents(Result):
    """What a saved posterior holds."""

    manifest: Mapping[str, Any] = field(default_factory=dict)

    command = "inspect"
    columns = declared(
        table=Columns(
            "a domain and task",
            GROUP,
            Column("curves", "count", "its curves"),
            Column("points", "count", "its measurements"),
            (Column(name, "size", "smallest and largest size measured") for name in ("n_min", "n_max")),
            Column("card", "text", "its domain card"),
            Column("architectures", "text", "its architectures"),
        )
    )
    keys = declared(
        manifest="schema, data hash, source, notes, cards, law, engine, seed, draws, settings and versions",
    )


@dataclass(frozen=True, eq=False, repr=False)
class FitSummary(Result):
    """The main quantities of each curve: medians, intervals and convergence diagnostics."""

    posterior: str | None = None

    command = "fit"
    columns = declared(
        table=Columns(
            "a curve and quantity",
            CURVE,
            Column(
                "quantity",
                "text",
                "`exponent`, `floor` (irreducible error) or `alpha` (intercept)",
                key=True,
            ),
            Column("median", "number", "posterior median"),
            (Column(name, "number", "equal-tailed interval") for name in ("lower", "upper")),
            GIVEN_LEVEL,
            Column("r_hat", "number", "rank-normalised split R-hat"),
            (Column(name, "number", "effective sample size in the bulk and in the tails, by ArviZ") for name in ESS),
            Column("ess_curve", "number", "effective sample size of the whole curve, by the engine"),
        )
    )
    keys = declared(posterior="the file written, or null")


def fit_summary(
    posterior: Posterior, level: float = 0.8, *, checks: tuple[Check, ...] = (), saved: str | None = None
) -> FitSummary:
    """A row for each curve and quantity; ``saved`` is the file that the posterior was written to, if any."""
    text = (
        f"With probability {100 * level:g} % each quantity lies between lower and upper: the exponent (how steeply the "
        "error falls with data), the floor (irreducible error), alpha (the intercept). ess_bulk and ess_tail are "
        "ArviZ's effective sample sizes of each quantity; ess_curve is the engine's, of the whole curve."
    )
    return FitSummary(posterior.summary(level), text, checks, saved)


def contents(posterior: Posterior) -> Contents:
    """What a posterior holds: a row for each group; and its manifest, cards by name."""
    manifest = posterior.manifest
    for key in ("settings", "versions", "card_hashes", "notes", "cards"):
        manifest[key] = json.loads(manifest[key])
    manifest["cards"] = {group: card["name"] for group, card in manifest["cards"].items()}
    rows = []
    for group in posterior.groups:
        curves = [c for c in posterior.curves.curves if (c.domain, c.task) == group]
        rows.append(
            {
                "domain": group[0],
                "task": group[1],
                "curves": len(curves),
                "points": sum(len(c.n) for c in curves),
                "n_min": min(c.n.min() for c in curves),
                "n_max": max(c.n.max() for c in curves),
                "card": posterior.cards[group].name,
                "architectures": ", ".join(c.architecture for c in curves),
            }
        )
    versions = ", ".join(f"{name} {number}" for name, number in manifest["versions"].items())
    text = (
        f"Fitted from {manifest['source']} (data {manifest['data_hash'][:12]}) by engine {manifest['engine']}, "
        f"seed {manifest['seed']}, {posterior.draws} draws, law {manifest['law']}; {versions}."
    )
    return Contents(pd.DataFrame(rows), text, manifest=manifest | {"draws": posterior.draws})
