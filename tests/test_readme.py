"""What the READMEs say works as written."""

import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest
from typer.main import get_command

import mribench
from mribench import profiles
from mribench.cli.app import app
from mribench.plugins import scaffold

ROOT = Path(__file__).parent.parent
README = (ROOT / "README.md").read_text()
FOLDERS = ("", "leaderboards", "mribench/hub", "mribench/runner", "plugins", "plugins/mribench-*", "registry")
FILES = [
    ROOT / "CONTRIBUTING.md",
    *(path for folder in FOLDERS for path in sorted(ROOT.glob(f"{folder}/README.md".strip("/")))),
]
PAGES = {str(path.relative_to(ROOT)): path.read_text() for path in FILES if path.exists()}

pytestmark = pytest.mark.skipif(not (ROOT / "plugins").is_dir(), reason="only in a checkout")


def blocks(language: str, text: str = README) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", text, flags=re.DOTALL)


def commands() -> list[list[str]]:
    """Every `mribench ...` line of the shell blocks, split into words, comments and line continuations resolved."""
    text = "\n".join(block for page in PAGES.values() for block in blocks("sh", page)).replace("\\\n", " ")
    lines = [shlex.split(line, comments=True) for line in text.splitlines()]
    return [words[words.index("mribench") + 1 :] for words in lines if "mribench" in words]


def test_there_are_commands_to_check():
    assert len(commands()) >= 4


@pytest.mark.parametrize("words", commands(), ids=" ".join)
def test_a_command_of_a_readme_parses(words):
    command = get_command(app)
    while words and words[0] in getattr(command, "commands", {}):
        command, words = command.commands[words[0]], words[1:]
    known = {name for parameter in command.params for name in parameter.opts}
    assert {word for word in words if word.startswith("--")} <= known


def test_make_targets_of_the_readme_exist():
    makefile = (ROOT / "Makefile").read_text()
    for target in set(re.findall(r"\bmake (\w+)", README)):
        assert re.search(rf"^{target}:", makefile, flags=re.MULTILINE), target


def test_ci_runs_the_test_command_of_the_readme():
    assert "make test" in README and "make test" in (ROOT / ".ci" / "run").read_text()


@pytest.mark.parametrize("name", PAGES)
def test_links_lead_somewhere(name):
    for link in re.findall(r"\]\(([^)#:]+)(?:#[\w-]+)?\)", PAGES[name]):
        assert ((ROOT / name).parent / link).exists(), link


def test_the_readme_is_short():
    assert len(README.splitlines()) <= 150


def tables(text: str) -> list[list[dict[str, str]]]:
    """The tables of a Markdown text: cells by title, line by line."""
    found = []
    for block in re.findall(r"(?:^\|.*\n)+", text, flags=re.MULTILINE):
        titles, _, *lines = ([cell.strip() for cell in line.split("|")[1:-1]] for line in block.splitlines())
        found.append([dict(zip(titles, cells, strict=True)) for cells in lines])
    return found


def test_the_numbers_of_the_readme_are_those_of_the_kept_board():
    text = (ROOT / "leaderboards" / "methods" / "leaderboard.md").read_text()
    (board,), (shown,) = ([one for one in tables(of) if "average rank" in one[0]] for of in (text, README))
    assert shown == board[:7] and len(board) == 20, "the best seven by average rank, and thirteen that follow"


def test_utility_in_the_readme_is_that_of_the_kept_board():
    """KD by the space that ranks, and Dice, of the rows that are named; what the audit says of them."""
    (shown,) = ([row for row in one] for one in tables(README) if "the audit says" in one[0])
    boards = mribench.load(ROOT / "leaderboards" / "utility").boards
    dice, real = ("utility_synthetic", None, None), ("utility_real_100", None, None)

    def text(row, address, digits):
        found = row.estimates[address]
        return f"{found.value:.{digits}f} [{found.low:.{digits}f}, {found.high:.{digits}f}]"

    for board, organ in zip(boards, list(shown[0])[2:], strict=True):
        *rows, training = shown
        for line in rows:
            row = board.row(re.findall(r"`([\w-]+)`", line["images"])[0])
            assert line[organ] == f"{text(row, board.primary, 0)}; {text(row, dice, 2)}"
        assert training[organ] == text(board.row("ddpm"), real, 2)


def test_every_profile_is_described():
    for name in profiles.PROFILES:
        assert f"| `{name}` |" in README


@pytest.mark.slow
def test_the_python_block_runs(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (code,) = [block for block in blocks("python") if "mribench.run(" in block]
    names: dict[str, object] = {}
    exec(code, names)
    assert {result.task for result in names["results"]} == {"generation", "denoising", "audit"}
    assert (tmp_path / "runs" / "python" / "leaderboard.md").exists()


def test_the_lines_of_a_plugins_tests_are_those_that_are_written(tmp_path):
    scaffold.write("variant", "mine", tmp_path)
    written = (tmp_path / "mribench-mine" / "tests" / "test_mribench_mine.py").read_text()
    assert written in blocks("python", PAGES["plugins/README.md"])


@pytest.mark.slow
def test_adding_an_organ_works_as_written(tmp_path):
    """The block as a shell runs it; pip puts the package into a folder of its own, away from this environment."""
    (block,) = [block for block in blocks("sh") if "plugin new modality" in block]
    environment = os.environ | {
        "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
        "PYTHONPATH": str(tmp_path / "site"),
    }
    options = f"--quiet --no-deps --no-build-isolation --no-index --target {tmp_path / 'site'}"
    lines = block.replace("pip install -e", f"pip install {options}")
    ended = subprocess.run(
        ["bash", "-ec", lines], cwd=tmp_path, env=environment, capture_output=True, text=True, timeout=280
    )
    assert ended.returncode == 0, ended.stderr
    assert "0 broken" in ended.stdout and "Wrist" in ended.stdout
    assert (tmp_path / "runs" / "wrist" / "leaderboard.md").exists()
