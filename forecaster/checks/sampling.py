"""Checks of the sampler: do the draws represent the posterior?"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import NamedTuple

import numpy as np

from forecaster.checks.limits import DIVERGENCES, ESS, MEMORY, R_HAT, TAILS, Limits, worst_of
from forecaster.inference.diagnostics import SUMMARISED
from forecaster.inference.posterior import Posterior
from forecaster.results.check import FAIL, PASS, Check
from forecaster.results.message import Message, message

MORE_DRAWS = "fit again with more draws (`fit --draws`)"
REFERENCE = "the reference engine (`--engine nuts`)"
MORE_OR_REFERENCE = f"{MORE_DRAWS} or with {REFERENCE}"


def sampling(posterior: Posterior) -> Iterator[Check]:
    """Finite draws, R-hat and effective sample sizes."""
    finite = {str(k): bool(np.isfinite(v.values).all()) for k, v in posterior.tree["posterior"].data_vars.items()}
    broken = [name for name, fine in finite.items() if not fine]
    if broken:
        found = message("not-finite", f"some draws of {', '.join(broken)} are not finite numbers", quantities=broken)
        yield Check("finite-draws", FAIL, found, f"fit again with {REFERENCE} and report this as a fault")
    else:
        yield Check("finite-draws", PASS, message("finite", "all draws are finite numbers"))
    found = posterior.diagnostics()
    read = found["quantity"].isin(SUMMARISED)
    found["ess"] = found["ess_bulk"].where(~read, np.fmin(found["ess_bulk"], found["ess_tail"]))
    found["tail"] = found["ess_tail"].mask(read)
    for id, column, limits, shown, fine, step in (
        (
            "r-hat", "r_hat", R_HAT, lambda v: f"R-hat of {{quantity}} is {v:.3f}",
            lambda v: f"the chains agree (largest R-hat {v:.3f})", f"{MORE_DRAWS}; if it stays high, with {REFERENCE}",
        ),
        (
            "ess", "ess", ESS, lambda v: f"the effective sample size of {{quantity}} is {v:,.0f}",
            lambda v: f"the effective sample size is sufficient (minimum {v:,.0f})",
            MORE_DRAWS,
        ),
        (
            "tail-ess", "tail", TAILS, lambda v: f"the tail effective sample size of {{quantity}} is {v:,.0f}",
            lambda v: f"the tail effective sample size of nuisance parameters is sufficient (minimum {v:,.0f})",
            MORE_DRAWS,
        ),
    ):  # fmt: skip
        known = found.dropna(subset=[column]).sort_values(column, ascending=not limits.rising)
        worst = known.drop_duplicates("curve").set_index("curve")

        def say(label: str, value: float, worst=worst, shown=shown) -> Message:
            quantity = str(worst.loc[label, "quantity"])
            text = f"{label}: {shown(value).format(quantity=quantity)}"
            return message("too-few-draws", text, quantity=quantity, worst=value)

        def passed(value: float, fine=fine) -> Message:
            return message("enough-draws", fine(value), worst=value)

        yield from worst_of(id, worst[column].to_dict(), limits, say, passed, step)


class Statistic(NamedTuple):
    """A statistic that an engine reports for each curve or group: its limits and its sentences."""

    limits: Limits
    say: Callable[[str, float], str]
    fine: Callable[[float], str]


STATISTICS = {
    "memory": Statistic(
        MEMORY,
        lambda label, v: f"{label}: draws still depend on the starting point (autocorrelation {v:.2f})",
        lambda v: f"draws of the curves do not depend on the starting point (autocorrelation {_at_most(v)})",
    ),
    "hyper-memory": Statistic(
        MEMORY,
        lambda label, v: f"{label}: draws of the group still depend on the starting point (autocorrelation {v:.2f})",
        lambda v: f"draws of the groups do not depend on the starting point (autocorrelation {_at_most(v)})",
    ),
    "curve-ess": Statistic(
        ESS,
        lambda label, v: f"{label}: the effective sample size of the curve is {v:,.0f}",
        lambda v: f"the effective sample size of every curve is sufficient (minimum {v:,.0f})",
    ),
    "hyper-ess": Statistic(
        ESS,
        lambda label, v: f"{label}: the effective sample size of the group is {v:,.0f}",
        lambda v: f"the effective sample size of every group is sufficient (minimum {v:,.0f})",
    ),
}


def _at_most(value: float) -> str:
    return f"at most {value:.2f}" if value >= 0.005 else "below 0.01"


def engine(posterior: Posterior) -> Iterator[Check]:
    """Checks of statistics that only some engines report."""
    stats = posterior.tree["sample_stats"].to_dataset()
    if "divergences" in stats and "transitions" in stats:
        share = _by_label(stats["divergences"] / stats["transitions"])
        yield from worst_of(
            "divergences",
            share,
            DIVERGENCES,
            lambda label, v: message(
                "diverged",
                f"{label}: {100 * v:.2f} % of transitions diverged; the sampler may have missed part of the posterior",
                worst=v,
            ),
            lambda v: message("few-diverged", f"at most {100 * v:.2f} % of transitions diverged", worst=v),
            "fit again with more tuning steps, or with a card whose priors are narrower",
        )
    for id, statistic in STATISTICS.items():
        name = id.replace("-", "_")
        if name in stats:
            yield from worst_of(
                id,
                _by_label(stats[name]),
                statistic.limits,
                lambda label, v, one=statistic: message("too-few-draws", one.say(label, v), worst=v),
                lambda v, one=statistic: message("enough-draws", one.fine(v), worst=v),
                MORE_OR_REFERENCE,
            )


def _by_label(values) -> dict[str, float]:
    """Numbers by curve or group."""
    return dict(zip(values[values.dims[0]].values.tolist(), values.values.tolist(), strict=True))
