"""A file format that a stranger's package brings is read like mribench's own, without an edit of the core."""

from __future__ import annotations

import logging
import sys
from importlib import invalidate_caches

import numpy as np
import pytest
from test_cards import CARD

from mribench.data import prepare_data
from mribench.data.readers.folder import find_files, foreign_readers, read_volumes
from mribench.data.readers.table import table
from mribench.data.store.identity import local_identity
from mribench.errors import DataError, InputError

sitk = pytest.importorskip("SimpleITK")

NRRD = """
import numpy as np
from mribench.data.readers.orientation import slices
from mribench.errors import DataError
from mribench.spec import Reader


def read(files, subject):
    import SimpleITK

    for file in files:
        try:
            image = SimpleITK.ReadImage(str(file.path))
        except RuntimeError as error:
            raise DataError(f"{file.name} is damaged; fetch it again.") from error
        if image.GetDimension() != 3:
            raise DataError(f"{file.name} has {image.GetDimension()} dimensions; expected 3.")
        affine = np.eye(4)
        directions = np.array(image.GetDirection()).reshape(3, 3) * image.GetSpacing()
        affine[:3, :3] = np.diag([-1, -1, 1]) @ directions
        voxels = SimpleITK.GetArrayFromImage(image).T.astype(np.float32)
        yield slices(voxels, affine).volume(subject, file.name)


def example(folder):
    import SimpleITK

    voxels = np.arange(3 * 12 * 10, dtype=np.int16).reshape(3, 12, 10)
    SimpleITK.WriteImage(SimpleITK.GetImageFromArray(voxels), str(folder / "example.nrrd"))


NRRD = Reader(name="nrrd", title="NRRD", suffixes=SUFFIXES, read=read, version=VERSION, example=example)
"""


@pytest.fixture
def install(tmp_path, monkeypatch):
    """install(name, suffixes, version, code): a package with one reader of NRRD files, until the test ends."""
    before = set(sys.modules)

    def make(name="nrrd", suffixes=(".nrrd", ".nhdr"), version=1, code=NRRD):
        site, module = tmp_path / f"site-{name}", f"reader_{name}"
        information = site / f"mribench_{name}-1.0.dist-info"
        information.mkdir(parents=True)
        (information / "METADATA").write_text(f"Metadata-Version: 2.1\nName: mribench-{name}\nVersion: 1.0\n")
        point = f"[mribench.readers]\n{name} = {module}:NRRD\n"
        (information / "entry_points.txt").write_text(point)
        code = code.replace("SUFFIXES", repr(suffixes)).replace("VERSION", str(version))
        (site / f"{module}.py").write_text(code.replace('name="nrrd"', f'name="{name}"'))
        monkeypatch.syspath_prepend(str(site))
        invalidate_caches()

    yield make
    for module in set(sys.modules) - before:
        if module.startswith("reader_"):
            del sys.modules[module]


@pytest.fixture
def scans(tmp_path):
    """A folder of eight people with one scan each, three slices 4 mm thick."""
    folder = tmp_path / "scans"
    rng = np.random.default_rng(0)
    y, x = np.mgrid[-1:1:40j, -1:1:36j]
    for person in range(8):
        texture = 500 + 300 * np.sin(rng.uniform(2, 9) * x + rng.uniform(2, 9) * y)
        voxels = np.stack([(texture + 20 * i) * (x**2 + y**2 < 0.8) for i in range(3)]).astype(np.int16)
        image = sitk.GetImageFromArray(voxels)
        image.SetSpacing((1.0, 1.0, 4.0))
        (folder / f"p{person}").mkdir(parents=True)
        sitk.WriteImage(image, str(folder / f"p{person}" / "scan.nrrd"))
    return folder


def test_a_run_reads_the_format_of_a_plugin(install, scans, mribench, tmp_path):
    args = ["--modalities", "brain", "--variants", "gaussian", "--tasks", "generation", "--profile", "smoke"]
    args += ["--data", scans, "--out", tmp_path / "runs"]
    ended = mribench("run", *args)
    assert ended.code == 2 and "scan.nrrd has a format that is not read" in ended.err
    install()
    ended = mribench("run", *args)
    assert ended.code == 0, ended.err
    assert list((tmp_path / "runs" / "results").rglob("*.json"))


def test_its_volumes_are_those_of_the_files(install, scans):
    install()
    volumes = list(read_volumes(scans, find_files(scans)))
    assert [volume.subject for volume in volumes] == [f"p{i}" for i in range(8)]
    voxels = sitk.GetArrayFromImage(sitk.ReadImage(str(scans / "p0" / "scan.nrrd")))
    # ITK counts in LPS: rows run to posterior as on the screen, columns to the patient's left
    np.testing.assert_array_equal(volumes[0].pixels, voxels)
    assert volumes[0].spacing == (4.0, 1.0, 1.0) and volumes[0].source == "p0/scan.nrrd:axial"


def test_its_version_is_part_of_the_name_of_the_set(install, scans, modality, profile, tmp_path):
    install(version=3)
    readers = foreign_readers(scans, find_files(scans))
    assert readers == ["nrrd 3 of mribench-nrrd"]
    made = prepare_data(modality, str(scans), profile, tmp_path)
    names = ["local:scans", profile, 0, tmp_path / "data", None]
    same, older, own = (
        local_identity(scans, find_files(scans), *names, foreign)
        for foreign in (readers, ["nrrd 2 of mribench-nrrd"], [])
    )
    assert made.path.name == f"brain-{same}" and len({same, older, own}) == 3


def test_a_reader_of_its_own_is_not_displaced(install, tmp_path, pictures):
    from PIL import Image

    install(suffixes=(".png",))
    (tmp_path / "p1").mkdir()
    Image.fromarray(pictures(1)[0]).save(tmp_path / "p1" / "a.png")
    (volume,) = read_volumes(tmp_path / "p1", find_files(tmp_path / "p1"), pattern="^.+$")
    np.testing.assert_array_equal(volume.pixels, pictures(1))
    # unless it is asked for by its name, as a card does
    with pytest.raises(DataError, match=r"a\.png has 2 dimensions"):
        files = find_files(tmp_path / "p1", reader="nrrd")
        list(read_volumes(tmp_path / "p1", files, pattern="^.+$", reader="nrrd"))


def test_two_plugins_that_claim_one_suffix_are_named(install, scans):
    install()
    install("other", suffixes=(".nrrd",))
    with pytest.raises(
        DataError, match=r"nrrd \(mribench-nrrd\) and other \(mribench-other\); uninstall one"
    ):
        find_files(scans)
    assert len(find_files(scans, reader="other")) == 8


def test_the_longest_suffix_decides(install, scans):
    install()
    install("long", suffixes=(".seq.nrrd",))
    (scans / "p0" / "scan.nrrd").rename(scans / "p0" / "scan.seq.nrrd")
    found = {path.name: table().reader_of(path, path.name).name for path in find_files(scans)}
    assert found == {"scan.nrrd": "nrrd", "scan.seq.nrrd": "long"}


def test_a_broken_reader_harms_no_other_format(install, scans, tmp_path, npz, caplog):
    install(code="raise RuntimeError('no licence server')\nNRRD = None")
    with caplog.at_level(logging.WARNING):
        assert len(list(read_volumes(npz(["a", "b"]), find_files(npz(["a", "b"]))))) == 2
    assert "no licence server" in caplog.text and "passed over" in caplog.text
    with pytest.raises(DataError, match=r"scan\.nrrd has a format that is not read"):
        find_files(scans)


def card(tmp_path, reader):
    folder = tmp_path / "cards"
    folder.mkdir(exist_ok=True)
    (folder / "x.toml").write_text(CARD.replace('reader = "nifti"', f'reader = "{reader}"'))
    return folder


def test_the_card_decides_which_reader_reads(install, scans, tmp_path, monkeypatch, modality, profile, npz):
    install()
    npz(["a", "b", "c"], name="scans/extra.npz")
    monkeypatch.setenv("MRIBENCH_CARDS", str(card(tmp_path, "nrrd")))
    monkeypatch.setenv("MRIBENCH_HOME", str(tmp_path / "home"))
    (tmp_path / "home" / "datasets").mkdir(parents=True)
    scans.rename(tmp_path / "home" / "datasets" / "x")
    made = prepare_data(modality, "x", profile, tmp_path)
    assert sum(made.manifest["subjects"].values()) == 8


def test_a_card_whose_reader_is_not_installed_is_refused(tmp_path, monkeypatch, modality, profile):
    monkeypatch.setenv("MRIBENCH_CARDS", str(card(tmp_path, "nrrd")))
    with pytest.raises(InputError, match="reader is 'nrrd', and no reader of that name is installed"):
        prepare_data(modality, "x", profile, tmp_path)


def test_a_reader_passes_the_conformance_kit(install, mribench):
    install()
    ended = mribench("plugin", "check", "nrrd")
    assert ended.code == 0, ended.out
    assert "nrrd" in mribench("list").out


@pytest.mark.parametrize(
    ("good", "bad", "found"),
    [
        ("astype(np.float32)", "astype(float)", "pixels is float64 (3, 12, 10)"),
        ("volume(subject,", "volume('anybody',", "the subject is 'anybody'"),
        ("file.name)\n\n", "str(file.path))\n\n", "source is '/"),
        ("raise DataError", "raise ValueError", "a file that is cut off raises ValueError"),
        ("SUFFIXES", "('.NRRD',)", "the suffix ['.NRRD'] is never met"),
        ("        yield", "        if not subject:\n            yield", "gives no volume"),
        (", example=example", "", "not tried: there is no example"),
    ],
)
def test_the_kit_finds_what_is_wrong_with_a_reader(install, mribench, good, bad, found):
    assert good in NRRD
    install(code=NRRD.replace(good, bad))
    ended = mribench("plugin", "check", "nrrd")
    assert found in ended.out and ended.code == (0 if "not tried" in found else 1)
