"""Learn the numbers of a domain card from curves whose largest sizes are hidden, by the scores of the forecasts.

Every prior of the card, and on demand what is known of architectures by name, is moved uphill on the log score of the
hidden errors (mean over a curve's errors, summed over curves), less a penalty that keeps it near the card it started
from: half the squared distance, a prior sd of each mean being one unit. No refit is needed for the slope. By Fisher's
identity, the slope of a hidden error's log density is the mean of the prior's score over the posterior given that error
too, minus its mean over the posterior as it is; both are averages over the draws of one fit. Steps are Adam's.

    uv run python benchmarks/learn_card.py --data CURVES.csv --out learned.toml
    uv run python benchmarks/learn_card.py --data CURVES.csv --folds 3

`--folds` learns without each third of the tasks in turn and scores the forecasts of that third: what the learned card
is worth on tasks it has not seen, beside the card it started from.
"""

from __future__ import annotations

import argparse
import re
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
from recording import add_output, record

from forecaster.curves.learning_curves import Curve, LearningCurves
from forecaster.curves.reading.read import read_curves
from forecaster.domains.domain import Architecture, Domain
from forecaster.domains.loading import card_for, load_card
from forecaster.domains.quantities import CENTRES, CONSTANTS, EFFECTS, FIXED_SPREADS, LEARNED_SPREADS
from forecaster.evaluation import scoring
from forecaster.evaluation.holdout import hide
from forecaster.inference.assembly import assemble
from forecaster.inference.engines.ensemble import sampler
from forecaster.inference.engines.interface import GroupDraws
from forecaster.inference.fit import cards_of
from forecaster.inference.posterior import Posterior
from forecaster.model.design import Design, design_of
from forecaster.prediction import observation
from forecaster.prediction.paths import CurveKey, curve_paths

LEARNED = CENTRES + LEARNED_SPREADS
SCALE_UNIT, EFFECT_UNIT = 0.5, 0.3  # one unit of the log of a scale, and of an effect, in the penalty
SEEN = 24  # hidden sizes of a curve that count, spread evenly over those there are
DRAWS = 300  # of each of four chains
MOMENTUM, MEMORY = 0.8, 0.95
SMALLEST = 0.03  # effects nearer to zero are not written down

Numbers = dict[str, np.ndarray]  # "mean" and "log_sd" [10], "log_spread" [6], "effect" [architecture, 7]


@dataclass(frozen=True)
class Task:
    """What is learned from: fitted curves, and the hidden errors by label."""

    fitted: LearningCurves
    hidden: Mapping[str, Curve]


def numbers_of(card: Domain, names: Sequence[str]) -> Numbers:
    """The card's numbers as arrays."""
    return {
        "mean": card.hyper_mean,
        "log_sd": np.log(card.hyper_sd),
        "log_spread": np.log(card.spread_fixed),
        "effect": np.array([card.effects_of(name)[1:] for name in names]).reshape(len(names), len(EFFECTS)),
    }


def units_of(card: Domain, names: Sequence[str]) -> Numbers:
    """What counts as one unit of each number."""
    start = numbers_of(card, names)
    return {
        "mean": card.hyper_sd,
        "log_sd": np.full_like(start["log_sd"], SCALE_UNIT),
        "log_spread": np.full_like(start["log_spread"], SCALE_UNIT),
        "effect": np.full_like(start["effect"], EFFECT_UNIT),
    }


def card_of(numbers: Numbers, card: Domain, names: Sequence[str]) -> Domain:
    """The card with these numbers in it."""
    priors = dict(card.priors)
    for i, quantity in enumerate(LEARNED):
        centre, sd = float(numbers["mean"][i]), float(np.exp(numbers["log_sd"][i]))
        where = {"mean": centre} if quantity in CENTRES else {"median": float(np.exp(centre))}
        priors[quantity] = msgspec.structs.replace(priors[quantity], sd=sd, **where)
    for i, quantity in enumerate(FIXED_SPREADS):
        priors[quantity] = msgspec.structs.replace(priors[quantity], value=float(np.exp(numbers["log_spread"][i])))
    known = {
        name: Architecture(
            effects=dict(zip(EFFECTS, map(float, row), strict=True)), source="forecaster-development", why="learned"
        )
        for name, row in zip(names, numbers["effect"], strict=True)
    }
    return msgspec.structs.replace(card, priors=priors, architectures=card.architectures | known)


def prior_scores(design: Design, found: GroupDraws, named: Sequence[int]) -> np.ndarray:
    """Slope of each draw's log prior density in the card's numbers, [draw, number]; ``named`` are rows of effects."""
    card = design.card
    hyper = np.concatenate([found.centre, found.log_spread], -1).reshape(-1, len(LEARNED))
    values = found.values.reshape(len(hyper), len(design.curves), len(CENTRES))
    z = (hyper - card.hyper_mean) / card.hyper_sd
    off = values[..., 1:] - hyper[:, None, 1 : len(CENTRES)] - design.effects[:, 1:]
    fixed = np.broadcast_to(card.spread_fixed, (len(hyper), len(FIXED_SPREADS)))
    spread = np.concatenate([np.exp(hyper[:, -1:]), fixed], 1)[:, None]
    parts = [z / card.hyper_sd, z**2 - 1.0, ((off[..., 1:] / spread[..., 1:]) ** 2 - 1.0).sum(1)]
    if named:
        parts.append((off / spread**2).reshape(len(hyper), -1))
    return np.concatenate(parts, 1)


@dataclass(frozen=True)
class Scored:
    """Hidden errors of one curve: their scores, and the slopes of the mean log score."""

    log_score: float
    rmsle: float
    pit: np.ndarray
    slope: np.ndarray


def scored(posterior: Posterior, design: Design, known: Curve, unseen: Curve, slopes: np.ndarray, seed: int) -> Scored:
    """Score the hidden errors of one curve; ``slopes`` are :func:`prior_scores`."""
    sizes = np.unique(unseen.n)
    kept = sizes[np.unique(np.linspace(0, len(sizes) - 1, min(SEEN, len(sizes))).astype(int))]
    rows = np.isin(unseen.n, kept)
    truth = np.log(unseen.error[rows])
    target = CurveKey(design.domain, design.task, known.architecture)
    n = unseen.n[rows]
    paths = curve_paths(posterior, target, n, seed=seed)
    repeat = np.arange(len(n)) - np.searchsorted(n, n)  # which of the runs of its size each is
    run, noise = observation.new_run(paths, n, repeat.tolist())
    mean = paths.at(n)
    found = scoring.score(run, truth, mean, noise)
    # A kernel no narrower than a third of the draws' scatter keeps few draws from deciding the slope.
    sd = np.maximum(noise, 0.3 * np.median(abs(mean - np.median(mean, 0)), 0))
    log_kernel = -0.5 * ((truth - mean) / sd) ** 2 - np.log(sd)
    weight = np.exp(log_kernel - log_kernel.max(0))
    density = weight.mean(0) * np.exp(log_kernel.max(0)) / np.sqrt(2.0 * np.pi)
    share = (1.0 - scoring.TAIL) * density / np.exp(found.log_score + truth).clip(1e-300)
    given = (weight / weight.sum(0)).T @ slopes - slopes.mean(0)
    return Scored(
        found.log_score.mean(),
        scoring.rmsle(np.median(run, 0), truth),
        found.pit,
        (given * np.minimum(share, 1.0)[:, None]).mean(0),
    )


@dataclass(frozen=True)
class Step:
    """One pass over some tasks: the score's slope in the numbers, and the scores of each curve."""

    slope: Numbers
    curves: list[Scored]

    def scores(self) -> dict[str, float]:
        """Mean log score, mean and median RMSLE, and shares of hidden errors inside intervals."""
        pit = np.concatenate([c.pit for c in self.curves])
        held = {
            f"{level:.0%}".replace("%", " % hold"): float(scoring.covers(pit, level).mean()) for level in (0.8, 0.95)
        }
        rmsle = np.array([c.rmsle for c in self.curves])
        score = float(np.mean([c.log_score for c in self.curves]))
        return {"log score": score, "RMSLE": float(rmsle.mean()), "RMSLE, median": float(np.median(rmsle))} | held

    def __str__(self) -> str:
        pit = np.concatenate([c.pit for c in self.curves])
        shares = ", ".join(f"{level:.0%} {scoring.covers(pit, level).mean():.1%}" for level in (0.8, 0.95))
        rmsle = np.array([c.rmsle for c in self.curves])
        score = np.mean([c.log_score for c in self.curves])
        return f"log score {score:.3f}, RMSLE {rmsle.mean():.4f} / {np.median(rmsle):.4f}, covers {shares}"


def passed(task: Task, card: Domain, names: Sequence[str], groups: Sequence[tuple[str, str]], seed: int) -> Step:
    """Fit the groups under ``card`` and score what was hidden of them."""
    slope = {name: np.zeros_like(v) for name, v in numbers_of(card, names).items()}
    ends = np.cumsum([slope[k].size for k in ("mean", "log_sd", "log_spread")])
    curves = task.fitted.select(task=[g[1] for g in groups])
    designs = [design_of(curves, group, card) for group in curves.groups]
    draws = sampler.sample(designs, seed=seed, draws=DRAWS)
    posterior = assemble(curves, cards_of(curves, card), draws, seed=seed)
    out = []
    for design, found in zip(designs, draws, strict=True):
        rows = [names.index(name) for name in design.architectures] if names else []
        slopes = prior_scores(design, found, rows)
        for known in (c.curve for c in design.curves):
            if known.label not in task.hidden:
                continue
            one = scored(posterior, design, known, task.hidden[known.label], slopes, seed)
            out.append(one)
            mean, log_sd, log_spread, effect = np.split(one.slope, ends)
            slope["mean"] += mean
            slope["log_sd"] += log_sd
            slope["log_spread"] += log_spread
            if rows:
                slope["effect"][rows] += effect.reshape(len(rows), -1)
    return Step(slope, out)


def learned(task: Task, start: Domain, names: Sequence[str], chosen: argparse.Namespace) -> Domain:
    """The card that forecasts the hidden errors best, near ``start``."""
    unit, first = units_of(start, names), numbers_of(start, names)
    now, rng = {k: v.copy() for k, v in first.items()}, np.random.default_rng(chosen.seed)
    push = {k: (np.zeros_like(v), np.zeros_like(v)) for k, v in now.items()}
    groups = list(task.fitted.groups)
    each = min(chosen.at_once, len(groups))
    for i in range(1, chosen.steps + 1):
        some = [groups[j] for j in rng.choice(len(groups), each, replace=False)]
        step = passed(task, card_of(now, start, names), names, some, chosen.seed + i)
        rate = chosen.rate * (1.0 - (i - 1) / chosen.steps) ** 0.5
        for k, (moving, square) in push.items():
            uphill = step.slope[k] * len(groups) / each * unit[k] - (now[k] - first[k]) / unit[k]
            moving, square = MOMENTUM * moving + (1 - MOMENTUM) * uphill, MEMORY * square + (1 - MEMORY) * uphill**2
            push[k] = (moving, square)
            ahead = moving / (1 - MOMENTUM**i) / (np.sqrt(square / (1 - MEMORY**i)) + 1e-8)
            now[k] = now[k] + rate * unit[k] * ahead
        print(f"step {i:3d} ({len(step.curves)} curves): {step}", file=sys.stderr, flush=True)
    return card_of(now, start, names)


def pooled(cards: Sequence[Domain], start: Domain) -> Domain:
    """What several fields have in common: each prior that of a field drawn from ``cards``, by its mean and variance.

    Spreads that cards fix are pooled by their geometric mean, constants by their mean; ``start`` supplies the texts.
    """
    mean, sd = np.array([c.hyper_mean for c in cards]), np.array([c.hyper_sd for c in cards])
    numbers = {
        "mean": mean.mean(0),
        "log_sd": 0.5 * np.log((sd**2).mean(0) + mean.var(0)),
        "log_spread": np.log([c.spread_fixed for c in cards]).mean(0),
        "effect": np.empty((0, len(EFFECTS))),
    }
    out = card_of(numbers, msgspec.structs.replace(start, architectures={}), [])
    constants = {
        q: msgspec.structs.replace(start.priors[q], value=float(np.mean([c.priors[q].location for c in cards])))
        for q in CONSTANTS
    }
    return msgspec.structs.replace(out, priors=out.priors | constants)


def written(card: Domain, text: str) -> str:
    """The text of a card with the numbers of ``card`` in place of its own, and its architectures at the end."""
    for quantity, prior in card.priors.items():
        for key in ("mean", "median", "sd", "value"):
            number = getattr(prior, key)
            if number is not None:
                pattern = rf"(\[priors\.{quantity}\][^\[]*?\n{key} = )[-0-9.e]+"
                text = re.sub(pattern, rf"\g<1>{_short(number)}", text, count=1)
    text = text.split("\n[architectures.")[0].rstrip() + "\n"
    for name, known in card.architectures.items():
        effects = [f"{quantity} = {_short(v)}" for quantity, v in known.effects.items() if abs(v) >= SMALLEST]
        lines = [f'\n[architectures."{name}"]', *effects]
        aliases = f"aliases = {list(known.aliases)!r}\n".replace("'", '"') if known.aliases else ""
        text += "\n".join(lines) + f'\n{aliases}source = "{known.source}"\nwhy = "{known.why}"\n'
    return text


def _short(number: float) -> str:
    return f"{float(f'{number:.2g}'):g}"


def folds(task: Task, start: Domain, names: Sequence[str], chosen: argparse.Namespace) -> list[tuple[str, Step]]:
    """Learn without each part of the tasks in turn; print what the learned card and the first one score there."""
    groups = list(task.fitted.groups)
    before, after = [], []
    for k in range(chosen.folds):
        out = groups[k :: chosen.folds]
        rest = task.fitted.select(task=[g[1] for g in groups if g not in out])
        card = learned(Task(rest, task.hidden), start, names, chosen)
        before += passed(task, start, [], out, chosen.seed).curves
        after += passed(task, card, [], out, chosen.seed).curves
        print(f"folds to {k + 1}, card as it was: {Step({}, before)}")
        print(f"folds to {k + 1}, learned without: {Step({}, after)}", flush=True)
    return [("card as it was", Step({}, before)), ("learned on the other tasks", Step({}, after))]


def main() -> int:
    """Learn one card, or score cards learned in folds."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True, help="curves with a column split of fit and extrapolate")
    parser.add_argument("--card", help="where to start (default: the card of the curves' domain)")
    parser.add_argument("--out", type=Path, help="write the learned card to this file")
    parser.add_argument("--effects", action="store_true", help="learn what is known of architectures by name, too")
    parser.add_argument("--folds", type=int, default=0, help="score in so many parts instead of writing a card")
    parser.add_argument("--steps", type=int, default=24)
    parser.add_argument("--rate", type=float, default=0.15, help="units of a step at first")
    parser.add_argument("--at-once", type=int, default=15, help="tasks a step looks at")
    parser.add_argument("--seed", type=int, default=0)
    add_output(parser, "cards")
    chosen = parser.parse_args()
    curves = read_curves(chosen.data)
    fitted, hidden, _ = hide(curves, "column")
    task = Task(fitted, {c.label: c for c in hidden.curves})
    start = load_card(chosen.card) if chosen.card else card_for(fitted.groups[0][0])[0]
    names: list[Any] = sorted({c.architecture for c in fitted.curves}) if chosen.effects else []
    if chosen.folds:
        found = folds(task, start, names, chosen)
        if chosen.output:
            rows = [{"card": what} | step.scores() for what, step in found]
            record(chosen.output, f"{start.name}, learned in folds", rows, shares=("80 % hold", "95 % hold"))
        return 0
    card = learned(task, start, names, chosen)
    if chosen.out:
        chosen.out.write_text(written(card, start.text), encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
