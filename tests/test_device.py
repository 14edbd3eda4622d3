"""What is asked of torch, and in which process."""

import sys

import pytest

from mribench import device, plugins, profiles
from mribench.device import Found
from mribench.errors import InputError

ORGANS = plugins.names("modalities")[:2]
no_driver = pytest.mark.skipif(
    any(device.Path(driver).exists() for driver in device.DRIVERS), reason="with a GPU torch is asked here"
)


def test_another_process_finds_what_this_one_finds():
    assert device._asked_elsewhere() == device.asked()


@no_driver
def test_a_process_without_torch_stays_without_it(python):
    code = """
import sys
from mribench import device, parallel, profiles
asked = [device.precision(profiles.QUICK), profiles.get(None).name, parallel.threads(2)]
asked.append(parallel.processes(profiles.QUICK, 6))
print(*asked, "torch" in sys.modules)
"""
    assert python(code).out.endswith(" False\n")


def test_where_another_process_fails_torch_is_asked_here(monkeypatch):
    monkeypatch.setattr(sys, "executable", "/no/such/python")
    assert device._asked_elsewhere.__wrapped__() is None


@pytest.mark.parametrize(("bf16", "expected"), [(True, "bf16"), (False, "fp32")])
def test_a_processor_computes_in_what_it_multiplies(monkeypatch, bf16, expected):
    monkeypatch.setattr(device, "found", lambda: Found(gpu=False, bf16=bf16, threads=2))
    assert device.precision(profiles.QUICK) == expected
    assert profiles.get(None).name == "quick"
    with pytest.raises(InputError, match="fp16 needs a GPU"):
        device.precision(profiles.get("quick", precision="fp16"))


def test_a_precision_that_is_given_asks_nobody(monkeypatch):
    monkeypatch.setattr(device, "found", lambda: pytest.fail("asked"))
    assert device.precision(profiles.PAPER) == "fp32"


@no_driver
@pytest.mark.skipif(len(ORGANS) < 2, reason="needs two modality plugins")
def test_who_only_hands_out_work_never_imports_torch(python, tmp_path):
    """Not to prepare the data or count processes, nor by what it imports for the board; no board is made here."""
    words = ["mribench", "run", "--modalities", ",".join(ORGANS), "--profile", "smoke", "--jobs", "2"]
    words += ["--tasks", "generation", "--out", str(tmp_path)]
    code = f"""
import os, sys
sys.argv = {words!r}
from mribench import cli, suite
def work(todo, *_):
    todo = list(todo)
    import mribench.figures, mribench.publish
    print(len(todo), sorted({{"torch", "diffusers", "accelerate"}} & set(sys.modules)), flush=True)
    os._exit(0)
suite.work = work
cli.main()
"""
    ended = python(code)
    assert ended.out == "12 []\n", ended.err
