# /// script
# requires-python = ">=3.11,<3.14"
# dependencies = [
#   "accelerate==1.15.0",
#   "keras==3.15.1",
#   "lightning==2.6.6",
#   "lm_eval==0.4.13",
#   "mlflow==3.17.2",
#   "scikit-learn==1.9.1",
#   "tensorboard==2.21.0",
#   "torch==2.13.0",
#   "transformers==5.24.0",
# ]
# ///
"""Write the exports that the tests of the importers read, each by the program that makes such files.

    uv run --script tests/curves/importers/write_fixtures.py [NAME ...]

installs them (more than a gigabyte) into an environment of its own; MLflow and forecaster need different versions of
pyarrow, so that they are no dependency group.

What a real library wrote: MLflow (database, files, search_runs), TensorBoard (event files by its own writer and by that
of PyTorch, scalars saved by its page), Trainer of Hugging Face, Lightning, Keras (backend PyTorch), lm-eval,
scikit-learn, pandas. Written here in the documented form, because their program needs an account on a server: the W&B
runs table and chart export of its page, and the Parquet of its history artifact. The frame of the API of W&B
(``wandb_api.csv``) is made as its documentation makes it.

``expected.json`` has, for each fixture, what was measured as the programs ran: architecture, n, and the error at the
last and the best point. Paths and host names of the machine that ran it are taken out.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent / "fixtures"
MODELS = {"cnn": (2.0, 0.4), "mlp": (3.0, 0.35)}
SIZES = (250, 500, 1000, 2000)
FACTORS = (2.0, 1.5, 1.2, 1.0, 1.1)  # of the error along a run: the best point is the one before the last
STEPS = tuple(10 * k for k in range(1, len(FACTORS) + 1))
Expected = list[dict[str, Any]]


def base(model: str, n: int) -> float:
    a, b = MODELS[model]
    return a * n**-b


def runs() -> list[tuple[str, int, list[float]]]:
    return [(model, n, [base(model, n) * f for f in FACTORS]) for model in MODELS for n in SIZES]


def formula() -> Expected:
    return [{"architecture": m, "n": n, "last": errors[-1], "best": min(errors)} for m, n, errors in runs()]


def fresh(name: str) -> Path:
    folder = HERE / name
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    return folder


# W&B ----------------------------------------------------------------------------------------------


def wandb_runs() -> Expected:
    """The runs table: one row has crashed, one is running."""
    head = [
        "Name",
        "State",
        "Notes",
        "User",
        "Tags",
        "Created",
        "Runtime",
        "Sweep",
        "model",
        "train_size",
        "val/loss",
        "_step",
    ]
    rows = [
        [
            f"{m}-n{n}",
            "finished",
            "-",
            "someone",
            "",
            "2026-03-01T10:00:00.000Z",
            "120",
            "",
            m,
            str(n),
            repr(e[-1]),
            "50",
        ]
        for m, n, e in runs()
    ]
    rows.insert(
        3, ["cnn-n4000", "crashed", "-", "someone", "", "2026-03-01T10:00:00.000Z", "7", "", "cnn", "4000", "", ""]
    )
    rows.append(
        ["mlp-n4000", "running", "-", "someone", "", "2026-03-02T10:00:00.000Z", "70", "", "mlp", "4000", "0.9", "10"]
    )
    (HERE / "wandb_runs.csv").write_text(
        "\n".join(",".join(f'"{cell}"' for cell in row) for row in [head, *rows]) + "\n"
    )
    return formula()


def wandb_api() -> Expected:
    import pandas as pd

    summary = [{"val": {"loss": e[-1]}, "_step": 50, "train/grad_norm": float("nan")} for _, _, e in runs()]
    config = [{"model": m, "data": {"train_size": n}, "lr": 0.1} for m, n, _ in runs()]
    name = [f"{m}-n{n}" for m, n, _ in runs()]
    pd.DataFrame({"summary": summary, "config": config, "name": name}).to_csv(HERE / "wandb_api.csv")
    return formula()


def wandb_chart() -> Expected:
    """A chart of one metric against the step; the names of the runs say model and size."""
    names = [f"{m} - n{n}" for m, n, _ in runs()]
    head = ["Step", *(f"{name} - val_loss{band}" for name in names for band in ("", "__MIN", "__MAX"))]
    rows = [[str(step), *(repr(e[k]) for _, _, e in runs() for _ in range(3))] for k, step in enumerate(STEPS)]
    text = "\n".join(",".join(f'"{cell}"' for cell in row) for row in [head, *rows])
    (HERE / "wandb_chart.csv").write_text("\ufeff" + text + "\n", encoding="utf-8")
    return formula()


def wandb_history() -> Expected:
    """History artifacts, a folder each, with the ``config.yaml`` that W&B keeps beside a run."""
    import pandas as pd

    folder = fresh("wandb_history")
    for m, n, errors in runs():
        run = folder / f"{m}-n{n}"
        run.mkdir()
        points = [
            {
                "_step": s,
                "_runtime": 1.0 * s,
                "_timestamp": 1.7e9 + s,
                "tokens": s * n,
                "train/loss": 0.9 * e,
                "val/loss": e,
            }
            for s, e in zip(STEPS, errors, strict=True)
        ]
        pd.DataFrame(points[:3]).to_parquet(run / "0000.parquet", index=False)
        pd.DataFrame(points[3:]).to_parquet(run / "0001.parquet", index=False)
        (run / "config.yaml").write_text(f"model:\n    value: {m}\ntrain_size:\n    value: {n}\nlr:\n    value: 0.1\n")
    return formula()


# MLflow -------------------------------------------------------------------------------------------


def _track(mlflow: Any, some: list[tuple[str, int, list[float]]]) -> None:
    mlflow.set_experiment("scaling")
    for m, n, errors in some:
        with mlflow.start_run(run_name=f"{m}-n{n}"):
            mlflow.log_params({"model": m, "train_size": n})
            for step, error in zip(STEPS, errors, strict=True):
                mlflow.log_metrics({"val/loss": error, "tokens": step * n}, step=step)
    mlflow.start_run(run_name="failed")
    mlflow.log_params({"model": "cnn", "train_size": 4000})
    mlflow.end_run("FAILED")
    with mlflow.start_run(run_name="deleted") as gone:
        mlflow.log_params({"model": "cnn", "train_size": 8000})
        mlflow.log_metric("val/loss", 9.0, step=10)
    mlflow.delete_run(gone.info.run_id)


def mlflow_database() -> Expected:
    """The database, and the table of search_runs from it. Tables that hold nothing and no run are dropped, for size."""
    import sqlite3

    import mlflow

    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "mlflow.db"
        mlflow.set_tracking_uri(f"sqlite:///{path}")
        _track(mlflow, runs())
        found = mlflow.search_runs(experiment_names=["scaling"])
        found["artifact_uri"] = "mlruns/0/artifacts"
        found["tags.mlflow.user"], found["tags.mlflow.source.name"] = "someone", "train.py"
        found.to_csv(HERE / "mlflow_runs.csv", index=False)
        database = sqlite3.connect(path)
        database.execute("pragma foreign_keys = off")
        database.execute("update runs set artifact_uri = 'mlruns/1/artifacts', user_id = 'someone'")
        database.execute("update runs set source_name = 'train.py'")
        database.execute("update experiments set artifact_location = 'mlruns/1'")
        database.execute("delete from tags where key not in ('mlflow.runName')")
        kept = {"runs", "metrics", "latest_metrics", "params", "tags", "experiments", "alembic_version"}
        for (name,) in database.execute("select name from sqlite_master where type = 'table'").fetchall():
            if name not in kept and not name.startswith("sqlite_"):
                database.execute(f'drop table "{name}"')
        for (name,) in database.execute(
            "select name from sqlite_master where type = 'index' and sql is not null"
        ).fetchall():
            database.execute(f'drop index "{name}"')
        database.commit()
        database.execute("pragma page_size = 1024")
        database.execute("vacuum")
        database.close()
        shutil.copy(path, HERE / "mlflow.db")
    return formula()


def mlflow_folder() -> Expected:
    """The old store of files, of one model."""
    os.environ["MLFLOW_ALLOW_FILE_STORE"] = "true"
    import mlflow

    folder = fresh("mlruns")
    some = [one for one in runs() if one[0] == "cnn"]
    with tempfile.TemporaryDirectory() as made:
        mlflow.set_tracking_uri(f"file://{made}/mlruns")
        _track(mlflow, some)
        for path in sorted(Path(made, "mlruns").rglob("*")):
            inside = path.relative_to(Path(made, "mlruns"))
            kept = (
                path.name == "meta.yaml" or {"metrics", "params"} & set(inside.parts) or path.name == "mlflow.runName"
            )
            if path.is_file() and kept and inside.parts[0] not in ("0", ".trash", "models"):
                (folder / inside).parent.mkdir(parents=True, exist_ok=True)
                text = re.sub(
                    r"file://\S+|user_id: .*",
                    lambda m: "mlruns" if m[0][0] == "f" else "user_id: someone",
                    path.read_text(),
                )
                (folder / inside).write_text(text)
    return [one for one in formula() if one["architecture"] == "cnn"]


# TensorBoard --------------------------------------------------------------------------------------


def _rename(folder: Path) -> None:
    """Event files without the name of the host."""
    for number, path in enumerate(sorted(folder.rglob("events.out*"))):
        path.rename(path.with_name(f"events.out.tfevents.170000000{number % 10}.host.1.0"))


def tensorboard_events() -> Expected:
    """One model by the writer of PyTorch, with hyper-parameters; one by that of TensorBoard, which writes tensors."""
    from tensorboard.summary import Writer
    from torch.utils.tensorboard import SummaryWriter
    from torch.utils.tensorboard.summary import hparams

    numbers, tensors = fresh("tensorboard_numbers"), fresh("tensorboard_tensors")
    for m, n, errors in runs():
        run = (numbers if m == "cnn" else tensors) / f"{m}-n{n}"
        if m == "cnn":
            writer = SummaryWriter(run)
            for one in hparams({"train_size": n, "model": m, "augment": True}, {}):
                writer.file_writer.add_summary(one)
            for step, error in zip(STEPS, errors, strict=True):
                writer.add_scalar("val/loss", error, step)
            writer.close()
            continue
        for phase, factor in (("train", 0.9), ("validation", 1.0)):
            own = Writer(str(run / phase))
            for step, error in zip(STEPS, errors, strict=True):
                own.add_scalar("epoch_loss", factor * error, step)
            own.close()
    for run in (*numbers.iterdir(), *tensors.iterdir()):
        _rename(run)
    return formula()


def tensorboard_csv() -> Expected:
    """Scalars as the page of TensorBoard saves them, under the names that it gives the files."""
    from urllib.parse import urlencode
    from urllib.request import urlopen

    from tensorboard import program

    folder = fresh("tensorboard_csv")
    board = program.TensorBoard()
    with tempfile.TemporaryDirectory() as logs:
        from torch.utils.tensorboard import SummaryWriter

        for m, n, errors in runs():
            writer = SummaryWriter(f"{logs}/{m}-n{n}")
            for step, error in zip(STEPS, errors, strict=True):
                writer.add_scalar("val_loss", error, step)
                writer.add_scalar("train_loss", 0.9 * error, step)
            writer.close()
        board.configure(argv=[None, "--logdir", logs, "--reload_interval", "1", "--port", "0"])
        address = board.launch()
        import time

        time.sleep(8)
        for m, n, _ in runs():
            for tag in ("val_loss", "train_loss") if m == "cnn" else ("val_loss",):
                asked = urlencode({"run": f"{m}-n{n}", "tag": tag, "format": "csv"})
                with urlopen(f"{address}data/plugin/scalars/scalars?{asked}") as found:
                    (folder / f"run-{m}-n{n}-tag-{tag}.csv").write_bytes(found.read())
    return formula()


# Trainers -----------------------------------------------------------------------------------------


def huggingface() -> Expected:
    """Real trainings of a line; the models are not kept. Of the last run one checkpoint is left, as if cut short."""
    import torch
    from transformers import Trainer, TrainingArguments

    class Line(torch.nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.line = torch.nn.Linear(4, 1)

        def forward(self, x: Any = None, labels: Any = None) -> Any:
            out = self.line(x)
            return {"loss": torch.nn.functional.mse_loss(out[:, 0], labels), "logits": out}

    folder, found = fresh("huggingface"), []
    torch.manual_seed(0)
    slope = torch.randn(4)

    def rows(n: int) -> list[dict[str, Any]]:
        x = torch.randn(n, 4)
        return [{"x": a, "labels": a @ slope + 0.1 * torch.randn(())} for a in x]

    test = rows(64)
    for n in (64, 128, 256):
        with tempfile.TemporaryDirectory() as out:
            arguments = TrainingArguments(
                output_dir=out, per_device_train_batch_size=8, num_train_epochs=2, learning_rate=0.02, logging_steps=4,
                eval_strategy="epoch", save_strategy="epoch", report_to=[], use_cpu=True, disable_tqdm=True, seed=1,
            )  # fmt: skip
            trainer = Trainer(Line(), arguments, train_dataset=rows(n), eval_dataset=test)
            trainer.train()
            if n < 256:
                trainer.save_state()
                reported = [row["eval_loss"] for row in trainer.state.log_history if "eval_loss" in row]
                found.append({"architecture": "line", "n": n, "last": reported[-1], "best": min(reported)})
            for path in sorted(Path(out).rglob("trainer_state.json")):
                inside = path.relative_to(out)
                if n < 256 or inside.parts[0] == "checkpoint-32":
                    state = re.sub(re.escape(out), "out", path.read_text())
                    (folder / f"line-n{n}" / inside).parent.mkdir(parents=True, exist_ok=True)
                    (folder / f"line-n{n}" / inside).write_text(state)
    return found


def lightning() -> Expected:
    import lightning as L
    import torch
    from lightning.pytorch.loggers import CSVLogger

    class Told(L.LightningModule):
        """Logs what it is told."""

        def __init__(self, model: str, train_size: int) -> None:
            super().__init__()
            self.save_hyperparameters()
            self.layer = torch.nn.Linear(1, 1)
            self.errors = [base(model, train_size) * f for f in FACTORS]

        def training_step(self, batch: Any, index: int) -> Any:
            loss = self.layer(batch[0]).pow(2).mean()
            self.log("train_loss", loss, on_step=True, on_epoch=True)
            return loss

        def validation_step(self, batch: Any, index: int) -> None:
            self.log("val_loss", torch.tensor(self.errors[self.current_epoch], dtype=torch.float64))

        def configure_optimizers(self) -> Any:
            return torch.optim.SGD(self.parameters(), 0.1)

    folder = fresh("lightning")
    data = torch.utils.data.DataLoader(torch.utils.data.TensorDataset(torch.ones(4, 1)), batch_size=2)
    for m, n, _ in runs():
        trainer = L.Trainer(
            max_epochs=len(FACTORS), logger=CSVLogger(folder, name=None), log_every_n_steps=1, accelerator="cpu",
            enable_progress_bar=False, enable_model_summary=False, enable_checkpointing=False, num_sanity_val_steps=0,
        )  # fmt: skip
        trainer.fit(Told(m, n), data, data)
    return formula()


def keras() -> Expected:
    """Real trainings of one neuron; one log has semicolons."""
    os.environ["KERAS_BACKEND"] = "torch"
    import keras
    import numpy as np

    folder, found = fresh("keras"), []
    for n in (40, 80, 160):
        rng = np.random.default_rng(n)
        x = rng.normal(size=(n + 50, 3))
        y = x @ [1.0, -1.0, 0.5] + 0.1 * rng.normal(size=n + 50)
        model = keras.Sequential([keras.layers.Input((3,)), keras.layers.Dense(1)])
        model.compile(optimizer=keras.optimizers.SGD(0.05), loss="mse", metrics=["mae"])
        path = folder / f"neuron-n={n}.csv"
        log = keras.callbacks.CSVLogger(path, separator=";" if n == 80 else ",")
        done = model.fit(x[:n], y[:n], validation_data=(x[n:], y[n:]), epochs=4, verbose=0, callbacks=[log])
        own = done.history["val_mae"]
        found.append({"architecture": "neuron", "n": n, "last": own[-1], "best": min(own)})
    return found


TASK = """task: toy_choice
dataset_path: json
dataset_kwargs:
  data_files:
    test: {data}
output_type: multiple_choice
test_split: test
doc_to_text: "{{{{question}}}}"
doc_to_choice: ["yes", "no"]
doc_to_target: "{{{{label}}}}"
metric_list:
  - metric: acc
    aggregation: mean
    higher_is_better: true
metadata:
  version: 1.0
"""


def lm_eval() -> Expected:
    """A toy task of 40 questions, asked of models that answer by chance; names of models say their size."""
    import random

    from lm_eval import simple_evaluate
    from lm_eval.api.registry import get_model
    from lm_eval.loggers import EvaluationTracker
    from lm_eval.tasks import TaskManager

    folder, found = fresh("lm_eval"), []
    dummy = get_model("dummy")
    with tempfile.TemporaryDirectory() as desk:
        data = Path(desk) / "toy.jsonl"
        lines = [json.dumps({"question": f"Is {i} even?", "label": i % 2}) for i in range(40)]
        data.write_text("\n".join(lines) + "\n")
        (Path(desk) / "toy.yaml").write_text(TASK.format(data=data))
        for n in (1000, 2000, 4000):
            random.seed(n)
            tracker = EvaluationTracker(output_path=desk)
            tracker.general_config_tracker.log_experiment_args("dummy", f"pretrained=lab/toy-n{n}", "", "", False)
            done = simple_evaluate(
                dummy(), tasks=["toy_choice"], task_manager=TaskManager(include_path=desk), bootstrap_iters=0
            )
            done.pop("samples")
            tracker.save_results_aggregated(results=done)
            found.append({"architecture": "toy", "n": n, "last": 1.0 - done["results"]["toy_choice"]["acc,none"]})
        for path in sorted(Path(desk).rglob("results_*.json")):
            value = json.loads(path.read_text())
            for key in ("pretty_env_info", "git_hash", "configs", "cpu_info"):  # what tells of the machine
                value.pop(key, None)
            (folder / path.parent.name).mkdir(exist_ok=True)
            (folder / path.parent.name / path.name).write_text(json.dumps(value, indent=1))
    return found


def scikit_learn() -> Expected:
    import numpy as np
    from sklearn.datasets import load_digits
    from sklearn.linear_model import LogisticRegression
    from sklearn.model_selection import learning_curve
    from sklearn.neighbors import KNeighborsClassifier

    x, y = load_digits(return_X_y=True)
    folder, found = fresh("scikit_learn"), []
    learners = {"nearest": KNeighborsClassifier(1), "linear": LogisticRegression(max_iter=300)}
    for name, learner in learners.items():
        sizes, train, test, fit, score = learning_curve(
            learner, x / 16, y, train_sizes=[50, 100, 200, 400], cv=4, scoring="accuracy", return_times=True,
            shuffle=True, random_state=0,
        )  # fmt: skip
        held = {
            "train_sizes": sizes,
            "train_scores": train,
            "test_scores": test,
            "fit_times": fit,
            "score_times": score,
        }
        if name == "nearest":
            np.savez(folder / f"{name}.npz", **held, scoring="accuracy")
        else:
            held_as_lists = {key: value.tolist() for key, value in held.items()} | {"scoring": "accuracy"}
            (folder / f"{name}.json").write_text(json.dumps(held_as_lists))
        means = test.mean(axis=1)
        found += [{"architecture": name, "n": int(n), "last": 1.0 - m} for n, m in zip(sizes, means, strict=True)]
    return found


def records() -> Expected:
    lines = [
        {
            "config": {"model": m, "data": {"train_size": n}},
            "summary": {"eval/loss": e[-1], "tokens": 50 * n},
            "name": f"{m}-{n}",
        }
        for m, n, e in runs()
    ]
    lines.append(
        {"config": {"model": "cnn", "data": {"train_size": 4000}}, "summary": {}, "name": "bad", "state": "failed"}
    )
    (HERE / "records.jsonl").write_text("\n".join(map(json.dumps, lines)) + "\n")
    return formula()


WRITERS: tuple[Callable[[], Expected], ...] = (
    *(wandb_runs, wandb_api, wandb_chart, wandb_history, mlflow_database, mlflow_folder, tensorboard_events),
    *(tensorboard_csv, huggingface, lightning, keras, lm_eval, scikit_learn, records),
)


def main() -> None:
    """Write all fixtures, or those that are named."""
    wanted = sys.argv[1:] or [writer.__name__ for writer in WRITERS]
    path = HERE / "expected.json"
    expected = json.loads(path.read_text()) if path.is_file() else {}
    HERE.mkdir(exist_ok=True)
    for writer in WRITERS:
        if writer.__name__ in wanted:
            expected[writer.__name__] = writer()
            print(f"{writer.__name__}: written")
    path.write_text(json.dumps(expected, indent=1) + "\n")


if __name__ == "__main__":
    main()
