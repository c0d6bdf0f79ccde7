import csv
import io
import threading

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reranking.documents import Document
from reranking.formats.loaded import FormatError, Input
from reranking.formats.read import read
from reranking.formats.tables import DELIMITERS

cells = st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"])) | st.text(',;\t|"\n\r ab')
labels = cells.map(str.strip)


def table(rows, header, delimiter=",", **options):
    out = io.StringIO(newline="")
    writer = csv.writer(out, delimiter=delimiter, **options)
    writer.writerow(header)
    writer.writerows(rows)
    return out.getvalue().encode()


@given(
    st.lists(st.tuples(labels.filter(bool), labels, cells, cells), min_size=1),
    st.sampled_from(DELIMITERS),
    # With line feeds alone, Python 3.11 writes a carriage return without quoting it.
    st.sampled_from([("\r\n", csv.QUOTE_MINIMAL), ("\r\n", csv.QUOTE_ALL), ("\n", csv.QUOTE_ALL)]),
)
def test_a_table_written_by_the_csv_module_is_read_back_equal(rows, delimiter, style):
    data = table(rows, ["id", "title", "text", "note"], delimiter, lineterminator=style[0], quoting=style[1])
    expected = [
        Document(text, id=name, title=title or None, metadata={"note": note} if note.strip() else {})
        for name, title, text, note in rows
    ]
    assert read(data, "x.csv").queries == (Input(None, tuple(expected)),)


def test_rows_are_grouped_by_query_in_order_of_first_appearance():
    found = read(b"query,docid,passage\nb,1,x\na,2,y\nb,3,z\n,4,w\n", "x.csv")
    assert [(entry.query, [one.id for one in entry.documents]) for entry in found.queries] == [
        ("b", ["1", "3"]),
        ("a", ["2"]),
        (None, ["4"]),
    ]
    assert found.notes == ("Columns: text from 'passage', id from 'docid', query from 'query'.",)


def test_duplicate_ids_and_texts_are_legal():
    found = read(b"id,text\n1,a\n1,a\n", "x.csv")
    assert found.queries[0].documents == (Document("a", id="1"), Document("a", id="1"))


def test_grades_and_scores_become_numbers_and_other_cells_stay_text():
    found = read(b"text,grade,Score,year\na,3,0.50,1999\nb,,-1,\nc,best,nan,x\n", "x.csv")
    assert [dict(one.metadata) for one in found.queries[0].documents] == [
        {"grade": 3, "Score": 0.5, "year": "1999"},
        {"Score": -1},
        {"grade": "best", "Score": "nan", "year": "x"},
    ]


def test_a_header_without_a_text_column_names_the_columns_and_what_is_accepted():
    with pytest.raises(FormatError) as caught:
        read(b"nr;Beschreibung\n1;a\n", "x.csv")
    assert caught.value.columns == ("nr", "Beschreibung")
    for name in [
        "'nr'",
        "'Beschreibung'",
        "'text'",
        "'content'",
        "'page_content'",
        "'body'",
        "'passage'",
        "'document'",
    ]:
        assert name in str(caught.value)


def test_the_chosen_columns_win_over_the_guess():
    data = b"nr;Beschreibung;text;query\n1;a, b;c;q\n"
    found = read(data, "x.csv", columns={"text": "beschreibung", "id": "nr", "query": None})
    assert found.queries == (Input(None, (Document("a, b", id="1", metadata={"text": "c", "query": "q"}),)),)
    with pytest.raises(FormatError, match="no column 'body'; there are 'nr', 'Beschreibung', 'text' and 'query'"):
        read(data, "x.csv", columns={"text": "body"})
    assert found.columns == ("nr", "Beschreibung", "text", "query")


@pytest.mark.parametrize(
    ("text", "line", "problem"),
    [
        ("id,text\n1,a\n2,b,c\n", 3, "3 cells, the header has 2 (cells that contain ',' need quote marks)"),
        ("id,text\n1,a\n2\n", 3, "1 cells, the header has 2"),
        ('id,text\n1,"a\nb\nc"\n\n2,"d\ne",f\n', 6, "3 cells"),
        ('id,text\n1,"a\nb\nc\n', 2, "never closed"),
        ('id,text\n1,a\n2,"b" c\n', 3, "write quote marks twice"),
        ("text\na, b\n", 2, "2 cells, the header has 1"),
    ],
)
def test_what_is_wrong_in_a_row_is_named_with_the_line_on_which_the_row_starts(text, line, problem):
    for end in ["\n", "\r\n", "\r"]:
        with pytest.raises(FormatError) as caught:
            read(text.replace("\n", end).encode(), "x.csv")
        assert caught.value.line == line
        assert str(caught.value).startswith(f"x.csv, line {line}: ")
        assert problem in str(caught.value)


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("id,text,text\n1,a,b\n", "names 'text' more than once"),
        ("id,text\n", "no rows"),
        (",,\n1,2,3\n", "no header"),
        ('"id,text\n', "never closed"),
    ],
)
def test_a_table_without_a_usable_header_or_rows_is_refused(text, problem):
    with pytest.raises(FormatError, match=problem):
        read(text.encode(), "x.csv")


def test_rows_without_content_are_left_out_and_noted_and_empty_texts_are_kept():
    found = read(b"\nid,text\n\n1,a\n,\n2,\n\n", "x.csv")
    assert found.queries[0].documents == (Document("a", id="1"), Document("", id="2"))
    assert found.notes[1:] == ("Rows without content were left out: line 5.", "Empty text: document 2.")


def test_a_column_without_a_name_is_metadata():
    assert read(b",text\n0,a\n", "x.csv").queries[0].documents == (Document("a", metadata={"column 1": "0"}),)


def test_quote_marks_are_text_in_a_tab_separated_file_that_does_not_quote():
    found = read(b'id\ttext\n1\t"Well," she said\n2\tfive 5" nails\n', "x.tsv")
    assert [one.text for one in found.queries[0].documents] == ['"Well," she said', 'five 5" nails']
    assert "Quote marks" in found.notes[1]


def test_the_first_error_counts_when_a_tab_separated_file_is_wrong_either_way():
    with pytest.raises(FormatError) as caught:
        read(b'id\ttext\n1\t"a" b\n2\n', "x.tsv")
    assert caught.value.line == 2


def test_a_text_of_a_million_characters_is_read_in_many_threads_and_the_limit_put_back():
    before = csv.field_size_limit()
    text = "wide " * 200_000
    data = table([["1", text]], ["id", "text"])
    found = []
    threads = [threading.Thread(target=lambda: found.append(read(data, "x.csv"))) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [entry.queries[0].documents[0].text for entry in found] == [text] * 4
    assert csv.field_size_limit() == before
