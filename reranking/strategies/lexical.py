"""BM25 over the pool of candidates, with each query term's share of each score."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any, ClassVar, Literal

import numpy as np
import regex
from pydantic import Field
from typing_extensions import override

from reranking.documents import Candidates
from reranking.ranking import Contribution, Diagnostic, Explanation, by_score
from reranking.strategies.base import Family, Steps, Strategy, aside

SMALL_POOL = 10

# Scripts written without spaces are read as overlapping pairs of characters.
_UNSPACED = "\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u3400-\u9fff\uf900-\ufaff"
# In all others accents, vowel signs and joiners belong to the letter before them.
_TOKEN = regex.compile(
    rf"(?V1)[{_UNSPACED}]+|[[\p{{L}}\p{{N}}]--[{_UNSPACED}]][[\p{{L}}\p{{N}}\p{{M}}\u200c\u200d]--[{_UNSPACED}]]*"
)
_IS_UNSPACED = regex.compile(rf"[{_UNSPACED}]")


def words(text: str) -> list[str]:
    """Case-folded words; runs of a script without spaces become overlapping character pairs."""
    folded = text.casefold()
    return [folded[start:end] for start, end in _cut_out(folded)]


def placed_words(text: str) -> list[tuple[str, int, int]]:
    """The same words in the same order, each with where it stands in the text as given (end exclusive)."""
    folded = text.casefold()
    cut = _cut_out(folded)
    if len(folded) == len(text):  # every character has a folded form of its own, of at least one character
        return [(folded[start:end], start, end) for start, end in cut]
    source = [at for at, char in enumerate(text) for _ in char.casefold()]
    return [(folded[start:end], source[start], source[end - 1] + 1) for start, end in cut]


def _cut_out(folded: str) -> list[tuple[int, int]]:
    """Where the words of a case-folded text stand in it."""
    places: list[tuple[int, int]] = []
    for run in _TOKEN.finditer(folded):
        start, end = run.span()
        if end - start > 1 and _IS_UNSPACED.match(folded, start):
            places.extend((at, at + 2) for at in range(start, end - 1))
        else:
            places.append((start, end))
    return places


def split_on_spaces(text: str) -> list[str]:
    """The text split at single spaces, nothing changed."""
    return text.split(" ")


TOKENISERS: dict[str, Callable[[str], list[str]]] = {"words": words, "spaces": split_on_spaces}


class BM25(Strategy):
    """Score documents by the query's words in them, rare words counting more.

    Requests: none. Scores: "BM25 (pool)", because word rarity is counted in the candidates
    only. Ties: equal scores, such as all documents without any query word.
    Source: Robertson & Zaragoza 2009; `rank-bm25` (BM25Okapi).
    """

    title: ClassVar[str] = "BM25"
    family: ClassVar[Family] = "Lexical"
    source: ClassVar[str] = "Robertson & Zaragoza 2009, https://doi.org/10.1561/1500000019"
    ignores_order: ClassVar[bool] = True

    kind: Literal["bm25"] = "bm25"
    k1: float = Field(
        1.5, ge=0, le=10, title="Weight of repeated words (k1)", description="How much repeating a word counts"
    )
    b: float = Field(
        0.75, ge=0, le=1, title="Penalty for length (b)", description="How much long documents are held back"
    )
    tokens: Literal["words", "spaces"] = Field(
        "words", title="Split texts into", description="Lower-cased words, or a plain split at spaces"
    )
    idf: Literal["okapi", "lucene"] = Field(
        "okapi", title="Formula for rare words", description="Formula for how much a rare word counts"
    )

    @override
    def steps(self, query: str, candidates: Candidates) -> Steps:
        tokenise = TOKENISERS[self.tokens]
        texts = [f"{item.title}\n{item.text}" if item.title else item.text for item in candidates]
        shares, terms, notes = yield aside(self._shares, query, texts, tokenise)
        scores = [math.fsum(row) for row in shares]
        explanations = [
            Explanation(
                contributions=tuple(
                    Contribution(term, share, note=note) for term, share, note in zip(terms, row, notes, strict=True)
                )
            )
            for row in shares
        ]
        return by_score(
            candidates,
            scores,
            "BM25 (pool)",
            explanations=explanations,
            diagnostics=self._notes(candidates, terms, shares),
        )

    def _shares(
        self, query: str, texts: Sequence[str], tokenise: Callable[[str], list[str]]
    ) -> tuple[list[list[float]], list[str], list[str]]:
        """Per document each query term's share of its score; the terms in query order, and a note on each."""
        pool = [tokenise(text) for text in texts]
        terms = list(dict.fromkeys(tokenise(query)))
        if not any(pool):  # the library divides by the mean length
            return [[0.0] * len(terms) for _ in pool], terms, [""] * len(terms)
        index = _index(pool, self.k1, self.b, self.idf)
        asked = tokenise(query)
        columns = [index.get_scores([term]) * asked.count(term) for term in terms]
        found = [set(tokens) for tokens in pool]
        notes = [
            _note(sum(term in tokens for tokens in found), len(pool), index.idf.get(term, 0.0), self.idf)
            for term in terms
        ]
        return [[float(column[at]) for column in columns] for at in range(len(pool))], terms, notes

    def _notes(
        self, candidates: Candidates, terms: Sequence[str], shares: Sequence[Sequence[float]]
    ) -> list[Diagnostic]:
        notes = []
        if 0 < len(candidates) < SMALL_POOL and self.idf == "okapi":
            notes.append(
                Diagnostic(
                    "small-pool",
                    f"Only {len(candidates)} documents: word rarity is a rough guess, and a word in half of them "
                    "or more counts next to nothing. The Lucene formula suits small pools better.",
                )
            )
        if candidates and terms and not any(any(row) for row in shares):
            notes.append(Diagnostic("no-match", "No document gains anything from a word of the query: all tie."))
        if not terms:
            notes.append(Diagnostic("no-terms", "The query has no words to search for: all documents tie."))
        return notes


def _note(holding: int, documents: int, weight: float, idf: str) -> str:
    """Why a word that so many documents hold counts nothing or little; empty for a word like any other."""
    if not holding:
        return "in no document"
    if weight <= 0:
        return "in half of the documents or more: counts nothing"
    if idf == "okapi" and 2 * holding > documents:
        return "in more than half of the documents: counts a quarter of the average"
    return ""


def _index(pool: list[list[str]], k1: float, b: float, idf: str) -> Any:
    from rank_bm25 import BM25Okapi

    class Guarded(BM25Okapi):  # type: ignore[misc]
        """BM25Okapi whose floor for frequent words is never negative, or with Lucene's formula."""

        def _calc_idf(self, nd: dict[str, int]) -> None:
            if idf == "lucene":
                size = self.corpus_size
                self.idf = {term: math.log(1 + (size - df + 0.5) / (df + 0.5)) for term, df in nd.items()}
                self.average_idf = float(np.mean(list(self.idf.values())))
                return
            super()._calc_idf(nd)
            if self.average_idf < 0:  # one document or near-duplicates: the library's floor is below zero
                self.idf = {term: max(value, 0.0) for term, value in self.idf.items()}

    return Guarded(pool, k1=k1, b=b)
