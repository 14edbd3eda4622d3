"""The scoring benchmark counts every metric that needs no weights."""

from mribench.speed import scoring
from mribench.tasks import generation


def test_one_size_is_measured_part_by_part():
    found = scoring.one(60)
    names = {*generation.METRICS, "features", "reconstruction, one level"} - {"fid"}
    assert set(found["by_part"]) == names
    assert found["n"] == 60 and found["peak_gib"] > 0
    assert 0 <= found["cpu_seconds_again"] <= found["cpu_seconds"]


def test_images_are_drawn_with_a_seed_five_to_a_subject():
    first, again, other = scoring._split(1, 12), scoring._split(1, 12), scoring._split(2, 12)
    assert (first.images == again.images).all() and (first.images != other.images).any()
    assert first.n_subjects == 3
