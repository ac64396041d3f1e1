"""Write ``runs.csv``: runs of the digits example as the runs table of W&B shows them, to try ``forecaster import`` on.

    uv run python benchmarks/export_runs.py

Errors, sizes and seeds are those of ``digits.csv``, three seeds of three classifiers. What the tracker keeps beside
them is made up, and so are two runs that have crashed and one that is running.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import pandas as pd

EXAMPLES = Path(__file__).resolve().parents[1] / "forecaster" / "examples"
MODELS = ("mlp", "rbf-svm", "logistic-regression")
SIZES = (32, 64, 128, 256, 512, 1024, 1200)
SEEDS = 3
UNFINISHED = (
    ("rbf-svm", 1200, 3, "crashed", None),
    ("mlp", 1200, 3, "crashed", None),
    ("mlp", 1200, 4, "running", 0.2),  # as it stands after a few passes: what should not count
)


def rows_of(digits: pd.DataFrame) -> pd.DataFrame:
    """A row a run, finished ones and others."""
    chosen = digits[digits["architecture"].isin(MODELS) & digits["n"].isin(SIZES) & (digits["seed"] < SEEDS)]
    rows = [
        _row(model, n, seed, "finished", error, cases)
        for model, n, seed, error, cases in zip(
            *(chosen[column] for column in ("architecture", "n", "seed", "error", "n_test")), strict=True
        )
    ]
    return pd.DataFrame([*rows, *(_row(*run, 597) for run in UNFINISHED)])


def _row(model: str, n: int, seed: int, state: str, error: float | None, cases: float | None) -> dict[str, object]:
    kept = {"Notes": "-", "User": "someone", "Tags": "", "Created": "2026-11-02T09:00:00.000Z", "Sweep": ""}
    own = {"Name": f"{model}-{n}-{seed}", "State": state, **kept, "Runtime": round(2 + n / 100)}
    return own | {"model": model, "train_size": n, "seed": seed, "test/error": error, "test/cases": cases}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--output", type=Path, default=EXAMPLES / "runs.csv")
    arguments = parser.parse_args()
    rows_of(pd.read_csv(EXAMPLES / "digits.csv")).to_csv(arguments.output, index=False, float_format="%.8g")


if __name__ == "__main__":
    main()
