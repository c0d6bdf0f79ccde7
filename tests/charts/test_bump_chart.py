import json
import random
import re
from itertools import pairwise

import pytest

from reranking.charts import palette
from reranking.charts.bump import FOLLOWED, BumpColumn, bump_chart, standing_out
from reranking.documents import as_candidates
from reranking.ranking import Diagnostic, by_order, by_score, failed


def pool(n):
    return as_candidates([f"text {at}" for at in range(n)])


def columns(n, count, seed=0):
    rng = random.Random(seed)
    orders = [list(range(n)), *(rng.sample(range(n), n) for _ in range(count - 1))]
    return [BumpColumn(f"Strategy {at}", by_order(pool(n), order)) for at, order in enumerate(orders)]


def titles(n):
    return [f"Title {at}" for at in range(n)]


def lines(figure):
    """Original position -> the trace with its line, and where in the trace its points are."""
    found = {}
    for trace in figure.data:
        for at, data in enumerate(trace.customdata):
            if data is not None:
                found.setdefault(data[0], (trace, []))[1].append(at)
    return found


def ranks(figure):
    """Original position -> the ranks drawn for it, column by column."""
    return {index: [trace.y[at] for at in points] for index, (trace, points) in lines(figure).items()}


def every_text(figure):
    value = json.loads(figure.to_json())
    value["layout"].pop("template", None)

    def walk(item):
        if isinstance(item, str):
            yield item
        elif isinstance(item, dict | list):
            for part in item.values() if isinstance(item, dict) else item:
                yield from walk(part)

    return list(walk(value))


@pytest.mark.parametrize(("n", "count"), [(1, 1), (2, 2), (12, 5), (100, 8)])
def test_every_document_is_drawn_at_its_rank_in_every_column(n, count):
    drawn = columns(n, count)
    figure = bump_chart(drawn, titles(n), dark=False)
    expected = {index: [column.ranking.order.index(index) + 1 for column in drawn] for index in range(n)}
    assert ranks(figure) == expected
    assert all([trace.x[at] for at in points] == list(range(count)) for trace, points in lines(figure).values())


@pytest.mark.parametrize(("n", "count"), [(1, 1), (12, 3), (100, 8)])
def test_a_gap_keeps_the_line_of_one_document_from_that_of_the_next(n, count):
    for trace in bump_chart(columns(n, count), titles(n), dark=False).data:
        gaps = [at for at, data in enumerate(trace.customdata) if data is None]
        assert gaps == list(range(count, len(trace.x), count + 1))
        assert all(values[at] is None for values in (trace.x, trace.y, trace.hovertext) for at in gaps)
        assert not trace.connectgaps


def test_documents_that_do_not_stand_out_take_one_trace_however_many_they_are():
    drawn = columns(100, 8)
    figure = bump_chart(drawn, titles(100), dark=False)
    assert len(figure.data) == 1 + len(standing_out([column.ranking for column in drawn]))


def test_a_click_on_any_point_tells_the_original_position():
    figure = bump_chart(columns(12, 3), titles(12), dark=False)
    assert len(lines(figure)) == 12
    for index, (trace, points) in lines(figure).items():
        assert len(points) == 3
        assert all(f"<b>Title {index}</b>" in trace.hovertext[at] for at in points)


def test_rank_one_is_on_top():
    low, high = bump_chart(columns(12, 3), titles(12), dark=False).layout.yaxis.range
    assert low > 12
    assert high < 1


@pytest.mark.parametrize("dark", [False, True])
@pytest.mark.parametrize(("n", "count"), [(12, 5), (30, 2), (31, 6), (100, 8)])
def test_labels_do_not_overlap(n, count, dark):
    figure = bump_chart(columns(n, count, seed=n), titles(n), dark)
    height = figure.layout.height - figure.layout.margin.t - figure.layout.margin.b
    bottom, top = figure.layout.yaxis.range
    row = height / (bottom - top)
    for side in ("left", "right"):
        places = sorted(note.y * row + (note.ay or 0) for note in figure.layout.annotations if note.xanchor == side)
        assert places
        assert min(after - before for before, after in pairwise(places)) > 16


def test_in_short_lists_all_documents_are_labelled_at_both_ends_and_in_long_ones_those_that_stand_out():
    short = bump_chart(columns(30, 3), titles(30), dark=False)
    assert len(short.layout.annotations) == 60
    drawn = columns(100, 3)
    long = bump_chart(drawn, titles(100), dark=False)
    named = {
        note.text.replace("<b>", "").replace("</b>", "") for note in long.layout.annotations if "Title" in note.text
    }
    chosen = standing_out([column.ranking for column in drawn])
    assert len(named) == 2 * len(chosen)
    assert all(any(f"Title {index}" in text for text in named) for index in chosen)


def test_the_chart_stays_on_a_screen_however_long_the_list():
    heights = [bump_chart(columns(n, 3), titles(n), dark=False).layout.height for n in (5, 12, 40, 100, 300)]
    assert heights == sorted(heights)
    assert heights[-1] < 1000


def test_tied_documents_are_hollow_and_their_hover_names_the_shared_ranks():
    tied = by_score(pool(4), [2.0, 1.0, 1.0, 1.0], "grade out of 3")
    figure = bump_chart([BumpColumn("Input", by_order(pool(4), range(4))), BumpColumn("Grade", tied)], titles(4), False)
    for index, (trace, points) in lines(figure).items():
        first, second = points
        assert trace.marker.color[first] != palette.background(False)
        assert (trace.marker.color[second] == palette.background(False)) == (index != 0)
        assert ("Grade: tied, 2 to 4" in trace.hovertext[first]) == (index != 0)
    assert "tied" in figure.layout.title.subtitle.text
    assert "tied" not in bump_chart(columns(4, 2), titles(4), False).layout.title.subtitle.text


def test_failed_strategies_have_no_column_and_are_named():
    broken = BumpColumn("Window · m", failed(pool(8), [Diagnostic("refused", "no")]))
    figure = bump_chart([*columns(8, 2), broken], titles(8), dark=False)
    assert len(figure.layout.xaxis.ticktext) == 2
    assert all(len(values) == 2 for values in ranks(figure).values())
    assert "Failed, so not shown: Window · m." in figure.layout.title.subtitle.text


@pytest.mark.parametrize("outcome", ["repaired", "partial"])
def test_an_outcome_that_is_not_complete_stands_in_its_column_head(outcome):
    mended = BumpColumn("Window", by_order(pool(3), [2, 1, 0], outcome=outcome))
    heads = bump_chart([*columns(3, 1), mended], titles(3), dark=False).layout.xaxis.ticktext
    assert outcome in heads[1]
    assert "complete" not in heads[0]


@pytest.mark.parametrize("drawn", [[], [BumpColumn("A", failed(pool(3), []))], [BumpColumn("A", by_order((), ()))]])
def test_without_a_ranking_the_chart_says_so(drawn):
    figure = bump_chart(drawn, titles(3), dark=False)
    assert not figure.data
    assert figure.layout.title.subtitle.text in {"Every strategy failed.", "There is nothing to rank."}


def test_titles_and_names_are_shown_as_they_are_and_never_rendered():
    hostile = '<b>x</b><a href="javascript:alert(1)">&lt; $\\alpha$ %{y}</a></script>'
    named = [BumpColumn(hostile, column.ranking) for column in columns(3, 2)]
    named.append(BumpColumn(hostile, failed(pool(3), [])))
    figure = bump_chart(named, [hostile] * 3, dark=False)
    for text in every_text(figure):
        assert "<a" not in text
        assert "$" not in text
        assert "script>" not in text
        assert "<b>x" not in text
    assert all(trace.hovertemplate is None for trace in figure.data)
    assert "&lt;b&gt;x&lt;/b&gt;" in figure.data[0].hovertext[0]


def test_long_titles_and_names_are_cut():
    long = "word " * 100
    figure = bump_chart([BumpColumn(long, column.ranking) for column in columns(5, 8)], [long] * 5, dark=False)
    assert all(len(note.text) < 50 and "…" in note.text for note in figure.layout.annotations)
    assert all(len(head) < 80 for head in figure.layout.xaxis.ticktext)


@pytest.mark.parametrize(("n", "count"), [(20, 2), (20, 8), (60, 5)])
def test_no_two_documents_have_labels_that_look_the_same_and_the_whole_title_is_under_the_pointer(n, count):
    named = [f"A title that goes on and on for longer than its label, in version {at}" for at in range(n)]
    figure = bump_chart(columns(n, count), named, dark=False)
    for side in ("left", "right"):
        notes = [note for note in figure.layout.annotations if note.xanchor == side and note.hovertext]
        words = [re.sub(r"<.*?>|^\d+  |  \d+$", "", note.text) for note in notes]
        assert len(set(words)) == len(words) > 1
        assert {note.hovertext.replace("<br>", " ") for note in notes} <= set(named)


@pytest.mark.parametrize("dark", [False, True])
def test_documents_are_drawn_in_no_strategys_colour_and_the_one_that_moves_most_stands_out(dark):
    drawn = columns(40, 3)
    figure = bump_chart(drawn, titles(40), dark)
    strategies = {palette.colour(at, dark) for at in range(8)}
    assert all(trace.line.color not in strategies for trace in figure.data)
    widths = {index: trace.line.width for index, (trace, _) in lines(figure).items()}
    chosen = standing_out([column.ranking for column in drawn])
    assert max(widths, key=widths.__getitem__) == chosen[0]
    assert sorted(widths, key=widths.__getitem__)[-len(chosen) :] == [
        index for index in sorted(widths, key=widths.__getitem__) if index in chosen
    ]


def test_a_columns_head_has_the_mark_of_its_strategy():
    came_in, *others = columns(5, 3)
    marked = [came_in, *(BumpColumn(each.name, each.ranking, at) for at, each in enumerate(others))]
    heads = bump_chart(marked, titles(5), dark=False).layout.xaxis.ticktext
    assert palette.sign(0, dark=False) not in heads[0]
    assert heads[1].startswith(palette.sign(0, dark=False))
    assert heads[2].startswith(palette.sign(1, dark=False))


def test_columns_of_strategies_with_long_names_are_told_apart_by_their_heads():
    long = "Grade · simulated:overlap?noise=0.4&malformed=0.1&truncated=0.1&seed="
    named = [BumpColumn(f"{long}{at}", column.ranking) for at, column in enumerate(columns(5, 8))]
    heads = bump_chart(named, titles(5), dark=False).layout.xaxis.ticktext
    assert len(set(heads)) == 8


@pytest.mark.parametrize("n", [20, 60])
def test_each_line_knows_whether_it_has_labels(n):
    figure = bump_chart(columns(n, 4), titles(n), dark=False)
    shown = [note.text for note in figure.layout.annotations]
    for index, (trace, _) in lines(figure).items():
        assert trace.meta == any(text.endswith(f"  Title {index}") for text in shown)


@pytest.mark.parametrize("dark", [False, True])
def test_the_chart_is_transparent_and_has_no_legend(dark):
    layout = bump_chart(columns(5, 2), titles(5), dark).layout
    assert layout.paper_bgcolor == layout.plot_bgcolor == "rgba(0,0,0,0)"
    assert layout.showlegend is False
    assert layout.font.color == palette.text(dark)


def test_those_that_stand_out_are_the_most_moved_the_winners_and_few():
    n = 40
    base = list(range(n))
    moved = [*base[:30], *base[31:], 30]
    moved.insert(12, moved.pop(moved.index(39)))  # 39 goes from place 40 to place 13
    rankings = [by_order(pool(n), base), by_order(pool(n), [2, *(at for at in moved if at != 2)])]
    chosen = standing_out(rankings)
    assert chosen[0] == 39
    assert {0, 2} <= set(chosen)
    assert len(chosen) == FOLLOWED


def test_a_winner_by_the_order_of_listing_alone_does_not_stand_out_first():
    constant = by_score(pool(20), [1.0] * 20, "similarity")
    assert standing_out([constant]) == []
