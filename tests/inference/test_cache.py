"""The cache of fits: what a fit is kept under, and that what is damaged or refused makes nothing fail."""

from __future__ import annotations

import pytest
from helpers.synthetic import posterior, values

from forecaster.curves.reading.read import read_curves
from forecaster.domains.loading import load_card
from forecaster.inference import cache
from forecaster.results.track_record import TrackRecord

ARCHITECTURES = {name: values(seed=i) for i, name in enumerate(("cnn", "mlp"))}


@pytest.fixture(scope="module")
def found():
    return posterior(ARCHITECTURES)


@pytest.fixture
def fits(found, tmp_path, monkeypatch):
    """Seeds of the fits that were made, in place of making them; they are kept in a folder of the test's own."""
    made: list[int] = []
    monkeypatch.setattr(cache, "cache_folder", lambda: tmp_path / "kept" / "fits")
    monkeypatch.setattr(cache, "fit", lambda *_, seed, **__: made.append(seed) or found)
    return made


def key(curves, card=None, engine="jax", seed=0, draws=None) -> str:
    return cache.key_of(curves, card, engine, seed, draws)


@pytest.mark.parametrize(
    "other", [{"seed": 1}, {"engine": "nuts"}, {"draws": 500}, {"card": "generic"}, {"card": load_card("generic")}]
)
def test_the_key_follows_every_setting(found, other):
    curves = read_curves(found.curves.table.assign(domain="image-classification-top1"))
    assert key(curves) == key(read_curves(curves.table))
    assert key(curves) != key(curves, **other)


def test_the_key_follows_the_data_and_not_the_name_of_the_file(found, tmp_path):
    table = found.curves.table
    for name in ("one.csv", "other.csv"):
        table.to_csv(tmp_path / name, index=False)
    assert key(read_curves(tmp_path / "one.csv")) == key(read_curves(tmp_path / "other.csv"))
    changed = table.assign(error=table["error"].where(table.index > 0, 0.99 * table["error"]))
    assert key(read_curves(changed)) != key(read_curves(table))


def test_a_card_by_name_is_that_card(found):
    assert key(found.curves, "generic") == key(found.curves, load_card("generic"))


def test_a_fit_is_made_once_and_comes_back_bit_for_bit(found, fits):
    first, again = cache.fit_cached(found.curves), cache.fit_cached(found.curves)
    assert fits == [0]
    assert again is not first
    for label in (curve.label for curve in found.curves.curves):
        assert (again.curve(label).level == first.curve(label).level).all()
    cache.fit_cached(found.curves, seed=1)
    assert fits == [0, 1]


def test_what_a_kept_fit_lacks_is_added_and_kept(found, fits):
    added = []

    def then(one):
        if one.record.why:
            return one
        added.append(one)
        return one.with_record(TrackRecord(why="too few sizes"))

    assert cache.fit_cached(found.curves).record.why == ""
    for _ in range(2):
        assert cache.fit_cached(found.curves, then=then).record.why == "too few sizes"
    assert len(added) == 1
    assert fits == [0]


def test_it_comes_back_under_the_name_that_the_curves_have_now(found, fits, tmp_path):
    cache.fit_cached(found.curves)
    found.curves.table.to_csv(tmp_path / "renamed.csv", index=False)
    renamed = read_curves(tmp_path / "renamed.csv")
    if key(renamed) != key(found.curves):
        pytest.fail("a table written and read again is another table")
    again = cache.fit_cached(renamed)
    assert fits == [0]
    assert again.curves is renamed
    assert again.manifest["source"] == renamed.source


def test_a_damaged_entry_is_fitted_again_and_mended(found, fits, tmp_path):
    cache.fit_cached(found.curves)
    (entry,) = (tmp_path / "kept" / "fits").iterdir()
    entry.write_bytes(b"damaged")
    cache.fit_cached(found.curves)
    cache.fit_cached(found.curves)
    assert fits == [0, 0]


def test_a_folder_that_cannot_be_made_keeps_nothing_and_stops_nothing(found, fits, tmp_path):
    (tmp_path / "kept").write_text("a file where the folder would be")
    assert cache.fit_cached(found.curves) is found
    assert cache.fit_cached(found.curves) is found
    assert fits == [0, 0]
