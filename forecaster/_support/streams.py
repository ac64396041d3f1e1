"""Streams of random numbers."""

from __future__ import annotations

import zlib

import numpy as np


def stream(name: str, seed: int, *use: int) -> np.random.Generator:
    """Random numbers of this name for one use: the same whatever else is asked about, or in which order."""
    return np.random.default_rng(np.random.SeedSequence([seed, zlib.crc32(name.encode())], spawn_key=use))
