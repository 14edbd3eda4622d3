"""Croissant 1.1 of a prepared set and of a card; mlcroissant reads both where it is installed."""

from __future__ import annotations

import io
import json
from dataclasses import replace

import numpy as np
import pyarrow.parquet as pq
import pytest
from PIL import Image

from mribench import hashing
from mribench.data import prepare_data
from mribench.data.cards import catalogue, terms
from mribench.data.split import SPLITS
from mribench.data.store import croissant, export

# of mlcroissant and what it calls
pytestmark = pytest.mark.filterwarnings(
    "ignore:ConjunctiveGraph is deprecated:DeprecationWarning", "ignore:The inplace keyword"
)
PEOPLE = [f"person{i}" for i in range(12)]
SHIPPED = catalogue.load_cards(catalogue.registry())


@pytest.fixture
def drawn(tmp_path, modality, profile):
    return prepare_data(modality, "phantom", profile, tmp_path / "out")


@pytest.fixture
def own(tmp_path, modality, profile, npz):
    return prepare_data(modality, str(npz(PEOPLE)), profile, tmp_path / "out")


@pytest.fixture
def judged():
    """judged(json-ld or path) -> (data set, warnings of mlcroissant, also those that it only logs)."""
    mlcroissant = pytest.importorskip("mlcroissant")
    from absl import logging

    said = []
    handler = type(
        "Keep", (logging.logging.Handler,), {"emit": lambda self, row: said.append(row.getMessage())}
    )()
    logging.get_absl_logger().addHandler(handler)

    def judge(jsonld):
        said.clear()
        found = mlcroissant.Dataset(jsonld=jsonld)
        return found, [*found.metadata.ctx.issues.warnings, *said]

    yield judge
    logging.get_absl_logger().removeHandler(handler)


def exported(prepared, folder):
    export.export(prepared, "croissant", folder)
    return json.loads((folder / "croissant.json").read_text())


def test_it_describes_the_files(drawn, tmp_path):
    told = exported(drawn, tmp_path / "export")
    assert told["conformsTo"] == "http://mlcommons.org/croissant/1.1"
    assert [file["sha256"] for file in told["distribution"]] == [
        hashing.file_sha256(tmp_path / f"export/{name}.parquet") for name in SPLITS
    ]
    ids = {file["@id"] for file in told["distribution"]}
    splits, *images = told["recordSet"]
    assert splits["dataType"] == "cr:Split"
    assert {row["splits/name"] for row in splits["data"]} == set(SPLITS)
    for record_set in images:
        columns = pq.read_schema(tmp_path / f"export/{record_set['name']}.parquet").names
        assert {field["source"]["extract"]["column"] for field in record_set["field"]} == set(columns)
        assert {field["source"]["fileObject"]["@id"] for field in record_set["field"]} <= ids


def test_what_is_said_of_phantoms_and_of_ones_own_files(drawn, own, tmp_path):
    phantom, mine = exported(drawn, tmp_path / "drawn"), exported(own, tmp_path / "own")
    assert phantom["rai:hasSyntheticData"] is True and mine["rai:hasSyntheticData"] is False
    assert phantom["license"] == ["https://spdx.org/licenses/CC0-1.0"] and "url" not in phantom
    assert mine["license"] == [{"@type": "CreativeWork", "name": "unverified"}]
    assert [term["termCode"] for term in phantom["usageInfo"]] == ["DUO_0000004"]
    assert [term["termCode"] for term in mine["usageInfo"]][1:] == [
        "DUO_0000018",
        "DUO_0000026",
        "DUO_0000027",
    ]
    assert all("not checked, so taken as forbidden" in term["description"] for term in mine["usageInfo"][1:])
    assert "person" not in json.dumps(mine["recordSet"])


def test_mlcroissant_finds_nothing_wrong_with_a_prepared_set_and_reads_it(drawn, own, tmp_path, judged):
    for prepared, name in ((drawn, "drawn"), (own, "own")):
        exported(prepared, tmp_path / name)
        found, warnings = judged(str(tmp_path / name / "croissant.json"))
        assert warnings == []
        for split in SPLITS:
            rows = list(found.records(split))
            assert len(rows) == len(getattr(prepared, split))
        first = rows[0]["test/image"]
        pixels = first if isinstance(first, Image.Image) else Image.open(io.BytesIO(first))
        np.testing.assert_array_equal(np.asarray(pixels), prepared.test.images[0])


def test_mlcroissant_misses_of_a_card_only_what_no_source_shows(judged):
    complete = []
    for name, card in SHIPPED.items():
        _, warnings = judged(croissant.of_card(card))
        unknown = [text for text in warnings if "datePublished" not in text]
        assert unknown == [], name
        assert bool(warnings) == ("datePublished" not in croissant.of_card(card)), name
        complete += [] if warnings else [name]
    assert len(complete) >= 25 and {"spider", "tcga_kidney_t2", "msd_brain"} <= set(complete)


def test_a_card_names_creators_year_and_files():
    told = croissant.of_card(SHIPPED["spider"])
    assert told["datePublished"] == "2023" and len(told["creator"]) == 9
    assert told["creator"][0] == {"@type": "Person", "name": "Jasper W. van der Graaf"}
    (file,) = told["distribution"]
    assert file["sha256"] == SHIPPED["spider"].files[0].sha256 and file["encodingFormat"] == "application/zip"
    nobody = croissant.of_card(SHIPPED["abide"])
    assert nobody["creator"][0]["name"].startswith("authors of ABIDE") and "datePublished" not in nobody


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("spider", ["0000004"]),
        ("pi_cai", ["0000042", "0000018"]),
        ("adni_t1", ["0000042", "0000018", "0000026", "0000027"]),
        ("tcga_kidney_t2", ["0000004"]),
    ],
)
def test_the_use_flags_are_said_in_terms_of_the_data_use_ontology(name, expected):
    codes = [term["termCode"].removeprefix("DUO_") for term in croissant.of_card(SHIPPED[name])["usageInfo"]]
    assert codes == expected


def test_together_the_strictest_flag_counts():
    rows = [terms.of_card(SHIPPED[name]) for name in ("spider", "pi_cai")]
    (_, closed) = croissant.usage(rows)
    assert closed["termCode"] == "DUO_0000018" and "pi_cai: forbidden" in closed["description"]
    assert "spider" not in closed["description"]


def test_several_licences_are_several_addresses():
    told = croissant.of_card(replace(SHIPPED["tcga_kidney_t2"]))
    assert told["license"] == [f"https://spdx.org/licenses/CC-BY-{version}" for version in ("3.0", "4.0")]


def test_a_card_is_shown_as_croissant(mribench):
    ended = mribench("data", "show", "spider", "--format", "croissant")
    assert ended.code == 0 and json.loads(ended.out) == croissant.of_card(SHIPPED["spider"])
    ended = mribench("data", "list", "--format", "croissant")
    assert ended.code == 2
