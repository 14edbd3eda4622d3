"""Three generators that mribench never trained stand on one board beside ddpm, without touching the source."""

import json
import shutil

import numpy as np
import pytest
from made_by_hand import discs

import mribench as package
from mribench import results
from mribench.board import cost
from mribench.board.boards import boards
from mribench.data.organ import OWN_ORGAN
from mribench.errors import InputError
from mribench.scoring import sources
from mribench.scoring.data import organ_of
from mribench.scoring.kernel_distance import KernelDistance
from mribench.scoring.pipelines import Pipeline


@pytest.fixture(scope="module")
def scored(own, run, generators, tmp_path_factory):
    """The run folder of all three, scored as a user would."""
    out = tmp_path_factory.mktemp("scored")
    other = tmp_path_factory.mktemp("other") / "more.npz"
    np.savez(other, images=discs(36, 9), subject=np.repeat([f"q{i}" for i in range(12)], 3))
    about = {"against": own, "beside": run, "out": out, "controls": ["noise", "gaussian"]}
    made = [
        package.score(str(generators.pngs), name="a GAN", trained_on=own, **about),
        package.score(str(generators.pipeline), name="my ddpm", steps=2, **about),
        package.score(str(generators.vae), name="my VAE", trained_on=other, **about),
    ]
    return out, made


def manifest_of(out, one):
    """The manifest of the prepared set that something was scored against."""
    found = (out / "data").glob("*/manifest.json")
    return next(
        p for p in found if json.loads(p.read_text())["key"] == one.generation.comparability["data_key"]
    )


def test_one_board_holds_all_of_them_beside_ddpm(scored, run):
    out, _ = scored
    found = boards(results.read_all([out, run]))
    assert len(found) == 1
    assert [row.name for row in found[0].trained] == ["a-GAN", "ddpm ddim-2 v2", "my-VAE", "my-ddpm"]
    # those of the run serve
    assert [row.name for row in boards(results.read_all([out]))[0].rows] == ["a-GAN", "my-VAE", "my-ddpm"]


def test_the_page_shows_the_rows_beside(scored):
    out, _ = scored
    page = (out / "leaderboard.html").read_text()
    assert all(name in page for name in ("a-GAN", "my-VAE", "my-ddpm", "ddim-2", "gaussian"))
    assert "my-VAE was trained elsewhere" in page


def test_cost_of_a_training_elsewhere_is_blank_and_not_zero(scored):
    board = scored[1][2].board
    assert [cost.nfe(board.row("my-VAE")), cost.train_images(board.row("my-VAE"))] == [None, None]
    assert cost.train_images(board.row("gaussian")) == 0


def test_the_records_verify(mribench, scored):
    out, _ = scored
    ended = mribench("verify", out)
    assert ended.code == 0, ended.out
    assert "6 results: 6 reproduced" in ended.out


def test_exchanged_outputs_do_not_verify(mribench, scored, tmp_path):
    out = tmp_path / "copy"
    shutil.copytree(scored[0], out)
    (folder,) = (out / "outputs").glob("brain_my-VAE_*generation*")
    with np.load(folder / "outputs.npz") as archive:
        images = archive["images"]
    np.savez(folder / "outputs.npz", images=images[:, ::-1])
    ended = mribench("verify", out)
    assert ended.code == 1
    assert "outputs are not those on record" in ended.out


def test_two_rows_compare(mribench, scored, run):
    out, _ = scored
    ended = mribench("compare", f"{out}:my-VAE", f"{run}:ddpm")
    assert ended.code == 0, ended.err
    assert "not comparable" not in ended.out


def test_the_object_says_what_the_record_says(scored):
    _, (gan, pipeline, vae) = scored
    kept = vae.to_dict()["generation"]
    values = {s["space"]: s["value"] for s in kept["scores"] if s["metric"] == "kd"}
    assert {space: score.value for space, score in vae.kd.items()} == values
    assert json.dumps(vae.to_dict())
    assert "my-VAE: 24 images against" in repr(vae)
    assert "kd[hc85-v1]" in repr(vae)
    assert vae.rank == "only 2 test subjects" and vae.verdict == "cannot say"
    assert kept["provenance"]["source"]["kind"] == "npz"
    assert len(kept["provenance"]["source"]["sha256"]) == 64
    assert pipeline.to_dict()["audit"]["provenance"]["trained_on"] is None
    # all images of another set stand where the training split was
    assert kept["provenance"]["trained_on"] not in (None, vae.generation.comparability["data_key"])
    assert gan.to_dict()["audit"]["provenance"]["trained_on"] == gan.generation.comparability["data_key"]
    assert pipeline.to_dict()["generation"]["provenance"]["source"]["steps"] == 2


def test_kernel_distance_is_that_of_the_record(scored):
    """Known answer: in batches of any size, and again after ``reset``."""
    out, (_, _, vae) = scored
    folder = manifest_of(out, vae)
    metric = KernelDistance(folder.parent, split="test")
    with np.load(next((out / "outputs").glob("brain_my-VAE_*generation*")) / "outputs.npz") as archive:
        images = archive["images"]
    expected = {f"kd[{space}]": score.value for space, score in vae.kd.items()}
    for batches in (np.split(images, 3), [images[:, None].astype(np.float32) / 255]):
        for batch in batches:
            metric.update(batch)
        assert metric.compute() == expected
        metric.reset()


def test_kernel_distance_holds_the_test_subjects_back(scored):
    """By default: a checkpoint that was chosen by the test subjects has seen them."""
    out, (_, _, vae) = scored
    folder = manifest_of(out, vae)
    metric = KernelDistance(folder.parent)
    n = json.loads(folder.read_text())["images"]["validation"]
    assert f"against {n} of" in repr(metric)
    with pytest.raises(InputError, match="32x32"):
        metric.update(np.zeros((2, 16, 16), np.uint8))
    with pytest.raises(InputError, match="call update"):
        metric.compute()


def test_pairs_of_seed_and_index_decide_the_images_of_a_pipeline(generators):
    pipeline = Pipeline(generators.pipeline, steps=2)
    made = pipeline(range(18), 0)
    np.testing.assert_array_equal(made[[17, 3]], pipeline([17, 3], 0))
    assert not np.array_equal(made[:2], pipeline(range(2), 1))


def test_fewer_images_than_a_profile_wants_are_all_scored_and_said(own, tmp_path, capsys):
    images = discs(40, 6)
    found = package.score(images, against=own, features="hc85-v1", controls="", out=tmp_path)
    assert found.generation.comparability["n_generated"] == 40
    assert {score.n for score in found.scores.values() if score.metric == "kd"} == {40}
    assert "all 40 images are scored; boards of the profile quick have 256" in capsys.readouterr().err


def test_beside_other_rows_fewer_images_are_refused(own, run, capsys):
    sources.read(discs(30, 6)).drawing(24, beside=True)
    assert (
        "24 of the 30 images are scored, at equal distances; as many as of the rows"
        in capsys.readouterr().err
    )
    with pytest.raises(InputError, match="expected 24; generate 7 more, or leave --beside out"):
        package.score(discs(17, 6), against=own, beside=run)


def test_a_set_that_a_run_prepared_is_of_the_organ_of_the_run(own, run, generators, tmp_path):
    """Its folder is named after the organ: without --beside the rows of the run fit all the same."""
    (folder,) = (path for path in (run / "data").iterdir() if path.is_dir())
    words = {"against": folder, "profile": "smoke", "n": 16, "controls": ["noise", "gaussian"]}
    one = package.score(str(generators.vae), out=tmp_path / "scored", name="mine", **words)
    assert one.generation.modality == "brain"
    unnamed = shutil.copytree(folder, tmp_path / "set")
    assert organ_of(str(unnamed), None) == OWN_ORGAN and organ_of(str(unnamed), "heart") == "heart"
    with pytest.raises(InputError, match="is prepared and has its name; leave --data-name out"):
        package.score(str(generators.vae), data_name="mine", out=tmp_path / "named", **words)
