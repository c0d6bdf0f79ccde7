"""Rerank Lens: compare ways of reranking documents, see why, and measure what can be trusted."""

from reranking.api import Comparison, compare, rerank
from reranking.documents import Document
from reranking.ranking import Ranking

__all__ = ["Comparison", "Document", "Ranking", "compare", "rerank"]
