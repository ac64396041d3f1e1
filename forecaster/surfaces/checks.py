"""Verdicts on a fitted surface and on what is asked of it."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from forecaster._support.frames import Table
from forecaster.results.check import FAIL, PASS, REVIEW, Check, Finding, worst_finding
from forecaster.results.message import message
from forecaster.results.wording import counted, percent
from forecaster.surfaces.fitted import Surface
from forecaster.surfaces.posterior.sampling import LEAST_ESS, MOST_R_HAT

CORRELATED = 0.95  # correlation of log sizes and log data from which on the two axes are hardly told apart
FAR_BEYOND = 1.0  # decades beyond the measured runs from which on an answer needs a look
OPTIMA_RATIO = 1.5  # ratio of the cubics' optima to the surface's, in the median of the slices, that needs a look


def by_id(found: Iterable[Check]) -> tuple[Check, ...]:
    """One check for each id, that of the worst surface, which names the others that did not pass."""
    kinds: dict[str, list[Check]] = {}
    for one in found:
        kinds.setdefault(one.id, []).append(one)
    out = []
    for own in kinds.values():
        bad = sorted((c for c in own if c.verdict != PASS), key=lambda c: c.verdict != FAIL)
        each = tuple(Finding(c.curve or "", c.verdict, c.message) for c in bad)
        out.append(worst_finding(bad[0], each) if bad else own[0])
    return tuple(out)


def sampling(surface: Surface) -> Check:
    """Whether the draws can be trusted."""
    drawn = surface.draws
    text = f"effective sample size {drawn.ess:,.0f} of {len(surface.values):,} draws, R-hat {drawn.r_hat:.3f}"
    said = message("surface-sampling", text, ess=drawn.ess, r_hat=drawn.r_hat)
    if drawn.trusted:
        return Check("sampling", PASS, said, curves=(surface.design.label,))
    step = f"expected {LEAST_ESS:,.0f} and at most {MOST_R_HAT}: fit with --engine nuts (engine='nuts')"
    return Check("sampling", FAIL, said, step, (surface.design.label,))


def axes(surface: Surface) -> Check:
    """Whether model size and data were varied apart."""
    together = float(np.corrcoef(surface.design.x, surface.design.t)[0, 1])
    said = message("surface-axes", f"the logs of size and data correlate by {together:.2f}", correlation=together)
    if abs(together) < CORRELATED:
        return Check("axes", PASS, said, curves=(surface.design.label,))
    step = "train some sizes on much more, or much less, data: exponents and optimum rest on their priors"
    return Check("axes", REVIEW, said, step, (surface.design.label,))


def beyond(surface: Surface, decades: float) -> Check:
    """Whether an answer is far beyond what was measured."""
    said = message("surface-beyond", f"answers reach {decades:.1f} decades beyond the measured runs", decades=decades)
    if decades <= FAR_BEYOND:
        return Check("beyond", PASS, said, curves=(surface.design.label,))
    step = "measure a run in between before much is spent on it"
    return Check("beyond", REVIEW, said, step, (surface.design.label,))


def isoflop(surface: Surface, found: Table) -> Check:
    """Whether optima of cubics along near-isoFLOP slices (rows of ``found``), independent of the law, agree."""
    if not len(found):
        said = message("no-slices", "no slice of one compute has five model sizes and an optimum among them")
        return Check("isoflop", PASS, said, curves=(surface.design.label,))
    ratio = float(np.exp(np.median(np.abs(np.log(found["params_cubic"] / found["params_q50"])))))
    text = (
        f"optima by cubics along {counted(len(found), 'slice')} of one compute differ from those of the surface by a "
        f"factor of {ratio:.2f} in the median"
    )
    said = message("isoflop", text, slices=len(found), ratio=ratio)
    if ratio <= OPTIMA_RATIO or len(found) < 2:
        return Check("isoflop", PASS, said, curves=(surface.design.label,))
    step = "look at the figure: runs that were stopped early or left untuned move optima"
    return Check("isoflop", REVIEW, said, step, (surface.design.label,))


def outside(surface: Surface, chance: float) -> Check:
    """Whether optima lie where nothing was measured."""
    said = message(
        "surface-outside", f"an optimum lies outside the measured runs with chance {percent(chance)}", p=chance
    )
    if chance <= 0.5:
        return Check("outside", PASS, said, curves=(surface.design.label,))
    step = "such an optimum is the law's, not the data's: train runs around it"
    return Check("outside", REVIEW, said, step, (surface.design.label,))
