"""Markdown tables: foreign text stays in its cell."""

from mribench.tables import markdown_table


def test_a_table_has_a_heading_a_rule_and_a_line_each():
    assert markdown_table(["a", "b"], [["1", "2"], ["3", ""]]) == (
        "| a | b |\n| --- | --- |\n| 1 | 2 |\n| 3 |  |\n"
    )


def test_foreign_text_stays_in_its_cell_and_brings_no_markup():
    (line,) = markdown_table(["a"], [["x|y\nz <b>"]]).splitlines()[2:]
    assert line == "| x\\|y z &lt;b> |"
