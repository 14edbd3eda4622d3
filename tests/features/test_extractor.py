"""Features are taken once per content and space, kept on disk, and made again where the kept ones cannot be read."""

from dataclasses import replace

import numpy as np
import pytest

from mribench.errors import Unavailable
from mribench.features import Extractor
from mribench.features.hc85 import HC85


@pytest.fixture
def counted():
    """A space that counts how many images it has seen."""
    seen = []

    def extract(images):
        seen.append(len(images))
        return np.stack([images.mean((1, 2)), images.std((1, 2))], axis=1).astype(np.float64)

    def load():
        return extract

    return replace(HC85, name="counted", dim=2, load=load, identity=lambda: "counted"), seen


def images(seed=0):
    return np.random.default_rng(seed).integers(0, 256, (5, 16, 16), dtype=np.uint8)


def test_each_content_goes_through_a_space_once(counted):
    space, seen = counted
    extract = Extractor({"counted": space})
    first = extract("counted", images())
    assert (extract("counted", images().copy()) == first).all()
    extract("counted", images(1))
    assert seen == [5, 5]


def test_another_process_finds_them_on_disk(counted, tmp_path):
    space, seen = counted
    first = Extractor({"counted": space}, tmp_path)("counted", images())
    second = Extractor({"counted": space}, tmp_path)("counted", images())
    assert seen == [5] and (first == second).all()
    assert sorted(path.suffix for path in tmp_path.iterdir()) == [".npy", ".sha256"]


def test_another_identity_or_shape_is_another_file(counted, tmp_path):
    space, seen = counted
    Extractor({"counted": space}, tmp_path)("counted", images())
    Extractor({"counted": replace(space, identity=lambda: "other weights")}, tmp_path)("counted", images())
    Extractor({"counted": space}, tmp_path)("counted", images().reshape(5, 8, 32))
    assert seen == [5, 5, 5]


@pytest.mark.parametrize("damage", ["cut", "nan", "short", "pickle", "bit", "no digest"])
def test_a_damaged_file_is_made_again(counted, tmp_path, damage):
    space, seen = counted
    first = Extractor({"counted": space}, tmp_path)("counted", images())
    (path,) = tmp_path.glob("*.npy")
    match damage:
        case "bit":
            content = bytearray(path.read_bytes())
            content[len(content) // 2] ^= 1
            path.write_bytes(content)
        case "no digest":
            path.with_name(f"{path.name}.sha256").unlink()
        case "cut":
            path.write_bytes(path.read_bytes()[:-3])
        case "nan":
            np.save(path, np.full_like(first, np.nan))
        case "short":
            np.save(path, first[:2])
        case "pickle":
            np.save(path, np.array([{"a": 1}], dtype=object), allow_pickle=True)
    assert (Extractor({"counted": space}, tmp_path)("counted", images()) == first).all()
    assert seen == [5, 5]


def test_what_cannot_be_loaded_is_tried_once():
    tried = []

    def load():
        tried.append(1)
        raise Unavailable("no weights")

    extract = Extractor({"absent": replace(HC85, load=load)})
    for _ in range(3):
        with pytest.raises(Unavailable, match="no weights"):
            extract("absent", images())
    assert tried == [1]
