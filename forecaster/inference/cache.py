"""fitcache: a fit is made once, and kept under a hash of everything that went into it.

Entries are ordinary posterior files in the user's cache folder. Each is written under a temporary name and then
renamed, so several processes may share the folder; an entry that cannot be read is fitted again. What is kept stays
within bounds: see :mod:`~forecaster._support.kept_files`.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path

import msgspec
import pandas as pd

from forecaster._support import code_hash, kept_files
from forecaster.curves.learning_curves import LearningCurves
from forecaster.errors import PosteriorFileError
from forecaster.inference.fit import Cards, Floors, Progress, cards_of_well_read, fit, forecastable, with_floor
from forecaster.inference.posterior import Posterior
from forecaster.inference.storage import load_posterior
from forecaster.results.columns import Column, Columns, declared
from forecaster.results.result import Result

ENGINE_PACKAGES = {"jax": ("jax", "numpy"), "nuts": ("pymc", "nutpie", "jax", "numpy")}
CODE = ("curves", "domains", "model", "inference")  # what turns a table into draws


def cache_folder() -> Path:
    """Where fits are kept between processes: the user's cache folder, as the platform has it."""
    return kept_files.cache_root() / "fits"


def fit_cached(
    curves: LearningCurves,
    *,
    card: Cards = None,
    floor: Floors = None,
    engine: str = "jax",
    seed: int = 0,
    draws: int | None = None,
    on_progress: Progress | None = None,
    then: Callable[[Posterior], Posterior] = lambda found: found,
) -> Posterior:
    """:func:`~forecaster.inference.fit.fit`, or the posterior that the same call gave before.

    ``then`` adds to a posterior what it lacks, and gives the same one where that is nothing; what it gives is kept. A
    cache folder that cannot be written makes nothing fail; the fit is then simply not kept.
    """
    if floor is not None:
        known = cards_of_well_read(curves, card)
        card = known | with_floor(forecastable(curves)[0], known, floor)
    path = cache_folder() / f"{key_of(curves, card, engine, seed, draws)}.nc"
    kept = _load(path, curves)
    found = None if kept is None else then(kept)
    if found is None or found is not kept:
        with kept_files.mended(path.parents[1]):
            if found is None:
                found = then(fit(curves, card=card, engine=engine, seed=seed, draws=draws, on_progress=on_progress))
            _keep(found, path)
    return found


def key_of(curves: LearningCurves, card: Cards, engine: str, seed: int, draws: int | None) -> str:
    """SHA-256 (hex) of data, cards, engine, seed, options and the versions and code that turn them into draws."""
    packages = ("forecaster", *ENGINE_PACKAGES.get(engine, ()))
    said = {
        "data": curves.data_hash,
        "table": hashlib.sha256(curves.table.to_csv(index=False).encode()).hexdigest(),
        "cards": {"/".join(group): found.card_hash for group, found in cards_of_well_read(curves, card).items()},
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
    reading = msgspec.json.encode(curves.reading).decode()
    found.tree.attrs.update(source=curves.source, notes=notes, reading=reading)
    return Posterior(found.tree, forecastable(curves)[0], found.cards, found.set_aside)


def _keep(posterior: Posterior, path: Path) -> None:
    """Write the entry, where that is possible."""
    with suppress(OSError, PosteriorFileError):
        path.parent.mkdir(parents=True, exist_ok=True)
        posterior.save(path)


@dataclass(frozen=True, eq=False, repr=False)
class Kept(Result):
    """What is kept of earlier fits and compiled programs."""

    command = "cache"
    columns = declared(
        table=Columns(
            "a kind of file",
            Column("holds", "text", "`fits` or `compiled programs`", key=True),
            Column("files", "count", "how many files"),
            Column("bytes", "count", "their size"),
            Column("folder", "text", "where they are"),
        )
    )


def kept() -> Kept:
    """Where fits and compiled programs are kept, and how much room they take."""
    parts = kept_files.kept(kept_files.cache_root())
    rows = [{"holds": k.holds, "files": k.files, "bytes": k.size, "folder": str(k.folder)} for k in parts]
    text = (
        "Whatever is removed is made again when it is needed. After each fit the least recently used goes, down to "
        f"{kept_files.MOST_BYTES / 1e6:,.0f} million bytes; `forecaster cache --clear` removes all, --keep 200M most."
    )
    return Kept(pd.DataFrame(rows), text)
