"""Choosing the curves to show. All other curves of their task are still fitted with them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from forecaster._support.frames import Table
from forecaster.errors import RequestError

if TYPE_CHECKING:
    from forecaster.curves.learning_curves import Group, LearningCurves
    from forecaster.inference.posterior import Posterior
    from forecaster.prediction.curve_keys import CurveKey


@dataclass(frozen=True)
class Choice:
    """Names that ``--domain``, ``--task`` and ``--architecture`` gave; none of a kind stands for all."""

    domain: tuple[str, ...] = ()
    task: tuple[str, ...] = ()
    architecture: tuple[str, ...] = ()

    @property
    def names(self) -> Mapping[str, tuple[str, ...]]:
        return {"domain": self.domain, "task": self.task, "architecture": self.architecture}

    def options(self) -> tuple[str, ...]:
        """The options that gave these names."""
        return tuple(part for column, names in self.names.items() for name in names for part in (f"--{column}", name))

    def constants(self, missing: Iterable[str]) -> dict[str, str]:
        """Names given once for a column that the file lacks: they name all its rows."""
        return {k: v[0] for k, v in self.names.items() if k in missing and len(v) == 1}

    def without(self, columns: Iterable[str]) -> Choice:
        """The choice among what is left when these columns are the same in all rows."""
        return replace(self, **dict.fromkeys(columns, ()))

    def by_metric(self, curves: LearningCurves) -> Choice:
        """The choice where each metric has a task of its own: a task stands for all whose names begin with it."""
        tasks = dict.fromkeys(task for _, task in curves.groups)
        named = [[task for task in tasks if task == one or task.startswith(f"{one}, ")] or [one] for one in self.task]
        return replace(self, task=tuple(task for own in named for task in own))

    def curves(self, curves: LearningCurves) -> LearningCurves:
        """The curves of the domains and tasks chosen; RequestError for a name that is not there."""
        found = curves.select(list(self.domain) or None, list(self.task) or None)
        self._check("architecture", found.table["architecture"])
        return found

    def groups(self, posterior: Posterior) -> tuple[Group, ...]:
        """The same of a posterior, as its (domain, task) pairs."""
        for column, names in zip(self.names, zip(*posterior.groups, strict=True), strict=False):
            self._check(column, names)
        found = [g for g in posterior.groups if self._wants(domain=g[0], task=g[1])]
        if not found:
            known = ", ".join("/".join(g) for g in posterior.groups)
            raise RequestError(f"no curves of the domain and task asked for; this posterior holds: {known}")
        from forecaster.prediction.curve_keys import curve_keys, set_aside_keys

        keys = (*curve_keys(posterior), *set_aside_keys(posterior))
        self._check("architecture", (key.architecture for key in keys if key.group in found))
        return tuple(found)

    def rows(self, table: Table) -> Table:
        """The rows of a table of curves that are chosen."""
        for column, wanted in self.names.items():
            if wanted and column in table:
                self._check(column, table[column])
                table = table[table[column].isin(wanted)]
        if table.empty:
            raise RequestError("no curve has the domain, task and architecture asked for, all three together")
        return table.reset_index(drop=True)

    def keys(self, posterior: Posterior) -> list[CurveKey]:
        """The measured curves that are chosen, also such as cannot be forecast."""
        from forecaster.prediction.curve_keys import curve_keys, set_aside_keys

        measured = (*curve_keys(posterior), *set_aside_keys(posterior))
        for column in self.names:
            self._check(column, (getattr(key, column) for key in measured))
        found = [key for key in measured if self._wants(**{column: getattr(key, column) for column in self.names})]
        if not found:
            raise RequestError("no curve has the domain, task and architecture asked for, all three together")
        return found

    def company(self, curves: LearningCurves) -> str:
        """A sentence on the other architectures fitted with those chosen; empty where all are chosen."""
        if not self.architecture:
            return ""
        groups = {(c.domain, c.task) for c in curves.curves if c.architecture in self.architecture}
        names = {c.architecture for c in curves.curves if (c.domain, c.task) in groups}
        others = len(names - set(self.architecture))
        if not others:
            return ""
        task = "the same task" if len(groups) == 1 else "the same tasks"
        return (
            f"Fitted with {others} other architecture{'s' if others > 1 else ''} of {task} (--leave-out excludes some)."
        )

    def _check(self, column: str, names: Iterable[str]) -> None:
        """RequestError where the option of this name asks for what is not among ``names``."""
        known = list(dict.fromkeys(names))
        lost = [name for name in self.names[column] if name not in known]
        if lost:
            raise RequestError(f"found no {column} {', '.join(lost)}; expected one of {', '.join(known)}")

    def _wants(self, **names: str) -> bool:
        return all(not self.names[column] or name in self.names[column] for column, name in names.items())
