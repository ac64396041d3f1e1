"""Any program as a trainer: a command line with size, seed and grid in it, and what to read of its output."""

from __future__ import annotations

import json
import os
import re
import shlex
from collections.abc import Mapping
from dataclasses import dataclass, field

from forecaster._support.programs import run_program
from forecaster._support.workers import cores
from forecaster.errors import OptionError
from forecaster.measuring.running import LINES, RunFailed
from forecaster.measuring.runs import FIELDS, RESERVED, Trained, trained_of

PLACE = re.compile(r"\{\{|\}\}|\{(\w+)\}")  # {n}; {{ and }} are braces themselves
NUMBER_GOES_ON = re.compile(r"[.\d]*[eE][-+]?\d|\d")  # what follows a number that a pattern ends in the middle of
THREADS = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")


@dataclass(frozen=True)
class CommandTrainer:
    """A program that trains a model and prints its error, as a trainer for :func:`~forecaster.measure`.

    Attributes
    ----------
    command : str
        The command line, run by the shell; ``{n}`` and ``{seed}``, and the names of a grid such as ``{width}``, stand
        for the values of a run. Braces themselves are doubled: ``{{``.
    read : str or mapping
        A regular expression for the error, whose first group is the number, such as ``val_error=([-+.e0-9]+)``; or
        with named groups for several of Trained: ``(?P<error>...)``, ``(?P<test_error>...)``, ``(?P<params>...)``,
        ``compute``, ``n_test``, ``seconds``, ``gpu_hours``. Or a mapping of such names to expressions. The last match
        in what the program prints counts.
    side_by_side : int
        Runs that go on at the same time: each gets its share of the cores, where the environment says nothing else.

    Examples
    --------
    >>> from forecaster import CommandTrainer
    >>> CommandTrainer("echo error=0.2$(({n} + {seed}))", read="error=([.0-9]+)")(3, 1)
    Trained(error=0.24, test_error=None, params=None, compute=None, n_test=None, seconds=None, gpu_hours=None)
    """

    command: str
    read: str | Mapping[str, str]
    side_by_side: int = field(default=1, compare=False)
    threads = True  # it waits for a program

    def __post_init__(self) -> None:
        for name in self.places:
            if not name.isidentifier():
                raise OptionError(f"command: found {{{name}}}; expected {{n}}, {{seed}} or the name of a grid")
        if "n" not in self.places:
            raise OptionError(
                f"command: found no {{n}} in {self.command!r}; expected the place of the training-set size, such as "
                "`python train.py --n {n} --seed {seed}`"
            )
        self.patterns  # noqa: B018  # refuses expressions that cannot be used

    @property
    def places(self) -> tuple[str, ...]:
        """The names in the command, in order."""
        return tuple(dict.fromkeys(found[1] for found in PLACE.finditer(self.command) if found[1]))

    @property
    def identity(self) -> str:
        """What makes runs comparable: the command and what is read of it."""
        return json.dumps({"command": self.command, "read": self.read if isinstance(self.read, str) else {**self.read}})

    @property
    def patterns(self) -> Mapping[str, re.Pattern[str]]:
        """What is read, by the names in Trained; OptionError for an expression that cannot be used."""
        given = {"error": self.read} if isinstance(self.read, str) else self.read
        found: dict[str, re.Pattern[str]] = {}
        for name, text in given.items():
            try:
                pattern = re.compile(text, re.M)
            except re.error as error:
                raise OptionError(f"read: found {text!r}, no regular expression ({error})") from error
            if pattern.groups < 1:
                raise OptionError(f"read: found {text!r}; expected a group for the number: {text}([-+.e0-9]+)")
            found |= dict.fromkeys(pattern.groupindex or [name], pattern)
        if unknown := [name for name in found if name not in FIELDS]:
            raise OptionError(f"read: found the name {unknown[0]!r}; expected some of {', '.join(FIELDS)}")
        if "error" not in found:
            raise OptionError(f"read: found {', '.join(found)}; expected `error`, by which models are chosen, as well")
        return found

    def expect_places(self, grid: Mapping[str, object], seeds: int) -> None:
        """OptionError where the command has no place for a name of the grid, or for the seed, or one too many."""
        for name in (*grid, *(("seed",) if seeds > 1 else ())):
            if name not in self.places:
                raise OptionError(
                    f"command: found no {{{name}}} in {self.command!r}; expected its place in the command"
                )
        for name in self.places:
            if name not in (*RESERVED, *grid):
                raise OptionError(
                    f"command: found {{{name}}} in {self.command!r} and no grid of that name; expected --grid "
                    f"{name}=VALUES, or doubled braces, {{{{{name}}}}}, where they are the program's own"
                )

    def filled(self, **values: object) -> str:
        """The command line of one run."""
        doubled = {"{{": "{", "}}": "}"}
        return PLACE.sub(lambda m: shlex.quote(str(values[m[1]])) if m[1] else doubled[m[0]], self.command)

    def __call__(self, n: int, seed: int, **point: object) -> Trained:
        """Run the program. RunFailed, with the last lines of its output, if it fails or prints no such number."""
        share = str(max(cores() // self.side_by_side, 1))
        own = {name: share for name in THREADS if name not in os.environ and self.side_by_side > 1}
        code, said = run_program(self.filled(n=n, seed=seed, **point), own)
        if code != 0:
            raise RunFailed(_with_end(f"exit code {code}", said))
        read = {name: self._number(name, pattern, said) for name, pattern in self.patterns.items()}
        try:
            return trained_of(read)
        except ValueError as error:
            raise RunFailed(_with_end(str(error), said)) from None

    def _number(self, name: str, pattern: re.Pattern[str], said: str) -> float:
        """What the last match of a pattern gives for one of our names."""
        found = next(iter([*pattern.finditer(said)][-1:]), None)
        group = name if name in pattern.groupindex else 1
        if found is None or found[group] is None:
            raise RunFailed(_with_end(f"no match for {pattern.pattern} in what it printed", said))
        text = found[group].strip().rstrip(".")
        cut = NUMBER_GOES_ON.match(said, found.end(group))
        try:
            if cut is not None:
                raise ValueError
            return float(text.replace(",", ""))
        except ValueError:
            more = f"{text}{cut[0] if cut else ''}"
            raise RunFailed(
                _with_end(
                    f"{pattern.pattern} gave {text!r} of {more!r} for {name}; expected a whole number with "
                    "its exponent, as ([-+.e0-9]+) reads it",
                    said,
                )
            ) from None


def _with_end(what: str, said: str) -> str:
    """The failure with the last line of the program's output, and below it the last lines."""
    lines = [line.rstrip() for line in said.splitlines() if line.strip()]
    return "\n".join([f"{what}: {lines[-1]}" if lines else what, *lines[-LINES:]])
