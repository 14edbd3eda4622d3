"""Nothing is imported that the command does not use."""

import json
import subprocess
import sys
from contextlib import contextmanager
from importlib.util import find_spec

import pytest

from mribench import device, profiles
from mribench.data import prepare_data
from mribench.plugins import lookup
from mribench.training import imports

MODALITY = next(iter(lookup.names("modalities")), None)
NEVER = (
    "transformers",
    "torch_fidelity",
    "scipy.stats._stats_py",
    "scipy.integrate._ivp",
    "matplotlib",
    "sklearn",
    "pandas",
    *([] if device.hardware().gpu else ["triton"]),
)
# what making a dataset needs, and reading it does not
MAKING = ("datasets", "nibabel", "pydicom", "h5py")


@pytest.fixture(scope="module")
def loaded():
    """What a process knows that has loaded diffusers as a run does."""
    code = """
import json, sys
from mribench.training import imports
imports.load_diffusers()
from mribench import profiles, provenance
from mribench.variants.ddpm import DDPM
assert provenance.gflops_per_image(DDPM.network(profiles.SMOKE), 32) > 0
found = {"triton": "triton" in sys.modules}
from importlib.util import find_spec
from diffusers.utils import is_torchvision_available
print(json.dumps(found | {"torchvision": find_spec("torchvision") is not None and is_torchvision_available()}))
"""
    ended = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=120)
    assert (ended.returncode, ended.stderr) == (0, "")
    return json.loads(ended.stdout)


def test_the_first_step_of_training_needs_no_more_than_it_uses(python, tmp_path):
    if MODALITY is None:
        pytest.skip("needs one modality plugin")
    words = ["mribench", "run", "--modalities", MODALITY, "--profile", "smoke", "--out", str(tmp_path)]
    prepare_data(lookup.load("modalities", MODALITY), "phantom", profiles.SMOKE, tmp_path)
    code = f"""
import os, sys
sys.argv = {words!r}
from mribench.cli import app
from mribench.runner import train_cells
run_cell = train_cells.train
def trained(*words):
    from mribench.training import step as train
    rate, steps = train.learning_rate, []
    def second_step(*words):
        steps.append(1)
        if len(steps) == 2:
            print([name for name in {NEVER + MAKING!r} if name in sys.modules], flush=True)
            os._exit(0)
        return rate(*words)
    train.learning_rate = second_step
    return run_cell(*words)
train_cells.train = trained
app.main()
"""
    ended = python(code)
    assert ended.out == "[]\n", ended.err


@pytest.mark.skipif(device.hardware().gpu, reason="a GPU may use it")
def test_without_a_gpu_nothing_brings_triton(loaded):
    assert not loaded["triton"]


def test_a_board_is_made_without_torch(python, run_folder, result):
    folder = run_folder("a", result())
    code = f"""
import sys
sys.argv = ["mribench", "leaderboard", {str(folder)!r}]
from mribench.cli import app
try:
    app.main()
finally:
    print([name for name in ("torch", "diffusers", "accelerate", *{NEVER + MAKING!r}) if name in sys.modules])
"""
    assert python(code).out.splitlines()[-1] == "[]"


def test_a_listing_loads_nothing_of_boards(python):
    code = """
import sys
sys.argv = ["mribench", "list"]
from mribench.cli import app
try:
    app.main()
finally:
    print([name for name in ("numpy", "PIL", "mribench.board.boards") if name in sys.modules])
"""
    assert python(code).out.splitlines()[-1] == "[]"


def test_who_asks_for_torchvision_meanwhile_finds_it(loaded):
    """diffusers is imported in a thread beside the preparation of data, which may need torchvision."""
    assert loaded["torchvision"]


def test_what_is_put_off_is_there_when_it_is_used():
    with put_off("xmlrpc.client"):
        import xmlrpc.client

        stand_in = sys.modules["xmlrpc.client"]
        assert "Fault" not in vars(stand_in)
        # through the old name, through a new import, and through the parent
        assert stand_in.Fault is sys.modules["xmlrpc.client"].Fault
        from xmlrpc.client import Fault

        assert Fault is xmlrpc.client.Fault and sys.modules["xmlrpc.client"] is not stand_in


@contextmanager
def put_off(name):
    before = sys.modules.pop(name, None)
    imports._load_when_used(name)
    try:
        yield
    finally:
        sys.modules.pop(name)
        if before:
            sys.modules[name] = before


def test_what_is_absent_cannot_be_put_off():
    imports._load_when_used("no_such_package.at_all")
    assert "no_such_package.at_all" not in sys.modules


def test_what_is_hidden_looks_absent_and_comes_back():
    sys.modules.pop("wave", None)
    with imports._hidden("wave"):
        assert find_spec("wave") is None
        with pytest.raises(ImportError):
            import wave
    import wave

    with imports._hidden("wave"):  # somebody has imported it already
        assert sys.modules["wave"] is wave


def test_what_somebody_has_imported_stays():
    imports._load_when_used("contextlib")
    assert sys.modules["contextlib"].contextmanager is contextmanager
