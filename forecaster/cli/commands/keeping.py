"""The verb on what is stored between runs: cache."""

from typing import Annotated

import typer

from forecaster.cli import console, outputs, values
from forecaster.cli.app import Failures, Json, TableFile, deliver, verb


@verb
def cache(
    clear: Annotated[bool, typer.Option("--clear", help="Remove everything.")] = False,
    keep: Annotated[
        str | None,
        typer.Option(
            "--keep",
            help="Reduce the cache to this many bytes, e.g. 200M; what was used last stays.",
            show_default=False,
        ),
    ] = None,
    output: TableFile = None,
    as_json: Json = False,
) -> Failures:
    """Show, reduce or clear the cache of fits and compiled programs."""
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
