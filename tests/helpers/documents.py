"""Pages that show what is printed: ``docs/transcripts.py`` runs them, here they are compared."""

from __future__ import annotations

import importlib.util
import re
from pathlib import Path

import numpy as np

ROOT = Path(__file__).parents[2]
SHIFTING = {"never", "small", "power", "law", "floor", "data", "undecided", "inf"}  # words that a digit may change
NUMBER = re.compile(r"(?<![\w.])-?\d[\d,]*\.?\d*(?:e[+-]?\d+)?(?![\w])")

_spec = importlib.util.spec_from_file_location("transcripts", ROOT / "docs" / "transcripts.py")
assert _spec is not None
assert _spec.loader is not None
transcripts = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(transcripts)


def words(text: str) -> set[str]:
    """Words of three letters and more, those left out that another last digit may change."""
    return set(re.findall(r"[A-Za-z_]{3,}", text)) - SHIFTING


def numbers(text: str) -> np.ndarray:
    """All numbers of a text, in order."""
    return np.array([float(found.replace(",", "")) for found in NUMBER.findall(text)])


def apart(told: str, printed: str) -> str:
    """What is wrong with ``told`` as a transcript of ``printed``; empty where nothing is.

    Its words are all there, and its numbers are the printed ones: nine in ten within a tenth or two hundredths, as
    another processor may draw otherwise in the last bit. Where "never" takes the place of a number, words alone count.
    """
    if bool(told.strip()) != bool(printed.strip()):
        return f"page shows {told!r}, printed is {printed!r}"
    missing = words(told) - words(printed)
    if missing:
        return f"not printed any more: {sorted(missing)}"
    here, there = numbers(told), numbers(printed)
    if abs(len(here) - len(there)) > 4:
        return f"{len(here)} numbers on the page, {len(there)} printed"
    if len(here) != len(there):
        return ""
    near = np.isclose(here, there, rtol=0.1, atol=0.02)
    if near.size == 0 or near.mean() >= 0.9:
        return ""
    return f"other numbers: {here[~near]} on the page, {there[~near]} printed"


def mistakes(text: str) -> list[str]:
    """Runs every step of a page in a folder of its own and says where the page is wrong."""
    found = []
    with transcripts.desk():
        session = transcripts.Session()
        for step in transcripts.steps(text):
            wrong = apart(step.told, session.run(step))
            if wrong:
                found.append(f"{step.source.strip().splitlines()[0]}: {wrong}")
    return found


def page(path: str) -> str:
    """The text of a page of ``docs/``."""
    return (ROOT / "docs" / path).read_text(encoding="utf-8")
