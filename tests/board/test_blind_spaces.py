"""A board says what each of its feature spaces does not see on its images."""

from dataclasses import replace

from mribench.board import boards, sentences


def board(found, *said):
    """The board of records that say each its own of what hc85-v1 is blind to; None says nothing."""
    spaces = [{} if blind is None else {"hc85-v1": {"trusted": True, "blind_to": blind}} for blind in said]
    (made,) = boards.boards([replace(r, spaces=s) for r, s in zip(found, spaces, strict=True)])
    return made


def test_a_blind_space_is_named_with_what_it_misses(scored):
    found = [scored("a", 100.0), scored("b", 200.0)]
    missed = ["a bright spot", "halves of two patients"]
    line = "hc85-v1 is blind to a bright spot, halves of two patients on these images."
    assert line in sentences.notes(board(found, missed, missed))
    assert not [s for s in sentences.notes(board(found, [], [])) if "blind" in s]


def test_what_most_records_say_is_said_and_older_ones_have_no_voice(scored):
    found = [scored(name, 100.0) for name in "abcd"]
    said = board(found, ["elastic warp"], ["elastic warp"], [], None)
    assert said.blind_to("hc85-v1") == ("elastic warp",) and said.blind_to("gist208-v1") == ()
