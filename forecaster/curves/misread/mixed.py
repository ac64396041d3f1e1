"""Several metrics under one name: a curve of two, or a task whose architectures are measured by different ones."""

from __future__ import annotations

from dataclasses import replace

from forecaster._support.frames import Table
from forecaster.curves.how_read import HowRead
from forecaster.curves.learning_curves import KEYS, listed
from forecaster.curves.metrics import metric_of
from forecaster.curves.misread.fault import Fault, Other, grouped_by

RULE = "several-metrics"


def several_metrics(table: Table, how: HowRead) -> Fault | None:
    """One curve with several texts in the column ``metric``; or one task of several metrics that are known."""
    if "metric" not in table:
        return None
    named = table[table["metric"] != ""]
    in_curves = named.groupby(KEYS)["metric"].unique()
    mixed = {"/".join(key): of for key, of in in_curves.items() if len(of) > 1}
    where = "in one curve"
    if not mixed:
        in_tasks = named.groupby(KEYS[:2])["metric"].unique()
        mixed = {"/".join(key): of for key, of in in_tasks.items() if len({metric_of(m).name for m in of} - {""}) > 1}
        where = "in one task, whose architectures are weighed against each other"
    if not mixed:
        return None
    said = [f"{name} ({listed(sorted(of))})" for name, of in mixed.items()]
    column = how.columns.get("metric", "metric")
    errors = named[[metric_of(text).kind != "score" for text in named["metric"]]]
    kept = (errors if len(errors) else named)["metric"].value_counts().index[:1]
    keep = [Other(f"To keep {m!r} alone", replace(how, where={**how.where, column: (m,)})) for m in map(str, kept)]
    made = grouped_by(table.rename(columns={"metric": column}), how, "task", [column])
    split = [Other("To give each metric a task of its own", made[1])] if made and len(errors) == len(named) else []
    others = (*split, *(keep if "metric" not in how.constants and how.score is None else []))
    return Fault(RULE, f"found several metrics {where}: {listed(said, quote=False)}; expected one.", others)
