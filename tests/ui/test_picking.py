"""What a press in the page names is looked up, and anything else selects nothing."""

import pytest

from reranking.ui.picking import read


def test_an_original_position_that_is_there_is_read():
    assert [read(wanted, 12) for wanted in ("0", "7", "11")] == [0, 7, 11]


@pytest.mark.parametrize("wanted", [None, "", "none", "12", "-1", "1.5", "x", "٣", "9" * 30, 3, {"doc": 1}, "<b>"])
def test_anything_else_selects_nothing(wanted):
    assert read(wanted, 12) is None
