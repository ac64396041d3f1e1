"""What ``mlflow.search_runs`` gives, saved: a row a run, with ``metrics.*``, ``params.*`` and ``tags.*``."""

from __future__ import annotations

from forecaster.curves.importers.export import Export, Format, each_row
from forecaster.curves.importers.seen import Seen
from forecaster.curves.misread.exports import TITLES, tracker_of

ID = "mlflow-runs"
NAME = "tags.mlflow.runName"
FINISHED = "FINISHED"
SIZES = "In MLflow it is usually a parameter, such as params.train_size, or a metric that counts tokens."


def claims(seen: Seen) -> bool:
    return seen.kind in ("table", "parquet") and tracker_of(seen.names) == ID


def read(seen: Seen) -> Export:
    """A row a run; metrics are the last values."""
    table = seen.table.reset_index(drop=True)
    names = table[NAME if NAME in table else "run_id"]
    return each_row(table, map(str, names), (state_of(cell) for cell in table["status"]))


def state_of(status: object, stage: object = "active") -> str:
    """Why a run does not count; "" for one that does."""
    text = str(status).strip().upper()
    return "deleted" if stage == "deleted" else "" if text == FINISHED else text.lower() or "without a status"


FORMAT = Format(ID, TITLES[ID], claims, read, single=True, sizes=SIZES)
