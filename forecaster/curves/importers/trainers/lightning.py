"""``metrics.csv`` of Lightning's CSVLogger, with ``hparams.yaml`` beside it."""

from __future__ import annotations

from forecaster.curves.importers.export import STEP, Export, Format, one_run
from forecaster.curves.importers.seen import Seen
from forecaster.curves.importers.settings import beside
from forecaster.curves.misread.exports import TITLES, tracker_of

ID = "lightning"


def claims(seen: Seen) -> bool:
    return seen.kind == "table" and tracker_of(seen.names) == ID


def read(seen: Seen) -> Export:
    """The points of one run. Training and validation have separate rows, with gaps."""
    return one_run(seen.label, seen.table, beside(seen.path.parent), step=STEP)


FORMAT = Format(
    *(ID, TITLES[ID], claims, read),
    sizes="It is a hyper-parameter (hparams.*), steps times the examples of a step, as in --map 'n=step*64', or stands "
    "in the name of the run (--names).",
)
