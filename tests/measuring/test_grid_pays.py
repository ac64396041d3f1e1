"""A real training script with a grid: the models chosen are as good as the best width that could have been fixed.

``uv run pytest -m slow -s tests/measuring/test_grid_pays.py`` prints every shard.
"""

from __future__ import annotations

import re
import sys
from pathlib import Path

import numpy as np
import pytest

import forecaster

pytestmark = pytest.mark.slow
TUTORIAL = Path(__file__).parents[2] / "docs" / "tutorials" / "from-a-training-script.md"
READ = r"params=(?P<params>\d+) val=(?P<error>\S+) test=(?P<test_error>\S+)"
PERCEPTRON = """
import sys, warnings
import numpy as np
from sklearn.datasets import load_digits
from sklearn.neural_network import MLPClassifier

warnings.simplefilter("ignore")
n, seed, width = int(sys.argv[2]), int(sys.argv[4]), int(sys.argv[6])
x, y = load_digits(return_X_y=True)
order = np.random.default_rng(0).permutation(len(y))
test, validation, pool = np.split(order, [500, 800])
train = np.random.default_rng(seed + 1).permutation(pool)[:n]
model = MLPClassifier((width,), max_iter=150, random_state=seed).fit(x[train] / 16, y[train])
val, test = (1 - model.score(x[part] / 16, y[part]) for part in (validation, test))
print(f"params={sum(w.size for w in model.coefs_ + model.intercepts_)} val={val} test={test}")
"""


def tutorial() -> str:
    """The script of the tutorial."""
    found = re.search(r"write_text\('''\n(.*?)\n'''\)", TUTORIAL.read_text(encoding="utf-8"), re.S)
    assert found is not None
    return found[1]


@pytest.mark.parametrize(
    ("script", "sizes", "widths", "cases"),
    [(tutorial(), "250:8000:x2", [4, 8, 16, 32, 64], 4000), (PERCEPTRON, "60:960:x2", [4, 16, 64], 500)],
    ids=["tutorial", "digits"],
)
def test_the_best_chosen_is_no_worse_than_the_best_fixed_width(script, sizes, widths, cases, tmp_path):
    path = tmp_path / "train.py"
    path.write_text(script)
    command = f"{sys.executable} {path} --n {{n}} --seed {{seed}} --width {{width}}"
    trainer = forecaster.CommandTrainer(command, READ, 2)
    found = forecaster.measure(trainer, sizes, 4, grid={"width": widths}, n_test=cases, architecture="net", jobs=2)
    runs = found.runs.pivot_table(index="n", columns=["point", "seed"], values="test_error")
    by_width = {width: runs[f"width={width}"] for width in widths}
    fixed = min(widths, key=lambda width: np.log(by_width[width]).to_numpy().mean())
    chosen = found.table.groupby("n")["error"].mean()
    print(f"\nbest fixed width: {fixed}")
    for n in runs.index:
        best = by_width[fixed].loc[n]
        of_seeds = best.var(ddof=1) / len(best)
        error = np.sqrt(of_seeds + best.mean() * (1 - best.mean()) / cases)
        least = min(by_width[width].loc[n].mean() for width in widths)
        print(f"n {n:>5}: chosen {chosen[n]:.4f}, fixed {best.mean():.4f} (SE {error:.4f}), least of all {least:.4f}")
        assert chosen[n] <= best.mean() + error
