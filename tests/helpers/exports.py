"""Exports of trackers: the fixtures, how each is imported, and what it has to give, noted as the programs ran."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

FOLDER = Path(__file__).parents[1] / "curves" / "importers" / "fixtures"
EXPECTED = json.loads((FOLDER / "expected.json").read_text())
DOMAIN = {"domain": "d"}


@dataclass(frozen=True)
class Fixture:
    """One export: its path, the format it is, its writer, what is told of it, and how many runs are left out."""

    path: str
    format: str
    writer: str
    columns: dict[str, str]
    names: str | None = None
    dropped: dict[str, int] = field(default_factory=dict)
    single: bool = False
    model: str | None = None  # the one of the writer's models that it holds
    score: str | None = None
    near: float = 1e-12  # relative: some programs keep 32 bits

    @property
    def at(self) -> Path:
        return FOLDER / self.path

    def options(self, **more: Any) -> dict[str, Any]:
        """The arguments of an import of it."""
        own = {"columns": self.columns, "names": self.names, "score": self.score, "constants": DOMAIN}
        return own | ({} if self.single else {"take": "last"}) | more

    def expected(self, which: str = "last") -> dict[tuple[str, float], float]:
        rows = [row for row in EXPECTED[self.writer] if self.model in (None, row["architecture"])]
        return {(row["architecture"], float(row["n"])): row[which] for row in rows}


NAMES = "{architecture}-n{n}"
MLFLOW = {"n": "params.train_size", "error": "metrics.val/loss", "architecture": "params.model"}
HPARAMS = {"n": "hparams.train_size", "architecture": "hparams.model"}
SHORT = 1e-6
FIXTURES = (
    Fixture(
        *("wandb_runs.csv", "wandb-runs", "wandb_runs"),
        {"n": "train_size", "error": "val/loss", "architecture": "model"},
        dropped={"crashed": 1, "running": 1},
        single=True,
    ),
    Fixture(
        *("wandb_api.csv", "wandb-runs", "wandb_api"),
        {"n": "config.data.train_size", "error": "summary.val.loss", "architecture": "config.model"},
        single=True,
    ),
    Fixture("wandb_chart.csv", "wandb-chart", "wandb_chart", {"error": "val_loss"}, "{architecture} - n{n}"),
    Fixture(
        *("wandb_history", "wandb-history", "wandb_history"),
        {"n": "config.train_size", "error": "val/loss", "architecture": "config.model"},
    ),
    Fixture("mlflow_runs.csv", "mlflow-runs", "mlflow_database", MLFLOW, dropped={"failed": 1}, single=True),
    Fixture("mlflow.db", "mlflow-database", "mlflow_database", MLFLOW, dropped={"failed": 1, "deleted": 1}),
    Fixture("mlruns", "mlflow-folder", "mlflow_folder", MLFLOW, dropped={"failed": 1, "deleted": 1}),
    Fixture(
        *("tensorboard_numbers", "tensorboard-events", "tensorboard_events"),
        {**HPARAMS, "error": "val/loss"},
        model="cnn",
        near=SHORT,
    ),
    Fixture(
        *("tensorboard_tensors", "tensorboard-events", "tensorboard_events"),
        {"error": "validation/epoch_loss"},
        NAMES,
        model="mlp",
        near=SHORT,
    ),
    Fixture("tensorboard_csv", "tensorboard-csv", "tensorboard_csv", {"error": "val_loss"}, NAMES, near=SHORT),
    Fixture(
        *("huggingface", "huggingface", "huggingface"),
        {"error": "eval_loss"},
        NAMES,
        dropped={"stopped before max_steps": 1},
    ),
    Fixture("lightning", "lightning", "lightning", {**HPARAMS, "error": "val_loss"}),
    Fixture("keras", "keras", "keras", {"error": "val_mae"}, "{architecture}-n={n}"),
    Fixture("lm_eval", "lm-eval", "lm_eval", {}, "*/{architecture}-n{n}", single=True),
    Fixture("scikit_learn", "scikit-learn", "scikit_learn", {"architecture": "run"}, single=True),
    Fixture(
        *("records.jsonl", "records", "records"),
        {"n": "config.data.train_size", "error": "summary.eval/loss", "architecture": "config.model"},
        dropped={"failed": 1},
        single=True,
    ),
)
BY_PATH = {fixture.path: fixture for fixture in FIXTURES}
