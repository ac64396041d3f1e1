"""console: what a person at a terminal sees. Results go to stdout; notes, warnings and progress to stderr.

Tables fit in 100 columns, and in fewer where the terminal has fewer.
"""

from __future__ import annotations

import json
import math
import re
import sys
import threading
import time
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from forecaster.cli.tables import as_printed, print_names, print_table, sentences

if TYPE_CHECKING:
    from rich.console import Console

    from forecaster.curves.learning_curves import Note
    from forecaster.results.check import Check
    from forecaster.results.result import Result

Table = Any  # a DataFrame; pandas' own annotations know no better
WIDTH = 100
NAMED = 3  # curves that one line names
ROWS = 30  # of a table that can tell which of more rows matter most
PATIENCE = 2.0  # seconds before any progress is shown
EVERY = 10.0  # seconds between plain lines of progress, where there is no terminal
HIDDEN = {  # columns that the terminal leaves out; files and JSON have all
    "requirement": ("horizon", "p_floor_above", "already_met", "p_risen"),
    "compare": (
        *("exponent_a", "exponent_a_lower", "exponent_a_upper", "exponent_b", "exponent_b_lower", "exponent_b_upper"),
        *("overlap", "p_clearly_steeper", "p_clearly_shallower", "decide_at", "crossover_q5", "crossover_q95"),
        *("p_better_finally", "horizon", "data_ratio_n"),
    ),
}
JUDGED = (  # columns of a backtest that the terminal shows, by curve; then by method
    *("domain", "task", "architecture", "points", "n_fit", "n_last"),
    *("rmsle", "best_baseline", "its_rmsle", "covered", "level"),
)
METHODS = ("method", "curves", "rmsle", "rmsle_median", "wins", "pairs_right", "requirement_factor")
FIT = (  # columns of a check's table on the fit that the terminal shows
    *("domain", "task", "architecture", "points", "inside", "p_surprise", "p_jump", "p_run", "p_bend"),
    "prior_inside_shape",
)


def stdout() -> Console:
    return _console(stderr=False)


def stderr() -> Console:
    return _console(stderr=True)


def _console(stderr: bool) -> Console:
    from rich.console import Console

    console = Console(stderr=stderr, highlight=False, soft_wrap=False)
    if not console.is_terminal or console.width > WIDTH:
        console = Console(stderr=stderr, highlight=False, width=WIDTH)
    return console


def say(text: str) -> None:
    """Plain text on stderr, as it is: a message may hold brackets and long paths."""
    print(text, file=sys.stderr, flush=True)


def print_json(value: Mapping[str, Any]) -> None:
    """One JSON object on stdout, on one line."""
    print(json.dumps(value, allow_nan=False), flush=True)


def print_error(error: Exception, command: str, as_json: bool) -> None:
    """The message on stderr; with ``--json`` also as the one object on stdout."""
    from forecaster.results.result import SCHEMA

    say(f"Error: {error}")
    if as_json:
        said = {"class": type(error).__name__, "message": str(error)}
        print_json({"schema": SCHEMA, "command": command, "error": said})


def print_notes(notes: Sequence[Note], leave_out: Sequence[str] = ()) -> None:
    """Remarks on stderr; one that many curves share is said once."""
    shared: dict[str, list[str]] = {}
    for note in notes:
        if note.code not in leave_out:
            shared.setdefault(note.text.removeprefix(f"{note.curve}: "), []).append(note.curve or "")
    for text, labels in shared.items():
        more = f" and {len(labels) - 2} more" if len(labels) > 2 else ""
        named = ", ".join(label for label in labels[:2] if label)
        each = " (each)" if len(labels) > 1 and any(mark.isdigit() for mark in text) else ""
        say(f"Note: {named}{more}{each}: {text}" if named else f"Note: {text}")


def print_checks(checks: Sequence[Check]) -> None:
    """Verdicts that are not PASS, on stderr: what was found and what to do."""
    for check in checks:
        if check.verdict != "PASS":
            said = sentences([check.curve, f"{check.text}", check.next_step and f"Next: {check.next_step}"])
            say(f"{check.verdict}: {check.name}: {said}")


def beware(failures: Sequence[Check]) -> str:
    """What not to decide on: the curves, or groups, that ``failures`` are about; everything, where one names none."""
    named = list(dict.fromkeys(label for check in failures for label in check.curves))
    shown, more = ", ".join(named[:NAMED]), len(named) - NAMED
    of = f" of {shown}{f' and {more} more' if more > 0 else ''}"
    whose = "the numbers" + of if all(check.curves for check in failures) else "these numbers"
    return f"A check said FAIL: do not decide on {whose}."


# Results -------------------------------------------------------------------------------------------


def print_result(result: Result) -> None:
    """The tables of a result, the names that they shorten, then its text."""
    names: dict[str, str] = {}
    text = result.text
    for title, table, note in _tables(result):
        if title:
            stdout().print(title, markup=False)
        names = print_table(stdout(), table, names)
        text = as_printed(text, table, stdout().width)
        if note:
            stdout().print(note, markup=False)
    print_names(stdout(), names)
    stdout().print(text, markup=False)


def _tables(result: Result) -> Iterator[tuple[str, Table, str]]:
    """What a terminal shows of a result, as (title, table, note): of a comparison also who is best at each size, of a
    check how well the model fits and what other priors would do.
    """
    methods = getattr(result, "totals", None)
    if methods is None:
        table, note = _leading(result)
        yield "", table.drop(columns=list(HIDDEN.get(result.command, ())), errors="ignore"), note
    else:
        yield "", _judged(result.table), ""
        yield "", _methods(methods), ""
    best = getattr(result, "best", None)
    if best is not None and len(best) > 0:
        yield "", *_likeliest(best)
    for title, table in (
        ("How well the model fits what was measured:", _fit(getattr(result, "fit", None))),
        (
            "The forecast, and how far other priors in the card (lower, higher) would move it:",
            _priors(getattr(result, "sensitivity", None)),
        ),
        (
            "How often the favoured architecture of a pair was the better one, by the chance it was given:",
            _chances(getattr(result, "chances", None)),
        ),
    ):
        if table is not None:
            yield title, table, ""


def _leading(result: Result) -> tuple[Table, str]:
    """The rows that matter most, of results that can tell and have more than ``ROWS``, with a word on the rest."""
    table, choose = result.table, getattr(result, "leading", None)
    if choose is None or len(table) <= ROWS:
        return table, ""
    what = "pairs, those of the architectures likeliest to be best" if "a" in table else "rows, the least data needed"
    return choose(ROWS), f"{ROWS} of {len(table):,} {what} first; --json or --output FILE.csv gives all."


def _likeliest(best: Table) -> tuple[Table, str]:
    """Of more than ``ROWS`` rows on who is best, the likeliest at each size."""
    keys = ["domain", "task", "n"]
    if len(best) <= ROWS:
        return best, ""
    each = max(ROWS // best[keys].drop_duplicates().shape[0], NAMED)
    shown = best.sort_values("p_best", ascending=False, kind="stable").groupby(keys, sort=False).head(each)
    shown = shown.assign(at=best.groupby(keys, sort=False).ngroup()).sort_values("at", kind="stable")
    return shown.drop(columns="at"), f"{len(shown)} of {len(best):,} rows, the likeliest to be best; --json gives all."


def _judged(table: Table) -> Table:
    """The columns that a person reads of a backtest, one row a curve; the best of its rivals with its own error."""
    if "best_baseline" in table:
        from forecaster.evaluation.tables import best_rmsle

        table = table.assign(its_rmsle=best_rmsle(table))
    return table[[c for c in JUDGED if c in table]]


def _methods(totals: Table) -> Table:
    """One row a method; the requirement's median as the factor that it is off by."""
    if "requirement_log2_ratio" in totals:
        totals = totals.assign(requirement_factor=2.0 ** totals["requirement_log2_ratio"])
    return totals[[c for c in METHODS if c in totals and totals[c].notna().any()]]


def _chances(table: Table | None) -> Table | None:
    """One row a range of chances, where there are pairs enough."""
    if table is None or table.empty:
        return None
    from forecaster.evaluation.tables import FEWEST_PAIRS

    if table["pairs"].sum() < FEWEST_PAIRS:
        return None

    def ranges(name: str) -> list[str]:
        ends = zip(table[f"{name}_low"], table[f"{name}_high"], strict=True)
        return [f"{100 * low:.0f} to {100 * high:.0f} %" for low, high in ends]

    shown = {"chance": ranges("chance"), "pairs": table["pairs"], "held": [f"{100 * v:.0f} %" for v in table["held"]]}
    return table.__class__(shown | {"if right, 9 times in 10": ranges("held")})


def _fit(table: Table | None) -> Table | None:
    """The columns that a person reads of how well the model fits, one row a curve."""
    if table is None or table.empty:
        return None
    return table[[c for c in FIT if c in table]]


def _priors(table: Table | None) -> Table | None:
    """One row a curve and size: the forecast, and how far it moves under the changes of each prior, or ``refit``."""
    if table is None or table.empty:
        return None
    keys = ["domain", "task", "architecture", "n"]
    rows = []
    for key, mine in table.groupby(keys, sort=False):
        row = dict(zip(keys, key, strict=True)) | {"yhat": mine["yhat"].iloc[0]}
        for prior, own in mine.iloc[1:].groupby("prior", sort=False):
            moves = [100.0 * (v / row["yhat"] - 1.0) for v in own["yhat"]]
            row[prior] = ", ".join("refit" if math.isnan(v) else f"{v:+.0f} %" for v in moves)
        rows.append(row)
    return table.__class__(rows)


# Progress ------------------------------------------------------------------------------------------


class _Progress:
    """What is being done and how far; shown by a thread of its own, so that a long compilation still shows."""

    def __init__(self, title: str) -> None:
        self.title, self.what, self.share = title, "", 0.0
        self.began = time.monotonic()
        self.stop = threading.Event()

    def tell(self, what: str, share: float) -> None:
        self.what, self.share = what, share

    def watch(self) -> None:
        if not self.stop.wait(PATIENCE):
            self._live() if sys.stderr.isatty() else self._lines()

    def _lines(self) -> None:
        while True:
            took = time.monotonic() - self.began
            say(f"{self.title}: {self.what or 'working'} ({100 * self.share:.0f} %, {took:.0f} s)")
            if self.stop.wait(EVERY):
                return

    def _live(self) -> None:
        from rich.progress import BarColumn, Progress, SpinnerColumn, TaskProgressColumn, TextColumn, TimeElapsedColumn

        text = TextColumn("{task.description}", markup=False)
        columns = (SpinnerColumn(), text, BarColumn(), TaskProgressColumn(), TimeElapsedColumn())
        with Progress(*columns, console=stderr(), transient=True) as bars:
            task = bars.add_task(self.title, total=1.0)
            while not self.stop.wait(0.2):
                bars.update(task, description=f"{self.title}: {self.what or 'working'}", completed=self.share)


@contextmanager
def letters_told() -> Iterator[None]:
    """Say once which letters figures show as boxes, in place of Matplotlib's warning for each."""
    missing: dict[str, None] = {}
    with warnings.catch_warnings():
        usual = warnings.showwarning

        def show(message: Warning | str, *rest: Any) -> None:
            letter = re.match(r"Glyph (\d+) .* missing from", str(message))
            if letter is None:
                usual(message, *rest)
            else:
                missing[chr(int(letter[1]))] = None

        warnings.showwarning = show
        yield
    if missing:
        say(
            f"Note: no font on this machine has {', '.join(missing)}; the figure shows a box for each. "
            "Install one that does, such as Noto Sans CJK or Noto Emoji, and draw it again."
        )


@contextmanager
def progress(title: str) -> Iterator[Callable[[str, float], None]]:
    """Give a function ``tell(what, share)``; nothing shows unless the work takes longer than two seconds."""
    state = _Progress(title)
    thread = threading.Thread(target=state.watch, daemon=True)
    thread.start()
    try:
        yield state.tell
    finally:
        state.stop.set()
        thread.join()
