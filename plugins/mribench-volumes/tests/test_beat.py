"""The heart's two times: one tissue, moved by a map that is known, keeps the wall's area and folds nowhere."""

import numpy as np
import pytest
from mribench_volumes import motion

heart = pytest.importorskip("mribench_heart")
beat = pytest.importorskip("mribench_heart.beat")
phantom = pytest.importorskip("mribench_heart.phantom")

SIZE = 64
NAMES = [field.name for field in beat.FIELDS]
PLACES = [(subject, slice) for subject in range(4) for slice in (1, 3)]


@pytest.fixture(scope="module")
def drawn():
    found = [heart.MODALITY.draw_fields(0, *place, SIZE, NAMES) for place in PLACES]
    return {name: np.stack([one[name] for one in found]) for name in NAMES}


def dice(a, b):
    return 2 * (a & b).sum() / (a.sum() + b.sum())


def test_the_known_motion_takes_the_filled_heart_to_the_contracted_one(drawn):
    labels = motion.warped_labels(drawn["end-diastole-labels"], drawn["motion"], 3)
    for structure in (1, 2):
        before, after, truth = (
            maps == structure for maps in (drawn["end-diastole-labels"], labels, drawn["end-systole-labels"])
        )
        assert dice(after, truth) > 0.92 > 0.8 > dice(before, truth)
    error = (motion.warped(drawn["end-diastole"], drawn["motion"]) - drawn["end-systole"]) ** 2
    before = (drawn["end-diastole"] - drawn["end-systole"]) ** 2
    moves = (drawn["motion"] != 0).any(1)
    assert error[moves].mean() < before[moves].mean() / 4


def test_it_folds_nowhere_and_stops_at_its_reach(drawn):
    assert motion.folded(drawn["motion"]).max() == 0
    still = (drawn["motion"] == 0).all(1)
    assert 0.4 < still.mean() < 0.9 and still[:, 0].all()


def test_a_contraction_keeps_the_area_of_the_wall_and_empties_the_cavity():
    filled = beat.Phase(0.25, 0.36, 0.6)
    contracted = filled.emptied(0.5, 0.2)
    assert contracted.outer**2 - contracted.inner**2 == pytest.approx(0.36**2 - 0.25**2)
    step, at = 1e-4, np.linspace(0.2, 0.31, 9)

    def area(radius):
        """Determinant of the Jacobian at (radius, 0), by differences."""
        x, y = (np.array([0, step, 0]) + radius, np.array([0, 0, step]))
        to = np.stack(contracted.to(filled, x, y))
        return np.linalg.det((to[:, 1:] - to[:, :1]) / step)

    for radius in at[at > contracted.inner]:
        assert area(radius) == pytest.approx(1, abs=1e-3)
    assert area(0.05) == pytest.approx(2, abs=1e-2)


def test_there_and_back_is_nothing():
    filled = beat.Phase(0.25, 0.36, 0.6)
    contracted = filled.emptied(0.6, -0.2)
    x, y = np.random.default_rng(0).uniform(-0.7, 0.7, (2, 200))
    assert np.allclose(filled.to(contracted, *contracted.to(filled, x, y)), (x, y), atol=1e-9)


def test_what_lies_beyond_the_beat_is_the_image_but_for_noise(drawn):
    """Static tissue is seen alike three times, each with noise of its own."""
    images = np.stack([phantom.draw(0, *place, size=SIZE).image for place in PLACES])
    still = (drawn["motion"] == 0).all(1)
    for name in ("end-diastole", "end-systole"):
        gap = np.abs(drawn[name] - images)[still]
        assert 0 < gap.mean() < 0.05


def test_a_beat_leaves_the_other_fields_as_they_were(drawn):
    alone = phantom.FIELDS(0, 1, 2, SIZE, ["labels", "t1w"])
    both = heart.MODALITY.draw_fields(0, 1, 2, SIZE, ["labels", "motion", "t1w"])
    assert set(both) == {"labels", "motion", "t1w"}
    assert all((both[name] == alone[name]).all() for name in alone)
