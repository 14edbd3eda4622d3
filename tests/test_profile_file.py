"""Profiles of one's own and other sizes: what they are called, and what is refused."""

from dataclasses import replace

import pytest

from mribench import profiles
from mribench.errors import InputError
from mribench.runner import runspec
from mribench.runner.plan import resolve
from mribench.variants import ddpm


@pytest.fixture
def own(tmp_path):
    """``own(text, name)``: the profile in a file of that text."""

    def read(text, name="mine"):
        path = tmp_path / f"{name}.toml"
        path.write_text(text)
        return profiles.get(str(path))

    return read


def test_a_file_extends_a_profile(own):
    found = own('extends = "smoke"\nmax_steps = 7\nsamplers = ["ddim-3"]\n[network]\nchannels = [8, 16]\n')
    network = replace(profiles.SMOKE.network, channels=(8, 16))
    wanted = replace(profiles.SMOKE, max_steps=7, samplers=("ddim-3",), network=network)
    assert replace(found, name="smoke", purpose=wanted.purpose) == wanted


def test_its_name_changes_with_its_settings_alone(own):
    names = [
        own('extends = "quick"\nlr = 1e-3').name,
        own('# a comment\nextends = "quick"\nlr = 0.001\npurpose = "mine"').name,
        own('extends = "quick"\nlr = 2e-3').name,
        own('extends = "quick"\nlr = 1e-3', "yours").name,
    ]
    assert names[0] == names[1] and len(set(names)) == 3
    assert names[0].startswith("mine-") and names[3] == names[0].replace("mine", "yours")


def test_the_share_of_coarse_steps_stays_unless_it_is_given(own):
    assert own('extends = "quick"\nmax_steps = 900').coarse_steps == profiles.QUICK.coarse_steps // 2
    assert own('extends = "quick"\nmax_steps = 900\ncoarse_steps = 10').coarse_steps == 10


def test_what_never_ranks_does_not_by_another_name(own):
    assert not own('extends = "smoke"').ranks


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("lr = 1", 'lacks extends = "..."; expected one of smoke, quick, standard, paper'),
        ('extends = "qick"', "unknown profile 'qick'; did you mean 'quick'?"),
        ('extends = "quick"\nlearning_rate = 1', "unknown setting 'learning_rate'"),
        ('extends = "quick"\nbatchsize = 1', "unknown setting 'batchsize'; did you mean 'batch_size'?"),
        ('extends = "smoke"\nranks = true', "unknown setting 'ranks'"),
        ('extends = "quick"\nlr = "high"', "Expected `float`, got `str` - at `$.lr`"),
        ('extends = "quick"\noptimizer = "sgd"', "Invalid enum value 'sgd' - at `$.optimizer`"),
        ('extends = "quick"\nbatch_size = 0', "batch_size is 0; expected a number above 0"),
        ('extends = "quick"\n[network]\npatch = 0', "network: patch is 0; expected a number above 0"),
        ('extends = "quick"\n[network]\ndepth = 3', "network: unknown setting 'depth'"),
        ('extends = "quick"\nsize = 100', "do not fit profile mine-"),
        ("extends = ", "is not TOML"),
    ],
)
def test_a_file_that_cannot_be_used_is_one_sentence(own, text, said):
    with pytest.raises(InputError) as raised:
        own(text)
    assert said in str(raised.value) and "\n" not in str(raised.value)


def test_a_file_that_is_absent_or_oddly_named_is_one_sentence(own):
    with pytest.raises(InputError, match=r"cannot read absent\.toml"):
        profiles.get("absent.toml")
    with pytest.raises(InputError, match="lower-case letters, digits and hyphens"):
        own('extends = "quick"', "My Profile")


def test_a_run_records_the_name_and_its_file_is_read_again(tmp_path):
    path = tmp_path / "mine.toml"
    path.write_text('extends = "smoke"\nmax_steps = 3\n')
    plan = resolve(runspec.make(modalities="brain", profile=path, train_steps=2))
    assert plan.profile.name.startswith("mine-") and plan.profile.name.endswith("@2")
    assert plan.profile.max_steps == 2
    # the settings of a resumed run, and of its workers, name the file
    assert resolve(plan.spec).profile == plan.profile


@pytest.mark.parametrize("name", profiles.PROFILES)
def test_every_size_that_is_taken_fits_the_network(name):
    taken = [size for size in range(16, 300) if _taken(name, size)]
    assert {64, 96, 128, 192, 256} <= set(taken) and taken[-1] == 256
    assert all(ddpm.network(profiles.get(name, size=size)).config.sample_size == size for size in taken[:2])


def _taken(name, size):
    try:
        return profiles.get(name, size=size).size == size
    except InputError:
        return False


def test_a_size_that_does_not_fit_is_one_sentence(refused, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    words = ["run", "--modalities", "brain", "--profile", "quick", "--size"]
    said = "do not fit profile quick; expected a multiple of 32 from 32 to 256"
    assert said in refused(*words, "100") and said in refused(*words, "512")
    assert list(tmp_path.iterdir()) == []
