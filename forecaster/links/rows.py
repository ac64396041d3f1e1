"""Rows of the tables of a task and its link."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
from jaxtyping import Float

from forecaster._support.streams import stream
from forecaster.inference.posterior import Posterior
from forecaster.links.fit import REASONS, FittedLink
from forecaster.links.following import LinkEvidence
from forecaster.links.pairs import Pairs
from forecaster.prediction.curve_keys import CurveKey, chosen_keys
from forecaster.prediction.forecast import log_errors

LINK, WEIGH, FIT = range(3)  # uses of random numbers


def row_at_loss(one: Pairs, fitted: FittedLink, loss: float, level: float, seed: int) -> dict[str, Any]:
    drawn = np.full(fitted.draws, loss)
    return _row(one, fitted, drawn, {}, level, stream(f"{'/'.join(one.group)}/{loss!r}", seed, WEIGH))


def rows_at_sizes(
    posterior: Posterior,
    one: Pairs,
    fitted: FittedLink,
    sizes: Sequence[float],
    curves: Sequence[CurveKey | str] | None,
    level: float,
    seed: int,
) -> list[dict[str, Any]]:
    """Rows of the sizes of each curve of the loss: draw by draw, a loss goes through a link."""
    rows, n = [], np.array(sizes, dtype=float)
    keys = [key for key in chosen_keys(posterior, curves) if key.group == (one.group[0], one.loss_task)]
    for key in keys if len(n) else []:
        losses = np.exp(log_errors(posterior, key, n, seed=seed))
        rng = stream(f"{'/'.join(one.group)}/{key.label}", seed, WEIGH)
        for i, size in enumerate(n.tolist()):
            rows.append(_row(one, fitted, losses[:, i], {"architecture": key.architecture, "n": size}, level, rng))
    return rows


def _row(
    one: Pairs,
    fitted: FittedLink,
    losses: Float[np.ndarray, " draw"],
    named: dict[str, Any],
    level: float,
    rng: np.random.Generator,
) -> dict[str, Any]:
    from forecaster.links.link import drawn_runs

    shares = [0.5, 0.5 - level / 2, 0.5 + level / 2]
    rate = fitted.link.along(losses[:, None])
    usual = float(np.median(one.runs.cases))  # NaN where not known
    shown = drawn_runs(rate, fitted.link.scatter, np.array([usual]), rng)
    (loss, low, high), (middle, lower, upper) = np.quantile(losses, shares), np.quantile(rate, shares)
    run_lower, run_upper = np.quantile(shown, shares[1:])
    measured = one.runs.loss
    return {
        "domain": one.group[0],
        "task": one.group[1],
        **named,
        "loss": loss,
        **({"loss_lower": low, "loss_upper": high} if named else {}),
        "yhat": middle,
        "yhat_lower": lower,
        "yhat_upper": upper,
        "run_lower": run_lower,
        "run_upper": run_upper,
        "level": level,
        "below": max(float(measured.min()) - loss, 0.0) / float(np.ptp(measured)),
    }


def link_row(one: Pairs, fitted: FittedLink, evidence: LinkEvidence) -> dict[str, Any]:
    loss, hidden = one.runs.loss, evidence.hidden
    reach = float((loss[~hidden].min() - loss.min()) / np.ptp(loss[~hidden])) if hidden.any() else 0.0
    names = ("inside", "surprise", "gain", "order", "order_chance", "explained", "moved_chance")
    return {
        "domain": one.group[0],
        "task": one.group[1],
        "verdict": evidence.verdict,
        "why": evidence.why,
        "runs": len(one.runs),
        "unmatched": one.unmatched,
        "hidden": int(hidden.sum()),
        **{name: getattr(evidence, name) for name in names},
        "reach": reach,
        "k": float(np.fmax(fitted.k, evidence.k)),
        "ess": fitted.ess,
    }


def parameter_rows(one: Pairs, fitted: FittedLink, level: float) -> list[dict[str, Any]]:
    rows = []
    for name, reason in REASONS.items():
        middle, low, high = np.quantile(getattr(fitted.link, name), [0.5, 0.5 - level / 2, 0.5 + level / 2])
        row = {"domain": one.group[0], "task": one.group[1], "parameter": name}
        row |= {"value": middle, "value_lower": low, "value_upper": high, "level": level}
        rows.append(row | {"prior": reason.prior, "source": reason.source})
    return rows


def run_rows(one: Pairs, evidence: LinkEvidence) -> pd.DataFrame:
    table = one.table[["domain", "task", "architecture", "n", "loss", "error"]].assign(hidden=evidence.hidden)
    for name, values in zip(("foretold", "foretold_lower", "foretold_upper"), evidence.forecast, strict=True):
        table[name] = np.nan
        table.loc[evidence.hidden, name] = values
    return table
