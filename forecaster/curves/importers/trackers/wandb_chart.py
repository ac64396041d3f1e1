"""The export of a chart of W&B: a column ``RUN - METRIC`` for each run and metric, and the axis before them."""

from __future__ import annotations

from forecaster.curves.importers.export import Export, Format, all_of, one_run
from forecaster.curves.importers.seen import Seen
from forecaster.curves.misread.exports import BANDS, BETWEEN, TITLES, tracker_of

ID = "wandb-chart"


def claims(seen: Seen) -> bool:
    return seen.kind == "table" and tracker_of(seen.names) == ID


def read(seen: Seen) -> Export:
    """The points of each run; the bands of the chart are set aside."""
    table = seen.table.reset_index(drop=True)
    table = table.set_axis([str(column).lstrip("\ufeff") for column in table.columns], axis=1)
    axis = table.columns[0]
    runs: dict[str, dict[str, str]] = {}
    for column in table.columns[1:]:
        if not BANDS.fullmatch(column):
            run, _, metric = column.rpartition(BETWEEN)
            runs.setdefault(run.strip(), {})[metric.strip()] = column
    found = []
    for run, own in runs.items():
        points = table[[axis, *own.values()]].set_axis([axis, *own], axis=1)
        kept = points[list(own)].map(lambda cell: str(cell).strip() != "").any(axis=1)
        found.append(one_run(run, points[kept], {}, step=axis))
    return all_of(found)


FORMAT = Format(
    *(ID, TITLES[ID], claims, read),
    sizes="A chart holds it only if its axis counts data, or if the names of the runs say it (--names). A chart "
    "shows a sample of the points of a run: the runs table has the last value of all.",
)
