"""The fast engine's compiled programs, and what is kept of them between processes.

To run a program for the first time JAX traces and lowers it, in Python, and compiles what comes of it. Its persistent
cache keeps what was compiled. The other two take four fifths of what is left, in every process and for every shape of
arrays; so the lowered program is kept beside it, as JAX exports it. Both are left out where no cache is set.
"""

from __future__ import annotations

import functools
import hashlib
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import jax
from jax import export

from forecaster._support import atomic_files, code_hash

CODE = ("domains", "model", "inference/engines")  # modules that programs come from
DIGEST = 32  # bytes, in front of what is kept


def compiled(function: Callable, like: Any) -> Callable:
    """``function`` of arrays, compiled; on a CPU with wide vectors, which JAX would not choose by itself.

    Matrix products keep the precision of their numbers, of which other devices would take a half by themselves.
    ``like`` has the structure of what it returns.
    """
    options = {"xla_cpu_prefer_vector_width": 512} if jax.default_backend() == "cpu" else None

    @functools.wraps(function)
    def precise(*arguments: Any) -> Any:
        with jax.default_matmul_precision("highest"):
            return function(*arguments)

    def program(*arguments: Any) -> Any:
        """Runs when JAX traces, once for each shape of arrays."""
        folder = jax.config.jax_compilation_cache_dir
        if folder is None:
            return precise(*arguments)
        found = _lowered(precise, arguments, Path(folder) / "lowered").call(*jax.tree.leaves(arguments))
        return jax.tree.unflatten(jax.tree.structure(like), found)

    return jax.jit(program, compiler_options=options)


def _lowered(function: Callable, arguments: tuple, folder: Path) -> export.Exported:
    """``function`` of the leaves of ``arguments``, from the folder or lowered anew and kept there."""
    leaves, structure = jax.tree.flatten(arguments)
    shapes = [jax.ShapeDtypeStruct(leaf.shape, leaf.dtype) for leaf in leaves]
    path = folder / key_of(f"{function.__module__}.{function.__qualname__}", structure, shapes)
    found = _load(path)
    if found is None:

        def flat(*leaves: Any) -> list[Any]:
            return jax.tree.leaves(function(*jax.tree.unflatten(structure, leaves)))

        found = export.export(jax.jit(flat))(*shapes)
        _keep(path, bytes(found.serialize()))
    return found


def key_of(name: str, structure: Any, shapes: list[jax.ShapeDtypeStruct]) -> str:
    """SHA-256 (hex) of what decides how a program is lowered: its code, its arguments, JAX and the device."""
    said = [name, str(structure), *(f"{s.dtype}{s.shape}" for s in shapes)]
    said += [jax.__version__, jax.default_backend(), str(jax.config.read("jax_enable_x64")), code_hash.of_code(CODE)]
    return hashlib.sha256("\n".join(said).encode()).hexdigest()


def _load(path: Path) -> export.Exported | None:
    """What is kept there; None where there is nothing, or something that is not whole."""
    try:
        whole = path.read_bytes()
    except OSError:
        return None
    digest, kept = whole[:DIGEST], whole[DIGEST:]
    return export.deserialize(bytearray(kept)) if hashlib.sha256(kept).digest() == digest else None


def _keep(path: Path, lowered: bytes) -> None:
    """A folder that cannot be written is left."""
    with suppress(OSError):
        path.parent.mkdir(parents=True, exist_ok=True)
        atomic_files.write_whole(path, lambda name: Path(name).write_bytes(hashlib.sha256(lowered).digest() + lowered))
