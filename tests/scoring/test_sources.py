"""What can be scored is read as it is; what cannot is refused in one sentence that says what to do."""

import json
import sys

import datasets
import nibabel as nib
import numpy as np
import pytest
import torch
from made_by_hand import SIDE, N, discs, save_pipeline, save_pngs
from PIL import Image

from mribench.errors import InputError
from mribench.sampling.pretrained import SampledModel, grey_images
from mribench.scoring import pipelines, sources, stored_images
from mribench.spec import PretrainedModel

BYTES = np.rint(discs(N, 5) * 255).astype(np.uint8)


def images_of(given, **options):
    source = sources.read(given, **options)
    return source.drawing(N).generate(range(N), 0)


def test_a_folder_of_png_is_read_in_natural_order(tmp_path):
    np.testing.assert_array_equal(images_of(save_pngs(tmp_path / "a", discs(N, 5))), BYTES)


def test_a_tiff_of_float_and_an_npz_are_the_same_images(tmp_path):
    (tmp_path / "tiff").mkdir()
    pages = [Image.fromarray(image) for image in discs(N, 5)]
    pages[0].save(tmp_path / "tiff" / "all.tif", save_all=True, append_images=pages[1:])
    np.savez(tmp_path / "float.npz", samples=discs(N, 5)[..., None])
    np.save(tmp_path / "bytes.npy", BYTES)
    for given in ("tiff", "float.npz", "bytes.npy"):
        np.testing.assert_array_equal(images_of(tmp_path / given), BYTES)


def test_nifti_is_turned_as_the_real_ones_are(tmp_path):
    volume = np.flip(discs(N, 5).transpose(2, 1, 0), axis=(0, 1))
    nib.save(nib.Nifti1Image(volume.astype(np.float32), np.diag([1, 1, 4, 1])), tmp_path / "a.nii.gz")
    np.testing.assert_array_equal(images_of(tmp_path / "a.nii.gz"), BYTES)


@pytest.mark.parametrize("split", [False, True])
def test_a_dataset_on_disk_is_read(tmp_path, split):
    made = datasets.Dataset.from_dict({"image": [Image.fromarray(image) for image in BYTES]})
    made = datasets.DatasetDict({"samples": made}) if split else made
    made.save_to_disk(tmp_path / "set")
    np.testing.assert_array_equal(images_of(tmp_path / "set"), BYTES)


def test_arrays_tensors_and_functions_are_taken(tmp_path, monkeypatch):
    tensor = torch.from_numpy(discs(N, 5))[:, None].requires_grad_()
    for given in (BYTES, discs(N, 5), tensor, lambda indices, seed: BYTES[list(indices)]):
        assert np.array_equal(grey_images(images_of(given), "it"), BYTES)
    (tmp_path / "my_gan.py").write_text(
        "import numpy as np\ndef draw(i, seed): return np.zeros((len(i), 64, 64))\n"
    )
    monkeypatch.chdir(tmp_path)
    source = sources.read("my_gan:draw")
    assert (source.side, source.model.name) == (64, "draw")
    sys.modules.pop("my_gan")


def test_of_more_images_as_many_are_taken_at_equal_distances():
    drawn = sources.read(BYTES).drawing(16).generate(range(16), 0)
    np.testing.assert_array_equal(drawn[[0, -1]], BYTES[[0, -1]])


def test_the_same_images_have_one_name_whatever_their_file_is_called(tmp_path):
    """And the name of a file or folder, which may be a patient's, is not used."""
    first = sources.read(save_pngs(tmp_path / "doe_john", discs(N, 5))).model
    second = sources.read(save_pngs(tmp_path / "other", discs(N, 5))).model
    assert first.name == second.name
    assert "doe" not in f"{first.name} {dict(first.source)}"


def test_a_name_becomes_part_of_file_names():
    assert sources.row_name("my VAE (v2)", "") == "my-VAE-v2"
    for bad in ("../..", "", "x" * 80):
        with pytest.raises(InputError, match="choose such a name"):
            sources.row_name(bad, "")
    with pytest.raises(InputError, match="name of an installed variant"):
        sources.row_name("ddpm", "")


def _folder(tmp_path, images, suffix="png"):
    for i, image in enumerate(images):
        Image.fromarray(image).save(tmp_path / f"{i}.{suffix}")
    return tmp_path


def colour(tmp_path):
    return _folder(tmp_path, [*BYTES[:20], *np.repeat(BYTES[:4, ..., None], 3, axis=3)])


def sixteen_bit(tmp_path):
    return _folder(tmp_path, BYTES.astype(np.uint16) * 257)


def several_sizes(tmp_path):
    return _folder(tmp_path, [*BYTES[:20], *BYTES[:4, :24, :24]])


def jpeg(tmp_path):
    return _folder(tmp_path, BYTES, "jpg")


def cut_off(tmp_path):
    path = _folder(tmp_path, BYTES) / "7.png"
    path.write_bytes(path.read_bytes()[:60])
    return tmp_path


def oblong(tmp_path):
    return _folder(tmp_path, BYTES[:, :30])


def few(tmp_path):
    return _folder(tmp_path, BYTES[:9])


def tiny(tmp_path):
    return _folder(tmp_path, BYTES[:, :16, :16])


def in_minus_one_to_one(tmp_path):
    np.savez(tmp_path / "a.npz", images=discs(N, 5) * 2 - 1)
    return tmp_path / "a.npz"


def in_255(tmp_path):
    np.savez(tmp_path / "a.npz", images=discs(N, 5) * 255)
    return tmp_path / "a.npz"


def nan(tmp_path):
    np.savez(tmp_path / "a.npz", images=np.full((N, SIDE, SIDE), np.nan))
    return tmp_path / "a.npz"


def rgb_array(tmp_path):
    np.savez(tmp_path / "a.npz", images=np.zeros((N, SIDE, SIDE, 3)))
    return tmp_path / "a.npz"


def two_arrays(tmp_path):
    np.savez(tmp_path / "a.npz", x=BYTES, y=BYTES)
    return tmp_path / "a.npz"


def pickled(tmp_path):
    np.savez(tmp_path / "a.npz", images=np.array([{}], dtype=object))
    return tmp_path / "a.npz"


def four_d(tmp_path):
    nib.save(nib.Nifti1Image(np.zeros((32, 32, 20, 2), np.float32), np.eye(4)), tmp_path / "a.nii")
    return tmp_path / "a.nii"


def nothing(tmp_path):
    return tmp_path


def absent(tmp_path):
    return tmp_path / "absent"


REFUSED = {
    colour: ("20.png", "4 of 24 files are in colour", "expected grey"),
    sixteen_bit: ("0.png", "uint16", "expected uint8 or float"),
    several_sizes: ("24x24, 32x32", "expected one", "score each size by itself"),
    jpeg: ("and 21 more", "JPEG changes", "save the samples as PNG"),
    cut_off: ("7.png", "cut off", "write it again"),
    oblong: ("30x32", "expected squares", "pad or crop"),
    few: ("9 images", "at least 16", "generate more"),
    tiny: ("16 pixels", "32 to 256", "generate or crop"),
    in_minus_one_to_one: ("from -1 to", "expected [0, 1]", "(x + 1) / 2"),
    in_255: ("from 0 to", "expected [0, 1]", "x / 255"),
    nan: ("nan", "expected [0, 1]", "scale"),
    rgb_array: ("colour images", "expected one grey channel", "save the channel"),
    two_arrays: ("x, y", "expected images", "call the samples so"),
    pickled: ("cannot be read", "", "numpy.savez"),
    four_d: ("(32, 32, 20, 2)", "expected 3-D", "each frame by itself"),
    nothing: ("no samples", "expected PNG", "check the path"),
    absent: ("neither a file", "", "check the path"),
}


@pytest.mark.parametrize("make", REFUSED, ids=lambda make: make.__name__)
def test_what_cannot_be_scored_is_refused(tmp_path, make, refused):
    said = refused("score", make(tmp_path), "--against", "phantom:brain", "--out", tmp_path / "out")
    assert all(part in said for part in REFUSED[make]), said
    assert not (tmp_path / "out").exists()


def test_too_few_images_say_how_many_are_missing():
    with pytest.raises(
        InputError, match=r"24 images were found, expected 256; generate 232 more, or give --n 24"
    ):
        sources.read(BYTES).drawing(256)


def test_a_pipeline_that_brings_code_or_pickles_is_refused(tmp_path, refused):
    folder = save_pipeline(tmp_path / "p")
    index = folder / "model_index.json"
    text = index.read_text()
    index.write_text(text.replace('"diffusers",\n    "UNet2DModel"', '"my_code",\n    "UNet2DModel"'))
    assert "takes its unet from my_code" in refused("score", folder, "--against", "phantom:brain")
    index.write_text(text)
    (weights,) = folder.rglob("*.safetensors")
    weights.rename(weights.with_name("diffusion_pytorch_model.bin"))
    assert "safe_serialization=True" in refused("score", folder, "--against", "phantom:brain")


def test_timesteps_of_what_mribench_publishes_are_no_part_of_a_pipeline(tmp_path):
    folder = save_pipeline(tmp_path / "p")
    index = json.loads((folder / "model_index.json").read_text())
    index |= {"_class_name": ["pipeline", "GreyImagePipeline"], "timesteps": [999, 500], "patch": 1}
    (folder / "model_index.json").write_text(json.dumps(index))
    pipelines.check(folder)
    index["vae"] = [["my_code"], "VAE"]
    (folder / "model_index.json").write_text(json.dumps(index))
    with pytest.raises(InputError, match="user/name takes its vae from"):
        pipelines.check(folder, "user/name")


def test_a_repository_may_be_called_like_an_installed_variant():
    assert sources._name_of("bob/ddpm") == "bob-ddpm"
    assert sources._name_of("bob/lesions") == "lesions"


def test_a_pipeline_in_colour_is_refused(tmp_path, refused):
    folder = save_pipeline(tmp_path / "p", channels=3)
    said = refused("score", folder, "--against", "phantom:brain", "--steps", 1)
    assert "expected one grey channel" in said


def test_a_model_that_gives_other_images_than_it_is_asked_for_is_refused():
    model = PretrainedModel("it", "it", "", lambda indices, seed: BYTES[:3])
    with pytest.raises(InputError, match="3 images of 32x32 pixels, expected 5 of 64x64"):
        SampledModel(model, 64).generate(range(5), 0)


def test_the_hash_is_of_the_contents_and_not_of_the_names(tmp_path):
    a = stored_images.read(save_pngs(tmp_path / "a", discs(N, 5)))
    (tmp_path / "a" / "sample_0.png").rename(tmp_path / "a" / "sample_00.png")
    assert stored_images.read(tmp_path / "a").sha256 == a.sha256
    Image.fromarray(BYTES[1]).save(tmp_path / "a" / "sample_00.png")
    assert stored_images.read(tmp_path / "a").sha256 != a.sha256
