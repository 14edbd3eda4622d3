"""One file or card is the data of one organ: never of another, never of several at once."""

from __future__ import annotations

from dataclasses import replace

import pytest

from mribench.data import check_suits, prepare_data
from mribench.data.cards import catalogue
from mribench.errors import DataError

PEOPLE = [f"p{i}" for i in range(12)]


@pytest.fixture
def kidney(modality):
    return replace(modality, name="kidney", title="Kidney")


def test_one_file_is_not_the_data_of_two_organs(modality, kidney, npz):
    path = npz(PEOPLE, name="hearts.npz")
    with pytest.raises(DataError, match=r"hearts\.npz has no part of its own for brain, so brain and kidney"):
        check_suits([modality, kidney], str(path))
    check_suits([modality], str(path))


def test_one_folder_of_images_is_not_the_data_of_two_organs(modality, kidney, tmp_path):
    (tmp_path / "p1").mkdir()
    with pytest.raises(DataError, match="has no part of its own for brain"):
        check_suits([modality, kidney], str(tmp_path))


def test_a_folder_with_a_part_for_each_suits(modality, kidney, tmp_path, npz):
    npz(PEOPLE)
    with pytest.raises(DataError, match=r"holds brain\.npz but neither kidney\.npz nor kidney/"):
        check_suits([modality, kidney], str(tmp_path))
    (tmp_path / "kidney").mkdir()
    check_suits([modality, kidney], str(tmp_path))
    check_suits([modality, kidney], "phantom")


@pytest.mark.parametrize("name", ["heart.npz", "Heart.npz", "heart.nii.gz"])
def test_a_file_called_after_another_organ_is_refused(modality, profile, tmp_path, npz, name):
    npz(PEOPLE).rename(tmp_path / name)
    with pytest.raises(DataError, match="is called after heart, not brain"):
        prepare_data(modality, str(tmp_path / name), profile, tmp_path / "out")


def test_a_file_called_after_an_organ_may_be_of_no_modality(modality, npz):
    path = npz(PEOPLE, name="heart.npz")
    check_suits([replace(modality, name="local")], str(path))
    check_suits([replace(modality, name="heart")], str(path))


def test_a_card_suits_what_it_shows_and_who_names_it(modality, kidney):
    card = catalogue.find("ixi_t1")
    assert card.organ == "brain"
    check_suits([modality], card.id)
    with pytest.raises(DataError, match="The card ixi_t1 shows brain, not kidney"):
        check_suits([modality, kidney], card.id)
    check_suits([replace(kidney, cards=(card.id,))], card.id)


def test_a_name_that_is_nothing_is_refused(modality):
    with pytest.raises(DataError, match="'nowhere' is neither 'phantom'"):
        check_suits([modality], "nowhere")
