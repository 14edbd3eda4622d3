"""The page in a real browser, from disk: no error, usable by keyboard, on a phone, in the dark, on paper."""

import numpy as np
import pytest
from chromium import Page, binary

from mribench import figures, results
from mribench.board import publish
from mribench.board.boards import boards
from mribench.spec import Score

pytestmark = [pytest.mark.slow, pytest.mark.skipif(binary() is None, reason="no Chromium is installed")]

MADE = {
    "training": {"images_seen": 320, "seconds": 3.6},
    "produced": {"nfe": [5], "gflops_per_evaluation": 2.0},
}
# WCAG 2.2, relative luminance and contrast; text that is drawn against the nearest painted background
CONTRAST = """
(() => {
  const numbers = (colour) => colour.match(/[\\d.]+/g).map(Number);
  const part = (c) => ((c /= 255) <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4);
  const light = ([r, g, b]) => 0.2126 * part(r) + 0.7152 * part(g) + 0.0722 * part(b);
  const behind = (e) => {
    for (; e; e = e.parentElement) {
      const colour = numbers(getComputedStyle(e).backgroundColor);
      if (colour.length === 3 || colour[3] > 0) return colour;
    }
  };
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  const faint = [];
  while (walker.nextNode()) {
    const e = walker.currentNode.parentElement;
    if (!walker.currentNode.data.trim() || !e.checkVisibility() || e.closest("script, style, title")) continue;
    const style = getComputedStyle(e);
    const ink = light(numbers(e instanceof SVGElement ? style.fill : style.color)), paper = light(behind(e));
    const ratio = (Math.max(ink, paper) + 0.05) / (Math.min(ink, paper) + 0.05);
    if (ratio < 4.5) faint.push([ratio.toFixed(2), e.outerHTML.slice(0, 120)]);
  }
  return faint;
})()
"""
FOCUS = "document.activeElement"
GLANCE = "document.querySelector('table.sortable')"
ORDER = f"[...{GLANCE}.tBodies[0].rows].map((row) => row.cells[1].querySelector('b')?.textContent ?? '')"


@pytest.fixture
def path(run_folder, scored, controls):
    """A page with several rows, a blank one, pictures, and an invalid board."""
    pictures = {"samples": "figures/a.png"}
    rows = [scored("ddpm", 100.0, figures=pictures, provenance=MADE), scored("edm", 9.0, provenance=MADE)]
    blank = scored("none", 1.0, provenance=MADE)
    blank = blank.__class__(**{**vars(blank), "scores": ()})
    lung = [scored("ddpm", 30.0, same={"modality": "lung"}, modality="lung")]
    lung += [scored("blur", 1.0, same={"modality": "lung"}, modality="lung", is_control=True)]
    folder = run_folder("run", *rows, blank, *controls, *lung)
    images = np.random.default_rng(0).integers(0, 200, (20, 32, 32), dtype=np.uint8)
    images[5] = 240
    figures.save(folder / "figures" / "a.png", figures.captioned(figures.grid(images, 8), "words"))
    publish.write(boards(results.read_all([folder])), folder)
    return folder / "leaderboard.html"


def test_sorting_by_keyboard(path):
    with Page(path) as page:
        assert page.ask(ORDER) == ["9.0", "100.0", "", "30.0"], "by rank"
        page.ask(f"{GLANCE}.tHead.rows[0].cells[1].querySelector('button').focus()")
        page.press("Enter")
        assert page.ask(ORDER) == ["9.0", "30.0", "100.0", ""]
        assert page.ask(f"{FOCUS}.parentElement.getAttribute('aria-sort')") == "ascending"
        page.press(" ")
        assert page.ask(ORDER) == ["100.0", "30.0", "9.0", ""]
        assert page.ask(f"{FOCUS}.parentElement.getAttribute('aria-sort')") == "descending"
        assert page.ask(f"{GLANCE}.querySelectorAll('[aria-sort]').length") == 1
        assert page.problems() == []


def test_one_image_opens_moves_and_closes_by_keyboard(path):
    said = "document.getElementById('viewer-caption').textContent.split('.')[0]"
    with Page(path) as page:
        assert page.ask("document.getElementById('viewer').open") is False
        page.ask("document.querySelector('button.open').focus()")
        page.press("Enter")
        assert page.ask("document.getElementById('viewer').open") is True
        assert page.ask(said) == "Image 1 of 20"
        seen = []
        for key in ("ArrowRight", "ArrowDown", "End", "ArrowRight"):
            page.press(key)
            seen.append(page.ask(said).split()[1])
        assert seen == ["2", "10", "20", "20"]
        page.press("Escape")
        page.until("!document.getElementById('viewer').open")
        assert page.ask(f"{FOCUS}.className") == "open", "focus goes back to where it was"
        assert page.problems() == []


def test_the_image_that_was_clicked_is_shown(path):
    with Page(path) as page:
        page.ask("document.querySelector('button.open img').scrollIntoView({block: 'center'})")
        box = page.ask("document.querySelector('button.open img').getBoundingClientRect().toJSON()")
        page.click(box["left"] + box["width"] * 5.5 / 8, box["top"] + 5)
        assert page.ask("document.getElementById('viewer-caption').textContent").startswith("Image 6 of 20.")
        pixel = "[...document.getElementById('viewer-canvas').getContext('2d').getImageData(9, 9, 1, 1).data]"
        grey, *_, alpha = page.ask(pixel)
        assert abs(grey - 240) <= 3 and alpha == 255


def test_the_script_draws_as_the_page_does(scored, run_folder):
    """The numbers of one level stand in the open table, drawn beforehand, and in a closed one, drawn by the script."""
    about = {"psnr": {"title": "", "unit": "dB", "direction": "up", "paper": ""}}
    values = {"ddpm": 20.0, "edm": 24.5, "blur": 16.25, "noise": 9.5}
    made = [
        scored(
            name,
            metrics=about,
            is_control=name in ("blur", "noise"),
            scores=tuple(
                Score("psnr", value, 40, 40, value - 1.25, value + 2, level=level) for level in (0.9, 0.524)
            ),
        )
        for name, value in values.items()
    ]
    folder = run_folder("run", *made)
    publish.write(boards(results.read_all([folder])), folder)
    drawn = "[...document.querySelectorAll('thead th')].filter((h) => h.textContent === 'PSNR @ᾱ 0.52 (dB) ↑').slice(1)"
    column = (
        f"{drawn}.map((h) => [...h.closest('table').tBodies[0].rows].map((row) => "
        "row.cells[h.cellIndex].querySelector('svg').outerHTML))"
    )
    with Page(folder / "leaderboard.html") as page:
        # the script draws a table when it comes near the window, and all of them for a printer
        page.ask("dispatchEvent(new Event('beforeprint'))")
        before, after = page.ask(column)
        assert before == after and len(before) == 4
        assert "whisker" in before[0] and 'class="off"' in before[3]
        assert page.problems() == []


@pytest.mark.parametrize("dark", [False, True])
def test_all_text_has_enough_contrast(path, dark):
    with Page(path, dark=dark) as page:
        page.ask("document.querySelectorAll('details').forEach((block) => (block.open = true))")
        assert page.ask(CONTRAST) == []
        # the switch turns it round, whatever the system prefers
        before = page.ask("getComputedStyle(document.body).backgroundColor")
        page.ask("document.getElementById('theme').click()")
        assert page.ask("getComputedStyle(document.body).backgroundColor") != before
        assert page.ask(CONTRAST) == []


@pytest.mark.parametrize("width", [320, 360, 768])
def test_nothing_sticks_out_of_a_phone(path, width):
    with Page(path, width, 740) as page:
        page.ask("document.querySelectorAll('details').forEach((block) => (block.open = true))")
        assert page.ask("document.documentElement.scrollWidth") <= width
        assert page.ask("innerWidth") == width


def test_the_keyboard_sees_where_it_is(path):
    with Page(path) as page:
        page.press("Tab")
        assert page.ask(f"{FOCUS}.className") == "skip"
        assert page.ask(f"{FOCUS}.getBoundingClientRect().left") >= 0
        for _ in range(12):
            page.press("Tab")
            assert page.ask(f"getComputedStyle({FOCUS}).outlineStyle") != "none"


def test_a_row_leads_to_where_it_comes_from(path):
    with Page(path) as page:
        page.ask("document.querySelector('a[href=\"#board-brain-phantom-quick-ddpm-ddim-5\"]').click()")
        page.until("document.getElementById('board-brain-phantom-quick-ddpm-ddim-5').closest('details').open")


def test_a_print_shows_every_number(path):
    with Page(path) as page:
        assert page.pdf().startswith(b"%PDF")
        assert page.ask("document.querySelectorAll('details[open]').length") == 0, "closed again afterwards"
        assert page.problems() == []


def test_without_javascript_everything_is_there(path):
    with Page(path, script=False) as page:
        shown = "document.querySelector('main').innerText"
        assert page.ask("document.querySelectorAll('th button, button.open').length") == 0
        assert "INVALID" in page.ask(shown) and "±" not in page.ask(
            "document.getElementById('theme').innerText"
        )
        assert page.ask("document.getElementById('theme').checkVisibility()") is False
        assert page.ask("document.querySelector('figure.tiles img').checkVisibility()") is True
