"""Domain cards: prior knowledge of a field's learning curves, each number with its source.

A card is a TOML file, which ``card_files`` reads and checks; ``models/README.md`` says how to write one.
"""

from __future__ import annotations

import hashlib
import math
import re

import msgspec
import numpy as np

from forecaster.curves.metrics import metric_of
from forecaster.domains.floor_evidence import FloorEvidence
from forecaster.domains.quantities import CENTRES, FIXED_SPREADS, LEARNED_SPREADS


class Prior(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """One prior: normal (mean, sd), lognormal (median, sd of the log) or fixed (value).

    A ``relative`` mean counts from the measurements: that of the level, where the unit of errors is arbitrary.
    """

    family: str
    source: str
    why: str
    mean: float | None = None
    median: float | None = None
    sd: float | None = None
    value: float | None = None
    relative: bool = False

    @property
    def location(self) -> float:
        """Its location on the scale on which it is normal: the mean, log of the median, or the value."""
        if self.mean is not None:
            return self.mean
        return math.log(self.median) if self.median is not None else self.value or 0.0

    @property
    def scale(self) -> float:
        """Standard deviation on that scale; zero for a fixed value."""
        return self.sd or 0.0


class KnownError(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A known error in the unit of the card: that of guessing, or that of people."""

    value: float
    source: str
    why: str


class Architecture(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How an architecture known by name differs from the centre of its group, by quantity of ``EFFECTS``."""

    effects: dict[str, float]
    source: str
    why: str
    aliases: tuple[str, ...] = ()


class Domain(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A checked domain card: prior knowledge of a field's learning curves.

    Attributes
    ----------
    name, title : str
        The card's name, and its name for readers.
    law : str
        The equation of the curves; ``three_regions`` is the only one.
    size_unit, error_unit : str
        What sizes count, and what errors are.
    priors : dict of str to Prior
        Every quantity's prior, in the order of ``forecaster.domains.quantities.QUANTITIES``, each with its source.
    citations : dict of str to str
        A line for each source named.
    text, origin : str
        The card as it was written, and the file it came from.
    aliases : tuple of str
        Other names of the field.
    chance, human_level : KnownError or None
        The error of guessing, and of people, where known.
    architectures : dict of str to Architecture
        How architectures known by name differ from their group's centre.
    tuned : dict of str to Prior
        Priors that hold in place of those of ``priors`` for curves of best models.
    growth : dict of str to Prior
        Priors of the exponents with which model size, compute and hours of training grow with the data.
    floor : FloorEvidence or None
        What is known of the floor beside the curves; a fit takes it into the prior of the floor.
    """

    name: str
    title: str
    law: str
    size_unit: str
    error_unit: str
    priors: dict[str, Prior]
    citations: dict[str, str]
    text: str
    origin: str
    aliases: tuple[str, ...] = ()
    chance: KnownError | None = None
    human_level: KnownError | None = None
    architectures: dict[str, Architecture] = {}
    tuned: dict[str, Prior] = {}
    growth: dict[str, Prior] = {}
    floor: FloorEvidence | None = None

    def __repr__(self) -> str:
        about = f"{self.title}; sizes in {self.size_unit}"
        return f"Domain {self.name}: {about}, {len(self.priors)} priors, from {self.origin}"

    def measures(self, metric: str | None) -> bool:
        """Whether the card's error may be what ``metric`` names: not where one is a rate and the other a loss."""
        own, theirs = kinds_of_error(self.error_unit), kinds_of_error(metric or "")
        return not own or not theirs or bool(own & theirs)

    def known_as(self, architecture: str) -> Architecture | None:
        """What the card knows about an architecture of this name, if anything."""
        named = {plain_name(a): known for name, known in self.architectures.items() for a in (*known.aliases, name)}
        return named.get(plain_name(architecture))

    def effects_of(self, architecture: str) -> np.ndarray:
        """How an architecture differs from its group's centre, in the order of ``CENTRES``; zeros where unknown."""
        known = self.known_as(architecture)
        return np.array([known.effects.get(quantity, 0.0) if known else 0.0 for quantity in CENTRES])

    def for_best_models(self) -> Domain:
        """The card for curves that have, at each size, the best of several models: its ``tuned`` priors hold."""
        return msgspec.structs.replace(self, priors=self.priors | self.tuned, tuned={})

    def centred_on(self, log_error: float) -> Domain:
        """The card for curves whose last log errors have this mean: another one where its level is relative to it."""
        level = self.priors["level"]
        if not level.relative:
            return self
        at = msgspec.structs.replace(level, mean=level.location + log_error, relative=False)
        return msgspec.structs.replace(self, priors=self.priors | {"level": at})

    @property
    def hyper_mean(self) -> np.ndarray:
        """Prior means of what a group learns: the centres, then the logs of the two learned spreads."""
        return np.array([self.priors[quantity].location for quantity in CENTRES + LEARNED_SPREADS])

    @property
    def hyper_sd(self) -> np.ndarray:
        """Prior standard deviations, in the order of :attr:`hyper_mean`."""
        return np.array([self.priors[quantity].scale for quantity in CENTRES + LEARNED_SPREADS])

    @property
    def spread_fixed(self) -> np.ndarray:
        """Spreads around the centres of log_break, floor_logit, log_noise, log_drift, log_slope and log_sharpness."""
        return np.array([self.priors[quantity].location for quantity in FIXED_SPREADS])

    @property
    def slope_memory(self) -> float:
        """Nats of size over which a wandering slope forgets."""
        return self.priors["slope_memory"].location

    @property
    def volatility(self) -> float:
        """How uncertain the scale of the drift is beyond the measured sizes: sd of the log of its change."""
        return self.priors["volatility"].location

    @property
    def card_hash(self) -> str:
        """SHA-256 of the card's contents, inherited priors included; comments and layout do not count."""
        said = msgspec.structs.replace(self, text="", origin="", citations={})
        return hashlib.sha256(msgspec.json.encode(said)).hexdigest()


LOSS = re.compile(r"perplexity|entropy|likelihood|\bnll\b|nats|\bbits|loss|squared|absolute|\bn?rmse|\bmse|\bmae", re.I)
RATE = re.compile(r"share of 1|error rate|accuracy|\b[wc]er\b|\btop.?[15]\b|zero.one|\b0.1 loss|misclassif", re.I)


def kinds_of_error(said: str) -> frozenset[str]:
    """``rate`` (a share of cases, 1 - a score) or ``loss``, where a metric or a card's ``error_unit`` tells which."""
    named = {"share": {"rate"}, "complement": {"rate"}, "loss": {"loss"}, "perplexity": {"loss"}}.get(
        metric_of(said).kind, set()
    )
    return frozenset(named | {kind for kind, words in (("loss", LOSS), ("rate", RATE)) if words.search(said)})


def plain_name(name: str) -> str:
    """A name as names are compared: capitals make no difference, nor whether words are joined by blanks, _ or -."""
    return re.sub(r"[\s_-]+", "-", name.strip().casefold())
