"""A report holds all that a session holds: documents, strategies, outcomes, scores, reasons, costs, verdicts."""

import asyncio
import json
import re
import time

import pytest

from reranking.analysis.bias_plan import BiasPlan
from reranking.documents import Document
from reranking.draft import Entered
from reranking.explain.evidence import score_text
from reranking.jobs import Jobs
from reranking.models import ModelError
from reranking.providers.registry import Registry
from reranking.replies import Text
from reranking.report import file_name, gather, session_report
from reranking.store.sessions import MissingSessionError
from reranking.strategies.catalogue import make
from reranking.strategies.remedies import variants
from reranking.views import amounts, bias_remedies, bias_results, bias_tests
from reranking.views.grades import EXAMPLE
from reranking.views.naming import Naming
from tests.oracles import PerfectOracle, Scripted
from tests.report.made import FRUIT, compared, draft_of, run, session_of
from tests.report.reading import Page
from tests.support import documents

ORACLE = PerfectOracle([at / 6 for at in range(6)], fingerprint="oracle")
PRIMACY = "simulated:overlap?primacy=2&noise=0.2"


def oracle(ref):
    return ORACLE


def page_of(store, session, resolve=oracle):
    return Page(session_report(store, session, resolve))


def reasoned(request, number):
    """A grade with a reason and a quote; the second call fails."""
    if number == 2:
        raise ModelError("rate-limit", "The server asked to wait too long.", raw='{"error": "slow down"}')
    return Text(text=json.dumps({"reason": f"reason number {number}", "quotes": ["apple"], "score": number}))


@pytest.fixture
def mixed(jobs, store):
    """Complete, partial and failed strategies: (job, page)."""
    model = Scripted(reasoned, name="judge", fingerprint="judge")

    def resolve(ref):
        if ref == "gone":
            raise ModelError("no-key", "No API key for 'gone'. Set GONE_API_KEY.")
        return model

    strategies = ["bm25", "bm25(k1=2.5)", "grade(model='judge')", "grade(model='gone')", "input-order"]
    session, job = compared(jobs, strategies=strategies, labels=("My words",), resolve=resolve)
    return job, page_of(store, session, resolve)


def test_every_document_is_there_in_full_with_title_and_id(mixed):
    _, page = mixed
    articles = [found["id"] for found in page.having("article")]
    assert articles == [f"q1-d{at + 1}" for at in range(6)]
    for document in FRUIT:
        for text in (document.text, document.title, f"{document.id} place"):
            assert page.says(text)


def test_long_documents_are_not_cut(jobs, store):
    long = " ".join(f"word{at}" for at in range(8000))
    session, _ = compared(jobs, documents=[Document(long), Document("short")])
    assert page_of(store, session).says(long)


def test_every_strategy_is_there_with_its_name_all_parameters_and_its_model(mixed):
    job, page = mixed
    specs = [json.dumps(part.strategy.spec(), ensure_ascii=False, indent=1) for part in job.parts]
    assert all(page.says(spec) for spec in specs)
    assert page.says("My words")
    assert page.says("k1=2.5")
    assert page.says("No API key for 'gone'. Set GONE_API_KEY.")
    states = [found["class"].split()[-1] for found in page.having("span") if "rl-state" in found.get("class", "")]
    wanted = [f"rl-{ranking.outcome}" for ranking in job.rankings]
    assert wanted == ["rl-complete", "rl-complete", "rl-partial", "rl-failed", "rl-complete"]
    assert states == wanted * 2  # beside the costs and above the ranking


def test_every_score_reason_cost_and_raw_reply_is_there(mixed):
    job, page = mixed
    reasons = 0
    for ranking in job.rankings:
        assert page.says(f"{ranking.outcome} · {amounts.took(ranking)}")
        assert page.says(ranking.score_kind)
        for entry in ranking.diagnostics:
            assert page.says(entry.message)
            assert page.says(entry.raw or "")
        for item in ranking:
            assert item.score is None or page.says(score_text(item.score))
            if item.explanation is not None and item.explanation.reason:
                reasons += 1
                assert page.says(item.explanation.reason)
    assert reasons == 5


def test_a_ranking_lists_every_document_once_and_a_failed_one_none(mixed):
    job, page = mixed
    links = [found["href"] for found in page.having("a") if found.get("class") == "rl-title"]
    in_order = [f"#q1-d{item.index + 1}" for ranking in job.rankings if ranking.outcome != "failed" for item in ranking]
    assert [link for link in links if link in in_order][-len(in_order):] == in_order  # fmt: skip
    assert page.html.count("rl-ranking'>") + page.html.count('rl-ranking">') == 4


def test_the_same_session_gives_the_same_bytes(jobs, store):
    session, _ = compared(jobs, strategies=["bm25", "input-order", "listwise(model='m')"], resolve=oracle)
    first = session_report(store, session, oracle)
    time.sleep(1.1)  # the times in it are when things were run and saved, not when it was made
    assert session_report(store, session, oracle) == first


def test_judgements_give_quality_and_stand_at_the_documents(jobs, store):
    session, _ = compared(jobs)
    assert not page_of(store, session).says("nDCG@10")
    store.judgments.add("apple tart", FRUIT[1].fingerprint, "me", "0-3", 2)
    store.judgments.add("apple tart", FRUIT[2].fingerprint, "example", "0-3", 0)
    page = page_of(store, session)
    for text in ("nDCG@10", "2 of 6 judged", "grade 2", "example's grade 0", "1 by the author of this report"):
        assert page.says(text), text


def test_what_was_run_is_told_and_not_what_was_edited_since(jobs, store):
    session, _ = compared(jobs)
    store.sessions.save_draft(session, draft_of("apple tart", [Document("a new text")], ["bm25"]).to_json())
    page = page_of(store, session)
    assert page.says("The session was edited after this run")
    assert page.says(FRUIT[0].text)


def test_of_several_queries_each_is_told_and_those_without_a_run_too(jobs, store):
    others = [Entered("oil query"), Entered("never run"), Entered()]
    others[0].load(documents(3), "a test")
    others[1].load([Document("a waiting text", id="w1")], "a test")
    draft = draft_of("apple tart", FRUIT, ["bm25", "input-order"], others=others)
    session = session_of(store, draft)
    run(jobs, session, draft)
    run(jobs, session, draft, entered=others[0])
    page = page_of(store, session)
    assert [found["id"] for found in page.having("section")] == ["q1", "q2", "waiting"]
    links = [found["href"] for found in page.having("a")]
    assert {"#q1", "#q2", "#waiting"} <= set(links)
    for text in ("apple tart", "oil query", "never run", "a waiting text", "w1", "No comparison was run."):
        assert page.says(text), text
    assert page.text.count("No comparison was run.") == 1  # a query without words and documents is none


def test_a_session_with_nothing_and_one_with_documents_only_say_so(store):
    page = page_of(store, store.sessions.new({}))
    assert page.says("Nothing was entered in this session yet.")
    assert page.figures == []
    page = page_of(store, session_of(store, draft_of("a question", FRUIT, ["bm25"])))
    assert page.says("No comparison was run.")
    assert all(page.says(document.text) for document in FRUIT)


def test_a_session_that_is_not_there_is_an_error_that_names_it(store):
    with pytest.raises(MissingSessionError, match="no-such"):
        gather(store, "no-such")


def test_a_running_job_is_told_as_far_as_it_is_and_so_is_an_interrupted_one(jobs, store):
    released = asyncio.Event()

    async def answer(request, number):
        await released.wait()

    model = Scripted(answer, fingerprint="slow")
    draft = draft_of("apple tart", FRUIT, ["bm25", "listwise(model='m')"])
    session = session_of(store, draft)
    job = jobs.start(session, "comparison", draft.query, FRUIT, draft.strategies(), lambda ref: model)
    deadline = time.monotonic() + 20
    while not store.jobs.rankings(job):
        assert time.monotonic() < deadline
        time.sleep(0.02)
    assert page_of(store, session).says("This run is still going on: 1 of 2 strategies finished.")
    jobs.cancel(job)
    jobs.wait(job, 20)
    page = page_of(store, session)
    assert page.says("This run was cancelled: 1 of 2 strategies finished.")
    assert page.says("BM25")


def test_a_run_of_which_nothing_is_finished_is_told_with_its_documents(jobs, store):
    draft = draft_of("apple tart", FRUIT, ["bm25"])
    session = session_of(store, draft)
    spec = {"strategies": [one.spec() for one in draft.strategies()], "orders": [], "plan": None, "nonces": []}
    store.jobs.add(session, "comparison", draft.query, FRUIT, spec, 0)
    with store.database.write() as connection:
        connection.execute("UPDATE jobs SET heartbeat = 0")
    page = page_of(store, session)
    assert page.says("This run was interrupted: 0 of 1 strategies finished.")
    assert page.says(FRUIT[5].text)


def test_a_strategy_that_is_not_installed_any_more_keeps_its_ranking(jobs, store):
    session, job = compared(jobs)
    run(jobs, session, draft_of("apple tart", FRUIT, ["bm25"]), kind="bias", plan=BiasPlan("pairs", 4))
    with store.database.write() as connection:
        connection.execute("UPDATE jobs SET spec = replace(spec, '\"bm25\"', '\"gone\"')")
    page = page_of(store, session)
    assert page.says("gone (not installed)")
    assert all(item.score is None or page.says(score_text(item.score)) for item in job.rankings[0])


@pytest.fixture
def biased(jobs, store):
    """Bias tests of a biased, an unbiased and a failing strategy: (session, job)."""

    def resolve(ref):
        if ref == "gone":
            raise ModelError("no-key", "No API key for 'gone'.")
        return ORACLE if ref == "m" else None

    strategies = ["bm25", "input-order", "listwise(model='m')", "pairwise-all(model='m')", "grade(model='gone')"]
    draft = draft_of("apple tart", FRUIT, strategies)
    session = session_of(store, draft)
    return session, run(jobs, session, draft, resolve, kind="bias", plan=BiasPlan("pairs", 6, repeats=2)), resolve


def test_every_verdict_of_a_bias_test_is_there_in_the_words_of_the_screen(store, biased):
    session, job, resolve = biased
    page = page_of(store, session, resolve)
    strategies = bias_tests.strategies_of(job)
    findings = set()
    for position, strategy in enumerate(strategies):
        result = bias_tests.read_result(store, job, position)
        verdict = result.verdict
        findings.add(verdict.finding)
        ignores = strategy.kind in {"bm25", "grade"}
        told = bias_results.remarks(Naming().title(strategy), result, job, ignores_order=ignores)
        for sentence in (verdict.sentence, verdict.also, *verdict.remarks, *told):
            assert page.says(sentence), sentence
        assert page.says(bias_results.took(Naming().full_name(strategy), result))
    assert {"no effect", "primacy", "failed"} <= findings
    assert page.says("No API key for 'gone'.")
    assert page.says("BM25 cannot depend on the order, and does not.")
    assert not page.says("Grade cannot depend on the order")  # where every run failed there is nothing to say of it
    assert page.says("Orders and their reverses: 6 shuffles")


def test_the_documents_of_a_bias_test_are_there_also_without_a_comparison(store, biased):
    session, _, resolve = biased
    page = page_of(store, session, resolve)
    assert all(page.says(document.text) for document in FRUIT)
    assert len(page.having("article")) == len(FRUIT) * 2  # in the test, and as what is entered and not compared


def test_the_documents_of_a_comparison_are_not_repeated_below_its_bias_test(jobs, store):
    session, _ = compared(jobs)
    run(jobs, session, draft_of("apple tart", FRUIT, ["bm25"]), kind="bias", plan=BiasPlan("pairs", 4))
    assert len(page_of(store, session).having("article")) == len(FRUIT)


def test_remedies_that_were_tried_are_told_with_their_recommendation(store, jobs):
    resolve = Registry().resolve
    strategy = make({"kind": "listwise", "model": PRIMACY})
    draft = draft_of("apple tart", FRUIT, [strategy])
    session = session_of(store, draft)
    test = run(jobs, session, draft, resolve, kind="bias", plan=BiasPlan("pairs", 6))
    tried = [one.strategy for one in variants(test.parts[0].strategy)][:2]
    plan = BiasPlan("pairs", 6, remedies_of=(test.id, 0))
    jobs.wait(jobs.start(session, "bias", draft.query, FRUIT, tried, resolve, plan=plan), 60)
    (told,) = gather(store, session, resolve).tests
    found = bias_remedies.compared(told.remedies[0])
    assert len(found.rows) == 3
    page = page_of(store, session, resolve)
    assert page.says(found.sentence)
    assert page.says("simulated: no model")
    assert page.says("Quality (nDCG@10) is shown once all documents are judged.")
    for document in FRUIT:
        store.judgments.add(draft.query, document.fingerprint, EXAMPLE, "0-3", 1)
    assert page_of(store, session, resolve).says("by the example's grades")


def test_of_a_remedy_that_draws_by_the_texts_the_report_says_what_the_test_cannot_show(store, jobs):
    resolve = Registry().resolve
    strategy = make({"kind": "tournament", "model": PRIMACY})
    draft = draft_of("apple tart", FRUIT, [strategy])
    session = session_of(store, draft)
    run(jobs, session, draft, resolve, kind="bias", plan=BiasPlan("pairs", 4))
    assert page_of(store, session, resolve).says("another seed may give another ranking")


def test_a_bias_test_over_several_queries_is_told_together_and_one_by_one(jobs, store):
    other = Entered("oil")
    other.load(FRUIT, "a test")
    draft = draft_of("apple tart", FRUIT, ["input-order"], others=[other])
    session = session_of(store, draft)
    for entered in draft.queries():
        run(jobs, session, draft, kind="bias", entered=entered, plan=BiasPlan("pairs", 6, batch="one"))
    (told,) = gather(store, session, oracle).tests
    assert len(told.jobs) == 2
    page = page_of(store, session)
    assert page.says(bias_results.together(told.results, 0).sentence)
    for text in ("2 queries", "apple tart", "oil"):
        assert page.says(text)
    assert len([found for found in page.having("section") if re.fullmatch("t1", found["id"])]) == 1


def test_making_a_report_writes_nothing_into_the_store(jobs, store):
    session, _ = compared(jobs)
    with store.database.read() as connection:
        before = list(connection.iterdump())
    session_report(store, session, oracle)
    with store.database.read() as connection:
        assert list(connection.iterdump()) == before


def test_what_is_asked_of_models_is_nothing(jobs, store):
    session, _ = compared(jobs, strategies=["bm25", "listwise(model='m')"], resolve=oracle)
    asked = len(ORACLE.asked)
    session_report(Jobs(store, oracle).store, session, oracle)
    assert len(ORACLE.asked) == asked


def test_a_file_is_named_after_the_session_in_letters_that_every_system_takes():
    for title in ("Apple tart?", "../../etc/passwd", 'a\\b:c*"<>|', "", "日本語", "x" * 500):
        name = file_name(title)
        assert name.endswith("-report.html")
        assert not re.search(r'[/\\:*?"<>|\s]', name)
        assert len(name.encode()) < 255
