"""Heads that tell relevant passages from irrelevant ones."""

import numpy as np
import pytest

from reranking.analysis.attention_heads import HeadScores, contrast, head_scores
from reranking.replies import Attention

HEADS = ((0, 0), (0, 1), (1, 0))


def reply(*masses):
    """Each passage's mass per head, spread over a different number of tokens."""
    tables = [
        np.repeat(np.array(mass, np.float32)[:, None] / length, length, axis=1)
        for length, mass in enumerate(masses, start=1)
    ]
    return Attention(passages=tuple(tables), heads=HEADS)


def test_a_contrast_is_the_mean_mass_of_relevant_less_that_of_irrelevant_passages():
    found = contrast(reply((1, 4, 0), (3, 0, 0), (0, 1, 2), (2, 1, 2)), (True, True, False, False))
    assert found == pytest.approx([(1 + 3) / 2 - (0 + 2) / 2, (4 + 0) / 2 - 1, 0 - 2])


def test_an_unjudged_passage_and_one_without_tokens_count_as_nothing():
    masses = [(1, 4, 0), (9, 9, 9), (0, 1, 2)]
    empty = Attention(passages=(*reply(*masses).passages, np.zeros((3, 0), np.float32)), heads=HEADS)
    assert contrast(empty, (True, None, False, False)) == pytest.approx([1, 3, -2])


@pytest.mark.parametrize("relevant", [(True, True), (False, False), (None, True), (None, None)])
def test_a_query_without_both_kinds_has_no_contrast(relevant):
    with pytest.raises(ValueError, match="relevant and an irrelevant"):
        contrast(reply((1, 1, 1), (2, 2, 2)), relevant)


def test_judgments_of_another_number_of_passages_are_refused():
    with pytest.raises(ValueError, match="zip"):
        contrast(reply((1, 1, 1), (2, 2, 2)), (True, False, False))


def test_every_query_counts_the_same():
    found = head_scores(HEADS, [np.array([1.0, 0.0, 2.0]), np.array([0.0, 4.0, -2.0])])
    assert found.scores == pytest.approx([0.5, 2.0, 0.0])
    assert found.queries == 2
    with pytest.raises(ValueError, match="at least one"):
        head_scores(HEADS, [])


def test_the_best_heads_come_first_and_equal_ones_in_the_order_of_layers():
    heads = ((2, 0), (0, 1), (1, 3), (1, 2))
    scores = HeadScores(heads, np.array([0.5, 0.1, 0.5, 0.9]), 1)
    assert scores.top(3) == ((1, 2), (1, 3), (2, 0))
    assert scores.top(99) == ((1, 2), (1, 3), (2, 0), (0, 1))
    assert scores.top(0) == ()
