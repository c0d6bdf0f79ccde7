import csv
import io

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reranking.analysis.bias import BiasRun, analyse
from reranking.analysis.designs import draw, repeats
from reranking.formats.bias_runs import BiasTable, read_bias_runs, write_bias_runs
from reranking.formats.loaded import FormatError

TEXTS = st.one_of(
    st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=12),
    st.sampled_from(
        ["=1+1", "+a", "-b", "@c", "'", "''", "'=x", "'plain", "\t=a", "a,b", 'say "x"', "two\nlines", " "]
    ),
)


def named(table):
    """The runs with names for numbers, which readers choose for themselves."""

    def each(runs):
        return [
            (
                [table.names[at] for at in run.order],
                None if run.ranks is None else {table.names[at]: rank for at, rank in run.ranks.items()},
                {table.names[at] for at in run.repaired},
            )
            for run in runs
        ]

    return table.query, table.strategy, each(table.runs), each(table.repeats)


@st.composite
def tables(make, query, strategy):
    names = make(st.lists(TEXTS, min_size=2, max_size=5, unique=True))
    n = len(names)

    def run():
        ranks = make(st.none() | st.lists(st.integers(2, 2 * n).map(lambda rank: rank / 2), min_size=n, max_size=n))
        repaired = frozenset(make(st.sets(st.integers(0, n - 1))))
        return BiasRun(tuple(make(st.permutations(range(n)))), ranks and dict(enumerate(ranks)), repaired)

    shuffled = [run() for _ in range(make(st.integers(1, 4)))]
    return BiasTable(
        tuple(shuffled), tuple(names), query, strategy, tuple(run() for _ in range(make(st.integers(0, 3))))
    )


@given(st.data(), st.lists(st.tuples(TEXTS, TEXTS), min_size=1, max_size=3, unique=True))
def test_what_is_written_reads_back_whatever_the_texts_hold(data, about):
    written = [data.draw(tables(query, strategy)) for query, strategy in about]
    read = read_bias_runs(write_bias_runs(written))
    assert [named(table) for table in read] == [named(table) for table in written]


@given(st.data())
def test_no_cell_can_be_taken_for_a_formula(data):
    text = write_bias_runs([data.draw(tables("=HYPERLINK(1)", "@sum"))])
    cells = [cell for row in csv.reader(io.StringIO(text, newline="")) for cell in row]
    assert not [cell for cell in cells if cell.lstrip().startswith(("=", "+", "-", "@"))]


def test_a_file_from_elsewhere_is_analysed_without_more():
    """Only the four columns, rows in any order, runs named by anything, ranks tied by equal numbers."""
    design, again = draw("pairs", 4, 6, seed=1), repeats(range(4), 3)
    lines = ["Output_Rank,Run,Document,Input Position,repeat"]
    for number, order in enumerate((*design.orders, *again.orders)):
        again_too = "yes" if number >= 6 else ""
        lines += [
            f"{document + 1},r{number},doc {document},{place},{again_too}" for place, document in enumerate(order, 1)
        ]
    (table,) = read_bias_runs("\n".join([lines[0], *sorted(lines[1:], reverse=True)]))
    assert len(table.runs) == 6
    assert len(table.repeats) == 3
    found = analyse(table.runs, None, table.repeats, resamples=20, draws=20)
    assert found.unmoved
    assert found.noise.stability.moved == 0
    assert [table.names[at] for at in found.debiased_order] == ["doc 0", "doc 1", "doc 2", "doc 3"]


def test_a_failed_run_has_empty_ranks():
    table = BiasTable((BiasRun((1, 0), None), BiasRun((0, 1), {0: 1, 1: 2})), ("a", "b"))
    text = write_bias_runs([table])
    assert text.splitlines()[1].startswith("1,1,b,,")
    assert read_bias_runs(text)[0].runs[0].ranks is None


HEADER = "run,input position,document,output rank\n"


@pytest.mark.parametrize(
    ("text", "line", "says"),
    [
        ("", 1, "no header"),
        ("run,document\n1,a", 1, "'input position' and 'output rank'"),
        ("run,run,input position,document,output rank\n", 1, "'run' more than once"),
        (HEADER, None, "no rows"),
        (HEADER + "1,1,a,1\n1,x,b,2", 3, "whole number from 1, not 'x'"),
        (HEADER + "1,0,a,1", 2, "whole number from 1, not '0'"),
        (HEADER + f"1,{'9' * 5000},a,1", 2, "whole number from 1, not '999"),
        (HEADER + "1,1,a,best", 2, "output rank must be a number from 1"),
        (HEADER + "1,1,a,nan", 2, "output rank must be a number from 1"),
        (HEADER + "1,1,a,0", 2, "output rank must be a number from 1"),
        (HEADER + "1,1,a", 2, "3 cells"),
        (HEADER + ",1,a,1", 2, "no number"),
        (HEADER + "1,1,a,1\n1,1,b,2", 3, "two documents at input position 1"),
        (HEADER + "1,1,a,1\n1,2,a,2", 3, "'a' twice"),
        (HEADER + "1,1,a,1\n1,3,b,2", 3, "input positions are 1 to 2"),
        (HEADER + "1,1,a,1\n1,2,b,", 3, "for some documents only"),
        (HEADER + "1,1,a,1\n1,2,b,2\n\n2,1,a,1", 5, "run 2 does not hold 'b'"),
        (HEADER.strip() + ",repeat\n1,1,a,1,maybe", 2, "'repeat' must be yes or empty"),
        (HEADER.strip() + ",repeat\n1,1,a,1,yes\n1,2,b,2,", 3, "a repeat in one row"),
        (HEADER + '1,1,"a\nb",1\n1,2,"c', 4, "not CSV"),
    ],
)
def test_what_is_wrong_is_told_with_its_line(text, line, says):
    with pytest.raises(FormatError, match=says) as caught:
        read_bias_runs(text)
    assert caught.value.line == line


def test_documents_of_the_same_name_cannot_be_written():
    with pytest.raises(ValueError, match="different names"):
        write_bias_runs([BiasTable((BiasRun((0, 1), None),), ("a", "a"))])


def test_tables_of_the_same_query_and_strategy_stay_apart():
    first, second = (BiasRun((0, 1), {0: 1, 1: 2}),), (BiasRun((1, 0), {0: 1, 1: 2}),)
    tables = [BiasTable(first, ("a", "b"), "q", "bm25"), BiasTable(second, ("c", "d"), "q", "bm25")]
    found = read_bias_runs(write_bias_runs(tables))
    assert [(table.query, table.strategy) for table in found] == [("q", "bm25"), ("q", "bm25 (2)")]
    assert [table.names for table in found] == [("a", "b"), ("d", "c")]
