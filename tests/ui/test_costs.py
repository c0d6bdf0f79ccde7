"""What is shown costs what it must, and no more: nothing is built twice, no text is sent unread."""

import re

from reranking.documents import as_candidates
from reranking.engine import Estimate
from reranking.jobs import JobStatus, Part
from reranking.ranking import by_order
from reranking.strategies.catalogue import make
from reranking.ui import columns, results, running, strategy_set


def part(texts, position=0, spec="bm25"):
    order = tuple(range(len(texts)))
    return Part(position, 0, make(spec), order, ranking=by_order(as_candidates(texts), order))


def test_full_texts_are_left_out_beyond_the_first_hundred_and_that_is_said():
    shown = columns.columns([part([f"text {at} " + "word " * 2_000 for at in range(300)])], "word", 300, {})
    assert shown.count("class='rl-doc'") == 300
    assert shown.count("class='rl-full'") == shown.count("<details class='rl-doc'") == 100
    assert "Open the first 100 to read their full text." in shown
    assert max(len(re.sub(r"<[^>]+>", "", text)) for text in re.findall(r"rl-full'.*?</div>", shown)) < 5_000


def test_up_to_a_hundred_documents_all_open():
    shown = columns.columns([part(["text"] * 100)], "q", 100, {})
    assert shown.count("class='rl-full'") == 100
    assert "Open the first" not in shown


def test_a_finished_column_is_built_once_however_often_it_is_shown(monkeypatch):
    built, shown = [], []
    monkeypatch.setattr(columns, "column", lambda part, *rest: built.append(part.position) or f"[{part.position}]")
    monkeypatch.setattr(results.page, "html", shown.append)
    finished, parts = results.Finished(), [part(["a"], 0), part(["a"], 1)]
    last, parts[0].ranking = parts[0].ranking, None
    finished(parts, "q")
    finished(parts, "q")
    parts[0].ranking = last
    finished(parts, "q")
    assert built == [1, 0]
    assert shown[-1] == "<div class='rl-columns'>[0][1]</div>"


def test_a_prediction_is_made_once_for_equal_documents(monkeypatch):
    made = []
    real = strategy_set.predict
    monkeypatch.setattr(strategy_set, "predict", lambda *given: made.append(given) or real(*given))
    strategy_set._predicted.clear()
    for documents in (["one", "two"], ["one", "two"], ["one", "three"]):
        given = [item.document for item in as_candidates(documents)]
        assert isinstance(strategy_set.prediction({"kind": "bm25"}, "q", given), Estimate)
    assert len(made) == 2


def test_progress_bars_have_the_names_that_tell_strategies_apart():
    parts = [
        part(["a"], 0, {"kind": "yes-no", "model": "openai:a"}),
        part(["a"], 1, {"kind": "yes-no", "model": "openai:b"}),
    ]
    status = JobStatus("j", "s", "comparison", "q", as_candidates(["a"]), parts, "running", 0.0)
    shown = running._bars(status)
    assert "openai:a" in shown
    assert "openai:b" in shown


def test_time_left_counts_from_when_this_process_began(monkeypatch):
    waiting = part(["a"])
    waiting.ranking, waiting.done, waiting.predicted = None, 10, Estimate(30, 0, True)
    status = JobStatus("j", "s", "comparison", "q", as_candidates(["a"]), [waiting], "running", 0.0)
    status.started = 5_000.0
    monkeypatch.setattr(running.time, "time", lambda: 5_010.0)
    assert "about 20 s left" in running._bars(status)
