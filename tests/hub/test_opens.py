"""What was published opens: by the lines of its card in a fresh process, and as the run that it was."""

import re
import subprocess
import sys
from dataclasses import replace

import numpy as np
import pytest
import torch
import yaml
from hub_server import Repo

from mribench import files, hashing, profiles, results
from mribench.errors import InputError
from mribench.hub import card, layout, leak_scan, plain, staging, weights
from mribench.hub.redaction import Redactor
from mribench.networks import PatchUNet2DModel
from mribench.sampling import samplers
from mribench.sampling.sample import TrainedModel
from mribench.seeds import torch_generator
from mribench.spec import Network, Score
from mribench.training.checkpoint import write_pipeline
from mribench.variants import ddpm

WEIGHTS = "unet/diffusion_pytorch_model.safetensors"


def budget(name):
    """A profile with the levels, patches and sampler that it has, and narrow."""
    profile = profiles.get(name)
    net = profile.network
    narrow = Network((8,) * len(net.channels), 1, net.attention_levels, 4, 4, net.patch)
    return replace(profile, network=narrow, coarse_steps=0)


def network(profile):
    """For ``trained``: writes the pipeline that a run of this profile starts from."""

    def write(folder):
        torch.manual_seed(0)
        write_pipeline(folder, ddpm.network(profile), ddpm.scheduler(profile))

    return write


def made(trained, of="quick", **about):
    profile = budget(of)
    return trained(write=network(profile), budget=profile, **about)


def block(text, kind):
    (found,) = re.findall(
        rf"```{kind}\n(pip .*?|(?!pip).*?)\n```", text.partition("## Data")[0], flags=re.DOTALL
    )
    return found


def lines_of(readme):
    """The lines of a card, and a line on what they gave."""
    told = "print(images.shape, images.dtype, images.min() >= 0, images.max() <= 1, images.std() > 0)"
    return f"{block(readme, 'python')}\n{told}\n"


def fresh(code, surroundings):
    ended = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, env=surroundings)
    assert ended.returncode == 0, ended.stderr
    return ended.stdout.splitlines()


def opens(names, hub, shared, surroundings, trained):
    """Each profile's cell by the lines of its card, from the Hub and from a folder, in one fresh process."""
    code, expected = "", []
    for name in names:
        run, size = made(trained, name, name=f"{name}-run"), profiles.get(name).size
        assert shared("push", run, "--repo", f"alice/{name}", "--dry-run").code == 0
        assert shared("push", run, "--repo", f"alice/{name}").code == 0
        readme = hub.repos["model", f"alice/{name}"].files["README.md"].decode()
        assert block(readme, "sh") == "pip install diffusers torch"
        lines = lines_of(readme).replace("(batch_size=4", "(batch_size=1")
        code += lines + lines.replace(f'"alice/{name}"', f'"{run}/hub/brain-ddpm-s0"')
        expected += 2 * [f"(1, {size}, {size}, 1) float32 True True True"]
    code += 'import sys; print("mribench" in sys.modules)'
    assert fresh(code, surroundings) == [*expected, "False"]


def test_a_profile_opens_with_diffusers_alone(hub, shared, surroundings, trained):
    opens(("quick",), hub, shared, surroundings, trained)


@pytest.mark.slow
def test_the_other_profiles_open_with_diffusers_alone(hub, shared, surroundings, trained):
    opens(("smoke", "standard", "paper"), hub, shared, surroundings, trained)


@pytest.fixture
def staged(trained, tmp_path):
    """``staged(run)``: the one folder that would leave."""

    def stage(run):
        request = staging.PushRequest(run, "alice/brain")
        (found,) = staging.stage_cells(request, tmp_path / "staged")
        return found.folder

    return stage


@pytest.mark.parametrize("name", ["dpm-solver-5", "dpm-solver-16", "ddim-7", "ddim-50", "ddpm-1000"])
def test_the_published_pipeline_draws_the_images_that_were_scored(name, staged, trained):
    """By the sampler's own timesteps; ddim-7 visits others than its scheduler would."""
    from diffusers import DiffusionPipeline

    profile = replace(budget("quick"), samplers=(name,), sample_batch=2, size=32)
    run = trained(write=network(profile), budget=profile)
    folder = staged(run)
    pipeline = DiffusionPipeline.from_pretrained(folder, trust_remote_code=True)
    assert type(pipeline.unet).__name__ == "UNet2DModel" and pipeline.unet.config.in_channels == 4
    choice = samplers.resolve(name)
    assert len(pipeline.config.timesteps or range(choice.steps)) == choice.steps or name == "ddim-7"
    if name == "ddpm-1000":
        return  # of 1,000 steps only the timesteps are compared
    drawn = pipeline(
        2, generator=[torch_generator("sample", 3, i) for i in range(2)], output_type="np"
    ).images
    model = TrainedModel(next(run.glob("train/*/best")), ddpm.DDPM, choice, profile, "fp32")
    assert np.abs(drawn[..., 0] - model.generate(range(2), 3)).max() < 1e-3
    assert pipeline(1, num_inference_steps=2).images[0].size == (32, 32)


def test_the_weights_come_back_to_the_byte(staged, trained, tmp_path):
    run = made(trained)
    folder = staged(run)
    assert not any(name.startswith("unet.") for name in _tensors(folder / WEIGHTS))
    layout.restore(folder, tmp_path / "back", "staged")
    for own in run.glob("train/*/best/**/*.*"):
        copy = tmp_path / "back" / own.relative_to(run)
        same = "config" in own.name or own.name == "model_index.json"  # the keys are sorted
        assert (
            files.read_json(own) == files.read_json(copy) if same else own.read_bytes() == copy.read_bytes()
        )
    assert not list((tmp_path / "back").rglob("*.py"))


def _tensors(path):
    from safetensors import safe_open

    with safe_open(path, "np") as file:
        return list(file.keys())


def test_weights_that_could_not_be_made_again_are_published_as_they_are(staged, trained):
    """A header with spaces says the same and is another file."""
    run = made(trained)
    (path,) = run.glob(f"train/*/best/{WEIGHTS}")
    content = path.read_bytes()
    length = int.from_bytes(content[:8], "little")
    header = content[8 : 8 + length].rstrip().replace(b'":{"dtype', b'": {"dtype')
    header += b" " * (-len(header) % 8)
    path.write_bytes(len(header).to_bytes(8, "little") + header + content[8 + length :])
    assert not weights.is_reversible(path)
    for one in results.read_all([run]):
        if not one.is_control:
            about = {**one.provenance, "checkpoint_sha256": hashing.file_sha256(path)}
            results.write(run, replace(one, provenance=about))
    folder = staged(run)
    assert (folder / WEIGHTS).read_bytes() == path.read_bytes() and not (folder / "pipeline.py").exists()
    assert "import mribench" in block((folder / "README.md").read_text(), "python")


def old_repository(run, staged, monkeypatch):
    """The files of a push by an earlier version: the network of mribench, as it was trained."""
    with monkeypatch.context() as earlier:
        earlier.setattr(plain, "recipe", lambda cell: None)
        earlier.setattr(layout, "SCHEMA", 1)
        folder = staged(run)
    assert files.read_json(folder / "mribench.json")["schema"] == 1
    assert files.read_json(folder / "unet" / "config.json")["_class_name"] == PatchUNet2DModel.__name__
    return {p.relative_to(folder).as_posix(): p.read_bytes() for p in folder.rglob("*") if p.is_file()}


def test_what_an_earlier_version_published_opens_and_can_be_published_anew(
    hub, shared, surroundings, staged, trained, monkeypatch, tmp_path
):
    repo = hub.repos["model", "alice/old"] = Repo()
    repo.add(old_repository(made(trained), staged, monkeypatch))
    assert shared("sample", "alice/old", "--n", 2, "--sampler", "ddim-2", "--out", "drawn").code == 0
    assert len(list((tmp_path / "drawn").iterdir())) == 2
    assert shared("pull", "alice/old", "--out", "back").code == 0
    ended = shared("push", "back", "--repo", "alice/old")
    assert ended.code == 0, ended.err
    files_now = hub.repos["model", "alice/old"].files
    assert "pipeline.py" in files_now and b"trust_remote_code" in files_now["README.md"]


def test_the_front_matter_is_short_however_many_scores_there_are(staged, trained):
    run = made(trained)
    for one in results.read_all([run]):
        many = tuple(Score("kd", float(i), 24, 4, i - 1.0, i + 1.0, 12, f"space-{i}") for i in range(60))
        results.write(run, replace(one, scores=many))
    _, front, body = (staged(run) / "README.md").read_text().split("---\n", 2)
    assert len(front.splitlines()) < 80
    (index,) = yaml.safe_load(front)["model-index"]
    assert index["results"][0]["metrics"] and body.count("space-59")


def test_a_card_names_the_packages_with_their_versions(result):
    plugins = {"modality": "organs 9", "variant": "mribench-latent 0.1.0", "sampler": "mribench-score 0.2.0"}
    own = [result(provenance={"plugins": plugins}), result(provenance={"plugins": {"variant": None}})]
    packages = card._packages(own)
    assert packages[0].startswith("mribench==")
    assert packages[1:] == ["mribench-latent==0.1.0", "mribench-score==0.2.0"]


def test_no_other_code_leaves(staged, trained):
    folder = staged(made(trained))
    nobody = Redactor({})
    leak_scan.scan(folder, nobody)
    with open(folder / "pipeline.py", "a") as file:
        file.write("import os\n")
    with pytest.raises(InputError, match=r"pipeline\.py is no kind of file that mribench shares"):
        leak_scan.scan(folder, nobody)
