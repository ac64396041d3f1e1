"""Memos on surfaces, written to files: all of them, or none."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pandas as pd

from forecaster._support.atomic_files import written_together
from forecaster.inference.fit import Progress
from forecaster.reports.examples import Written, slugs
from forecaster.reports.two_axes.memo import surface_memo
from forecaster.results.check import Check
from forecaster.surfaces.fitted import Surface


def surface_memos(
    surfaces: Sequence[Surface],
    folder: Path,
    stem: str,
    *,
    tell: Progress,
    page: bool = False,
    pdf: bool = False,
    **options: Any,
) -> Written:
    """Write a memo for each surface into ``folder``: ``stem``, with the surface's name where there are several.

    With the interactive ``page`` of each, if asked. All of them, or none.
    """
    rows: list[dict[str, str]] = []
    checks: list[Check] = []
    names = [stem] if len(surfaces) == 1 else [f"{stem}-{s}" for s in slugs([one.design.key for one in surfaces])]
    with written_together(folder) as aside:
        for i, (one, name) in enumerate(zip(surfaces, names, strict=True)):
            tell(one.design.label, i / len(surfaces))
            found = surface_memo(one, **options)
            own = {"domain": one.design.domain, "task": one.design.task}
            rows += [own | {"file": str(folder / file)} for file in found.write(aside, name, page=page, pdf=pdf)]
            checks += [c for c in found.checks if c not in checks]
    table = pd.DataFrame(rows, columns=["domain", "task", "file"])
    return Written(table, "Each memo is written as Markdown and as HTML, with its figures and tables.", tuple(checks))
