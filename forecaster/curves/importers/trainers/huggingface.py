"""``trainer_state.json`` of Hugging Face's Trainer: its log, in the folder of the run or of each checkpoint."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from forecaster.curves.importers.export import STEP, Export, Format, one_run, points_of
from forecaster.curves.importers.seen import Seen

LOG = "log_history"
END = "train_runtime"  # in the row that is written when training ends


def claims(seen: Seen) -> bool:
    return seen.kind == "json" and {LOG, "global_step"} <= set(seen.names)


def read(seen: Seen) -> Export:
    """The points of one run: what was logged at a step, of training and of evaluation, is one point."""
    state = seen.value
    recorded = [
        (int(row[STEP]), str(key), value)
        for row in state[LOG]
        for key, value in row.items()
        if key != STEP and (value is None or isinstance(value, str | int | float))
    ]
    settings = {k: v for k, v in state.items() if isinstance(v, str | int | float) and not isinstance(v, bool)}
    done, most = int(state["global_step"]), int(state.get("max_steps") or 0)
    whole = any(END in row for row in state[LOG]) or (most > 0 and done >= most)
    unfinished = "" if whole else "stopped before max_steps"
    return one_run(seen.label, points_of(recorded), settings, unfinished, step=STEP)


def together(copies: Sequence[Export]) -> Export:
    """Of the copies in a run's checkpoints, the one that goes farthest."""

    def reached(copy: Export) -> tuple[bool, Any, int]:
        return copy.states[0] == "", max(copy.table[STEP]), len(copy.table)

    return max(copies, key=reached)


FORMAT = Format(
    *("huggingface", "a trainer_state.json of Hugging Face's Trainer", claims, read),
    together=together,
    sizes="The file does not hold the size of the training set: take num_input_tokens_seen where it is logged, steps "
    "times the examples of a step, as in --map 'n=step*train_batch_size', or the name of the run (--names).",
)
