"""A prompt that is too long for the model: shown with shorter passages, in every strategy, and the ranking says so."""

import re
from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reranking.documents import Document, as_candidates
from reranking.models import ModelError
from reranking.providers.simulated import Rehearsal
from reranking.ranking import is_permutation
from reranking.requests import Attend, Choose, Generate, Likelihood
from reranking.strategies.catalogue import each, fill_model, make, strategies
from reranking.strategies.showing import FEWEST_WORDS, Shown
from tests.oracles import PerfectOracle, said
from tests.support import rank

READING = {Generate, Choose, Likelihood, Attend}

LENGTHS = (240, 12, 40, 12, 130, 12, 12, 12)
"""Words of each document."""

ROOM = 110
"""Words of documents that a prompt has room for: fewer than the two long ones have, more than the others."""


def documents(lengths=LENGTHS):
    return [Document(" ".join(f"doc{at}word{word}" for word in range(length))) for at, length in enumerate(lengths)]


def variants():
    """Every strategy that shows documents to a language model, alone or in one that it holds."""
    named = [kind for kind in strategies() if any(set(part.asks) & READING for part in each(make(kind)))]
    named[named.index("selective")] = "selective(least_margin=1)"  # so that the dearer one is asked
    return [*named, "grade(mode='expected')", "setwise(method='tree')", "listwise-window(window=4, stride=2)"]


def words_in(request):
    return len(said(request).split())


def shown_words(request):
    """How many words of each document a request shows."""
    return Counter(int(found) for found in re.findall(r"\bdoc(\d+)word", said(request)))


class Limited(PerfectOracle):
    """An oracle that reads prompts of at most `limit` words, and may say by how much one is too long."""

    def __init__(self, grades, limit, tells=False):
        super().__init__(grades)
        self.limit, self.tells = limit, tells
        self.read, self.refused = [], []

    async def answer(self, request):
        if isinstance(request, tuple(READING)):
            if words_in(request) > self.limit:
                self.refused.append(request)
                fits = self.limit / words_in(request) if self.tells else None
                raise ModelError("context-too-long", "The prompt is too long. Show less.", "raw", fits=fits)
            self.read.append(request)
        return await super().answer(request)


def ranked(kind, model, items=None):
    return rank(fill_model(make(kind), model, model.answers), items or as_candidates(documents()))


def grades(count=8):
    return [(at * 5 % count) / count for at in range(count)]


def around_the_documents(kind):
    """The most words that a prompt has besides those of the documents."""
    model = Limited(grades(), 10**9)
    ranked(kind, model)
    return max(words_in(request) - shown_words(request).total() for request in model.read)


@pytest.mark.parametrize("tells", [False, True], ids=["silent", "told"])
@pytest.mark.parametrize("kind", variants())
def test_what_is_too_long_is_shortened_until_it_fits_and_the_ranking_says_so(kind, tells):
    plain = Limited(grades(), 10**9)
    expected = ranked(kind, plain)
    model = Limited(grades(), around_the_documents(kind) + ROOM, tells)
    ranking = ranked(kind, model)
    assert model.refused
    assert ranking.outcome == "complete"
    assert ranking.order == expected.order
    notes = [note for note in ranking.diagnostics if note.code == "shortened"]
    fewest = {}
    for note in notes:
        for index, words in zip(note.indexes, note.data["words"], strict=True):
            fewest[index] = min(words, fewest.get(index, words))
    shown = {}
    for request in model.read:
        for index, words in shown_words(request).items():
            shown[index] = min(words, shown.get(index, words))
    assert fewest == {index: words for index, words in shown.items() if words < LENGTHS[index]}
    assert 0 in fewest


@pytest.mark.parametrize("kind", variants())
def test_in_one_prompt_all_documents_are_cut_to_the_same_length(kind):
    model = Limited(grades(), around_the_documents(kind) + ROOM)
    ranked(kind, model)
    for request in [*model.read, *model.refused]:
        counts = shown_words(request)
        cut = {words for index, words in counts.items() if words < LENGTHS[index]}
        assert len(cut) <= 1
        assert all(words <= max(cut) for words in counts.values() if cut)


@pytest.mark.parametrize("kind", [kind for kind in variants() if kind != "attention"])
def test_only_what_was_too_long_is_asked_again(kind):
    plain = Limited(grades(), 10**9)
    ranked(kind, plain)
    model = Limited(grades(), around_the_documents(kind) + ROOM)
    ranked(kind, model)
    assert Counter(request.shown for request in model.read) == Counter(request.shown for request in plain.read)
    whole = {said(request) for request in plain.read if words_in(request) <= model.limit}
    assert whole <= {said(request) for request in model.read}


@pytest.mark.parametrize("kind", variants())
def test_where_no_shortening_helps_the_loss_is_reported_as_before(kind):
    model = Limited(grades(), 5)
    ranking = ranked(kind, model)
    assert is_permutation(ranking, as_candidates(documents()))
    assert ranking.outcome in {"failed", "partial"}  # partial where a cheap stage has ordered
    assert any(note.code == "context-too-long" for note in ranking.diagnostics)
    assert not any(note.code == "shortened" for note in ranking.diagnostics)
    assert model.read == []
    whole = [request for request in model.refused if shown_words(request) == {at: LENGTHS[at] for at in request.shown}]
    assert len(model.refused) <= 7 * len(whole)  # 240 words can be halved less than six times


def test_a_document_that_is_short_enough_is_shown_whole_where_documents_are_read_one_at_a_time():
    model = Limited(grades(), around_the_documents("yes-no") + ROOM)
    ranking = ranked("yes-no", model)
    (note,) = [note for note in ranking.diagnostics if note.code == "shortened"]
    assert note.indexes == (0, 4)
    assert all(FEWEST_WORDS <= words <= ROOM for words in note.data["words"])
    assert note.message.startswith("2 documents were shortened to")


def test_the_length_that_a_model_tells_saves_refusals():
    long = as_candidates(documents((3000,)))
    wish = "yes-no(passage_words=3000)"
    silent, told = (Limited([0.5], 300, tells) for tells in (False, True))
    assert ranked(wish, silent, long).outcome == ranked(wish, told, long).outcome == "complete"
    assert len(told.refused) < len(silent.refused)
    assert len(told.refused) <= 2


def test_the_query_and_nothing_are_held_against_the_same_passages():
    """The attention to "N/A" is taken away token by token, so both must read the same."""
    around = around_the_documents("attention")
    words = sum(LENGTHS)
    model = Limited(grades(), around + words - 1)  # the empty query alone would leave room for all
    ranking = ranked("attention", model)
    assert ranking.outcome == "complete"
    counts = [shown_words(request) for request in model.read]
    assert len(model.refused) == 1
    assert counts[-1] == counts[-2]
    assert counts[-1].total() < words


def test_examples_are_cut_like_the_document():
    example = {"query": "q", "passage": " ".join(f"example{word}" for word in range(200)), "rating": "good"}
    asked = make({"kind": "aspects", "examples": [example]})
    model = Limited(grades(), 10**9)
    rank(fill_model(asked, model, model.answers), as_candidates(documents()))
    around = max(words_in(request) - shown_words(request).total() for request in model.read) - 200
    model = Limited(grades(), around + 160)
    ranking = rank(fill_model(asked, model, model.answers), as_candidates(documents((240,))))
    assert ranking.outcome == "complete"
    (request,) = model.read
    assert len(re.findall(r"\bexample\d", said(request))) == shown_words(request)[0] < 200


def test_a_quote_from_beyond_what_was_read_is_not_taken_for_one_from_the_text():
    class Quoting(Limited):
        def write(self, request, grades):
            return '{"reason": "known", "quotes": ["doc0word0", "doc0word239"], "score": 3}'

    model = Quoting(grades(), around_the_documents("grade") + ROOM)
    ranking = ranked("grade", model)
    quotes = next(item.explanation.quotes for item in ranking if item.index == 0)
    assert [quote.start is not None for quote in quotes] == [True, False]


@given(
    lengths=st.lists(st.integers(0, 400), min_size=1, max_size=12),
    words=st.integers(1, 400),
    fits=st.none() | st.floats(0.0, 5.0),
)
def test_shortening_comes_to_an_end(lengths, words, fits):
    items = as_candidates(documents(lengths))
    shown = Shown(items, words, show_title=True)
    places = range(len(items))
    most, rounds, least = words, 0, 1.0
    while (fewer := shown.fewer(places, most, fits, least)) is not None:
        sizes = [min(size, most) for size in shown.whole.words]
        assert FEWEST_WORDS <= fewer < max(sizes)
        most, rounds, least = fewer, rounds + 1, 0.5
    assert max(min(size, most) for size in shown.whole.words) <= FEWEST_WORDS
    assert rounds <= 12


def test_an_estimate_counts_no_shortening():
    model = Rehearsal.of(len(LENGTHS))
    ranking = rank(fill_model(make("listwise"), model, model.answers), as_candidates(documents()))
    assert ranking.usage.requests == 1
