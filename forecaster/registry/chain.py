"""An append-only file of records in which every record holds the hash of the one before.

Each line is one JSON object in canonical form: keys sorted, no blanks, numbers as Python writes them. Its ``hash`` is
the SHA-256 of that object without ``hash``; ``previous`` is the hash of the line before. Whoever changes, drops, moves
or repeats a line breaks the chain there. No chain notices that its last lines are gone, so the last hash stands in a
file beside it (the head), and is worth publishing: in a commit, an issue, an e-mail. A file on one's own disk proves
the order of records, not the time at which they were written; a published hash proves that as well.
"""

from __future__ import annotations

import hashlib
import json
import shutil
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from forecaster._support.atomic_files import write_whole
from forecaster.errors import RegistryError

SCHEMA = "forecaster-registry/1"
START = "0" * 64  # what the first record has in place of the hash before it
WAIT = 60.0  # seconds that a process waits for another one that is writing
FIELDS = {"schema", "sequence", "previous", "content", "hash"}
Content = Mapping[str, Any]


@dataclass(frozen=True)
class Record:
    """One line: its place (from 1), its hash, and what it says."""

    sequence: int
    hash: str
    content: Content


@dataclass(frozen=True)
class Break:
    """Where a chain is broken: the line (0: the file or its head), and what was found."""

    line: int
    found: str


@dataclass(frozen=True)
class Chain:
    """The records of a file up to the first fault, if any.

    ``behind`` is true where the head file is one record behind: a process was ended between writing the two.
    ``headless`` is true where there are records and no head file.
    """

    path: Path
    records: tuple[Record, ...] = ()
    broken: Break | None = None
    behind: bool = False
    headless: bool = False

    @property
    def head(self) -> str:
        """The hash of the last record."""
        return self.records[-1].hash if self.records else START


def canonical(value: Any) -> bytes:
    """JSON with sorted keys, no blanks and no NaN, as UTF-8: equal values give equal bytes.

    Examples
    --------
    >>> canonical({"b": 1, "a": [0.1]})
    b'{"a":[0.1],"b":1}'
    """
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False).encode()


def digest(record: Mapping[str, Any]) -> str:
    """SHA-256 (hex) of a record without its own hash."""
    return hashlib.sha256(canonical({k: v for k, v in record.items() if k != "hash"})).hexdigest()


def head_file(path: Path) -> Path:
    """Where the hash of the last record stands."""
    return path.with_name(f"{path.name}.head")


def read_chain(path: str | Path) -> Chain:
    """Read and check a chain, its head file included.

    Parameters
    ----------
    path : str or Path
        A file that :func:`append` wrote.

    Returns
    -------
    Chain
        Its records, or those before the first fault. A file that is not there holds no record.

    Raises
    ------
    OSError
        The file cannot be read.
    """
    path = Path(path)
    if not path.exists():
        lost = head_file(path).exists()
        return Chain(
            path, broken=Break(0, f"no such file, though its head {head_file(path)} is there") if lost else None
        )
    lines = path.read_bytes().split(b"\n")
    records: list[Record] = []
    previous = START
    for i, line in enumerate(lines[:-1], 1):
        found = _record(line, i, previous)
        if isinstance(found, str):
            return Chain(path, tuple(records), Break(i, found))
        records.append(found)
        previous = found.hash
    if lines[-1]:
        return Chain(path, tuple(records), Break(len(lines), "a line without an end, as an interrupted copy leaves it"))
    return _with_head(Chain(path, tuple(records)))


def _record(line: bytes, place: int, previous: str) -> Record | str:
    """The record of a line, or what is wrong with it."""
    try:
        read = json.loads(line)
        same = isinstance(read, dict) and canonical(read) == line
    except (ValueError, RecursionError):  # also bytes that are no UTF-8, and numbers with too many digits
        return "text that is no JSON"
    if not same or set(read) != FIELDS:
        return "a record that was edited: it is not in canonical form"
    if read["schema"] != SCHEMA:
        return f"a record of the layout {read['schema']!r}; expected {SCHEMA}"
    if digest(read) != read["hash"]:
        return "a record that was edited: its hash is not that of its content"
    if read["previous"] != previous or read["sequence"] != place:
        return (
            f"record {read['sequence']}, whose hash before it is {str(read['previous'])[:12]}; expected record {place} "
            f"after {previous[:12]}: a line was dropped, moved or repeated"
        )
    return Record(place, read["hash"], read["content"])


def _with_head(chain: Chain) -> Chain:
    """The chain beside what its head file says."""
    file = head_file(chain.path)
    if not file.exists():
        return replace(chain, headless=bool(chain.records))
    said = file.read_text(encoding="utf-8", errors="replace").strip()
    if said == chain.head:
        return chain
    if said == (chain.records[-2].hash if len(chain.records) > 1 else START) and chain.records:
        return replace(chain, behind=True)
    found = f"the head file {file} says {said[:12]}, but the last record is {chain.head[:12]}: last lines are missing"
    return replace(chain, broken=Break(0, f"{found}, or the head was edited"))


def append(path: str | Path, content_of: Callable[[int], Content]) -> Record:
    """Add a record; processes that do so at once wait for each other.

    Parameters
    ----------
    path : str or Path
        The file; made where it is not there.
    content_of : callable
        Gives what the record says from its place in the file, which starts from 1.

    Returns
    -------
    Record
        With its hash.

    Raises
    ------
    RegistryError
        The chain is broken, or another process has been writing for a minute. Nothing was written.
    """
    from filelock import FileLock, Timeout

    path = Path(path)
    lock = path.with_name(f".{path.name}.lock")
    try:
        with FileLock(lock, timeout=WAIT):
            return _appended(path, content_of)
    except Timeout:
        raise RegistryError(
            f"{path}: another process has been writing for {WAIT:.0f} s; wait for it, or remove {lock} where there is "
            "none"
        ) from None


def _appended(path: Path, content_of: Callable[[int], Content]) -> Record:
    chain = read_chain(path)
    if chain.broken is not None:
        raise RegistryError(
            f"{path}: {in_words(chain.broken)}. Nothing was added to a broken chain; get an unbroken copy, or begin "
            "another file"
        )
    place = len(chain.records) + 1
    record = {"schema": SCHEMA, "sequence": place, "previous": chain.head, "content": dict(content_of(place))}
    record["hash"] = digest(record)
    line = canonical(record) + b"\n"

    def write(temporary: str) -> None:
        if chain.records:
            shutil.copyfile(path, temporary)
        with open(temporary, "ab") as file:
            file.write(line)

    write_whole(path, write)
    write_whole(head_file(path), lambda temporary: Path(temporary).write_text(f"{record['hash']}\n", encoding="utf-8"))
    return Record(place, record["hash"], record["content"])


def in_words(broken: Break) -> str:
    """``line 3: found ...``."""
    return f"line {broken.line}: found {broken.found}" if broken.line else broken.found
