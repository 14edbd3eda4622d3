"""leaderboards/PROTOCOL.md says what the code does: names, versions, constants, links."""

import json
import re
from pathlib import Path

import pytest

from mribench import profiles
from mribench.audit import closer, coarse, copies, examine, match, permutation, repeats, verdict
from mribench.board import columns
from mribench.data import coils, kspace_fields
from mribench.features import hc85, inception, lite0, radiomics
from mribench.metrics import (
    background,
    diversity,
    extrapolation,
    images,
    kernels,
    lesions,
    neighbours,
    paired,
    significance,
    structure,
)
from mribench.plugins import lookup
from mribench.runner import check_fields, check_scores, runspec
from mribench.sampling import likelihood
from mribench.scoring import sources
from mribench.tasks import inverse
from mribench.tasks import likelihood as likelihood_task
from mribench.testing import solvers
from mribench.trust import changes
from mribench.trust import examine as examine_space
from mribench.variants import controls

ROOT = Path(__file__).parent.parent
PROTOCOL = ROOT / "leaderboards" / "PROTOCOL.md"
TEXT = PROTOCOL.read_text() if PROTOCOL.exists() else ""
MADE_BY_COMMANDS = ("audit/calibration.md",)
FLAT = " ".join(TEXT.split())

pytestmark = pytest.mark.skipif(not TEXT, reason="only in a checkout")


def ours(group):
    return [entry.name for entry in lookup.entries(group) if entry.distribution == "mribench"]


@pytest.mark.parametrize("group", ["metrics", "features", "tasks"])
def test_everything_registered_is_named(group):
    assert not [name for name in ours(group) if f"`{name}`" not in TEXT]


def test_what_can_be_scored_is_said():
    assert f"squares of {sources.SIDES[0]} to {sources.SIDES[-1]} pixels (`sources.SIDES`)" in FLAT
    assert f"{sources.LEAST} at least (`sources.LEAST`)" in FLAT


def test_how_inverse_problems_are_asked_is_said():
    for said in (
        f"At most {inverse.OF_A_SUBJECT} images of a test subject",
        f"at most {solvers.MAX_SETTINGS} settings",
        f"on {inverse.VALIDATION_IMAGES} images of validation subjects",
        f"samples {inverse.SAMPLES} are taken",
        f"at least {lesions.LEAST_PIXELS} pixels and a contrast of at least {lesions.LEAST_CONTRAST:g} grey ranges",
        f"a ring of {lesions.RING} pixels, {lesions.GAP} pixel away",
    ):
        assert said in FLAT


def test_how_real_k_space_is_read_is_said():
    for said in (
        f"differ from their own by more than {100 * kspace_fields.AGREES:.0f} %",
        f"at most {coils.COILS} virtual ones are kept",
        f"the middle {coils.CALIBRATION} lines, or 3/8 of the side",
        "a tenth of the rows and columns at each end",
    ):
        assert said in FLAT
    assert (coils.OF_SIDE, coils.CORNER) == (3 / 8, 1 / 10)


def test_every_task_has_its_version():
    for name in ours("tasks"):
        assert f"`{name}` v{lookup.load('tasks', name).version}" in TEXT


def test_every_metric_of_a_task_is_in_a_table_with_its_direction():
    words = {"up": "up", "down": "down", "zero": "near 0"}
    lines = [line for line in TEXT.splitlines() if line.startswith("| `")]
    for name in ours("metrics"):
        (line,) = [line for line in lines if f"`{name}`" in line.split("|")[1]]
        assert words[lookup.load("metrics", name).direction] in line.split("|")[3]


def test_headline_metrics_are_called_primary():
    section = TEXT.split("## Tracks")[1].split("## ")[0]
    rows = {line.split("`")[1]: line.split("|")[4] for line in section.splitlines() if line.startswith("| `")}
    for task in ours("tasks"):
        names = lookup.load("tasks", task).metrics
        headline = {name for name in names if lookup.load("metrics", name).headline}
        assert headline == set(re.findall(r"`(\w+)`", rows[task]))


@pytest.mark.parametrize(
    "words",
    [
        f"Gaussian window {structure.WINDOW}x{structure.WINDOW}, sigma {structure.SIGMA}, K1 = {structure.K1}, "
        f"K2 = {structure.K2}",
        f"betas ({', '.join(f'{b * 0.6305:.4f}' for b in structure.BETAS)}) / sum",
        f"sides of {structure.SMALLEST} pixels",
        f"at most {paired.PSNR_CAP:.0f} dB",
        f"outside [0, 1] by more than {images.TOLERANCE}",
        f"at or above {hc85.AIR * 255:.0f}/255",
        f"clipped to ±{kernels.CLIP:.0f}",
        f"relative {check_scores.RELATIVE:.0e}".replace("e-0", "e-"),
        f"within {check_scores.SAME_OUTPUTS} of the new one (`SAME_OUTPUTS`",
        f"by at most {check_scores.OTHER_OUTPUTS} (`OTHER_OUTPUTS`",
        f"within {check_fields.AUDIT} (`AUDIT`",
        f"and {check_scores.COUNTED} for a metric that counts images",
        f"at {extrapolation.SIZES} sizes from a fifth of the images to all; {extrapolation.MIN_IMAGES:,} images a side",
        f"within the {neighbours.K}th-neighbour ball",
        f"at most {neighbours.MAX_IMAGES:,}, drawn with a fixed seed",
        f"of {diversity.PAIRS:,} seeded pairs",
        f"at most {likelihood_task.OF_A_SUBJECT} images of a subject and {likelihood_task.MAX_IMAGES} in all",
        f"from sigma {likelihood.SIGMA_MIN}, or the least that it knows, to {likelihood.SIGMA_MAX:.0f}, or the "
        f"largest, by Heun's method in {likelihood.STEPS} steps of log sigma",
        f"on the first {likelihood.CHECKED} images",
        f"their {background.WINDOW}x{background.WINDOW} mean",
        f"halved {examine_space.HALVINGS} times",
        f"above the {examine_space.QUANTILE} % quantile",
        f"At most {examine_space.MAX_IMAGES} images are taken; below {significance.FEW_SUBJECTS} subjects",
        f"repeated {changes.COPIES} times",
        f"({changes.PATCH}x{changes.PATCH} pixels of 64x64",
        f"elastic warp of {controls.DISPLACEMENT} pixels",
        f"fields of {controls.DISPLACEMENT} pixels in 64",
        f"({changes.PERMUTATIONS} times, p > {changes.UP_LEVEL}",
        f"at ᾱ = {columns.HEADLINE_LEVEL}",
        f"ᾱ ({', '.join(map(str, profiles.PROFILES['standard'].alpha_bars))})",
        f"at most {verdict.FALSE_ALARMS:.0%} (`verdict.FALSE_ALARMS`)".replace("%", " %"),
        f"p ≤ {verdict.ACCUSATION} (`verdict.ACCUSATION`)",
        f"p ≤ {verdict.COPIES_LEVEL} (`verdict.COPIES_LEVEL`)",
        f"p ≤ {verdict.TEST_LEVEL} (`verdict.TEST_LEVEL`)",
        f"p ≤ {verdict.SIGNS_LEVEL} (`verdict.SIGNS_LEVEL`)",
        f"above {verdict.MIN_AUROC} (`verdict.MIN_AUROC`)",
        f"fewer than {significance.FEW_SUBJECTS} test subjects (`significance.FEW_SUBJECTS`)",
        f"more than {copies.FALSE_ALARM:.0%} (`copies.FALSE_ALARM`)".replace("%", " %"),
        f"at least {closer.MARGIN} pixels inside (`closer.MARGIN`), at {match.SIDE} pixels a side (`match.SIDE`;",
        f"{closer.PATCHES} x {closer.PATCHES} patches at {closer.PATCH_SIDE} pixels a side (`closer.PATCH_SIDE`)",
        f"by up to {closer.PATCH_SHIFT} pixels of that size",
        f"contrast is {closer.INFORMATIVE:.0%} or more".replace("%", " %"),
        f"the {copies.TAIL:.0%} quantile −1".replace("%", " %"),
        f"At {coarse.SIDE} pixels a side (`coarse.SIDE`)",
        f"the {coarse.NEAREST_IMAGES} nearest images and the nearest image of each of the {coarse.NEAREST_SUBJECTS} "
        "nearest subjects",
        f"up to {examine.MAX_HELD_OUT} test and validation images",
        f"which a blur of 1/{2 / examine.BLUR:.0f} of a side takes away is less than "
        f"{round(3 * examine.SMOOTH)}/3 (`examine.SMOOTH`)",
        f"blurred by 1/{1 / examine.BLUR:.0f} of a side (`examine.BLUR`)",
        f"nearer, at {coarse.SIDE} pixels a side, than {1 - repeats.RARE:.0%} of the training images".replace(
            "%", " %"
        ),
        f"{verdict.POWER * 10:.0f} times of 10",
        f"of at most {examine.MAX_REAL:,} of train and test together",
        f"shuffled between train and test ({permutation.PERMUTATIONS} times)",
        f"sha256 {inception.SHA256[:8]}…{inception.SHA256[-3:]}",
        f"sha256 {lite0.SHA256[:8]}…{lite0.SHA256[-3:]}",
        f"in bins of {radiomics.BIN_WIDTH} grey levels",
        f"air below {hc85.AIR * 255:.0f}/255",
        f"air of {hc85.AIR * 255:.0f}/255",
        "the default is "
        f"{', '.join(f'`{name}`' for name in runspec.FEATURES[:-1])} and `{runspec.FEATURES[-1]}`",
    ],
)
def test_a_constant_is_that_of_the_code(words):
    assert words in FLAT


def test_sample_sizes_are_those_of_the_profiles():
    for name, profile in profiles.PROFILES.items():
        assert f"| `{name}` | {profile.n_generated:,}" in TEXT


def test_dimensions_and_kernels_of_the_spaces():
    for name in ours("features"):
        space = lookup.load("features", name)
        (line,) = [line for line in TEXT.splitlines() if line.startswith(f"| `{name}`")]
        assert f"`{space.kernel}`" in line and (not space.dim or f"| {space.dim}, " in line)


def test_what_a_space_is_blind_to_is_counted_from_the_kept_records():
    seen = {}
    for path in sorted((ROOT / "leaderboards" / "trust").glob("*/*.json")):
        for space in json.loads(path.read_text())["spaces"]:
            for response in space.get("responses", ()):
                if not response["required"]:
                    seen.setdefault(space["space"], {}).setdefault(response["change"], []).append(
                        response["passed"]
                    )
    assert set(seen) >= set(runspec.FEATURES)
    for space, found in seen.items():
        counts = [found[change] for change in (*changes.REPORTED, changes.HALVES)]
        cells = " | ".join(f"{sum(passed)} of {len(passed)}" for passed in counts)
        assert f"| by `{space}` | {cells} |" in TEXT


def test_links_lead_to_what_they_name():
    """[`function`](file.py): the file is there, and defines it."""
    links = re.findall(r"\[([^\]]+)\]\(([^)]+)\)", TEXT)
    assert len(links) > 20
    for label, target in links:
        path = PROTOCOL.parent / target
        assert path.exists() or target in MADE_BY_COMMANDS, target
        for name in re.findall(r"`(?:\w+\.)?(\w+)`", label):
            source = path.read_text() if path.is_file() else ""
            assert re.search(rf"^(def|class) {name}\b", source, flags=re.MULTILINE) or path.stem == name, (
                label
            )


def test_the_sections_are_there():
    for heading in ("Tracks", "Uncertainty and ties", "Controls and floor", "Memorisation audit", "Budgets"):
        assert f"\n## {heading}\n" in TEXT
