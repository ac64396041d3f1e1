"""What scikit-learn's ``learning_curve`` gave, saved as NumPy's .npz or as JSON: scores of folds at each size."""

from __future__ import annotations

import io
from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
import pandas as pd
from jaxtyping import Float

from forecaster.curves.importers.export import Export, Format, all_of, each_row
from forecaster.curves.importers.seen import Seen
from forecaster.curves.learning_curves import Note
from forecaster.curves.reading.scores import score_of

SIZES, TEST = ("train_sizes", "train_sizes_abs"), "test_scores"
SCORE_NAMES = ("score_name", "scoring", "score")
COLUMNS = {"n": "train_size", "error": "test_score", "error_sd": "test_score_sd", "repeats": "folds"}
FOLDS = (
    "each score is the mean over the folds of cross-validation, with their spread as error_sd; folds share training "
    "cases, so that repeated measurements would differ somewhat more"
)


def claims(seen: Seen) -> bool:
    if seen.kind == "arrays":
        return _is_curve(seen.names)
    if seen.kind != "json" or not isinstance(seen.value, dict):
        return False
    return _is_curve(seen.value) or _several(seen.value)


def read(seen: Seen) -> Export:
    """A row for each size: the mean over the folds. Of a dict of estimators, all of them."""
    if seen.kind == "arrays":
        with np.load(io.BytesIO(seen.path.read_bytes()), allow_pickle=False) as file:
            return _one(seen.label, {name: file[name] for name in file.files})
    if _is_curve(seen.value):
        return _one(seen.label, seen.value)
    return all_of([_one(name, held) for name, held in seen.value.items()])


def _is_curve(held: Any) -> bool:
    return TEST in held and any(name in held for name in SIZES)


def _several(value: Mapping[str, Any]) -> bool:
    return bool(value) and all(isinstance(held, dict) and _is_curve(held) for held in value.values())


def _one(name: str, held: Mapping[str, Any]) -> Export:
    sizes = _numbers(held[next(one for one in SIZES if one in held)])
    scores = _numbers(held[TEST])
    if scores.ndim == 1:
        scores = scores[:, None]
    if sizes.ndim != 1 or scores.ndim != 2 or len(sizes) != len(scores):
        raise ValueError(f"{TEST} of the shape {scores.shape} beside sizes of the shape {sizes.shape}")
    rows = pd.DataFrame(list(_rows(sizes, scores)))
    if "fit_times" in held and (times := _numbers(held["fit_times"])).shape == scores.shape:
        rows["seconds"] = times.mean(axis=1)
    named = next((str(np.asarray(held[key]).item()) for key in SCORE_NAMES if key in held), None)
    several = scores.shape[1] > 1
    columns = COLUMNS if several else {ours: COLUMNS[ours] for ours in ("n", "error")}
    columns = columns | ({"seconds": "seconds"} if "seconds" in rows else {})
    notes = (Note("folds", FOLDS),) if several else ()
    table = rows.astype(object)
    score = named if named and score_of(named) is not None else None
    return each_row(table, [name] * len(rows), columns=columns, score=score, scored=True, notes=notes)


def _rows(sizes: Float[np.ndarray, " size"], scores: Float[np.ndarray, "size fold"]) -> Iterator[dict[str, float]]:
    for size, own in zip(sizes, scores, strict=True):
        given = own[np.isfinite(own)]  # a fold whose fit failed has NaN
        with np.errstate(over="ignore", invalid="ignore"):
            sd = float(given.std(ddof=1)) if len(given) > 1 else float("nan")
            mean = float(given.mean()) if len(given) else float("nan")
        yield {"train_size": float(size), "test_score": mean, "test_score_sd": sd, "folds": max(len(given), 1)}


def _numbers(held: Any) -> np.ndarray:
    return np.asarray(held, dtype=np.float64)


FORMAT = Format(
    *("scikit-learn", "scores of scikit-learn's learning_curve", claims, read),
    single=True,
    sizes="It is train_sizes.",
)
