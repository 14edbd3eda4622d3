"""A model of ``mribench.models`` is scored by its name, and stands on boards of ``mribench run`` untrained."""

import importlib

import numpy as np
import pytest
from made_by_hand import SIDE

import mribench
from mribench import results
from mribench.errors import InputError
from mribench.plugins import lookup

MODULE = """
import numpy as np
from mribench import PretrainedModel
from mribench.seeds import numpy_rng

def generate(indices, seed):
    return np.stack([numpy_rng("grain", seed, i).random((32, 32), dtype=np.float32) for i in indices])

GRAIN = PretrainedModel("grain", "Grain", "nobody", generate, trained_on="phantom", source={"sha256": "0" * 64})
"""


@pytest.fixture
def installed(tmp_path, monkeypatch):
    """The distribution mribench-grain on sys.path."""
    info = tmp_path / "site" / "mribench_grain-1.0.dist-info"
    info.mkdir(parents=True)
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: mribench-grain\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text("[mribench.models]\ngrain = mribench_grain:GRAIN\n")
    (tmp_path / "site" / "mribench_grain.py").write_text(MODULE)
    monkeypatch.syspath_prepend(str(tmp_path / "site"))
    importlib.invalidate_caches()


def test_a_run_puts_it_on_its_board(installed, mribench_cli, tmp_path):
    budget = {"profile": "smoke", "tasks": ["generation", "audit"], "controls": ["noise"]}
    made = mribench.run(modalities="brain", variants="grain", out=tmp_path / "out", **budget)
    (own,) = [result for result in made if result.variant == "grain" and result.task == "generation"]
    assert not own.is_control and own.provenance["training"] is None
    assert own.provenance["plugins"]["variant"] == "mribench-grain 1.0"
    # it says what it was trained on, and these are the data of this board
    assert own.provenance["trained_on"] == own.provenance["data_key"]
    assert own.provenance["source"] == {"kind": "plugin", "sha256": "0" * 64}
    with np.load(
        next((tmp_path / "out" / "outputs").glob("brain_grain_*generation*")) / "outputs.npz"
    ) as kept:
        assert kept["images"].shape == (24, SIDE, SIDE)
    ended = mribench_cli("verify", tmp_path / "out")
    # it is installed, so it generates again
    assert "brain grain seed 0 generation: reproduced, images bit-equal" in ended.out
    assert ended.code == 0
    assert results.read_all([tmp_path / "out"])


@pytest.fixture
def mribench_cli(request):
    return request.getfixturevalue("mribench")


def test_it_is_listed_and_has_a_kind_of_its_own(installed, mribench_cli):
    assert "grain" in mribench_cli("list", "models").out
    assert lookup.load_generators(["grain", "ddpm", "noise"]).keys() == {"grain", "ddpm", "noise"}
    with pytest.raises(InputError, match="unknown variant 'grian'"):
        lookup.load_generators(["grian"])


def test_other_sides_than_its_own_are_refused(installed, refused, tmp_path):
    words = "run --modalities brain --variants grain --profile smoke --size 64 --tasks generation --controls noise"
    said = refused(*words.split(), "--jobs", "1", "--data", _noise_data(tmp_path), "--out", tmp_path / "out")
    assert "expected 24 of 64x64" in said


def _noise_data(folder):
    rng = np.random.default_rng(0)
    subjects = np.repeat([f"p{i}" for i in range(12)], 2)
    np.savez(folder / "own.npz", images=rng.random((24, 64, 64)).astype(np.float32), subject=subjects)
    return folder / "own.npz"
