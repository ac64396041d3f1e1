"""``results_DATE.json`` of lm-eval: scores of tasks, how many cases each has, and which way is better."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from typing import Any

import pandas as pd

from forecaster.curves.importers.export import Export, Format, each_row
from forecaster.curves.importers.seen import Seen
from forecaster.curves.importers.settings import flat

VARIANCE_TOLERANCE = 0.1  # how far the reported variance may lie from that of a share of the cases
COLUMNS = {"task": "task", "error": "error", "metric": "metric", "n_test": "n_test"}


def claims(seen: Seen) -> bool:
    return (
        seen.kind == "json"
        and {"results", "versions"} <= set(seen.names)
        and bool({"n-samples", "config"} & set(seen.names))
    )


def read(seen: Seen) -> Export:
    """A row for each task and metric of one model, as an error: 1 - score where higher is better."""
    value = seen.value
    config = value.get("config") or {}
    model = str(value.get("model_name") or _argument(config.get("model_args"), "pretrained") or seen.label)
    settings = dict(flat({key: held for key, held in config.items() if key != "model_args"}, "config"))
    arguments = config.get("model_args")
    if isinstance(arguments, str):
        settings |= {
            f"config.model_args.{k}": v for k, v in (p.split("=", 1) for p in arguments.split(",") if "=" in p)
        }
    elif isinstance(arguments, Mapping):
        settings |= dict(flat(arguments, "config.model_args"))
    rows = [{**settings, "model": model, **row} for row in _rows(value)]
    if not rows:
        raise ValueError("no score of any task is in it")
    return each_row(pd.DataFrame(rows, dtype=object), [model] * len(rows), columns=COLUMNS)


def _argument(arguments: Any, name: str) -> Any:
    if isinstance(arguments, Mapping):
        return arguments.get(name)
    pairs = (part.partition("=") for part in str(arguments or "").split(","))
    return next((value for key, _, value in pairs if key.strip() == name), None)


def _rows(value: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    for task, scores in value["results"].items():
        for key, score in scores.items():
            measure, comma, filtered = key.partition(",")
            if (
                not comma
                or measure.endswith("_stderr")
                or isinstance(score, bool)
                or not isinstance(score, int | float)
            ):
                continue
            stderr = scores.get(f"{measure}_stderr,{filtered}")
            yield _row(value, task, measure, filtered, float(score), stderr)


def _row(value: Mapping[str, Any], task: str, measure: str, filtered: str, score: float, stderr: Any) -> dict[str, Any]:
    rises = (value.get("higher_is_better") or {}).get(task, {}).get(measure)
    cases = (value.get("n-samples") or {}).get(task, {}).get("effective")
    row = {"task": task, "measure": measure, "filter": filtered, "score": score}
    if rises is True:
        row |= {"error": 1.0 - score, "metric": f"1 - {measure}"}
    elif rises is False:
        row |= {"error": score, "metric": measure}
    else:  # nothing says which way is better: the user has to
        row |= {"error": None, "metric": measure}
    return row | {"n_test": _cases(score, stderr, cases)}


def _cases(score: float, stderr: Any, cases: Any) -> float | None:
    """The cases behind a share. Of a score that varies otherwise over cases: as many as give a share its variance.

    A standard error of lm-eval is that of a mean over cases, with n - 1.
    """
    count = float(cases) if isinstance(cases, int | float) and cases > 1 else None
    if not 0.0 < score < 1.0:
        return count
    known = isinstance(stderr, int | float) and not isinstance(stderr, bool) and math.isfinite(stderr) and stderr > 0
    if not known:
        return count
    share = score * (1.0 - score) / stderr**2 + 1.0
    if count is not None and abs(share / count - 1.0) <= VARIANCE_TOLERANCE:
        return count
    return float(round(share)) if share >= 1.0 and math.isfinite(share) else count


FORMAT = Format(
    *("lm-eval", "results of lm-eval", claims, read),
    single=True,
    sizes="The results do not hold it: the name of the model has to say it (--names), or its own column, such as "
    "config.model_revision.",
)
