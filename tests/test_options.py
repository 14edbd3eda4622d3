"""Shell completion: names of what is installed, the last of a list, without importing anything heavy."""

from mribench.cli import options
from mribench.plugins import lookup


def test_the_last_of_several_names_is_completed():
    variants = options.complete_names("variants")
    assert "ddpm" in variants("") and variants("dd") == ["ddpm"]
    assert variants("noise,dd") == ["noise,ddpm"]
    assert "ddpm,ddpm" not in variants("ddpm,")
    assert options.complete_names("modalities", "all")("al") == ["all"]


def test_other_words():
    assert options.complete_group("m") == ["modalities", "models", "metrics"]
    assert options.complete_kind("s") == ["sampler", "solver"]
    assert options.complete_profile("q") == ["quick"]
    assert "mribench" in options.complete_distribution("mri")
    assert {"ddpm", "mribench"} <= set(options.complete_plugin_or_distribution(""))
    assert lookup.names("modalities")[0] in options.complete_plugin_or_distribution("")


def test_a_shell_gets_names_and_no_torch(python):
    """What a shell calls on Tab, through the command line itself."""
    code = """
import os, sys
os.environ |= {"_MRIBENCH_COMPLETE": "complete_bash", "COMP_WORDS": "mribench run --variants no", "COMP_CWORD": "3"}
from mribench.cli.app import app
sys.argv = ["mribench"]
try:
    app(prog_name="mribench")
except SystemExit:
    pass
print(sorted({"torch", "diffusers", "numpy"} & set(sys.modules)))
"""
    assert python(code).out.split("\n")[:2] == ["noise", "[]"]
