"""The sentence for an unknown name."""

from mribench.errors import nearest_name, unknown_name

PROFILES = ("smoke", "quick", "standard")


def test_a_name_that_is_nearly_right_is_suggested():
    assert unknown_name("profile", "qick", PROFILES) == "unknown profile 'qick'; did you mean 'quick'?"
    assert nearest_name("qick", iter(PROFILES)) == "quick"


def test_for_any_other_name_all_known_ones_are_listed():
    sentence = "unknown profile 'x'; expected one of smoke, quick, standard"
    assert unknown_name("profile", "x", iter(PROFILES)) == sentence
    assert unknown_name("organ", "x", (), "none is installed") == "unknown organ 'x'; none is installed"
    assert nearest_name("x", PROFILES) is None
