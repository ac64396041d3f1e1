"""The history of a W&B run: the Parquet files of its history artifact, or a saved ``run.history()``."""

from __future__ import annotations

from collections.abc import Sequence

from forecaster.curves.importers.export import Export, Format, all_of, one_run
from forecaster.curves.importers.seen import Seen
from forecaster.curves.importers.settings import beside
from forecaster.curves.misread.exports import TITLES, tracker_of

ID, STEP = "wandb-history", "_step"


def claims(seen: Seen) -> bool:
    return seen.kind in ("parquet", "table") and tracker_of(seen.names) == ID


def read(seen: Seen) -> Export:
    """The points of one run, with the settings that W&B left beside them."""
    table = seen.table.drop(columns=[column for column in seen.table if str(column).startswith(("Unnamed", "column "))])
    return one_run(seen.label, table, beside(seen.path.parent), step=STEP)


def together(parts: Sequence[Export]) -> Export:
    """Parts of one history, in the order of their names."""
    whole = all_of(parts)
    return one_run(parts[0].names[0], whole.table, {}, step=STEP)


FORMAT = Format(
    *(ID, TITLES[ID], claims, read),
    together=together,
    sizes="A history holds it where the run logged it, as tokens or samples seen. run.history() keeps 500 points a "
    "run; the history artifact (Parquet) has all.",
)
