"""fitcache: a fit is made once, and kept under a hash of everything that went into it.

Entries are ordinary posterior files in the user's cache folder. Each is written under a temporary name and then
renamed, so several processes may share the folder; an entry that cannot be read is fitted again.
"""

from __future__ import annotations

import hashlib
import json
import os
from importlib.metadata import version
from pathlib import Path

from forecaster._support import code_hash
from forecaster.curves.learning_curves import LearningCurves
from forecaster.domains.domain import Domain
from forecaster.errors import PosteriorFileError
from forecaster.inference.fit import Progress, cards_of, fit
from forecaster.inference.posterior import Posterior
from forecaster.inference.storage import load_posterior

KEPT = 64  # entries; the least recently used go first
ENGINE_PACKAGES = {"jax": ("jax", "numpy"), "nuts": ("pymc", "nutpie", "jax", "numpy")}
CODE = ("curves", "domains", "model", "inference")  # what turns a table into draws


def cache_folder() -> Path:
    """Where fits are kept between processes: the user's cache folder, as the platform has it."""
    from platformdirs import user_cache_path

    return user_cache_path("forecaster") / "fits"


def fit_cached(
    curves: LearningCurves,
    *,
    card: str | Path | Domain | None = None,
    engine: str = "jax",
    seed: int = 0,
    draws: int | None = None,
    on_progress: Progress | None = None,
) -> Posterior:
    """:func:`forecaster.fit`, or the posterior that the same call gave before.

    A cache folder that cannot be written makes nothing fail; the fit is then simply not kept.
    """
    path = cache_folder() / f"{key_of(curves, card, engine, seed, draws)}.nc"
    found = _load(path, curves)
    if found is None:
        found = fit(curves, card=card, engine=engine, seed=seed, draws=draws, on_progress=on_progress)
        _keep(found, path)
    return found


def key_of(curves: LearningCurves, card: str | Path | Domain | None, engine: str, seed: int, draws: int | None) -> str:
    """SHA-256 (hex) of data, cards, engine, seed, options and the versions and code that turn them into draws."""
    packages = ("forecaster", *ENGINE_PACKAGES.get(engine, ()))
    said = {
        "data": curves.data_hash,
        "table": hashlib.sha256(curves.table.to_csv(index=False).encode()).hexdigest(),
        "cards": {"/".join(group): found.card_hash for group, found in cards_of(curves, card).items()},
        "engine": engine,
        "seed": seed,
        "draws": draws,
        "versions": {name: version(name) for name in packages},
        "code": code_hash.of_code(CODE),
    }
    return hashlib.sha256(json.dumps(said, sort_keys=True).encode()).hexdigest()


def _load(path: Path, curves: LearningCurves) -> Posterior | None:
    """The entry, under the name that the curves have now; None where there is none that can be read."""
    if not path.is_file():
        return None
    try:
        found = load_posterior(path)
        os.utime(path)
    except (PosteriorFileError, OSError):
        return None
    notes = json.dumps([[note.code, note.text, note.curve] for note in curves.notes])
    found.tree.attrs.update(source=curves.source, notes=notes)
    return Posterior(found.tree, curves, found.cards)


def _keep(posterior: Posterior, path: Path) -> None:
    """Write the entry and drop the least recently used beyond ``KEPT``."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        posterior.save(path)
        entries = sorted(path.parent.glob("*.nc"), key=lambda entry: entry.stat().st_mtime, reverse=True)
        for entry in entries[KEPT:]:
            entry.unlink(missing_ok=True)
    except (OSError, PosteriorFileError):
        return
