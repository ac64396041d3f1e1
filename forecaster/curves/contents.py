"""Contents: what no single row of a table of curves shows, refused or remarked on."""

from __future__ import annotations

import numpy as np
import pandas as pd
from jaxtyping import Bool, Float

from forecaster._support.frames import Table
from forecaster.curves.learning_curves import KEYS, LEAST_CASES, Note, listed
from forecaster.errors import CurveContentError

RISING, NEARLY_ALL = 0.8, 0.8  # rank correlation of error with size; share of a group's curves that have it
PER_CENT = 100.0  # the highest accuracy


def check_table(name: str, table: Table, *, short: bool = False) -> None:
    """Refuse what no single row shows: different curves of one label, groups in which no curve has three sizes.

    ``short``: curves of fewer will do.
    """
    keys: Table = table[KEYS].drop_duplicates()
    alike = keys.groupby(keys["domain"].str.cat([keys["task"], keys["architecture"]], sep="/"))
    twice = [
        f"{label} ({listed(map(repr, own.itertuples(index=False, name=None)), quote=False)})"
        for label, own in alike
        if len(own) > 1
    ]
    if twice:
        raise CurveContentError(
            f"{name}: found different curves that are one name when written as domain/task/architecture: "
            f"{listed(twice, quote=False)}; expected names that stay apart. Use another sign than / in one of them."
        )
    sizes = table.groupby(KEYS)["n"].nunique().groupby(level=["domain", "task"]).max()
    few = [f"{domain}/{task} (at most {most})" for (domain, task), most in sizes[sizes < 3].items()]
    if few and not short:
        raise CurveContentError(
            f"{name}: found no curve with three different sizes n in {listed(few, quote=False)}; expected "
            "at least one such curve per domain and task. Measure more sizes, or leave these groups out."
        )


def curve_notes(table: Table, turned: bool) -> list[Note]:
    """Remarks of reading about single curves; ``{}`` in a sentence counts the rows (or sizes) concerned."""
    metric = table.get("metric", pd.Series("", table.index, dtype="str")).str.lower()
    first, sizes = ~table.duplicated([*KEYS, "n"]), table.groupby(KEYS)["n"].transform("nunique")
    tested = table["n_test"] > 0 if "n_test" in table else False
    percent = (table["error"] > 1) & metric.str.contains("error rate|accuracy")
    named = metric.str.contains("accuracy")
    rising = "as accuracies do; if they are, add --score accuracy (and --percent where they are per cent)"
    if turned:
        rising = "though taken for scores; if the column holds errors, leave --score out"
    said = [
        ("repeats", ~first, "measurements at a size measured before: {}; kept as repeats"),
        ("few-sizes", first & (sizes < 3), "different sizes: {}; the curve borrows from others of its group"),
        (
            "binomial-skipped",
            ((table["error"] >= 1) | (table["error"] * table.get("n_test", np.nan) < LEAST_CASES)) & tested,
            "errors that are no share of n_test cases (1 or more, or less than half a case): {}; n_test is not used",
        ),
        (
            "error-sd",
            first & (table.get("error_sd", np.nan) > 0) & table.get("repeats", pd.Series(np.nan, table.index)).isna(),
            "sizes with error_sd and without repeats: {}; error_sd is taken as the scatter of one run, and each error "
            "as one run's. Where errors are means, --repeats says of how many runs",
        ),
        ("error-above-one", percent, "errors above 1: {}; the metric is a rate, so this may be percent"),
        (
            "accuracy",
            named & (not turned),
            "rows with accuracy as metric: {}; read as errors, turn them with --score accuracy",
        ),
        ("rising", first & ~named & _rising(table), "error rises over the sizes measured ({}), " + rising),
    ]
    notes = []
    for code, mask, text in said:
        for key, rows in table[mask].groupby(KEYS).size().items():
            label = "/".join(key)
            notes.append(Note(code, f"{label}: {text.format(rows)}", label))
    return notes


def _rising(table: Table) -> Bool[np.ndarray, " row"]:
    """Rows of curves that rise with size, where nearly all of their group do: errors fall, accuracies rise."""
    means: Table = table.groupby([*KEYS, "n"])["error"].mean()
    curves = means.groupby(level=KEYS)
    starts = np.flatnonzero(np.diff(curves.ngroup().to_numpy(), prepend=-1))
    each = (np.split(a, starts[1:]) for a in (means.to_numpy(), curves.rank().to_numpy()))
    rises = np.array([_rises(*own) for own in zip(*each, strict=True)])
    judged = np.diff(starts, append=len(means)) >= 3
    found = pd.DataFrame({"rises": rises, "judged": judged}, index=means.index[starts].droplevel("n"))
    of_group: Table = found[judged].groupby(level=KEYS[:2])["rises"].mean()
    nearly_all = of_group.reindex(found.index.droplevel("architecture")).to_numpy() >= NEARLY_ALL
    return (rises & judged & nearly_all)[table.groupby(KEYS).ngroup().to_numpy()]


def _rises(errors: Float[np.ndarray, " size"], ranks: Float[np.ndarray, " size"]) -> bool:
    """Whether one curve's mean errors, and their ranks, rise with size."""
    if len(errors) < 3 or ranks.min() == ranks.max() or errors.max() > PER_CENT:
        return False
    return bool(np.corrcoef(ranks, np.arange(len(ranks)))[0, 1] > RISING)
