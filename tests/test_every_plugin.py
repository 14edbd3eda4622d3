"""Every installed organ, variant, sampler and control goes through every default task to the board.

Parametrised over entry points: a plugin that is installed is in it. Most are slow.
"""

import csv

import pytest

import mribench
from mribench.plugins import lookup
from mribench.runner.runspec import TASKS
from mribench.runner.verify import verify
from mribench.sampling.forward_process import compatible
from mribench.spec import Variant

ORGANS = lookup.names("modalities")
VARIANTS = lookup.load_all("variants", lookup.names("variants"))
SAMPLERS = lookup.load_all("samplers", lookup.names("samplers"))
TRAINED = [variant for variant in VARIANTS.values() if not variant.is_control]
CONTROLS = [name for name, variant in VARIANTS.items() if variant.is_control]
SAMPLED = [variant for variant in TRAINED if isinstance(variant, Variant)]
PAIRS = [(v.name, s.name) for v in SAMPLED for s in SAMPLERS.values() if compatible(v, s)]
# the cheapest of its kind comes first
CHEAPEST = ("vae",)
# a model that has its own way from noise to image needs no sampler
CELLS = [*PAIRS, *((model.name, "") for model in TRAINED if model not in SAMPLED)]
STEPS = 4

pytestmark = pytest.mark.skipif(not ORGANS, reason="needs one modality plugin")


@pytest.fixture
def board(tmp_path):
    """Runs two steps of ``smoke`` and returns the rows of the board: (variant, sampler) -> metrics with a number or
    a reason."""

    def run(**settings):
        few = {"profile": "smoke", "train_steps": 2, "n_generated": 8}
        results = mribench.run(**few, out=str(tmp_path), **settings)
        assert {result.task for result in results} == set(TASKS)
        assert (tmp_path / "leaderboard.html").stat().st_size > 10_000
        for one in results:
            if one.task == "generation" and not one.is_control:
                assert verify(tmp_path, one, beside=results).answer == "reproduced"
        rows = {}
        for line in csv.DictReader((tmp_path / "leaderboard.csv").open()):
            rows.setdefault((line["variant"], line["sampler"]), []).append(line)
        return rows

    return run


# one of them is MRI; what an organ's package says of itself, tests/test_conformance.py asks of every one
FEW = ORGANS[:2]


@pytest.mark.parametrize(
    "organ", [pytest.param(name, marks=() if name in FEW else pytest.mark.slow) for name in ORGANS]
)
def test_an_organ_reaches_the_board(board, organ):
    rows = board(modalities=organ, controls="noise", samplers="ddim-4", features="hc85-v1")
    assert any(line["value"] for line in rows["ddpm", "ddim-4"])


def marked(cells):
    """By default the first variant and the first sampler of the core, and of all packages together the first of each
    kind; all other pairs are slow."""
    seen = set()
    for variant, sampler in cells:
        new = {first_of("variants", variant), first_of("samplers", sampler)} - seen - {None}
        seen |= new
        yield pytest.param(variant, sampler, marks=() if new else pytest.mark.slow)


OURS = {
    group: {entry.name for entry in lookup.entries(group) if entry.distribution == "mribench"}
    for group in ("variants", "samplers")
}


def first_of(group, name):
    """The plugin, where it is the first of its kind in the core, or in all other packages together."""
    if not name:
        return None
    plugins = {v.name: v for v in TRAINED} if group == "variants" else SAMPLERS
    ours = OURS[group]
    alike = [
        n
        for n, p in sorted(plugins.items(), key=lambda item: item[0] not in CHEAPEST)
        if type(p) is type(plugins[name]) and (n in ours) == (name in ours)
    ]
    return (group, name) if name == alike[0] else None


@pytest.mark.parametrize(("variant", "sampler"), list(marked(CELLS)))
def test_a_variant_reaches_the_board(board, variant, sampler):
    name = sampler and f"{sampler}-{STEPS}"
    asked = {"features": "hc85-v1"} | ({"samplers": name} if sampler else {})
    rows = board(modalities=ORGANS[0], variants=variant, controls="noise", **asked)
    assert any(line["value"] for line in rows[variant, name])
    assert all(line["audit"] for line in rows[variant, name])


def test_every_trained_variant_has_a_sampler():
    assert {variant for variant, _ in PAIRS} == {variant.name for variant in SAMPLED}


def test_the_controls_reach_the_board(board):
    rows = board(modalities=ORGANS[0], variants="ddpm", controls=CONTROLS, samplers="ddim-4")
    for name in CONTROLS:
        assert any(line["value"] for line in rows[name, ""])
