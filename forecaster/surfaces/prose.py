"""Answers of a surface in sentences."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from forecaster.results.message import Message, message
from forecaster.results.wording import counted, percent, plain_size, times_in
from forecaster.surfaces.fitted import Surface

POINTS_TOLD = 3  # points or computes that sentences are made of; the table has all
KINDS = {"mean": "the average over runs", "new-run": "one new run"}


def of_points(surface: Surface, rows: Sequence[Mapping[str, Any]]) -> list[Message]:
    """What the loss will be, and what more data alone can do for a model."""
    said = []
    for row in rows[:POINTS_TOLD]:
        text = (
            f"{surface.design.label}: a model of {plain_size(row['params'])} parameters on {plain_size(row['n'])} of "
            f"data comes to a loss of {_between(row, 'yhat', 'yhat', '.4g')}."
        )
        said.append(message("surface-point", text, **{k: row[k] for k in ("n", "params", "yhat")}))
    for params in list(dict.fromkeys(row["params"] for row in rows))[:POINTS_TOLD]:
        limit = float(np.exp(np.median(surface.log_limit(params))))
        text = f"By the law, data without end would bring {plain_size(params)} parameters to {limit:.4g}."
        said.append(message("surface-limit", text, params=params, limit=limit))
    return said


def of_optimum(surface: Surface, rows: Sequence[Mapping[str, Any]]) -> list[Message]:
    """How to spend each compute, and where that is not known."""
    said = []
    for row in rows[:POINTS_TOLD]:
        text = (
            f"{surface.design.label}: {row['flops']:.3g} FLOPs are spent best on "
            f"{_between(row, 'params_q50', 'params', '.3g')} parameters and {_between(row, 'n_q50', 'n', '.3g')} of "
            f"data, {row['n_q50'] / row['params_q50']:.3g} a parameter; the loss comes to "
            f"{_between(row, 'error_q50', 'error', '.4g')}."
        )
        if row["p_outside_data"] >= 0.05:
            text += f" The optimum lies outside the measured runs with probability {percent(row['p_outside_data'])}."
        named = ("flops", "params_q50", "n_q50", "error_q50", "p_outside_data")
        said.append(message("surface-optimum", text, **{k: row[k] for k in named}))
    if len(rows) > POINTS_TOLD:
        said.append(
            message("surface-more", f"The table has {counted(len(rows) - POINTS_TOLD, 'more row')}.", rows=len(rows))
        )
    return said


def _between(row: Mapping[str, Any], middle: str, of: str, form: str) -> str:
    """``2.29 (2.28 to 2.30)``."""
    told = (
        f"{row[name]:{form}}".replace("e+", "e").replace("e0", "e") for name in (middle, f"{of}_lower", f"{of}_upper")
    )
    return "{} ({} to {})".format(*told)


def of_level(level: float, kind: str = "mean") -> Message:
    """What is forecast, and what an interval covers."""
    text = f"Losses are {KINDS[kind]}. An interval should hold the truth {times_in(level)}."
    return message("surface-level", text, level=level)
