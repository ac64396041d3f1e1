"""Measure a grid of model sizes and data sizes: neural character models on the text of Python's standard library.

Each model embeds the last ``CONTEXT`` characters, sends them through one hidden layer of a given width, and predicts
the next character; it is trained by Adam in one pass over the first n characters of the training text, with a rate
that falls to zero along a cosine. Nothing is tuned to any run: the peak learning rate falls with the square root of the
width, by a rule fixed beforehand. Held-out text and training text are those of `measure_characters.py`, seed 0. A
run takes 6 FLOPs a parameter and character, which is `compute`. About five minutes on two cores.

    uv run python benchmarks/measure_grid.py
"""

from __future__ import annotations

import sysconfig
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from measure_characters import ALPHABET, hold_out, read_texts
from measuring import Row, parse_arguments, progress_bar, write_table
from rich.console import Console

COLUMNS = ("domain", "task", "architecture", "n", "params", "error", "metric", "compute")
CONTEXT, EMBEDDED = 10, 12
WIDTHS = (4, 8, 16, 32, 64, 128)
SIZES = tuple(2**exponent for exponent in range(14, 22))
BATCH = 32
PEAK = 0.02  # learning rate of width 16; it falls with the square root of the width
SCORED = 100_000  # held-out characters


def parameters(width: int) -> int:
    """Numbers that a model learns, embeddings included."""
    return ALPHABET * EMBEDDED + CONTEXT * EMBEDDED * width + width + width * ALPHABET + ALPHABET


def windows(text: np.ndarray) -> np.ndarray:
    """Each character with those before it, [character, CONTEXT + 1]."""
    return np.lib.stride_tricks.sliding_window_view(text, CONTEXT + 1)


def initial(width: int, rng: np.random.Generator) -> dict[str, np.ndarray]:
    """Weights before training."""
    into = CONTEXT * EMBEDDED
    return {
        "embedding": rng.standard_normal((ALPHABET, EMBEDDED)).astype(np.float32),
        "hidden": (rng.standard_normal((into, width)) / np.sqrt(into)).astype(np.float32),
        "hidden_bias": np.zeros(width, dtype=np.float32),
        "out": (rng.standard_normal((width, ALPHABET)) / np.sqrt(width)).astype(np.float32),
        "out_bias": np.zeros(ALPHABET, dtype=np.float32),
    }


def trained(width: int, text: np.ndarray, seed: int) -> Any:
    """A model after one pass over the text."""
    import jax
    import jax.numpy as jnp

    rng = np.random.default_rng((seed, width))
    rows = windows(text)
    steps = len(rows) // BATCH
    order = rng.permutation(len(rows))[: steps * BATCH]
    batches = jnp.asarray(rows[order].reshape(steps, BATCH, CONTEXT + 1).astype(np.int32))
    weights = jax.tree.map(jnp.asarray, initial(width, rng))
    zeros = jax.tree.map(jnp.zeros_like, weights)
    peak = PEAK * (16.0 / width) ** 0.5

    def step(state: Any, batch: Any) -> tuple[Any, None]:
        weights, first, second, k = state
        slope = jax.grad(loss)(weights, batch)
        first = jax.tree.map(lambda m, g: 0.9 * m + 0.1 * g, first, slope)
        second = jax.tree.map(lambda v, g: 0.99 * v + 0.01 * g**2, second, slope)
        rate = peak * 0.5 * (1.0 + jnp.cos(jnp.pi * k / steps)) * jnp.minimum(1.0, (k + 1.0) / 50.0)
        early = 1.0 - 0.9 ** (k + 1.0), 1.0 - 0.99 ** (k + 1.0)  # Adam's correction of its first averages

        def moved(weight: Any, mean: Any, square: Any) -> Any:
            return weight - rate * (mean / early[0]) / (jnp.sqrt(square / early[1]) + 1e-8)

        return (jax.tree.map(moved, weights, first, second), first, second, k + 1.0), None

    state, _ = jax.jit(lambda s, b: jax.lax.scan(step, s, b))((weights, zeros, zeros, 0.0), batches)
    return state[0]


def loss(weights: Any, batch: Any) -> Any:
    """Mean negative log likelihood of each row's last character, in nats."""
    import jax
    import jax.numpy as jnp

    seen = weights["embedding"][batch[:, :-1]].reshape(len(batch), -1)
    hidden = jnp.tanh(seen @ weights["hidden"] + weights["hidden_bias"])
    logits = hidden @ weights["out"] + weights["out_bias"]
    told = jnp.take_along_axis(jax.nn.log_softmax(logits), batch[:, -1:], 1)
    return -told.mean()


def bits(weights: Any, held_out: np.ndarray) -> float:
    """Bits per character on held-out text."""
    import jax
    import jax.numpy as jnp

    rows = jnp.asarray(windows(held_out[:SCORED]).astype(np.int32))
    return float(jax.jit(loss)(weights, rows)) / float(np.log(2.0))


def measure(root: Path, seed: int) -> Iterator[Row]:
    """Every width on every size of text."""
    texts = read_texts(root)
    held_out, rest, _ = hold_out(texts, np.random.default_rng([seed, 0]))
    text = np.concatenate([rest[index] for index in np.random.default_rng([seed, 1]).permutation(len(rest))])
    for n in SIZES:
        for width in WIDTHS:
            size = parameters(width)
            yield {
                "domain": "character-language-modelling",
                "task": "python-stdlib",
                "architecture": "perceptron",
                "n": n,
                "params": size,
                "error": bits(trained(width, text[:n], seed), held_out),
                "metric": "bits per character",
                "compute": 6 * size * n,
            }


def main() -> None:
    """Measure everything, showing progress, and write the table sorted by size and width."""
    arguments = parse_arguments(__doc__, "grid.csv")
    rows: list[Row] = []
    with progress_bar() as progress:
        bar = progress.add_task("", total=sum(SIZES) * sum(map(parameters, WIDTHS)))
        for row in measure(Path(sysconfig.get_path("stdlib")), arguments.seed):
            rows.append(row)
            progress.update(bar, advance=int(row["n"]) * int(row["params"]), description=f"n = {row['n']:,}")
    write_table(arguments.output, COLUMNS, rows)
    Console().print(f"{len(rows)} rows to {arguments.output}")


if __name__ == "__main__":
    main()
