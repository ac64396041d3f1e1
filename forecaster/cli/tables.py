"""Tables as a terminal shows them: what fits, what is said once, how numbers are written.

Columns that say the same in every row are said once, above the table. Names that leave no room for the numbers are
shortened; who prints the table tells them in full.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Iterator, Mapping
from typing import TYPE_CHECKING, Any

from forecaster.results.short_names import shortened, width

if TYPE_CHECKING:
    from rich.console import Console

Table = Any  # a DataFrame; pandas' own annotations know no better
LONG = 40  # columns of the terminal; longer texts stand below their table, longer names are shortened
SHORT = 24  # no name is made shorter than this
CROWDED = 64  # columns that the names of a row may take together
GAP = 3  # between columns
CURVES = ("domain", "task", "architecture", "a", "b")  # columns of names that the user gave
NAMES = ("name", "quantity", *CURVES, "n")  # what tells rows apart
SAID_ONCE = ("domain", "task", "target", "level", "kind", "budget", "rope")
SHARES = ("p_", "already_met")  # columns of probabilities start so
# Shares that were counted: they may be all, or none.
COUNTED = ("inside", "prior_inside", "prior_inside_shape", "covered", "pairs_right")
CHOSEN = ("target", "rope", "decide_at")  # what the user gave, shown as given
STYLES = {"PASS": "green", "REVIEW": "yellow", "FAIL": "bold red"}


def print_table(console: Console, table: Table, names: Mapping[str, str] | None = None) -> dict[str, str]:
    """The table in the console's width; long texts stand below it, a paragraph each.

    Gives back what its shortened names stand for, added to those of tables before it (``names``).
    """
    once, prose, shown = _laid_out(table, console.width)
    if once:
        console.print(", ".join(f"{c} {cell(str(c), table[c].iloc[0])}" for c in once), markup=False)
    shown, names = _named(shown, console.width, names or {})
    if not prose or any(c not in NAMES for c in shown):  # names alone stand before their texts, too
        for part in _parts(shown, console.width):
            console.print(_rich(part))
    labels = [c for c in shown if c in NAMES] or list(shown.columns[:1])
    for row, own in zip(table.to_dict("records"), shown.to_dict("records"), strict=True) if prose else ():
        label = "/".join(cell("", own[c]) for c in labels) if len(table) > 1 and labels else str(prose[0])
        said = sentences(f"Next: {row[c]}" if c == "next_step" and row[c] else row[c] for c in prose)
        if said:
            console.print(_paragraph(label, said))
    return names


def _laid_out(table: Table, room: int) -> tuple[list[Any], list[Any], Table]:
    """Columns to be said once, columns of long texts, and the table of the others, bounds merged where they need be."""
    once = [c for c in SAID_ONCE if c in table and len(table) > 0 and table[c].nunique(dropna=False) == 1]
    prose = [c for c in table if c not in (*once, *CURVES) and table[c].map(_is_prose).any()]
    shown = table.drop(columns=[*once, *prose])
    wide = sum(_width(shown, c) for c in shown) > room
    return once, prose, _merged(shown) if wide else shown


def as_printed(text: str, table: Table, room: int) -> str:
    """The text beside a table: bounds that stand in brackets there are not called by names of columns."""

    def said(found: re.Match[str]) -> str:
        bound, shown = f"{found[1]}_lower", _laid_out(table, room)[2]
        merged = bound in table and bound not in shown
        return f"the bounds in brackets beside {found[1]}" if merged else found[0]

    return re.sub(r"(\w+)_lower and \1_upper", said, text)


def print_names(console: Console, names: Mapping[str, str]) -> None:
    """Names in full, below the tables that shortened them."""
    if names:
        console.print("Names in full:")
    for short, name in names.items():
        console.print(_paragraph(short, name))


def sentences(values: Iterable[Any]) -> str:
    """Texts as one paragraph; one that the next repeats at its beginning, such as a curve's label, is left out."""
    texts = [value for value in values if isinstance(value, str) and value]
    kept = [text for text, after in zip(texts, [*texts[1:], ""], strict=True) if not after.startswith(text)]
    return " ".join(text if len(kept) == 1 or text.endswith((".", "?", "!")) else f"{text}." for text in kept)


def _named(table: Table, room: int, names: Mapping[str, str]) -> tuple[Table, dict[str, str]]:
    """The table with its names shortened where it would not fit otherwise, and ``names`` with what those stand for."""
    columns = [c for c in CURVES if c in table]
    wide = {c: _width(table, c) for c in table}
    own = [wide[c] for c in columns]
    crowded = sum(own) > CROWDED or any(w > LONG + GAP for w in own)
    if not crowded or sum(wide.values()) <= room:
        return table, dict(names)
    left = room - sum(wide[c] for c in table if c not in columns)
    most = _most(own, left) or _most(own, min(CROWDED, room // 2)) or SHORT
    short = shortened((name for c in columns for name in table[c]), most)
    alike = short | {name: text for text, name in names.items() if name in short and width(text) <= most}
    if len(set(alike.values())) == len(alike):
        short = alike
    new = {text: name for name, text in short.items() if text != name}
    return table.assign(**{c: table[c].map(short) for c in columns}), {**names, **new}


def _most(wide: list[int], room: int) -> int:
    """The longest that names may be for their columns to fit the room; 0 where they would be shorter than ``SHORT``."""
    return next((m for m in range(LONG, SHORT - 1, -1) if sum(min(w, m + GAP) for w in wide) <= room), 0)


def _merged(table: Table) -> Table:
    """Every quantity that has a lower and an upper bound in one column: ``0.74 (0.67 to 0.83)``.

    Numbers no larger than the smallest that can be told, ``_least``, are shown as bounds: ``≤ 0.05``.
    """
    out = {}
    for name in table:
        bounds = [f"{name}_lower", f"{name}_upper"]
        if all(bound in table for bound in bounds):
            least = table.get(f"{name}_least", [-math.inf] * len(table))
            rows = zip(least, *(table[c] for c in (name, *bounds)), strict=True)
            out[name] = ["{} ({} to {})".format(*(_told(str(name), v, low) for v in row)) for low, *row in rows]
        elif not (found := re.fullmatch(r"(.+)_(?:lower|upper|least)", str(name))) or found[1] not in table:
            out[name] = table[name]
    return table.__class__(out)


def _told(column: str, value: float, least: float) -> str:
    return f"≤ {cell(column, value)}" if value <= least else cell(column, value)


def _is_prose(value: Any) -> bool:
    return isinstance(value, str) and len(value) > LONG


def _paragraph(label: str, text: str) -> Any:
    """``label: text`` with its later lines indented."""
    from rich.table import Table as Grid
    from rich.text import Text

    grid = Grid.grid(padding=(0, 1))
    grid.add_column(no_wrap=True, style="bold")
    grid.add_column(overflow="fold")
    grid.add_row(Text(f"{label}:"), Text(text))
    return grid


def _parts(table: Table, whole: int) -> Iterator[Table]:
    """The table cut into pieces that fit the whole width; the names that tell rows apart stand in each piece."""
    wide = {c: _width(table, c) for c in table}
    names = [c for c in NAMES if c in table]
    room = whole - sum(wide[c] for c in names)
    piece: list[Any] = []
    for column in (c for c in table if c not in names):
        if piece and sum(wide[c] for c in piece) + wide[column] > room:
            yield table[[*names, *piece]]
            piece = []
        piece.append(column)
    yield table[[*names, *piece]]


def _width(table: Table, column: Any) -> int:
    cells = [cell(str(column), v) for v in table[column]]
    return max([len(str(column)), *map(width, cells)]) + GAP


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
