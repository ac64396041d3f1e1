"""Tables as annotations: pandas' own know less than the code does, so that a checker would refuse what is right."""

from __future__ import annotations

from typing import Any

Table = Any  # a DataFrame or a Series
