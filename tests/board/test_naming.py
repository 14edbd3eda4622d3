"""Names of rows in a sentence."""

import pytest

from mribench.board.naming import listed


@pytest.mark.parametrize(
    ("names", "said"),
    [
        (["ddpm", "my-model-2", "my-model-3"], "ddpm, my-model-2, my-model-3"),
        (["ddpm ddim-50 v2", "ddpm ddim-5 v2", "ddpm ddim-10"], "ddpm ddim-5/50 v2, ddpm ddim-10"),
        (["flow heun-8", "ddpm heun-25", "flow heun-16"], "flow heun-8/16, ddpm heun-25"),
        (["iddpm v2 dpm-solver-16 v2"], "iddpm v2 dpm-solver-16 v2"),
        ([], ""),
    ],
)
def test_rows_that_differ_in_steps_alone_share_a_word(names, said):
    assert listed(names) == said
