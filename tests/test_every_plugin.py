"""Every installed organ, variant, sampler and control goes through every default task to the board.

Parametrised over entry points: a plugin that is installed is in it.
"""

import csv

import pytest

import mribench
from mribench.plugins import lookup
from mribench.runner.runspec import TASKS
from mribench.sampling.forward_process import compatible

ORGANS = lookup.names("modalities")
VARIANTS = lookup.load_all("variants", lookup.names("variants"))
SAMPLERS = lookup.load_all("samplers", lookup.names("samplers"))
TRAINED = [variant for variant in VARIANTS.values() if not variant.is_control]
CONTROLS = [name for name, variant in VARIANTS.items() if variant.is_control]
FITTING = [(v.name, s.name) for v in TRAINED for s in SAMPLERS.values() if compatible(v, s)]
# each variant with one sampler and each sampler with one variant: all pairs would be a hundred runs
PAIRS = sorted(
    {
        *{variant: (variant, sampler) for variant, sampler in FITTING}.values(),
        *{sampler: (variant, sampler) for variant, sampler in reversed(FITTING)}.values(),
    }
)
STEPS = 4

pytestmark = pytest.mark.skipif(not ORGANS, reason="needs one modality plugin")


@pytest.fixture
def board(tmp_path):
    """Runs at ``smoke`` and returns the rows of the board: (variant, sampler) -> metrics with a number or a reason."""

    def run(**settings):
        results = mribench.run(profile="smoke", out=str(tmp_path), **settings)
        assert {result.task for result in results} == set(TASKS)
        assert (tmp_path / "leaderboard.html").stat().st_size > 10_000
        rows = {}
        for line in csv.DictReader((tmp_path / "leaderboard.csv").open()):
            rows.setdefault((line["variant"], line["sampler"]), []).append(line)
        return rows

    return run


@pytest.mark.parametrize("organ", ORGANS)
def test_an_organ_reaches_the_board(board, organ):
    rows = board(modalities=organ, controls="noise", samplers="ddim-4")
    assert any(line["value"] for line in rows["ddpm", "ddim-4"])


@pytest.mark.parametrize(("variant", "sampler"), PAIRS)
def test_a_variant_with_a_sampler_reaches_the_board(board, variant, sampler):
    name = f"{sampler}-{STEPS}"
    rows = board(modalities=ORGANS[0], variants=variant, controls="noise", samplers=name)
    assert any(line["value"] for line in rows[variant, name])
    assert all(line["audit"] for line in rows[variant, name])


def test_every_trained_variant_has_a_sampler():
    assert {variant for variant, _ in FITTING} == {variant.name for variant in TRAINED}


def test_the_controls_reach_the_board(board):
    rows = board(modalities=ORGANS[0], variants="ddpm", controls=CONTROLS, samplers="ddim-4")
    for name in CONTROLS:
        assert any(line["value"] for line in rows[name, ""])
