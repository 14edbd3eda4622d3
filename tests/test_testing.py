"""The conformance kit finds what is wrong, says where and how to mend it, and is never brought down by a plugin."""

import sys
from dataclasses import replace

import numpy as np
import pytest

from mribench import figures, testing
from mribench.errors import InputError
from mribench.phantom import PhantomSlice
from mribench.plugins import lookup
from mribench.plugins.lookup import PluginEntry
from mribench.spec import Expected
from mribench.testing import controls, features, metrics, modalities, packaging, samplers, tasks, variants
from mribench.testing.checking import Case, run_check
from mribench.testing.contact_sheet import contact_sheet

ORGAN = lookup.load("modalities", lookup.names("modalities")[0])
DDPM, NOISE = lookup.load("variants", "ddpm"), lookup.load("variants", "noise")
DDIM, MSE = lookup.load("samplers", "ddim"), lookup.load("metrics", "mse")
KD, HC85 = lookup.load("metrics", "kd"), lookup.load("features", "hc85-v1")
DENOISING = lookup.load("tasks", "denoising")


def finding(checks, run, plugin, group="modalities", name=None):
    """What one check finds in an object that no package brings."""
    check = next(check for check in checks if check.run is run)
    entry = PluginEntry(group, name or plugin.name, "nowhere:X", "mribench-try", "1.0", file=__file__)
    return run_check(check, Case(entry, plugin))


def drawn(**changes):
    """The organ with another image, other labels or other parameters."""

    def phantom(seed, subject, slice, size=64):
        return ORGAN.phantom(seed, subject, slice, size)._replace(
            **{word: change(seed, subject, slice, size) for word, change in changes.items()}
        )

    return replace(ORGAN, phantom=phantom)


def flat(seed, subject, slice, size):
    return np.full((size, size), 0.5, np.float32)


def unseeded(seed, subject, slice, size):
    return np.random.default_rng().random((size, size)).astype(np.float32)


def per_slice(seed, subject, slice, size):
    return np.random.default_rng([seed, subject, slice]).random((size, size)).astype(np.float32)


@pytest.mark.parametrize(
    ("run", "plugin", "found"),
    [
        (modalities.it_says_what_it_is, replace(ORGAN, contrast=" "), "contrast is empty"),
        (modalities.it_says_what_it_is, replace(ORGAN, cards=("absent",)), "'absent' is not installed"),
        (modalities.it_says_what_it_is, replace(ORGAN, name="toe"), "and not 'toe'"),
        (modalities.its_phantom_keeps_the_contract, drawn(image=flat), "nearly flat"),
        (
            modalities.its_phantom_keeps_the_contract,
            drawn(image=lambda *at: 2 * per_slice(*at)),
            "grey values run from",
        ),
        (
            modalities.its_phantom_keeps_the_contract,
            drawn(image=lambda *at: per_slice(*at).astype(float)),
            "image float64",
        ),
        (
            modalities.its_phantom_keeps_the_contract,
            drawn(params=lambda *at: {"tissues": ["air"]}),
            "has 1 names",
        ),
        (
            modalities.its_phantom_keeps_the_contract,
            drawn(params=lambda *at: {"tissues": ["t"] * 99, "x": np.float32(1)}),
            "cannot be written as JSON",
        ),
        (
            modalities.its_phantom_is_a_function_of_its_arguments,
            drawn(image=unseeded),
            "two calls with the same arguments differ",
        ),
        (
            modalities.its_phantom_is_a_function_of_its_arguments,
            replace(ORGAN, phantom=lambda *at, size=64: ORGAN.phantom(0, 0, 0, size)),
            "another seed changes the image by only",
        ),
        (modalities.slices_of_a_subject_are_nearer_than_subjects, drawn(image=per_slice), "times as much"),
        (modalities.anatomy_does_not_depend_on_the_size, drawn(image=per_slice), "correlates by"),
        (modalities.prepared_subjects_are_disjoint_and_in_order, drawn(image=unseeded), "two preparations"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_a_bad_organ_is_found(run, plugin, found):
    said = finding(modalities.CHECKS, run, plugin)
    assert said.state == "broken" and found in said.found and said.mend
    assert said.where


def doubled(net, scheduler, x0, noise, t):
    return DDPM.loss(net, scheduler, x0, noise, t).repeat(2)


def detached(net, scheduler, x0, noise, t):
    return DDPM.loss(net, scheduler, x0, noise, t).detach()


def infinite(net, scheduler, x0, noise, t):
    return DDPM.loss(net, scheduler, x0, noise, t) / (t > 0)[:, None].squeeze()


def one_side(net, scheduler, x0, noise, t):
    return DDPM.loss(net, scheduler, x0, noise, t) + (x0 - x0.new_ones(3, 1, 32, 32)).mean()


def needs_gradients(net, scheduler, x0, noise, t):
    if noise.is_inference():
        raise RuntimeError("a loss that needs gradients")
    return DDPM.loss(net, scheduler, x0, noise, t)


@pytest.mark.parametrize(
    ("run", "plugin", "found"),
    [
        (variants.its_loss_is_one_number_per_image, replace(DDPM, loss=one_side), "RuntimeError: The size"),
        (variants.its_loss_is_one_number_per_image, replace(DDPM, loss=doubled), "(6,) for three images"),
        (variants.its_loss_is_one_number_per_image, replace(DDPM, loss=detached), "no gradient"),
        (variants.its_loss_is_one_number_per_image, replace(DDPM, loss=infinite), "the loss is [inf"),
        (
            variants.its_forward_process_has_levels,
            replace(DDPM, path=lambda scheduler: (np.ones(7), np.ones(7))),
            "arrays of shape (7,)",
        ),
        (
            variants.its_forward_process_has_levels,
            replace(DDPM, path=lambda scheduler: (np.arange(1000) / 999, 1 - np.arange(1000) / 999)),
            "does not fall",
        ),
        (
            variants.it_trains_and_samples,
            replace(DDPM, process="unheard-of", path=lambda scheduler: None),
            "no installed sampler reverses",
        ),
        (
            variants.it_serves_every_default_task,
            replace(DDPM, loss=needs_gradients),
            "RuntimeError: a loss that needs gradients",
        ),
        (variants.it_says_what_it_is, replace(DDPM, paper=""), "paper or process is empty"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_a_bad_variant_is_found(run, plugin, found):
    said = finding(variants.CHECKS, run, plugin, "variants")
    assert said.state == "broken" and found in said.found and said.mend


def batched(indices, seed):
    return np.random.default_rng([seed, len(indices)]).random((len(indices), 32, 32)).astype(np.float32)


@pytest.mark.parametrize(
    ("plugin", "found"),
    [
        (
            replace(NOISE, generate=lambda state, indices, seed: batched(indices, seed)),
            "depends on the others",
        ),
        (replace(NOISE, generate=lambda state, indices, seed: batched(indices, seed) * 2), "values run from"),
        (
            replace(NOISE, generate=lambda state, i, seed: np.zeros((len(i), 32, 32), np.float32)),
            "another seed gives",
        ),
    ],
    ids=["batch", "range", "seed"],
)
def test_a_bad_control_is_found(plugin, found):
    said = finding(controls.CHECKS, controls.it_generates_images_by_seed_and_index, plugin, "variants")
    assert said.state == "broken" and found in said.found


@pytest.mark.parametrize("expected", ["last", Expected("worst of all", "it is noise"), Expected("last", "")])
def test_a_control_that_says_no_place_to_land_is_broken(expected):
    check = controls.it_says_where_it_must_land
    assert finding(controls.CHECKS, check, replace(NOISE, expected=expected), "variants").state == "broken"
    assert finding(controls.CHECKS, check, NOISE, "variants").state == "ok"


def late(scheduler, steps, start):
    return DDIM.timesteps(scheduler, steps, start)[1:]


def twice(scheduler, steps, start):
    return DDIM.timesteps(scheduler, 2 * steps, start)


@pytest.mark.parametrize(
    ("run", "timesteps", "found"),
    [
        (samplers.its_steps_are_what_its_name_says, twice, "10 steps visit 20 timesteps"),
        (samplers.an_image_is_the_same_in_any_batch, twice, "asked the network 20 times"),
        (samplers.where_the_network_knows_it_arrives, lambda *given: late(*given)[:-1], "away from x_0"),
    ],
)
def test_a_bad_sampler_is_found(run, timesteps, found, monkeypatch):
    plugin, load = replace(DDIM, timesteps=timesteps), lookup.load
    known = {("samplers", "ddim"): plugin}
    monkeypatch.setattr(lookup, "load", lambda *words: known.get(words) or load(*words))
    said = finding(samplers.CHECKS, run, plugin, "samplers")
    assert said.state == "broken" and found in said.found and said.mend


def euler_scheduler(config):
    from diffusers import EulerDiscreteScheduler

    return EulerDiscreteScheduler.from_config(config, timestep_spacing="linspace")


def euler_timesteps(scheduler, steps, start):
    """Evenly from ``start`` down to 0: hardly any of them is a whole number."""
    last = scheduler.config.num_train_timesteps - 1
    start = last if start is None else start
    scheduler.set_timesteps(timesteps=np.linspace(start, 0, round(steps * start / last)).tolist())
    return scheduler.timesteps.tolist()


EULER = replace(DDIM, name="euler", scheduler=euler_scheduler, timesteps=euler_timesteps)


@pytest.mark.parametrize("check", samplers.CHECKS, ids=lambda check: check.name)
def test_a_sampler_with_fractional_timesteps_conforms(check, monkeypatch):
    load, names = lookup.load, lookup.names
    monkeypatch.setattr(lookup, "load", lambda *asked: EULER if asked[1] == "euler" else load(*asked))
    monkeypatch.setattr(
        lookup, "names", lambda group: [*names(group), *(["euler"] if group == "samplers" else [])]
    )
    said = finding(samplers.CHECKS, check.run, EULER, "samplers")
    assert said.state == "ok", str(said)


def upside_down(x, y):
    return 1 - MSE.compute(x, y)


@pytest.mark.parametrize(
    ("run", "plugin", "found"),
    [
        (metrics.it_prefers_the_truth, replace(MSE, direction="up"), "direction up"),
        (metrics.it_prefers_the_truth, replace(MSE, compute=upside_down), "direction down"),
        (metrics.it_prefers_the_truth, replace(MSE, range=(0.0, 1e-9)), "the range says"),
        (metrics.it_prefers_the_truth, replace(MSE, range=(-1.0, 1.0)), "identical images score 0"),
        (
            metrics.it_prefers_the_truth,
            replace(MSE, compute=lambda x, y: MSE.compute(x, y).mean()),
            "six pairs give float64",
        ),
        (metrics.it_says_what_it_is, replace(MSE, features=("hc85-v1",)), "kind paired, feature spaces"),
        (
            metrics.it_says_when_there_is_too_little,
            replace(KD, compute=lambda *sets: 0.0),
            "one image against one gives",
        ),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_a_bad_metric_is_found(run, plugin, found):
    said = finding(metrics.CHECKS, run, plugin, "metrics")
    assert said.state == "broken" and found in said.found and said.mend


def centred():
    return lambda images: HC85.load()(images) - HC85.load()(images).mean(axis=0)


def test_a_bad_feature_space_is_found():
    run = features.it_gives_one_vector_per_image
    for plugin, found in (
        (replace(HC85, load=centred), "depends on the images beside it"),
        (replace(HC85, dim=3), "float64 (4, 85)"),
    ):
        said = finding(features.CHECKS, run, plugin, "features")
        assert said.state == "broken" and found in said.found


def floats(*given):
    return {name: part / 255 for name, part in DENOISING.produce(*given).items()}


def silent(*given):
    return [score for score in DENOISING.score(*given) if score.metric != "mae"]


@pytest.mark.parametrize(
    ("plugin", "found"),
    [
        (replace(DENOISING, produce=floats), "is float64"),
        (replace(DENOISING, score=silent), "scores of mae_fg, ms_ssim3, ms_ssim3_fg, mse, "),
        (replace(DENOISING, score=lambda *given: DENOISING.score(*given) * 2), "two scores have"),
    ],
    ids=["output", "metrics", "twice"],
)
def test_a_bad_task_is_found(plugin, found):
    said = finding(tasks.CHECKS, tasks.it_produces_and_scores_every_control, plugin, "tasks")
    assert said.state == "broken" and found in said.found and said.mend


def test_a_task_that_needs_what_nobody_knows_and_a_sampler_that_does_not_fit_are_found():
    needy = replace(DENOISING, needs=("a miracle",))
    said = finding(tasks.CHECKS, tasks.its_needs_are_known, needy, "tasks")
    assert said.state == "broken" and "a miracle" in said.found
    check = variants.its_own_sampler_draws_from_it
    for variant, state in (
        (DDPM, "ok"),
        (replace(DDPM, sampler="ddim"), "ok"),
        (replace(DDPM, sampler="nowhere"), "broken"),
        (replace(DDPM, sampler="ddim", process="another"), "broken"),
    ):
        assert finding(variants.CHECKS, check, variant, "variants").state == state


def test_what_the_package_says_of_itself_is_checked():
    agree, light = packaging.entry_point_and_name_agree, packaging.discovery_is_light_and_the_object_travels
    assert "calls itself" in finding(packaging.CHECKS, agree, MSE, "metrics", "mean").found
    assert (
        "the name is 'My metric'"
        in finding(packaging.CHECKS, agree, replace(MSE, name="My metric"), "metrics").found
    )
    inner = replace(MSE, compute=lambda x, y: 0)
    assert "cannot be pickled" in finding(packaging.CHECKS, light, inner, "metrics").found
    other = replace(MSE, title="another")
    assert "not equal to the one loaded" in finding(packaging.CHECKS, light, other, "metrics").found


def test_what_a_plugin_raises_is_a_finding_with_its_line():
    def raising(seed, subject, slice, size=64) -> PhantomSlice:
        raise ZeroDivisionError("no such bone")

    said = finding(
        modalities.CHECKS, modalities.its_phantom_keeps_the_contract, replace(ORGAN, phantom=raising)
    )
    assert said.state == "broken" and said.found == "ZeroDivisionError: no such bone"
    file, _, line = said.where.rpartition(":")
    assert file == __file__ and line == str(raising.__code__.co_firstlineno + 1)


def test_what_the_kit_of_phantoms_refuses_says_itself_how_to_mend_it():
    def unnamed(seed, subject, slice, size=64):
        raise InputError("the tissue 'skin' has no values; add it")

    run = modalities.its_phantom_keeps_the_contract
    assert "as the sentence says" in finding(modalities.CHECKS, run, replace(ORGAN, phantom=unnamed)).mend

    def needs_size(seed, subject, slice, size):
        return ORGAN.phantom(seed, subject, slice, size)

    assert finding(modalities.CHECKS, run, replace(ORGAN, phantom=needs_size)).found == "size has no default"


@pytest.mark.parametrize(
    ("source", "line", "mend"),
    [
        ("from toe_bones import MODALITY\n", "toe_bones.py:2", "correct that line"),
        ("def (:\n", "toe.py:1", "correct that line"),
        ("MODALITY = 7\n", "toe.py", "as the sentence says"),
    ],
)
def test_a_plugin_that_does_not_load_is_told_with_its_line(source, line, mend, tmp_path, monkeypatch):
    (tmp_path / "toe.py").write_text(source)
    (tmp_path / "toe_bones.py").write_text("NUMBER = 14\nMODALITY = NUMBER.bones\n")
    information = tmp_path / "mribench_toe-1.2.dist-info"
    information.mkdir()
    (information / "METADATA").write_text("Metadata-Version: 2.1\nName: mribench-toe\nVersion: 1.2\n")
    (information / "entry_points.txt").write_text("[mribench.modalities]\ntoe = toe:MODALITY\n")
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.setattr(sys, "modules", dict(sys.modules))
    (said,) = testing.check("modalities", "toe")
    assert said.state == "broken" and said.where == str(tmp_path / line) and said.mend == mend


def test_one_cause_is_told_in_full_once(monkeypatch):
    def raising(seed, subject, slice, size=64):
        raise ZeroDivisionError("no such bone")

    load, broken = lookup.load, replace(ORGAN, phantom=raising)
    monkeypatch.setattr(
        lookup, "load", lambda group, name: broken if name == ORGAN.name else load(group, name)
    )
    monkeypatch.setattr(
        packaging, "_probe", lambda case: {"listed": [], "same": True, "loaded": [], "seconds": 0}
    )
    said = [one for one in testing.check("modalities", ORGAN.name) if one.state == "broken"]
    assert [one.found for one in said] == ["ZeroDivisionError: no such bone", *["as above"] * (len(said) - 1)]
    assert len(said) == 5 and "where" not in str(said[1])


def test_a_phantom_is_shown_subjects_in_rows_slices_in_columns(monkeypatch):
    def coordinates(seed, subject, slice, size=64):
        return PhantomSlice(
            np.full((size, size), (10 * subject + slice) / 255, np.float32),
            np.zeros((size, size), np.uint8),
            {},
        )

    shown = contact_sheet(replace(ORGAN, phantom=coordinates), size=128)[figures.MARGIN :]
    step = 128 + figures.GAP
    assert shown[step * 3 + 5, step * 2 + 5] == 32 and shown[step * 5 + 5, 5] == 50
    for phantom, size, said in ((drawn(image=per_slice), 4, "--size is 4"), (drawn(image=loud), 32, "draws")):
        with pytest.raises(InputError, match=said):
            contact_sheet(phantom, size)


def loud(*at):
    return 2 * per_slice(*at)


def test_a_picture_of_a_phantom_is_written_where_it_is_asked_for(mribench, refused, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert mribench("plugin", "draw", ORGAN.name, "--size", 16).out == f"{ORGAN.name}.png\n"
    first = (tmp_path / f"{ORGAN.name}.png").read_bytes()
    assert mribench("plugin", "draw", ORGAN.name, "--size", 16, "--seed", 1, "--out", "b.png").code == 0
    assert first[:4] == b"\x89PNG" and (tmp_path / "b.png").read_bytes() != first
    assert "unknown modality 'ddpm'" in refused("plugin", "draw", "ddpm")


def test_a_good_plugin_passes_and_an_unknown_one_is_named():
    assert {one.state for one in testing.check("metrics", "mse")} == {"ok"}
    with pytest.raises(InputError, match="did you mean 'mse'"):
        list(testing.check("metrics", "msee"))
    with pytest.raises(InputError, match="unknown group"):
        list(testing.check("metric", "mse"))


def test_conforms_is_a_test_with_a_case_per_check():
    (mark,) = testing.conforms("metrics", "mse").pytestmark
    assert mark.name == "parametrize" and len(mark.args[1]) == len(testing.checks("metrics", MSE))
