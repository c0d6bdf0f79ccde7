"""Input by hand: drop a file, edit the table, Enter runs, add a strategy, take files away and bring them back."""

import csv
import json
import re

import pytest
from playwright.sync_api import expect

from tests.browser.conftest import idle, shot

pytestmark = pytest.mark.browser

ROWS = [{"id": f"d{at}", "title": f"T{at}", "text": f"apple {at} pie", "grade": at % 2} for at in range(4)]
ROW_HEIGHT = 35


def upload(page, *files):
    page.get_by_role("button", name="Upload", exact=True).click()
    chooser = page.locator("[data-testid=stFileUploaderDropzoneInput]")
    expect(chooser).to_have_count(1)  # that of a dialog closed before goes a moment later
    chooser.set_input_files(list(files))
    idle(page)


def use(page):
    page.get_by_role("button", name=re.compile("^Use ")).click()
    expect(page.get_by_role("dialog")).to_be_hidden()
    idle(page)


def open_table(page):
    page.get_by_text("to check, edit and reorder").click()
    expect(page.locator("[data-testid=stDataFrame] canvas").first).to_be_visible()
    idle(page)
    page.wait_for_timeout(500)  # columns get their widths


def cell(page, row, x):
    """A cell of the table on its canvas: `row` from 1, `x` in pixels from the left."""
    box = page.locator("[data-testid=stDataFrame]").bounding_box()
    return box["x"] + x, box["y"] + ROW_HEIGHT * row + ROW_HEIGHT / 2


def write(page, row, x, text):
    editor = page.locator("#portal input, #portal textarea").first
    for _ in range(5):  # the first click after a menu only closes that
        if not editor.is_visible():
            page.mouse.dblclick(*cell(page, row, x))
            page.wait_for_timeout(1000)
    editor.fill(text)
    editor.press("Enter")
    page.wait_for_timeout(500)  # the editor tells the server a moment later
    idle(page)


def taken(page, name, path):
    """Save one of the files that Export offers."""
    export = page.get_by_role("button", name="Export")
    export.click()
    offered = page.get_by_role("button", name=re.compile(name))
    with page.expect_download() as waiting:
        offered.click()
    waiting.value.save_as(path)
    export.click()
    expect(offered).to_be_hidden()
    idle(page)
    return path


def exported(page, folder):
    """The queries and documents as the app gives them away."""
    return json.loads(taken(page, "documents as JSON$", folder / "out.json").read_text())


def test_a_file_is_dropped_edited_run_with_enter_exported_and_read_back(server, page, tmp_path):
    given, broken = tmp_path / "in.json", tmp_path / "broken.json"
    given.write_text(json.dumps({"query": "apple", "documents": ROWS}))
    broken.write_text('{"query": "x",\n "documents": [}')
    page.goto(server.url)
    upload(page, broken)
    dialog = page.get_by_role("dialog")
    expect(dialog.get_by_role("alert")).to_contain_text("broken.json, line 2, column 16")
    shot(page, "upload-error")
    page.keyboard.press("Escape")
    expect(dialog).to_be_hidden()
    idle(page)
    upload(page, given)
    expect(dialog).to_contain_text("4 documents for the query “apple”")
    use(page)
    open_table(page)
    write(page, 1, 420, "New title")
    assert exported(page, tmp_path)["documents"][0]["title"] == "New title"
    write(page, 4, 80, "1")
    found = exported(page, tmp_path)["documents"]
    assert [item["id"] for item in found] == ["d3", "d0", "d1", "d2"]
    assert found[1]["title"] == "New title"
    assert [item["metadata"]["grade"] for item in found] == [1, 0, 1, 0]
    page.wait_for_timeout(500)
    page.mouse.click(*cell(page, 2, 15))
    page.keyboard.press("Delete")
    idle(page)
    expect(page.locator(".rl-line")).to_contain_text("3 documents")
    shot(page, "table")
    page.get_by_role("button", name=re.compile("^Undo")).click()
    idle(page)
    expect(page.locator(".rl-line")).to_contain_text("4 documents")
    box = page.get_by_role("textbox", name="Query")
    box.fill("apple 2")
    box.press("Enter")
    expect(page.locator(".rl-prices")).to_be_visible(timeout=120_000)
    expect(page.locator(".rl-line")).to_contain_text("apple 2")
    expect(page.get_by_text("Changed since these results")).to_have_count(0)
    whole = exported(page, tmp_path)
    taken(page, "Rankings as CSV", tmp_path / "out.csv")
    with (tmp_path / "out.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert {row["strategy"] for row in rows} == {"Input order", "BM25", "Dense bi-encoder"}
    assert len(rows) == 12
    assert all(row["score"] == "" for row in rows if row["strategy"] == "Input order")
    page.get_by_role("button", name="New session").click()
    idle(page)
    upload(page, tmp_path / "out.json")
    use(page)
    assert exported(page, tmp_path) == whole


def test_strategies_are_searched_added_and_the_dialog_closes(server, page):
    page.goto(server.url)
    page.get_by_role("button", name="Add strategy").click()
    expect(page.get_by_role("dialog").get_by_role("button", name="BM25")).to_be_visible()
    idle(page)
    page.get_by_placeholder("Search: a name").press_sequentially("heap")
    expect(page.get_by_role("dialog").get_by_role("button", name="BM25")).to_have_count(0)
    idle(page)
    expect(page.get_by_role("dialog").get_by_role("button", name="Setwise")).to_have_count(1)
    page.get_by_role("dialog").get_by_role("button", name="Setwise").click()
    expect(page.get_by_role("dialog")).to_be_hidden()
    sidebar = page.locator("[data-testid=stSidebar]")
    expect(sidebar).to_contain_text("Setwise")
    sidebar.get_by_role("button", name="Edit").last.click()
    name = page.get_by_role("textbox", name="Name", exact=True)
    expect(name).to_be_visible()
    idle(page)
    name.fill("My sets")
    name.press("Enter")
    lines = sidebar.locator("[data-testid=stCheckbox]")
    expect(lines.last).to_contain_text("My sets", timeout=30_000)
    page.get_by_role("button", name="Remove", exact=True).click()
    expect(lines.last).not_to_contain_text("My sets", timeout=30_000)
    page.keyboard.press("Escape")
    sidebar.get_by_role("button", name=re.compile("^Undo")).click()
    expect(lines.last).to_contain_text("My sets", timeout=30_000)
