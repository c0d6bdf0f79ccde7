"""Whether the quotes that a model gives stand in the text that it was shown."""

from __future__ import annotations

import re
from collections.abc import Sequence

from reranking.documents import has_content
from reranking.explain.folding import QUOTE_MARKS, Folded
from reranking.ranking import Quote

_MARK = rf"[\s{re.escape(QUOTE_MARKS)}]"
_OPENING = re.compile(rf"(?:{_MARK}|\[?(?:…|\.{{2,}}+)\]?)*+")
_CLOSING_REVERSED = re.compile(rf"(?:{_MARK}|\]?(?:…|\.{{2,}}+)\[?)*+")


def check_quotes(text: str, quotes: Sequence[str]) -> tuple[Quote, ...]:
    """Look for each quote in `text` and say where it stands: code point offsets, end exclusive.

    Quote marks, ellipses and white space around a quote are dropped first, and quotes of which
    nothing is left. A quote is found if it stands in the text word for word; letter case,
    white space, kinds of quote marks and dashes, and Unicode forms may differ. The first place
    counts, an exact one before others. A quote that is not found has no offsets.
    """
    folded: Folded | None = None
    checked = []
    for given in quotes:
        quote = bare(given)
        if not has_content(quote):
            continue
        start = text.find(quote)
        if start >= 0:
            checked.append(Quote(quote, start, start + len(quote)))
            continue
        folded = folded or Folded(text)
        checked.append(Quote(quote, *next(folded.find(quote), (None, None))))
    return tuple(checked)


def bare(quote: str) -> str:
    """The quote without the quote marks, ellipses and white space around it."""
    for edge in (_OPENING, _CLOSING_REVERSED):
        match = edge.match(quote)
        quote = quote[match.end() if match else 0 :][::-1]
    return quote
