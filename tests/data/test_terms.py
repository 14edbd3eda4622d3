from __future__ import annotations

import json
from dataclasses import replace

import pytest

from mribench import results
from mribench.data import prepare_data
from mribench.data.cards import catalogue, terms
from mribench.errors import InputError
from mribench.plugins import lookup

CARDS = catalogue.load_cards(catalogue.registry())


def rows(*names):
    return [terms.of_card(CARDS[name]) for name in names]


def said(*names):
    return {v.question.split(" (")[0]: (v.free, v.because) for v in terms.strictest(rows(*names))}


def test_one_free_set_allows_all():
    assert {free for free, _ in said("dsb2018").values()} == {True, False}
    assert said("dsb2018")["use it commercially"] == (True, ())
    assert said("dsb2018")["name the source"] == (False, ())


def test_the_strictest_decides_and_is_named():
    both = said("dsb2018", "acdc", "ixi_t1")
    assert both["use it commercially"] == (False, ("acdc",))
    assert both["give what is made from it the same licence"] == (True, ("acdc", "ixi_t1"))
    assert both["pass the data on"] == (True, ())


def test_what_nobody_checked_is_never_free():
    assert said("dsb2018", "prostate158")["pass the data on"] == (None, ("prostate158",))
    assert said("prostate158", "adni_t1")["pass the data on"] == (False, ("adni_t1",))


def test_the_hardest_access():
    assert terms.access(rows("dsb2018", "acdc")) == "registration"
    assert terms.access(rows("dsb2018", "acdc", "adni_t1")) == "agreement"
    assert terms.access([*rows("dsb2018"), terms.of_local("local:x")]) is None


@pytest.mark.parametrize(
    ("licence", "expected"),
    [
        ("CC-BY-4.0", (True, True, True)),
        ("CC-BY-NC-SA-4.0", (True, False, True)),
        ("CC-BY-ND-4.0", (True, True, False)),
        ("CC-BY-NC-ND-3.0", (True, False, False)),
        ("CC0-1.0", (True, True, True)),
        ("CC-BY-3.0 AND CC-BY-NC-ND-4.0", (True, False, False)),
        ("CC-BY-3.0 AND an agreement", ()),
    ],
)
def test_licences_speak_for_themselves(licence, expected):
    assert tuple(terms.flags_of_licence(licence).values()) == expected


@pytest.mark.parametrize(
    "licence", ["", "unverified", "CC-BY", "CC-BY-4.0 or so", "cc-by-4.0", "GPL-3.0-only"]
)
def test_other_names_say_nothing(licence):
    assert terms.flags_of_licence(licence) == {} and terms.share_alike(licence) is None


@pytest.mark.parametrize("make", [terms.of_phantom, lambda: terms.of_local("local:x")])
def test_all_rows_have_the_same_fields(make):
    assert list(make()) == list(rows("acdc")[0])


def test_a_prepared_set_carries_its_terms(tmp_path, modality, profile, npz):
    drawn = prepare_data(modality, "phantom", profile, tmp_path)
    own = prepare_data(modality, str(npz([f"p{i}" for i in range(9)])), profile, tmp_path)
    (row,) = terms.of_run(drawn.path)
    assert row == terms.of_phantom(lookup.owner("modalities", modality.name)) and "mribench-" in row["title"]
    assert terms.of_run(own.path) == [terms.of_local(own.name)]
    old = replace(drawn, manifest={k: v for k, v in drawn.manifest.items() if k != "terms"})
    assert terms.of_prepared(old) == [terms.of_phantom()]


def test_a_run_carries_its_terms(result, run_folder):
    new = result(data=result().data | {"terms": rows("acdc", "scd")}, same={"data": "acdc+scd"})
    folder = run_folder("run", result(), new)
    assert [row["data"] for row in terms.of_run(folder)] == ["acdc", "phantom", "scd"]
    assert results.read_all([folder])[0].data.get("terms") in (None, rows("acdc", "scd"))


def test_an_old_record_of_ones_own_data_is_unverified(result, run_folder):
    folder = run_folder("run", result(same={"data": "local:x", "data_kind": "real"}))
    assert terms.of_run(folder) == [terms.of_local("local:x")]


def test_terms_beside_samples_count_before_there_are_results(tmp_path):
    folder = tmp_path / "outputs" / "cell"
    folder.mkdir(parents=True)
    (folder / terms.TERMS).write_text(json.dumps(rows("acdc")))
    assert terms.of_run(tmp_path) == terms.of_run(folder) == rows("acdc")


def test_a_folder_without_terms_is_refused(tmp_path):
    with pytest.raises(InputError, match="no results in"):
        terms.of_run(tmp_path)
