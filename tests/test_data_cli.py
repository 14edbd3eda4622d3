"""``mribench data``: every command, on cards of a folder of one's own and on files put there by hand."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from mribench.data.cards import catalogue

HAND = """
id = "hand"
title = "Put there by hand"
organ = "knee"
contrast = "T1w"
dimensions = "2D"
subjects = 9
images = "unverified"
format = "PNG"
licence = "CC-BY-NC-4.0"
redistributable = true
commercial = false
derived = true
access = "registration"
how_to_apply = "ask the librarian"
homepage = "https://example.org"
citation = "Hand et al. 2020"
reader = "image"
slices = "all"
spacing_unit = "none"
subject = "pattern"
subject_pattern = '(s\\d+)_'
repeat_scans = "grouped"
caveats = ["Made up."]
"""


@pytest.fixture
def home(tmp_path, monkeypatch):
    (tmp_path / "cards").mkdir()
    (tmp_path / "cards/hand.toml").write_text(HAND)
    monkeypatch.setenv("MRIBENCH_CARDS", str(tmp_path / "cards"))
    monkeypatch.setenv("MRIBENCH_HOME", str(tmp_path / "home"))
    monkeypatch.chdir(tmp_path)
    return tmp_path / "home"


@pytest.fixture
def filled(home):
    folder = home / "datasets/hand"
    folder.mkdir(parents=True)
    rng = np.random.default_rng(0)
    for i in range(9):
        for k in range(2):
            image = (np.hypot(*np.mgrid[-1:1:32j, -1:1:32j]) < 0.8) * rng.integers(60, 250, (32, 32))
            Image.fromarray(image.astype(np.uint8)).save(folder / f"s{i}_{k}.png")
    return folder


def test_list_is_a_catalogue(mribench, home):
    lines = mribench("data", "list").out.splitlines()
    assert lines[0].split()[:5] == ["id", "organ", "subjects", "licence", "access"]
    assert any(line.split()[:5] == ["hand", "knee", "9", "CC-BY-NC-4.0", "registration"] for line in lines)
    assert any(line.split()[0] == "spider" and "open*" in line for line in lines)
    assert lines[-1].startswith(f"{len(catalogue.cards())} cards, 11 organs; ")
    assert len(lines) == len(catalogue.cards()) + 2


def test_list_filters(mribench, home):
    ids = [
        line.split()[0]
        for line in mribench("data", "list", "--organ", "knee", "--licence", "nc").out.splitlines()
    ]
    assert ids[1:-1] == ["oaizib_cm", "stanford_knee_fse", "hand"]


@pytest.mark.parametrize(
    ("options", "there", "missing"),
    [
        (["--organ", "kidney", "--access", "open", "--fetched"], "tcga_kidney_t2", "ukrin_kidney_t2"),
        (["--imaging", "microscopy"], "bbbc039", "spider"),
        (["--labels", "tumour", "--organ", "brain"], "msd_brain", "isles22"),
        (["--population", "healthy"], "ixi_t1", "msd_brain"),
        (["--field-strength", "1.5"], "breast_lesions_t2", "ucsf_pdgm"),
        (["--defaced"], "open_ms", "ixi_t1"),
    ],
)
def test_list_filters_by_what_the_cards_say(mribench, home, options, there, missing):
    ids = {line.split()[0] for line in mribench("data", "list", *options).out.splitlines()}
    assert there in ids and missing not in ids


def test_a_filter_that_no_card_can_suit_is_named(refused, home):
    assert "no card is of 'CT'; expected one of MRI, microscopy" in refused("data", "list", "--imaging", "CT")


def test_show_prints_every_fact_of_a_card(mribench, home):
    said = mribench("data", "show", "tcga_kidney_t2").out
    for part in (
        "population        people with clear cell",
        "imaging           MRI",
        "collections       tcga_kirc",
    ):
        assert part in said
    assert "lacks (?i)thick" in said and "104 series, 818 MB, by idc-index-data 25.0.5" in said
    assert "@misc{tcga_kich," in said and "2026-11-22" in said


def test_list_names_a_broken_card(mribench, home, tmp_path):
    (tmp_path / "cards/bad.toml").write_text("id = 3")
    assert "bad ($MRIBENCH_CARDS): bad.toml: id is 3; expected text" in mribench("data", "list").out


def test_show_puts_licence_and_citation_first(mribench, home):
    lines = mribench("data", "show", "hand").out.splitlines()
    assert [line.split()[0] for line in lines[:4]] == ["id", "title", "licence", "citation"]
    said = "\n".join(lines)
    assert "no                use it commercially" in said and "you must          name the source" in said
    assert f"put the files into {home / 'datasets/hand'}" in said and "- " in said and "Made up." in said
    assert "None" not in said


@pytest.mark.parametrize("name", sorted(catalogue.load_cards(catalogue.registry())))
def test_every_page_can_be_read(name, mribench):
    ended = mribench("data", "show", name)
    assert ended.code == 0 and "None" not in ended.out and "Before you trust a score" in ended.out


def test_fetch_says_what_to_apply_for_and_goes_on_when_it_is_there(mribench, refused, home, request):
    said = refused("data", "fetch", "hand")
    assert "ask the librarian" in said and str(home / "datasets/hand") in said
    request.getfixturevalue("filled")
    ended = mribench("data", "fetch", "hand")
    assert ended.out.strip() == str(home / "datasets/hand") and "licence CC-BY-NC-4.0" in ended.err


def test_path_is_for_scripts(mribench, home):
    ended = mribench("data", "path", "hand")
    assert ended.out.strip() == str(home / "datasets/hand") and "nothing is there yet" in ended.err


def test_prepare_export_terms_of_an_organ_without_modality(mribench, filled, tmp_path):
    ended = mribench("data", "prepare", "hand", "--profile", "smoke")
    folder = Path(ended.out.splitlines()[-1])
    assert ended.code == 0 and folder.parent == Path("runs/data") and folder.name.startswith("knee-")
    assert "hand (real), 32x32" in ended.out
    assert mribench("data", "show", folder).out == "\n".join(ended.out.splitlines()[:-1]) + "\n"
    made = mribench("data", "export", "hand", "--to", "imagefolder", "--out", "x", "--profile", "smoke")
    assert made.code == 0 and made.out.strip() == "x" and len(list(tmp_path.glob("x/*/*.png"))) == 18
    for place in (folder, "x"):
        said = mribench("data", "terms", place).out
        assert "hand: CC-BY-NC-4.0; access registration; cite Hand et al. 2020" in said
        assert "may not       use it commercially (because of hand)" in said
        assert "need not      give what is made from it the same licence" in said
    assert "is whole" in mribench("data", "verify", folder).out


def test_prepare_takes_the_name_that_boards_show(mribench, refused, filled):
    words = ["data", "prepare", filled, "--profile", "smoke", "--modality", "brain"]
    assert mribench(*words).out.startswith("local-")
    assert mribench(*words, "--data-name", "clinic-2024").out.startswith("clinic-2024 (real), 32x32")
    assert "name no person and no address" in refused(*words, "--data-name", "anna@clinic.org")
    folder = mribench(*words).out.splitlines()[-1]
    assert "leave --data-name out" in refused("data", "prepare", folder, "--data-name", "clinic")


def test_export_warns_of_what_must_not_be_passed_on(mribench, home, filled):
    ended = mribench(
        "data", "export", filled, "--to", "parquet", "--out", "x", "--profile", "smoke", "--modality", "brain"
    )
    assert (
        ended.code == 0
        and "do not pass x on: the terms of local-" in ended.err
        and "forbid it, or are unverified" in ended.err
    )


def test_verify_sees_what_changed(mribench, refused, filled):
    first = mribench("data", "verify", "hand")
    assert (
        first.code == 0 and "18 images" in first.out and "9 of 9" in first.out and "first look" in first.out
    )
    again = mribench("data", "verify", "hand")
    assert again.code == 0 and "sha256      ok" in again.out
    (filled / "s3_1.png").write_bytes((filled / "s3_0.png").read_bytes())
    (filled / "s4_1.png").unlink()
    changed = mribench("data", "verify", "hand")
    assert changed.code == 1 and "2 files differ from the first look, for example s3_1.png" in changed.out
    Image.fromarray(np.zeros((9, 9), np.uint8)).save(filled / "stranger.png")
    assert "stranger.png does not match the card's subject_pattern" in refused("data", "verify", "hand")


def test_verify_without_files(refused, home):
    assert "run `mribench data fetch hand`, or put them into" in refused("data", "verify", "hand")


def test_check_for_authors(mribench, refused, home, tmp_path):
    said = mribench("data", "check", tmp_path / "cards/hand.toml").out
    assert "hand.toml is a sound card" in said and "still unverified: images\n" in said
    assert "without evidence: subjects, licence, access, contrast," in said
    assert "files come by hand (registration): ask the librarian" in said
    (tmp_path / "cards/hand.toml").write_text(HAND.replace('"2D"', '"2-D"'))
    said = refused("data", "check", tmp_path / "cards/hand.toml")
    assert "hand.toml: dimensions is '2-D'; expected one of 2D" in said
    assert "absent.toml cannot be read" in refused("data", "check", "absent.toml")


@pytest.mark.parametrize(
    ("args", "said"),
    [
        (["show", "hnad"], "'hnad' is no dataset card; see `mribench data list` (did you mean 'hand'?)"),
        (["fetch", "hnad"], "did you mean 'hand'?"),
        (["prepare", "hnad"], "'hnad' is neither 'phantom', nor a dataset card"),
        (["prepare", "hand+hnad"], "'hnad' in 'hand+hnad' is no dataset card"),
        (["prepare", "phantom"], "a phantom of what? give --modality, one of brain"),
        (["prepare", "hand", "--modality", "brain"], "The card hand shows knee, not brain"),
        (
            ["export", "hand", "--to", "csv", "--out", "x"],
            "unknown format 'csv'; expected one of imagefolder",
        ),
        (["terms", "absent"], "no folder absent"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_bad_input_is_one_sentence(args, said, refused, home):
    assert said in refused("data", *args)


def test_a_prepared_set_is_found_by_a_run(mribench, filled, tmp_path, monkeypatch):
    mribench("data", "prepare", "phantom", "--modality", "brain", "--profile", "smoke")
    args = ("run", "--modalities", "brain", "--variants", "", "--controls", "noise", "--tasks", "generation")
    ended = mribench(*args, "--profile", "smoke")
    assert ended.code == 0 and len(list(tmp_path.glob("runs/data/brain-*"))) == 1
    said = mribench("data", "terms", "runs").out
    assert "phantom: CC0-1.0; access open" in said and "may           use it commercially" in said
    assert len(list(tmp_path.glob("runs/outputs/*/terms.json"))) == 1
