"""The public ``fit``: a posterior that carries the record of its own forecasts."""

from __future__ import annotations

from typing import Any

import msgspec

from forecaster.curves.learning_curves import LearningCurves
from forecaster.evaluation.record import recorded
from forecaster.inference import cache as fits
from forecaster.inference import datatree
from forecaster.inference import fit as inference
from forecaster.inference.fit import Cards, Floors, Progress, refit
from forecaster.inference.posterior import Posterior

FITTED = 0.75  # share of the time after which the curves are fitted, and the record begins


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
    record: bool = True,
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
    record : bool
        Also hide the last third of each curve's log size and forecast it, for the record that every answer then
        carries (``posterior.record``).
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
    found = inference.fit(
        curves,
        card=card,
        floor=floor,
        engine=engine,
        seed=seed,
        draws=draws,
        fallback=fallback,
        diverging=diverging,
        cache=cache,
        on_progress=_told(on_progress, 0.0, FITTED if record else 1.0),
    )
    found = without_evidence_beside(found, cache=cache)
    return recorded(found, cache=cache, on_progress=_told(on_progress, FITTED, 1.0)) if record else found


def fit_cached(
    curves: LearningCurves,
    *,
    card: Cards = None,
    floor: Floors = None,
    engine: str = "jax",
    seed: int = 0,
    draws: int | None = None,
    record: bool = True,
    on_progress: Progress | None = None,
) -> Posterior:
    """:func:`fit`, or the posterior that the same call gave before."""

    def then(found: Posterior) -> Posterior:
        found = without_evidence_beside(found)
        return recorded(found, on_progress=_told(on_progress, FITTED, 1.0)) if record else found

    tell = _told(on_progress, 0.0, FITTED if record else 1.0)
    options: dict[str, Any] = {"engine": engine, "seed": seed, "draws": draws}
    found = fits.fit_cached(curves, card=card, floor=floor, **options, on_progress=tell, then=then)
    return found if record else found.with_record(None)


def without_evidence_beside(posterior: Posterior, *, cache: bool = True) -> Posterior:
    """The posterior with the floors of a fit without the evidence on them, which checks compare it with.

    The same one where it has them, or where there is no evidence.
    """
    groups = [group for group, card in posterior.cards.items() if card.floor]
    if not groups or datatree.WITHOUT_EVIDENCE in posterior.tree.children:
        return posterior
    curves = posterior.curves.of_groups(groups)
    assert curves is not None
    cards = {group: msgspec.structs.replace(posterior.cards[group], floor=None) for group in groups}
    like, seed = {group: group for group in groups}, int(posterior.manifest["seed"])
    return posterior.with_floors_of(refit(posterior, curves, like, cards=cards, seed=seed, cache=cache))


def _told(tell: Progress | None, start: float, end: float) -> Progress | None:
    """``tell`` of a part of the work, which takes its share of all from ``start`` to ``end``."""
    if tell is None:
        return None
    return lambda what, share: tell(what, start + (end - start) * share)
