"""verify: is a file of registered forecasts whole, unedited and in order?"""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

import pandas as pd

from forecaster.errors import RegistryError, RequestError
from forecaster.registry.chain import Break, Chain, in_words, read_chain
from forecaster.results.check import FAIL, PASS, REVIEW, Check
from forecaster.results.columns import Column, Columns, declared
from forecaster.results.message import message
from forecaster.results.result import Result
from forecaster.results.wording import counted

SHORTEST = 8  # digits of a hash that may stand for it


@dataclass(frozen=True, eq=False, repr=False)
class Verification(Result):
    """The records of a file, and whether their chain holds."""

    intact: bool = True
    head: str = ""

    command = "verify"
    columns = declared(
        table=Columns(
            "a record",
            Column("line", "count", "its line in the file"),
            Column("forecast_id", "text", "its name"),
            Column("made_at", "text", "date and time that its writer gave, UTC"),
            Column("due", "date", "when outcomes are due"),
            Column("points", "count", "curves and sizes forecast"),
            Column("hash", "text", "its SHA-256, which the next record repeats"),
        )
    )
    keys = declared(
        intact="whether no record was edited, dropped, moved or repeated",
        head="hash of the last record: publish it",
    )


def verify(path: str | Path, *, head: str | None = None) -> Verification:
    """Check a file of registered forecasts.

    Parameters
    ----------
    path : str or Path
        What :func:`forecaster.register` wrote.
    head : str, optional
        A hash that was published, or its first eight digits or more. The record that it belongs to must be there: so
        nothing up to it was changed since. Records after it may have been added.

    Returns
    -------
    Verification
        ``intact`` says whether the chain holds; the check ``chain`` says FAIL where it does not, and where.

    Raises
    ------
    RegistryError
        There is no such file.
    RequestError
        ``head`` is no hash.

    Examples
    --------
    >>> import forecaster
    >>> forecaster.verify("forecasts.jsonl", head="9f86d081").intact  # doctest: +SKIP
    True
    """
    chain = checked(read_chain(path), head)
    if not chain.path.exists() and chain.broken is None:
        raise RegistryError(f"{path}: found no such file; expected one that `forecaster register` wrote")
    rows = [
        {
            "line": one.sequence,
            **{name: one.content.get(name) for name in ("forecast_id", "made_at", "due")},
            "points": len(one.content.get("points", ())),
            "hash": one.hash,
        }
        for one in chain.records
    ]
    found = chain_check(chain)
    table = pd.DataFrame(rows, columns=list(Verification.columns["table"].names))
    return Verification(table, found.message.text, (found,), chain.broken is None, chain.head)


def checked(chain: Chain, head: str | None) -> Chain:
    """The chain beside a published hash; broken where no record has it."""
    if head is None:
        return chain
    wanted = head.strip().lower()
    if len(wanted) < SHORTEST or set(wanted) - set("0123456789abcdef"):
        raise RequestError(f"head: found {head!r}; expected a hash, or its first {SHORTEST} digits or more")
    if chain.broken is None and not any(one.hash.startswith(wanted) for one in chain.records):
        found = f"no record has the published hash {wanted[:12]}: last lines are missing, or all were written anew"
        return replace(chain, broken=Break(0, found))
    return chain


def chain_check(chain: Chain) -> Check:
    """The verdict on a chain."""
    count = len(chain.records)
    if chain.broken is not None:
        said = in_words(chain.broken)
        text = f"{chain.path}: the chain is broken. {said[0].upper()}{said[1:]}"
        text += f" ({counted(count, 'record')} before it {'is' if count == 1 else 'are'} unbroken)."
        return Check("chain", FAIL, message("broken", text, line=chain.broken.line), "get an unedited copy of the file")
    whole = f"{chain.path}: {counted(count, 'record')}, unbroken; the last hash is {chain.head}."
    if chain.headless:
        text = f"{whole} There is no head file, so last lines may be missing."
        return Check("chain", REVIEW, message("headless", text), "compare with a published hash: verify --head HASH")
    if chain.behind:
        text = f"{whole} The head file is one record behind, as where a process was ended while it wrote."
        return Check("chain", REVIEW, message("behind", text), "register once more, which writes the head file anew")
    return Check("chain", PASS, message("unbroken", whole, records=count))
