"""console: what a person at a terminal sees. Results go to stdout; notes, warnings and progress to stderr.

Tables fit in 100 columns, and in fewer where the terminal has fewer.
"""

from __future__ import annotations

import itertools
import json
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from forecaster.cli.tables import as_printed, print_names, print_table, print_trimmed, sentences

if TYPE_CHECKING:
    from rich.console import Console

    from forecaster.curves.learning_curves import Note
    from forecaster.results.check import Check
    from forecaster.results.result import Result

WIDTH = 100
CURVES_NAMED = 3  # curves that one line names
ROWS = 30  # of a table whose result can tell which of more rows matter most
PATIENCE = 2.0  # seconds before any progress is shown
PROGRESS_SECONDS = 10.0  # seconds between plain lines of progress, where there is no terminal


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
    """A warning not to decide on the curves or groups that failed; on any, where a failed check names none."""
    named = list(dict.fromkeys(label for check in failures for label in check.curves))
    shown, more = ", ".join(named[:CURVES_NAMED]), len(named) - CURVES_NAMED
    of = f" of {shown}{f' and {more} more' if more > 0 else ''}"
    whose = "the numbers" + of if all(check.curves for check in failures) else "these numbers"
    return f"A check failed: do not decide on {whose}."


# Results -------------------------------------------------------------------------------------------


def print_result(result: Result) -> None:
    """The tables of a result, the names that they shorten, then its text."""
    names: dict[str, str] = {}
    text, out = result.text, stdout()
    for shown in result.shown(ROWS):
        if shown.caption:
            print_trimmed(out, shown.caption)
        names = print_table(out, shown.table, shown.columns, names)
        text = as_printed(text, shown.table, shown.columns, out.width)
        if shown.note:
            print_trimmed(out, shown.note)
    print_names(out, names)
    for whole, lines in itertools.groupby(text.splitlines(), lambda line: line.startswith("  forecaster ")):
        said = "\n".join(lines)
        print(said, flush=True) if whole else print_trimmed(out, said)  # a command is pasted: it is never broken


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
            if self.stop.wait(PROGRESS_SECONDS):
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
