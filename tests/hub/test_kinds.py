"""Every kind of generator is published, and opens as what it was."""

import hashlib
import shutil
from dataclasses import replace

import pytest
import torch
from test_opens import block, fresh

from mribench import files, results
from mribench.hub import drawing
from mribench.plugins import lookup
from mribench.profiles import SMOKE
from mribench.sampling.forward_process import samplers_of
from mribench.spec import Variant
from mribench.tasks import to_uint8
from mribench.training.checkpoint import write_pipeline
from mribench.training.conditions import drawn_label, with_labels
from mribench.training.space import LATENT_STD
from mribench.training.stages import earlier_stages

# a process in latents, one with a denoiser of its own, a generator that is no diffusion
KINDS = ("ldm-kl", "edm", "gan")
TRAINED = [
    e.name for e in lookup.entries("variants") if not e.value.startswith("mribench.variants.controls:")
]


def sampler_of(variant):
    """Its profile's, or one that draws from it in few steps."""
    return f"{samplers_of(variant)[0].name}-5" if isinstance(variant, Variant) else None


def made(trained, name):
    """A cell whose networks were never trained, and a run folder of its own."""
    variant = lookup.load("variants", name)
    profile = replace(SMOKE, samplers=tuple(filter(None, [sampler_of(variant)])), sample_batch=4)

    def networks(folder):
        torch.manual_seed(0)
        shutil.rmtree(folder / "best")
        if isinstance(variant, Variant):
            write_pipeline(
                folder / "best", with_labels(variant, 1).network(profile), variant.scheduler(profile)
            )
        for stage in earlier_stages(variant):
            write_pipeline(folder / stage.name / "best", stage.network(profile), None)
            files.write_json(folder / stage.name / "train.json", {LATENT_STD: 0.5, "steps": 3})
        return {stage.name: {"steps": 3} for stage in earlier_stages(variant)}

    checkpoint = f"brain_{name}_s0_0123456789ab"
    conditions = getattr(variant, "conditions", ())
    told = {of: {"labels": [drawn_label(variant, "brain")], "images": [3]} for of in conditions}
    return trained(
        f"{name}-run", stages=networks, variant=name, budget=profile, checkpoint=checkpoint, conditions=told
    )


def sha256(images):
    return hashlib.sha256(to_uint8(images).tobytes()).hexdigest()


def opens(names, hub, shared, surroundings, trained):
    """By the lines of the card in a fresh process, from the Hub and from a folder, with the images of the run."""
    code, expected = "import hashlib\nfrom mribench.tasks import to_uint8\n", []
    for name in names:
        run, repo = made(trained, name), f"alice/{name}"
        assert shared("push", run, "--repo", repo, "--dry-run").code == 0
        ended = shared("push", run, "--repo", repo)
        assert ended.code == 0, ended.err
        readme = hub.repos["model", repo].files["README.md"].decode()
        lines, install = block(readme, "python"), block(readme, "sh")
        told = "print(images.shape, images.dtype, hashlib.sha256(to_uint8(images).tobytes()).hexdigest())"
        same = sha256(drawing.sample(str(run), 4))
        if install == "pip install diffusers torch":
            # its own noise: whether the images are the same is tested in test_opens
            told, same = "print(images[..., 0].shape, images.dtype, end=' ')\nprint('')", ""
        else:
            assert lookup.owner("variants", name).replace(" ", "==") in install
        for source in (f'"{repo}"', f'"{run}/hub/brain-{name}-s0"'):
            code += f"{lines}\n{told}\n".replace(f'"{repo}"', source)
            expected.append(f"(4, 32, 32) float32 {same}")
    assert fresh(code, surroundings) == expected


def test_every_kind_opens_by_the_lines_of_its_card(hub, shared, surroundings, trained):
    opens(KINDS, hub, shared, surroundings, trained)


@pytest.mark.slow
@pytest.mark.parametrize("name", [name for name in TRAINED if name not in KINDS])
def test_every_variant_opens_by_the_lines_of_its_card(name, hub, shared, surroundings, trained):
    opens([name], hub, shared, surroundings, trained)


@pytest.mark.slow
@pytest.mark.parametrize("name", TRAINED)
def test_every_kind_is_reproduced_from_the_hub(name, hub, shared, tmp_path):
    sampler = sampler_of(lookup.load("variants", name))
    asked = ["--modalities", "brain", "--variants", name, "--profile", "smoke", "--train-steps", "4"]
    asked += ["--controls", "", *(["--samplers", sampler] if sampler else []), "--jobs", "1", "--out", "run"]
    ended = shared("run", *asked, MRIBENCH_OFFLINE="1")
    assert ended.code == 0, ended.err
    ended = shared("push", "run", "--repo", "alice/brain", "--i-know")
    assert ended.code == 0, ended.err
    ended = shared("verify", "alice/brain", MRIBENCH_OFFLINE="1")
    assert ended.code == 0 and "generation: reproduced" in ended.out, ended
    assert shared("pull", "alice/brain", "--out", "back").code == 0
    own, back = results.read_all([tmp_path / "run"]), results.read_all([tmp_path / "back"])
    hashes = "checkpoint_sha256", "outputs_sha256"
    told = [[(r.key, *map(r.provenance.get, hashes)) for r in found] for found in (own, back)]
    assert told[0] == told[1]
