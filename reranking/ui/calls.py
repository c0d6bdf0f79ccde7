"""Model calls as HTML built from escaped text: prompt as sent, reply as received, and what it took."""

from __future__ import annotations

import json
from collections.abc import Sequence
from html import escape
from math import exp, isnan
from typing import Any

from reranking.replies import Attention, Choices, LogLikelihood, Scores, Text
from reranking.store.calls import CallRow
from reranking.views import amounts
from reranking.wording import one_line

PIECE_SHOWN = 50_000
DOCUMENTS_NAMED = 20
NAMED_IN_LINE = 3
SOURCES = {
    "sent": "sent to the model",
    "cache": "reply cache: answered before, not sent again",
    "shared": "shared: an equal request was on its way already",
    "none": "not sent",
}
_PER_TEXT = frozenset({"score", "embed", "embed-tokens"})


def calls(rows: Sequence[CallRow], index: int | None, first: int = 1, labels: Sequence[str] = ()) -> str:
    """The calls, each to be opened; a single one is open. `index` is the document they are about.

    They are numbered from `first` on. `labels` names the documents by original position.
    """
    blocks = (_call(row, number, index, len(rows) == 1, labels) for number, row in enumerate(rows, start=first))
    return f"<div class='rl-calls'>{''.join(blocks)}</div>"


def _call(row: CallRow, number: int, index: int | None, is_open: bool, labels: Sequence[str]) -> str:
    few = len(row.shown) <= NAMED_IN_LINE and (len(row.shown) > 1 or index is None)
    about = " / ".join(one_line(name, 32) for name in _names(row.shown, labels)) if few else ""
    gist = " · ".join(part for part in (row.task, about, _gist(row), row.source, amounts.seconds(row.seconds)) if part)
    head = f"<summary><b>{number}</b> {escape(gist)}</summary>"
    body = f"{_answer(row, index)}{_facts(row, labels)}{_prompt(row, index)}{_raw(row)}"
    return f"<details class='rl-call'{' open' if is_open else ''}>{head}{body}</details>"


def _gist(row: CallRow) -> str:
    """The answer in a few characters, for the line that stays visible."""
    if row.failed is not None:
        return f"failed: {row.failed.code}"
    reply = row.reply
    if isinstance(reply, Choices):
        likely = [(choice, lp) for choice, lp in zip(_choices(row), reply.known, strict=False) if lp is not None]
        if not likely:
            return "no choice"
        choice, logprob = max(likely, key=lambda pair: pair[1])
        return f"wrote {choice}" if reply.by == "generated" else f"p({choice}) {_probability(logprob)}"
    if isinstance(reply, Text):
        return one_line(reply.text, 60) or "empty reply"
    if isinstance(reply, LogLikelihood):
        return f"log-likelihood {reply.logprob:.2f}"
    return ""


def _answer(row: CallRow, index: int | None) -> str:
    """What the strategy took from the reply, where that is more than its text."""
    if row.failed is not None:
        return f"<div class='rl-note rl-note-failed'>{escape(f'{row.failed.code}: {row.failed.message}')}</div>"
    reply = row.reply
    if isinstance(reply, Choices) and reply.by == "generated":
        return "<div class='rl-more'>The model gives no probabilities of its choices. It wrote its choice.</div>"
    if isinstance(reply, Choices):
        cells = [
            (f"p({choice})", _probability(logprob))
            for choice, logprob in zip(_choices(row), reply.logprobs, strict=False)
        ]
        return _pairs("Probability of each choice", cells)
    if isinstance(reply, LogLikelihood):
        return _pairs("Answer", [("log-likelihood", f"{reply.logprob:.4f}"), ("of tokens", f"{reply.tokens:,}")])
    if isinstance(reply, Scores) and index in row.shown and len(row.shown) == reply.size():
        return _pairs("Answer", [("score of this document", f"{reply.scores[row.shown.index(index)]:.6g}")])
    if isinstance(reply, Attention):
        return _pairs("Answer", [("attention heads", f"{len(reply.heads):,}")])
    return ""


def _probability(logprob: float | None) -> str:
    if logprob is None:
        return "not returned"
    if isnan(logprob) or logprob > 0:
        return f"not a probability (log {logprob:g})"
    value = exp(logprob)
    if 0.9995 <= value < 1:
        return "over 0.999"
    return f"{value:.3f}" if value >= 0.001 else f"{value:.1e}"


def _choices(row: CallRow) -> list[str]:
    return [str(choice) for choice in row.request[1]] if row.request is not None else []


def _facts(row: CallRow, labels: Sequence[str]) -> str:
    """What was sent where, and what it took; what is not known is said to be unknown."""
    spent = amounts.spent(row.cost_usd)
    if row.cost_usd and row.source in {"cache", "shared"}:
        spent += ", paid when it was sent"
    tokens = f"{_number(row.input_tokens)} in, {_number(row.output_tokens)} out"
    reasoning = "none stated" if row.reasoning_tokens is None else f"{row.reasoning_tokens:,}, counted in those out"
    model_seconds = row.reply.receipt.seconds if row.reply is not None else None
    cells = [
        ("model asked", row.model),
        ("model that answered", row.answered_by or "not stated"),
        ("where from", SOURCES.get(row.source, row.source)),
        ("parameters sent", _parameters(row)),
        ("tokens", tokens),
        ("reasoning tokens", reasoning),
        ("cost", spent),
        ("time of the model", "not stated" if model_seconds is None else amounts.seconds(model_seconds)),
        ("time, retries included" if row.source == "sent" else "time, waiting included", amounts.seconds(row.seconds)),
        ("retries", f"{row.retries}"),
    ]
    if len(row.shown) > 1 and row.kind not in _PER_TEXT:
        cells.insert(0, ("documents shown, in this order", _documents(row.shown, labels)))
    return _pairs("Call", cells)


def _documents(shown: Sequence[int], labels: Sequence[str]) -> str:
    named = _names(shown[:DOCUMENTS_NAMED], labels)
    more = f"; and {len(shown) - len(named)} more" if len(shown) > len(named) else ""
    return "; ".join(named) + more


def _names(shown: Sequence[int], labels: Sequence[str]) -> list[str]:
    return [labels[index] if index < len(labels) else f"number {index + 1}" for index in shown]


def _number(value: int | None) -> str:
    return "unknown" if value is None else f"{value:,}"


def _parameters(row: CallRow) -> str:
    if not row.sent:
        return "none stated"
    return ", ".join(f"{name} = {json.dumps(value, ensure_ascii=False)}" for name, value in row.sent.items())


def _prompt(row: CallRow, index: int | None) -> str:
    if row.request is None:
        return _part("Prompt", "", "It is not stored any more.")
    pieces = _pieces(row, index)
    return "".join(_part(title, text, "It is empty.") for title, text in pieces)


def _pieces(row: CallRow, index: int | None) -> list[tuple[str, str]]:
    """What was asked as titled texts (see `Request.content`)."""
    content: Any = row.request
    if row.kind in {"generate", "choose", "likelihood"}:
        found = [(f"Prompt as sent: {role}", text) for role, text in content[0]]
        if row.kind == "generate" and content[1]:
            how = ", sent as words of the prompt" if row.sent.get("schema_in_prompt") else ""
            found.append((f"Required form (JSON schema){how}", content[1]))
        if row.kind == "choose":
            found.append(("Choices", "  ".join(content[1])))
        if row.kind == "likelihood":
            found.append(("Continuation whose likelihood was asked", content[1]))
        return found
    if row.kind in _PER_TEXT:
        known, texts = content
        head = ("Query as sent", known) if row.kind == "score" else ("Read as", known)
        if index in row.shown and len(row.shown) == len(texts):
            which = f"this document, one of {len(texts)}" if len(texts) > 1 else "this document"
            return [head, (f"Text as sent: {which}", texts[row.shown.index(index)])]
        return [head, *((f"Text {at} as sent", text) for at, text in enumerate(texts, start=1))]
    if row.kind == "attend":
        return [(f"As sent: {label}", text) for label, text in content]
    return [("As sent", json.dumps(content, ensure_ascii=False))]


def _raw(row: CallRow) -> str:
    text = row.reply.text if isinstance(row.reply, Text) else ""
    shown = _part("Reply", text, "") if text and text != row.raw else ""
    if row.raw:
        return shown + _part("Raw reply as received", row.raw, "")
    if row.kind in _PER_TEXT:
        return shown + _part("Raw reply", "", "Numbers, kept text by text in the reply cache.")
    none = "Nothing was received." if row.failed is not None else "The model runs here: there is no text of a reply."
    return shown or _part("Raw reply", "", none)


def _part(title: str, text: str, nothing: str) -> str:
    body = f"<pre dir='auto'>{escape(_cut(text))}</pre>" if text else f"<div class='rl-more'>{escape(nothing)}</div>"
    return f"<div class='rl-call-part'>{escape(title)}</div>{body}"


def _cut(text: str) -> str:
    left = len(text) - PIECE_SHOWN
    return text if left <= 0 else f"{text[:PIECE_SHOWN]}\n… {left:,} more characters"


def _pairs(title: str, cells: Sequence[tuple[str, str]]) -> str:
    rows = "".join(f"<tr><td>{escape(name)}</td><td>{escape(value)}</td></tr>" for name, value in cells)
    return (
        f"<div class='rl-call-part'>{escape(title)}</div><table class='rl-table rl-pairs'><tbody>{rows}</tbody></table>"
    )
