"""Finds out by small real requests what a model can do. The requests are yielded, as strategies yield theirs.

Each question goes through the same code as those of strategies, so what is found is what they get:
whether a parameter was taken stands in the receipt of the reply.
"""

from __future__ import annotations

import json
from collections.abc import Generator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import Any, Literal

from reranking.models import Model, ModelError
from reranking.providers.abilities import Abilities, ParameterUse, SchemaUse
from reranking.providers.chat import NEW_LIMIT, ChatModel
from reranking.providers.contexts import context_limit, known_context
from reranking.providers.openai_chat import OpenAIChat
from reranking.providers.registry import Registry
from reranking.providers.rerank_endpoint import RerankEndpoint
from reranking.providers.saved import SavedConnection
from reranking.providers.settings import OWN_URLS, Settings
from reranking.replies import Choices, Failed, LogLikelihood, Reply, Text
from reranking.requests import (
    KINDS,
    Attend,
    Choose,
    Embed,
    EmbedTokens,
    Generate,
    Likelihood,
    Message,
    Piece,
    Request,
    Score,
    schema_text,
)

Probing = Generator[list[Request], list[Reply | Failed], Abilities]

TASK = "test"
QUERY = "capital of France"
TEXTS = ("Rome is in Italy.", "Paris is the capital of France.")

SHORT = 16
FEW = 64
ROOM = 1024
"""Output tokens for the reply that must be whole. Models that think first need some."""

COLDEST = 0.0

_COUNT = (Message("user", "Count from 1 to 60. Write nothing but the numbers, with commas between them."),)
_COLOURS = ("ochre", "violet")
_AGAINST = schema_text(
    {
        "type": "object",
        "properties": {"colour": {"type": "string", "enum": list(_COLOURS)}},
        "required": ["colour"],
        "additionalProperties": False,
    }
)
_FRUIT = (Message("user", 'Answer with exactly this JSON and nothing else: {"fruit": "banana"}'),)
_YES_NO = (Message("user", "Is Paris in France? Answer with one word: yes or no."),)
_WHERE = (Message("user", f"What is the {QUERY}?"),)

_UNABLE = frozenset({"cannot-answer", "bad-reply", "bad-request"})


@dataclass(frozen=True, slots=True)
class Plan:
    """What a test will ask at most: `requests`, and about how many `tokens`. `note` is what else to know."""

    requests: int
    tokens: int
    is_local: bool = False
    note: str = ""


class Probe:
    """A test of one model. `steps` is its generator; `look_up` and `aclose` belong after it."""

    def __init__(self, name: str, settings: Settings, at: float) -> None:
        """The model `name` under `settings`, as if it had never been tested. `at`: now, since the epoch.

        Raises ModelError if it cannot be opened.
        """
        self.name = name.strip()
        self._at = at
        self._prefix = self.name.partition(":")[0]
        self._settings = self._with(settings, None, {})
        self._registries: list[Registry] = []
        self.model = self._open(self._settings)

    def plan(self) -> Plan:
        """What the test will ask at most. A request that a server refuses counts, though it costs nothing."""
        if isinstance(self.model, OpenAIChat):
            return Plan(11, 900)
        if isinstance(self.model, ChatModel):
            return Plan(6, 700)
        if isinstance(self.model, RerankEndpoint):
            return Plan(len(self.model.paths) + 1, 50)
        count, note = len(self.model.answers), ""
        if self._prefix == "hf" and getattr(self.model, "fingerprint", None) is None:
            note = "The model is downloaded first."
        return Plan(count, 50 * count, is_local=True, note=note)

    def steps(self) -> Probing:
        """Ask, and return what was found. A model that does not answer is a finding too."""
        if isinstance(self.model, ChatModel):
            found = yield from self._chat(self.model)
        elif isinstance(self.model, RerankEndpoint):
            found = yield from self._rerank(self.model)
        else:
            return (yield from self._local())
        return replace(found, requests=sum(registry.asked for registry in self._registries))

    def look_up(self, found: Abilities) -> Abilities:
        """`found` with the context limit, where the server or the price table tells. Not to be called on a loop."""
        model = self.model
        if not isinstance(model, ChatModel) or found.problem:
            return found
        name = model.asked_for
        with suppress(ModelError):
            if model.place in OWN_URLS.values():
                return replace(found, context=known_context(self._prefix, name))
            return replace(
                found, context=context_limit(model.place, self._settings.key(self._prefix, model.place), name)
            )
        return found

    async def aclose(self) -> None:
        """Close the sockets that the test opened on the running event loop."""
        for registry in self._registries:
            await registry.aclose()

    def _chat(self, model: ChatModel) -> Probing:
        (first,) = yield [_generate(model, _COUNT, SHORT)]
        if isinstance(first, Failed):
            return self._nothing(first)
        sent = first.receipt.sent
        ignored = (first.receipt.output_tokens or 0) > SHORT
        limit = NEW_LIMIT if NEW_LIMIT in sent and not ignored else "max_tokens"
        asked: list[Request] = [_generate(model, _FRUIT, ROOM, schema=_AGAINST)]
        asked.append(_generate(self._variant(limit, temperature=COLDEST), _COUNT, SHORT))
        if isinstance(model, OpenAIChat):
            asked.append(Choose(model=model, task=TASK, messages=_YES_NO, choices=("yes", "no")))
            teller = self._variant(limit, prompt_logprobs=True)
            asked.append(Likelihood(model=teller, task=TASK, messages=_WHERE, continuation="Paris"))
        schema, warm, *more = yield asked
        chosen, told = more or (None, None)
        likely = isinstance(told, LogLikelihood)
        written = [first, schema, warm]
        empty = _empty({"generate": written, "choose": written if chosen is None else [chosen]})
        answers = [kind for kind in ("generate", "choose") if kind not in empty] + ["likelihood"] * likely
        if not answers:
            message = f"{model.server.label} answers, but all its replies are empty. {_mend_empty(written)}"
            return self._nothing(Failed("bad-reply", message))
        return Abilities(
            place=model.place,
            at=self._at,
            answers=tuple(answers),
            empty=empty,
            answered_by=first.receipt.model,
            schema=_schema_use(schema),
            logprobs=0 if chosen is None else _alternatives(chosen),
            fewest=None if chosen is None else _limit_sent(chosen),
            prompt_logprobs=None if isinstance(told, Failed) and told.code not in _UNABLE else likely,
            temperature=_temperature_use(warm),
            limit=limit,
        )

    def _rerank(self, model: RerankEndpoint) -> Probing:
        (reply,) = yield [Score(model=model, task=TASK, query=QUERY, texts=TEXTS, shown=(0, 1))]
        if isinstance(reply, Failed):
            return self._nothing(reply)
        dialect, path = model.spoken
        return Abilities(
            place=model.place,
            at=self._at,
            answers=(Score.kind,),
            answered_by=reply.receipt.model,
            dialect=dialect,
            path=path,
        )

    def _local(self) -> Probing:
        model = self.model
        # Not all at once: the first answer of a model that is downloaded tells what it can be asked.
        first = _in_order(model)[0]
        replies = dict(zip([first], (yield [_question(first, model)]), strict=True))
        others = [kind for kind in _in_order(model) if kind is not first]
        if others:
            replies |= dict(zip(others, (yield [_question(kind, model) for kind in others]), strict=True))
        empty = _empty({kind.kind: [reply] for kind, reply in replies.items()})
        done = [k.kind for k, reply in replies.items() if not isinstance(reply, Failed) and k.kind not in empty]
        message = f"{model.name} answers, but all its replies are empty. {_mend_empty(list(replies.values()))}"
        problem = next((reply.message for reply in replies.values() if isinstance(reply, Failed)), message)
        place = self._settings.connections[self._prefix].place if self._prefix in self._settings.connections else ""
        return Abilities(
            place=place,
            at=self._at,
            answers=tuple(done),
            empty=empty,
            answered_by=model.name,
            schema=_schema_use(replies[Generate]) if Generate in replies else "unknown",
            problem="" if done else problem,
            requests=len(replies),
        )

    def _nothing(self, reply: Failed) -> Abilities:
        return Abilities(place=getattr(self.model, "place", ""), at=self._at, problem=reply.message)

    def _variant(self, limit: str, *, temperature: float | None = None, prompt_logprobs: bool = False) -> Model:
        """The same model, with a temperature, or as one that is known to tell log-probabilities of the prompt."""
        place = getattr(self.model, "place", "")
        known = Abilities(place=place, at=self._at, limit=limit, prompt_logprobs=prompt_logprobs)
        return self._open(self._with(self._settings, temperature, {self.name: known}))

    def _with(self, settings: Settings, temperature: float | None, tested: dict[str, Abilities]) -> Settings:
        saved = settings.connections.get(self._prefix)
        if saved is None and temperature is not None:
            kind: Literal["anthropic", "openai"] = "anthropic" if self._prefix == "anthropic" else "openai"
            saved = SavedConnection(self._prefix, kind)
        mine = {} if saved is None else {self._prefix: replace(saved, temperature=temperature)}
        return replace(settings, tested=tested, connections={**settings.connections, **mine})

    def _open(self, settings: Settings) -> Model:
        self._registries.append(Registry(settings))
        return self._registries[-1].resolve(self.name)


def _generate(model: Model, messages: tuple[Message, ...], limit: int, schema: str | None = None) -> Generate:
    return Generate(model=model, task=TASK, messages=messages, schema=schema, max_output_tokens=limit)


def _in_order(model: Model) -> list[type[Request]]:
    return [kind for kind in KINDS.values() if kind in model.answers]


def _question(kind: type[Request], model: Model) -> Request:
    """The smallest request of its kind."""
    questions: Sequence[Request] = (
        _generate(model, _FRUIT, FEW, schema=_AGAINST),
        Choose(model=model, task="yes-no", messages=_YES_NO, choices=("yes", "no"), shown=(0,)),
        Likelihood(model=model, task=TASK, messages=_WHERE, continuation="Paris", shown=(0,)),
        Attend(model=model, task=TASK, pieces=(Piece("passage", TEXTS[1]), Piece("query", QUERY)), shown=(0,)),
        Score(model=model, task=TASK, query=QUERY, texts=TEXTS, shown=(0, 1)),
        Embed(model=model, task=TASK, texts=TEXTS, role="document", shown=(0, 1)),
        EmbedTokens(model=model, task=TASK, texts=TEXTS, role="document", shown=(0, 1)),
    )
    return next(question for question in questions if type(question) is kind)


def _empty(replies: Mapping[str, Sequence[Reply | Failed]]) -> tuple[str, ...]:
    """The kinds of request to which replies came, and nothing but empty ones."""
    came = {kind: [reply for reply in some if not isinstance(reply, Failed)] for kind, some in replies.items()}
    return tuple(kind for kind, some in came.items() if some and all(map(_is_empty, some)))


def _is_empty(reply: Reply) -> bool:
    if not isinstance(reply, Text | Choices) or reply.finish == "refusal":
        return False
    return reply.text is not None and not reply.text.strip()


def _mend_empty(replies: Sequence[Reply | Failed]) -> str:
    if any(isinstance(reply, Text) and reply.finish == "length" for reply in replies):
        return "It may think for too long before it writes: turn thinking off at the server, or choose another model."
    return "Check the model and its chat template at the server, or choose another model."


def _schema_use(reply: Reply | Failed) -> SchemaUse:
    """What became of a schema that contradicts the prompt."""
    if isinstance(reply, Failed):
        return "refused" if reply.code == "bad-request" else "unknown"
    if reply.receipt.sent.get("schema_in_prompt"):
        return "refused"
    if not isinstance(reply, Text) or reply.finish in {"length", "refusal"} or not reply.text.strip():
        return "unknown"
    return "enforced" if _obeys(reply.text) else "accepted"


def _obeys(text: str) -> bool:
    try:
        value = json.loads(text)
    except ValueError:
        return False
    return isinstance(value, dict) and list(value) == ["colour"] and value["colour"] in _COLOURS


def _temperature_use(reply: Reply | Failed) -> ParameterUse:
    if isinstance(reply, Failed):
        return "refused" if reply.code == "bad-request" else "unknown"
    return "accepted" if "temperature" in reply.receipt.sent else "refused"


def _limit_sent(reply: Reply | Failed) -> int | None:
    """How many tokens a choice by log-probabilities was allowed; None if there was none."""
    if not isinstance(reply, Choices) or reply.by != "logprobs":
        return None
    sent = reply.receipt.sent
    limit: int | None = sent.get(NEW_LIMIT, sent.get("max_tokens"))
    return limit


def _alternatives(reply: Reply | Failed) -> int | None:
    """How many alternatives of the first token came; None if it could not be asked, or declined."""
    if isinstance(reply, Failed):
        return 0 if reply.code == "bad-request" else None
    if isinstance(reply, Choices) and reply.finish == "refusal":
        return None
    if not isinstance(reply, Choices) or reply.by != "logprobs":
        return 0
    told: Any = json.loads(reply.receipt.raw)["choices"][0]["logprobs"]["content"][0]
    return max(1, len(told.get("top_logprobs") or ()))
