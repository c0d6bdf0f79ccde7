"""How documents are put into a prompt: shortened, defused and fenced.

Document text is data. It cannot imitate an identifier ("[3]"), end its own fence, or open a
chat turn: what looks like one of these is rewritten or fenced in before a model sees it.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from reranking.documents import Candidate, Candidates

# Scripts written without spaces count one word per character.
_UNSPACED = "\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af\uf900-\ufaff"
_WORD = re.compile(rf"[{_UNSPACED}]|[^\W{_UNSPACED}]+|[^\w\s]+")
_COUNTED = re.compile(r"\w")

_BRACKETED = re.compile(r"[\[［【]([^\S\n]*[\d\u00b2\u00b3\u00b9\u2070-\u209c\u2460-\u24ff]+[^\S\n]*)[\]］】]")
_ROLE_MARKERS = re.compile(
    r"<\|[^<>|\n]{1,40}\|>|\[/?INST\]|<</?SYS>>|</?s>|<(?:start|end)_of_turn>|<(?:bos|eos|pad|unk)>"
    r"|<｜[^<>\n]{1,40}｜>|</?think>",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class Passages:
    """The candidates' texts as prompts show them, and which of them (original positions) were cut."""

    texts: tuple[str, ...]
    cut: tuple[int, ...]


def passages(candidates: Candidates, words: int, show_title: bool) -> Passages:
    """The first `words` words of each candidate, defused; its title on a line before it if shown."""
    texts, cut = [], []
    for candidate in candidates:
        text, shortened = first_words(candidate.text, words)
        texts.append(defuse(_with_title(candidate, text) if show_title else text))
        if shortened:
            cut.append(candidate.index)
    return Passages(tuple(texts), tuple(cut))


def first_words(text: str, limit: int) -> tuple[str, bool]:
    """The text up to its `limit`-th word, and whether anything was cut off.

    Punctuation is no word; in scripts without spaces every character is one.
    """
    count = 0
    for match in _WORD.finditer(text):
        if _COUNTED.match(match.group()):
            count += 1
            if count > limit:
                return text[: match.start()].rstrip(), True
    return text, False


def defuse(text: str) -> str:
    """Rewrite what could be taken for an identifier or a chat turn: "[3]" to "(3)", "<|x|>" to "(x)"."""
    text = _BRACKETED.sub(r"(\1)", text)
    return _ROLE_MARKERS.sub(lambda match: "(" + match.group().strip("<>[]|｜/") + ")", text)


def fence(texts: Sequence[str]) -> str:
    """A line of equals signs that occurs in none of `texts`."""
    line = "====="
    while any(line in text for text in texts):
        line += "="
    return line


def fenced(texts: Sequence[str]) -> list[str]:
    """Each text between two fence lines; the fence occurs in none of them."""
    line = fence(texts)
    return [f"{line}\n{text.strip()}\n{line}" for text in texts]


def _with_title(candidate: Candidate, text: str) -> str:
    return f"{candidate.title}\n{text}" if candidate.title else text
