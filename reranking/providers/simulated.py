"""`simulated:` - no model, but answers from a stated relevance with stated faults.

`simulated:overlap` takes the share of the query's words that stand in a document as its
relevance, `simulated:grades` the documents' own `grade`. Faults are stated in the name:
`simulated:overlap?primacy=0.5&noise=0.1&malformed=0.05&seed=7`. For learning, and for tests
with a known truth; never presented as a model.
"""

from __future__ import annotations

import hashlib
import json
import math
import random
import re
from collections.abc import Sequence
from dataclasses import dataclass, fields, replace
from typing import Any
from urllib.parse import parse_qsl

import numpy as np

from reranking.documents import Document
from reranking.models import FREE, ModelError, Predicted
from reranking.providers.settings import ModelInfo, Settings
from reranking.replies import Attention, Choices, LogLikelihood, Receipt, Reply, Scores, Text, TokenVectors, Vectors
from reranking.requests import KINDS, Attend, Choose, Embed, EmbedTokens, Generate, Likelihood, Request, Score

SHARPNESS = 8.0
"""How strongly a difference in relevance of 1 shows in log-odds."""

_EXAMPLES = ("overlap", "grades", "overlap?primacy=0.5", "overlap?recency=0.5", "overlap?noise=0.2&malformed=0.1")
NOTE = "simulated: no model"

_WORD = re.compile(r"\w+")


@dataclass(frozen=True)
class Simulated:
    """Answers from `relevance` (per original position, 0 to 1) plus the stated faults.

    With m passages in a prompt, the one in slot s (0-based, t = s / (m - 1)) gains
    `primacy` x (1/2 - t), `recency` x (t - 1/2) and `edges` x ((2t - 1)^2 - 1/3). `noise` is
    the standard deviation of a normal error, `malformed` the share of replies that are
    broken; both are drawn from `seed` and the request, so that equal requests agree.
    """

    source: str = "overlap"
    primacy: float = 0.0
    recency: float = 0.0
    edges: float = 0.0
    noise: float = 0.0
    malformed: float = 0.0
    seed: int = 0
    relevance: tuple[float | None, ...] | None = None

    answers: frozenset[type[Request]] = frozenset({Generate, Choose, Likelihood, Score})
    reads_shown = True
    concurrency = 64
    note = NOTE

    @property
    def name(self) -> str:
        """The name that gives this model again."""
        changed = [
            f"{item.name}={_exact(getattr(self, item.name))}"
            for item in fields(self)
            if item.name not in {"source", "relevance"} and getattr(self, item.name) != item.default
        ]
        return f"simulated:{self.source}" + ("?" + "&".join(changed) if changed else "")

    @property
    def deterministic(self) -> bool:
        """Whether a request asked anew is answered alike: what is drawn by lot is drawn anew for it."""
        return not self.noise and not self.malformed

    @property
    def fingerprint(self) -> str:
        """Name and stated relevance: all that an answer depends on besides the request."""
        return f"{self.name}|{self.relevance}"

    def about(self, query: str, documents: Sequence[Document]) -> Simulated:
        """The same model, with the relevance of these documents worked out or looked up."""
        if self.relevance is not None:
            return self
        if self.source == "grades":
            return replace(self, relevance=_given_grades(documents))
        return replace(self, relevance=tuple(None if item is None else _overlap(query, item) for item in documents))

    def predicted(self, request: Request) -> Predicted:
        """Nothing: there is no model."""
        return FREE

    async def answer(self, request: Request) -> Reply:
        """Answer as stated. Raises ModelError for a kind that is not simulated."""
        chance = random.Random(hashlib.sha256(f"{self.seed}|{self._text(request)}".encode()).digest())
        broken = chance.random() < self.malformed
        worth = self._worth(request.shown, chance)
        receipt = Receipt(model=self.name, input_tokens=0, output_tokens=0, cost_usd=0.0, seconds=0.0)
        if isinstance(request, Generate):
            text = _write(request, worth)
            if broken:
                text = chance.choice(("", "I cannot help with that.", text[: len(text) // 2], "[1] > [1] > [99]"))
            return Text(text=text, receipt=replace(receipt, raw=text))
        if isinstance(request, Choose):
            logprobs = (None,) * len(request.choices) if broken else _choose(request, worth)
            return Choices(logprobs=logprobs, receipt=replace(receipt, raw=json.dumps(logprobs)))
        if isinstance(request, Likelihood):
            tokens = max(1, len(request.continuation.split()))
            mean = -SHARPNESS * (1 - _mean(worth))
            return LogLikelihood(logprob=tokens * mean, tokens=tokens, receipt=receipt)
        if isinstance(request, Score):
            if len(worth) != len(request.texts):
                raise ModelError(
                    "cannot-answer", f"{self.name} scores only candidates, and is not told which these are."
                )
            return Scores(
                scores=tuple(worth), score_kind="stated relevance", cut=(False,) * len(worth), receipt=receipt
            )
        raise ModelError("cannot-answer", f"{self.name} cannot answer {type(request).__name__}.")

    def _worth(self, shown: Sequence[int], chance: random.Random) -> list[float]:
        """What each slot's passage is worth in this prompt: relevance, position effect, noise."""
        values = []
        for slot, index in enumerate(shown):
            place = slot / (len(shown) - 1) if len(shown) > 1 else 0.5
            effect = self.primacy * (0.5 - place) + self.recency * (place - 0.5)
            effect += self.edges * ((2 * place - 1) ** 2 - 1 / 3) if len(shown) > 1 else 0.0
            values.append(self._relevance(index) + effect + (chance.gauss(0, self.noise) if self.noise else 0.0))
        return values

    def _relevance(self, index: int) -> float:
        known = self.relevance[index] if self.relevance is not None and index < len(self.relevance) else None
        if known is None:
            raise ModelError("cannot-answer", f"{self.name} knows no relevance of document {index + 1}.")
        return known

    def _text(self, request: Request) -> str:
        return json.dumps([request.kind, request.shown, request.nonce, request.content()], ensure_ascii=True)


class Rehearsal(Simulated):
    """Answers every kind of request with made-up values, to count what a strategy would ask."""

    answers = frozenset(KINDS.values())

    @classmethod
    def of(cls, count: int) -> Rehearsal:
        """One with a relevance drawn at random for each of `count` documents."""
        chance = random.Random(count)
        return cls(relevance=tuple(chance.random() for _ in range(count)))

    async def answer(self, request: Request) -> Reply:
        """Any well-formed answer."""
        if isinstance(request, Attend):
            count = sum(piece.label == "passage" for piece in request.pieces)
            return Attention(passages=(np.ones((1, 1), np.float32),) * count, heads=((0, 0),))
        if isinstance(request, Embed | EmbedTokens):
            count = len(request.texts)
            if isinstance(request, Embed):
                return Vectors(vectors=(np.ones(1, np.float32),) * count, cut=(False,) * count)
            table = np.ones((1, 1), np.float32)
            return TokenVectors(tokens=(("x",),) * count, vectors=(table,) * count, cut=(False,) * count)
        if isinstance(request, Score) and len(request.shown) != len(request.texts):
            count = len(request.texts)
            return Scores(scores=(0.0,) * count, score_kind="made up", cut=(False,) * count)
        return await super().answer(request)


def open_model(prefix: str, name: str, settings: Settings) -> Simulated:
    """The simulated model that `name` states. Raises ModelError if it cannot be read."""
    source, _, stated = name.partition("?")
    if source not in {"overlap", "grades"}:
        raise ModelError(
            "unknown-model", f"There is no '{prefix}:{name}'. Write simulated:overlap or simulated:grades."
        )
    values: dict[str, Any] = {}
    try:
        for key, value in parse_qsl(stated, keep_blank_values=True, strict_parsing=bool(stated)):
            values[key] = int(value) if key == "seed" else float(value)
            if not math.isfinite(values[key]):
                raise ValueError(key)
        if values.keys() - {"primacy", "recency", "edges", "noise", "malformed", "seed"}:
            raise ValueError("unknown")
    except ValueError as error:
        message = (
            f"Cannot read '{stated}'. Write for example simulated:overlap?primacy=0.5&noise=0.1&malformed=0.05&seed=7."
        )
        raise ModelError("unknown-model", message) from error
    return Simulated(source, **values)


def serves() -> frozenset[type[Request]]:
    """The kinds of request that models of this module can answer; a single one may answer fewer."""
    return Simulated.answers


def listing(settings: Settings) -> list[ModelInfo]:
    """A few simulated models to begin with; any stated faults can be written."""
    kinds = tuple(sorted(kind for kind, cls in KINDS.items() if cls in Simulated.answers))
    return [ModelInfo(f"simulated:{name}", kinds, True, "", NOTE) for name in _EXAMPLES]


def _exact(value: float) -> str:
    """A number so that reading it gives the same number again, without a plus sign (a space in a name)."""
    return str(int(value)) if float(value).is_integer() else repr(float(value))


def _overlap(query: str, document: Document) -> float:
    asked = set(_WORD.findall(query.casefold()))
    there = set(_WORD.findall(f"{document.title or ''} {document.text}".casefold()))
    return len(asked & there) / len(asked) if asked else 0.0


def _given_grades(documents: Sequence[Document]) -> tuple[float | None, ...]:
    grades = [None if item is None else item.metadata.get("grade") for item in documents]
    known = [float(grade) for grade in grades if isinstance(grade, int | float)]
    if not known:
        raise ModelError("cannot-answer", "simulated:grades needs documents with a 'grade' in their metadata.")
    best = max(known) or 1.0
    return tuple(grade / best if isinstance(grade, int | float) else None for grade in grades)


def _write(request: Generate, worth: Sequence[float]) -> str:
    """A well-formed reply to a generation, in the form that its schema asks for."""
    schema = json.loads(request.schema) if request.schema else {}
    properties = schema.get("properties", {})
    if request.task == "order":
        order = sorted(range(len(worth)), key=lambda slot: -worth[slot])
        entries = properties.get("ranking", {}).get("items", {})
        if entries.get("type") == "object":
            ranking: list[Any] = [{"passage": slot + 1, "reason": _because(worth[slot])} for slot in order]
        else:
            ranking = [slot + 1 for slot in order]
        return json.dumps({"ranking": ranking}) if schema else " > ".join(f"[{slot + 1}]" for slot in order)
    if request.task == "grade":
        top = max(properties.get("score", {}).get("enum", [10]))
        grade = min(top, max(0, round(_mean(worth) * top)))
        return json.dumps({"reason": _because(_mean(worth)), "quotes": [], "score": grade})
    if request.task == "grade-all":
        top = max(properties["grades"]["items"]["properties"]["score"]["enum"])
        grades = [
            {"passage": slot, "reason": _because(value), "score": min(top, max(0, round(value * top)))}
            for slot, value in enumerate(worth, start=1)
        ]
        return json.dumps({"grades": grades})
    if request.task == "aspects":
        tops = {key: max(item["enum"]) for key, item in properties.items() if "enum" in item}
        parts = {key: min(top, max(0, round(_mean(worth) * top))) for key, top in tops.items()}
        return json.dumps({"reason": _because(_mean(worth)), **parts})
    return json.dumps(_filled(schema)) if schema else ""


def _choose(request: Choose, worth: Sequence[float]) -> tuple[float | None, ...]:
    count = len(request.choices)
    if request.task == "yes-no" and count == 2:
        logits = [SHARPNESS * (_mean(worth) - 0.5), 0.0]
    elif request.task == "grade":
        aim = _mean(worth) * (count - 1)
        logits = [-((grade - aim) ** 2) for grade in range(count)]
    elif len(worth) == count:
        logits = [SHARPNESS * value for value in worth]
    else:
        logits = [0.0] * count
    total = max(logits) + math.log(math.fsum(math.exp(value - max(logits)) for value in logits))
    return tuple(value - total for value in logits)


def _filled(schema: dict[str, Any]) -> Any:
    """The smallest value that fits a JSON schema of the kinds strategies use."""
    if "enum" in schema:
        return schema["enum"][0]
    kind = schema.get("type")
    if kind == "object":
        return {key: _filled(item) for key, item in schema.get("properties", {}).items()}
    return {"array": [], "string": "", "integer": 0, "number": 0, "boolean": False}.get(str(kind))


def _because(value: float) -> str:
    return f"Simulated: worth {value:.2f} in this place."


def _mean(values: Sequence[float]) -> float:
    return math.fsum(values) / len(values) if values else 0.0
