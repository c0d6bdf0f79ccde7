"""Texts made comparable: what only typography sets apart becomes equal, with the way back.

Folded are letter case, compatibility forms and accents' encoding (NFKD), white space, quote
marks and dashes; format characters and variation selectors, which are invisible, are left out.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from functools import lru_cache

from reranking.wording import is_of_a_word

_ALIKE = str.maketrans(
    dict.fromkeys("“”„‟«»‹›″＂", '"')
    | dict.fromkeys("‘’‚‛′`´＇", "'")
    | dict.fromkeys("‐‑‒–—―−", "-")
)  # fmt: skip

# Scripts whose words are not set apart by spaces, and Korean, whose words carry their particles.
_UNSPACED = re.compile(
    "[\u0e00-\u0eff\u1000-\u109f\u1100-\u11ff\u1780-\u17ff\u3005-\u3007\u3040-\u30ff\u31f0-\u31ff"
    "\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U0003ffff]"
)

QUOTE_MARKS = "\"'“”„‟«»‹›″＂‘’‚‛′`´＇「」『』"


class Folded:
    """A text in folded form, in which passages are found and traced back to the original.

    The text is cut into clusters, a character with the combining marks that follow it, which
    are folded one by one; a match covers whole clusters.
    """

    def __init__(self, text: str) -> None:
        folded: list[str] = []
        self._starts: list[int] = []  # per folded character: where its cluster starts, or -1 inside one
        self._ends: list[int] = []  # likewise: where its cluster ends, or -1
        for start, end in _clusters(text):
            piece = fold(text[start:end])
            for at, char in enumerate(piece):
                last = at == len(piece) - 1
                if char == " " and folded and folded[-1] == " ":
                    self._ends[-1] = end if last else -1
                    continue
                folded.append(char)
                self._starts.append(start if at == 0 else -1)
                self._ends.append(end if last else -1)
        self.text = "".join(folded)

    def find(self, passage: str, *, words: bool = False) -> Iterator[tuple[int, int]]:
        """Start and end, in the original text, of each place where the folded `passage` stands.

        With `words`, only where it neither starts nor ends inside a word; scripts without
        spaces between words have no such inside.
        """
        wanted = Folded(passage).text.strip()
        at = self.text.find(wanted) if wanted else -1
        while at >= 0:
            end = at + len(wanted)
            start_at, end_at = self._starts[at], self._ends[end - 1]
            if start_at >= 0 and end_at >= 0 and not (words and (self._inside(at) or self._inside(end))):
                yield start_at, end_at
            at = self.text.find(wanted, at + 1)

    def _inside(self, at: int) -> bool:
        """Tell whether a word goes on from the folded character before `at` to the one at it."""
        around = self.text[at - 1 : at + 1] if at else ""
        return len(around) == 2 and all(is_of_a_word(char) and not _UNSPACED.match(char) for char in around)


@lru_cache(maxsize=4096)
def fold(text: str) -> str:
    """The text in folded form, except that runs of white space stay runs."""
    decomposed = unicodedata.normalize("NFKD", text.translate(_ALIKE)).casefold()
    return "".join(" " if char.isspace() else char for char in decomposed if not _is_ignorable(char))


def plain_words(text: str) -> list[str]:
    """The words of a text without the punctuation around and between them, with their accents and vowel signs."""
    return "".join(char if is_of_a_word(char) or _is_ignorable(char) else " " for char in text).split()


def _is_ignorable(char: str) -> bool:
    return unicodedata.category(char) == "Cf" or "\ufe00" <= char <= "\ufe0f"


def _clusters(text: str) -> Iterator[tuple[int, int]]:
    start = 0
    for at in range(1, len(text)):
        if not _continues(text[at]):
            yield start, at
            start = at
    if text:
        yield start, len(text)


def _continues(char: str) -> bool:
    """Tell whether `char` is a combining mark or the rest of a Korean syllable written in letters."""
    if char < "\u0300":
        return False
    return "\u1160" <= char <= "\u11ff" or unicodedata.combining(unicodedata.normalize("NFKD", char)[0]) != 0
