"""ArviZ's statistics, and nothing else of what comes with them."""

from __future__ import annotations

import sys
from types import ModuleType


def statistics() -> ModuleType:
    """The module ``arviz_stats``.

    ArviZ leaves a placeholder among the modules that would become JAX when asked for anything. SciPy asks wherever it
    finds one, which loads all of JAX for verbs that sample nothing. So the placeholder goes again.
    """
    import arviz_stats

    if "jax._src" not in sys.modules:
        sys.modules.pop("jax", None)
    return arviz_stats
