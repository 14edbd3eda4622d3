"""What a machine has, and that torch is not imported to know it."""

import pytest

from mribench import device, profiles
from mribench.device import Hardware
from mribench.errors import InputError
from mribench.plugins import lookup
from mribench.runner.runspec import CONTROLS

ORGANS = lookup.names("modalities")[:2]
no_driver = pytest.mark.skipif(
    any(device.Path(driver).exists() for driver in device.DRIVERS), reason="with a GPU torch is asked here"
)


def test_torch_finds_the_same(python):
    """In a process of its own: OMP_NUM_THREADS, which torch reads once, may be another's."""
    code = """
from mribench import device
found = device.hardware()
import torch
bf16 = torch.cpu._is_avx512_bf16_supported() or torch.cpu._is_amx_tile_supported()
print(found == device.Hardware(torch.cuda.is_available(), bf16, torch.get_num_threads()), found)
"""
    assert python(code).out.startswith("True")


@pytest.mark.parametrize(("asked", "expected"), [("3", 3), ("5,2", 5), ("0", 4), ("many", 4), ("", 4)])
def test_cores_make_threads_unless_the_user_bounds_them(monkeypatch, asked, expected):
    import psutil

    monkeypatch.setenv("OMP_NUM_THREADS", asked)
    monkeypatch.setattr(psutil, "cpu_count", lambda logical: 4)
    monkeypatch.setattr(device.os, "sched_getaffinity", lambda _: set(range(8)), raising=False)
    assert device.hardware().threads == expected


def test_a_process_bound_to_some_cores_counts_those(monkeypatch):
    monkeypatch.delenv("OMP_NUM_THREADS", raising=False)
    monkeypatch.setattr(device.os, "sched_getaffinity", lambda _: {5}, raising=False)
    assert device.hardware().threads == 1


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("model name: x\nflags\t\t: fpu avx512_bf16\n", True),
        ("flags : amx_tile", True),
        ("Features : bf16", False),
    ],
)
def test_the_processor_says_whether_it_multiplies_bf16(monkeypatch, tmp_path, text, expected):
    (tmp_path / "cpuinfo").write_text(text)
    monkeypatch.setattr(device, "CPUINFO", tmp_path / "cpuinfo")
    monkeypatch.delenv("ONEDNN_MAX_CPU_ISA", raising=False)
    assert device._bf16.__wrapped__() is expected
    # as on a processor without them
    monkeypatch.setenv("ONEDNN_MAX_CPU_ISA", "avx2")
    assert device._bf16.__wrapped__() is False
    monkeypatch.setenv("ONEDNN_MAX_CPU_ISA", "ALL")
    assert device._bf16.__wrapped__() is expected
    monkeypatch.setattr(device, "CPUINFO", tmp_path / "missing")
    assert device._bf16.__wrapped__() in (True, False)  # torch was asked


@no_driver
def test_a_process_without_torch_stays_without_it(python):
    code = """
import sys
from mribench import device, profiles
from mribench.runner import resources
asked = [device.precision(profiles.QUICK), profiles.get(None).name, resources.threads(2)]
asked.append(resources.processes(profiles.QUICK, 6))
print(*asked, "torch" in sys.modules)
"""
    assert python(code).out.endswith(" False\n")


@pytest.mark.parametrize(("bf16", "expected"), [(True, "bf16"), (False, "fp32")])
def test_a_processor_computes_in_what_it_multiplies(monkeypatch, bf16, expected):
    monkeypatch.setattr(device, "hardware", lambda: Hardware(gpu=False, bf16=bf16, threads=2))
    assert device.precision(profiles.QUICK) == expected
    assert profiles.get(None).name == "quick"
    with pytest.raises(InputError, match="fp16 needs a GPU"):
        device.precision(profiles.get("quick", precision="fp16"))


def test_a_precision_that_is_given_asks_nobody(monkeypatch):
    monkeypatch.setattr(device, "hardware", lambda: pytest.fail("asked"))
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
from mribench.cli import app
from mribench.runner import dispatch
def work(todo, *_, **__):
    todo = list(todo)
    import mribench.figures, mribench.board.publish
    print(len(todo), sorted({{"torch", "diffusers", "accelerate"}} & set(sys.modules)), flush=True)
    os._exit(0)
dispatch.run_jobs = work
app.main()
"""
    ended = python(code)
    assert ended.out == f"{2 * (1 + len(CONTROLS))} []\n", ended.err


def test_a_device_that_is_asked_for_holds_within_the_block_and_in_what_it_starts(monkeypatch):
    monkeypatch.setattr(device, "_has", lambda name: True)
    monkeypatch.delenv(device.VARIABLE, raising=False)
    with device.use("cuda"):
        assert device.place() == device.os.environ[device.VARIABLE] == "cuda"
        with device.use("cpu"):
            assert device.place() == "cpu" and not device.hardware().gpu
        assert device.place() == "cuda"
    assert device.VARIABLE not in device.os.environ


def test_the_processor_is_used_beside_a_gpu_where_it_is_asked_for(monkeypatch):
    import torch

    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    assert device.place() == "cuda" and profiles.get(None).name == "standard"
    with device.use("cpu"):
        assert device.place() == "cpu" and profiles.get(None).name == "quick"


@pytest.mark.skipif(device.hardware().gpu, reason="here there is one")
def test_a_device_that_is_absent_is_one_sentence(refused):
    words = ["run", "--modalities", ORGANS[0], "--profile", "smoke", "--device"]
    assert "device cuda was asked for and this machine has none; use cpu" in refused(*words, "cuda")
    assert "unknown device 'gpu'; expected cpu, cuda or mps" in refused(*words, "gpu")
