"""Metrics: what an error is, and what sizes count, as the names of columns and of metrics say it.

A name that says nothing, such as ``error`` or ``n``, is nobody's guess: :func:`metric_of` then has the kind ``unknown``
and :func:`size_unit_of` is None.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal, NamedTuple

from forecaster.curves.how_read import HowRead
from forecaster.curves.reading.scores import score_of

Kind = Literal["share", "loss", "perplexity", "score", "complement", "unknown"]


@dataclass(frozen=True)
class Metric:
    """What an error is.

    Attributes
    ----------
    name : str
        The metric's usual name, such as ``mean absolute error``; "" where the text names none that is known.
    phrase : str
        How a sentence calls it: ``log loss``, ``mean absolute error of energy``.
    unit : str
        The unit of its numbers, such as ``meV/atom``; "" where the text has none.
    kind : str
        ``share`` (of cases, or errors over their number), ``loss``, ``perplexity``, ``score`` (higher is better),
        ``complement`` (1 - a score) or ``unknown``.
    bounded : bool
        It cannot exceed 1: a share of cases. A word error rate can.
    """

    name: str
    phrase: str
    unit: str = ""
    kind: Kind = "unknown"
    bounded: bool = False

    def __str__(self) -> str:
        """The text that :func:`metric_of` reads the same metric from."""
        return f"{self.phrase} ({self.unit})" if self.unit else self.phrase


class _Known(NamedTuple):
    pattern: str
    name: str
    kind: Kind
    bounded: bool = False
    of: bool = False  # other words of the name say of what it is: the error of a number


def _known(*rows: tuple) -> tuple[_Known, ...]:
    return tuple(_Known(*row) for row in rows)


# The first that matches counts, so that what is special stands before what is general. Patterns are of whole words, in
# lower case, with one blank between them.
KNOWN_METRICS = _known(
    (r"word error(?: rate)?|wer", "word error rate", "share"),
    (r"char(?:acter)? error(?: rate)?|cer", "character error rate", "share"),
    (r"phone(?:me)? error(?: rate)?", "phoneme error rate", "share"),
    (r"token error(?: rate)?", "token error rate", "share"),
    (r"equal error rate|eer", "equal error rate", "share", True),
    (r"top ?1 (?:err|errors?)(?: rate)?", "top-1 error", "share", True),
    (r"top ?5 (?:err|errors?)(?: rate)?", "top-5 error", "share", True),
    (r"0 1 loss|zero one(?: loss)?|misclassif\w*(?: (?:rate|error))?", "error rate", "share", True),
    (r"classif\w* err(?:or)?(?: rate)?|err(?:or)? rate", "error rate", "share", True),
    (r"log ?loss", "log loss", "loss"),
    (r"cross ?entropy|xent|ce(?: loss)?", "cross-entropy", "loss"),
    (r"neg\w* log ?likelihood|nll", "negative log likelihood", "loss"),
    (r"bits per byte|bpb", "bits per byte", "loss"),
    (r"bits per char(?:acter)?|bpc", "bits per character", "loss"),
    (r"(?:nats|bits)(?: per \w+)?", "", "loss"),
    (r"log (?:perplexity|ppl)", "log-perplexity", "loss"),
    (r"perplexity|ppl", "perplexity", "perplexity"),
    (r"rmsle|root mean squared? log\w* error", "root mean squared log error", "loss", False, True),
    (r"nrmse|normali[sz]ed rmse", "normalised root mean squared error", "loss", False, True),
    (r"rmse|rms(?: error)?|root mean squared? error", "root mean squared error", "loss", False, True),
    (r"mse|mean squared? error|squared error", "mean squared error", "loss", False, True),
    (r"smape", "symmetric mean absolute percentage error", "loss", False, True),
    (r"mape|mean absolute percentage error", "mean absolute percentage error", "loss", False, True),
    (r"abs\w* rel\w*(?: error| err)?", "absolute relative error", "loss", False, True),
    (r"medae|median absolute error", "median absolute error", "loss", False, True),
    (r"n?mae|mean absolute error|absolute error", "mean absolute error", "loss", False, True),
    (r"(?:mean )?rel\w* error|rel\w* l2(?: error)?", "relative error", "loss", False, True),
    (r"brier(?: score| loss)?", "Brier score", "loss"),
    (r"fid", "FID", "loss"),
    (r"crps", "CRPS", "loss"),
    (r"(?:hinge |contrastive |triplet )?loss(?:es)?", "loss", "loss"),
)
SIGNS = r"\b(?:{})\b"
_PATTERNS = tuple((re.compile(SIGNS.format(known.pattern)), known) for known in KNOWN_METRICS)
# Words that say on which cases or how often something was measured, and not what.
ASIDE = re.compile(
    r"\b(val|valid|validation|test|testing|dev|eval|evaluation|train|training|cv|held|out|final|best|last|mean|avg|average|"
    r"median|overall|total|metric|metrics|value|error|err|errors|macro|micro|in|of|on|the|set|clean|other|fold|log\d*|ood|iid|"
    r"min|max|std|sd|result|results|summary|history|config|loss|learned|absolute|relative|root|squared)\b"
)
ENERGY = r"(?:k|M|G|m|µ|u)?eV|hartree|kcal|kJ|J|kWh|Wh"
LENGTH = r"Å|[Aa]ngstroms?|[nµmck]?m|metres?|meters?|miles?|pixels?|px"
TIME = r"[mµn]?s|sec(?:onds?)?|min(?:utes?)?|h|hours?|days?|weeks?|months?|years?"
MONEY = r"USD|EUR|GBP|CHF|JPY|dollars?|euros?|pounds?|[$€£]"
OTHERS = r"%|per cent|percent|ppm|dB|Hz|k?g|K|°C|°F|degrees?|deg|mmHg|nats?|bits?|bytes?|V|A|W|Pa|mol|points?|tokens?"
ONE = rf"(?:{ENERGY}|{LENGTH}|{TIME}|{MONEY}|{OTHERS})"
UNIT = re.compile(rf"{ONE}(?:\s*(?:/|·|\*|\bper\b)\s*\w+)*|[A-Za-z°Å]{{1,6}}(?:\s*/\s*\w+)+")
# Units at the end of a column's name, as in energy_mae_mev: those that no other word is spelled like.
ENDINGS = (
    (r"me ?v per atom", "meV/atom"),
    (r"e ?v per atom", "eV/atom"),
    (r"me ?v (?:a|ang|angstrom)", "meV/Å"),
    (r"e ?v (?:a|ang|angstrom)", "eV/Å"),
    (r"me ?v", "meV"),
    (r"e ?v", "eV"),
    (r"kcal(?: per)? mol", "kcal/mol"),
    (r"kj(?: per)? mol", "kJ/mol"),
    *((unit, unit) for unit in ("kcal", "mm", "cm", "km", "ms", "seconds", "minutes", "hours", "days", "metres")),
    *((unit.lower(), unit) for unit in ("USD", "EUR", "GBP")),
)


def plain(name: str) -> str:
    """A name in lower case, its words with one blank between them: ``valLoss`` and ``val/loss`` are ``val loss``."""
    parted = re.sub(r"(?<=[a-z0-9])(?=[A-Z][a-z])|(?<=[a-z])(?=[A-Z]{2})|(?<=[A-Z])(?=[A-Z][a-z]{2})", " ", name)
    return " ".join(re.sub(r"[^\w%]+|_", " ", parted.lower()).split())


def metric_of(said: str) -> Metric:
    """The metric that a text names in its own words, such as a cell of the column ``metric``: ``MAE, meV per atom``."""
    said = said.strip()
    words, unit = _parted(said)
    complement = re.fullmatch(r"1\s*[-−–]\s*(.+)", words)
    if complement:
        inner = _find(plain(complement[1]))
        if inner is not None and inner.name == "accuracy":
            return Metric("error rate", "error rate", unit, "share", True)
        named = f"1 - {inner.name if inner else complement[1]}"
        return Metric(named, f"1 - {complement[1]}", unit, "complement", bool(inner and inner.bounded))
    # a remark in brackets says what a loss is: validation loss (MSE)
    found = _find(plain(words)) or _find(plain(said))
    if found is None:
        return Metric("", words, unit)
    return Metric(found.name or words, words, unit, found.kind, found.bounded)


def metric_of_column(column: str) -> Metric:
    """The metric that the name of a column of errors says, in the usual words; unknown where it says none."""
    words, unit = _parted(column.strip())
    text = plain(words)
    if not unit:
        text, unit = _ending(text)
    found = _find(text)
    if found is None:
        return Metric("", "", unit)
    of = ""
    if found.of:
        left = re.sub(SIGNS.format(found.pattern), " ", text)
        of = " ".join(word for word in ASIDE.sub(" ", left).split() if word.isalpha() and len(word) > 1)
    name = found.name or text
    return Metric(name, f"{name} of {of}" if of else name, unit, found.kind, found.bounded)


def metric_of_reading(how: HowRead) -> Metric | None:
    """The metric by the error column's name, or by the score that it held; None if neither gives one."""
    if how.score is not None and how.score.startswith("neg_"):
        return metric_of_column(how.score.removeprefix("neg_"))
    if how.score is not None:
        return metric_of(f"1 - {metric_of_column(how.score).name or how.score}")
    metric = metric_of_column(how.error_column)
    return metric if metric.kind != "unknown" else None


def size_unit_of_reading(how: HowRead) -> str | None:
    """The unit that sizes count by the size column's name, or the unit of its durations."""
    return how.size_unit or size_unit_of(how.columns.get("n", "n"))


def _find(text: str) -> _Known | None:
    found = next((known for pattern, known in _PATTERNS if pattern.search(text)), None)
    if found is not None:
        return found
    score = score_of(text)
    named = "score" if re.search(r"\bscores?\b", text) else ""
    name = score.name if score is not None else named
    return _Known("", name, "score", name == "accuracy") if name else None


def _parted(said: str) -> tuple[str, str]:
    """A text without the unit, or the remark, that ends it in brackets or after a comma; and the unit."""
    bracket = re.fullmatch(r"(.*?\S)\s*[(\[]([^()\[\]]*)[)\]]", said)
    comma = re.fullmatch(r"(.*?\S)\s*,\s*(.+)", said)
    for found in (bracket, comma):
        if found:
            left = _parted(found[1])
            return left[0], left[1] or (found[2].strip() if UNIT.fullmatch(found[2].strip()) else "")
    return said, ""


def _ending(text: str) -> tuple[str, str]:
    for pattern, unit in ENDINGS:
        found = re.fullmatch(rf"(.+) {pattern}", text)
        if found:
            return found[1], unit
    return text, ""


# What sizes count ---------------------------------------------------------------------------------

COUNTED = (
    *("tokens", "hours", "minutes", "seconds", "rows", "documents", "images", "sentences", "examples", "samples"),
    *("words", "characters", "instances", "utterances", "pairs", "patients", "molecules", "structures", "frames"),
    *("configurations", "compounds", "sequences", "pages", "queries", "records", "cells", "trajectories", "episodes"),
    *(
        "demonstrations",
        "steps",
        "iterations",
        "items",
        "points",
        "users",
        "clips",
        "videos",
        "games",
        "files",
        "songs",
    ),
    *("subjects", "proteins", "genomes", "reviews", "articles", "annotations", "labels", "bytes", "epochs", "graphs"),
    *("objects", "scans", "slides", "recordings", "calls", "tickets", "customers", "policies", "claims", "readings"),
)
SHORT = {
    "docs": "documents",
    "sents": "sentences",
    "imgs": "images",
    "chars": "characters",
    "hrs": "hours",
    "hour": "hours",
    "mins": "minutes",
    "secs": "seconds",
    "iters": "iterations",
    "flops": "FLOPs",
    "flop": "FLOPs",
    "gflops": "GFLOPs",
    "tflops": "TFLOPs",
    "pflops": "PFLOPs",
    "step": "steps",
    "iter": "iterations",
}
WHOLE = {"gpu hours": "GPU hours", "gpu h": "GPU hours", "cpu hours": "CPU hours"}


def size_unit_of(column: str) -> str | None:
    """The unit that a column of sizes counts by its name: ``tokens`` of ``tokens_seen``; None if it has none."""
    text = plain(column)
    for known, unit in WHOLE.items():
        if re.search(SIGNS.format(known), text):
            return unit
    if re.search(r"\bper\b", text):
        return None
    phrase = re.search(r"\b(hours|minutes|seconds|pairs) of (\w+)", text)
    if phrase and phrase[2] not in ("training", "train"):
        return phrase[0]
    words = text.split()
    for before, word in zip(["", *words], words, strict=False):
        unit = SHORT.get(word, word)
        if word in SHORT or word in COUNTED:
            return f"{before} pairs" if word == "pairs" and before in ("sentence", "training") else unit
    return None
