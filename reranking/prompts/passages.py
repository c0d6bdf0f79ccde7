"""How documents are put into a prompt: shortened, defused and fenced.

Document text is data. It cannot imitate an identifier ("[3]"), end its own fence, or open a
chat turn: what looks like one of these is rewritten or fenced in before a model sees it.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import islice

import regex

from reranking.documents import Candidates

# Scripts written without spaces count one word per character.
_UNSPACED = "\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af\uf900-\ufaff"
_WORD = regex.compile(
    rf"(?V1)[[\p{{L}}\p{{N}}_]&&[{_UNSPACED}]]"
    rf"|[[\p{{L}}\p{{N}}_]--[{_UNSPACED}]][[\p{{L}}\p{{N}}_\p{{M}}\u200c\u200d]--[{_UNSPACED}]]*"
)
_ASCII_WORD = re.compile(r"\w+", re.ASCII)  # the same words, found twice as fast

_EQUALS = re.compile("=+")
_SHORTEST_FENCE = 5

# White space and what has no width: a model may read an identifier in spite of it.
_BLANK = r"\s\u00ad\u034f\u061c\u180e\u200b-\u200f\u202a-\u202e\u2060-\u2064\u2066-\u2069\ufeff"
_NUMERAL = r"\d\u00b2\u00b3\u00b9\u2070-\u209c\u2460-\u24ff\u2776-\u2793"
_BRACKETED = re.compile(
    rf"[\[［【〔〖〘〚⟦❲﹝⁅][{_BLANK}.:#]*+([{_NUMERAL}](?:[{_NUMERAL}{_BLANK}.:#]*[{_NUMERAL}])?)"
    rf"[{_BLANK}.:#]*+[\]］】〕〗〙〛⟧❳﹞⁆]"
)
_LABELS = "INST|SYSTEM_PROMPT|AVAILABLE_TOOLS|TOOL_(?:CALLS?|RESULTS?|CONTENT)|THINK"
_TAGS = "s|think|tool_call|tool_response|(?:start|end)_of_turn|bos|eos|pad|unk"
_GAP = f"[{_BLANK}]*+"
_ROLE_MARKERS = re.compile(
    r"<[|｜]([^<>|｜]{1,60}+)[|｜]>"
    rf"|\[{_GAP}/?{_GAP}({_LABELS}){_GAP}\]"
    rf"|<<{_GAP}/?{_GAP}(SYS){_GAP}>>"
    rf"|<{_GAP}/?{_GAP}({_TAGS}){_GAP}>",
    re.IGNORECASE,
)


CHARACTERS_PER_WORD = 12
"""How many characters go with each allowed word at most: what has no words must be bounded too."""


@dataclass(frozen=True, slots=True)
class Passages:
    """The candidates as prompts show them, and which of them (original positions) were cut.

    `texts` is what stands in the prompt. `read` is the beginning of each candidate's own text
    that is shown (offsets in it are offsets in the text), `titles` what is shown of its title. `words`
    is how many words of each are shown; what has few words or none counts by its characters.
    """

    texts: tuple[str, ...]
    cut: tuple[int, ...]
    read: tuple[str, ...]
    titles: tuple[str, ...]
    words: tuple[int, ...]


def passages(candidates: Candidates, words: int, show_title: bool) -> Passages:
    """The first `words` words of each candidate, defused; its title, if shown, is their beginning.

    Title and text together have at most CHARACTERS_PER_WORD characters per allowed word.
    """
    texts, cut, read, titles, sizes = [], [], [], [], []
    for candidate in candidates:
        given = (candidate.title or "").strip() if show_title else ""
        room = CHARACTERS_PER_WORD * words
        title, used = first_words(given, words, room)
        text, rest = first_words(candidate.text, words - used, room - len(title))
        shown = text.strip()
        texts.append(defuse(f"{title}\n{shown}" if title else shown))
        read.append(text)
        titles.append(title)
        sizes.append(max(used + rest, -(-(len(title) + len(shown)) // CHARACTERS_PER_WORD)))
        if title != given or shown != candidate.text.strip():
            cut.append(candidate.index)
    return Passages(tuple(texts), tuple(cut), tuple(read), tuple(titles), tuple(sizes))


@lru_cache(maxsize=512)  # shuffles and stages show the same documents again
def first_words(text: str, words: int, characters: int) -> tuple[str, int]:
    """The text up to its `words`-th word and `characters`-th character, and the words in it.

    Punctuation is no word; in scripts without spaces every character is one. White space at
    the beginning is kept and does not count; where anything is cut off, none is left at the end.
    """
    blank = len(text) - len(text.lstrip())
    end = min(len(text), blank + max(characters, 0))
    word = _ASCII_WORD if text.isascii() else _WORD
    count = len(word.findall(text, blank, end))  # most texts are short enough: counting is all they need
    if count > words:
        count = words
        end = next(islice(word.finditer(text, blank, end), words, None)).start()
    return (text if end == len(text) else text[:end].rstrip()), count


def defuse(text: str) -> str:
    """Rewrite what could be taken for an identifier or a chat turn: "[3]" to "(3)", "<|x|>" to "(x)"."""
    while True:  # a marker within a marker; each is at most 60 characters long, so that this soon ends
        found = _ROLE_MARKERS.sub(_in_parentheses, _BRACKETED.sub(_in_parentheses, text))
        if found == text:
            return text
        text = found


def _in_parentheses(match: re.Match[str]) -> str:
    """What a marker says, in parentheses."""
    return f"({match[match.lastindex or 0].strip()})"


def fence(texts: Sequence[str]) -> str:
    """A line of equals signs that occurs in none of `texts`."""
    longest = max((len(run) for text in texts for run in _EQUALS.findall(text)), default=0)
    return "=" * max(_SHORTEST_FENCE, longest + 1)


def fenced(texts: Sequence[str]) -> list[str]:
    """Each text between two fence lines; the fence occurs in none of them."""
    line = fence(texts)
    return [f"{line}\n{text.strip()}\n{line}" for text in texts]


def numbered(texts: Sequence[str]) -> str:
    """All texts, each fenced below its identifier: [1], [2], ..."""
    return "\n\n".join(f"[{at}]\n{text}" for at, text in enumerate(fenced(texts), start=1))
