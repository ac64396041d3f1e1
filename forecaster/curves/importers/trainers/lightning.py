"""``metrics.csv`` of Lightning's CSVLogger, with ``hparams.yaml`` beside it."""

from __future__ import annotations

from forecaster.curves.importers.export import STEP, Export, Format, one_run
from forecaster.curves.importers.seen import Seen
from forecaster.curves.importers.settings import beside


def claims(seen: Seen) -> bool:
    """``epoch`` and ``step`` and metrics beside them, one point a row."""
    names = set(seen.names)
    return seen.kind == "table" and {"epoch", STEP} <= names and len(names) > 2 and "run_id" not in names


def read(seen: Seen) -> Export:
    """The points of one run. Training and validation stand in rows of their own, with gaps."""
    return one_run(seen.label, seen.table, beside(seen.path.parent), step=STEP)


FORMAT = Format(
    *("lightning", "a metrics.csv of Lightning", claims, read),
    sizes="It is a hyper-parameter (hparams.*), steps times the examples of a step, as in --map 'n=step*64', or stands "
    "in the name of the run (--names).",
)
