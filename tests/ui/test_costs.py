"""What is shown costs what it must, and no more: nothing is built twice, no text is sent unread."""

import re

from reranking.documents import as_candidates
from reranking.engine import Estimate
from reranking.jobs import JobStatus, Part
from reranking.providers.registry import Registry
from reranking.ranking import by_order
from reranking.strategies.catalogue import make
from reranking.ui import columns, columns_view, running, strategy_set
from tests.ui.made import compared


def part(texts, position=0, spec="bm25"):
    order = tuple(range(len(texts)))
    return Part(position, 0, make(spec), order, ranking=by_order(as_candidates(texts), order))


def test_texts_are_shorter_where_many_are_shown_in_full_and_that_is_said():
    texts = [f"text {at} " + "word " * 2_000 for at in range(300)]
    found = compared([by_order(as_candidates(texts), range(300))] * 2)
    look = columns.Look(full=columns.text_length(600))
    shown = columns.by_rank(found, look, tuple(range(300)), 300)
    assert shown.count("class='rl-full'") == 600
    assert "more characters are not shown here" in shown
    assert max(len(re.sub(r"<[^>]+>", "", text)) for text in re.findall(r"rl-full'.*?</div>", shown)) < 500


def test_columns_are_built_once_however_often_they_are_shown(monkeypatch):
    built, shown = [], []
    real = columns.headline
    monkeypatch.setattr(columns, "headline", lambda part, *rest: built.append(part.position) or real(part, *rest))
    monkeypatch.setattr(columns_view.page, "html", shown.append)
    monkeypatch.setattr(columns_view, "note", lambda part: "")
    found = compared([by_order(as_candidates(["a"]), [0]), by_order(as_candidates(["a"]), [0])])
    parts = list(found.parts)
    last, parts[0].ranking = parts[0].ranking, None
    finished = columns_view.Finished(found.job)
    finished(parts, "q")
    finished(parts, "q")
    parts[0].ranking = last
    finished(parts, "q")
    assert built == [1, 0, 1]
    assert shown[0] == shown[1]


def test_a_prediction_is_made_once_for_equal_documents(monkeypatch):
    made = []
    real = strategy_set.predict
    monkeypatch.setattr(strategy_set.state, "registry", Registry)
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
    waiting.answered = 5_009.5
    status = JobStatus("j", "s", "comparison", "q", as_candidates(["a"]), [waiting], "running", 0.0)
    status.started = 5_000.0
    monkeypatch.setattr(running.time, "time", lambda: 5_010.0)
    assert "about 20 s left" in running._bars(status)
