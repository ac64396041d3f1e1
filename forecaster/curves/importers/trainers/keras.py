"""The log of Keras' CSVLogger: ``epoch``, then the metrics in the order of the alphabet."""

from __future__ import annotations

from forecaster.curves.importers.export import Export, Format, one_run
from forecaster.curves.importers.seen import Seen

EPOCH = "epoch"


def claims(seen: Seen) -> bool:
    """``epoch`` first, no steps, and a loss."""
    names = seen.names
    return seen.kind == "table" and len(names) > 1 and names[0] == EPOCH and "step" not in names and "loss" in names


def read(seen: Seen) -> Export:
    """The points of one run, an epoch each."""
    return one_run(seen.label, seen.table, {}, step=EPOCH)


FORMAT = Format(
    *("keras", "the log of Keras' CSVLogger", claims, read),
    sizes="The log does not hold it: it is epochs times the examples of an epoch where each one sees new data, or "
    "stands in the name of the run (--names).",
)
