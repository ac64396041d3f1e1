"""The forecast of each point that is registered: of curves at sizes, or of a surface at sizes of model and data."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

from forecaster.errors import RequestError
from forecaster.evaluation.rivals import baselines
from forecaster.evaluation.scoring import stand_ins
from forecaster.inference.posterior import Posterior
from forecaster.prediction.curve_keys import CurveKey, chosen_keys
from forecaster.prediction.forecast import capped
from forecaster.prediction.observation import new_run, of_kind
from forecaster.prediction.paths import curve_paths
from forecaster.registry.registration import LAST, LAW, QUANTILES, SAMPLES, Point, rounded
from forecaster.surfaces.fitted import Surface

NEW_RUN = "new-run"
Sizes = Float[np.ndarray, " size"]
Drawn = Float[np.ndarray, "draw size"]


@dataclass(frozen=True)
class PointOptions:
    """What is registered for each point: which error, of how many runs, and the targets with a chance each."""

    kind: str
    runs: int
    targets: tuple[float, ...]
    seed: int


def of_curves(
    posterior: Posterior, sizes: Sizes, curves: Sequence[CurveKey | str] | None, asked: PointOptions
) -> Iterator[Point]:
    """Every chosen curve at every size; RequestError where none can be forecast."""
    keys = chosen_keys(posterior, curves)
    if not keys:
        raise RequestError("nothing was registered: none of these curves can be forecast")
    for key in keys:
        drawn = capped(posterior, key, _log_errors(posterior, key, sizes, asked))
        name = key.domain, key.task, key.architecture
        yield from _points(name, sizes, drawn, asked.targets, _baselines(posterior, key, sizes))


def of_surface(surface: Surface, sizes: Sizes, params: Sizes, asked: PointOptions) -> Iterator[Point]:
    """Models of every size with every amount of data; RequestError without sizes of models."""
    if asked.kind == "new-cases":
        raise RequestError("kind: found new-cases; expected new-run or mean: a loss has no test cases to count")
    n, of_models = (part.ravel() for part in np.meshgrid(sizes, params))
    if asked.kind == NEW_RUN:
        each = [surface.new_run(n, of_models, seed=asked.seed + run) for run in range(asked.runs)]
        drawn = np.mean(each, axis=0)
    else:
        drawn = surface.log_loss(n, of_models)
    yield from _points(surface.design.key, n, drawn, asked.targets, {}, of_models)


def _points(
    name: tuple[str, str, str],
    sizes: Sizes,
    drawn: Drawn,
    targets: tuple[float, ...],
    simple: Mapping[str, Sizes],
    params: Sizes | None = None,
) -> Iterator[Point]:
    quantiles, samples = np.exp(np.quantile(drawn, QUANTILES, axis=0)), np.exp(stand_ins(drawn, SAMPLES))
    for i, n in enumerate(sizes.tolist()):
        yield Point(
            *(*name, n),
            *(rounded(quantiles[:, i]), rounded(samples[:, i])),
            chances=tuple((target, float(np.mean(drawn[:, i] <= np.log(target)))) for target in targets),
            baselines={baseline: rounded(values[i : i + 1])[0] for baseline, values in simple.items()},
            params=None if params is None else float(params[i]),
        )


def _log_errors(posterior: Posterior, key: CurveKey, sizes: Sizes, asked: PointOptions) -> Drawn:
    paths = curve_paths(posterior, key, sizes, seed=asked.seed)
    if asked.kind != NEW_RUN:
        return of_kind(paths, sizes, asked.kind)
    each = [new_run(paths, sizes, [run] * len(sizes), as_rows=True)[0] for run in range(asked.runs)]
    return np.mean(each, axis=0)


def _baselines(posterior: Posterior, key: CurveKey, sizes: Sizes) -> dict[str, Sizes]:
    data = posterior.designs[key.group].curve_of(key.architecture)
    if data is None:
        return {}
    given = data.curve.n, data.curve.error, sizes
    return {LAST: baselines.last_point(*given), LAW: baselines.power_law_with_floor(*given)}
