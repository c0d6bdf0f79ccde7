"""OpenAI's Chat Completions, and every server that speaks them: Ollama, vLLM, LM Studio, llama.cpp or one with a URL.

Servers differ in what they take: `response_format`, the name of the token limit, log-probabilities.
"""

from __future__ import annotations

import json
import re
from collections.abc import Awaitable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from typing_extensions import override

from reranking.models import ModelError
from reranking.providers.abilities import Abilities
from reranking.providers.chat import (
    FEW_TOKENS,
    LOGPROBS,
    NEW_LIMIT,
    ROOM_TO_CHOOSE,
    SCHEMA,
    ChatModel,
    Content,
    Parameters,
    without_lone_surrogates,
)
from reranking.providers.connection import Connection, connect
from reranking.providers.errors import Problem
from reranking.providers.offers import hosted, named, served
from reranking.providers.prices import Tokens
from reranking.providers.prompt_logprobs import PARAMETERS, read_likelihood
from reranking.providers.saved import SavedConnection
from reranking.providers.settings import OWN_URLS, ModelInfo, Settings
from reranking.providers.tries import noting
from reranking.providers.waiting import listen
from reranking.replies import Finish, LogLikelihood, Reply
from reranking.requests import Likelihood, Message, Request

TOP_LOGPROBS = 20
"""The most that the API returns."""

FEW_LOGPROBS = 5
"""The most that some servers return."""

FEWER_LOGPROBS = "fewer-logprobs"

FINISHES: dict[str, Finish] = {"stop": "stop", "length": "length", "content_filter": "refusal"}

_NAME_AT_URL = re.compile(r"(?P<name>.+)@(?P<url>https?://.+)")


def open_model(prefix: str, name: str, settings: Settings) -> ChatModel:
    """The model `name` of the provider `prefix`; it can be opened without a key. Raises ModelError; calls nobody."""
    model, base_url = name, settings.base_url(prefix) or OWN_URLS.get(prefix, "")
    if prefix == "openai-compatible":
        match = _NAME_AT_URL.fullmatch(name)
        if match is None:
            raise ModelError("unknown-model", "Name the model's server: openai-compatible:NAME@http://host:port/v1.")
        model, base_url = match["name"], match["url"]
    server = connect(prefix, base_url, settings, sdk="openai", make=make_client)
    return OpenAIChat(model, server, label=name, found=settings.found(f"{prefix}:{name}", server.base_url))


def serves() -> frozenset[type[Request]]:
    """The kinds of request that models of this module can answer; a single one may answer fewer."""
    return ChatModel.answers


def listing(settings: Settings) -> list[ModelInfo]:
    """Models that can be named; asks local servers for theirs (at most a second each)."""
    return [
        *hosted("openai", settings),
        *served("ollama", settings),
        *served("vllm", settings),
        *served("lmstudio", settings),
        *served("llamacpp", settings),
        ModelInfo(
            "openai-compatible:NAME@http://host:port/v1",
            ("generate", "choose"),
            available=False,
            reason="Put in the name of a model and the address of a server that speaks OpenAI's API.",
        ),
    ]


def offers(saved: SavedConnection, settings: Settings) -> list[ModelInfo]:
    """The models at a named connection (at most a second)."""
    return named(saved, settings)


class OpenAIChat(ChatModel):
    """A model behind the Chat Completions API."""

    api = "openai"

    def __init__(
        self, name: str, server: Connection, *, label: str | None = None, found: Abilities | None = None
    ) -> None:
        super().__init__(name, server, label=label, found=found)
        if found is not None and found.prompt_logprobs:
            self.answers = ChatModel.answers | {Likelihood}
        if found is not None and 0 < (found.logprobs or 0) < TOP_LOGPROBS:
            self._without.add(FEWER_LOGPROBS)

    @override
    async def answer(self, request: Request) -> Reply:
        if isinstance(request, Likelihood) and Likelihood in self.answers:
            return await self._likelihood(request)
        return await super().answer(request)

    async def _likelihood(self, request: Likelihood) -> LogLikelihood:
        said = [(message.role, message.text) for message in request.messages] + [("assistant", request.continuation)]
        messages = [{"role": role, "content": without_lone_surrogates(text)} for role, text in said]
        sent = {**self._parameters(1, None, False, self._without), **PARAMETERS}
        outcome = await self._server.send(
            lambda client: post(client, "/chat/completions", {"messages": messages, **sent}), self._model, sent
        )
        if isinstance(outcome, Problem):
            raise outcome.error
        answer = self._answer(outcome, sent, outcome.seconds)
        return read_likelihood(json.loads(answer.receipt.raw), request.continuation, answer.receipt)

    @override
    def _parameters(self, limit: int, schema: str | None, logprobs: bool, without: set[str]) -> Parameters:
        limit = max(limit, ROOM_TO_CHOOSE) if FEW_TOKENS in without else limit
        sent: Parameters = {"model": self._model, "max_tokens" if NEW_LIMIT in without else NEW_LIMIT: limit}
        if schema is not None:
            named = {"name": "answer", "strict": True, "schema": json.loads(schema)}
            sent["response_format"] = {"type": "json_schema", "json_schema": named}
        if logprobs:
            sent |= {"logprobs": True, "top_logprobs": FEW_LOGPROBS if FEWER_LOGPROBS in without else TOP_LOGPROBS}
        return sent

    @override
    def _create(self, client: Any, messages: Sequence[Message], sent: Parameters) -> Awaitable[Any]:
        shown = [{"role": message.role, "content": message.text} for message in messages]
        return post(client, "/chat/completions", {"messages": shown, **sent})

    @override
    def _read(self, body: Mapping[str, Any]) -> Content:
        choice = body["choices"][0]
        message = choice["message"]
        text, refusal = message.get("content") or "", message.get("refusal")
        if not isinstance(text, str):
            raise TypeError("the content of a message is a text")
        finish = FINISHES.get(choice.get("finish_reason"), "other")
        if isinstance(refusal, str) and refusal:
            return Content(refusal, "refusal")
        return Content(text, finish, _alternatives(choice.get("logprobs")))

    @override
    def _refused(self, problem: Problem, sent: Parameters) -> str | None:
        limit: int = sent[NEW_LIMIT] if NEW_LIMIT in sent else sent["max_tokens"]
        if sent.get("top_logprobs", 0) > FEW_LOGPROBS and problem.refuses("top_logprobs"):
            return FEWER_LOGPROBS
        if "logprobs" in sent and problem.refuses("logprobs"):
            return LOGPROBS
        if "response_format" in sent and problem.refuses(
            "response_format", "json_schema", "json schema", "structured output", "guided", "grammar"
        ):
            return SCHEMA
        if limit < ROOM_TO_CHOOSE and problem.refuses("minimum", "at least", ">="):
            return FEW_TOKENS
        if problem.refuses(NEW_LIMIT, "max_tokens"):
            return NEW_LIMIT
        return None

    @override
    def _cut_off(self, problem: Problem) -> bool:
        return problem.refuses("output limit was reached")

    @override
    def _passed_over(self, sent: Parameters, used: Tokens) -> set[str]:
        limit = sent.get(NEW_LIMIT)
        ignored = limit is not None and used.output is not None and used.output > limit
        return {NEW_LIMIT} if ignored and not self._server.own else set()


def _alternatives(logprobs: Any) -> dict[str, float] | None:
    """Token -> log-probability of the first token's alternatives, or None if the reply has none."""
    content = logprobs.get("content") if isinstance(logprobs, Mapping) else None
    if not content:
        return None
    entries = [*(content[0].get("top_logprobs") or ()), content[0]]
    return {entry["token"]: float(entry["logprob"]) for entry in entries if entry.get("logprob") is not None} or None


@dataclass(frozen=True, slots=True)
class Raw:
    """A response as the SDK's raw responses have it."""

    http_response: Any
    retries_taken: int


async def post(client: Any, path: str, body: Mapping[str, Any]) -> Raw:
    """Send `body` as it is, with the SDK's retries, timeouts and errors.

    The SDK's own methods look into every message for files and types first, which takes as long
    as sending it. What it would fill in, from copies of its defaults and by parsing each address
    three times, is given.
    """
    import httpx2

    given = {
        "headers": {},
        "params": {},
        "max_retries": client.max_retries,
        "timeout": client.timeout,
        "security": {"bearer_auth": True},
    }
    address = f"{str(client.base_url).rstrip('/')}{path}"
    response = await client.post(address, body=body, cast_to=httpx2.Response, options=given)
    taken = response.request.headers.get("x-stainless-retry-count", "0")
    return Raw(response, int(taken) if taken.isdigit() else 0)


def make_client(connection: Connection) -> Any:
    """The SDK's client for an address. Its `post` takes any path."""
    import httpx2
    from openai import AsyncOpenAI, DefaultAsyncHttpxClient

    http_client = connection.http_client() if connection.http_client is not None else DefaultAsyncHttpxClient()
    client = AsyncOpenAI(
        api_key=connection.key or "none",
        base_url=connection.base_url,
        max_retries=connection.retries,
        timeout=httpx2.Timeout(connection.timeout, connect=connection.connect_timeout),
        http_client=noting(listen(http_client)),
    )
    if not connection.is_of_environment:  # what is taken from there, and nobody else's business
        client.organization = client.project = client.admin_api_key = None
        client._custom_headers = {}
    return client
