"""MLflow's old store of files: ``mlruns/EXPERIMENT/RUN`` with ``meta.yaml``, ``metrics/``, ``params/``, ``tags/``."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from forecaster.curves.importers.export import STEP, Export, Format, one_run, points_of
from forecaster.curves.importers.seen import Seen
from forecaster.curves.importers.settings import from_yaml
from forecaster.curves.importers.trackers.mlflow_table import SIZES, state_of

META = "meta.yaml"
STATUS = {1: "RUNNING", 2: "SCHEDULED", 3: "FINISHED", 4: "FAILED", 5: "KILLED"}


def claims(seen: Seen) -> bool:
    names = set(seen.names) if seen.kind == "folder" else set()
    return META in names and bool(names & {"metrics", "params"})


def read(seen: Seen) -> Export:
    """The points of one run."""
    folder = seen.path
    meta, experiment = _yaml(folder / META), _yaml(folder.parent / META)
    recorded = [point for name, path in _entries(folder / "metrics") for point in _points(name, path)]
    settings: dict[str, Any] = {"run_id": folder.name, "experiment": experiment.get("name")}
    settings |= {f"params.{name}": _text(path).strip() for name, path in _entries(folder / "params")}
    name = meta.get("run_name") or _text(folder / "tags" / "mlflow.runName").strip() or folder.name
    status = STATUS.get(meta.get("status", 0), str(meta.get("status", "")))
    state = state_of(status, meta.get("lifecycle_stage"))
    return one_run(str(name), points_of(recorded), settings, state, step=STEP)


def _points(name: str, path: Path) -> Iterator[tuple[int, str, float]]:
    """Lines of ``timestamp value step``, in the order of steps and times."""
    lines = sorted((int(step), int(time), float(value)) for time, value, step in _fields(path))
    yield from ((step, f"metrics.{name}", value) for step, _, value in lines)


def _fields(path: Path) -> Iterator[tuple[str, str, str]]:
    for number, line in enumerate(_text(path).splitlines(), start=1):
        fields = line.split()
        if len(fields) < 3:
            raise ValueError(f"line {number} of {path.name} is {line[:40]!r}, and no timestamp, value and step")
        yield fields[0], fields[1], fields[2]


def _entries(folder: Path) -> Iterator[tuple[str, Path]]:
    """Names and files; a name with a slash is a file in a folder."""
    for path in sorted(folder.rglob("*")):
        if path.is_file():
            yield path.relative_to(folder).as_posix(), path


def _text(path: Path) -> str:
    return path.read_text(encoding="utf-8") if path.is_file() else ""


def _yaml(path: Path) -> dict[str, Any]:
    return from_yaml(_text(path))


FORMAT = Format("mlflow-folder", "a run in MLflow's store of files", claims, read, sizes=SIZES)
