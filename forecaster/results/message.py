"""Message: a sentence with an id and its numbers, so that a program or a test need not read the words."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class Message:
    """One sentence, or a few that belong together.

    Attributes
    ----------
    id : str
        Which message it is, such as ``choose``. Stable: the wording may change, the id does not.
    text : str
        The words.
    values : mapping
        The numbers and names that the text mentions, unrounded.
    """

    id: str
    text: str
    values: Mapping[str, Any] = field(default_factory=dict)


def message(id: str, text: str, **values: Any) -> Message:
    """``message("choose", f"Choose {name}.", architecture=name)``."""
    return Message(id, text, values)


def joined(messages: Iterable[Message], separator: str = " ") -> str:
    """The texts of several messages as one."""
    return separator.join(one.text for one in messages)


def ids(messages: Iterable[Message]) -> list[str]:
    """Which messages these are, in order."""
    return [one.id for one in messages]
