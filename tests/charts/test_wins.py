"""The heat map of shares holds the values given, in their places, and what is unknown stays blank."""

import pytest

from reranking.charts.wins import share_matrix

SHARES = [[None, 1.0, 0.5], [0.0, None, None], [0.5, None, None]]


@pytest.mark.parametrize("dark", [False, True])
def test_every_share_is_in_its_place_and_unknown_ones_are_blank(dark):
    (heat,) = share_matrix(SHARES, ["a", "b", "c"], "Wins", [], dark).data
    assert [list(row) for row in heat.z] == SHARES
    assert (heat.zmin, heat.zmax) == (0, 1)
    assert heat.hovertext[0][1] == "1  a<br>against 2  b: 1.00"
    assert heat.hovertext[1][2] == ""


def test_the_best_row_is_on_top_and_titles_are_shown_as_they_are():
    figure = share_matrix(SHARES, ["<b>x</b> $a$", "b" * 80, "c"], "Wins", ["note"], False)
    assert figure.layout.yaxis.autorange == "reversed"
    assert figure.layout.yaxis.ticktext[0].startswith("1  &lt;b&gt;x&lt;/b&gt; &#36;")
    assert all(len(text) < 60 for text in figure.layout.yaxis.ticktext)


def test_numbers_stand_in_the_cells_only_where_there_is_room():
    wide = [[0.5] * 20] * 20
    assert share_matrix(SHARES, "abc", "Wins", [], False).data[0].texttemplate
    assert not share_matrix(wide, ["x"] * 20, "Wins", [], False).data[0].texttemplate
