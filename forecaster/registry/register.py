"""register: write a forecast down before the run, so that nobody can doubt afterwards what was said."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from forecaster._support.code_hash import of_code
from forecaster._support.numbers import positive
from forecaster.errors import RequestError
from forecaster.inference.posterior import Posterior, expect_posterior
from forecaster.prediction.curve_keys import CurveKey
from forecaster.prediction.observation import KINDS
from forecaster.registry.chain import append
from forecaster.registry.points import NEW_RUN, PointOptions, of_curves, of_surface
from forecaster.registry.registration import INTERVAL, LAST, LAW, Point, Registration, hub_table
from forecaster.results.check import Check
from forecaster.results.columns import CURVE, Column, Columns, declared, interval, size
from forecaster.results.result import Result, Shown
from forecaster.results.wording import chance, counted, listed, plain_size
from forecaster.surfaces.fitted import Surface
from forecaster.surfaces.posterior.storage import LAW as LAW_OF_TWO
from forecaster.surfaces.posterior.storage import data_hash

CODE = ("curves", "domains", "model", "inference", "prediction", "surfaces", "registry")
KINDS_IN_WORDS = {
    "new-run": "the measured error of a new run, made as those of the table",
    "mean": "the average error over training runs",
    "new-cases": "the average error over training runs, on new test cases",
}
PARAMS = Column("params", "number", "size of the model; of a surface alone", key=True, optional=True)
POINTS_TOLD = 12  # points that the text tells one by one


@dataclass(frozen=True, eq=False, repr=False)
class Registered(Result):
    """A forecast that was written down, and where."""

    hub: pd.DataFrame = field(default_factory=pd.DataFrame)
    forecast_id: str = ""
    hash: str = ""
    file: str = ""

    command = "register"
    columns = declared(
        table=Columns(
            "a curve and size",
            Column("forecast_id", "text", "the record: the date and its number in the file", given=True),
            CURVE,
            size(),
            PARAMS,
            interval("yhat", "error", "median of what will be measured, and its 80 % interval"),
            Column("p_target", "chance", "chance that the error is at most the (first) target", optional=True),
            Column("target", "error", "that target", given=True, optional=True),
            Column("last_point", "error", "what no change from the largest measured size would give", optional=True),
            Column("power_law_with_floor", "error", "a least-squares fit of a power law and floor", optional=True),
        ),
        hub=Columns(
            "a number of the forecast, as the forecast hubs (hubverse) have them",
            Column("forecast_id", "text", "the record"),
            Column("made_at", "text", "date and time, UTC"),
            Column("model_id", "text", "what made the forecast"),
            CURVE,
            size(),
            PARAMS,
            Column("kind", "text", "which error, as in `forecast`"),
            Column("output_type", "text", "`quantile`, `cdf` or `sample`"),
            Column("output_type_id", "text", "its level; the error whose chance it is; the number of the joint draw"),
            Column("value", "number", "the error; for `cdf` the chance of an error of at most `output_type_id`"),
        ),
    )
    keys = declared(
        forecast_id="the record's name in its file",
        hash="SHA-256 of the record, which holds the hash of the one before: publish it",
        file="where it was written",
    )

    def shown(self, most: int) -> tuple[Shown, ...]:
        """The points alone."""
        return (Shown(self.table, self.columns["table"]),)


def register(
    posterior: Posterior | Surface,
    at: Sequence[float],
    path: str | Path,
    *,
    due: str | date,
    target: Sequence[float] = (),
    kind: str = NEW_RUN,
    runs: int = 1,
    params: Sequence[float] = (),
    curves: Sequence[CurveKey | str] | None = None,
    note: str = "",
    model_id: str = "",
    made_at: datetime | None = None,
    seed: int = 0,
    checks: tuple[Check, ...] = (),
) -> Registered:
    """Write forecasts down before the runs: appended to a file whose records are chained by their hashes.

    Parameters
    ----------
    posterior : Posterior or Surface
        What :func:`forecaster.fit` or :func:`forecaster.fit_surface` gave.
    at : sequence of float
        Sizes that will be measured.
    path : str or Path
        The file, JSON lines; made where it is not there. Its last hash stands beside it, in ``path.head``.
    due : str or date
        Date by which outcomes are expected, as ``2027-03-01``.
    target : sequence of float
        Errors; the chance of reaching each is registered as well.
    kind : {"new-run", "mean", "new-cases"}
        Which error; by default what will be measured: a new run like those of the table, its noise included.
    runs : int
        Runs that the outcome will be the (geometric) mean of; for kind ``new-run`` alone.
    params : sequence of float
        Of a surface: sizes of the models that will be trained, each on every size of data.
    curves : sequence, optional
        Keys, labels or architectures. By default all.
    note : str
        What the reader should know of the run that is to come.
    model_id : str
        What made the forecast; by default ``forecaster`` and its version.
    made_at : datetime, optional
        By default now, by this machine's clock.
    seed : int
        The same seed gives the same numbers.
    checks : tuple of Check
        Verdicts on the posterior. Where one says FAIL, nothing is written.

    Returns
    -------
    Registered
        ``table`` holds a row a point, ``hub`` all numbers in the long form of the forecast hubs, ``hash`` what is worth
        publishing.

    Raises
    ------
    RequestError
        Sizes, targets, dates or kinds that make no sense; a check that says FAIL.
    RegistryError
        The file's chain is broken.

    Examples
    --------
    >>> import forecaster, tempfile, pathlib
    >>> file = pathlib.Path(tempfile.mkdtemp()) / "forecasts.jsonl"
    >>> said = forecaster.register(posterior, [12_000], file, due="2027-03-01", target=[0.02])
    >>> len(said.table), forecaster.verify(file, head=said.hash).intact
    (3, True)
    """
    if not isinstance(posterior, Surface):
        expect_posterior(posterior)
    when = _date(due)
    sizes = np.unique(positive("sizes", at, "1e6"))
    targets = tuple(np.unique(positive("targets", target, "0.02")).tolist()) if len(target) else ()
    if kind not in KINDS or not isinstance(runs, int) or runs < 1:
        raise RequestError(f"kind and runs: found {kind!r} and {runs!r}; expected {listed(list(KINDS))}, and 1 or more")
    if runs > 1 and kind != NEW_RUN:
        raise RequestError(f"runs: found {runs} beside kind {kind}; expected kind {NEW_RUN}: the others are averages")
    if failed := [check for check in checks if check.verdict == "FAIL"]:
        raise RequestError(f"nothing was registered: {failed[0].message.text}; {failed[0].next_step}")
    asked = PointOptions(kind, runs, targets, seed)
    if isinstance(posterior, Surface):
        points = tuple(of_surface(posterior, sizes, np.unique(positive("params", params, "7e9")), asked))
    elif len(params):
        raise RequestError("params: found sizes of models beside curves over data alone; expected a surface")
    else:
        points = tuple(of_curves(posterior, sizes, curves, asked))
    made = (made_at or datetime.now(UTC)).astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    origin = _origin(posterior, seed)
    model = model_id or f"forecaster {_version()}"

    def content(place: int) -> dict[str, Any]:
        named = f"{made[:10]}-{place}"
        text = _told(points, kind, runs, when)
        return Registration(named, made, when, model, kind, runs, note, text, origin, points).content()

    record = append(path, content)
    written = Registration.of(record.content)
    return Registered(
        _table(written, targets),
        f"{written.text}\n{_where(path, record.sequence, record.hash)}",
        checks,
        hub_table([written]),
        written.forecast_id,
        record.hash,
        str(path),
    )


def _origin(posterior: Posterior | Surface, seed: int) -> dict[str, Any]:
    """What the forecast came from, so that it can be made again."""
    if isinstance(posterior, Surface):
        found = {"data_hash": data_hash(posterior.design), "law": LAW_OF_TWO, "fit_seed": posterior.seed}
    else:
        known = posterior.manifest
        kept = ("data_hash", "card_hashes", "engine", "law", "schema", "versions")
        found = {name: str(known[name]) for name in kept if name in known} | {"fit_seed": int(known["seed"])}
    return found | {"seed": seed, "code_hash": of_code(CODE)}


def _version() -> str:
    from forecaster import __version__

    return __version__


def _date(due: str | date) -> str:
    try:
        return (date.fromisoformat(due) if isinstance(due, str) else due).isoformat()[:10]
    except ValueError:
        raise RequestError(f"due: found {due!r}; expected a date, such as 2027-03-01") from None


def _table(made: Registration, targets: tuple[float, ...]) -> pd.DataFrame:
    rows = []
    for point in made.points:
        row: dict[str, Any] = {"forecast_id": made.forecast_id}
        row |= {"domain": point.domain, "task": point.task, "architecture": point.architecture, "n": point.n}
        row |= {} if point.params is None else {"params": point.params}
        row |= dict(zip(INTERVAL, point.interval, strict=True))
        row |= {"p_target": point.chances[0][1], "target": targets[0]} if targets else {}
        rows.append(row | {name: point.baselines[name] for name in (LAST, LAW) if name in point.baselines})
    return pd.DataFrame(rows)


def _told(points: tuple[Point, ...], kind: str, runs: int, due: str) -> str:
    """The forecast in words, as the record keeps it."""
    mean = f", mean of {runs} runs" if runs > 1 else ""
    lines = [f"Forecast of {KINDS_IN_WORDS[kind]}{mean}; outcomes are due by {due}."]
    for point in points[:POINTS_TOLD]:
        middle, low, high = point.interval
        line = f"{_name(point)} at {plain_size(point.n)}: {middle:.3g}, with 80 % between {low:.3g} and {high:.3g}"
        reached = [f"at most {target:g} with {chance(p)}" for target, p in point.chances]
        lines.append("; ".join([line, *reached]) + ".")
    if len(points) > POINTS_TOLD:
        lines.append(f"And {counted(len(points) - POINTS_TOLD, 'point')} more.")
    return "\n".join(lines)


def _name(point: Point) -> str:
    return point.architecture if point.params is None else f"{plain_size(point.params)} parameters"


def _where(path: str | Path, place: int, said: str) -> str:
    return (
        f"Record {place} of {path}. Its hash is {said}\nThis file proves the order of its records, not when they were "
        "written. To prove that too, put the hash where others see its date: a commit, an issue, an e-mail."
    )
