"""What the shipped cards say, all of them together; how a card is read is tried in test_cards."""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import replace

import pytest

from mribench.data.cards import catalogue, verify
from mribench.data.cards.card import ACCESS
from mribench.data.cards.catalogue import load_cards
from mribench.data.source import families
from mribench.errors import DataError

SHIPPED = load_cards(catalogue.registry())


def test_the_registry_is_as_wide_as_it_says():
    organs = Counter(found.organ for found in SHIPPED.values())
    assert len(SHIPPED) >= 30 and len(organs) >= 10
    asked = [
        "brain",
        "chromatin",
        "lung",
        "kidney",
        "spine",
        "heart",
        "knee",
        "prostate",
        "liver",
        "abdomen",
        "breast",
    ]
    assert {organ: organs[organ] for organ in asked if organs[organ] < 2} == {}


def test_shipped_cards_say_what_a_user_must_know():
    for name, found in SHIPPED.items():
        assert found.access in ACCESS and found.caveats, name
        assert all(text.endswith(".") for text in found.caveats), name


def test_overlaps_are_told_by_both_sides():
    told = {(name, o.card, o.subjects) for name, found in SHIPPED.items() for o in found.overlaps}
    assert told == {(other, name, subjects) for name, other, subjects in told} and len(told) >= 8


def test_no_two_cards_name_the_same_bytes():
    digests = [f.sha256 for found in SHIPPED.values() for f in found.files if f.sha256 != "unverified"]
    assert len(digests) == len(set(digests)) >= 25


def test_a_signed_agreement_is_never_walked_around():
    signed = [found for found in SHIPPED.values() if found.access == "agreement"]
    assert len(signed) >= 5
    assert not [found.id for found in signed if found.files or found.fetchable or found.publish_subjects]


@pytest.mark.parametrize(
    "name, path, subject",
    [
        ("ixi_t1", "IXI002-Guys-0828-T1.nii.gz", "002"),
        ("spider", "images/1_t1.mha", "1"),
        ("spider", "images/12_t2_SPACE.mha", "12"),
        ("acdc", "training/patient001/patient001_frame01.nii.gz", "patient001"),
        ("shefpah179", "SA/Subject_12/Phase_1.dcm", "12"),
        ("neurite_oasis2d", "OAS1_0001_MR2/slice.nii.gz", "0001"),
        ("oasis1", "disc1/OAS1_0001_MR1/PROCESSED/a.hdr", "0001"),
        ("dsb2018", "dsb2018/train/images/ab12.tif", "ab12"),
        ("scd", "SCD0000101/a.dcm", "SCD0000101"),
        ("scd", "SC-HF-NI-12/a.dcm", "SC-HF-NI-12"),
        ("msd_prostate", "Task05_Prostate/imagesTr/prostate_00.nii.gz", "prostate_00"),
        ("pi_cai", "10000/10000_1000000_t2w.mha", "10000"),
        ("chaos_mr", "Train_Sets/MR/34/T2SPIR/DICOM_anon/IMG-1.dcm", "34"),
        ("spine_generic", "sub-amu01/anat/sub-amu01_T2w.nii.gz", "sub-amu01"),
        ("ovgu_4dliver", "2019-03-01_1234/a.dcm", "1234"),
        ("mama_mia", "DUKE_001/a.nii.gz", "DUKE_001"),
        ("mama_mia", "NACT_01/a.nii.gz", "NACT_01"),
        ("nci_isbi", "ProstateDx-01-0006/a.dcm", "ProstateDx-01-0006"),
        ("nci_isbi", "Prostate3T-01-0001/a.dcm", "Prostate3T-01-0001"),
        ("nasa_bps", "P278_7309/a.tif", "P278"),
    ],
)
def test_shipped_patterns_find_the_subject(name, path, subject):
    match = re.search(SHIPPED[name].subject_pattern, path)
    assert match and match.group(1) == subject


@pytest.mark.parametrize(
    "name, path, stratum",
    [
        ("ixi_t1", "IXI002-Guys-0828-T1.nii.gz", "Guys"),
        ("spine_generic", "sub-amu01/anat/a.nii.gz", "amu"),
        ("scd", "SC-HF-NI-12/a.dcm", "HF-NI"),
    ],
)
def test_shipped_patterns_find_site_or_group(name, path, stratum):
    assert re.search(SHIPPED[name].stratify_pattern, path).group(1) == stratum


def test_evidence_is_given_for_facts_that_the_card_states():
    empty = [
        (found.id, fact)
        for found in SHIPPED.values()
        for row in found.evidence
        for fact in row.facts
        if getattr(found, fact) in (None, "unverified", ())
    ]
    assert empty == []


def test_every_number_licence_and_rule_says_where_it_was_read():
    assert {name: missing for name, found in SHIPPED.items() if (missing := verify.unproved(found))} == {}


@pytest.mark.parametrize("fact", ["subjects", "images", "licence", "access", "official_split"])
def test_a_fact_that_loses_its_evidence_is_missed(fact):
    rows = [replace(row, facts=tuple({*row.facts} - {fact})) for row in SHIPPED["spider"].evidence]
    assert verify.unproved(replace(SHIPPED["spider"], evidence=tuple(rows))) == [fact]


def test_a_bibtex_entry_is_one_and_whole():
    found = {name: card.bibtex.strip() for name, card in SHIPPED.items() if card.bibtex}
    assert [
        n for n, text in found.items() if not re.match(r"@\w+\{", text) or text.count("{") != text.count("}")
    ] == []


def test_every_doi_that_is_cited_stands_in_the_entry_or_was_read_somewhere():
    unread = [
        (name, doi)
        for name, card in SHIPPED.items()
        for doi in re.findall(r"10\.\d{4,}/[^\s;,]+", card.citation)
        if doi.lower() not in (card.bibtex or "").lower()
        and not any("citation" in row.facts for row in card.evidence)
    ]
    assert unread == []


def test_every_card_says_what_took_its_images():
    assert not [name for name, found in SHIPPED.items() if found.modality is None]


def test_every_digest_that_opens_a_download_says_where_it_was_read():
    fetched = [found for found in SHIPPED.values() if found.fetchable]
    assert [f.id for f in fetched if not any({"files", "query"} & set(row.facts) for row in f.evidence)] == []


def test_no_image_of_one_set_hides_in_another_unseen():
    """UCSF-PDGM is a part of BraTS 2021."""
    with pytest.raises(DataError, match="brats21 and ucsf_pdgm show some of the same people"):
        families([SHIPPED["brats21"], SHIPPED["ucsf_pdgm"]])


def test_the_readme_counts_as_the_catalogue_does():
    organs, fetched = (
        {found.organ for found in SHIPPED.values()},
        [f for f in SHIPPED.values() if f.fetchable],
    )
    text = " ".join((catalogue.registry() / "README.md").read_text().split())
    assert f"{len(SHIPPED)} cards over {len(organs)} organs. {len(fetched)} of them are fetched" in text
