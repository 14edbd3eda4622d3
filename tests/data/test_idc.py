"""Series of the Imaging Data Commons: chosen offline, fetched from a bucket of this machine, read as patients."""

from __future__ import annotations

import hashlib
from dataclasses import replace

import pytest
from idc_bucket import CORONAL, Archive

from mribench.data import prepare
from mribench.data.cards import catalogue
from mribench.data.cards.card import Condition
from mribench.data.download import bucket, download, idc
from mribench.data.download.fetch import fetch
from mribench.errors import DataError

SHIPPED = {name: card for name, card in catalogue.load_cards(catalogue.registry()).items() if card.query}
KIDNEY = SHIPPED["tcga_kidney_t2"]
BESIDE = {
    "axial": {"SeriesDescription": "AX T2 HASTE"},
    "a thick slab": {"SeriesDescription": "t2_tse_COR_thick_slab"},
    "a secondary capture": {"sop_class_name": "Secondary Capture Image Storage"},
    "another collection": {"collection_id": "tcga_luad"},
    "few slices": {"instanceCount": 9},
    "no description": {"SeriesDescription": None},
}


@pytest.fixture
def archive(tmp_path, monkeypatch):
    made = Archive(tmp_path, monkeypatch)
    yield made
    made.mirror.close()


def pinned(card=KIDNEY):
    """The card with the pin of what the index of the test gives."""
    found = idc._choose(card.query, card.licence, idc.installed()).series
    size = sum(one.bytes for one in found)
    return replace(
        card, query=replace(card.query, series=len(found), bytes=size, sha256=idc.fingerprint(found))
    )


@pytest.mark.skipif(idc.installed() is None, reason="needs mribench[idc]")
@pytest.mark.parametrize("name", SHIPPED)
def test_the_shipped_queries_choose_what_their_cards_say(name):
    card = SHIPPED[name]
    found = idc.choose(card)
    assert not found.left_out
    assert len(found.series) == card.query.series
    assert sum(one.bytes for one in found.series) == card.query.bytes
    assert len({one.patient for one in found.series}) == card.subjects
    assert sum(one.instances for one in found.series) == card.images


@pytest.mark.skipif(idc.installed() is None, reason="needs mribench[idc]")
def test_the_coronal_t2_series_of_kidneys_are_123_of_76_people_before_slabs_go():
    where = KIDNEY.query.where
    assert [condition.column for condition in where].count("SeriesDescription") == 2
    query = replace(KIDNEY.query, where=where[:2])
    found = idc._choose(query, KIDNEY.licence, idc.installed()).series
    counts = len({one.patient for one in found}), len(found), sum(one.instances for one in found)
    assert counts == (76, 123, 3153)


def test_a_card_says_in_one_sentence_what_to_install(monkeypatch, tmp_path):
    monkeypatch.setattr(idc, "installed", lambda: None)
    with pytest.raises(DataError, match=r"not installed; run pip install 'mribench\[idc\]'"):
        fetch(KIDNEY, tmp_path)


@pytest.mark.parametrize("columns", BESIDE.values(), ids=BESIDE)
def test_only_series_that_the_conditions_want_are_chosen(archive, columns):
    wanted = archive.person("A", 0)
    archive.person("B", 1, **columns)
    assert [one.uuid for one in idc.choose(pinned()).series] == [wanted]


def test_series_that_the_licence_of_the_card_does_not_cover_are_left_out_and_said(archive, tmp_path, capsys):
    archive.person("A", 0)
    archive.person("B", 1, collection_id="cptac_ccrcc", license_short_name="CC BY 4.0")
    archive.person("C", 2, license_short_name="CC BY-NC 4.0")
    archive.person("D", 3, license_short_name=None)
    assert [one.patient for one in idc.choose(pinned()).series] == ["A", "B"]
    fetch(pinned(replace(KIDNEY, licence="CC-BY-3.0")), tmp_path)
    said = capsys.readouterr().err
    assert "1 series, 1 people" in said
    for licence in ("CC-BY-4.0", "CC-BY-NC-4.0", "no-licence-stated"):
        assert f"1 series under {licence} are left out" in said


def test_an_index_that_gives_other_series_is_refused_before_the_first_byte(archive, tmp_path):
    archive.person("A", 0)
    card = pinned()
    archive.person("B", 1)
    with pytest.raises(DataError, match=r"means 1 series .* gives 2, .*pip install idc-index-data==25\.0\.5"):
        fetch(card, tmp_path)
    assert archive.asked() == []


def test_a_column_that_the_index_lacks_is_named(archive):
    archive.person("A", 0)
    query = replace(KIDNEY.query, where=(Condition("Organ", matches="kidney"),))
    with pytest.raises(DataError, match=r"no column Organ; it has .*PatientID"):
        idc.choose(replace(KIDNEY, query=query))


@pytest.mark.parametrize(
    "columns",
    [{"crdc_series_uuid": "../../../home"}, {"aws_bucket": "evil.example.org/"}, {"crdc_series_uuid": None}],
)
def test_what_the_index_says_never_becomes_a_path_or_a_host(archive, columns):
    archive.person("A", 0, **columns)
    with pytest.raises(DataError, match="expected the uuid of a series and a public bucket"):
        pinned()


@pytest.mark.parametrize(
    "key", ["../a.dcm", "{uuid}/../../a.dcm", "{uuid}/", "{uuid}/a/b.dcm", "{uuid}/.a", "/etc/a"]
)
def test_what_the_bucket_lists_never_becomes_a_path(archive, tmp_path, key):
    uuid = archive.person("A", 0)
    files = archive.listed(uuid)
    first = next(iter(files))
    archive.list(uuid, {key.format(uuid=uuid): files.pop(first), **files})
    with pytest.raises(DataError, match="which is no name of a file"):
        fetch(pinned(), tmp_path / "cache")
    assert not [path for path in tmp_path.rglob("a*") if path.is_file()]


@pytest.mark.parametrize("change", ["missing", "longer"])
def test_a_bucket_that_holds_other_files_than_the_index_says_is_refused(archive, tmp_path, change):
    uuid = archive.person("A", 0)
    files = archive.listed(uuid)
    last = next(reversed(files))
    archive.list(
        uuid, {k: v for k, v in files.items() if k != last} | ({last: b"x"} if change == "longer" else {})
    )
    with pytest.raises(DataError, match=rf"for the series {uuid}, and the index says 12 of \d+"):
        fetch(pinned(), tmp_path)
    assert archive.asked() == [] and not (tmp_path / "datasets").exists()


def test_a_file_that_is_not_what_the_bucket_lists_is_refused(archive, tmp_path):
    uuid = archive.person("A", 0)
    key, content = next(iter(archive.listed(uuid).items()))
    archive.mirror.contents[f"/{CORONAL['aws_bucket']}/{key}"] = content[:-1] + b"\1"
    with pytest.raises(DataError, match=r"has MD5 \w{32}, the listing says \w{32}"):
        fetch(pinned(), tmp_path)
    assert not (tmp_path / "datasets").exists()


def test_a_listing_of_several_pages_is_read_to_its_end(archive, tmp_path):
    uuid = archive.person("A", 0)
    files = list(archive.listed(uuid).items())
    archive.list(uuid, dict(files[:5]), more="two")
    archive.list(uuid, dict(files[5:]), token="two")
    folder = fetch(pinned(), tmp_path)
    assert sorted(path.name for path in (folder / uuid).iterdir()) == sorted(
        key.split("/")[1] for key, _ in files
    )


def test_a_listing_that_fails_once_is_asked_for_again(archive, tmp_path):
    uuid = archive.person("A", 0)
    (asked,) = (path for path in archive.mirror.contents if uuid in path and "list-type" in path)
    archive.mirror.plans[asked] = [{"status": 503, "headers": {"Retry-After": "3600"}}, {}]
    assert len(list((fetch(pinned(), tmp_path) / uuid).iterdir())) == 12


@pytest.mark.parametrize("lie", ["endless", "twice", "no listing", "flood"])
def test_a_server_that_lists_nonsense_is_refused(archive, tmp_path, lie, monkeypatch):
    uuid = archive.person("A", 0)
    card = pinned()
    if lie == "endless":
        archive.list(uuid, {}, more="again")
        archive.list(uuid, {}, token="again", more="again")
    elif lie == "twice":
        first, content = next(iter(archive.listed(uuid).items()))
        entry = f"<Key>{first}</Key><Size>{len(content)}</Size>"
        archive.pages(uuid, "".join(f"<Contents>{entry}</Contents>" for _ in range(12)))
    elif lie == "no listing":
        archive.pages(uuid, "<Contents>")
    else:
        monkeypatch.setattr(bucket, "LONGEST_PAGE", 1000)
    with pytest.raises(DataError, match=r"and the index says 12|does not list the series"):
        fetch(card, tmp_path)
    assert archive.asked() == []


def test_the_next_call_asks_for_what_is_missing_only(archive, tmp_path, monkeypatch):
    """The server gives up half way; what came stays, and the folder appears when all of it is there."""
    monkeypatch.setattr(download, "BACKOFF", 0)
    uuids = [archive.person(name, i) for i, name in enumerate("ABC")]
    broken = next(reversed(archive.listed(uuids[1])))
    archive.mirror.plans[f"/{CORONAL['aws_bucket']}/{broken}"] = [{"status": 404}]
    card = pinned()
    with pytest.raises(DataError, match="HTTP 404"):
        fetch(card, tmp_path)
    came = {f"{path.parent.name}/{path.name}" for path in (tmp_path / "downloads").rglob("*.dcm")}
    assert came and not (tmp_path / "datasets").exists()
    archive.mirror.plans.clear()
    archive.mirror.asked.clear()
    # of another selection, from an earlier call
    (tmp_path / "downloads/tcga_kidney_t2/series/stale").mkdir()
    folder = fetch(card, tmp_path)
    assert broken in archive.asked() and not came & set(archive.asked())
    assert {path.name for path in folder.iterdir()} == set(uuids)
    assert not (tmp_path / "downloads/tcga_kidney_t2").exists()
    # and a third call asks for nothing
    archive.mirror.asked.clear()
    assert fetch(card, tmp_path) == folder and archive.mirror.asked == []


def test_free_space_is_checked_before_the_first_byte(archive, tmp_path):
    archive.person("A", 0, series_size_MB=1e12)
    with pytest.raises(DataError, match="make room"):
        fetch(pinned(), tmp_path)
    assert archive.mirror.asked == []


def own(tmp_path, monkeypatch):
    """A card of one's own with the shipped rules and the pin of the test's index."""
    card = pinned()
    text = (catalogue.registry() / "tcga_kidney_t2.toml").read_text()
    for old, new in (
        (KIDNEY.query.sha256, card.query.sha256),
        (f"bytes = {KIDNEY.query.bytes}", f"bytes = {card.query.bytes}"),
        (f"series = {KIDNEY.query.series}", f"series = {card.query.series}"),
        ('id = "tcga_kidney_t2"', 'id = "own_kidney"'),
    ):
        assert text.count(old) == 1
        text = text.replace(old, new)
    start, stop = text.index("[[overlaps]]"), text.index("[[evidence]]")
    (tmp_path / "cards").mkdir()
    (tmp_path / "cards/own_kidney.toml").write_text(text[:start] + text[stop:])
    monkeypatch.setenv("MRIBENCH_CARDS", str(tmp_path / "cards"))
    monkeypatch.setenv("MRIBENCH_HOME", str(tmp_path / "home"))
    return "own_kidney"


def test_patients_are_told_by_their_id_and_never_named(archive, tmp_path, monkeypatch, profile):
    """Eight people, one of them with two series: a prepared set whose splits keep each on one side."""
    for i in range(8):
        archive.person(f"TCGA-{i:04d}", i)
    archive.person("TCGA-0000", 99)
    archive.person("TCGA-0001", 98, **BESIDE["axial"])
    made = prepare.prepare_target(
        own(tmp_path, monkeypatch), "kidney", replace(profile, max_images=500), tmp_path
    )
    assert sum(made.manifest["subjects"].values()) == 8
    assert made.manifest["available"] == 9 * 12
    people = [set(split.subjects) for split in (made.train, made.validation, made.test)]
    assert not people[0] & people[1] | people[0] & people[2] | people[1] & people[2]
    assert hashlib.sha256(b"TCGA-0000").hexdigest()[:12] in set.union(*people)
    assert "TCGA-0000" not in (made.path / "manifest.json").read_text()


@pytest.mark.slow
def test_one_command_goes_from_the_archive_to_a_smoke_board(archive, tmp_path, monkeypatch, mribench):
    for i in range(8):
        archive.person(f"TCGA-{i:04d}", i)
    id = own(tmp_path, monkeypatch)
    args = ["--data", id, "--modalities", "kidney", "--variants", "ddpm", "--profile", "smoke"]
    ended = mribench("run", *args, "--out", str(tmp_path / "out"))
    assert ended.code == 0, ended.err
    assert id in (tmp_path / "out/leaderboard.md").read_text()
