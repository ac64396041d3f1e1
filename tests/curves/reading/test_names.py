"""Names of columns, as tables have them."""

from __future__ import annotations

import pytest

from forecaster.curves.reading.names import is_rate, is_steps, near, of_training, says_percent

SIZES = [
    *("train_rows", "n_structures", "hours", "documents in training", "n_samples", "tokens_seen", "total_tokens"),
    *("N_train", "approx_train_n", "train size", "config.train_size", "# training images", "labelled hours", "NTrain"),
    *(
        "num_train_examples",
        "trainset_size",
        "dataset size",
        "throughput/total_tokens",
        "corpus_size",
        "Training Set Size",
    ),
    *("n", "N", "data.size", "molecules", "shots", "train fraction", "num_utterances", "train_sizes_abs"),
]
NO_SIZES = [
    *("val_samples", "test_size", "model_size", "batch_size", "gpu_hours", "train_time", "train_loss", "hidden_size"),
    *("samples_per_second", "learning_rate", "Documents evaluated", "n_std", "vocab_size", "runtime", "seed", "params"),
]


@pytest.mark.parametrize("column", SIZES)
def test_names_of_sizes_are_known(column):
    assert near("n", ["learning_rate", "params", column]) == column


@pytest.mark.parametrize("column", NO_SIZES)
def test_names_of_other_things_are_no_sizes(column):
    assert near("n", [column]) is None


@pytest.mark.parametrize(
    ("columns", "first"),
    [
        (["n_writers", "n_samples"], "n_samples"),
        (["Step", "fraction", "train_size"], "train_size"),
        (["size", "n_train"], "n_train"),
        (["epoch", "step", "tokens"], "tokens"),
        (["fraction", "approx_train_n"], "approx_train_n"),
        (["N", "D"], "D"),
    ],
)
def test_the_likeliest_size_comes_first(columns, first):
    assert near("n", columns) == first


@pytest.mark.parametrize(
    ("ours", "column"),
    [
        ("architecture", "config.model"),
        ("architecture", "Method"),
        ("architecture", "Classifier"),
        ("architecture", "run_name"),
        ("task", "Dataset"),
        ("seed", "Seed"),
        ("seed", "rep"),
        ("compute", "throughput/total_gflops"),
        ("compute", "C"),
        ("params", "parameter_count"),
        ("params", "active_params"),
        ("error", "energy MAE (meV/atom)"),
        ("error", "paloma macro_loss"),
        ("error", "rmse_log10"),
        ("error", "Test R2"),
    ],
)
def test_other_names_are_known(ours, column):
    assert near(ours, ["x", column]) == column


def test_what_a_name_says_besides():
    assert of_training("train/loss")
    assert not of_training("train_val_loss")
    assert is_steps("trainer.num_train_steps")
    assert is_rate("test_clean_WER")
    assert not is_rate("weather")
    assert says_percent("Top-1 (%)")
    assert says_percent("error_pct")
