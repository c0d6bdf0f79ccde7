import random
from collections import Counter

import pytest

from reranking.charts import palette
from reranking.charts.distributions import DOT, ROW, STACK, Scored, score_strips
from reranking.ranking import by_score
from tests.analysis.test_agreement import broken, ordered, pool, scored

BOTH = pytest.mark.parametrize("dark", [False, True])


def titles(n):
    return [f"Title {at}" for at in range(n)]


def dots(figure):
    return [trace for trace in figure.data if trace.mode == "markers"]


@BOTH
def test_each_strategy_is_drawn_on_its_own_scale_with_the_cut_between_its_scores(dark):
    rows = [Scored("A", 0, scored(10.0, 0.0, 5.0, 9.0)), Scored("B", 1, scored(0.1, 0.2, 0.3, 0.2))]
    figure = score_strips(rows, titles(4), 2, dark)
    first, second = dots(figure)
    assert list(first.x) == [1, 0.9, 0.5, 0]
    assert list(second.x) == pytest.approx([1, 0.5, 0.5, 0])
    assert [line.x0 for line in figure.layout.shapes] == pytest.approx([0.7, 0.5])
    assert list(first.marker.color) == [palette.colour(0, dark)] * 2 + [palette.background(dark)] * 2
    texts = [note.text for note in figure.layout.annotations]
    first, second = (f"{palette.sign(at, dark)} <b>{name}</b>" for at, name in enumerate("AB"))
    assert texts == [first, "0", "10", second, "0.1", "0.3"]
    assert not figure.layout.xaxis.visible


def test_dots_that_would_cover_each_other_are_stacked_within_their_row():
    rng = random.Random(4)
    rows = [Scored(f"S{at}", at, scored(*(float(rng.randrange(4)) for _ in range(100)))) for at in range(3)]
    figure = score_strips(rows, titles(100), 10, dark=False)
    for at, trace in enumerate(dots(figure)):
        places = Counter(zip(trace.x, trace.y, strict=True))
        assert max(places.values()) == 1
        assert at * ROW < min(trace.y)
        assert max(trace.y) < (at + 1) * ROW
        assert max(trace.y) - min(trace.y) <= STACK
    single = dots(score_strips([Scored("A", 0, scored(1.0, 1.0, 0.0))], titles(3), 1, dark=False))[0]
    assert sorted(Counter(single.y).values()) == [1, 2]
    assert max(single.y) - min(single.y) == DOT


def test_what_has_no_scores_is_left_out():
    rows = [Scored("A", 0, ordered(0, 1)), Scored("B", 1, broken(2)), Scored("C", 2, scored(1.0, 2.0))]
    assert [trace.name for trace in dots(score_strips(rows, titles(2), 1, dark=False))] == ["C"]
    none = score_strips(rows[:2], titles(2), 1, dark=False)
    assert not none.data
    assert "No strategy" in none.layout.title.subtitle.text


def test_unscored_documents_are_not_drawn_and_equal_scores_have_no_scale():
    partly = Scored("A", 0, by_score(pool(3), [2.0, None, 1.0], "similarity"))
    assert [data[0] for data in dots(score_strips([partly], titles(3), 1, dark=False))[0].customdata] == [0, 2]
    flat = dots(score_strips([Scored("A", 0, scored(1.0, 1.0))], titles(2), 1, dark=False))[0]
    assert list(flat.x) == [0.5, 0.5]


def test_a_cut_that_takes_all_documents_has_no_line():
    figure = score_strips([Scored("A", 0, scored(1.0, 2.0))], titles(2), 2, dark=False)
    assert not figure.layout.shapes


def test_foreign_names_and_titles_are_escaped():
    evil = "<img src=x onerror=alert(1)> $x$"
    figure = score_strips([Scored(evil, 0, scored(1.0, 2.0))], [evil] * 2, 1, dark=False)
    for text in [*(note.text for note in figure.layout.annotations), *dots(figure)[0].hovertext]:
        assert "<img" not in text
        assert "$" not in text
