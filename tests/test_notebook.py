"""The notebook beside the kept boards runs from top to bottom."""

import ast
import json
from pathlib import Path

import pytest

FOLDER = Path(__file__).parent.parent / "leaderboards"
NOTEBOOK = FOLDER / "notebook.ipynb"

pytestmark = pytest.mark.skipif(not NOTEBOOK.exists(), reason="only in a checkout")


def code():
    cells = json.loads(NOTEBOOK.read_text())["cells"]
    return ["".join(cell["source"]) for cell in cells if cell["cell_type"] == "code"]


def test_it_is_kept_without_what_it_printed():
    cells = [cell for cell in json.loads(NOTEBOOK.read_text())["cells"] if cell["cell_type"] == "code"]
    assert len(cells) > 8 and not any(cell["outputs"] or cell["execution_count"] for cell in cells)


@pytest.mark.slow
def test_it_runs(tmp_path, monkeypatch):
    """As a notebook does: the last expression of a cell is shown."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "methods").symlink_to(FOLDER / "methods")
    names, shown = {}, []
    for cell in code():
        *statements, last = ast.parse(cell).body
        if not isinstance(last, ast.Expr):
            statements, last = [*statements, last], None
        exec(compile(ast.Module(statements, []), str(NOTEBOOK), "exec"), names)
        if last is not None:
            value = eval(compile(ast.Expression(last.value), str(NOTEBOOK), "eval"), names)
            html = getattr(value, "_repr_html_", None)
            shown.append(html() if html else repr(value))
    assert "<table>" in shown[0] and "Best(modality='brain'" in shown[1]
    assert shown[-1] == "True" and (tmp_path / "runs" / "notebook" / "leaderboard.html").exists()
