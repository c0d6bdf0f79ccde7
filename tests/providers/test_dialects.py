"""Replies of rerank endpoints, as their documentation shows them, and replies that hold no score for each text."""

import math

import pytest

from reranking.providers.dialects import (
    COHERE,
    JINA,
    TEI,
    VOYAGE,
    UnreadableReplyError,
    read_model,
    read_scores,
    read_tokens,
)

COHERE_V2 = {
    "id": "07734bd2-2473-4f07-94e1-0d9f0e6843cf",
    "results": [{"index": 2, "relevance_score": 0.999071}, {"index": 0, "relevance_score": 0.32713068},
                {"index": 1, "relevance_score": 0.1867867}],
    "meta": {"api_version": {"version": "2", "is_experimental": False}, "billed_units": {"search_units": 1}},
}  # fmt: skip
COHERE_V1 = {
    "id": "1",
    "results": [{"document": {"text": "b"}, "index": 1, "relevance_score": 0.9},
                {"document": {"text": "a"}, "index": 0, "relevance_score": 0.2}],
    "meta": {"api_version": {"version": "1"}, "tokens": {"input_tokens": 31, "output_tokens": 0}},
}  # fmt: skip
VOYAGE_REPLY = {
    "object": "list",
    "data": [{"relevance_score": 0.4375, "index": 0}, {"relevance_score": 0.421875, "index": 1}],
    "model": "rerank-2.5",
    "usage": {"total_tokens": 26},
}
JINA_REPLY = {
    "model": "jina-reranker-v2-base-multilingual",
    "usage": {"prompt_tokens": 0, "completion_tokens": 0, "total_tokens": 815},
    "results": [{"index": 0, "relevance_score": 0.8783142566680908}, {"index": 1, "relevance_score": 0.76246758}],
}
VLLM_REPLY = {
    "id": "rerank-fae51b2b664d4ed38f5969b612edff77",
    "model": "BAAI/bge-reranker-base",
    "usage": {"prompt_tokens": 56, "total_tokens": 56},
    "results": [{"index": 1, "document": {"text": "b", "multi_modal": None}, "relevance_score": 0.99853515625},
                {"index": 0, "document": {"text": "a", "multi_modal": None}, "relevance_score": 0.0005860328}],
}  # fmt: skip
INFINITY_OLD = {
    "object": "rerank",
    "data": [{"relevance_score": 0.9, "index": 1, "document": None}, {"relevance_score": 0.1, "index": 0}],
    "model": "default",
    "usage": {"prompt_tokens": 40, "total_tokens": 40},
    "id": "infinity-1",
    "created": 1,
}
TEI_REPLY = [{"index": 1, "score": 0.9976}, {"index": 0, "score": -7.5}]


@pytest.mark.parametrize(
    ("body", "scores", "tokens", "model"),
    [
        (COHERE_V2, (0.32713068, 0.1867867, 0.999071), None, None),
        (COHERE_V1, (0.2, 0.9), 31, None),
        (VOYAGE_REPLY, (0.4375, 0.421875), 26, "rerank-2.5"),
        (JINA_REPLY, (0.8783142566680908, 0.76246758), 815, "jina-reranker-v2-base-multilingual"),
        (VLLM_REPLY, (0.0005860328, 0.99853515625), 56, "BAAI/bge-reranker-base"),
        (INFINITY_OLD, (0.1, 0.9), 40, "default"),
        (TEI_REPLY, (-7.5, 0.9976), None, None),
    ],
)
def test_scores_are_read_back_into_the_order_of_the_texts(body, scores, tokens, model):
    assert read_scores(body, len(scores)) == scores
    assert read_tokens(body).input == tokens
    assert read_model(body) == model


@pytest.mark.parametrize(
    ("entries", "problem"),
    [
        ([], "no score for any of 2 documents"),
        ([(0, None), (1, None)], "no score for any of 2 documents"),
        ([(0, 0.5), (0, 0.4)], "more than one score for document 1"),
        ([(0, None), (0, 0.4)], "more than one score for document 1"),
        ([(0, 0.5), (1, 0.4), (1, 0.4)], "more than one score for document 2"),
        ([(0, 0.5), (2, 0.4)], "a score for the index 2, which was not sent"),
        ([(0, 0.5), (-1, 0.4)], "a score for the index -1, which was not sent"),
        ([(False, 0.5), (1, 0.5)], "a result without an index"),
        ([("0", 0.5), (1, 0.5)], "a result without an index"),
        ([(0.0, 0.5), (1, 0.5)], "a result without an index"),
    ],
)
@pytest.mark.parametrize("under", ["results", "data", None])
def test_a_reply_that_does_not_tell_whose_its_scores_are_is_unusable(entries, problem, under):
    results = [{"index": index, "relevance_score": score} for index, score in entries]
    with pytest.raises(UnreadableReplyError) as caught:
        read_scores({under: results} if under else results, 2)
    assert str(caught.value) == problem


@pytest.mark.parametrize("strange", [math.nan, math.inf, None, "0.4", True, 10**400, [0.4], "missing"])
@pytest.mark.parametrize("under", ["results", "data", None])
def test_a_score_that_is_missing_or_no_number_is_none_and_the_others_stand(strange, under):
    results = [{"index": 2, "relevance_score": 0.5}, {"index": 0, "relevance_score": -3}]
    results += [] if strange == "missing" else [{"index": 1, "relevance_score": strange}]
    first, second, third = read_scores({under: results} if under else results, 3)
    assert (first, third) == (-3, 0.5)
    assert math.isnan(second)


@pytest.mark.parametrize("body", [None, "text", 3, {}, {"results": None}, {"results": {"0": 0.5}}, {"error": "x"}, [3]])
def test_what_is_no_list_of_results_is_unusable(body):
    with pytest.raises(UnreadableReplyError):
        read_scores(body, 1)


@pytest.mark.parametrize(
    "usage",
    [None, [], "many", {"total_tokens": "26"}, {"total_tokens": None}, {"total_tokens": True}, {"prompt_tokens": 0}],
)
def test_usage_that_cannot_be_read_is_unknown(usage):
    assert read_tokens({"results": [], "usage": usage}).input is None


def test_each_dialect_asks_for_all_texts():
    assert COHERE.parameters("m", 7) == {"model": "m", "top_n": 7}
    assert JINA.parameters("m", 7) == {"model": "m", "top_n": 7, "return_documents": False}
    assert VOYAGE.parameters("m", 7) == {"model": "m", "top_k": 7}
    assert TEI.parameters("m", 7) == {"truncate": True, "raw_scores": False}
