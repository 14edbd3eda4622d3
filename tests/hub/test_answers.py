"""What a solver answered is no model to share: it stands on boards."""

import pytest

from mribench.errors import InputError
from mribench.hub import cells


def test_a_run_that_only_solved_problems_has_no_model_to_share(run_folder, result):
    answer = result(task="mri", sampler="pnp", answers_by="prior")
    with pytest.raises(InputError, match="answers to inverse problems and no generated images"):
        cells.find(run_folder("run", answer))


def test_the_answers_beside_generated_images_are_not_of_the_model(run_folder, result, monkeypatch):
    monkeypatch.setattr(cells, "check_provenance", lambda result: None)
    answer = result(task="mri", sampler="pnp", answers_by="prior")
    (cell,) = cells.find(run_folder("run", result(), answer))
    assert {one.sampler for one in cell.results} == {result().sampler}
