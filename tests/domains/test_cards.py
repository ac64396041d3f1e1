"""Domain cards: what ships, what a user may write, and how a wrong card is refused."""

import math
import subprocess
import sys
from pathlib import Path

import msgspec
import numpy as np
import pytest

from forecaster.domains import domain as domains
from forecaster.domains import loading, quantities, shelf
from forecaster.errors import CardError

CARDS = loading.load_domains()
each_card = pytest.mark.parametrize("card", CARDS.values(), ids=CARDS.keys())

# Exponents of best models: Hestness et al. 2019, Table 1, and 2017.
QUOTED = {
    "machine-translation": (0.128,),
    "word-language-modelling": (0.066, 0.0656),
    "character-language-modelling": (0.092, 0.0936),
    "image-classification-top1": (0.309,),
    "image-classification-top5": (0.309,),
    "speech-recognition": (0.291, 0.299),
    "generic": (0.066, 0.092, 0.128, 0.291, 0.309),
    "generic-error-rate": (0.066, 0.092, 0.128, 0.291, 0.309),
    "generic-loss": (0.066, 0.092, 0.128, 0.291, 0.309),
}
GENERIC = (Path(__file__).parents[2] / "models" / "generic.toml").read_text()
EXTENDING = 'name = "mine"\ntitle = "My field"\nextends = "generic"\n'
LEVEL = EXTENDING + '[priors.level]\nfamily = "normal"\nmean = 1\nsd = 2.5\nsource = "kaplan2020"\nwhy = "w"\n'


def line_with(text: str, fragment: str) -> int:
    return next(i for i, line in enumerate(text.split("\n"), start=1) if fragment in line)


def test_the_shelf_holds_the_promised_cards():
    assert set(CARDS) == {*QUOTED, "tabular-classification"}


@each_card
def test_a_shipped_card_is_complete(card):
    assert f"{card.name}.toml" == card.origin
    assert tuple(card.priors) == quantities.QUANTITIES
    assert all(len(prior.why) > 20 for prior in card.priors.values())
    assert card.text.encode().decode() == (shelf.shelf() / card.origin).read_text(encoding="utf-8")


@each_card
def test_arrays_follow_the_contract(card):
    spreads = ("level_spread", "log_exponent_spread")
    centres = (
        "level",
        "log_exponent",
        "log_break",
        "floor_logit",
        "log_noise",
        "log_drift",
        "log_slope",
        "log_sharpness",
    )
    assert centres == quantities.CENTRES
    priors = card.priors
    expected = [priors[q].mean for q in centres] + [math.log(priors[q].median) for q in spreads]
    np.testing.assert_array_equal(card.hyper_mean, expected)
    np.testing.assert_array_equal(card.hyper_sd, [priors[q].sd for q in centres + spreads])
    fixed = (
        "log_break_spread",
        "floor_logit_spread",
        "log_noise_spread",
        "log_drift_spread",
        "log_slope_spread",
        "log_sharpness_spread",
    )
    np.testing.assert_array_equal(card.spread_fixed, [priors[q].value for q in fixed])
    assert card.slope_memory == priors["slope_memory"].value


def test_every_source_is_in_the_bibliography_and_every_entry_is_named():
    used = {key for card in CARDS.values() for key in card.citations}
    assert used <= set(shelf.references())
    # Named in a sentence instead: figures beside another source, and where development curves come from.
    text = "".join(card.text for card in CARDS.values())
    text += (shelf.shelf() / "README.md").read_text(encoding="utf-8")
    for key in set(shelf.references()) - used:
        author, year = key[:-4].capitalize(), key[-4:]
        assert f"{author} {year}" in text or f"{author} et al. {year}" in text


def test_references_are_one_line_each():
    cited = shelf.references()["hestness2017"]
    assert cited == ("Hestness et al. (2017). Deep Learning Scaling is Predictable, Empirically. arXiv:1712.00409.")
    bib = (shelf.shelf() / "references.bib").read_text(encoding="utf-8")
    assert len(shelf.references()) == bib.count("\n@") + bib.startswith("@")
    assert all("\n" not in line and "{" not in line for line in shelf.references().values())


@pytest.mark.parametrize("name", QUOTED)
def test_exponent_priors_of_best_models_cover_the_published_exponents(name):
    card = CARDS[name].for_best_models()
    prior = card.priors["log_exponent"]
    assert prior.source == "hestness2019"
    for exponent in QUOTED[name]:
        assert abs(math.log(exponent) - prior.location) < 1.645 * prior.scale
    assert card.priors["floor_logit"].location < CARDS[name].priors["floor_logit"].location
    assert card.for_best_models() == card


def test_a_relative_level_follows_the_unit():
    """Errors in another unit move the level's prior by as much, and nothing else."""
    text = EXTENDING + '[priors.level]\nfamily = "normal"\nmean = 0.1\nsd = 1\nrelative = true\n'
    card = loading.parse_card(text + 'source = "kaplan2020"\nwhy = "w"\n', "mine.toml")
    metres, millimetres = card.centred_on(-2.0), card.centred_on(-2.0 + math.log(1000))
    moved = millimetres.hyper_mean - metres.hyper_mean
    assert moved[0] == pytest.approx(math.log(1000))
    assert not moved[1:].any()
    assert metres.hyper_mean[0] == pytest.approx(-1.9)
    absolute = CARDS["generic-error-rate"]
    assert absolute.centred_on(-2.0) is absolute
    with pytest.raises(CardError, match="relative"):
        loading.parse_card(text.replace("true", "1") + 'source = "kaplan2020"\nwhy = "w"\n', "mine.toml")


def test_priors_of_best_models_are_checked_like_others():
    tuned = '[tuned.log_exponent]\nfamily = "normal"\nmean = -2\nsd = 0.3\nsource = "kaplan2020"\nwhy = "w"\n'
    assert loading.parse_card(EXTENDING + tuned, "mine.toml").tuned["log_exponent"].location == -2.0
    for wrong in (tuned.replace("-2", '"x"'), tuned.replace("log_exponent", "log_noise"), "tuned = 3\n"):
        text = wrong + EXTENDING if wrong.startswith("tuned =") else EXTENDING + wrong
        with pytest.raises(CardError):
            loading.parse_card(text, "mine.toml")


@pytest.mark.parametrize(
    ("written", "name"),
    [
        ("machine-translation", "machine-translation"),
        ("Machine Translation", "machine-translation"),
        ("  NMT ", "machine-translation"),
        ("image_classification_top1", "image-classification-top1"),
        ("IC", "image-classification-top1"),
        ("LCDB", "tabular-classification"),
        ("Generic", "generic"),
    ],
)
def test_names_and_aliases(written, name):
    assert loading.load_card(written).name == name
    card, found = loading.card_for(written)
    assert (card.name, found) == (name, True)


@pytest.mark.parametrize("written", ["protein folding", "", "../generic.toml", "x" * 5000])
def test_an_unknown_domain_gets_the_generic_card(written):
    card, found = loading.card_for(written)
    assert (card.name, found) == ("generic", False)


def test_no_two_cards_claim_the_same_name():
    names = [domains.plain_name(n) for card in CARDS.values() for n in (card.name, *card.aliases)]
    assert len(names) == len(set(names))


def test_an_unknown_card_is_refused_with_what_is_close():
    with pytest.raises(CardError) as caught:
        loading.load_card("machine-translatoin")
    message = str(caught.value)
    assert 'no domain card named "machine-translatoin"' in message
    assert "did you mean machine-translation" in message
    assert all(name in message for name in CARDS)


def test_a_card_of_the_user_extends_a_shipped_one(tmp_path):
    path = tmp_path / "mine.toml"
    path.write_text(
        LEVEL.replace('"kaplan2020"', '"us"') + '[references]\nus = "Our own survey."\n', encoding="utf-8-sig"
    )
    card, generic = loading.load_card(path), CARDS["generic"]
    assert card == loading.load_card(str(path))
    assert (card.priors["level"].mean, card.hyper_sd[0]) == (1.0, 2.5)
    assert card.priors["log_exponent"] == generic.priors["log_exponent"]
    assert (card.law, card.size_unit, card.aliases) == (generic.law, generic.size_unit, ())
    assert card.citations["us"] == "Our own survey."
    assert tuple(card.priors) == quantities.QUANTITIES


def test_extending_does_not_inherit_what_belongs_to_a_task():
    card = loading.parse_card(EXTENDING.replace('"generic"', '"speech"'), "mine.toml")
    assert CARDS["speech-recognition"].chance is not None
    assert (card.chance, card.human_level) == (None, None)


def test_the_hash_follows_the_content():
    card = loading.parse_card(LEVEL, "mine.toml")
    assert card.card_hash == loading.parse_card(f"# a comment\n{LEVEL}", "elsewhere.toml").card_hash
    assert card.card_hash != loading.parse_card(LEVEL.replace("2.5", "2.6"), "mine.toml").card_hash
    hashes = {c.card_hash for c in CARDS.values()}
    assert len(hashes) == len(CARDS)


@each_card
def test_a_card_survives_json(card):
    assert msgspec.json.decode(msgspec.json.encode(card), type=domains.Domain) == card


KNOWN = """
[architectures."Random Forest"]
aliases = ["RandomForestClassifier"]
log_exponent = 0.2
floor_logit = -0.5
source = "kaplan2020"
why = "For this test."
"""


def test_architectures_are_known_by_name_and_alias():
    card = loading.parse_card(LEVEL + KNOWN, "mine.toml")
    expected = [0.2 if q == "log_exponent" else -0.5 if q == "floor_logit" else 0.0 for q in quantities.CENTRES]
    for name in ("Random Forest", "random_forest", "RANDOMFORESTCLASSIFIER"):
        assert card.effects_of(name).tolist() == expected
    assert not card.effects_of("another").any()
    assert card.card_hash != loading.parse_card(LEVEL, "mine.toml").card_hash
    again = loading.parse_card(LEVEL + KNOWN.replace("0.2", "0.3"), "mine.toml")
    assert again.card_hash != card.card_hash


def test_extending_inherits_what_is_known_of_architectures():
    card = loading.parse_card(LEVEL.replace('"generic"', '"tabular-classification"') + KNOWN, "mine.toml")
    base = CARDS["tabular-classification"]
    np.testing.assert_array_equal(card.effects_of("KNN"), base.effects_of("KNN"))
    assert base.effects_of("KNN").any()
    assert card.effects_of("RandomForestClassifier")[1] == 0.2


BAD_KNOWN = {
    "unknown effect": ("floor_logit", "flor_logit", "flor_logit", "did you mean floor_logit?"),
    "level is measured, not known": ("floor_logit", "level", "level = ", 'unknown key "level"'),
    "too far": ("0.2", "20", "log_exponent = 20", "a number from -10 to 10"),
    "no source": ('source = "kaplan2020"\nwhy = "For', 'why = "For', "[architectures", "no source"),
    "aliases that are no list": ('["RandomForestClassifier"]', '"forest"', "aliases =", "a list of names"),
    "no effect": ("log_exponent = 0.2\nfloor_logit = -0.5\n", "", "[architectures", "no effect"),
}


@pytest.mark.parametrize(("old", "new", "line", "words"), BAD_KNOWN.values(), ids=BAD_KNOWN.keys())
def test_what_is_wrong_with_an_architecture_is_refused_at_its_line(old, new, line, words):
    assert old in KNOWN
    text = LEVEL + KNOWN.replace(old, new, 1)
    with pytest.raises(CardError) as caught:
        loading.parse_card(text, "mine.toml")
    where = f"mine.toml, line {line_with(text, line)}: found "
    assert any(said.startswith(where) and words in said for said in str(caught.value).split("\n"))


BAD = {  # what is written, instead of what, in a card that extends; the wrong line; words of the message
    "unknown top key": ("extends =", 'colour = "red"\nextends =', "colour", 'unknown key "colour"'),
    "close top key": ("extends =", 'alias = ["a"]\nextends =', "alias", "did you mean aliases?"),
    "unknown quantity": ("[priors.level]", "[priors.levle]", "[priors.levle]", "did you mean level?"),
    "unknown key of a prior": ("why =", "note = 1\nwhy =", "note", 'unknown key "note"'),
    "unknown family": ('"normal"', '"gamma"', "gamma", 'found family = "gamma"; expected family = "normal"'),
    "wrong family": ('"normal"', '"fixed"', "fixed", 'expected family = "normal" with mean and sd'),
    "no family": ('family = "normal"\n', "", "[priors.level]", "found no family"),
    "unknown source": ("kaplan2020", "kaplan2021", "kaplan2021", "did you mean kaplan2020?"),
    "no source": ('source = "kaplan2020"\n', "", "[priors.level]", "no source in [priors.level]"),
    "source is a number": ('"kaplan2020"', "7", "source = 7", "found source = 7; expected source = a key"),
    "no why": ('why = "w"\n', "", "[priors.level]", "no why in [priors.level]"),
    "empty why": ('"w"', '" "', "why", "a sentence"),
    "no sd": ("sd = 2.5\n", "", "[priors.level]", "found no sd in [priors.level]; expected sd = a number"),
    "zero sd": ("2.5", "0", "sd = 0", "found sd = 0; expected sd = a number from 1e-06 to 100"),
    "negative sd": ("2.5", "-1.5", "sd = -1.5", "found sd = -1.5"),
    "infinite sd": ("2.5", "inf", "sd = inf", "found sd = Infinity"),
    "nan mean": ("mean = 1", "mean = nan", "mean", "found mean = NaN"),
    "text for a number": ("2.5", '"wide"', "wide", 'found sd = "wide"'),
    "truth for a number": ("2.5", "true", "sd = true", "found sd = true"),
    "date for a number": ("2.5", "2020-01-01", "sd = 2020", "found sd = a date"),
    "huge number": ("2.5", "0x1" + "0" * 5000, "sd = 0x", "found sd = a int"),
    "prior is a number": (LEVEL, EXTENDING + "[priors]\nlevel = 3\n", "level = 3", "a table [priors.level]"),
    "priors is a number": (LEVEL, f"{EXTENDING}priors = 3\n", "priors = 3", "tables [priors.level]"),
    "title is empty": ('"My field"', '""', "title", 'found title = ""'),
    "no name": ('name = "mine"\n', "", "title", "found no name"),
    "unknown law": ("extends =", 'law = "cubic"\nextends =', "cubic", "one of three_regions"),
    "unknown base": ('"generic"', '"genric"', "extends", "did you mean generic?"),
    "base is a list": ('"generic"', '["generic"]', "extends", "the name of a shipped card"),
    "aliases is a text": ("extends =", 'aliases = "a"\nextends =', "aliases", "a list of names"),
    "chance is a number": ("extends =", "chance = 0.5\nextends =", "chance", "a table [chance]"),
    "negative chance": (LEVEL, f"{LEVEL}[chance]\nvalue = -1\n", "value = -1", "found value = -1"),
    "references is a text": ("extends =", 'references = "a"\nextends =', "references", "a table of lines"),
    "not TOML": ("sd = 2.5", "sd = ", "sd =", "text that is not TOML (Invalid value"),
    "said twice": ("sd = 2.5", "sd = 2.5\nsd = 3.5", "sd = 3.5", "text that is not TOML (Cannot overwrite"),
    "after a text of several lines": ('why = "w"', "why = '''\nsd = 1\n'''\nwhen = 1", "when", "unknown key"),
}


@pytest.mark.parametrize(("old", "new", "line", "words"), BAD.values(), ids=BAD.keys())
def test_a_bad_card_is_refused_at_its_line(tmp_path, old, new, line, words):
    assert old in LEVEL
    text = "# my card\n\n" + LEVEL.replace(old, new, 1)
    path = tmp_path / "mine.toml"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(CardError) as caught:
        loading.load_card(path)
    first = 1 if "found no name" in words else line_with(text, line)
    refusals = str(caught.value).split("\n")
    assert any(f"{path}, line {first}: found " in refusal and words in refusal for refusal in refusals)
    assert "; expected " in refusals[0]


@pytest.mark.parametrize("ending", ["\n", "\r\n"])
@pytest.mark.parametrize("quantity", quantities.QUANTITIES)
def test_every_quantity_is_required_and_checked(quantity, ending):
    lines = GENERIC.split("\n")
    start = line_with(GENERIC, f"[priors.{quantity}]")
    stop = next((i for i in range(start, len(lines)) if not lines[i]), len(lines))
    without = ending.join(lines[: start - 1] + lines[stop:])
    with pytest.raises(CardError, match=rf"line \d+: found no prior for {quantity}; expected"):
        loading.parse_card(without, "mine.toml")
    key = "value" if f"{quantity}" not in quantities.CENTRES + quantities.LEARNED_SPREADS else "sd"
    wrong = next(i for i in range(start, stop) if lines[i].startswith(f"{key} = "))
    text = ending.join([*lines[:wrong], f"{key} = -0.1", *lines[wrong + 1 :]])
    with pytest.raises(CardError, match=rf"^mine.toml, line {wrong + 1}: found {key} = -0.1; expected"):
        loading.parse_card(text, "mine.toml")


def test_all_that_is_wrong_is_listed_in_the_order_of_the_file():
    text = LEVEL.replace("2.5", "-1").replace('"My field"', "3").replace('"kaplan2020"', '"nobody"')
    with pytest.raises(CardError) as caught:
        loading.parse_card(text, "mine.toml")
    lines = [int(refusal.split("line ")[1].split(":")[0]) for refusal in str(caught.value).split("\n")]
    assert lines == [2, 7, 8]


def test_an_empty_card_is_refused():
    with pytest.raises(CardError, match="line 1: found no prior for level, log_exponent"):
        loading.parse_card("", "mine.toml")


@pytest.mark.parametrize("text", ["a = " + "[" * 20_000, "a = " + "9" * 10_000], ids=["deep", "long"])
def test_a_card_too_large_to_parse_is_refused(text):
    with pytest.raises(CardError, match=r"mine.toml, line 1: found values too large"):
        loading.parse_card(text, "mine.toml")


def test_files_that_are_no_cards_are_refused(tmp_path):
    with pytest.raises(CardError, match="found no such file"):
        loading.load_card(tmp_path / "absent.toml")
    with pytest.raises(CardError, match="found something unreadable"):
        loading.load_card(tmp_path)
    (tmp_path / "latin.toml").write_bytes(b'name = "mine"\ntitle = "caf\xe9"\n')
    with pytest.raises(CardError, match=r"latin.toml, line 2: found the byte 0xe9, which is not UTF-8"):
        loading.load_card(tmp_path / "latin.toml")
    (tmp_path / "big.toml").write_bytes(b"#" * 300_000)
    with pytest.raises(CardError, match="found 300000 bytes"):
        loading.load_card(tmp_path / "big.toml")
    with pytest.raises(CardError, match="found"):
        loading.load_card("a\0b.toml")


def test_the_example_of_the_readme_is_a_card():
    readme = (shelf.shelf() / "README.md").read_text(encoding="utf-8")
    card = loading.parse_card(readme.split("```toml\n")[1].split("```")[0], "README.md")
    assert card.size_unit == "labelled images"
    assert card.law == CARDS["image-classification-top1"].law
    assert all(f"`{quantity}`" in readme for quantity in quantities.QUANTITIES)


def test_importing_is_cheap():
    heavy = "{'jax', 'pymc', 'pandas', 'arviz', 'scipy', 'matplotlib'}"
    script = f"import sys, forecaster.domains.loading as c; c.load_domains(); print(sorted({heavy} & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


@pytest.mark.parametrize(
    ("domain", "metric", "card"),
    [
        ("vision", "top-1 error", "image-classification-top1"),
        ("vision", "1 - accuracy", "image-classification-top1"),
        ("vision", None, "image-classification-top1"),
        ("vision", "goodness", "image-classification-top1"),
        ("vision", "cross-entropy, nats", "generic-loss"),
        ("tabular", "RMSE", "generic-loss"),
        ("tabular", "mean squared error", "generic-loss"),
        ("tabular", "0-1 loss", "tabular-classification"),
        ("llm", "validation loss", "word-language-modelling"),
        ("llm", "error rate", "generic-error-rate"),
        ("nmt", "log-perplexity", "machine-translation"),
        ("nmt", "token error rate", "machine-translation"),
        ("protein folding", "loss", "generic-loss"),
        ("protein folding", "1 - AUROC", "generic-error-rate"),
        ("protein folding", None, "generic"),
    ],
)
def test_a_metric_of_another_kind_than_the_card_s_error_gets_the_generic_card(domain, metric, card):
    assert loading.card_for(domain, [metric])[0].name == card
