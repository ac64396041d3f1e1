"""surface_memo: the decision memo on a surface, as Markdown and HTML. No statistics of its own."""

from __future__ import annotations

import html
import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib import rc_context
from matplotlib.figure import Figure

from forecaster.checks.check import CHECKS, table_of
from forecaster.decisions.two_axes.deciding import Sizes, surface_decision
from forecaster.decisions.two_axes.decision import SurfaceDecision
from forecaster.decisions.two_axes.proposal import SurfaceProposal
from forecaster.decisions.two_axes.proposing import surface_next
from forecaster.domains.shelf import references
from forecaster.plots.style import STYLE, capital
from forecaster.plots.surfaces.loss import lines_figure, options_contours
from forecaster.reports.deciding import MISSED, RISKS, Worth
from forecaster.reports.opening.heading import kicker
from forecaster.reports.page.surface import SurfaceOpening
from forecaster.reports.rendering import Memo, frozen
from forecaster.reports.two_axes import page
from forecaster.reports.two_axes.checklist import checklist
from forecaster.resources.prices.costs import Costs
from forecaster.resources.prices.costs_file import read_costs
from forecaster.results.check import FAIL, PASS, Check
from forecaster.results.columns import LEVEL, Column, Columns, declared
from forecaster.results.message import joined, message
from forecaster.results.wording import rounded, size
from forecaster.surfaces.answers import ComputeOptimum
from forecaster.surfaces.compute import Compute, near_isoflop
from forecaster.surfaces.fitted import Surface
from forecaster.surfaces.model.design import SurfaceDesign
from forecaster.surfaces.posterior.storage import LAW, PACKAGES, data_hash
from forecaster.surfaces.record import record_of
from forecaster.surfaces.surface import surface as ask_surface

NEAR = 1.5  # ratio of two computes of which the page shows one
MORE = 10.0  # times the largest measured compute, where nothing says how much may be spent
NARROW = 4.3  # inches, of the first page's figure on a telephone
QUANTITIES = {
    "level": "log loss at the reference point, over the mean of the measured ones",
    "log_a": "log of the exponent of model size",
    "log_b": "log of the exponent of data",
    "share_logit": "share of model size in the fall at the reference point (logit)",
    "floor_logit": "irreducible share of the loss there (logit)",
    "log_k": "log of the coupling of size and data",
    "log_noise": "log noise of one run (sd of log loss)",
    "log_drift": "log drift from the law (sd of log loss)",
    "log_halving": "log of the repetitions that halve the worth of data",
    "log_excess": "log of the excess of untuned runs (log loss)",
}
PAGE = Columns("an option", SurfaceDecision.columns["table"], Column("shown", "flag", "whether the first page has it"))


@dataclass(frozen=True, eq=False, repr=False)
class SurfaceMemo(Memo):
    """A memo on one surface: ``table`` holds the options, ``details`` all other tables by name."""

    template = "surface"
    columns = declared(
        table=PAGE,
        orders=SurfaceDecision.columns["orders"],
        needs=SurfaceDecision.columns["needs"],
        optimum=ComputeOptimum.columns["table"],
        isoflop=ComputeOptimum.columns["isoflop"],
        parameters=ComputeOptimum.columns["parameters"],
        first=SurfaceProposal.columns["table"],
        verdicts=CHECKS,
    )


def surface_memo(
    surface: Surface,
    *,
    flops: Sizes | None = None,
    at: Sizes | None = None,
    params: Sizes | None = None,
    unique_n: float | None = None,
    target: float | None = None,
    costs: str | Path | Costs | Mapping[str, Any] | None = None,
    penalty: float | None = None,
    value_per_point: float | None = None,
    cost_per_mistake: float | None = None,
    volume: float | None = None,
    budget: float | None = None,
    risk: float | None = None,
    attitude: str = "mean",
    start: date | None = None,
    kind: str = "mean",
    level: float = LEVEL,
    title: str | None = None,
    author: str | None = None,
    dated: date | None = None,
    command: str | None = None,
    seed: int = 0,
) -> SurfaceMemo:
    """Write a decision memo on a surface: which model to train on how much data.

    Parameters
    ----------
    surface : Surface
        What :func:`~forecaster.fit_surface` or :func:`~forecaster.load_surfaces` gave.
    flops, at, params, unique_n : optional
        The options, as for :func:`~forecaster.surface_decision`.
    target, costs, penalty, value_per_point, cost_per_mistake, volume, budget, risk, attitude : optional
        Prices, what an error costs and limits, as there. Without prices costs are compute. With a target alone the
        cheapest option is sought that reaches it with 3 chances in 4 or, where none does, at even odds; with nothing
        the best use of ten times the largest measured compute.
    start : date, optional
        The day on which runs begin; by default today.
    kind : {"mean", "new-run"}
        Whose loss counts.
    level : float
        Probability inside the intervals.
    title, author, command : str, optional
        The memo's title, who signs it, and the command line to print in the appendix.
    dated : date, optional
        The memo's date; by default today.
    seed : int
        The same seed gives the same numbers.

    Returns
    -------
    SurfaceMemo
        ``markdown``, ``html``, ``figures`` and ``tables``; ``save`` writes them. ``interactive`` is a page that answers
        for other computes, sizes, targets, prices and budgets.

    Raises
    ------
    RequestError
        As for :func:`~forecaster.surface_decision`.
    CostsError
        A price list that cannot be used.

    Examples
    --------
    >>> import forecaster
    >>> memo = forecaster.surface_memo(surface, target=2.4, costs="costs.toml", penalty=20_000)  # doctest: +SKIP
    >>> memo.save("reports")  # doctest: +SKIP
    """
    worth = Worth(costs, penalty, value_per_point, cost_per_mistake, volume, budget, risk, attitude, 1, start)
    begin = start or date.today()
    options: dict[str, Any] = {"flops": flops, "at": at, "params": params, "unique_n": unique_n, "kind": kind}
    options |= {"level": level, "seed": seed, "start": begin}
    decision, is_open = _decided(surface, worth, target, options)
    compute = Compute.of(surface.design)
    wanted = [float(decision.best["flops"])]
    wanted += [c for c in (compute.largest, MORE * compute.largest) if abs(np.log(c / wanted[0])) > np.log(NEAR)]
    wanted.sort()
    optimum = ask_surface(surface, flops=wanted, level=level, unique_n=unique_n)
    assert isinstance(optimum, ComputeOptimum)
    best = decision.best
    asked: dict[str, Any] = (
        {"at": best["n"], "params": best["params"]} if best["option"] != page.IDLE else {"flops": wanted[-1]}
    )
    spend = max(float(best["cost"]), 0.0) / 10.0 if best["option"] != page.IDLE else None
    first = surface_next(surface, costs=costs, budget=spend or None, level=level, seed=seed, **asked)
    checks = _checks(decision.checks, optimum.checks)
    priced = costs is not None
    units = surface.design.units
    a = page.Found(decision, optimum, first, record_of(surface), checks, units, level, begin, priced, is_open)
    drawn, narrow = _draw(a, surface)
    title = title or f"Should a larger model be trained for {surface.design.task}?"
    said = page.answer(a)
    made = _page(a, surface, said, drawn) | {"title": title}
    made["kicker"] = kicker(author, dated or date.today())
    made["appendix"] = _appendix(a, surface, seed, command)
    details = {"orders": decision.orders, "needs": decision.needs, "optimum": optimum.table, "isoflop": optimum.isoflop}
    details |= {"parameters": optimum.parameters, "first": first.table, "verdicts": table_of(checks)}
    every = (*said, *(how for _, how in page.lines(a)), *(how for _, how in page.changes(a)), *first.messages)
    text, table = joined(said, "\n"), page.page_table(a)
    opening = _opening(a, surface, worth, target, made, kind, unique_n, seed)
    return SurfaceMemo(table, text, checks, title, every, made, drawn, details, {"options": narrow}, opening)


def _opening(
    a: page.Found,
    surface: Surface,
    worth: Worth,
    target: float | None,
    made: dict[str, Any],
    kind: str,
    unique_n: float | None,
    seed: int,
) -> SurfaceOpening:
    """With what the page beside the memo opens: the option that it recommends, else the best use of most compute."""
    some: Any = a.decision.table[["params", "n"]]
    best: Any = a.best if a.best["option"] != page.IDLE else a.optimum.table.iloc[-1]
    params, n = (float(best.get(name, best.get(f"{name}_q50"))) for name in ("params", "n"))
    shown = {name: made[name] for name in ("title", "about", "verdict", "health")}
    return SurfaceOpening(
        surface=surface,
        params=rounded(params, 3),
        n=rounded(n, 3),
        options=[(float(p), float(d)) for p, d in some.itertuples(index=False)],
        target=target,
        value=worth.value(target),
        costs=None if worth.costs is None else read_costs(worth.costs),
        budget=worth.budget,
        start=a.start,
        kind=kind,
        level=a.level,
        seed=seed,
        unique_n=unique_n,
        **shown,
    )


def _decided(
    surface: Surface, worth: Worth, target: float | None, options: Mapping[str, Any]
) -> tuple[SurfaceDecision, bool]:
    """The decision, and whether nothing says what a lower loss is worth."""
    prices = worth.costs
    value: dict[str, Any] = {k: v for k, v in worth.options().items() if k not in ("rounds", "start", "budget", "risk")}
    more: dict[str, Any] = {"budget": worth.budget, "risk": worth.risk}
    is_open = not (
        worth.value(target).priced or worth.budget is not None or worth.risk is not None or target is not None
    )
    if is_open:
        largest = MORE * Compute.of(surface.design).largest
        given = any(options[name] is not None for name in ("flops", "at", "params"))
        tried = surface_decision(
            surface, prices, **(dict(options) if given else {**options, "flops": largest}), budget=np.finfo(float).max
        )
        return tried, True
    if not worth.value(target).priced and worth.budget is None and worth.risk is None:
        sure, even = RISKS
        found = surface_decision(surface, prices, **options, **value, target=target, risk=sure)
        if found.recommendation.id == MISSED:
            found = surface_decision(surface, prices, **options, **value, target=target, risk=even)
        return found, False
    return surface_decision(surface, prices, **options, **value, **more, target=target), False


def _checks(one: tuple[Check, ...], other: tuple[Check, ...]) -> tuple[Check, ...]:
    """Those of the optimum, and of the decision where they have another id or are worse."""
    found = {check.id: check for check in one}
    for check in other:
        if check.id not in found or found[check.id].verdict == PASS:
            found[check.id] = check
    return tuple(found.values())


def _draw(a: page.Found, surface: Surface) -> tuple[dict[str, Figure], Figure]:
    some: Any = a.decision.table[page.shown(a)]
    with rc_context(STYLE):
        target = a.decision.asked["target"]
        drawn = {"options": options_contours(surface, some, target=target), "isoflop": lines_figure(surface)}
        narrow = options_contours(surface, some, target=target, width=NARROW)
    return {name: frozen(one) for name, one in drawn.items()}, frozen(narrow)


def _page(a: page.Found, surface: Surface, said: list[Any], drawn: Mapping[str, Figure]) -> dict[str, Any]:
    design = surface.design
    verdict = next((v for v in (FAIL, "REVIEW") if any(one.verdict == v for one in a.checks)), PASS)
    captioned = {
        "options": (
            "The options on the surface",
            "Contours of the loss over parameters and data on logarithmic scales, with the measured runs and options.",
            "Dots: measured runs. Lines: the loss by the fitted law. Circles: the options, the recommended one filled. "
            "Dashed: the best use of each compute.",
        ),
        "isoflop": (
            "The best use of a compute",
            "Chart of loss against parameters along lines of one compute.",
            f"Each line is one compute; {_dots(design)}diamonds are the optima of the surface. The bands hold the "
            "average run 8 times in 10.",
        ),
    }
    sizes = f"{size(np.exp(design.x.min()))} to {size(np.exp(design.x.max()))}"
    data = f"{size(np.exp(design.t.min()))} to {size(np.exp(design.t.max()))} {design.units.size_name}"
    about = f"{design.task} ({design.domain}), {design.architecture}: {len(design.y):,} runs of models of {sizes} "
    about += f"parameters on {data}. Loss here means {design.units.error_name}, the average over runs."
    return {
        "surface": True,
        "about": about,
        "verdict": verdict,
        "currency": html.escape(a.decision.asked["currency"]),
        "health": page.health(a),
        "answer": [one.text for one in said],
        "lines": [(what, how.text) for what, how in page.lines(a)],
        "choices": page.options(a),
        "changes": [(what, how.text) for what, how in page.changes(a)],
        "figures": {
            name: {"heading": captioned[name][0], "alt": captioned[name][1], "caption": captioned[name][2]}
            for name in drawn
        },
        "optimum": page.optimum_rows(a),
        "needs": page.needs_rows(a),
        "first": page.first_runs(a),
        "checks": [_sentences(one) for one in a.checks],
    }


def _dots(design: SurfaceDesign) -> str:
    """What the chart says of runs: it has those of slices of nearly one compute, where there are such."""
    sliced = near_isoflop(Compute.of(design).log_flops(design.x, design.t), design.x)
    return "dots are runs of nearly that compute, " if len(sliced) >= 2 else ""


def _sentences(one: Check) -> dict[str, Any]:
    row = one.as_row() | {"name": capital(one.name)}
    for key in ("text", "next_step"):
        text = capital(str(row[key]).strip())
        row[key] = f"{text}." if text and text[-1] not in ".!?" else text
    return row


def _appendix(a: page.Found, surface: Surface, seed: int, command: str | None) -> dict[str, Any]:
    design, card = surface.design, surface.design.card
    priors = {name: card.priors[name] for name in design.quantities}
    sources = {key: i for i, key in enumerate(dict.fromkeys(p.source for p in priors.values()), 1)}
    known = dict(references())
    rows: Any = surface.parameters
    drawn = [[name, f"{row['q50']:.3g}", f"{row['q10']:.3g} – {row['q90']:.3g}"] for name, row in rows.iterrows()]
    versions = json.dumps({name: version(name) for name in PACKAGES}).strip("{}").replace('"', "")
    return {
        "decision": [one.text for one in a.decision.messages if one.id == "lowest-risk"],
        "formula": f"loss(N, D) = {LAW}",
        "assumptions": [one.text for one in _assumptions()],
        "parameters": drawn,
        "priors": [
            {"name": QUANTITIES[name], "prior": f"normal, mean {p.mean:g}, sd {p.sd:g}", "why": p.why}
            | {"source": sources[p.source]}
            for name, p in priors.items()
        ],
        "sources": [{"number": i, "text": known.get(key, key)} for key, i in sources.items()],
        "provenance": [
            ("Runs", f"{len(design.y):,}"),
            ("Data hash (SHA-256)", data_hash(design)),
            ("Card", f"{card.name} ({card.title})"),
            ("Engine", f"{surface.draws.engine}, {len(surface.values):,} draws"),
            ("Seeds", f"fit {surface.seed}, memo {seed}"),
            ("Versions", versions),
        ],
        "command": command,
        "checklist": checklist(a, surface, seed),
    }


def _assumptions() -> list[Any]:
    return [
        message(
            "surface-law",
            "Law: the loss falls with the number of parameters N and with the data D towards a floor E; k says how far "
            "the scarcer of the two decides (k = 1: Hoffmann et al. 2022).",
        ),
        message(
            "surface-drift",
            "Drift: real surfaces depart from any law by a few tenths of a per cent, smoothly over both sizes; its "
            "scale is learned, and ranges widen with distance from the runs.",
        ),
        message(
            "surface-noise",
            "Noise: log losses of single runs scatter normally around the surface; runs marked as untuned may lie "
            "above it. Where data repeat, they count as fewer (Muennighoff et al. 2023).",
        ),
        message("surface-ranges", "Ranges are equal-tailed credible intervals. Chances are shares of posterior draws."),
    ]
