"""What the names of columns and metrics say."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from forecaster.curves.how_read import HowRead
from forecaster.curves.metrics import metric_of, metric_of_column, metric_of_reading, size_unit_of


@pytest.mark.parametrize(
    ("column", "phrase", "unit", "kind"),
    [
        ("log_loss", "log loss", "", "loss"),
        ("valLoss", "loss", "", "loss"),
        ("test/nll", "negative log likelihood", "", "loss"),
        ("CrossEntropyLoss", "cross-entropy", "", "loss"),
        ("dev_ppl", "perplexity", "", "perplexity"),
        ("holdout_RMSE", "root mean squared error of holdout", "", "loss"),
        ("cv_MAE", "mean absolute error", "", "loss"),
        ("energy MAE (meV/atom)", "mean absolute error of energy", "meV/atom", "loss"),
        ("force_rmse_ev_a", "root mean squared error of force", "eV/Å", "loss"),
        ("claims MAE [EUR]", "mean absolute error of claims", "EUR", "loss"),
        ("test_mape", "mean absolute percentage error", "", "loss"),
        ("val_abs_rel", "absolute relative error", "", "loss"),
        ("dev_clean_WER", "word error rate", "", "share"),
        ("cer (%)", "character error rate", "%", "share"),
        ("top1_err", "top-1 error", "", "share"),
        ("Top-5 error rate", "top-5 error", "", "share"),
        ("error_rate", "error rate", "", "share"),
        ("test_f1", "F1", "", "score"),
        ("eval/accuracy", "accuracy", "", "score"),
        ("error", "", "", "unknown"),
        ("err", "", "", "unknown"),
        ("test_error", "", "", "unknown"),
        ("y", "", "", "unknown"),
    ],
)
def test_a_column_says_its_metric(column, phrase, unit, kind):
    found = metric_of_column(column)
    assert (found.phrase or found.name, found.unit, found.kind) == (phrase, unit, kind)


@pytest.mark.parametrize(
    ("text", "phrase", "unit", "kind", "bounded"),
    [
        ("MAE, meV per atom", "MAE", "meV per atom", "loss", False),
        ("nats per token", "nats per token", "", "loss", False),
        ("validation error rate, mean of repeats", "validation error rate", "", "share", True),
        ("loss (MSE; noise included)", "loss", "", "loss", False),
        ("1 - accuracy", "error rate", "", "share", True),
        ("1 - macro F1", "1 - macro F1", "", "complement", False),
        ("1 - R2", "1 - R2", "", "complement", False),
        ("word error rate", "word error rate", "", "share", False),
        ("wobbliness", "wobbliness", "", "unknown", False),
    ],
)
def test_a_metric_in_its_own_words(text, phrase, unit, kind, bounded):
    found = metric_of(text)
    assert (found.phrase, found.unit, found.kind, found.bounded) == (phrase, unit, kind, bounded)


@given(
    st.sampled_from(["energy", "price", "", "dose"]),
    st.sampled_from(["MAE", "rmse", "wer", "log_loss", "ppl", "error_rate", "mape"]),
    st.sampled_from(["", " (meV/atom)", " [EUR]", " (km)", " (%)"]),
)
def test_a_metric_is_told_from_its_own_text_again(of, metric, unit):
    found = metric_of_column(f"{of} {metric}{unit}")
    again = metric_of(str(found))
    assert (again.phrase, again.unit, again.kind, again.bounded) == (
        found.phrase,
        found.unit,
        found.kind,
        found.bounded,
    )


@given(st.text(max_size=30))
def test_any_text_names_a_metric_or_none(text):
    assert metric_of(text).kind in {"share", "loss", "perplexity", "score", "complement", "unknown"}
    assert metric_of_column(text).phrase or metric_of_column(text).kind == "unknown"
    assert size_unit_of(text) != ""


def test_a_score_that_was_turned_is_its_complement():
    assert metric_of_reading(HowRead(score="f1")).name == "1 - F1"
    assert metric_of_reading(HowRead(score="accuracy", error_column="val/acc")).name == "error rate"
    assert metric_of_reading(HowRead(score="neg_mean_absolute_error")).name == "mean absolute error"
    assert metric_of_reading(HowRead()) is None


@pytest.mark.parametrize(
    ("column", "unit"),
    [
        ("hours", "hours"),
        ("hours_of_audio", "hours of audio"),
        ("tokens_seen", "tokens"),
        ("throughput/total_tokens", "tokens"),
        ("train_rows", "rows"),
        ("documents in training", "documents"),
        ("sentence_pairs", "sentence pairs"),
        ("nImages", "images"),
        ("gpu_hours", "GPU hours"),
        ("total_gflops", "GFLOPs"),
        ("n", None),
        ("train_size", None),
        ("tokens_per_param", None),
        ("image_size", None),
    ],
)
def test_a_size_column_says_what_it_counts(column, unit):
    assert size_unit_of(column) == unit
