"""Which chapters a memo has: those asked for, or those that its data allow; and what may be asked of each."""

from __future__ import annotations

import shlex
from collections.abc import Mapping, Sequence
from typing import Any

from forecaster.errors import OptionError, RequestError
from forecaster.reports.answers import Answers
from forecaster.reports.chapters import growing, ladder, next_run, registered, screened, treated, two_axes
from forecaster.reports.chapters.chapter import Chapter
from forecaster.results.check import FAIL

KINDS = {
    one.name: one
    for one in (
        next_run.KIND,
        screened.KIND,
        treated.KIND,
        growing.KIND,
        two_axes.KIND,
        ladder.KIND,
        registered.KIND,
    )
}  # in the order of the memo
NONE = "none"
Wanted = Mapping[str, Mapping[str, Any]]  # arguments by the chapter's name


def wanted(chapters: Sequence[str] | Wanted | None) -> Wanted | None:
    """What ``chapters`` of ``memo`` asks for, with each argument's value; None where the data decide.

    Raises
    ------
    RequestError
        No such chapter or argument, a value that is none, or an argument that is lacking.

    Examples
    --------
    >>> wanted(["growth"])
    {'growth': {}}
    >>> wanted({"screen": {"risk": "0.1"}})
    {'screen': {'risk': 0.1}}
    """
    if chapters is None:
        return None
    if isinstance(chapters, str):
        raise RequestError(f"chapters: found the text {chapters!r}; expected a list of names, such as [{chapters!r}]")
    given = chapters if isinstance(chapters, Mapping) else {name: {} for name in chapters}
    return {name: _arguments(name, own) for name, own in given.items()}


def parsed(texts: Sequence[str]) -> Wanted | None:
    """Chapters as the command line gives them: ``["screen risk=0.1", "growth"]``; ``["none"]`` for no chapter.

    Raises
    ------
    OptionError
        For the causes for which :func:`wanted` refuses them, and for text that is neither a name nor ``KEY=VALUE``.

    Examples
    --------
    >>> parsed(["effect baseline=mlp treated=rbf-svm"])
    {'effect': {'baseline': 'mlp', 'treated': 'rbf-svm'}}
    """
    if not texts:
        return None
    found: dict[str, dict[str, str]] = {}
    for text in texts:
        try:
            name, *pairs = shlex.split(text) or [""]
        except ValueError:
            raise OptionError(f"--chapter: found {text!r}; expected a second quotation mark for each") from None
        if bad := next((pair for pair in pairs if "=" not in pair), None):
            raise OptionError(f"--chapter: found {bad!r} in {text!r}; expected KEY=VALUE after the chapter's name")
        found[name] = dict(pair.split("=", 1) for pair in pairs)
    if list(found) == [NONE]:
        return {}
    try:
        return wanted(found)
    except RequestError as error:
        raise OptionError(f"--{str(error).replace('chapters', 'chapter', 1)}") from None


def _arguments(name: str, given: Mapping[str, Any]) -> dict[str, Any]:
    """The arguments of a chapter, texts made values."""
    kind = KINDS.get(name)
    if kind is None:
        raise RequestError(f"chapters: found {name!r}; expected some of {', '.join(KINDS)}")
    if unknown := next((key for key in given if key not in kind.arguments), None):
        known = ", ".join(kind.arguments) or "none"
        raise RequestError(f"chapters: {name}: found {unknown!r}; its arguments are: {known}")
    if lacking := [key for key in kind.needed if key not in given]:
        example = " ".join(f"{key}=..." for key in kind.needed)
        raise RequestError(f"chapters: {name}: found no {' and no '.join(lacking)}; expected {name} {example}")
    return {key: _value(f"{name}: {key}", value, kind.arguments[key]) for key, value in given.items()}


def _value(what: str, value: Any, made: Any) -> Any:
    """A text as the value that it stands for; anything else as it is."""
    if not isinstance(value, str):
        return value
    try:
        found = made(value)
    except ValueError:
        found = None
    if found is None:
        raise RequestError(f"chapters: {what}: found {value!r}; expected a number, such as 0.1 or 12000")
    return found


def written(a: Answers, seed: int, asked: Wanted | None, *, stopped: bool) -> tuple[Chapter, ...]:
    """The chapters of a memo, in its order; none that advises where a check failed.

    Parameters
    ----------
    a : Answers
        The answers of the memo.
    seed : int
        The same seed gives the same numbers.
    asked : mapping, optional
        What :func:`wanted` gave; None for those that the data allow without taking time.
    stopped : bool
        Whether a check failed.
    """
    chosen = {name: {} for name, kind in KINDS.items() if kind.unasked(a)} if asked is None else asked
    kinds = [kind for name, kind in KINDS.items() if name in chosen and not (stopped and kind.advises)]
    found = tuple(kind.write(a, seed, **chosen[kind.name]) for kind in kinds)
    failed = any(one.verdict == FAIL for chapter in found for one in chapter.checks)
    return tuple(one for one in found if not (failed and KINDS[one.name].advises))
