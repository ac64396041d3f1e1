"""console: what a person at a terminal sees. Results go to stdout; notes, warnings and progress to stderr.

Tables fit in 100 columns. Columns that say the same in every row are said once, above the table.
"""

from __future__ import annotations

import json
import math
import sys
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from rich.console import Console

    from forecaster.curves import Note
    from forecaster.results import Check, Result

Table = Any  # a DataFrame; pandas' own annotations know no better
WIDTH = 100
LONG = 40  # characters; longer texts stand below their table
GAP = 3  # between columns
NAMED = 3  # curves that one line names
NAMES = ("name", "quantity", "domain", "task", "architecture", "a", "b", "n")  # what tells rows apart
PATIENCE = 2.0  # seconds before any progress is shown
EVERY = 10.0  # seconds between plain lines of progress, where there is no terminal
SAID_ONCE = ("domain", "task", "target", "level", "kind", "budget", "rope")
SHARES = ("p_", "already_met")  # columns of probabilities start so
COUNTED = ("inside", "prior_inside", "covered", "pairs_right")  # shares that were counted: they may be all, or none
HIDDEN = {  # columns that the terminal leaves out; files and JSON have all
    "requirement": ("horizon", "p_floor_above", "already_met"),
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
    "prior_inside",
)
CHOSEN = ("target", "rope", "decide_at")  # what the user gave, shown as given
STYLES = {"PASS": "green", "REVIEW": "yellow", "FAIL": "bold red"}


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
    from forecaster.results import SCHEMA

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
        say(f"Note: {named}{more}: {text}" if named else f"Note: {text}")


def print_checks(checks: Sequence[Check]) -> None:
    """Verdicts that are not PASS, on stderr: what was found and what to do."""
    for check in checks:
        if check.verdict != "PASS":
            said = _sentences([check.curve, f"{check.text}", check.next_step and f"Next: {check.next_step}"])
            say(f"{check.verdict}: {check.name}: {said}")


def beware(failures: Sequence[Check]) -> str:
    """What not to decide on: the curves, or groups, that ``failures`` are about; everything, where one names none."""
    named = list(dict.fromkeys(label for check in failures for label in check.curves))
    shown, more = ", ".join(named[:NAMED]), len(named) - NAMED
    of = f" of {shown}{f' and {more} more' if more > 0 else ''}"
    whose = "the numbers" + of if all(check.curves for check in failures) else "these numbers"
    return f"A check said FAIL: do not decide on {whose}."


# Tables --------------------------------------------------------------------------------------------


def print_result(result: Result) -> None:
    """The table of a result, then its text; a comparison also says who is best at each size, a check how well the
    model fits and what other priors would do.
    """
    methods = getattr(result, "totals", None)
    if methods is None:
        print_table(result.table.drop(columns=list(HIDDEN.get(result.command, ())), errors="ignore"))
    else:
        print_table(_judged(result.table))
        print_table(_methods(methods))
    best = getattr(result, "best", None)
    if best is not None and len(best) > 0:
        print_table(best)
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
            stdout().print(title, markup=False)
            print_table(table)
    stdout().print(result.text, markup=False)


def _judged(table: Table) -> Table:
    """The columns that a person reads of a backtest, one row a curve; the best of its rivals with its own error."""
    if "best_baseline" in table:
        from forecaster.backtest_tables import best_rmsle

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
    from forecaster.backtest_tables import FEWEST_PAIRS

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


def print_table(table: Table) -> None:
    """The table on stdout, in at most ``WIDTH`` columns; long texts stand below it, a paragraph each."""
    console = stdout()
    once = [c for c in SAID_ONCE if c in table and len(table) > 0 and table[c].nunique(dropna=False) == 1]
    if once:
        console.print(", ".join(f"{c} {cell(str(c), table[c].iloc[0])}" for c in once), markup=False)
    prose = [c for c in table if c not in once and table[c].map(_is_prose).any()]
    shown = table.drop(columns=[*once, *prose])
    if sum(_width(shown, c) for c in shown) > WIDTH:
        shown = _merged(shown)
    for part in _parts(shown):
        console.print(_rich(part))
    for row in table.to_dict("records") if prose else ():
        label = cell("", row[shown.columns[0]]) if len(table) > 1 and len(shown.columns) > 0 else str(prose[0])
        said = _sentences(f"Next: {row[c]}" if c == "next_step" and row[c] else row[c] for c in prose)
        if said:
            console.print(_paragraph(label, said))


def _sentences(values: Iterable[Any]) -> str:
    """Texts as one paragraph; one that the next repeats at its beginning, such as a curve's label, is left out."""
    texts = [value for value in values if isinstance(value, str) and value]
    kept = [text for text, after in zip(texts, [*texts[1:], ""], strict=True) if not after.startswith(text)]
    return " ".join(text if len(kept) == 1 or text.endswith((".", "?", "!")) else f"{text}." for text in kept)


def _merged(table: Table) -> Table:
    """Every quantity that has a lower and an upper bound in one column: ``0.74 (0.67 to 0.83)``."""
    out = {}
    for name in table:
        bounds = [f"{name}_lower", f"{name}_upper"]
        if all(bound in table for bound in bounds):
            rows = zip(*(table[c] for c in (name, *bounds)), strict=True)
            out[name] = ["{} ({} to {})".format(*(cell(str(name), v) for v in row)) for row in rows]
        elif not str(name).endswith(("_lower", "_upper")) or str(name)[:-6] not in table:
            out[name] = table[name]
    return table.__class__(out)


def _is_prose(value: Any) -> bool:
    return isinstance(value, str) and len(value) > LONG


def _paragraph(label: str, text: str) -> Any:
    """``label: text`` with its later lines indented."""
    from rich.table import Table as Grid
    from rich.text import Text

    grid = Grid.grid(padding=(0, 1))
    grid.add_column(no_wrap=True, style="bold")
    grid.add_column()
    grid.add_row(Text(f"{label}:"), Text(text))
    return grid


def _parts(table: Table) -> Iterator[Table]:
    """The table cut into pieces that fit the width; the names that tell rows apart stand in each piece."""
    width = {c: _width(table, c) for c in table}
    names = [c for c in NAMES if c in table]
    room = WIDTH - sum(width[c] for c in names)
    piece: list[Any] = []
    for column in (c for c in table if c not in names):
        if piece and sum(width[c] for c in piece) + width[column] > room:
            yield table[[*names, *piece]]
            piece = []
        piece.append(column)
    yield table[[*names, *piece]]


def _width(table: Table, column: Any) -> int:
    cells = [cell(str(column), v) for v in table[column]]
    return max([len(str(column)), *map(len, cells)]) + GAP


def _rich(table: Table) -> Any:
    from rich import box
    from rich import table as rich_table
    from rich.text import Text

    out = rich_table.Table(box=box.SIMPLE_HEAD, pad_edge=False, show_edge=False, padding=(0, 2, 0, 0))
    for name in table:
        numeric = table[name].dtype.kind in "fiu"
        out.add_column(str(name), justify="right" if numeric else "left", no_wrap=True, overflow="fold")
    for row in table.itertuples(index=False, name=None):
        cells = [cell(str(name), value) for name, value in zip(table.columns, row, strict=True)]
        out.add_row(*(Text(text, style=STYLES.get(text, "")) for text in cells))
    return out


def cell(column: str, value: Any) -> str:
    """A value as a person reads it: three digits, ``never`` for an infinite size, shares in percent."""
    if value is None or isinstance(value, str):
        return value or ""
    if isinstance(value, bool):
        return "yes" if value else "no"
    try:
        number = float(value)
    except (TypeError, ValueError):
        return str(value)
    if math.isnan(number):
        return "-"
    if math.isinf(number):
        return "never" if number > 0 else "0"
    if column == "level":
        return f"{100 * number:g} %"
    if column in CHOSEN:
        return f"{number:g}"
    if column in COUNTED:
        return f"{100 * number:.0f} %"
    if column.startswith(SHARES):
        return "<1 %" if number < 0.01 else ">99 %" if number > 0.99 else f"{100 * number:.0f} %"
    return str(int(number)) if _is_count(column, number) else digits(number)


def _is_count(column: str, number: float) -> bool:
    return column in ("points", "sizes", "seeds") or (number == int(number) and abs(number) < 1000)


def digits(number: float) -> str:
    """Three significant digits; thousands in full up to a million, then as 1.2e6."""
    size = abs(number)
    if size >= 1e6 or 0 < size < 1e-4:
        mantissa, _, exponent = f"{number:.2e}".partition("e")
        return f"{mantissa.rstrip('0').rstrip('.')}e{int(exponent)}"
    if size >= 1000:
        exact = number == int(number)
        return f"{int(number):,}" if exact else f"{round(number, 2 - math.floor(math.log10(size))):,.0f}"
    if size == 0:
        return "0"
    size = float(f"{size:.2e}")  # 0.9999 is 1.00
    return f"{number:.{max(0, 2 - math.floor(math.log10(size)))}f}"


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
