"""demo: memos on disk for every group of a posterior, and for the two examples that the package ships.

No statistics here: the memo module answers; this one names files and reports progress.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, time
from importlib.resources import as_file, files
from itertools import count
from pathlib import Path
from typing import Any

import pandas as pd

from forecaster._support.atomic_files import written_together
from forecaster.curves.learning_curves import LearningCurves
from forecaster.curves.reading.read import read_curves
from forecaster.evaluation.fitting import fit, fit_cached
from forecaster.inference.fit import Progress
from forecaster.inference.posterior import Posterior
from forecaster.monitoring.watch import watch
from forecaster.registry.chain import head_file
from forecaster.registry.register import register
from forecaster.registry.score import score
from forecaster.reports.memo import memo
from forecaster.reports.rendering import save_png
from forecaster.resources.prices.costs import Costs
from forecaster.resources.prices.costs_file import read_costs
from forecaster.results.columns import GROUP, Column, Columns, declared
from forecaster.results.result import Result, Shown


@dataclass(frozen=True)
class Example:
    """A shipped table of curves and the question its memo answers."""

    name: str
    target: float
    sizes: tuple[float, ...]
    title: str
    penalty: float | None = None  # with the price list that ships
    size_unit: str | None = None
    later: float | None = None  # sizes above are taken for runs of a later day, whose forecast is registered


EXAMPLES = (
    Example(
        "digits",
        0.003,
        (2400.0, 4800.0, 7200.0, 12_000.0),
        "Handwritten digits: should more images be labelled?",
        penalty=20_000.0,
        size_unit="images",
        later=600.0,
    ),
    Example("characters", 1.7, (3.4e7, 6.8e7, 1.7e8), "Source text: should more text be collected?"),
)
START = date(2027, 1, 4)  # on which the examples place their orders, so that their dates stay


@dataclass(frozen=True, eq=False, repr=False)
class Written(Result):
    """The files that memos were written to."""

    command = "memo"
    columns = declared(table=Columns("a file written", GROUP, Column("file", "text", "the path of the file")))

    def shown(self, most: int) -> Sequence[Shown]:
        """The documents and figures; the tables beside them in a line."""
        table: Any = self.table
        tables = table["file"].str.endswith(".csv")
        folders = ", ".join(dict.fromkeys(str(Path(file).parent) for file in table.loc[tables, "file"]))
        note = f"The tables behind their numbers, as CSV: {folders}" if folders else ""
        return (Shown(table[~tables].reset_index(drop=True), self.columns["table"], note=note),)


@dataclass(frozen=True, eq=False, repr=False)
class Demo(Written):
    """The files that the memos of the shipped examples were written to."""

    command = "demo"


def example_curves(name: str) -> LearningCurves:
    """The shipped curves ``digits`` or ``characters``."""
    with as_file(files("forecaster") / "examples" / f"{name}.csv") as path:
        found = read_curves(path)
    return replace(found, source=f"{name}.csv", reading=replace(found.reading, source=f"{name}.csv"))


def example_costs() -> Costs:
    """The shipped price list."""
    with as_file(files("forecaster") / "examples" / "costs.toml") as path:
        return read_costs(path)


def memos_of(
    posterior: Posterior,
    folder: Path,
    stem: str,
    *,
    tell: Progress,
    page: bool = False,
    pdf: bool = False,
    **options: Any,
) -> Written:
    """Write a memo for each group into ``folder``: ``stem``, with the task's name where there are several groups.

    With the interactive ``page`` of each, if asked. All of them, or none.
    """
    rows, checks = [], []
    names = [stem] if len(posterior.groups) == 1 else [f"{stem}-{s}" for s in slugs(posterior.groups)]
    with written_together(folder) as aside:
        for i, (group, name) in enumerate(zip(posterior.groups, names, strict=True)):
            tell("/".join(group), i / len(posterior.groups))
            found = memo(posterior, group, **options)
            files = [folder / file for file in found.write(aside, name, page=page, pdf=pdf)]
            rows += [{"domain": group[0], "task": group[1], "file": str(file)} for file in files]
            checks += [c for c in found.checks if c not in checks]
    table = pd.DataFrame(rows, columns=["domain", "task", "file"])
    return Written(table, "Each memo is written as Markdown and as HTML, with its figures and tables.", tuple(checks))


def run(
    folder: Path,
    only: str | None = None,
    *,
    cache: bool = True,
    pdf: bool = False,
    tell: Progress = lambda *_: None,
) -> Demo:
    """Fit both examples (or ``only`` one) and write their memos into ``folder``, with ``pdf`` as PDF, too."""
    chosen = [e for e in EXAMPLES if only in (None, e.name)]
    made = []
    for i, example in enumerate(chosen):
        tell(f"{example.name}: fitting", i / len(chosen))
        curves = example_curves(example.name)
        posterior = fit_cached(curves) if cache else fit(curves, cache=False)
        tell(f"{example.name}: writing the memo", (i + 0.6) / len(chosen))
        priced = {} if example.penalty is None else {"costs": example_costs(), "penalty": example.penalty}
        made.append(
            memos_of(
                posterior,
                folder,
                example.name,
                tell=lambda *_: None,
                page=True,
                pdf=pdf,
                sizes=example.sizes,
                target=example.target,
                title=example.title,
                size_unit=example.size_unit,
                start=START,
                **priced,
                command=f"forecaster demo --only {example.name}",
            )
        )
        if example.later is not None:
            tell(f"{example.name}: a forecast registered, scored and watched", (i + 0.8) / len(chosen))
            made.append(over_time(curves, example.later, folder, example.name, cache=cache))
    table = pd.concat([m.table for m in made], ignore_index=True)
    return Demo(table, made[0].text, tuple(c for m in made for c in m.checks))


def over_time(curves: LearningCurves, later: float, folder: Path, stem: str, *, cache: bool = True) -> Written:
    """A forecast of the sizes above ``later``, made without them, then scored and watched as if they had come since.

    Written are the file of the forecast with its head, what each verb said, and the figures of the last two.
    """
    known: Any = curves.table
    fitted, since = curves.with_rows(known[known["n"] <= later]), known[known["n"] > later]
    posterior = fit_cached(fitted) if cache else fit(fitted, cache=False)
    sizes = sorted(set(since["n"]))
    runs = int(since.groupby(["architecture", "n"]).size().min())
    names = [f"{stem}-forecasts.jsonl", head_file(Path(f"{stem}-forecasts.jsonl")).name, f"{stem}-record.md"]
    names += [f"{stem}-record.png", f"{stem}-watch.png"]
    with written_together(folder) as aside:
        file, made = aside / names[0], datetime.combine(START, time(), UTC)
        said = register(posterior, sizes, file, due=START.replace(year=START.year + 1), runs=runs, made_at=made)
        scored = score(file, since, head=said.hash, today=START)
        watched = watch(posterior, since)
        said_text = said.text.replace(str(file), names[0])
        (aside / names[2]).write_text(_story(stem, later, said_text, scored.text, watched.text), encoding="utf-8")
        save_png(scored.plot(), aside / names[3])
        save_png(watched.plot(), aside / names[4])
        for left in aside.glob(".*.lock"):
            left.unlink()
    rows = [{"domain": g[0], "task": g[1], "file": str(folder / name)} for g in curves.groups for name in names]
    return Written(pd.DataFrame(rows), scored.text, ())


def _story(stem: str, later: float, said: str, scored: str, watched: str) -> str:
    """What the three verbs said, as Markdown."""
    return "\n".join(
        [
            f"# {stem}: a forecast kept over time",
            "",
            f"Sizes above {later:,.0f} were left out, forecast, and taken for runs of a later day.",
            "",
            f"## Registered, in `{stem}-forecasts.jsonl`",
            "",
            *(f"- {line}" for line in said.splitlines()),
            "",
            "## Scored",
            "",
            scored,
            "",
            f"![Hits by level, and each outcome beside its forecast]({stem}-record.png)",
            "",
            "## Watched",
            "",
            watched,
            "",
            f"![New measurements beside the forecast, by curve]({stem}-watch.png)",
            "",
        ]
    )


def slugs(groups: Sequence[Sequence[str]]) -> list[str]:
    """A unique name for each group: where file names would be alike, later ones are numbered from 2 on."""
    plain = [_slug(" ".join(group)) for group in groups]
    taken, found = set(plain), list[str]()
    for name in plain:
        if name in found:
            name = next(n for k in count(2) if (n := f"{name}-{k}") not in taken)
        taken.add(name)
        found.append(name)
    return found


def _slug(text: str) -> str:
    return re.sub(r"[^a-z0-9]+", "-", text.lower()).strip("-") or "memo"
