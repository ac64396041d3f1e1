"""What a posterior holds, as a table."""

from __future__ import annotations

import json
from typing import Any

import pandas as pd

from forecaster.inference.posterior import Posterior
from forecaster.results.result import Listing


def contents(posterior: Posterior) -> tuple[Listing, dict[str, Any]]:
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
    return Listing(pd.DataFrame(rows), text, command="inspect"), manifest | {"draws": posterior.draws}
