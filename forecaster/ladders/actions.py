"""Actions that a ladder of errors suggests: more data, data more like the target, a larger model, a new dev set.

Each action closes one gap. It is supported where that gap is surely one of the large ones (at least half of the
largest, which is how Ng reads them: two large gaps ask for two actions), not supported where it surely is not, and
else the numbers cannot tell.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

from forecaster.ladders.gaps import BIAS, MISMATCH, OVERUSE, VARIANCE, Gap, p_matters
from forecaster.results.columns import Column, Columns

SURE_CHANCE = 0.8
SUPPORTED, NOT_SUPPORTED, CANNOT_TELL = "supported", "not supported", "cannot tell"
ACTIONS = {
    BIAS: "a bigger model, or longer training",
    VARIANCE: "more data",
    MISMATCH: "more data like the target",
    OVERUSE: "a new dev set",
}
TABLE = Columns(
    "an action",
    Column("action", "text", "what could be done", key=True),
    Column("closes", "text", "the gap that it would close"),
    Column("verdict", "text", f"`{SUPPORTED}`, `{NOT_SUPPORTED}` or `{CANNOT_TELL}` by these numbers"),
    Column(
        "p_matters",
        "chance",
        "chance that the gap is at least half of the largest, and above `matter`; null where it is not measured",
    ),
    Column("reason", "text", "why, in words"),
)


def actions(gaps: Sequence[Gap], matter: float) -> pd.DataFrame:
    """A row an action, the best supported first."""
    chances = p_matters(gaps, matter)
    rows = []
    for kind, action in ACTIONS.items():
        at = next((i for i, gap in enumerate(gaps) if kind in gap.kinds), None)
        p = float("nan") if at is None else float(chances[at])
        rows.append({"action": action, "closes": kind, **_verdict(kind, None if at is None else gaps[at], p)})
    rows.sort(key=lambda row: -1.0 if np.isnan(row["p_matters"]) else row["p_matters"], reverse=True)
    return pd.DataFrame(rows, columns=list(TABLE.names))


def _verdict(kind: str, gap: Gap | None, p: float) -> dict[str, object]:
    if gap is None:
        return {"verdict": CANNOT_TELL, "p_matters": p, "reason": "neither rung beside it was given"}
    between = f"from the {gap.below.name} to the {gap.above.name} error"
    if p <= 1.0 - SURE_CHANCE:
        return {"verdict": NOT_SUPPORTED, "p_matters": p, "reason": f"the gap {between} is not among the large ones"}
    if len(gap.kinds) > 1:
        others = " and ".join(k for k in gap.kinds if k != kind)
        return {"verdict": CANNOT_TELL, "p_matters": p, "reason": f"the gap {between} holds {others} as well"}
    if p < SURE_CHANCE:
        reason = f"more cases would show whether the gap {between} is large"
        return {"verdict": CANNOT_TELL, "p_matters": p, "reason": reason}
    return {"verdict": SUPPORTED, "p_matters": p, "reason": f"the gap {between} is among the large ones"}
