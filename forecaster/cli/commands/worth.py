"""What data cost and what an error costs: the options that verbs on money share."""

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Literal

import typer

from forecaster.cli import values
from forecaster.cli.app import Asked
from forecaster.errors import OptionError

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
