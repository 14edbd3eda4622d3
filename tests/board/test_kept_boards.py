"""The boards of one records file: the same as those of the run, and as its README says."""

import re
from pathlib import Path

import pytest

from mribench import results
from mribench.board import export, publish
from mribench.board.boards import boards
from mribench.board.markdown import markdown
from mribench.results import kept

KEPT = Path(__file__).parents[2] / "leaderboards"


def test_boards_of_the_kept_file_are_those_of_the_run(scored, controls, run_folder, tmp_path):
    run = run_folder("run", *controls, *(scored("ddpm", 90.0 + seed, seed) for seed in range(3)))
    publish.publish([run], tmp_path / "kept")
    ours, theirs = (boards(results.read_all([folder])) for folder in (run, tmp_path / "kept"))
    assert not (tmp_path / "kept" / "results").exists()
    assert export.csv_text(ours) == export.csv_text(theirs) and export.json_text(ours) == export.json_text(
        theirs
    )
    assert markdown(ours, run) == markdown(theirs, tmp_path / "kept")


def test_compare_reads_the_file_and_its_folder(scored, controls, run_folder, tmp_path, mribench):
    found = [*controls, scored("ddpm", 90.0), scored("other", 300.0)]
    run, folder = run_folder("run", *found), tmp_path / "kept"
    results.add(folder, found)
    wanted = mribench("compare", f"{run}:ddpm", f"{run}:other").out
    assert "ddpm" in wanted and mribench("compare", f"{folder}:ddpm", f"{folder}:other").out == wanted
    assert mribench("compare", kept.path_of(folder, "brain"), run).out == mribench("compare", run, run).out


def test_a_kept_board_has_csv_and_json_only_where_they_are_asked_for(result, run_folder, tmp_path, mribench):
    run, out = run_folder("run", result()), tmp_path / "kept"
    written = {kept.FOLDER, "leaderboard.md", "leaderboard.html"}
    mribench("leaderboard", run, "--out", out)
    assert {path.name for path in out.iterdir()} == written
    mribench("leaderboard", run, "--out", out, "--tables")
    assert {path.name for path in out.iterdir()} == written | {"leaderboard.csv", "leaderboard.json"}
    before = (out / "leaderboard.csv").read_text()
    mribench("leaderboard", run_folder("more", result(seed=1)), "--out", out)
    assert (out / "leaderboard.csv").read_text() != before, "a table that is there stays up to date"


@pytest.mark.parametrize("tables", [True, False, None])
def test_no_link_of_a_page_is_dead(scored, controls, run_folder, tmp_path, tables):
    run = run_folder("run", *controls, scored("ddpm", 90.0, audit={"verdict": "not detected"}))
    publish.write(boards(results.read_all([run])), run, tables=tables)
    publish.publish([run], tmp_path / "kept", tables=tables)
    for folder in (run, tmp_path / "kept"):
        links = set(re.findall(r'href="([^"#:]+)"', (folder / "leaderboard.html").read_text()))
        assert links and all((folder / link).is_file() for link in links), links
    assert "records/brain.jsonl.zst" in links


def test_the_command_makes_the_tables_again(result, tmp_path, mribench):
    board = tmp_path / "kept"
    results.add(board, [result()])
    mribench("leaderboard", board, "--no-html", "--tables")
    assert {path.suffix for path in board.glob("leaderboard.*")} == {".md", ".csv", ".json"}
    before = (board / "leaderboard.md").read_bytes()
    (board / "leaderboard.md").unlink()
    ended = mribench("leaderboard", kept.path_of(board, "brain"))
    assert "ddpm" in ended.out and not (board / "leaderboard.md").exists(), "one organ of a board"
    mribench("leaderboard", board, "--no-tables")
    assert (board / "leaderboard.md").read_bytes() == before


@pytest.mark.skipif(not KEPT.is_dir(), reason="only in a checkout")
def test_the_kept_boards_are_read_as_their_readme_says(python, monkeypatch):
    (block,) = re.findall(r"```python\n(.*?)```", (KEPT / "README.md").read_text(), re.DOTALL)
    monkeypatch.chdir(KEPT.parent)
    ended = python(block)
    assert ended.code == 0 and ended.out.count("('brain', ") == 9, ended.err  # seeds x spaces
    assert not list(KEPT.rglob("results")), "records of a kept board are one file"
