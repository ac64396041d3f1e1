"""What agents are told: the examples of JSON run, verbs and keys exist, and what is printed follows its schema."""

from __future__ import annotations

import json
import math
import re
import shlex
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from helpers.documents import transcripts
from typer.testing import CliRunner

from forecaster.cli.main import app

ROOT = Path(__file__).parents[1]
SCHEMAS = ROOT / "docs" / "schemas"
PAGE = (ROOT / "docs" / "agents.md").read_text(encoding="utf-8")
SKILL = (ROOT / "forecaster" / "skill" / "SKILL.md").read_text(encoding="utf-8")
ANY = "…"
BLOCK = re.compile(r"^```(sh|json)\n(.*?)^```$", re.S | re.M)


def examples() -> list[tuple[str, Any]]:
    """The page's commands with ``--json``, and what it shows of their output; None where it shows none."""
    found: list[tuple[str, Any]] = []
    for kind, body in BLOCK.findall(PAGE):
        if kind == "sh":
            found += [(line, None) for line in body.splitlines() if line.endswith("--json")]
        else:
            found[-1] = (found[-1][0], json.loads(body))
    return found


def apart(told: Any, printed: Any, at: str = "") -> list[str]:
    """Where an excerpt is not what was printed; numbers may differ by a third, as another processor draws otherwise."""
    if isinstance(told, dict) and isinstance(printed, dict):
        missing = [f"{at}/{key}: not printed" for key in told if key not in printed]
        return missing + [
            fault for key in told if key in printed for fault in apart(told[key], printed[key], f"{at}/{key}")
        ]
    if isinstance(told, list) and isinstance(printed, list):
        if len(told) > len(printed):
            return [f"{at}: {len(told)} told, {len(printed)} printed"]
        return [fault for i, one in enumerate(told) for fault in apart(one, printed[i], f"{at}/{i}")]
    if isinstance(told, bool) or not isinstance(told, int | float):
        return [] if told == printed or (told == ANY and isinstance(printed, str)) else [f"{at}: {told} is {printed}"]
    near = isinstance(printed, int | float) and math.isclose(told, printed, rel_tol=0.34)
    return [] if near else [f"{at}: {told} is {printed}"]


def schema(command: str, found: Any) -> Any:
    name = "error" if "error" in found else command
    return json.loads((SCHEMAS / f"{name}.json").read_text(encoding="utf-8"))


def test_examples_print_what_is_shown():
    faults, codes = [], []
    with transcripts.desk():
        for command, told in examples():
            program, verb, *arguments = shlex.split(command)
            done = CliRunner().invoke(app, [verb, *arguments], prog_name=program)
            assert done.stdout.count("\n") == 1, (command, done.stderr)
            found = json.loads(done.stdout)
            jsonschema.validate(found, schema(verb, found))
            faults += [f"{command}: {fault}" for fault in (apart(told, found) if told is not None else [])]
            codes.append(done.exit_code)
    assert faults == []
    assert codes == [0] * (len(codes) - 1) + [1]  # the last is the refusal


@pytest.mark.parametrize(
    ("told", "printed", "fits"),
    [
        ({"a": [{"n": 1.0}]}, {"a": [{"n": 1.1, "m": 2}, {}], "b": 1}, True),
        ({"a": ANY}, {"a": "words"}, True),
        ({"a": ANY}, {"a": 1}, False),
        ({"a": 1}, {}, False),
        ({"a": 1.0}, {"a": 2.0}, False),
        ({"a": [1, 2]}, {"a": [1]}, False),
        ({"a": True}, {"a": False}, False),
    ],
)
def test_an_excerpt_that_is_not_printed_is_seen(told, printed, fits):
    assert (apart(told, printed) == []) == fits


def rows() -> list[tuple[str, str, str]]:
    """Question, commands and keys of the skill's table."""
    cells = [re.split(r" *(?<!\\)\| *", line.strip("| ")) for line in SKILL.splitlines() if line.startswith("| ")]
    return [(question, commands, keys) for question, commands, keys in cells if "`" in commands]


def test_every_verb_is_in_the_skill():
    named = set(re.findall(r"`forecaster (\w+)", SKILL))
    known = {command.name or command.callback.__name__ for command in app.registered_commands if command.callback}
    assert named - {"VERB"} == known


@pytest.mark.parametrize("row", rows(), ids=lambda row: row[0][:30])
def test_keys_and_options_that_the_skill_names_are_there(row):
    _, commands, keys = row
    verbs = re.findall(r"`forecaster (\w+)", commands)
    found: set[str] = set()
    for verb in verbs:
        for path in (*SCHEMAS.glob(f"{verb}.json"), *SCHEMAS.glob(f"{verb}-*.json")):
            for key, part in json.loads(path.read_text(encoding="utf-8"))["properties"].items():
                found |= {key, *(part.get("items", {}).get("properties", {}) if isinstance(part, dict) else ())}
        shown = CliRunner().invoke(app, [verb, "--help"]).stdout
        mine = re.search(rf"`(forecaster {verb}\b[^`]*)`", commands)
        assert mine is not None
        assert all(option in shown for option in re.findall(r"(?<!\S)--?[a-z][\w-]*", mine[1])), mine[1]
    assert set(re.findall(r"`(\w+)`", keys)) <= found


def test_the_skill_says_what_it_is():
    head = re.match(r"---\nname: ([a-z0-9-]{1,64})\ndescription: (.{40,1024})\n---\n", SKILL)
    assert head is not None
    assert head[1] == "forecaster"
