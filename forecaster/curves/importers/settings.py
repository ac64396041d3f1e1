"""Settings: hyper-parameters that stand beside a log in YAML, or inside its name."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from forecaster._support.numbers import number_or_text
from forecaster.errors import OptionError

LINE = re.compile(r"(?P<indent> *)(?P<key>'[^']*'|\"[^\"]*\"|[^\s'\"#][^:]*?)\s*:(?:\s+(?P<value>.*))?$")
PAIR = re.compile(r"(?:^|[/_,;&\s-])([A-Za-z]\w*?)=([^/_,;&\s]+)")
FIELD = re.compile(r"\{(\w*)\}")
WORDS = {"null": None, "~": None, "": None, "true": True, "false": False, "yes": True, "no": False}
LARGEST_FILE = 1 << 20  # bytes of a file of settings


def flat(value: Any, prefix: str = "", deep: int = 0) -> Iterator[tuple[str, Any]]:
    """The single values in nested dicts, with the path to each: ``config.optimizer.lr``. Lists are left out."""
    if isinstance(value, Mapping) and deep < 20:
        for key, inner in value.items():
            yield from flat(inner, f"{prefix}.{key}" if prefix else str(key), deep + 1)
    elif value is None or isinstance(value, str | int | float):
        yield prefix, value


def scalar(text: str) -> Any:
    """A value as YAML writes it."""
    text = text.strip()
    if text[:1] in ("'", '"') and text[-1:] == text[:1] and len(text) > 1:
        return text[1:-1]
    text = re.sub(r"\s+#.*$", "", text)
    if text.lower() in WORDS:
        return WORDS[text.lower()]
    return number_or_text(text)


def from_yaml(text: str) -> dict[str, Any]:
    """Names and single values of nested mappings; lists, tags and texts of several lines are left out."""
    found: dict[str, Any] = {}
    above: list[tuple[int, str]] = []
    for line in text.splitlines():
        entry = LINE.match(line)
        if entry is None or line.lstrip().startswith(("#", "- ")):
            continue
        indent, key, value = len(entry["indent"]), entry["key"].strip("'\""), entry["value"] or ""
        above = [(at, name) for at, name in above if at < indent]
        path = ".".join([*(name for _, name in above), key])
        if not value or value.startswith("#"):
            above.append((indent, key))
        elif not value.startswith(("!", "&", "*", "|", ">", "[", "{")):
            found[path] = scalar(value)
    return found


def beside(folder: Path) -> dict[str, Any]:
    """The settings of the run whose log is in ``folder``: Lightning's ``hparams.yaml``, W&B's ``config.yaml``."""
    found = {f"hparams.{key}": value for key, value in _read(folder / "hparams.yaml").items()}
    own = _read(folder / "config.yaml")
    return found | {f"config.{key.removesuffix('.value')}": value for key, value in own.items()}


def _read(path: Path) -> dict[str, Any]:
    try:
        if not path.is_file() or path.stat().st_size > LARGEST_FILE:
            return {}
        return from_yaml(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError):
        return {}


# Names of runs ------------------------------------------------------------------------------------


def pairs_in(name: str) -> dict[str, str]:
    """The settings in a name: ``cnn/train_size=1000_seed=0`` gives ``name.train_size`` and ``name.seed``."""
    return {f"name.{key}": value for key, value in PAIR.findall(name)}


def pattern(text: str) -> re.Pattern[str]:
    """``{architecture}-n{n}-s{seed}`` as a pattern; ``{}`` and ``*`` stand for anything. OptionError if not so."""
    fields = [name for name in FIELD.findall(text) if name]
    if not fields or len(set(fields)) < len(fields) or not all(name.isidentifier() for name in fields):
        raise OptionError(
            f"--names: found {text!r}; expected a pattern with each name once, as '{{architecture}}-n{{n}}-s{{seed}}'"
        )
    made, at = "", 0
    for found in FIELD.finditer(text):
        made += re.escape(text[at : found.start()]).replace(r"\*", ".*?")
        made += f"(?P<{found[1]}>.+?)" if found[1] else ".*?"
        at = found.end()
    return re.compile(made + re.escape(text[at:]).replace(r"\*", ".*"))


SIZED = re.compile(
    r"(?P<name>.*?)(?P<size>[-_/ ]+(?:n|N|size|train)?[=_-]?)(?P<n>\d+(?:\.\d+)?[kKMGB]?)"
    r"(?:(?P<run>[-_/ ]+(?:s|seed|run)[=_-]?)(?P<seed>\d+))?"
)
LEAST_SIZE = 10.0  # a number in all names, from which it may be a size and no version


def pattern_of(names: Sequence[str]) -> str | None:
    """The pattern of names that seem to end in a size, such as ``cnn-n1000`` or ``cnn-n1000-s3``; None for others."""
    found = [SIZED.fullmatch(name) for name in names]
    parts = [(one["size"], one["run"]) for one in found if one is not None and one["name"]]
    sizes = {float(re.sub(r"[kKMGB]$", "e3", one["n"])) for one in found if one is not None}
    if len(parts) < len(names) or len(set(parts)) != 1 or len(sizes) < 2 or min(sizes) < LEAST_SIZE:
        return None
    size, run = parts[0]
    made = f"{{architecture}}{size}{{n}}" + (f"{run}{{seed}}" if run else "")
    return made if all(pattern(made).fullmatch(name) for name in names) else None
