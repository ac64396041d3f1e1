"""The options that verbs on money share: prices, what an error costs; and surfaces, where there are two axes."""

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from forecaster.cli import values
from forecaster.cli.app import Asked, Curves
from forecaster.cli.source import is_posterior
from forecaster.errors import OptionError, RequestError

if TYPE_CHECKING:
    from forecaster.surfaces.fitted import Surface

Engine = Literal["importance", "nuts"]

BOTH = "Model size and data"
MONEY = "What it costs, what an error costs"


def _option(name: str, text: str, **more: Any) -> Any:
    return typer.Option(name, help=text, rich_help_panel=MONEY, show_default=False, **more)


@dataclass(frozen=True)
class Priced(Asked):
    """The curves of a question, prices, and what an error costs."""

    costs: Annotated[
        Path | None,
        _option("--costs", "Price list (.toml); `forecaster decide --template` writes one to fill in."),
    ] = None
    target: Annotated[float | None, _option("--target", "The error (not accuracy) to reach.")] = None
    penalty: Annotated[float | None, _option("--penalty", "Money lost where the target is missed.")] = None
    value_per_point: Annotated[
        float | None, _option("--value-per-point", "Money for each (percentage) point of error.")
    ] = None
    cost_per_mistake: Annotated[
        float | None, _option("--cost-per-mistake", "Money for each mistake; needs --volume.")
    ] = None
    volume: Annotated[str | None, _option("--volume", "Answers that the model will give, e.g. 1.5M.")] = None
    budget: Annotated[float | None, _option("--budget", "The most that may be paid.")] = None
    two_axes: Annotated[
        bool,
        typer.Option("--two-axes", help="The table has sizes of models and of data: a surface.", rich_help_panel=BOTH),
    ] = False
    flops: Annotated[
        str | None,
        typer.Option("--flops", help="With --two-axes: compute, spent best, e.g. 1e21,1e22.", rich_help_panel=BOTH),
    ] = None
    params: Annotated[
        str | None, typer.Option("--params", help="With --two-axes: model sizes, e.g. 7e9.", rich_help_panel=BOTH)
    ] = None
    unique: Annotated[
        str | None,
        typer.Option("--unique", help="With --two-axes: different data; more are repeated.", rich_help_panel=BOTH),
    ] = None

    @property
    def worth(self) -> dict[str, Any]:
        """The arguments of the verb, without the prices."""
        return {
            "target": self.target,
            "penalty": self.penalty,
            "value_per_point": self.value_per_point,
            "cost_per_mistake": self.cost_per_mistake,
            "volume": values.size(self.volume, "--volume"),
            "budget": self.budget,
        }

    def prices(self, architectures: Iterable[str] | None = None) -> Any:
        """The price list; none where none was given. CostsError for one that names another architecture than these."""
        from forecaster.resources.prices.costs_file import read_costs

        named = None if architectures is None else dict.fromkeys(architectures)
        return None if self.costs is None else read_costs(self.costs, named)

    def check(self) -> None:
        """OptionError for an amount, a share or a target out of range."""
        for option, amount in (
            ("--penalty", self.penalty),
            ("--value-per-point", self.value_per_point),
            ("--cost-per-mistake", self.cost_per_mistake),
            ("--budget", self.budget),
        ):
            if amount is not None and not 0 <= amount < float("inf"):
                raise OptionError(f"{option}: found {amount:g}; expected an amount from 0 up, such as 50000")
        values.check_positive(self.target, "--target", "an error above 0, such as 0.05")


@dataclass(frozen=True)
class Weighed(Priced):
    """The same, and how options are weighed: those of ``decide`` and ``memo``."""

    risk: Annotated[
        float | None, _option("--risk", "Accepted chance of missing the target, in place of a penalty.")
    ] = None
    attitude: Annotated[
        Literal["mean", "cvar", "regret"],
        _option("--attitude", "Lowest mean loss, or mean loss (or regret) of the worst tenth of cases."),
    ] = "mean"
    rounds: Annotated[int, _option("--rounds", "Orders that may follow one another.", min=1)] = 1

    @property
    def worth(self) -> dict[str, Any]:
        """The arguments of the verb, without the prices."""
        return super().worth | {"risk": self.risk, "attitude": self.attitude, "rounds": self.rounds}

    def check(self) -> None:
        """OptionError for an amount, a share or a target out of range."""
        super().check()
        if self.risk is not None:
            values.check_share(self.risk, "--risk")


# Two axes --------------------------------------------------------------------------------------------


def is_surface(path: Path) -> bool:
    """Whether the file holds saved surfaces."""
    if not is_posterior(path):
        return False
    from forecaster.surfaces.posterior.storage import SCHEMA, schema_of

    return schema_of(path) == SCHEMA


def has_two_axes(asked: Priced) -> bool:
    """Whether a question that may be about a curve is about a surface: it says so, or its file holds one."""
    told = asked.two_axes or asked.flops is not None or asked.params is not None or asked.unique is not None
    return told or is_surface(asked.source)


def surfaces_of(asked: Curves, engine: Engine = "importance", seed: int = 0) -> "tuple[Surface, ...]":
    """The surfaces of the file that were chosen: saved ones, or those fitted to its table now."""
    if is_posterior(asked.source):
        return _saved(asked)
    given = asked.given(two_axes=True)
    from forecaster.surfaces.posterior.fitting import designs_of_source, fitted_to

    designs = designs_of_source(given.chosen, asked.card, {})
    return tuple(fitted_to(design, engine=engine, seed=seed) for design in designs)


def one_surface(asked: Asked) -> "Surface":
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


def _saved(asked: Curves) -> "tuple[Surface, ...]":
    from forecaster.surfaces.posterior.storage import load_surfaces

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
