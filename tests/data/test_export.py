from __future__ import annotations

import csv
import json

import numpy as np
import pytest
from PIL import Image

from mribench.data import prepare_data
from mribench.data.cards import catalogue, pseudonyms, terms
from mribench.data.split import SPLITS
from mribench.data.store import export
from mribench.errors import InputError

PEOPLE = [f"person{i}" for i in range(12)]


@pytest.fixture
def own(tmp_path, modality, profile, npz):
    source = np.array([f"{p}_t1.nii" for p in PEOPLE])
    return prepare_data(modality, str(npz(PEOPLE, source=source)), profile, tmp_path / "out")


@pytest.fixture
def drawn(tmp_path, modality, profile):
    return prepare_data(modality, "phantom", profile, tmp_path / "out")


def everything(folder):
    return b"".join(file.read_bytes() for file in folder.rglob("*") if file.is_file())


def test_an_image_folder_is_read_back(own, tmp_path):
    folder = export.export(own, "imagefolder", tmp_path / "export")
    shown = pseudonyms.aliases(own)
    for name in SPLITS:
        rows = list(csv.DictReader((folder / name / "metadata.csv").open()))
        split = getattr(own, name)
        assert [row["subject"] for row in rows] == [shown[s] for s in split.subjects]
        for row, image in zip(rows, split.images, strict=True):
            np.testing.assert_array_equal(np.asarray(Image.open(folder / name / row["file_name"])), image)


def test_datasets_reads_both_forms(own, tmp_path):
    from datasets import load_dataset

    for to in ("imagefolder", "parquet"):
        folder = export.export(own, to, tmp_path / to)
        found = load_dataset(str(folder), cache_dir=str(tmp_path / "cache"))
        assert set(found) == set(SPLITS)
        np.testing.assert_array_equal(np.asarray(found["test"][0]["image"]), own.test.images[0])
        assert found["test"]["subject"][0] == pseudonyms.aliases(own)[own.test.subjects[0]]


@pytest.mark.parametrize("to", ["imagefolder", "parquet", "croissant"])
def test_no_id_leaves_where_it_must_not(own, tmp_path, to):
    assert b"person" not in everything(export.export(own, to, tmp_path / "export"))


@pytest.mark.parametrize("to", ["imagefolder", "parquet", "croissant"])
def test_terms_and_split_go_along(own, drawn, tmp_path, to):
    folder = export.export(own, to, tmp_path / "own")
    assert terms.of_run(folder) == [terms.of_local(own.name)]
    assert "Do not pass this folder on" in (folder / "README.md").read_text()
    assert json.loads((folder / "split.json").read_text()) == pseudonyms.split_table(own)
    free = export.export(drawn, to, tmp_path / "drawn")
    text = (free / "README.md").read_text()
    assert text.startswith("---\nlicense: cc0-1.0\n") and "Do not pass" not in text
    assert "brain-0000" in (free / "split.json").read_text()


def test_a_card_names_its_licence(tmp_path):
    row = terms.of_card(catalogue.load_cards(catalogue.registry())["acdc"])
    assert row["licence"] == "CC-BY-NC-SA-4.0" and row["derived"] is True


def test_what_is_there_is_never_overwritten(drawn, tmp_path):
    (tmp_path / "export").mkdir()
    (tmp_path / "export" / "thesis.txt").write_text("mine")
    with pytest.raises(InputError, match="is there already; choose another --out"):
        export.export(drawn, "parquet", tmp_path / "export")
    with pytest.raises(
        InputError, match="unknown format 'csv'; expected one of imagefolder, parquet, croissant"
    ):
        export.export(drawn, "csv", tmp_path / "new")
    assert [path.name for path in tmp_path.joinpath("export").iterdir()] == ["thesis.txt"]
