from __future__ import annotations

import numpy as np
import pytest
from PIL import Image

from mribench.data.readers.image import read_image
from mribench.errors import DataError

DEEP = (np.arange(24 * 20) * 130).astype(np.uint16).reshape(24, 20)


@pytest.mark.parametrize("suffix", ["png", "tif"])
def test_sixteen_bits_are_exact(tmp_path, suffix):
    path = tmp_path / f"a.{suffix}"
    Image.fromarray(DEEP).save(path)
    pixels = read_image(path, "a")
    assert pixels.dtype == np.float32
    np.testing.assert_array_equal(pixels, DEEP[None])


def test_float_tiff_is_exact(tmp_path):
    Image.fromarray(DEEP.astype(np.float32) / 7).save(tmp_path / "a.tif")
    np.testing.assert_array_equal(read_image(tmp_path / "a.tif", "a")[0], DEEP.astype(np.float32) / 7)


def test_equal_channels_are_one_channel(tmp_path, pictures):
    grey = pictures(1)[0]
    Image.fromarray(np.stack([grey] * 3, axis=-1)).save(tmp_path / "a.png")
    np.testing.assert_array_equal(read_image(tmp_path / "a.png", "a")[0], grey)


def test_colour_becomes_luminance(tmp_path):
    colour = np.zeros((10, 10, 3), np.uint8)
    colour[..., 1] = 200
    Image.fromarray(colour).save(tmp_path / "a.png")
    np.testing.assert_allclose(read_image(tmp_path / "a.png", "a"), 0.587 * 200, rtol=1e-6)


@pytest.mark.parametrize("mode", ["P", "LA", "RGBA", "1"])
def test_other_modes(tmp_path, mode):
    half = np.zeros((10, 10), np.uint8)
    half[5:] = 255
    Image.fromarray(half).convert(mode).save(tmp_path / "a.png")
    np.testing.assert_array_equal(read_image(tmp_path / "a.png", "a")[0], half)


def test_pages_of_a_tiff(tmp_path, pictures):
    pages = [Image.fromarray(page) for page in pictures(3)]
    pages[0].save(tmp_path / "a.tif", save_all=True, append_images=pages[1:])
    np.testing.assert_array_equal(read_image(tmp_path / "a.tif", "a"), pictures(3))


def test_pages_of_different_sizes_are_refused(tmp_path):
    small, large = (Image.new("L", (n, n)) for n in (10, 20))
    small.save(tmp_path / "a.tif", save_all=True, append_images=[large])
    with pytest.raises(DataError, match="p/a has pages of different sizes"):
        read_image(tmp_path / "a.tif", "p/a")


def test_sixteen_bit_colour_is_refused(tmp_path):
    import struct
    import zlib

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    header = struct.pack(">IIBBBBB", 4, 4, 16, 2, 0, 0, 0)
    rows = zlib.compress((b"\0" + b"\1\2" * 12) * 4)
    png = b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", rows) + chunk(b"IEND", b"")
    (tmp_path / "a.png").write_bytes(png)
    with pytest.raises(DataError, match=r"a\.png is 16-bit colour"):
        read_image(tmp_path / "a.png", "a.png")


def test_what_is_no_image_is_refused(tmp_path):
    (tmp_path / "a.png").write_text("hello")
    with pytest.raises(DataError, match=r"a\.png is not an image"):
        read_image(tmp_path / "a.png", "a.png")


@pytest.mark.parametrize("suffix", ["png", "jpg", "tif"])
def test_a_truncated_image_is_refused(tmp_path, suffix):
    path = tmp_path / f"a.{suffix}"
    Image.fromarray(np.random.default_rng(0).integers(0, 255, (60, 60), dtype=np.uint8)).save(path)
    path.write_bytes(path.read_bytes()[:-900])
    with pytest.raises(DataError, match=rf"a\.{suffix} is (damaged|not an image)"):
        read_image(path, path.name)


def test_an_image_bomb_is_refused(tmp_path, monkeypatch):
    Image.new("L", (100, 100)).save(tmp_path / "a.png")
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 6000)
    with pytest.raises(DataError, match=r"a\.png is too large"):
        read_image(tmp_path / "a.png", "a.png")
