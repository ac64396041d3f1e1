"""The verb about what is kept between runs: cache."""

from typing import Annotated

import typer

from forecaster.cli import console, outputs, values
from forecaster.cli.app import Failures, Json, TableFile, deliver, verb


@verb
def cache(
    clear: Annotated[bool, typer.Option("--clear", help="Remove all that is kept.")] = False,
    keep: Annotated[
        str | None, typer.Option("--keep", help="Keep so many bytes, as 200M: what was used last.", show_default=False)
    ] = None,
    output: TableFile = None,
    as_json: Json = False,
) -> Failures:
    """What is kept of earlier fits and compiled programs: where, how much; clear it, or make it smaller."""
    outputs.check_output(output, outputs.TABLE_SUFFIXES, "--output")
    most = values.size(keep, "--keep")
    from forecaster._support import kept_files
    from forecaster.inference.cache import kept

    root = kept_files.cache_root()
    if clear:
        kept_files.clear(root)
        console.say(f"Cleared {root}")
    elif most is not None:
        kept_files.bound(root, int(most))
    return deliver(kept(), as_json, output)
