"""One damaged file of a finished run and the same command again: made again with equal records, or one sentence."""

import json
import shutil
from dataclasses import asdict

import pytest

from mribench import manifest, results
from mribench.results import Result
from mribench.runner import stages

WORDS = ("--modalities", "brain", "--profile", "smoke", "--train-steps", "1", "--controls", "mode-collapse")


def flipped_at(share):
    """Flip one bit, as a disk does: size stays, and time may."""

    def flip(path):
        content = bytearray(path.read_bytes())
        content[min(int(share * len(content)), len(content) - 1)] ^= 1
        path.write_bytes(content)

    return flip


def digit(path):
    """Another last digit of a number."""
    content = bytearray(path.read_bytes())
    at = max(i for i, byte in enumerate(content) if chr(byte).isdigit())
    content[at] = ord("1") if content[at] != ord("1") else ord("2")
    path.write_bytes(content)


def cut(path):
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])


def gone(path):
    path.unlink()


start, middle, end = flipped_at(0.01), flipped_at(0.5), flipped_at(1)
start.__name__, middle.__name__, end.__name__ = "start", "middle", "end"
WEIGHTS = "train/*/best/unet/*.safetensors"
SAMPLES = "outputs/*ddpm*_generation_*"


def slow(pattern, how):
    return pytest.param(pattern, how, marks=pytest.mark.slow)


REFUSED = [
    (WEIGHTS, middle),
    (WEIGHTS, gone),
    *(slow(WEIGHTS, how) for how in (start, end, cut)),
    ("train/*/best/scheduler/scheduler_config.json", digit),
    slow("train/*/best/unet/config.json", digit),
    slow("train/*/best/model_index.json", middle),
    ("train/*/train.json", digit),
    slow("train/*/train.json", cut),
    ("train/*/train.json", gone),
    ("train/*/files.json", digit),
]
MADE_AGAIN = [
    (f"{SAMPLES}/outputs.npz", middle),
    *(slow(f"{SAMPLES}/outputs.npz", how) for how in (start, end, cut, gone)),
    ("outputs/*_mode-collapse_*_denoising_*/outputs.npz", middle),
    (f"{SAMPLES}/made.json", cut),
    *(slow(f"{SAMPLES}/made.json", how) for how in (digit, gone)),
    slow(f"{SAMPLES}/terms.json", middle),
    slow(f"{SAMPLES}/files.json", digit),
    ("data/*/test/*.arrow", middle),
    slow("data/*/train/*.arrow", end),
    slow("data/*/train/state.json", cut),
    slow("data/*/manifest.json", digit),
    slow("data/*/manifest.json", gone),
    ("figures/*ddpm*_samples.png", middle),
    slow("figures/*ddpm*_reverse.png", gone),
    slow("figures/*_restored.png", cut),
    ("train/*/terms.json", middle),
    ("results/*/ddpm*_generation_*.json", cut),
    slow("results/*/mode-collapse*_audit_*.json", gone),
    slow("figures/overview.png", cut),
    slow("leaderboard.json", cut),
    slow("spec.toml", cut),
]
# read by nothing of this run, or made anew when it is
UNUSED = [
    ("train/*/last/unet/*.safetensors", middle),
    slow("train/*/log.jsonl", digit),
    slow("train/*/files.json", gone),
    slow("figures/*ddpm*_generation_*.files.json", gone),
]
CACHES = [
    ("features/hc85-v1_*.npy", middle),
    ("features/gist208-v1_*.npy", end),
    ("features/*.npy", start),
    ("features/trust_*.json", digit),
    ("floors/*.json", digit),
    ("floors/*.json", middle),
    ("floors/*.sha256", gone),
]


def name_of(case):
    return case.__name__ if callable(case) else case.replace("/*/", "/").strip("*")


def compared(result: Result):
    """A record without how long its making took."""
    content = asdict(result)
    provenance = dict(content.pop("provenance"))
    provenance["training"] = bool(provenance.pop("training"))
    produced = provenance.pop("produced")
    return (
        content,
        provenance.keys(),
        {k: v for k, v in produced.items() if k in ("nfe", "gflops_per_evaluation")},
    )


def records(run):
    return [compared(result) for result in results.read_all([run])]


def damage(run, pattern, how):
    path = sorted(run.glob(pattern))[0]
    before = path.read_bytes()
    how(path)
    assert not path.exists() or path.read_bytes() != before
    return path, before


@pytest.mark.parametrize(("pattern", "how"), MADE_AGAIN, ids=name_of)
def test_what_can_be_made_again_is(pattern, how, run, made, mribench):
    path, before = damage(run, pattern, how)
    ended = mribench("run", *WORDS, "--out", run)
    assert ended.code == 0, ended.err
    assert records(run) == records(made)
    if path.suffix in (".png", ".arrow") or path.name == "terms.json":
        assert path.read_bytes() == before
    elif path.suffix == ".json":
        json.loads(path.read_text())
    elif path.suffix == ".npz":
        whole = stages.read_outputs(made / path.parent.relative_to(run))
        found = stages.read_outputs(path.parent)
        assert found.keys() == whole.keys() and all((found[name] == whole[name]).all() for name in whole)
    assert {p.parent.name for p in run.glob("train/*/*")} == {p.parent.name for p in made.glob("train/*/*")}


@pytest.mark.parametrize(("pattern", "how"), REFUSED, ids=name_of)
def test_what_only_a_training_makes_again_is_refused(pattern, how, run, made, refused):
    path, _ = damage(run, pattern, how)
    said = refused("run", *WORDS, "--out", run)
    assert (
        str(path) in said
        and f"remove {path.parents[len(path.parts) - len(run.parts) - 3]} to train again" in said
    )
    assert records(run) == records(made)


@pytest.mark.parametrize(("pattern", "how"), UNUSED, ids=name_of)
def test_what_nothing_reads_changes_no_record(pattern, how, run, made, mribench):
    path, _ = damage(run, pattern, how)
    ended = mribench("run", *WORDS, "--out", run)
    assert ended.code == 0 and records(run) == records(made)
    assert path.suffix == ".json" or f"{path} has sha256" in ended.err


def remove_results(run):
    shutil.rmtree(run / "results")


def test_damaged_caches_are_made_again(run, made, mribench):
    """All at once; one at a time in the slow test below."""
    remove_results(run)
    for pattern, how in CACHES:
        damage(run, pattern, how)
    assert mribench("run", *WORDS, "--out", run).code == 0
    assert records(run) == records(made)


@pytest.mark.slow
@pytest.mark.parametrize(("pattern", "how"), CACHES, ids=name_of)
def test_each_damaged_cache_is_made_again(pattern, how, run, made, mribench):
    remove_results(run)
    damage(run, pattern, how)
    assert mribench("run", *WORDS, "--out", run).code == 0
    assert records(run) == records(made)


@pytest.mark.skipif(not hasattr(Result, "edited"), reason="records carry no digest")
@pytest.mark.parametrize("field", ["value", "subjects"])
def test_a_result_with_another_digit_is_made_again(field, run, made, mribench):
    path = next(run.glob("results/*/ddpm*_generation_*.json"))
    record = json.loads(path.read_text())
    next(score for score in record["scores"] if score["value"])[field] += 1
    path.write_text(json.dumps(record))
    ended = mribench("run", *WORDS, "--out", run)
    assert ended.code == 0 and f"{path} was changed" in ended.err
    assert records(run) == records(made)


def test_large_weights_are_proved_whenever_they_are_used(run, made, refused, mribench, monkeypatch):
    """A check of a finished suite, which reads no weights, looks at the sizes of large files alone."""
    monkeypatch.setattr(manifest, "QUICK_BYTES", 1000)
    damage(run, WEIGHTS, middle)
    assert mribench("run", *WORDS, "--out", run).code == 0
    shutil.rmtree(next(run.glob(SAMPLES)))
    next(run.glob("results/*/ddpm*_generation_*.json")).unlink()
    assert "to train again" in refused("run", *WORDS, "--out", run)


def test_other_cells_go_on_beside_damaged_weights(run, made, mribench):
    damage(run, WEIGHTS, middle)
    (control,) = run.glob("results/*/mode-collapse*_generation_*.json")
    control.unlink()
    ended = mribench("run", *WORDS, "--out", run)
    assert ended.code == 2 and "to train again" in ended.err.splitlines()[-1]
    assert control.is_file() and records(run) == records(made)


@pytest.mark.slow
def test_a_training_is_made_again_once_its_damaged_folder_is_removed(run, made, mribench):
    path, _ = damage(run, WEIGHTS, middle)
    shutil.rmtree(path.parents[2])
    assert mribench("run", *WORDS, "--out", run).code == 0
    assert records(run) == records(made)


def test_a_run_of_an_earlier_version_has_no_manifests_and_is_read(run, made, mribench):
    for path in [*run.rglob("*files.json"), *run.rglob("*.sha256")]:
        path.unlink()
    ended = mribench("run", *WORDS, "--out", run)
    assert ended.code == 0 and "made again" not in ended.err and "train brain" not in ended.err
    assert records(run) == records(made)


@pytest.mark.slow
@pytest.mark.parametrize("how", [cut, gone], ids=name_of)
def test_outputs_of_an_earlier_version_with_a_damaged_record_are_made_again(how, run, made, mribench):
    folder = next(run.glob(SAMPLES))
    (folder / "files.json").unlink()
    how(folder / "made.json")
    next(run.glob("results/*/ddpm*_generation_*.json")).unlink()
    assert mribench("run", *WORDS, "--out", run).code == 0
    assert records(run) == records(made)
