"""The log of Keras' CSVLogger: ``epoch``, then the metrics in the order of the alphabet."""

from __future__ import annotations

from forecaster.curves.importers.export import Export, Format, one_run
from forecaster.curves.importers.seen import Seen
from forecaster.curves.misread.exports import TITLES, tracker_of

ID, EPOCH = "keras", "epoch"


def claims(seen: Seen) -> bool:
    return seen.kind == "table" and tracker_of(seen.names) == ID


def read(seen: Seen) -> Export:
    """The points of one run, an epoch each."""
    return one_run(seen.label, seen.table, {}, step=EPOCH)


FORMAT = Format(
    *(ID, TITLES[ID], claims, read),
    sizes="The log does not hold it: it is epochs times the examples of an epoch where each one sees new data, or "
    "stands in the name of the run (--names).",
)
