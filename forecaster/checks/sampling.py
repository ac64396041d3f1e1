"""Verdicts on the sampler: do the draws represent the posterior?"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from forecaster.checks.limits import DIVERGENCES, ESS, MEMORY, R_HAT, TAILS, worst_of
from forecaster.inference.diagnostics import SUMMARISED
from forecaster.inference.posterior import Posterior
from forecaster.results.check import FAIL, PASS, Check


def sampling(posterior: Posterior) -> Iterator[Check]:
    finite = {str(k): bool(np.isfinite(v.values).all()) for k, v in posterior.tree["posterior"].data_vars.items()}
    broken = [name for name, fine in finite.items() if not fine]
    if broken:
        text = f"draws of {', '.join(broken)} are not all finite numbers"
        yield Check("finite draws", FAIL, text, "fit again with the reference engine, `--engine nuts`, and report this")
    else:
        yield Check("finite draws", PASS, "every draw is a finite number")
    found = posterior.diagnostics()
    read = found["quantity"].isin(SUMMARISED)
    found["ess"] = found["ess_bulk"].where(~read, np.fmin(found["ess_bulk"], found["ess_tail"]))
    found["tail"] = found["ess_tail"].mask(read)
    more = "fit again with more draws"
    for name, column, limits, what, fine, step in (
        (
            "r-hat", "r_hat", R_HAT, "R-hat", "chains agree: the largest R-hat is {worst}",
            f"{more}; if it stays, with the reference engine, `--engine nuts`",
        ),
        (
            "ess", "ess", ESS, "effective sample size",
            "enough draws: the smallest effective sample size is {worst}", more,
        ),
        (
            "tails", "tail", TAILS, "effective sample size of the tails",
            "enough draws in the tails of what no interval reports, too: {worst} at the least", more,
        ),
    ):  # fmt: skip
        known = found.dropna(subset=[column]).sort_values(column, ascending=not limits.rising)
        worst = known.drop_duplicates("curve").set_index("curve")

        def say(label: str, value: float, worst=worst, what=what) -> str:
            return f"{label}: {what} of {worst.loc[label, 'quantity']} is {value:.4g}"

        yield from worst_of(name, worst[column].to_dict(), limits, say, fine, step)


ENGINE_CHECKS = (
    (
        "memory",
        MEMORY,
        "draws of {label} remember where the sampling began: correlation {value:.2f}",
        "draws of the curves have forgotten where the sampling began: correlation {worst}",
    ),
    (
        "hyper_memory",
        MEMORY,
        "draws of the group {label} remember where the sampling began: correlation {value:.2f}",
        "draws of the groups have forgotten where the sampling began: correlation {worst}",
    ),
    (
        "curve_ess",
        ESS,
        "{label} rests on few independent draws: {value:.0f}",
        "every curve rests on enough independent draws: {worst}",
    ),
    (
        "hyper_ess",
        ESS,
        "the group {label} rests on few independent draws: {value:.0f}",
        "every group rests on enough independent draws: {worst}",
    ),
)


def engine(posterior: Posterior) -> Iterator[Check]:
    """Checks on what only some engines report."""
    stats = posterior.tree["sample_stats"].to_dataset()
    if "divergences" in stats and "transitions" in stats:
        share = _by_label(stats["divergences"] / stats["transitions"])
        yield from worst_of(
            "divergences",
            share,
            DIVERGENCES,
            lambda label, v: f"{label}: {v:.2%} of transitions diverged; parts of the posterior may be missed",
            "the largest share of divergent transitions is {worst}",
            "fit again with more tuning, or with a card whose priors are tighter",
        )
    for name, limits, said, passed in ENGINE_CHECKS:
        if name in stats:
            yield from worst_of(
                name.replace("_", " "),
                _by_label(stats[name]),
                limits,
                lambda label, v, said=said: said.format(label=label, value=v),
                passed,
                "fit again with more draws, or with the reference engine, `--engine nuts`",
            )


def _by_label(values) -> dict[str, float]:
    """Numbers by curve or group."""
    return dict(zip(values[values.dims[0]].values.tolist(), values.values.tolist(), strict=True))
