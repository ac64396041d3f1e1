"""Scores: names, and the errors that follow."""

from __future__ import annotations

import numpy as np
import pytest
from helpers.tables import codes, frame

from forecaster.curves.reading.names import near, score_in
from forecaster.curves.reading.read import read_curves
from forecaster.curves.reading.scores import named_score, score_of
from forecaster.errors import CurveRowsError, OptionError, RequestError

NAMED = {
    "wi_test_acc": "accuracy",
    "Top-1 accuracy (%)": "accuracy",
    "balanced_accuracy": "accuracy",
    "macroF1": "F1",
    "f1-score": "F1",
    "ROC AUC": "AUROC",
    "AUPRC": "average precision",
    "mAP@50": "average precision",
    "mean_LOMO_MCC": "MCC",
    "NDCG@10": "NDCG",
    "Test R2": "R2",
    "R²": "R2",
    "r^2": "R2",
    "val_mIoU": "IoU",
    "dice_coefficient": "Dice",
    "Cohen's kappa": "kappa",
    "Spearman rho": "Spearman",
    "pearsonr": "Pearson",
    "sacrebleu": "BLEU",
    "recall@1": "recall",
    "Precision (doc avg)": "precision",
    "test_neg_mean_squared_error": "neg_mean_squared_error",
    "neg_log_loss": "neg_log_loss",
    "rmse": None,
    "1 - AUROC": None,
    "1-F1": None,
    "top1_error": None,
    "accurate_time": None,
}


@pytest.mark.parametrize("column", NAMED)
def test_a_column_says_which_score_it_holds(column):
    found = score_in(column)
    assert (found and found.name) == NAMED[column]


@pytest.mark.parametrize("name", ["f1", "F1", "accuracy", "auc", "average precision", "r2", "mcc", "mIoU", "neg_rmse"])
def test_scores_are_named_as_people_name_them(name):
    assert named_score(name).negated == name.startswith("neg_")


@pytest.mark.parametrize("name", ["psnr", "reward", "loss", "", "rmse"])
def test_what_is_no_score_is_refused(name):
    with pytest.raises(OptionError, match="--score: found"):
        read_curves(frame(), score=name)


@pytest.mark.parametrize(
    ("score", "cells", "percent", "errors"),
    [
        ("f1", [0.5, 0.75, 0.875], False, [0.5, 0.25, 0.125]),
        ("f1", [50, 75, 87.5], True, [0.5, 0.25, 0.125]),
        ("r2", [-1.5, 0.0, 0.5], False, [2.5, 1.0, 0.5]),
        ("mcc", [-0.25, 0.0, 0.5], False, [1.25, 1.0, 0.5]),
        ("neg_rmse", [-4.0, -2.0, -1.0], False, [4.0, 2.0, 1.0]),
        ("neg_mape", [-40.0, -20.0, -10.0], True, [0.4, 0.2, 0.1]),
        (None, [40.0, 20.0, 10.0], True, [0.4, 0.2, 0.1]),
    ],
)
def test_errors_follow_from_scores(score, cells, percent, errors):
    found = read_curves(frame(error=cells), score=score, percent=percent)
    np.testing.assert_allclose(found.table["error"], errors, rtol=1e-15)
    assert found.reading.score == score
    assert found.reading.percent == percent
    assert {"score", "percent"} & set(codes(found.notes))
    assert found.reading.turned in found.notes[0].text


def test_deviations_are_divided_with_their_errors():
    table = frame(error=[50, 75, 87.5], error_sd=[2.0, 1.0, 0.5])
    found = read_curves(table, score="accuracy", percent=True)
    np.testing.assert_allclose(found.table["error_sd"], [0.02, 0.01, 0.005])
    constant = read_curves(frame(error=[50, 40, 30]), percent=True, constants={"error_sd": 1})
    np.testing.assert_allclose(constant.table["error_sd"], 0.01)


@pytest.mark.parametrize(
    ("score", "cell"),
    [("f1", 1.0), ("f1", -0.1), ("mcc", -1.1), ("mcc", 1.0), ("r2", 1.0), ("neg_mse", 0.1), ("neg_mse", 0), ("f1", 2)],
)
def test_what_no_such_score_can_be_is_refused(score, cell):
    cells = [-3.0, cell, -1.0] if score == "neg_mse" else [0.2, cell, 0.4]
    with pytest.raises(CurveRowsError) as caught:
        read_curves(frame(error=cells), score=score)
    assert [row.row for row in caught.value.rows] == [3]


def test_the_option_that_is_lacking_is_named():
    table = frame(error=[-0.2, 0.1, 0.3]).rename(columns={"error": "test MCC"})
    with pytest.raises(CurveRowsError) as caught:
        read_curves(table, columns={"error": "test MCC"})
    assert "columns={'error': 'test MCC'}, score='MCC'" in str(caught.value)
    with pytest.raises(CurveRowsError) as caught:
        read_curves(table.assign(**{"test MCC": [20, 30, 40]}), columns={"error": "test MCC"}, score="MCC")
    assert "score='MCC', percent=True" in str(caught.value)


def test_accuracy_is_one_of_the_scores():
    cells = frame(error=[0.5, 0.75, 0.875])
    assert read_curves(cells, accuracy=True).data_hash == read_curves(cells, score="accuracy").data_hash
    with pytest.raises(RequestError, match="expected one of the two"):
        read_curves(cells, accuracy=True, score="f1")


def test_the_metric_says_how_it_was_turned():
    assert read_curves(frame(metric="macro F1"), score="f1").curves[0].metric == "1 - macro F1"


@pytest.mark.parametrize(
    ("columns", "first"),
    [
        (["train_MAE", "cv_MAE"], "cv_MAE"),
        (["train_loss", "val_mIoU", "val_abs_rel"], "val_abs_rel"),
        (["Recall", "Precision", "F1 score", "NDCG"], "F1 score"),
        (["loss", "val_acc"], "val_acc"),
        (["dose_baseline_MCC", "sd", "mean_LOMO_MCC"], "mean_LOMO_MCC"),
        (["test_clean_WER", "test_other_WER"], "test_clean_WER"),
        (["error_std", "train_error", "error"], "error"),
        (["psnr", "train_rmse"], "train_rmse"),
    ],
)
def test_held_out_errors_come_first(columns, first):
    assert near("error", columns) == first


def test_unknown_words_are_no_scores():
    for word in ("color", "model", "learning_rate", "epoch", "factor", "place", "roclass"):
        assert score_of(word) is None
