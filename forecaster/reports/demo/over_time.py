"""A forecast of a shipped example, registered, scored and watched as if its largest sizes had come since."""

from __future__ import annotations

from datetime import UTC, datetime, time
from pathlib import Path
from typing import Any

import pandas as pd

from forecaster._support.atomic_files import written_together
from forecaster.curves.learning_curves import LearningCurves
from forecaster.evaluation.fitting import fit, fit_cached
from forecaster.monitoring.watch import watch
from forecaster.registry.chain import head_file
from forecaster.registry.register import register
from forecaster.registry.score import score
from forecaster.reports.examples import START, Written
from forecaster.reports.rendering import save_png


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
