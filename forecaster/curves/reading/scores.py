"""Scores: what rises where a model gets better, by name, and the error that follows from it."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache

from forecaster.errors import OptionError


@dataclass(frozen=True)
class Score:
    """A score that is at most 1, and whose error is 1 - score; or one with its sign turned, and whose error is -score.

    ``lowest`` is the least that it can be.
    """

    name: str
    lowest: float = 0.0
    negated: bool = False


# By what a name in words has in it, the one to be taken first where a table has several.
KNOWN: tuple[tuple[Score, str], ...] = (
    (Score("accuracy"), r"acc|accuracy|bacc|top_?[15]|exact_match|pass_(at_)?1|success|success_rate|win_rate|hit_rate"),
    (Score("F1"), r"f_?1|f_?score|f_?measure|f1_score|f_?beta"),
    (Score("AUROC"), r"auc|auroc|au_roc|roc|rocauc|aucroc|c_index|concordance"),
    (Score("average precision"), r"auprc|aupr|aucpr|prauc|pr_auc|auc_pr|average_precision|m?ap(_?\d+)?(_\d+)?"),
    (Score("MCC", -1.0), r"mcc|matthews"),
    (Score("NDCG"), r"n?dcg"),
    (Score("MRR"), r"mrr|reciprocal_rank"),
    (Score("R2", -float("inf")), r"r_?2|r_?sq|r_squared|q2|nse|explained_variance|determination"),
    (Score("Dice"), r"dice|dsc"),
    (Score("IoU"), r"m?iou|jaccard|tanimoto"),
    (Score("kappa", -1.0), r"kappa|qwk"),
    (Score("Spearman", -1.0), r"spearman|spearmanr|rho|srcc|kendall|tau"),
    (Score("Pearson", -1.0), r"pearson|pearsonr|pcc|plcc|ccc|corr|correlation"),
    (Score("BLEU"), r"s?(acre)?bleu|chrf|meteor|rouge(_?[l12])?|bertscore|comet"),
    (Score("recall"), r"recall|sensitivity|tpr|hits?|coverage"),
    (Score("precision"), r"precision|ppv|specificity|tnr"),
    (Score("similarity", -1.0), r"ssim|cosine|similarity|silhouette|ari|nmi|lddt|gdt|tm_score|pck"),
    (Score("score"), r"score|scores|performance"),
)
NO_LETTERS = re.compile(r"[^a-z0-9]+")
NEGATED = "neg_"
RISES_FOR_EVER = ("psnr", "snr", "reward", "return", "elo", "likelihood", "cider", "throughput", "speed")


@lru_cache(maxsize=4096)
def plain(name: str) -> str:
    """A name in lower case, its words parted by _; R², mIoU and macroF1 as everybody writes them."""
    text = name.replace("²", "2").replace("^2", "2").replace("mIoU", "miou").replace("mAP", "map").replace("IoU", "iou")
    text = re.sub(r"(?<=[a-z])(?=(?:F1|AUC|AUROC|MCC|R2|MAE|RMSE|MSE|WER|CER)(?![a-z]))", "_", text)
    text = re.sub(r"(?<=[a-z0-9])(?=[A-Z][a-z])", "_", text)
    return NO_LETTERS.sub("_", text.lower()).strip("_").replace("held_out", "heldout")


@lru_cache(maxsize=4096)
def score_of(name: str) -> Score | None:
    """The score that a name speaks of, None where it speaks of none."""
    text = plain(name)
    if text.startswith(NEGATED) or "_neg_" in text:
        return Score(text[text.index(NEGATED) :], -float("inf"), negated=True)
    if re.match(r"\s*(1|one)\s*(-|−|–|minus\b)", name, re.I):
        return None
    for score, words in KNOWN:
        if re.search(rf"(^|_)({words})(_|$)", text):
            return score
    return None


def rank_of(name: str) -> int:
    """Where a score's name stands among all, the one to be taken first at 0."""
    found = score_of(name)
    known = [score for score, _ in KNOWN]
    return known.index(found) if found in known else len(known)


def named_score(name: str) -> Score:
    """The score that ``--score`` names; OptionError for one that is not known."""
    found = score_of(name)
    if found is not None:
        return Score(name if not found.negated else plain(name), found.lowest, found.negated)
    if any(word in plain(name) for word in RISES_FOR_EVER):
        step = "that one has no upper end, so no error follows from it: give an error in its place"
    else:
        step = f"a name that has one of these in it: {', '.join(s.name for s, _ in KNOWN)}, or neg_... of scikit-learn"
    raise OptionError(f"--score: found {name!r}; expected a score that is 1 at best; {step}")
