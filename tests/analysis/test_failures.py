from reranking.analysis.failures import SHOWN, told, why_failed
from reranking.documents import as_candidates
from reranking.ranking import Diagnostic, by_order, failed

POOL = as_candidates(["one", "two", "three"])


def broken(*notes):
    return failed(POOL, [Diagnostic(code, message, indexes) for code, message, indexes in notes])


def test_the_reason_is_the_note_on_most_documents_that_is_about_no_mere_circumstance():
    ranking = broken(
        ("truncated", "3 documents were cut.", (0, 1, 2)),
        ("timeout", "No answer in time.", (0,)),
        ("no-key", "No API key.", (1, 2)),
    )
    assert why_failed(ranking) == "No API key."


def test_what_did_not_fail_and_what_tells_nothing_has_no_reason():
    assert why_failed(by_order(POOL, [0, 1, 2], diagnostics=[Diagnostic("missing", "One was missing.")])) == ""
    assert why_failed(broken(("truncated", "3 documents were cut.", (0, 1, 2)))) == ""


def test_strategies_that_failed_for_one_reason_share_a_sentence():
    key, slow = broken(("no-key", "No API key", (0,))), broken(("timeout", "Too slow!", (0,)))
    rankings = [by_order(POOL, [0, 1, 2]), key, slow, key, broken()]
    assert told(rankings, list("ABCDE")) == [
        "B and D failed and are left out: No API key.",
        "C failed and is left out: Too slow!",
        "E failed and is left out.",
    ]
    assert told([key], ["B"]) == ["B failed: No API key."]
    assert told(rankings[:1], ["A"]) == []


def test_a_long_reason_is_cut_to_one_line():
    assert len(why_failed(broken(("server", "word\n" * 200, (0,))))) <= SHOWN
