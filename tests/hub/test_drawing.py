"""``mribench sample``: images of a run or a published model."""

from dataclasses import replace

import numpy as np
import pytest
from PIL import Image
from test_opens import budget, network

from mribench import results, sample
from mribench.errors import InputError


@pytest.fixture
def run(trained):
    profile = replace(budget("smoke"), samplers=("ddim-2",), sample_batch=4)
    return trained(write=network(profile), budget=profile)


def test_image_i_depends_on_the_seed_and_on_i_alone(run):
    few, many = sample(str(run), 2), sample(str(run), 5)
    assert many.shape == (5, 32, 32) and many.dtype == np.float32 and 0 <= many.min() < many.max() <= 1
    assert np.abs(few - many[:2]).max() < 1e-3
    assert np.abs(sample(str(run), 2, seed=7) - few).max() > 0.1


def test_the_images_are_files_and_nothing_else_lies_among_them(run, mribench, tmp_path):
    ended = mribench("sample", run, "--n", 3, "--out", tmp_path / "drawn.v1")
    assert ended.code == 0 and ended.out.strip() == str(tmp_path / "drawn.v1"), ended
    assert [p.name for p in sorted((tmp_path / "drawn.v1").iterdir())] == [f"{i:06d}.png" for i in range(3)]
    assert Image.open(tmp_path / "drawn.v1-grid.png").size == (3 * 34 - 2, 32)
    assert mribench("sample", run, "--n", 3, "--out", tmp_path / "drawn.npz").code == 0
    with np.load(tmp_path / "drawn.npz") as archive:
        images = archive["images"]
    assert np.array_equal(images[1], np.asarray(Image.open(tmp_path / "drawn.v1" / "000001.png")))
    assert (tmp_path / "drawn-grid.png").is_file()


def test_what_is_there_stays(run, refused, tmp_path):
    (tmp_path / "drawn").mkdir()
    assert "drawn exists; choose another --out" in refused("sample", run, "--out", tmp_path / "drawn")


def test_one_of_several_models_is_asked_for_by_name(run, trained):
    profile = replace(budget("smoke"), samplers=("ddim-2",))
    about = {"write": network(profile), "budget": profile, "seed": 1}
    trained("run", checkpoint="brain_ddpm_s1_0123456789ab", **about)
    with pytest.raises(
        InputError, match="has 2 trained models; give --cell one of brain-ddpm-s0, brain-ddpm-s1"
    ):
        sample(str(run))
    assert sample(str(run), 1, cell="brain-ddpm-s1").shape == (1, 32, 32)


@pytest.mark.parametrize(
    ("about", "said"),
    [
        ({"n": 0}, "0 images were asked for; expected at least 1"),
        ({"sampler": "flow-euler-5"}, "flow-euler-5 does not draw from ddpm; it was scored with ddim-2"),
        ({"sampler": "dim-5"}, "unknown sampler"),
        ({"cell": "lung-ddpm-s0"}, "no cell 'lung-ddpm-s0'; expected one of brain-ddpm-s0"),
    ],
)
def test_what_cannot_be_drawn_is_said_in_a_sentence(about, said, run):
    with pytest.raises(InputError, match=said):
        sample(str(run), **about)


def test_of_many_cells_the_nearest_names_are_said(run, trained):
    for seed in range(1, 12):
        trained("run", checkpoint=f"brain_ddpm_s{seed}_0123456789ab", seed=seed)
    with pytest.raises(InputError, match=r"expected one of brain-ddpm-s11, .*, \.\.\. \(12 in all\)$"):
        sample(str(run), cell="brain-dpm-s11")


def test_a_plugin_that_is_missing_is_named_with_its_package(run):
    for one in results.read_all([run]):
        if not one.is_control:
            about = {**one.provenance, "plugins": {"variant": "mribench-latent 0.7.0"}}
            results.write(run, replace(one, variant="ldm-new", provenance=about))
    next(run.glob("results/**/*ddpm*")).unlink()
    with pytest.raises(
        InputError, match=r"unknown variant 'ldm-new'.*the model was made with mribench-latent 0\.7\.0"
    ):
        sample(str(run))


def test_a_control_is_not_sampled(trained, result, tmp_path):
    results.write(tmp_path / "controls", result(variant="gaussian", is_control=True))
    with pytest.raises(InputError, match="no trained variant"):
        sample(str(tmp_path / "controls"))
