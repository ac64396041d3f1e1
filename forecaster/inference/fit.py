"""fit: learning curves and cards in, a posterior out, by the engine asked for."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import msgspec

from forecaster.curves.divergence import risen
from forecaster.curves.how_read import VALIDATE, Command
from forecaster.curves.learning_curves import Group, LearningCurves
from forecaster.curves.metrics import metric_of
from forecaster.curves.misread.refusal import expect_shares
from forecaster.domains.domain import Domain, kinds_of_error
from forecaster.domains.floor_evidence import FloorEvidence
from forecaster.domains.loading import card_for, load_card
from forecaster.errors import CurveContentError, RequestError
from forecaster.inference.assembly import assemble
from forecaster.inference.engines.interface import GroupDraws
from forecaster.inference.posterior import Posterior
from forecaster.model.design import Design, design_of
from forecaster.model.floor_conflicts import contradiction

ENGINES = ("jax", "nuts")
FALL_BACK = 4  # groups up to which NUTS, which may take minutes, samples what the default engine could not
FEWEST_DRAWS = 100  # per chain: fewer are too few for effective sample sizes and R-hat
NO_SHARES = ("loss", "perplexity", "complement")  # kinds of metrics that are no share of cases
MANY_GROUPS = 16  # groups beyond which each chain keeps fewer draws, to bound memory and files
Cards = str | Path | Domain | Mapping[Group, Domain] | None  # one for all, one a group, or by the domains' names
Floors = FloorEvidence | Mapping[Group, FloorEvidence] | None  # of the only group, or by group
Progress = Callable[[str, float], None]  # what is being done, share of all that is done


def cards_of(curves: LearningCurves, card: Cards = None) -> dict[Group, Domain]:
    """The card of each group: ``card`` for all (of a mapping, its own), else that of the domain's name, or generic.

    Generic, too, where a metric names a loss and the card is one of error rates, or the other way round. Groups of best
    models get the card's priors for those.
    """
    if isinstance(card, Mapping):
        return {group: card[group] for group in curves.groups}
    if card is not None:
        chosen = card if isinstance(card, Domain) else load_card(card)
        found = dict.fromkeys(curves.groups, chosen)
    else:
        found = {group: _card_by_name(curves, group) for group in curves.groups}
    return {group: own.for_best_models() if group in curves.tuned else own for group, own in found.items()}


def _card_by_name(curves: LearningCurves, group: Group) -> Domain:
    """The card of the group's domain, or the generic one: for losses where nothing else is said and errors exceed 1."""
    metrics = curves.metrics[group]
    card, own = card_for(group[0], metrics)
    if own or metrics:
        return card
    above_one = any(c.error.max() > 1.0 for c in curves.curves if (c.domain, c.task) == group)
    return load_card("generic-loss") if above_one else card


def cards_of_well_read(curves: LearningCurves, card: Cards = None, command: Command = VALIDATE) -> dict[Group, Domain]:
    """The card of each group; CurveMisreadError where errors are above 1 and their card takes them for shares."""
    found = cards_of(curves, card)
    units = {group: own.error_unit for group, own in found.items()}
    shares = {group: metric_of(unit) for group, unit in units.items() if "share" in unit and " or " not in unit}
    expect_shares(curves, shares, command)
    return found


def with_floor(curves: LearningCurves, cards: Mapping[Group, Domain], floor: Floors) -> dict[Group, Domain]:
    """The cards with this evidence on the floor, and that of their own where it says nothing.

    RequestError where evidence for one task is given with curves of several, where a share of cases is given for errors
    that are none, and where measured errors contradict the evidence, the cards' own too.
    """
    found = {group: cards[group] for group in curves.groups}
    if isinstance(floor, FloorEvidence):
        floor = {_only_group(curves): floor}
    for group, evidence in (floor or {}).items():
        if group not in found:
            known = ", ".join("/".join(g) for g in found)
            raise RequestError(f"floor: found evidence for {'/'.join(group)}; expected one of {known}")
        found[group] = msgspec.structs.replace(found[group], floor=evidence.over(found[group].floor))
    for group, card in found.items():
        if card.floor and card.floor.of_cases:
            _expect_shares(curves, group, card)
        wrong = contradiction(design_of(curves, group, card)) if card.floor else None
        if wrong is not None:
            raise RequestError(wrong)
    return found


def _only_group(curves: LearningCurves) -> Group:
    if len(curves.groups) == 1:
        return curves.groups[0]
    known = ", ".join("/".join(g) for g in curves.groups[:6])
    raise RequestError(
        f"floor: found evidence on one floor, and curves of {len(curves.groups)} tasks ({known}); expected those of "
        "one: choose it by --task, or in Python give a mapping, floor={('domain', 'task'): evidence}"
    )


def _expect_shares(curves: LearningCurves, group: Group, card: Domain) -> None:
    """RequestError where the group's errors are no shares of cases, so that none of them is a wrong answer to one."""
    named = curves.metrics[group] or (card.error_unit,)
    others = [m for m in named if metric_of(m).kind in NO_SHARES or kinds_of_error(m) == {"loss"}]
    above = max(c.error.max() for c in curves.curves if (c.domain, c.task) == group) > 1.0
    said = others[0] if others else f"errors above 1 of {named[0]}"
    if others or (above and not curves.metrics[group]):
        raise RequestError(
            f"{'/'.join(group)}: found evidence on shares of cases (a human-level error or wrong labels), and {said}, "
            "which is no share of cases; expected an error rate. For other errors state a range: "
            '--floor LOW,HIGH --because "the reason"'
        )


def fit(
    curves: LearningCurves,
    *,
    card: Cards = None,
    floor: Floors = None,
    engine: str = "jax",
    seed: int = 0,
    draws: int | None = None,
    fallback: bool = True,
    diverging: bool = False,
    cache: bool = True,
    on_progress: Progress | None = None,
) -> Posterior:
    """Sample the posterior of every (domain, task) of the curves.

    Architectures of one (domain, task) are fitted together and inform one another; tasks are fitted apart.

    Parameters
    ----------
    curves : LearningCurves
        What :func:`~forecaster.read_curves` gave.
    card : str, Domain or mapping, optional
        The domain card for all groups: a name, a card, or one for each (domain, task). By default each group takes the
        card of its domain's name; ``generic`` where there is none, or where a metric names an error of another kind.
    floor : FloorEvidence or mapping, optional
        What is known of the floor beside the curves (human-level error, wrong labels, a stated range), of curves of one
        task, or by (domain, task). It enters the prior of the floor.
    engine : {"jax", "nuts"}
        The default sampler, or the reference (PyMC's NUTS): the same posterior, minutes instead of seconds.
    seed : int
        The same data, card, options and seed give the same draws.
    draws : int, optional
        Draws of each of four chains, at least 100. By default each engine chooses.
    fallback : bool
        Let NUTS sample a group whose draws the default engine cannot trust, where there are four groups or fewer. The
        posterior says which engine was used.
    diverging : bool
        Fit curves that diverge like all others, in place of setting them aside.
    cache : bool
        Keep compiled programs in the user's cache folder, and use those that are there.
    on_progress : callable, optional
        Called with a sentence and the share done, between 0 and 1.

    Returns
    -------
    Posterior
        Draws with named dimensions, with the curves and cards they came from.

    Raises
    ------
    RequestError
        Something else than LearningCurves, an unknown engine, a negative seed, fewer than 100 draws; evidence on the
        floor that measured errors contradict, or of shares of cases for errors that are none.
    CurveContentError
        Every curve diverges: none can be forecast. Where only some do, they are in ``set_aside`` of the posterior.
    CardError
        There is no such card, or it cannot be used.
    CurveMisreadError
        Errors are above 1, and the card takes them for shares.

    Examples
    --------
    >>> import forecaster
    >>> curves = forecaster.read_curves("forecaster/examples/digits.csv").select(architecture="rbf-svm")
    >>> posterior = forecaster.fit(curves, seed=0)  # doctest: +SKIP
    """
    expect_curves(curves)
    _check_settings(engine, seed, draws)
    curves, set_aside = (curves, None) if diverging else forecastable(curves)
    cards = with_floor(curves, cards_of_well_read(curves, card), floor)
    designs = [design_of(curves, group, cards[group]) for group in curves.groups]
    tell = on_progress or (lambda *_: None)
    if engine == "nuts":
        found = _by_nuts(designs, seed, draws, tell)
    else:
        found = _by_jax(designs, seed, draws, tell, fallback=fallback, cache=cache)
    return assemble(curves, cards, found, seed=seed, settings={"engine": engine, "draws": draws}, set_aside=set_aside)


def refit(
    posterior: Posterior,
    curves: LearningCurves,
    like: Mapping[Group, Group],
    *,
    cards: Mapping[Group, Domain] | None = None,
    seed: int,
    draws: int = 250,
    cache: bool = True,
    on_progress: Progress | None = None,
) -> Posterior | None:
    """The posterior of some of a posterior's rows under its cards, in less time: what a forecast is tested with.

    ``like`` gives, for each group of ``curves``, the posterior's group that its rows are of: so nothing is compiled
    again. ``cards`` take the place of the posterior's, by group of ``curves``. Groups are sampled until their draws can
    be trusted and no longer; one whose draws cannot be is left out. None where all are.
    """
    from forecaster.inference.engines.ensemble import sampler

    cards = cards or {group: posterior.cards[like[group]] for group in curves.groups}
    designs = [design_of(curves, group, cards[group]) for group in curves.groups]
    before = [posterior.designs[like[group]] for group in curves.groups]
    options: dict[str, Any] = {"seed": seed, "draws": draws, "cache": cache}
    first = sampler.sample(designs, like=before, on_progress=on_progress, **options)
    found = dict(zip(curves.groups, first, strict=True))
    for group, design in zip(curves.groups, designs, strict=True):
        if not sampler.trusted(found[group]):  # with as many sweeps as any fit
            found[group] = sampler.sample([design], **options)[0]
    kept = [group for group in curves.groups if sampler.trusted(found[group])]
    left = curves.of_groups(kept)
    if left is None:
        return None
    chosen = {group: cards[group] for group in kept}
    settings = {"engine": "jax", "draws": draws}
    return assemble(left, chosen, [found[group] for group in kept], seed=seed, settings=settings)


def forecastable(curves: LearningCurves) -> tuple[LearningCurves, LearningCurves | None]:
    """The curves that can be forecast, and those that diverge; CurveContentError where all do."""
    kept, aside = curves.parted()
    if kept is None:
        said = "; ".join(f"{c.label}: {risen(c.divergence)}" for c in curves.curves[:3])
        raise CurveContentError(
            f"FAIL: {curves.source}: found no curve that can be forecast. {said}; expected errors that fall with size. "
            "Find out why they rise (repeated data, a run that diverged, scores read as errors), or leave out the rows "
            "from where they do"
        )
    return kept, aside


def expect_curves(curves: object) -> None:
    """RequestError where something else was given in place of learning curves, such as the name of their file."""
    if isinstance(curves, LearningCurves):
        return
    found = repr(str(curves)) if isinstance(curves, str | Path) else f"a {type(curves).__name__}"
    raise RequestError(
        f"curves: found {found}; expected learning curves that were read: pass a file or a table to "
        "forecaster.read_curves first, and what it gives to this function"
    )


def _check_settings(engine: str, seed: int, draws: int | None) -> None:
    if engine not in ENGINES:
        raise RequestError(f"engine: found {engine!r}; expected one of {', '.join(ENGINES)}")
    if seed < 0:
        raise RequestError(f"seed: found {seed}; expected a whole number of 0 or more")
    if draws is not None and draws < FEWEST_DRAWS:
        raise RequestError(f"draws: found {draws}; expected {FEWEST_DRAWS} or more of each of four chains")


def _by_nuts(designs: Sequence[Design], seed: int, draws: int | None, tell: Progress) -> list[GroupDraws]:
    from forecaster.inference.engines import nuts

    out = []
    for i, design in enumerate(designs):
        name = f"{design.domain}/{design.task}"
        options: dict[str, Any] = {} if draws is None else {"draws": draws}
        out.append(
            nuts.sample(
                design,
                seed=seed,
                on_progress=lambda what, i=i, name=name: tell(f"{name}: {what}", i / len(designs)),
                **options,
            )
        )
    tell("done", 1.0)
    return out


def _by_jax(
    designs: Sequence[Design], seed: int, draws: int | None, tell: Progress, *, fallback: bool, cache: bool
) -> list[GroupDraws]:
    from forecaster.inference.engines.ensemble import sampler

    each = draws or (1000 if len(designs) <= MANY_GROUPS else 250)
    found = sampler.sample(designs, seed=seed, draws=each, on_progress=tell, cache=cache)
    if not fallback or len(designs) > FALL_BACK:
        return found
    return [
        one if sampler.trusted(one) else _fall_back(design, seed, each, tell)
        for design, one in zip(designs, found, strict=True)
    ]


def _fall_back(design: Design, seed: int, draws: int, tell: Progress) -> GroupDraws:
    """NUTS for a group that the default engine could not sample; the engine's name in the posterior says so."""
    from forecaster.inference.engines import nuts

    name = f"{design.domain}/{design.task}"
    tell(f"{name}: the default engine's draws cannot be trusted; falling back on NUTS", 0.5)
    return nuts.sample(design, seed=seed, draws=draws, on_progress=lambda what: tell(f"{name}: {what}", 0.5))
