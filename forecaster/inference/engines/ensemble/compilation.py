"""Compiled programs, kept between processes: one file for each function and shapes of its arguments.

Tracing, lowering and compiling take seconds; loading a stored program takes milliseconds. JAX's own persistent cache
stores only the last step and keeps entries that a full disk truncated; entries here have a checksum.
"""

from __future__ import annotations

import functools
import hashlib
import pickle
import threading
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import jax
import numpy as np
from jax.experimental import serialize_executable

from forecaster._support import atomic_files, code_hash
from forecaster.errors import UnwritableError
from forecaster.inference.engines.ensemble import settings

CODE = (
    "curves",
    "domains",
    "model",
    "inference/importance",
    "inference/engines",
)  # parts of the package that programs come from
DIGEST = 32  # bytes of checksum before the program
_folder: Path | None = None  # folder of programs in this process; None: they are not stored


def keep_in(folder: Path | None) -> None:
    """Set the folder of stored programs; None: they are not stored."""
    global _folder
    _folder = folder


def compiled(function: Callable) -> Callable:
    """``function`` of arrays as a program for each shape of them, compiled or loaded when first called.

    Matrix products keep full precision, which GPUs would reduce by default.
    """
    known: dict[Any, Callable] = {}
    lock = threading.Lock()  # chains ask for the same programs at the same time

    @functools.wraps(function)
    def precise(*arguments: Any) -> Any:
        with jax.default_matmul_precision("highest"):
            return function(*arguments)

    def call(*arguments: Any) -> Any:
        leaves, structure = jax.tree.flatten(arguments)
        shapes = structure, *((leaf.shape, leaf.dtype) for leaf in leaves)
        if shapes not in known:
            with lock:
                if shapes not in known:
                    known[shapes] = _loaded_or_compiled(precise, arguments)
        return known[shapes](*arguments)

    return call


def _loaded_or_compiled(function: Callable, arguments: tuple) -> Callable:
    shapes = jax.tree.map(lambda leaf: jax.ShapeDtypeStruct(leaf.shape, leaf.dtype), arguments)
    path = None if _folder is None else _folder / key_of(function, shapes)
    found = None if path is None else _load(path)
    if found is None:
        on_cpu = jax.default_backend() == "cpu"
        options = {"xla_cpu_prefer_vector_width": settings.VECTOR_BITS} if on_cpu else None
        found = jax.jit(function).lower(*shapes).compile(options)
        if path is not None:
            _keep(path, pickle.dumps(serialize_executable.serialize(found)))
    return found


def key_of(function: Callable, shapes: Any) -> str:
    """SHA-256 (hex) of what decides a program: its code, its arguments, JAX and the device."""
    device = jax.devices()[0]
    said = [f"{function.__module__}.{function.__qualname__}", str(shapes), code_hash.of_code(CODE)]
    said += [jax.__version__, device.platform, device.device_kind, device.client.platform_version, *_processor()]
    said += [str(jax.config.read("jax_enable_x64"))]
    return hashlib.sha256("\n".join(said).encode()).hexdigest()


def _processor() -> list[str]:
    """Features of the host's processor: a program that needs more would crash on a host that shares the folder."""
    return sorted(np.show_config(mode="dicts")["SIMD Extensions"]["found"])  # type: ignore[index]


def _load(path: Path) -> Callable | None:
    """The stored program; None where there is none or it is damaged (it is then removed)."""
    with suppress(OSError):
        whole = path.read_bytes()
        kept = whole[DIGEST:]
        if hashlib.sha256(kept).digest() == whole[:DIGEST]:
            with suppress(Exception):  # a program that XLA cannot load is compiled again
                return serialize_executable.deserialize_and_load(*pickle.loads(kept))
        path.unlink(missing_ok=True)
    return None


def _keep(path: Path, program: bytes) -> None:
    """Folders that cannot be written are ignored."""
    with suppress(OSError, UnwritableError):
        path.parent.mkdir(parents=True, exist_ok=True)
        atomic_files.write_whole(path, lambda name: Path(name).write_bytes(hashlib.sha256(program).digest() + program))
