"""TensorBoard's event files: the scalars of a run, and the hyper-parameters that its plugin stored."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from forecaster.curves.importers.export import STEP, Export, Format, all_of, one_run, points_of
from forecaster.curves.importers.seen import Seen
from forecaster.curves.importers.settings import beside
from forecaster.curves.importers.trackers.event_file import hyperparameters, values

PHASES = (
    "train",
    "training",
    "validation",
    "val",
    "valid",
    "eval",
    "test",
)  # folders that Keras puts parts of a run in


def claims(seen: Seen) -> bool:
    return seen.kind == "events"


def read(seen: Seen) -> Export:
    """The scalars of one file. Of a folder named ``validation`` and its like, the tags get that name before them."""
    above, _, last = seen.label.rpartition("/")
    run, prefix = (above, f"{last}/") if above and last in PHASES else (seen.label, "")
    recorded, settings = [], dict(beside(seen.path.parent))
    for value in values(seen.path.read_bytes()):
        if value.plugin:
            settings |= {f"hparams.{key}": held for key, held in hyperparameters(value.plugin).items()}
        elif value.number is not None:
            recorded.append((value.step, prefix + value.tag, value.number))
    return one_run(run, points_of(recorded), settings, step=STEP)


def together(parts: Sequence[Export]) -> Export:
    """The files of one run, those written later last; of the same step and tag the last counts."""
    whole = all_of(parts).table
    recorded: list[tuple[int, str, Any]] = []
    alike: dict[str, Any] = {}
    for row in whole.to_dict("records"):
        given = {str(key): value for key, value in row.items() if value is not None and value == value}
        alike |= {key: value for key, value in given.items() if key.startswith(("hparams.", "config."))}
        recorded += [(given[STEP], key, value) for key, value in given.items() if key not in alike and key != STEP]
    return one_run(parts[0].names[0], points_of(recorded), alike, step=STEP)


FORMAT = Format(
    *("tensorboard-events", "event files of TensorBoard", claims, read),
    together=together,
    sizes="It is steps times the examples of a step, as in --map 'n=step*256', a hyper-parameter (hparams.*), or "
    "stands in the name of the run (--names).",
)
