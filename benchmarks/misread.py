"""False alarms: which tables are refused as misread, by which rule.

    python benchmarks/misread.py --data FOLDER [FOLDER ...] [--curves] [--bare] [--output FILE]

Reads every CSV file below the folders that has the columns of an input table, as it is, and lists the refused ones.
With ``--curves`` each curve is read by itself, too, as if it had been all that was measured; with ``--bare`` without
the column ``metric``, so that shapes alone count. ``--output`` writes the rule that refused each
table, if any, and its data hash, to be compared with those of another version.
"""

from __future__ import annotations

import argparse
import json
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pandas as pd

from forecaster.curves.learning_curves import KEYS, LearningCurves
from forecaster.curves.misread.refusal import expect_well_read
from forecaster.curves.reading.read import read_curves
from forecaster.errors import CurveMisreadError, ForecasterError


def tables(folders: list[Path]) -> Iterator[Path]:
    for folder in folders:
        yield from sorted(folder.rglob("*.csv")) if folder.is_dir() else [folder]


def without_metric(path: Path) -> pd.DataFrame:
    return pd.read_csv(path, dtype=str, keep_default_na=False).drop(columns="metric", errors="ignore")


def alone(curves: LearningCurves) -> Iterator[CurveMisreadError]:
    """The refusals of single curves."""
    for _, own in curves.table.groupby(KEYS, sort=False):
        try:
            expect_well_read(own.reset_index(drop=True), curves.reading)
        except CurveMisreadError as refused:
            yield refused


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, nargs="+", required=True)
    parser.add_argument("--curves", action="store_true")
    parser.add_argument("--bare", action="store_true")
    parser.add_argument("--output", type=Path)
    chosen = parser.parse_args()
    found: dict[str, dict[str, str | None]] = {}
    for path in tables(chosen.data):
        rule = None
        try:
            curves = read_curves(without_metric(path) if chosen.bare else path)
        except CurveMisreadError as error:
            rule = error.rule
            print(f"REFUSED {path} by {error.rule}: {str(error).splitlines()[0]}")
            curves = read_curves(path, as_they_are=True)
        except ForecasterError as error:
            print(f"not read {path}: {str(error).splitlines()[0][:100]}")
            continue
        found[str(path)] = {"refused_by": rule, "data_hash": curves.data_hash}
        if chosen.curves:
            errors = list(alone(curves))
            counts = dict(Counter(error.rule for error in errors))
            print(f"{path.name}: {len(curves.curves)} curves, refused by themselves: {counts or 'none'}")
            for error in errors[:5]:
                print(f"  {str(error).splitlines()[0]}")
    print(f"{len(found)} tables, {sum(one['refused_by'] is not None for one in found.values())} refused")
    if chosen.output:
        chosen.output.write_text(json.dumps(found, indent=1))


if __name__ == "__main__":
    main()
