"""Shell completion: names of what is installed, the last of a list, without importing anything heavy."""

from mribench.cli import complete
from mribench.plugins import lookup


def test_the_last_of_several_names_is_completed():
    variants = complete.names("variants")
    assert "ddpm" in variants("") and variants("dd") == ["ddpm"]
    assert variants("noise,dd") == ["noise,ddpm"]
    assert "ddpm,ddpm" not in variants("ddpm,")
    assert complete.names("modalities", "all")("al") == ["all"]


def test_other_words():
    assert complete.groups("m") == ["modalities", "metrics"]
    assert complete.kinds("s") == ["sampler"]
    assert complete.profiles("q") == ["quick"]
    assert "mribench" in complete.distributions("mri")
    assert {"ddpm", "mribench"} <= set(complete.plugins_or_distributions(""))
    assert lookup.names("modalities")[0] in complete.plugins_or_distributions("")


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
