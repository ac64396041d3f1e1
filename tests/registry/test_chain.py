"""The chain of records: edits are found, processes wait for each other, a killed one leaves a valid file."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from forecaster.errors import RegistryError, RequestError
from forecaster.registry.chain import START, append, canonical, head_file, read_chain
from forecaster.registry.verify import verify

RECORDS = 6
PLAIN = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)
WRITER = """
import sys
from forecaster.registry.chain import append
for i in range(int(sys.argv[2])):
    append(sys.argv[1], lambda place: {"forecast_id": f"{sys.argv[3]}-{i}", "points": [], "values": [0.1] * 2000})
"""


@pytest.fixture
def chain_file(tmp_path):
    """A chain of some records."""
    path = tmp_path / "forecasts.jsonl"
    for i in range(RECORDS):
        append(path, lambda place, i=i: {"forecast_id": f"f-{place}", "points": [i], "note": "é", "value": 0.1 * i})
    return path


def edited(lines: list[bytes], rng: random.Random) -> bytes:
    """The file with one random edit: a byte, or a line dropped, moved or repeated."""
    kind, i = rng.choice(("byte", "byte", "drop", "move", "repeat", "delete", "insert")), rng.randrange(len(lines))
    lines = list(lines)
    if kind == "drop":
        del lines[i]
    elif kind == "move":
        lines.insert(rng.choice([k for k in range(len(lines)) if k != i]), lines.pop(i))
    elif kind == "repeat":
        lines.insert(rng.randrange(len(lines) + 1), lines[i])
    content = bytearray(b"".join(lines))
    at = rng.randrange(len(content))
    if kind == "byte":
        content[at] ^= rng.randrange(1, 256)
    elif kind == "delete":
        del content[at]
    elif kind == "insert":
        content.insert(at, rng.randrange(256))
    return bytes(content)


def edits_missed(path, count, seed):
    """How many of so many random edits are not found with the head at hand."""
    whole, rng = path.read_bytes(), random.Random(seed)
    head, lines = read_chain(path).head, whole.splitlines(keepends=True)
    missed = 0
    for _ in range(count):
        changed = edited(lines, rng)
        if changed == whole:  # a line moved within equal ones cannot be told from none
            continue
        path.write_bytes(changed)
        missed += verify(path, head=head).intact
    path.write_bytes(whole)
    return missed


def test_a_chain_is_read_back_as_it_was_written(chain_file):
    chain = read_chain(chain_file)
    assert chain.broken is None
    assert [one.content["points"] for one in chain.records] == [[i] for i in range(RECORDS)]
    assert head_file(chain_file).read_text().strip() == chain.head != START


@given(PLAIN)
def test_canonical_json_is_the_same_after_a_round_trip(value):
    import json

    try:
        written = canonical(value)
    except UnicodeEncodeError:  # half a surrogate pair
        return
    assert canonical(json.loads(written)) == written
    assert b"\n" not in written


def test_every_random_edit_is_found_with_the_head_at_hand(chain_file):
    assert edits_missed(chain_file, 500, seed=1) == 0


@pytest.mark.slow
def test_ten_thousand_random_edits_are_found(chain_file):
    assert edits_missed(chain_file, 10_000, seed=2) == 0


def test_without_any_head_the_loss_of_the_last_line_shows_in_no_chain(chain_file):
    """The broken twin: why a head is needed."""
    lines = chain_file.read_bytes().splitlines(keepends=True)
    chain_file.write_bytes(b"".join(lines[:-1]))
    assert not verify(chain_file).intact
    head_file(chain_file).unlink()
    found = verify(chain_file)
    assert found.intact
    assert [check.verdict for check in found.checks] == ["REVIEW"]


def test_a_published_head_of_an_earlier_record_still_holds(chain_file):
    earlier = read_chain(chain_file).records[2].hash
    assert verify(chain_file, head=earlier[:12]).intact
    assert not verify(chain_file, head="0" * 12).intact


@pytest.mark.parametrize("head", ["12345", "no hash at all", ""])
def test_a_head_that_is_no_hash_is_refused(chain_file, head):
    with pytest.raises(RequestError, match="expected a hash"):
        verify(chain_file, head=head)


def test_nothing_is_added_to_a_broken_chain(chain_file):
    changed = chain_file.read_bytes().replace(b"f-2", b"f-9", 1)
    chain_file.write_bytes(changed)
    with pytest.raises(RegistryError, match="line 2"):
        append(chain_file, lambda place: {})
    assert chain_file.read_bytes() == changed


def test_a_file_that_is_not_there_is_refused(tmp_path):
    with pytest.raises(RegistryError, match="no such file"):
        verify(tmp_path / "none.jsonl")


def test_processes_that_write_at_once_lose_nothing(tmp_path):
    path = tmp_path / "forecasts.jsonl"
    running = [subprocess.Popen([sys.executable, "-c", WRITER, str(path), "20", name]) for name in "ab"]
    assert [one.wait() for one in running] == [0, 0]
    chain = read_chain(path)
    assert chain.broken is None
    assert sorted(one.content["forecast_id"] for one in chain.records) == sorted(
        f"{name}-{i}" for name in "ab" for i in range(20)
    )


@pytest.mark.parametrize("seed", range(4))
def test_a_killed_process_leaves_a_valid_chain(tmp_path, seed):
    path = tmp_path / "forecasts.jsonl"
    running = subprocess.Popen([sys.executable, "-c", WRITER, str(path), "100000", "k"])
    while not path.exists():
        time.sleep(0.005)
    time.sleep(random.Random(seed).uniform(0.0, 0.3))
    os.kill(running.pid, signal.SIGKILL)
    running.wait()
    assert read_chain(path).broken is None
    record = append(path, lambda place: {"forecast_id": f"after-{place}", "points": []})
    found = verify(path, head=record.hash)
    assert found.intact
    assert [check.verdict for check in found.checks] == ["PASS"]


def test_a_head_one_record_behind_is_told_and_mended_by_the_next_record(chain_file):
    head_file(chain_file).write_text(read_chain(chain_file).records[-2].hash)
    found = verify(chain_file)
    assert found.intact
    assert found.checks[0].message.id == "behind"
    append(chain_file, lambda place: {"forecast_id": "x", "points": []})
    assert verify(chain_file).checks[0].verdict == "PASS"


@settings(max_examples=50)
@given(st.binary(max_size=200))
def test_no_bytes_are_taken_for_a_record(tmp_path_factory, content):
    path = tmp_path_factory.mktemp("chain") / "forecasts.jsonl"
    path.write_bytes(content)
    chain = read_chain(path)
    assert chain.records == ()
    assert (chain.broken is None) == (content == b"")
