"""Where domain cards lie, and the references they cite."""

from __future__ import annotations

import codecs
import re
from collections.abc import Mapping
from functools import cache
from importlib.resources import files
from importlib.resources.abc import Traversable
from pathlib import Path

from forecaster._support.toml_files import place
from forecaster.errors import CardError

LARGEST_CARD = 200_000  # bytes; a card is a page or two


def shelf() -> Traversable:
    """Where the shipped cards are: inside the wheel, or beside a checkout."""
    packaged = files("forecaster") / "cards"
    return packaged if packaged.is_dir() else Path(__file__).parents[2] / "models"


@cache
def references() -> Mapping[str, str]:
    """Citations of ``references.bib`` by key, one line each. Reads the plain BibTeX of that file only."""
    source = shelf() / "references.bib"
    entries = re.findall(r"^@\w+\{([^,\s]+),\n(.*?)^\}", text_of(source, "references.bib"), re.S | re.M)
    return {key: _citation(dict(re.findall(r"(\w+)\s*=\s*\{(.*)\},?$", body, re.M))) for key, body in entries}


def text_of(source: Traversable, name: str) -> str:
    try:
        data = source.read_bytes()
    except FileNotFoundError:
        raise CardError(f"{name}: found no such file; expected a domain card, see models/README.md") from None
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise CardError(f"{name}: found something unreadable ({reason}); expected a text file") from None
    if len(data) > LARGEST_CARD:
        raise CardError(f"{name}: found {len(data)} bytes; expected a domain card of at most {LARGEST_CARD}")
    data = data.removeprefix(codecs.BOM_UTF8)
    try:
        return data.decode()
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        found = f"the byte 0x{data[error.start]:02x}, which is not UTF-8"
        raise CardError(place(name, line, found, "a text file saved as UTF-8")) from None


def _citation(fields: dict[str, str]) -> str:
    """``Hestness et al. (2017). Title. Journal, arXiv:1712.00409.``"""
    authors = [name.split(",")[0].strip("{} ") for name in fields["author"].split(" and ")]
    who = f"{authors[0]} et al." if len(authors) > 2 else " and ".join(authors)
    where = [fields[key] for key in ("journal", "note") if key in fields]
    where += [f"arXiv:{fields['eprint']}"] if "eprint" in fields else []
    title = fields["title"].replace("{", "").replace("}", "")
    return f"{who} ({fields['year']}). {title}. {', '.join(where)}."
