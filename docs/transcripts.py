"""What the documents show is what happens: blocks of a Markdown page, run and compared or written anew.

    uv run python docs/transcripts.py

runs every command and every Python block of the README and the tutorials, and puts down what they print now. Blocks:

* ``console``: lines that begin with ``$`` are commands of ``forecaster``; the lines below each are its output.
* ``python`` followed by ``text``: the code, and what it prints. Code without a ``text`` block prints nothing. Blocks of
  a page share their names.
* a comment ``<!-- results: PAGE / TITLE -->`` stands before a table of ``benchmarks/results/results.json``.

Pages run in a folder that holds ``forecaster/examples``, so that paths are those of a clone. Tables are 100 columns
wide.
"""

from __future__ import annotations

import contextlib
import importlib.util
import io
import json
import os
import re
import shlex
import shutil
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

ROOT = Path(__file__).resolve().parents[1]
TUTORIALS = ("first-forecast", "are-my-intervals-honest", "model-and-data", "from-a-training-script", "from-a-tracker")
PAGES = ("README.md", *(f"docs/tutorials/{name}.md" for name in TUTORIALS), "docs/decide.md")
CONSOLE = re.compile(r"^```console\n(.*?)^```$", re.S | re.M)
PYTHON = re.compile(r"^```python\n(.*?)^```\n(?:\n```text\n(.*?)^```$)?", re.S | re.M)
TABLE = re.compile(r"<!-- results: (\w+) / (.+?) -->\n\n((?:\|.*\n)+)")
ANY = re.compile(f"{CONSOLE.pattern}|{PYTHON.pattern}", re.S | re.M)
WIDTH = "100"


class Step(NamedTuple):
    """One thing that a page does: the command or code, and what the page says it prints."""

    kind: str  # console or python
    source: str
    told: str


def steps(text: str) -> Iterator[Step]:
    """Commands and Python blocks of a page, in order."""
    for found in ANY.finditer(text):
        if found[1] is None:
            yield Step("python", found[2], (found[3] or "").rstrip())
            continue
        for part in re.split(r"(?m)^\$ ", found[1])[1:]:
            command, _, output = part.partition("\n")
            yield Step("console", command, output.rstrip())


class Session:
    """Runs the steps of one page in the current folder; Python blocks share their names."""

    def __init__(self) -> None:
        self.names: dict[str, Any] = {}

    def run(self, step: Step) -> str:
        """What the step prints; AssertionError where a command fails."""
        return (self._python if step.kind == "python" else self._command)(step.source)

    def _python(self, source: str) -> str:
        said = io.StringIO()
        with contextlib.redirect_stdout(said):
            exec(compile(source, "page.md", "exec"), self.names)
        return stripped(said.getvalue())

    def _command(self, source: str) -> str:
        from typer.testing import CliRunner

        from forecaster.cli.main import app

        program, *arguments = shlex.split(source.removeprefix("uv run "))
        assert program == "forecaster", source
        done = CliRunner().invoke(app, arguments, prog_name=program)
        assert done.exit_code in (0, 3), (source, done.stderr)
        return stripped(done.stdout if done.stdout.strip() else done.stderr)


def stripped(text: str) -> str:
    """Without blanks at the ends of lines, and without empty lines at the end."""
    return "\n".join(line.rstrip() for line in text.splitlines()).rstrip()


@contextlib.contextmanager
def desk() -> Iterator[Path]:
    """A folder to work in that has the examples where a clone has them; ``python`` is the one that runs this."""
    before, width, programs = Path.cwd(), os.environ.get("COLUMNS"), os.environ.get("PATH", "")
    with tempfile.TemporaryDirectory() as folder:
        examples = Path(folder) / "forecaster" / "examples"
        examples.mkdir(parents=True)
        for path in (ROOT / "forecaster" / "examples").iterdir():
            shutil.copy(path, examples)
        os.chdir(folder)
        os.environ["COLUMNS"] = WIDTH
        os.environ["PATH"] = os.pathsep.join([str(Path(sys.executable).parent), programs])
        try:
            yield Path(folder)
        finally:
            os.chdir(before)
            os.environ["PATH"] = programs
            os.environ.pop("COLUMNS") if width is None else os.environ.update(COLUMNS=width)


def tables(text: str) -> Iterator[tuple[str, str]]:
    """Tables of results on a page: as they stand there, and as the numbers say."""
    for found in TABLE.finditer(text):
        yield found[3].rstrip(), rendered(found[1], found[2])


def rendered(page: str, title: str) -> str:
    """A table of results as Markdown."""
    spec = importlib.util.spec_from_file_location("recording", ROOT / "benchmarks" / "recording.py")
    assert spec is not None
    assert spec.loader is not None
    recording = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(recording)
    numbers = json.loads((ROOT / "benchmarks" / "results" / recording.NUMBERS).read_text(encoding="utf-8"))
    return recording.table_of(numbers[page]["tables"][title])


def refreshed(text: str) -> str:
    """The page with what its steps print now."""
    session = Session()

    def anew(found: re.Match[str]) -> str:
        ran = [(step, session.run(step)) for step in steps(found[0])]
        if found[1] is None:
            step, said = ran[0]
            end = "" if found[3] is not None else "\n"  # the match ends before a line's end where there was output
            return f"```python\n{step.source}```\n" + (f"\n```text\n{said}\n```{end}" if said else "")
        return "\n".join(["```console", *(f"$ {step.source}\n{said}" for step, said in ran), "```"])

    text = ANY.sub(anew, text)
    return TABLE.sub(lambda m: f"<!-- results: {m[1]} / {m[2]} -->\n\n{rendered(m[1], m[2])}\n", text)


def main() -> None:
    """Write every page anew."""
    for name in PAGES:
        path = ROOT / name
        with desk():
            text = refreshed(path.read_text(encoding="utf-8"))
        path.write_text(text, encoding="utf-8")
        print(f"{name}: written anew")


if __name__ == "__main__":
    main()
