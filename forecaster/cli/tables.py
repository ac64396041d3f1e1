"""Tables as a terminal shows them.

The declared columns (``results/columns.py``) decide the layout. Columns that the question fixed are shown once, above
the table, where all rows agree. Names that leave no room for numbers are shortened and listed in full below.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import TYPE_CHECKING, Any

from forecaster._support.frames import Table
from forecaster.results.columns import WORDS, Column, Columns
from forecaster.results.short_names import shortened, width

if TYPE_CHECKING:
    from rich.console import Console

LONG_TEXT = 40  # columns of the terminal; longer texts stand below their table, longer names are shortened
SHORTEST = 24  # no name is made shorter than this
CROWDED = 64  # columns that the names of a row may take together
BETWEEN = 3  # between columns
STYLES = {"PASS": "green", "REVIEW": "yellow", "FAIL": "bold red"}


def print_table(
    console: Console, table: Table, columns: Columns, names: Mapping[str, str] | None = None
) -> dict[str, str]:
    """The table in the console's width; long texts stand below it, a paragraph each.

    Returns the full names behind shortened ones, added to those of earlier tables (``names``).
    """
    known = declarations(table, columns)
    once, prose, shown = _laid_out(table, known, console.width)
    if once:
        print_trimmed(console, ", ".join(f"{c} {cell(known[c], table[c].iloc[0])}" for c in once))
    shown, names = _named(shown, known, console.width, names or {})
    labels = [c for c in shown if known[c].key]
    if not prose or any(c not in labels for c in shown):  # names alone stand before their texts, too
        for part in _parts(shown, known, console.width):
            print_trimmed(console, _rich(part, known))
    labels = labels or list(shown.columns[:1])
    for row, own in zip(table.to_dict("records"), shown.to_dict("records"), strict=True) if prose else ():
        label = "/".join(cell(known[c], own[c]) for c in labels) if len(table) > 1 and labels else str(prose[0])
        said = sentences(f"Next: {row[c]}" if c == "next_step" and row[c] else row[c] for c in prose)
        if said:
            print_trimmed(console, _paragraph(label, said))
    return names


def print_trimmed(console: Console, what: Any) -> None:
    """Print without blanks at the ends of lines."""
    with console.capture() as captured:
        console.print(what, markup=False)
    text = re.sub(r" +((?:\x1b\[[0-9;]*m)*)$", r"\1", captured.get(), flags=re.M)
    console.file.write(text)


def declarations(table: Table, columns: Columns) -> dict[Any, Column]:
    """The declaration of each column of a table; of one that is not declared, by what it holds."""

    def guessed(name: Any) -> Column:
        return Column(str(name), "number" if table[name].dtype.kind in "fiu" else "text", "")

    return {name: columns.named(str(name)) or guessed(name) for name in table}


def _laid_out(table: Table, known: Mapping[Any, Column], room: int) -> tuple[list[Any], list[Any], Table]:
    """Columns shown once, columns of long texts, and the table of the others, with bounds merged if it is too wide."""
    kept = [c for c in table if known[c].terminal]
    once = [c for c in kept if known[c].given and len(table) > 0 and table[c].nunique(dropna=False) == 1]
    prose = [c for c in kept if c not in once and known[c].kind == "text" and table[c].map(_is_prose).any()]
    shown = table[[c for c in kept if c not in (*once, *prose)]]
    wide = sum(_width(shown, known[c], c) for c in shown) > room
    return once, prose, _merged(shown, known) if wide else shown


def as_printed(text: str, table: Table, columns: Columns, room: int) -> str:
    """The text beside a table, where bounds in brackets are not called by their columns' names."""
    shown = _laid_out(table, declarations(table, columns), room)[2]

    def said(found: re.Match[str]) -> str:
        bound = f"{found[1]}_lower"
        merged = bound in table and bound not in shown
        return f"the bounds in brackets beside {found[1]}" if merged else found[0]

    return re.sub(r"(\w+)_lower and \1_upper", said, text)


def print_names(console: Console, names: Mapping[str, str]) -> None:
    """Names in full, below the tables that shortened them."""
    if names:
        console.print("Names in full:")
    for short, name in names.items():
        print_trimmed(console, _paragraph(short, name))


def sentences(values: Iterable[Any]) -> str:
    """Texts as one paragraph; one that the next repeats at its beginning, such as a curve's label, is left out."""
    texts = [value for value in values if isinstance(value, str) and value]
    kept = [text for text, after in zip(texts, [*texts, ""][1:], strict=True) if not after.startswith(text)]
    return " ".join(text if len(kept) == 1 or text.endswith((".", "?", "!")) else f"{text}." for text in kept)


def _named(
    table: Table, known: Mapping[Any, Column], room: int, names: Mapping[str, str]
) -> tuple[Table, dict[str, str]]:
    """The table with its names shortened where it would not fit otherwise, and ``names`` with what those stand for."""
    columns = [c for c in table if known[c].kind == "name"]
    wide = {c: _width(table, known[c], c) for c in table}
    own = [wide[c] for c in columns]
    crowded = sum(own) > CROWDED or any(w > LONG_TEXT + BETWEEN for w in own)
    if not crowded or sum(wide.values()) <= room:
        return table, dict(names)
    left = room - sum(wide[c] for c in table if c not in columns)
    most = _most(own, left) or _most(own, min(CROWDED, room // 2)) or SHORTEST
    short = shortened((name for c in columns for name in table[c]), most)
    alike = short | {name: text for text, name in names.items() if name in short and width(text) <= most}
    if len(set(alike.values())) == len(alike):
        short = alike
    new = {text: name for name, text in short.items() if text != name}
    return table.assign(**{c: table[c].map(short) for c in columns}), {**names, **new}


def _most(wide: list[int], room: int) -> int:
    """The longest that names may be for their columns to fit the room; 0 where that is under ``SHORTEST``."""
    return next((m for m in range(LONG_TEXT, SHORTEST - 1, -1) if sum(min(w, m + BETWEEN) for w in wide) <= room), 0)


def _merged(table: Table, known: Mapping[Any, Column]) -> Table:
    """Every quantity that has a lower and an upper bound in one column: ``0.74 (0.67 to 0.83)``.

    Numbers no larger than the smallest that can be resolved (``least``) are shown as bounds: ``≤ 0.05``.
    """
    bounds = {(known[c].of, known[c].bound): c for c in table if known[c].bound}
    out = {}
    for name in table:
        ends = [bounds.get((name, end)) for end in ("lower", "upper")]
        if None not in ends:
            least = table.get(bounds.get((name, "least")), [-math.inf] * len(table))
            rows = zip(least, *(table[c] for c in (name, *ends)), strict=True)
            out[name] = ["{} ({} to {})".format(*(_told(known[name], v, low) for v in row)) for low, *row in rows]
        elif not known[name].bound or known[name].of not in table:
            out[name] = table[name]
    return table.__class__(out)


def _told(column: Column, value: float, least: float) -> str:
    return f"≤ {cell(column, value)}" if value <= least else cell(column, value)


def _is_prose(value: Any) -> bool:
    return isinstance(value, str) and len(value) > LONG_TEXT


def _paragraph(label: str, text: str) -> Any:
    """``label: text`` with its later lines indented."""
    from rich.table import Table as Grid
    from rich.text import Text

    grid = Grid.grid(padding=(0, 1))
    grid.add_column(no_wrap=True, style="bold")
    grid.add_column(overflow="fold")
    grid.add_row(Text(f"{label}:"), Text(text))
    return grid


def _parts(table: Table, known: Mapping[Any, Column], whole: int) -> Iterator[Table]:
    """The table cut into pieces that fit the width; each piece repeats the columns that identify rows."""
    wide = {c: _width(table, known[c], c) for c in table}
    names = [c for c in table if known[c].key]
    room = whole - sum(wide[c] for c in names)
    piece: list[Any] = []
    for column in (c for c in table if c not in names):
        if piece and sum(wide[c] for c in piece) + wide[column] > room:
            yield table[[*names, *piece]]
            piece = []
        piece.append(column)
    yield table[[*names, *piece]]


def _width(table: Table, column: Column, name: Any) -> int:
    return max([len(str(name)), *(width(cell(column, v)) for v in table[name])]) + BETWEEN


def _rich(table: Table, known: Mapping[Any, Column]) -> Any:
    from rich import box
    from rich import table as rich_table
    from rich.text import Text

    out = rich_table.Table(box=box.SIMPLE_HEAD, pad_edge=False, show_edge=False, padding=(0, 2, 0, 0))
    for name in table:
        numeric = known[name].kind not in WORDS and table[name].dtype.kind in "fiu"
        out.add_column(str(name), justify="right" if numeric else "left", no_wrap=True, overflow="fold")
    for row in table.itertuples(index=False, name=None):
        cells = ((known[name], cell(known[name], value)) for name, value in zip(table.columns, row, strict=True))
        out.add_row(*(Text(text, style=STYLES.get(text, "") if c.kind == "verdict" else "") for c, text in cells))
    return out


# Numbers ------------------------------------------------------------------------------------------


def cell(column: Column, value: Any) -> str:
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
    return _exact(column, number) if column.given else WRITTEN.get(column.kind, _number)(number)


def _exact(column: Column, number: float) -> str:
    """What the question fixed, as it was given."""
    if column.kind == "share":
        return f"{100 * number:g} %"
    return WRITTEN["size"](number) if column.kind == "size" else f"{number:g}"


def _chance(share: float) -> str:
    return "<1 %" if share < 0.01 else ">99 %" if share > 0.99 else f"{100 * share:.0f} %"


def _never(number: float) -> str:
    """A size, or a ratio of sizes: one that is infinite is never reached."""
    if math.isinf(number):
        return "never" if number > 0 else "0"
    return _number(number)


def _number(number: float) -> str:
    if math.isinf(number):
        return "inf" if number > 0 else "-inf"
    return str(int(number)) if number == int(number) and abs(number) < 1000 else digits(number)


WRITTEN: Mapping[str, Callable[[float], str]] = {  # by kind of column; all others by ``_number``
    "size": _never,
    "ratio": _never,
    "chance": _chance,
    "share": lambda share: f"{100 * share:.0f} %",
    "count": lambda count: f"{count:,.0f}",
    "flag": lambda flag: "yes" if flag else "no",
    "money": lambda money: f"{money:,.0f}" if abs(money) >= 100 or money == 0 else f"{money:.2f}",
}


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
