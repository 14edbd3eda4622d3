"""``--data open`` takes for each organ a public set that mribench downloads, and says which."""

from dataclasses import replace

import pytest

from mribench import data, profiles
from mribench.data import open_sets, source
from mribench.data.cards import catalogue
from mribench.data.cards.card import UNVERIFIED, CardFile, Masks
from mribench.data.download import idc
from mribench.errors import DataError, InputError
from mribench.plugins import lookup
from mribench.runner import runspec
from mribench.runner.plan import resolve
from mribench.speed.forecast import forecast

UPENN = catalogue.find("upenn_gbm")
BRAIN = lookup.load("modalities", "brain")


@pytest.fixture
def cards(monkeypatch):
    """Put cards in place of the registry's."""

    def installed(*made):
        monkeypatch.setattr(catalogue, "cards", lambda: {card.id: card for card in made})
        monkeypatch.setattr(catalogue, "find", {card.id: card for card in made}.__getitem__)

    return installed


def card(name, **changes):
    base = catalogue.find("msd_brain")
    file = CardFile("https://example.org/a", "0" * 64, bytes=3_000_000)
    plain = {"files": (file,), "licence": "CC-BY-4.0", "masks": (), "other_organs": (), "evidence": ()}
    return replace(base, id=name, **{**plain, **changes})


@pytest.mark.parametrize(
    "lesser",
    [
        card("lesser", subjects=2),
        card("lesser", subjects=None),
        card("lesser", subjects=900, licence=UNVERIFIED),
        card("lesser", subjects=900, subject="unknown"),
        card("lesser", subjects=900, access="registration"),
        card("lesser", subjects=900, manual=True),
        card("lesser", subjects=900, organ="heart"),
        card(
            "lesser", subjects=900, organ="lung", other_organs=("brain",), masks=(Masks("brain", ("b.nii",)),)
        ),
        card("lesser", subjects=900, files=()),
    ],
)
def test_the_best_is_the_largest_that_lacks_nothing(cards, lesser):
    cards(card("good", subjects=100), lesser)
    assert open_sets.best("brain").id == "good"


def test_a_set_of_several_organs_serves_by_its_masks(cards):
    cards(
        card("body", organ="abdomen", other_organs=("kidney", "lung"), masks=(Masks("kidney", ("k.nii",)),))
    )
    assert open_sets.best("kidney").id == "body"
    # without masks nobody knows which slices show it
    assert open_sets.missing(["kidney", "lung", "brain"]) == ["lung", "brain"]


def test_series_of_an_archive_serve_where_its_index_is_installed(cards, monkeypatch):
    cards(card("good", subjects=10), UPENN)
    monkeypatch.setattr(idc, "installed", lambda: None)
    assert open_sets.best("brain").id == "good"
    monkeypatch.setattr(idc, "installed", lambda: "25.0.5")
    assert open_sets.best("brain").id == "upenn_gbm"
    assert open_sets.described("brain").endswith("613 people, licence CC-BY-4.0, 5,443 MB")


def test_it_is_described_before_it_is_loaded(cards):
    cards(card("good", subjects=1234))
    assert open_sets.described("brain").endswith("1,234 people, licence CC-BY-4.0, 3 MB")
    assert open_sets.suggestion(["brain", "lung"]).endswith("downloads good (brain)")
    assert open_sets.suggestion(["lung"]) is None


def test_a_dry_run_says_what_would_be_downloaded(cards, mribench, monkeypatch):
    cards(card("good", subjects=1234))
    monkeypatch.setattr("mribench.speed.forecast._seconds", lambda *given: (0.5, 0.25, 10**6))
    monkeypatch.setattr(
        "mribench.speed.forecast.in_other_processes", lambda plan, execution: forecast(plan, 1, 1)
    )
    words = ("run", "--modalities", "brain", "--profile", "smoke", "--dry-run")
    assert "good (" in (said := mribench(*words, "--data", "open").err) and "1,234 people" in said
    assert "good (" not in mribench(*words).err


def test_the_card_is_what_boards_call_the_data(cards, monkeypatch, tmp_path):
    cards(card("good", subjects=100))
    asked = []

    def stop(modality, name, progress=None):
        asked.append(name)
        raise DataError("far enough")

    monkeypatch.setattr("mribench.data.prepare.locate", stop)
    with pytest.raises(DataError, match="far enough"):
        data.prepare_data(BRAIN, "open", profiles.get("smoke"), tmp_path)
    assert asked == ["good"]
    assert not source.is_own_files("open")


def test_an_organ_without_a_set_is_left_out_of_all_and_refused_by_name(cards, capsys):
    cards(card("good", subjects=100))
    plan = resolve(runspec.make(modalities=["all"], data="open", profile="smoke"))
    assert [modality.name for modality in plan.modalities] == ["brain"]
    assert "no open set that mribench downloads shows chromatin, heart" in capsys.readouterr().err
    with pytest.raises(DataError, match="no open set that shows heart; leave it out"):
        data.check_suits([lookup.load("modalities", "heart")], "open")


def test_no_data_of_ones_own_are_called_open():
    with pytest.raises(InputError, match="is the name of other data"):
        data.check_name("open", "some/folder")
