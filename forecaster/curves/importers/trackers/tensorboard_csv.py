"""A scalar that TensorBoard's page saved: ``Wall time,Step,Value``. The file's name holds the run and the tag."""

from __future__ import annotations

import re
from collections.abc import Sequence

from forecaster.curves.importers.export import STEP, Export, Format, one_run
from forecaster.curves.importers.seen import Seen
from forecaster.curves.misread.exports import SCALAR, TITLES, tracker_of

ID = "tensorboard-csv"
FILE_NAME = re.compile(r"(?:run-)?(?P<run>.+?)-tag-(?P<tag>.+)")


def claims(seen: Seen) -> bool:
    return seen.kind == "table" and tracker_of(seen.names) == ID


def read(seen: Seen) -> Export:
    """The points of one run and tag. The tag is the column; "Value" where the file's name says none."""
    folder, _, stem = seen.label.rpartition("/")
    found = FILE_NAME.fullmatch(stem)
    run, tag = (found["run"], found["tag"]) if found else (stem, SCALAR[2])
    points = seen.table.set_axis(["wall_time", STEP, tag], axis=1)
    return one_run("/".join(filter(None, (folder, run))), points.drop(columns="wall_time"), {}, step=STEP)


def together(parts: Sequence[Export]) -> Export:
    """The tags of one run side by side, by their steps."""
    whole = parts[0].table
    for part in parts[1:]:
        shared = [column for column in part.table if column in whole and column != STEP]
        whole = whole.merge(part.table.drop(columns=shared), on=STEP, how="outer", sort=False)
    order = whole[STEP].map(float).argsort(kind="stable")
    return one_run(parts[0].names[0], whole.iloc[order], {}, step=STEP)


FORMAT = Format(
    *(ID, TITLES[ID], claims, read),
    together=together,
    sizes="Such a file holds steps alone: n is steps times the examples of a step, as in --map 'n=step*256', or stands "
    "in the name of the run (--names).",
)
