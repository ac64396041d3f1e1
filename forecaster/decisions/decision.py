"""Decision: the answer of ``decide``, and what its tables hold."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import pandas as pd

from forecaster.decisions.cases.value import TEST_CASES
from forecaster.decisions.ordering.orders import ORDERS
from forecaster.inference.posterior import Posterior
from forecaster.results.columns import CURVE, GIVEN_LEVEL, Column, Columns, declared, interval, size
from forecaster.results.message import Message, message
from forecaster.results.result import Result, Shown

IN_MONEY = "; null where an error costs no money"
OPTIONS = Columns(
    "an option and architecture",
    Column("option", "text", "what is done: `do nothing`, `train at N` (on what is owned) or `buy N`"),
    CURVE,
    size("training-set size"),
    Column("buy", "size", "items to be bought: those beyond what is owned", terminal=False),
    Column("cost", "money", "what is paid for it: items, the order, training"),
    interval("yhat", "error", "forecast of the error: posterior median and equal-tailed interval"),
    GIVEN_LEVEL,
    Column("p_target", "chance", "chance that the target is reached by that size; null without a target"),
    Column("loss_mean", "money", "mean loss: cost, running, and what the error costs" + IN_MONEY),
    Column("loss_q90", "money", "the loss that nine in ten cases do not exceed" + IN_MONEY, terminal=False),
    Column("loss_cvar90", "money", "conditional value at risk: the mean loss of the worst tenth of cases" + IN_MONEY),
    Column(
        "regret_mean",
        "money",
        "mean loss beyond that of the option that is best in each draw" + IN_MONEY,
        terminal=False,
    ),
    Column(
        "p_best",
        "chance",
        "chance that no other option within the limits has a lower loss (a lower error, where an error costs no money)",
    ),
    Column("best", "flag", "whether it is the option to choose"),
    Column("allowed", "flag", "whether it is within budget and deadline", terminal=False),
    Column("cost_items", "money", "of the cost: items by the price list", terminal=False),
    Column("cost_fixed", "money", "of the cost: what the order costs beside them", terminal=False),
    Column("cost_training", "money", "of the cost: training", terminal=False),
    Column("running", "money", "what the answers of the trained model cost, part of the loss", terminal=False),
    Column("regret_cvar90", "money", "mean regret of the worst tenth of cases" + IN_MONEY, terminal=False),
    Column("date", "date", "day on which the model is ready, if ordered today; null without times", terminal=False),
    Column("order_by", "date", "last day to order for the deadline; null without one", terminal=False),
)


@dataclass(frozen=True, eq=False, repr=False)
class Decision(Result):
    """What to buy: options, what each costs and risks, and which one is best."""

    orders: pd.DataFrame = field(default_factory=pd.DataFrame)
    test_cases: pd.DataFrame = field(default_factory=pd.DataFrame)
    messages: tuple[Message, ...] = ()
    recommendation: Message = field(default_factory=lambda: message("none", ""))
    plan: Mapping[str, Any] | None = None
    evpi: float | None = None
    break_even_price: float | None = None
    break_even_penalty: float | None = None
    flips_when: tuple[Mapping[str, Any], ...] = ()
    lowest_risk: Mapping[str, Any] | None = None
    deadline: Mapping[str, Any] | None = None
    asked: Mapping[str, Any] = field(default_factory=dict)
    posterior: Posterior | None = None

    command = "decide"
    columns = declared(table=OPTIONS, orders=ORDERS, test_cases=TEST_CASES)
    keys = declared(
        recommendation="what to do: `id` (`buy`, `train`, `do-not-buy`, `out-of-reach`, `nothing-within`), `text`, "
        "and in `values` the option, architecture, size, amount and cost",
        plan="several orders (`--rounds`): `first` and `one`, the sizes of the first of them and of a single one "
        "(null: buy nothing); `loss`, `cost` and `p_target`, of a single one with `_one`; the `gain` in mean loss with "
        "its standard error `gain_sd`, all on draws that neither was chosen on; by round, `ordered`, the chance of an "
        "order, and `sizes`, the median size it goes up to; `then`, what to do by the error measured after the first "
        "order (`likely`: after its 10, 50 and 90 % quantile). Null for one round",
        evpi="expected value of perfect information, the most that any measurement can be worth: of a risk-neutral "
        "choice among these options; null where an error costs no money",
        break_even_price="factor on the price list up to which buying pays; 0: at no price, `inf`: at any",
        break_even_penalty="penalty (or value of a point, or cost of a mistake) from which buying pays; `inf`: none",
        flips_when="what would change the choice: each `what` (`price_list`, `value`, `budget`, `deadline`), `factor` "
        "or `at`, and the `option`, `architecture` and `n` that is then best",
        lowest_risk="lowest chance of missing the target that is within reach: `risk`, `architecture`, `n`; null "
        "without a target",
        deadline="the `date`, the last day to order the recommended option (`order_by`), and `days` until then; null "
        "without a deadline",
        asked="the question: `currency`, items `owned`, `target`, `penalty`, `per_point`, `per_mistake`, `volume`, "
        "`budget`, `risk`, `attitude`, `kind`",
    )

    @property
    def best(self) -> Mapping[str, Any]:
        """The row of the option to choose."""
        rows = self.table.to_dict("records")
        return next(row for row in rows if row["best"])

    def leading(self, most: int) -> pd.DataFrame:
        """Of each size the architecture with the lowest loss (or error), and the best option."""
        table: Any = self.table
        group = table["n"].where(~table["option"].eq("do nothing"), 0.0)
        ranked = table.assign(at=group, standing=table["loss_mean"].fillna(table["yhat"]))
        ranked = ranked.sort_values(["best", "standing", "yhat"], ascending=[False, True, True], kind="stable")
        chosen = ranked.groupby("at", sort=False).head(1).head(most).index
        return table.loc[sorted(chosen)]

    def shown(self, most: int) -> Sequence[Shown]:
        """The options, the orders by risk, and what test cases are worth."""
        options: Any = self.leading(most)
        hidden = len(self.table) - len(options)
        note = f"{hidden} more rows, of other architectures; --json or --output FILE.csv gives all." if hidden else ""
        known = self.columns["table"]
        filled = [
            str(c) for c in options if options[c].notna().any() and (column := known.named(str(c))) and column.terminal
        ]
        found = [Shown(options[filled], known.pick(*filled), note=note)]
        if len(self.orders):
            found.append(
                Shown(self.orders, self.columns["orders"], "The cheapest order by the risk of missing the target:")
            )
        if len(self.test_cases):
            found.append(Shown(self.test_cases, self.columns["test_cases"], "Test cases to buy before the choice:"))
        return found
