"""Names that columns go by: which column of a table is likeliest to be which of ours, by patterns of its words."""

from __future__ import annotations

import re
from collections.abc import Iterable

from forecaster.curves.reading.scores import Score, plain, rank_of, score_of


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


HELD = _words(
    "val valid validation eval evaluation evaluated test testing dev heldout holdout cv oof ood loo lomo lopo "
    "loco logo unseen generalization"
)
TRAIN = frozenset({"train", "training", "trn"})
SPREAD = _words(
    "sd std stdev stddev stderr sem se ci ci95 var variance min max minimum maximum low high lower upper lo "
    "hi iqr mad q05 q25 q75 q95 p05 p25 p75 p95 pvalue"
)
ASIDE = _words("baseline chance dummy majority weight weights lr id index rank time runtime seconds duration")
ERRORS = _words(
    "error errors err loss losses nll ce entropy crossentropy bpb bpc bpd bpt perplexity ppl rmse nrmse mse "
    "mae nmae mape smape mase wer cer eer ter der msle rmsle deviance brier ece logloss regret fde ade epe "
    "lpips fid mpjpe rmsd misclassification wper residual discrepancy crps wis"
)
FIRST = frozenset({"error", "errors", "err"})  # of errors that a table has beside others
RATES = re.compile(r"(^|_)(wer|cer|eer|ter|wper|error_rate|misclassification)(_|$)")
UNITS = _words(
    "tokens samples examples images sentences words characters chars instances rows records documents docs "
    "structures molecules compounds configurations configs frames trajectories episodes demonstrations demos "
    "hours minutes utterances clips videos pairs points datapoints observations patients subjects "
    "participants cases sequences reads cells labels annotations queries simulations shots measurements "
    "spectra crystals graphs nodes proteins genes sites scenes scans slides tiles volumes interactions "
    "transactions reviews articles papers files bytes notes pages runs events snapshots conformers reactions "
    "materials species specimens spectrograms recordings songs dialogues conversations prompts questions "
    "problems tasks users items ratings games"
)
ONE = frozenset(unit.removesuffix("s") for unit in UNITS)  # as in sample_size
AMOUNT = _words("n num nr no number count total size amount budget used seen set")
DATA = frozenset({"data", "dataset", "corpus", "trainset"})
NO_SIZE = _words(
    "model batch hidden embed embedding vocab vocabulary layer layers head heads window patch image kernel "
    "context block chunk file learning memory gpu gpus cpu wall per max min unused params step steps epoch "
    "epochs feature features grid population ensemble effect mini minibatch"
)
SHARE = r"(.*_)?(fraction|frac|percent|percentage|pct|proportion|share|portion)"
STEPS = r"(.*_)?(time)?(steps?|iterations?|iters?|updates)"
EPOCHS = r"(.*_)?epochs?"
MODEL = r"(.*_)?(arch|architecture|model|model_name|model_type|network|net|backbone|encoder)|architecture_.*"
NAMES = {
    "architecture": (
        MODEL,
        r"(.*_)?(method|algorithm|algo|learner|classifier|regressor|estimator|recipe|approach|system|optimizer)",
        r"run|run_name|name|experiment|config|variant|setting|strategy|treatment|group",
    ),
    "domain": (r"domain_.*|field|area",),
    "task": (r"task_.*|data_?set|data_?set_name|benchmark|corpus|target|property|endpoint|language|lang|corpus_name",),
    "seed": (r"(.*_)?(seed|rep|repeat|replicate|replica|trial|fold|random_state|repetition|resample)|seed_.*",),
    "compute": (r"(.*_)?(t|g|p|exa|peta|giga|tera)?flops?|compute|pf_days|c",),
    "params": (
        r"(?!.*hyper)(.*_)?(params|parameters|param_count|parameter_count|n_param|model_size|num_params)(_(b|m|total))?",
    ),
}
# What a tracker, or a spreadsheet, notes down of itself.
KEEPING = r"_.*|state|created|runtime|id|notes|user|tags|host|hostname|index|unnamed.*|column \d+"


def rank(ours: str, column: str) -> int | None:
    """How likely a column's name means ours: 0 the likeliest, None where it does not."""
    if column == ours or plain(column) == ours:
        return 0
    if ours == "n":
        return _size_rank(column)
    if ours == "error":
        return _error_rank(column)
    for place, pattern in enumerate(NAMES.get(ours, ()), start=1):
        if re.fullmatch(pattern, plain(column)):
            return place
    return None


def ranked(ours: str, columns: Iterable[str]) -> list[str]:
    """The columns whose names may mean ours, the likeliest first."""
    names = list(columns)
    places = {column: rank(ours, column) for column in names}
    if ours == "n" and {"d", "n"} <= {plain(column) for column in names}:  # as in scaling laws: N parameters, D data
        places |= {column: 0 if plain(column) == "d" else None for column in names if plain(column) in ("d", "n")}
    return sorted((c for c in names if places[c] is not None), key=lambda column: places[column] or 0)


def near(ours: str, columns: Iterable[str]) -> str | None:
    """The column whose name is likeliest to mean ours."""
    return next(iter(ranked(ours, columns)), None)


def of_training(column: str) -> bool:
    """Whether the name says that what it measures was measured on the training set."""
    words = set(plain(column).split("_"))
    return bool(words & TRAIN) and not words & HELD


def is_steps(column: str) -> bool:
    return re.fullmatch(STEPS, plain(column)) is not None


def neither(column: str) -> bool:
    """Whether the name says that a column holds neither sizes nor errors."""
    words = set(plain(column).split("_"))
    other = any(rank(ours, column) is not None for ours in ("compute", "params", "seed"))
    return (
        other or bool(re.fullmatch(KEEPING, column.lower())) or bool(words & (SPREAD | ASIDE | NO_SIZE | {"learning"}))
    )


def is_error(column: str) -> bool:
    """Whether the name is that of an error, which falls where a model gets better."""
    words = plain(column).split("_")
    if re.match(r"\s*(1|one)\s*(-|−|–|minus\b)", column, re.I) or "abs_rel" in plain(column) or words[-1] == "per":
        return True
    return bool(ERRORS & set(words)) and not re.search(r"(^|_)neg_", plain(column))


def score_in(column: str) -> Score | None:
    """The score that a column of this name holds; None for an error, or for neither."""
    return None if is_error(column) else score_of(column)


def is_rate(column: str) -> bool:
    """Whether the name is that of an error rate, which is a share of 1."""
    return RATES.search(plain(column)) is not None


def says_percent(column: str) -> bool:
    return "%" in column or bool({"pct", "percent", "percentage"} & set(plain(column).split("_")))


def _size_rank(column: str) -> int | None:
    text = plain(column)
    words = set(text.split("_"))
    if words & HELD or words & SPREAD or is_error(column) or (score_of(column) and "size" not in words):
        return None
    training = words & TRAIN or text in ("trainset", "ntrain")
    counted = bool(words & AMOUNT)
    what = words & (UNITS | DATA) or (counted and words & ONE)
    if text == "ntrain" or (
        training and (counted or what or text == "train") and not words & (NO_SIZE | {"time", "loss"})
    ):
        return 1
    if re.fullmatch(SHARE, text):
        return 5
    if re.fullmatch(STEPS, text):
        return 6
    if re.fullmatch(EPOCHS, text):
        return 7
    if words & NO_SIZE:
        return None
    if what and counted:
        return 2
    if words & UNITS:
        return 3
    return 4 if "size" in words or "sizes" in words else None


def _error_rank(column: str) -> int | None:
    """Errors before scores, held-out ones before those of which nothing is said, those of training last of all."""
    words = set(plain(column).split("_"))
    score, error = score_in(column), is_error(column)
    if not (error or score) or words & (SPREAD | ASIDE) or (words & {"n", "num", "number", "count"} and not score):
        return None
    if re.search(r"learning_rate|_lr$", plain(column)):
        return None
    place = 400 if of_training(column) else 0 if words & HELD else 200
    if error:
        return place + (1 if words & FIRST else 2)
    return place + 100 + rank_of(column)
