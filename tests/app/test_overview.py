"""The overview of a comparison: what it says of agreement, disputes, price, consensus and the cut."""

import json
import re

from reranking.ui import state
from tests.app.test_compare import upload

TEXTS = ["motor oil", "apple apple apple pie", "apple pie", "pear tart", "plum tart", "apple tree"]


def compared(app, texts=TEXTS, query="apple pie", kinds=("input-order", "bm25"), more=()):
    """A finished comparison of documents from a file; `more` are strategies besides those of the first set."""
    tab = app()
    rows = [{"id": f"d{at}", "text": text} for at, text in enumerate(texts)]
    upload(tab, "rows.json", json.dumps({"query": query, "documents": rows}).encode())
    tab.at.session_state["draft"].shelf += [state.Entry(dict(spec)) for spec in more]
    tab.run()
    return tab.tick({*kinds, *(spec["kind"] for spec in more)}).compare()


def alts(tab):
    """What each figure says to those who cannot see it."""
    return "\n".join(item.proto.alt for item in tab.at.get("plotly_chart"))


def choose(tab, key, value):
    next(item for item in tab.at.button_group if item.key == key).set_value(value)
    return tab.run()


def opened(tab, key):
    tab.at.session_state[key] = True
    return tab.run()


def prices(tab):
    return next(item.value for item in tab.at.html if "rl-prices" in item.value)


def disputes(tab):
    """Each disputed document with what is said of it."""
    found = re.findall(
        r"data-doc='(\d+)' title='.*?'>(.*?)</button><div class='rl-dispute-said'>(.*?)</div>",
        tab.html().replace("\n", ""),
    )
    return [(int(at), title, re.sub(r"<[^>]+>", "", said)) for at, title, said in found]


def test_the_matrix_has_three_measures_and_each_says_what_its_numbers_mean(app):
    tab = compared(app, [f"{'apple ' * (at % 4)} number {at}" for at in range(12)])
    assert "1 = same order, 0 = unrelated" in tab.html()
    tau = re.search(r"Agreement of .*? BM25 (\S+)", alts(tab)).group(1)
    choose(tab, "agreement-by", "rbo")
    assert "Rank-biased overlap (p = 0.9), where the top counts most: 1 = same order" in tab.html()
    # .1 * sum of .9^(d-1) * d / 12 over the twelve depths, and .9^12 beyond.
    assert "Two random orders of 12 documents come to .60 on average" in tab.html()
    rbo = re.search(r"Agreement of .*? BM25 (\S+)", alts(tab)).group(1)
    assert tau != rbo
    choose(tab, "agreement-by", "overlap")
    assert "Share of the first 10 documents that two have in common" in tab.html()


def test_the_cut_in_the_address_is_the_one_of_the_overlap_and_of_the_scores(app):
    tab = compared(app)
    tab.at.query_params["k"] = "2"
    choose(tab, "agreement-by", "overlap")
    assert "Share of the first 2 documents that two have in common: 1 = all." in tab.html()
    assert "Two random orders of 6 documents come to .33 on average." in tab.html()
    opened(tab, "open-scores")
    assert "gap at 2 | 3" in tab.html()


def test_the_most_disputed_documents_are_named_with_who_puts_them_where(app):
    tab = compared(app)
    # In the input the oil comes first. Neither it nor the tarts hold a word of the query, and apples are in half of
    # all texts, which makes that word worth nothing: without a pie these four are tied.
    at, title, said = disputes(tab)[0]
    assert (at, title) == (0, "motor oil")
    assert set(said.split(" · ")) == {"rank 1 Input order", "tied 3–6 BM25"}


def test_foreign_titles_stay_text_among_the_disputed(app):
    evil = "<img src=x onerror=alert(1)> oil"
    tab = compared(app, [evil, *TEXTS[1:]])
    assert disputes(tab)[0][1] == "&lt;img src=x onerror=alert(1)&gt; oil"
    assert "<img" not in tab.html()


def test_a_strategy_that_ties_everything_is_marked_and_left_out_of_agreement_and_disputes(app):
    tab = compared(app, query="zebra", more=[{"kind": "grade", "model": "simulated:overlap?noise=0.5"}])
    rows = re.findall(r"<tr>(.*?)</tr>", prices(tab).split("<tbody>")[1])
    assert ["all tied" in row for row in rows] == [False, True, False]
    assert "Left out: BM25 (ties everything)." in tab.html()
    assert "BM25" not in re.search(r"Agreement of .*", alts(tab)).group()
    assert all("BM25" not in said for _, _, said in disputes(tab))


def test_a_failed_strategy_is_left_out_and_named(app):
    tab = compared(app, more=[{"kind": "grade", "model": "openai:gpt-5-mini"}])
    assert "Left out: Grade (failed)." in tab.html()
    assert "rl-failed" in prices(tab)
    assert "No API key" in prices(tab)
    assert re.search(r"Grade failed and is left out: No API key", tab.html())
    opened(tab, "open-scores")
    assert "It failed." in tab.html()


def test_with_one_strategy_or_one_document_there_is_no_agreement_to_show(app):
    tab = compared(app, kinds=("bm25",))
    assert "agreement-by" not in [item.key for item in tab.at.button_group]
    assert "Most disputed" not in tab.html()
    alone = compared(app, ["apple"])
    assert "agreement-by" not in [item.key for item in alone.at.button_group]


def test_quality_against_price_is_there_once_documents_are_judged(app):
    tab = app()
    tab.click(next(item.key for item in tab.at.button if item.label == "Open example"))
    tab.tick({"bm25", "input-order"}).compare()
    assert "price-in" not in [item.key for item in tab.at.button_group]
    tab.click("use-example-grades")
    assert re.search(r"Quality against time\. Input order: nDCG@10 0\.\d\d, \S+ seconds; BM25: nDCG@10", alts(tab))
    assert "Filled: no other is faster and at least as good." in tab.html()
    choose(tab, "price-in", "dollars")
    assert "Quality against cost." in alts(tab)
    assert "All of them are free." in tab.html()


def test_the_consensus_is_worked_out_only_once_it_is_opened(app, monkeypatch):
    from reranking.ui import consensus

    asked = []
    real = consensus.standings
    monkeypatch.setattr(consensus, "standings", lambda *given, **kwargs: asked.append(1) or real(*given, **kwargs))
    tab = compared(app)
    assert asked == []
    opened(tab, "open-consensus")
    assert asked == [1]
    assert "One order for all 2 strategies: they agree with" in tab.html()
    assert "Consensus order: 1 apple apple apple pie" in alts(tab)
    tab.run()
    assert asked == [1]


def test_a_consensus_that_takes_long_is_waited_for_without_holding_up_the_page(app, monkeypatch):
    from concurrent.futures import Future

    from reranking.ui import consensus

    work = Future()
    monkeypatch.setattr(consensus, "_work", lambda found: work)
    tab = opened(compared(app), "open-consensus")
    assert "Looking for the order that the strategies contradict least" in tab.html()
    assert "rl-columns" in tab.html()


def test_scores_say_what_the_gap_at_the_cut_means(app):
    tab = compared(app)
    tab.at.query_params["k"] = "4"
    opened(tab, "open-scores")
    assert "Tied: 4 documents share the score at the cut; 2 of them stand above it" in tab.html()
    assert "It gives an order, no scores." in tab.html()
    tab.at.query_params["k"] = "6"
    tab.run()
    assert "The cut takes all 6 documents." in tab.html()
