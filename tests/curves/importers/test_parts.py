"""Parts of the importers: event files, settings in YAML, names of runs, points that are taken."""

from __future__ import annotations

import struct
from contextlib import suppress

import numpy as np
import pandas as pd
import pytest
from helpers.exports import FOLDER
from hypothesis import given, settings
from hypothesis import strategies as st

from forecaster.curves.importers.export import all_of, one_run
from forecaster.curves.importers.settings import from_yaml, pairs_in, pattern, pattern_of
from forecaster.curves.importers.take import Take, optimism, taken
from forecaster.curves.importers.trackers.event_file import fields, masked_crc, records, values
from forecaster.errors import CurveColumnsError, OptionError

EVENTS = next((FOLDER / "tensorboard_numbers").rglob("*tfevents*"))


def test_a_column_that_comes_twice_is_refused():
    points = pd.DataFrame([[1, 0.5, 0.4]], columns=["epoch", "loss", "loss"])
    with pytest.raises(CurveColumnsError, match="run-a: found the column 'loss' twice"):
        all_of([one_run("run-a", points, {}), one_run("run-b", points, {})])


# Event files --------------------------------------------------------------------------------------


def test_the_check_sum_is_castagnolis():
    """By the value that RFC 3720 (B.4) gives for 32 bytes of zeros, masked as TFRecord does."""
    crc = 0x8A9136AA
    assert masked_crc(bytes(32)) == (((crc >> 15) | (crc << 17)) + 0xA282EAD8) & 0xFFFFFFFF


def test_a_record_that_is_cut_off_is_left_out_and_a_damaged_one_refused():
    data = EVENTS.read_bytes()
    whole = list(records(data))
    assert len(whole) > 5
    assert list(records(data[:-3])) == whole[:-1]
    damaged = bytearray(data)
    damaged[20] ^= 1
    with pytest.raises(ValueError, match="check sum"):
        list(records(bytes(damaged)))


def test_values_have_steps_and_tags():
    found = [value for value in values(EVENTS.read_bytes()) if value.number is not None]
    assert {value.tag for value in found} == {"val/loss"}
    assert [value.step for value in found] == [10, 20, 30, 40, 50]


@given(st.binary(max_size=40))
def test_any_bytes_are_a_message_or_refused(data):
    with suppress(ValueError):
        assert all(number >= 0 for number, _ in fields(data))


@given(st.integers(0, 2**63 - 1), st.floats(width=32, allow_nan=False))
def test_a_number_that_is_written_is_read(step, number):
    def varint(value):
        return bytes([value]) if value < 128 else bytes([value & 127 | 128]) + varint(value >> 7)

    value = b"\x0a\x01a" + b"\x15" + struct.pack("<f", number)
    summary = b"\x0a" + varint(len(value)) + value
    event = b"\x10" + varint(step) + b"\x2a" + varint(len(summary)) + summary
    length = struct.pack("<Q", len(event))
    data = length + struct.pack("<I", masked_crc(length)) + event + struct.pack("<I", masked_crc(event))
    (found,) = values(data)
    assert (found.step, found.tag, found.number) == (step, "a", number)


# Settings and names -------------------------------------------------------------------------------


def test_settings_are_read_from_yaml():
    lines = [
        "model: cnn  # the small one",
        "train_size: 1000",
        "optimizer:",
        "  lr: 1e-3",
        "  name: 'sgd'",
        "layers:",
        "- 1",
    ]
    found = from_yaml("\n".join([*lines, "none: null", "ok: true"]))
    assert found.pop("optimizer.lr") == 1e-3
    assert found == {"model": "cnn", "train_size": 1000, "optimizer.name": "sgd", "none": None, "ok": True}


@given(st.text())
def test_any_text_is_settings_or_none(text):
    assert all(isinstance(key, str) for key in from_yaml(text))


def test_pairs_in_names():
    assert pairs_in("cnn/train_size=1000_seed=0/lr=1e-3") == {
        "name.train_size": "1000",
        "name.seed": "0",
        "name.lr": "1e-3",
    }
    assert pairs_in("version_3") == {}


def test_a_pattern_says_what_names_mean():
    found = pattern("*/{architecture}-n{n}-s{seed}").fullmatch("lab/resnet-50-n1000-s2")
    assert found is not None
    assert found.groupdict() == {"architecture": "resnet-50", "n": "1000", "seed": "2"}
    for wrong in ("none", "{n}-{n}", "{n m}"):
        with pytest.raises(OptionError):
            pattern(wrong)


@pytest.mark.parametrize(
    ("names", "expected"),
    [
        (["a-n100", "b-n200"], "{architecture}-n{n}"),
        (["a-n100-s1", "b-n200-s2"], "{architecture}-n{n}-s{seed}"),
        (["version_0", "version_1"], None),
        (["a-n100", "b_200"], None),
        (["a-n100", "b-n100"], None),
        (["alone"], None),
    ],
)
def test_sizes_are_seen_in_names(names, expected):
    assert pattern_of(names) == expected


# Points -------------------------------------------------------------------------------------------

RUNS = np.array([0, 0, 0, 1, 1, 1])
ERRORS = np.array([0.9, 0.4, 0.5, np.nan, 0.8, 0.7])
STEPS = np.array([0.0, 1.0, 2.0, 0.0, 1.0, 2.0])


@pytest.mark.parametrize(
    ("take", "expected"),
    [("last", [2, 5]), ("best", [1, 5]), ("step=1", [1, 4]), ("step=0", [0]), ("every", [0, 1, 2, 4, 5])],
)
def test_points_are_taken(take, expected):
    assert taken(Take.of(take), RUNS, ~np.isnan(ERRORS), ERRORS, STEPS).tolist() == expected


@pytest.mark.parametrize("text", ["first", "step", "step=x", "last=1", "best=", "every=2", ""])
def test_what_is_no_take_is_wrong_usage(text):
    with pytest.raises(OptionError):
        Take.of(text)


def test_the_cost_of_the_best_point():
    """Of points that only scatter the least lies below the last, and below its neighbours, by what theory says."""
    rng = np.random.default_rng(1)
    runs, points = 1000, 21
    errors = np.exp(0.1 * rng.normal(size=(runs, points)))
    found = optimism(np.repeat(np.arange(runs), points), errors.ravel())
    assert found is not None
    # the expected least of 21 standard normal draws is -1.89 (tables of order statistics)
    assert found.below_last == pytest.approx(0.189, abs=0.03)
    assert found.below_neighbours == pytest.approx(0.189, abs=0.03)
    assert optimism(np.array([0, 0]), np.array([1.0, 2.0])) is None


@settings(max_examples=50, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 3), st.floats(0.1, 9)), min_size=1, max_size=30))
def test_the_best_is_the_least_of_each_run(points):
    points = sorted(points, key=lambda point: point[0])
    run, error = np.array([p[0] for p in points]), np.array([p[1] for p in points])
    found = taken(Take.of("best"), run, np.ones(len(run), dtype=bool), error, np.zeros(len(run)))
    assert {int(run[i]): error[i] for i in found} == {r: min(e for q, e in points if q == r) for r in set(run.tolist())}
