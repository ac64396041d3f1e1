"""What the command line was given, where it has two axes: surfaces, saved or fitted to a table."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from forecaster.cli import values
from forecaster.cli.app import Curves
from forecaster.cli.commands.worth import Priced
from forecaster.cli.source import is_posterior
from forecaster.errors import OptionError, RequestError

if TYPE_CHECKING:
    from forecaster.surfaces.fitted import Surface

Engine = Literal["importance", "nuts"]


def is_surface(path: Path) -> bool:
    """Whether the file holds saved surfaces."""
    if not is_posterior(path):
        return False
    from forecaster.surfaces.storage import SCHEMA, schema_of

    return schema_of(path) == SCHEMA


def has_two_axes(asked: Priced) -> bool:
    """Whether a question that may be about a curve is about a surface: it says so, or its file holds one."""
    told = asked.two_axes or asked.flops is not None or asked.params is not None or asked.unique is not None
    return told or is_surface(asked.source)


def surfaces_of(asked: Curves, engine: Engine = "importance", seed: int = 0) -> tuple[Surface, ...]:
    """The surfaces of the file that were chosen: saved ones, or those fitted to its table now."""
    if is_posterior(asked.source):
        return _saved(asked)
    given = asked.given(two_axes=True)
    from forecaster.surfaces.fitting import designs_of_source, fitted_to

    designs = designs_of_source(given.chosen, asked.card, {})
    return tuple(fitted_to(design, engine=engine, seed=seed) for design in designs)


def one_surface(asked: Priced) -> Surface:
    """The surface that a decision is about; RequestError where there are several."""
    first, *others = surfaces_of(asked, seed=asked.seed)
    if others:
        named = ", ".join(one.design.label for one in (first, *others))
        raise RequestError(
            f"found {len(others) + 1} surfaces ({named}); expected one: choose it with --architecture or --task"
        )
    return first


def runs_asked(asked: Priced, at: str | None) -> dict[str, object]:
    """The options on which runs are meant."""
    return {
        "flops": values.sizes(asked.flops, "--flops", "compute above 0, such as 1e21,1e22") or None,
        "at": values.sizes(at) or None,
        "params": values.sizes(asked.params, "--params") or None,
        "unique_n": values.size(asked.unique, "--unique"),
    }


def points_in(path: str, option: str, expected: str) -> Any:
    """The rows of a file of points; RequestError where it cannot be read."""
    import pandas as pd

    try:
        return pd.read_parquet(path) if path.lower().endswith(".parquet") else pd.read_csv(path)
    except Exception as error:
        what = str(error).partition("\n")[0]
        raise RequestError(f"{option}: {what}; expected {expected}") from None


def _saved(asked: Curves) -> tuple[Surface, ...]:
    from forecaster.surfaces.storage import load_surfaces

    if wrong := asked.reads():
        raise OptionError(
            f"{asked.source}: found {', '.join(wrong)} beside saved surfaces, which are fitted already; leave it out, "
            "or give the table itself"
        )
    found = load_surfaces(asked.source)
    for column, names in (("domain", asked.domain), ("task", asked.task), ("architecture", asked.architecture)):
        known = [getattr(one.design, column) for one in found]
        if lost := [name for name in names or () if name not in known]:
            raise RequestError(
                f"found no {column} {', '.join(lost)}; expected one of {', '.join(dict.fromkeys(known))}"
            )
        found = tuple(one for one in found if not names or getattr(one.design, column) in names)
    if not found:
        raise RequestError("no surface has the domain, task and architecture asked for, all three together")
    return found
