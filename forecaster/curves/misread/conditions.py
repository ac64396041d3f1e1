"""Conditions under one name: rows that differ in more than the run, pooled into one curve as if they were repeats.

Repeats are rows of one curve and size that a column of repeats (a seed, a fold) tells apart, or that nothing does.
Where another column tells them apart, the same way at one size after another, they are different conditions.
"""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import replace
from typing import Any

import numpy as np

from forecaster._support.frames import Table
from forecaster.curves.how_read import HowRead
from forecaster.curves.learning_curves import KEYS, listed
from forecaster.curves.metrics import metric_of_column, plain
from forecaster.curves.misread.fault import Fault, Other, curve_labels, grouped_by, numbers_of

RULE = "conditions-as-repeats"
OURS = (*KEYS, "n", "error", "metric", "seed", "error_sd", "repeats", "n_test", "params", "compute", "gpu_hours")
OURS += ("seconds", "split", "tuned")
REPEATS = re.compile(
    r"(?:.* )?(?:reps?|repeats?|repetitions?|replicates?|replicas?|replications?|seeds?|folds?|cv|runs?|trials?|draws?|"
    r"bootstraps?|resamples?|shuffles?|restarts?|inits?|reali[sz]ations?|partitions?|subsets?|splits?|attempts?|tries|"
    r"permutations?|samples?)(?: (?:id|no|nr|num|number|idx|index|i|k|name|seed))?"
)
# What a tracker or a spreadsheet notes down of a run, and what a run takes: none of it is a condition.
ASIDE = re.compile(
    r"(?:.* )?(?:host|hostname|machine|node|gpu|gpus|device|worker|job|pid|user|tags?|notes?|comments?|status|state|"
    r"url|path|file|filename|commit|sha|hash|version|date|time|timestamp|created|started|finished|updated|id|index|row|"
    r"runtime|duration|seconds|sec|minutes|elapsed|memory|unnamed(?: \d+)?|column \d+)(?: (?:at|s|id|name))?|_.*"
)
MODEL = re.compile(
    r"(?:.* )?(?:arch|architecture|model|network|net|method|algorithm|learner|classifier)(?: name| type)?"
)
DESIGNED = 0.75  # share of a curve's sizes at which a column has the same values, from which it was chosen beforehand
MEASURED = 0.5  # share of a column's numbers that differ, from which it holds measurements
EARLIER = re.compile(r"(?:.* )?(?:epochs?|steps?|iterations?|iters?|checkpoints?|ckpts?)")  # states of one run


def conditions_as_repeats(table: Table, how: HowRead) -> Fault | None:
    """Different errors of one curve, size and repeat; or of one curve and size, where a column was set to tell them."""
    known = repeats_of(table)
    again = _differing(table, [*KEYS, "n", *known])
    if not again.any():
        return None
    may = [column for column in table if _may_be_condition(column) and not _is_repeat(column)]
    telling = _telling(
        table[again], [*KEYS, "n", *known], [column for column in may if _designed(table, column, known)]
    )
    if not telling and known:
        telling = _telling(table[again], [*KEYS, "n", *known], [c for c in may if not _measured(table[c])])
    return _fault(table, how, again, telling, known) if telling else None


def repeats_of(table: Table) -> list[str]:
    """The columns that number repeats and tell any apart; not ``seed`` where some rows have none."""
    may = [column for column in table if _is_repeat(column) and table[column].astype(str).nunique() > 1]
    return [column for column in may if column != "seed" or not (table[column] == "").any()]


def _is_repeat(column: str) -> bool:
    return column == "seed" or (column not in OURS and REPEATS.fullmatch(plain(column)) is not None)


def _may_be_condition(column: str) -> bool:
    words = plain(column)
    return column not in OURS and not ASIDE.fullmatch(words) and metric_of_column(column).kind == "unknown"


def _measured(cells: Table) -> bool:
    """Whether a column holds numbers nearly all of which differ, as measurements do."""
    numbers = numbers_of(cells)
    return bool(numbers.notna().all() and numbers.nunique() > MEASURED * len(numbers))


def _differing(table: Table, by: list[str]) -> np.ndarray:
    """Rows that share all of ``by`` with a row of another error."""
    return (table.groupby(by, dropna=False)["error"].transform("nunique") > 1).to_numpy()


def _designed(table: Table, column: str, known: list[str]) -> bool:
    """Whether ``column`` has the same values, more than one, at most sizes that have several rows: it was set so.

    What was measured or tuned in each run has others at each size.
    """
    rows = table[_differing(table, [*KEYS, "n", *known])]
    cells = rows[column].astype(str).groupby([rows[name] for name in (*KEYS, "n", *known)], sort=False)
    alike: dict[tuple[Any, ...], list[tuple[str, ...]]] = {}  # by curve and number of rows
    for key, values in cells:
        alike.setdefault((*key[:3], len(values)), []).append(tuple(sorted(values, key=str)))
    for sets in alike.values():
        usual, count = Counter(sets).most_common(1)[0]
        if len(set(usual)) > 1 and count >= DESIGNED * len(sets) and (count > 1 or _recurs(table, column, usual)):
            return True
    return False


def _recurs(table: Table, column: str, values: tuple[str, ...]) -> bool:
    """Whether each of these values stands at several sizes."""
    sizes = table.groupby(table[column].astype(str))["n"].nunique()
    return bool((sizes.reindex(list(set(values))) > 1).all())


def _telling(rows: Table, by: list[str], candidates: list[str]) -> list[str]:
    """The first of the candidates that together tell apart as many rows as all of them do."""
    found: list[str] = []
    count = rows.groupby(by, dropna=False).ngroups
    for column in candidates:
        more = rows[by].assign(**{f" {c}": rows[c].astype(str) for c in (*found, column)}).drop_duplicates()
        if len(more) > count:
            found, count = [*found, column], len(more)
    return found


def _fault(table: Table, how: HowRead, again: np.ndarray, telling: list[str], known: list[str]) -> Fault:
    rows = table[again].groupby([*KEYS, "n", *known], dropna=False)["error"].agg(["min", "max", "count"])
    at = (rows["max"] / rows["min"]).idxmax()
    far = rows.loc[at]
    place = f"{'/'.join(at[:3])} at n {at[3]:g}" + "".join(
        f", {name} {value}" for name, value in zip(known, at[4:], strict=True)
    )
    each = ", ".join(f"{c} ({listed(dict.fromkeys(table[c].astype(str)), 4, quote=False)})" for c in telling)
    seen = (
        f"found {far['count']:.0f} errors of {place}, from {far['min']:.4g} to {far['max']:.4g}; expected repeats, but "
        f"{each} tell{'s' if len(telling) == 1 else ''} the rows apart (in {curve_labels(table, again)})."
    )
    others = []
    last = next((c for c in telling if EARLIER.fullmatch(plain(c))), None)
    if last is not None and len(telling) == 1:
        return Fault(RULE, f"{seen} Keep the rows of one {last} only.", _as_seed(how, telling))
    for ours in sorted(("task", "architecture"), reverse=not any(MODEL.fullmatch(plain(c)) for c in telling)):
        made = grouped_by(table, how, ours, telling)
        if made is not None and conditions_as_repeats(*made) is None:
            others.append(Other(f"If they are different {'tasks' if ours == 'task' else 'architectures'}", made[1]))
    return Fault(RULE, seen, (*others, *(() if known else _as_seed(how, telling))))


def _as_seed(how: HowRead, telling: list[str]) -> tuple[Other, ...]:
    """The reading by which the one column that tells rows apart numbers repeats."""
    if len(telling) != 1 or "seed" in how.columns or "," in telling[0]:
        return ()
    return (Other("If they are repeats", replace(how, columns={**how.columns, "seed": telling[0]})),)
