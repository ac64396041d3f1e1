"""Model sizes: runs of different models under one name.

``params`` that are the same all along a curve make an ordinary curve. One model a size, never smaller with more data
(or chosen so: a column ``tuned``), makes a curve of best models. All others are curves of different models, pooled.
"""

from __future__ import annotations

import re
from dataclasses import replace

from forecaster._support.frames import Table
from forecaster.curves.best_models import grows, one_model, said_tuned
from forecaster.curves.how_read import HowRead
from forecaster.curves.learning_curves import KEYS
from forecaster.curves.metrics import plain
from forecaster.curves.misread.conditions import repeats_of
from forecaster.curves.misread.fault import FEWEST_SIZES, Fault, Other, curve_labels, grouped_by, numbers_of

RULE = "models-pooled"
PARAMS = re.compile(
    r"(?:.* )?(?:params|parameters|(?:param|parameter) count|model size|model params|non ?embedding params)(?: [bmn])?"
)
COMPUTE = re.compile(r"(?:.* )?[kmgtpez]?flops?|compute")
SURFACES = ("decide", "next", "memo")  # verbs that take both axes as well
SAME_COMPUTE = 1.2  # ratio up to which runs of one model and size may differ in what they took


def models_pooled(table: Table, how: HowRead) -> Fault | None:
    """Curves along which the number of parameters changes, but for curves of best models."""
    column = _params_of(table)
    if said_tuned(table):
        return None
    if column is None:
        return _compute_differs(table, how)
    params = numbers_of(table[column])
    pooled = [key for key, own in table.assign(p=params).dropna(subset=["p"]).groupby(KEYS) if not _one_model(own)]
    if not pooled:
        return None
    own = table.set_index(KEYS).index.isin(pooled)
    sizes = params[own]
    name = how.columns.get(column, column)
    seen = (
        f"found models of {sizes.nunique()} sizes ({name} from {sizes.min():g} to {sizes.max():g}) in one curve, "
        f"{curve_labels(table, own)}; expected one {name} along a curve, or one a size that never falls as n grows."
    )
    return Fault(RULE, seen, _by_model(table, how, column, name))


def _compute_differs(table: Table, how: HowRead) -> Fault | None:
    """Rows of one curve, size and seed that took different compute: where parameters are not told, models differ."""
    column = "compute" if "compute" in table else next((c for c in table if COMPUTE.fullmatch(plain(c))), None)
    if column is None:
        return None
    by = [*KEYS, "n", *repeats_of(table)]
    spent = numbers_of(table[column]).groupby([table[name] for name in by], dropna=False)
    apart = ((spent.transform("max") > SAME_COMPUTE * spent.transform("min")) & (spent.transform("min") > 0)).to_numpy()
    if not apart.any():
        return None
    first, name = table[apart].iloc[0], how.columns.get(column, column)
    seen = (
        f"found runs of {'/'.join(first[KEYS])} at n {first['n']:g} that took different {name} "
        f"(in {curve_labels(table, apart)}); expected runs of one model. Name its size: --columns params=THAT."
    )
    return Fault(RULE, seen)


def _params_of(table: Table) -> str | None:
    """The column of parameter counts: ours, or the first that is called so and holds numbers."""
    if "params" in table:
        return "params" if table["params"].notna().any() else None
    may = [column for column in table if PARAMS.fullmatch(plain(column))]
    return next((c for c in may if numbers_of(table[c]).notna().any()), None)


def _one_model(own: Table) -> bool:
    """One parameter count all along, or one at each size that never falls."""
    return one_model(own["p"]) or grows(own["n"], own["p"])


def _by_model(table: Table, how: HowRead, column: str, name: str) -> tuple[Other, ...]:
    """Readings with a curve for each model."""
    made = grouped_by(table.rename(columns={column: name}), how, "architecture", [name])
    readings = (
        () if made is None or models_pooled(*made) is not None else (Other("For a curve of each model", made[1]),)
    )
    if numbers_of(table[column]).nunique() < FEWEST_SIZES:
        return readings
    mapping = how.columns if name == "params" else {**how.columns, "params": name}
    both = replace(how, columns=mapping, two_axes=True)
    return (
        *readings,
        Other("For one surface over both axes, size of model and of data", both, (), "surface", SURFACES),
    )
