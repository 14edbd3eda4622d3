"""Where cards come from: the registry, a user's folder, distributions made up on sys.path; sound and broken ones."""

from __future__ import annotations

import shutil
import subprocess
import sys
import zipfile
from importlib import invalidate_caches
from pathlib import Path

import pytest

import mribench
from mribench.data.cards import catalogue, parse
from mribench.data.cards.catalogue import load_cards
from mribench.errors import DataError, InputError

CHECKOUT = Path(mribench.__file__).parent.parent
SOUND = (catalogue.registry() / "dsb2018.toml").read_text()
RAISING = "raise RuntimeError('a card package must never be imported')\n"


@pytest.fixture
def bring(tmp_path, monkeypatch):
    """``bring(distribution, package, {id: text})``: a distribution on sys.path whose package holds these cards."""
    monkeypatch.syspath_prepend(str(tmp_path))

    def make(distribution, package, cards, value=None, initialised=True):
        folder = tmp_path.joinpath(*package.split("."))
        folder.mkdir(parents=True)
        if initialised:
            (tmp_path / package.split(".")[0] / "__init__.py").write_text(RAISING)
        for name, text in cards.items():
            (folder / f"{name}.toml").write_text(text)
        info = tmp_path / f"{distribution}-1.2.dist-info"
        info.mkdir()
        (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {distribution}\nVersion: 1.2\n")
        (info / "entry_points.txt").write_text(f"[mribench.datasets]\nours = {value or package}\n")
        invalidate_caches()

    return make


def named(name):
    return SOUND.replace('id = "dsb2018"', f'id = "{name}"')


def problems():
    return {entry.id: entry.problem for entry in catalogue.entries() if entry.problem}


@pytest.mark.parametrize("initialised", [True, False], ids=["package", "namespace"])
def test_a_distribution_brings_its_cards_and_is_never_imported(bring, initialised):
    bring("strangers", "strange_sets.cards", {"strange_one": named("strange_one")}, initialised=initialised)
    card = catalogue.find("strange_one")
    assert card == load_cards()["strange_one"] and card.organ == "chromatin"
    (entry,) = (entry for entry in catalogue.entries() if entry.id == "strange_one")
    assert entry.owner == "strangers" and "strange_sets" not in sys.modules
    assert not problems()


def test_a_broken_card_is_named_and_harms_no_other(bring):
    bring(
        "strangers",
        "strange_sets",
        {"bad_one": named("bad_one").replace("organ", "organs"), "ok": named("ok")},
    )
    assert "organs is no field of a card" in problems()["bad_one"]
    assert {"ok", "ixi_t1"} <= set(load_cards()) and "bad_one" not in load_cards()
    with pytest.raises(DataError, match=r"bad_one of strangers cannot be used: bad_one\.toml: organs is no"):
        catalogue.find("bad_one")


def test_a_card_is_parsed_once_and_again_when_it_is_edited(tmp_path, monkeypatch):
    monkeypatch.setenv("MRIBENCH_CARDS", str(tmp_path))
    path = tmp_path / "mine.toml"
    path.write_text(named("mine"))
    catalogue.entries()
    parsed = []
    read_card = parse.read_card
    monkeypatch.setattr(parse, "read_card", lambda path: parsed.append(path.stem) or read_card(path))
    catalogue.entries()
    assert parsed == []
    path.write_text(named("mine").replace("organ", "organs", 1))
    assert "organs is no field of a card" in problems()["mine"]
    path.write_text(named("mine"))
    assert not problems() and parsed == ["mine", "mine"]


def test_a_plugin_never_displaces_our_own_card(bring):
    bring("strangers", "strange_sets", {"dsb2018": SOUND.replace("CC0-1.0", "MIT")})
    assert catalogue.find("dsb2018").licence == "CC0-1.0"
    assert problems() == {"dsb2018": "dsb2018 is claimed by mribench and strangers"}


def test_two_plugins_that_quarrel_both_lose(bring):
    bring("first", "first_sets", {"shared": named("shared")})
    bring("second", "second_sets", {"shared": named("shared")})
    with pytest.raises(DataError, match="shared is claimed by first and second"):
        catalogue.find("shared")


@pytest.mark.parametrize("value", ["absent_package", "strange_sets:CARDS", "no such!!"])
def test_an_entry_point_that_leads_nowhere_is_named(bring, value):
    bring("strangers", "strange_sets", {}, value=value)
    assert f"{value!r} is no package with *.toml files" in problems()["ours"]
    assert len(load_cards()) >= 30


def test_a_folder_of_ones_own(tmp_path, monkeypatch):
    (tmp_path / "mine.toml").write_text(named("mine"))
    monkeypatch.setenv("MRIBENCH_CARDS", str(tmp_path))
    assert catalogue.find("mine").id == "mine"
    monkeypatch.setenv("MRIBENCH_CARDS", str(tmp_path / "absent"))
    assert "is no folder; correct or unset it" in problems()["-"]


def test_a_near_miss_is_guessed():
    with pytest.raises(DataError, match=r"'ixi_t2' is no dataset card; .*did you mean 'ixi_t1'"):
        catalogue.find("ixi_t2")


@pytest.mark.parametrize(
    ("filters", "expected"),
    [
        (
            {"organ": "kidney"},
            {"amos22_mr", "chaos_mr", "tcga_kidney_t2", "totalseg_mr", "ukat_travelling", "ukrin_kidney_t2"},
        ),
        ({"organ": "heart", "licence": "cc0"}, {"scd"}),
        ({"access": "agreement", "organ": "lung"}, {"dmri_vgc", "xe_ctc"}),
        (
            {"organ": "kidney", "access": "open", "fetchable": True},
            {"amos22_mr", "chaos_mr", "tcga_kidney_t2", "totalseg_mr"},
        ),
        ({"modality": "Microscopy", "labels": "NUCLEUS"}, {"bbbc039", "dsb2018", "socr_nuclei3d"}),
        ({"field_strength": 3.0, "population": "glioma"}, {"ucsf_pdgm"}),
        ({"defaced": True, "organ": "brain", "fetchable": True}, {"neurite_oasis3d", "nfbs"}),
    ],
)
def test_filters(filters, expected):
    assert {card.id for card in catalogue.choose(load_cards().values(), **filters)} == expected


@pytest.mark.parametrize(
    ("filters", "said"),
    [
        ({"organ": "haert"}, "no card shows 'haert'; the organs are abdomen, brain"),
        ({"access": "free"}, "access 'free' is unknown; expected one of open"),
        ({"licence": "GPL"}, "no card is left by these filters; the licences are"),
    ],
)
def test_filters_that_leave_nothing_say_why(filters, said):
    with pytest.raises(InputError, match=said):
        catalogue.choose(load_cards().values(), **filters)


@pytest.mark.skipif(not (CHECKOUT / "pyproject.toml").is_file(), reason="only in a checkout")
def test_the_registry_is_in_the_wheel_and_found_there(tmp_path):
    pytest.importorskip("hatchling")
    source = tmp_path / "source"
    source.mkdir()
    for name in ("mribench", "registry"):
        shutil.copytree(CHECKOUT / name, source / name, ignore=shutil.ignore_patterns("__pycache__"))
    for name in ("pyproject.toml", "README.md", "LICENSE"):
        shutil.copy(CHECKOUT / name, source / name)
    command = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(tmp_path / "dist")]
    subprocess.run(command, cwd=source, check=True, capture_output=True, timeout=120)
    (wheel,) = (tmp_path / "dist").glob("*.whl")
    zipfile.ZipFile(wheel).extractall(tmp_path / "installed")
    code = "from mribench.data.cards import catalogue; print(catalogue.registry(), len(catalogue.cards()))"
    said = subprocess.run(
        [sys.executable, "-c", code],
        cwd=tmp_path,
        env={"PYTHONPATH": str(tmp_path / "installed"), "PATH": ""},
        capture_output=True,
        text=True,
        timeout=120,
    )
    folder, number = said.stdout.split()
    assert folder == str(tmp_path / "installed/mribench/registry") and int(number) == len(load_cards())
