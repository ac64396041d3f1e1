"""The card of a surface: the prior of each quantity, with its source, in a TOML file beside the domain cards."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from forecaster._support.toml_files import Problem, is_number, is_text, listed, one_of, parsed, unknown_keys, wrong
from forecaster.domains.shelf import references, shelf, text_of
from forecaster.errors import CardError

LAW = ("level", "log_a", "log_b", "share_logit", "floor_logit", "log_k")
QUANTITIES = (*LAW, "log_noise", "log_drift", "log_halving")
EXCESS = "log_excess"  # where runs may lie above the surface
PRIORS = (*QUANTITIES, EXCESS)
SHIPPED = "losses"
FOLDER = "surfaces"


@dataclass(frozen=True)
class SurfacePrior:
    """A normal prior, where it is from, and why."""

    mean: float
    sd: float
    source: str
    why: str


@dataclass(frozen=True, eq=False)
class SurfaceCard:
    """Priors of a surface; ``memory`` is that of its drift, in nats of either axis."""

    name: str
    title: str
    priors: Mapping[str, SurfacePrior]
    memory: float


def load_surface_card(path: str | Path | None = None) -> SurfaceCard:
    """The card at ``path``, or the shipped one; CardError with each wrong line where it cannot be used."""
    source = shelf() / FOLDER / f"{SHIPPED}.toml" if path is None else Path(path)
    origin = source.name if path is None else str(path)
    return parse(text_of(source, origin), origin)


def parse(text: str, origin: str) -> SurfaceCard:
    """The card written in ``text``; ``origin`` is the file to name where something is wrong."""
    raw = parsed(text, origin, CardError, 'lines like key = "text"')
    problems = list(_problems(raw))
    if problems:
        raise CardError(listed(text, origin, problems))
    priors = {name: SurfacePrior(**raw["priors"][name]) for name in PRIORS}
    return SurfaceCard(raw["name"], raw["title"], priors, float(raw["memory"]["value"]))


def _problems(raw: dict[str, Any]) -> Iterator[Problem]:
    citations = dict(references()) | raw.get("references", {})
    yield from unknown_keys((), raw, ("name", "title", "priors", "memory", "references"))
    for key in ("name", "title"):
        if not is_text(raw.get(key)):
            yield Problem((), f"no {key}", f'a line {key} = "..." above the first table')
    priors = raw.get("priors", {})
    yield from unknown_keys(("priors",), priors, PRIORS)
    for name in PRIORS:
        if name not in priors:
            yield Problem(("priors",), f"no prior for {name}", f"a table [priors.{name}] with mean, sd, source and why")
        else:
            yield from _record(("priors", name), priors[name], ("mean", "sd"), citations)
    if "memory" not in raw:
        yield Problem((), "no memory", "a table [memory] with value, source and why")
    else:
        yield from _record(("memory",), raw["memory"], ("value",), citations)


def _record(
    path: tuple[str, ...], record: Any, numbers: tuple[str, ...], citations: dict[str, str]
) -> Iterator[Problem]:
    if not isinstance(record, dict):
        yield wrong(path, record, f"a table with {', '.join(numbers)}, source and why")
        return
    yield from unknown_keys(path, record, (*numbers, "source", "why"))
    for key in numbers:
        least = -100.0 if key == "mean" else 1e-6
        if not is_number(record.get(key), least, 100.0):
            yield wrong((*path, key), record.get(key), f"a number from {least:g} to 100")
    if record.get("source") not in citations:
        yield wrong((*path, "source"), record.get("source"), one_of(str(record.get("source")), citations))
    if not is_text(record.get("why")):
        yield wrong((*path, "why"), record.get("why"), "a sentence in quotes")
