"""Request: what was asked of an import, and the command and the call that ask the same."""

from __future__ import annotations

import shlex
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from forecaster.curves.how_read import Command, HowRead
from forecaster.curves.importers.take import Take


@dataclass(frozen=True)
class Request:
    """What was asked of an import.

    Attributes
    ----------
    sources : tuple of Path
        Files and folders.
    how : HowRead
        Which columns serve as what, and how cells are taken; its source is the first of ``sources``.
    take, names, format : str, optional
        Which point counts; what the names of runs say; the one format to read.
    keep_unfinished : bool
        Whether runs that did not finish count.
    more : tuple of str
        Other options that were typed, for the commands that messages show.
    """

    sources: tuple[Path, ...]
    how: HowRead = field(default_factory=HowRead)
    take: str | None = None
    names: str | None = None
    format: str | None = None
    keep_unfinished: bool = False
    more: tuple[str, ...] = ()

    @property
    def name(self) -> str:
        """The source, as messages call it."""
        return self.how.source

    @property
    def taken(self) -> Take:
        return Take.of(self.take or "last")

    def options(self) -> tuple[str, ...]:
        """The other sources, and the options that are not about reading a table."""
        said = [*map(str, self.sources[1:])]
        for option, value in (("--names", self.names), ("--take", self.take), ("--format", self.format)):
            said += [option, value] if value is not None else []
        return (*said, *(["--keep-unfinished"] if self.keep_unfinished else []), *self.more)

    @property
    def typed(self) -> Command:
        """As messages about tables show commands."""
        return Command("import", self.options(), python=False)

    def command(self) -> str:
        """The whole command, quoted for a shell."""
        words = ["--map" if word == "--columns" else word for word in self.how.options()]
        return shlex.join(["forecaster", "import", self.name, *words, *self.options()])

    def lines(self) -> list[str]:
        """Both, as a message shows them."""
        return [f"  {self.command()}", f"  (in Python: {self.python()})"]

    def python(self) -> str:
        """The call in Python."""
        source = self.name if len(self.sources) == 1 else list(map(str, self.sources))
        given: dict[str, Any] = {k: v for k, v in self.how.arguments().items() if k in HANDED}
        given |= {
            "take": self.take,
            "names": self.names,
            "format": self.format,
            "keep_unfinished": self.keep_unfinished,
        }
        return f"import_runs({', '.join([repr(source), *(f'{k}={v!r}' for k, v in given.items() if v)])})"


HANDED = ("columns", "constants", "where", "score", "percent", "full_size", "decimal", "as_they_are")


def sources_of(source: str | Path | Iterable[str | Path]) -> tuple[Path, ...]:
    """One source or several, as paths."""
    return (Path(source),) if isinstance(source, str | Path) else tuple(map(Path, source))
