"""Rerank endpoints: Cohere, Voyage, Jina, and any server that has one, named by its URL.

Calls go through the OpenAI SDK's client, whose `post` takes any path: it brings the retries,
timeouts and errors that the chat models have. Which path a server has and which dialect it
speaks is found out by its refusals, and remembered per model.
"""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from reranking.models import ModelError, Predicted
from reranking.providers.chat import without_lone_surrogates
from reranking.providers.connection import Connection, Received, connect
from reranking.providers.dialects import (
    COHERE,
    DIALECTS,
    JINA,
    TEI,
    VOYAGE,
    Dialect,
    UnreadableReplyError,
    read_model,
    read_scores,
    read_tokens,
)
from reranking.providers.errors import Problem, told_in_reply, unreadable
from reranking.providers.offers import missing, named
from reranking.providers.openai_chat import make_client, post
from reranking.providers.predicting import predicted, price_of
from reranking.providers.saved import SavedConnection
from reranking.providers.settings import ModelInfo, Settings
from reranking.replies import Receipt, Reply, Scores
from reranking.requests import Request, Score

PREFIX = "rerank"

HOSTED: dict[str, tuple[Dialect, tuple[str, ...]]] = {
    "cohere": (COHERE, ("rerank-v3.5",)),
    "voyage": (VOYAGE, ("rerank-2.5", "rerank-2.5-lite")),
    "jina": (JINA, ("jina-reranker-v3", "jina-reranker-v2-base-multilingual")),
}
"""Hosted providers: how they are asked, and models to suggest. Names are free text."""

SCORE_KIND = "relevance score"

PATHS = ("/rerank", "/v1/rerank", "/v2/rerank")
"""Where a server may have its endpoint, in the order of trying."""

_EXAMPLE = "rerank:NAME@http://host:port"
_NAME_AT_URL = re.compile(r"(?P<name>.+)@(?P<url>https?://.+)")
_VERSIONED = re.compile(r"/v\d+$")

_TOO_MANY = re.compile(
    r"batch size|too many|max(imum)? allowed|(at most|maximum|exceeds?|limit).{0,60}(documents|texts|items|tokens)"
    r"|(documents|texts|items|tokens).{0,60}(at most|maximum|exceeds?|limit)"
)


def open_model(prefix: str, name: str, settings: Settings) -> RerankEndpoint:
    """The reranker `name` of the provider `prefix`; it can be opened without a key. Raises ModelError; calls nobody."""
    match = _NAME_AT_URL.fullmatch(name)
    url = settings.base_url(prefix) if prefix in settings.connections and prefix != PREFIX else None
    if url is not None:
        return _at_url(prefix, name, name, url, settings)
    if match is not None:
        return _at_url(prefix, name, match["name"], match["url"], settings)
    provider, _, model = name.partition("/")
    if provider not in HOSTED or not model:
        known = ", ".join(f"rerank:{one}/NAME" for one in HOSTED)
        raise ModelError("unknown-model", f"Name the reranker's server: {_EXAMPLE}, or one of {known}.")
    server = connect(provider, settings.address(provider), settings, sdk="openai", make=make_client)
    return RerankEndpoint(model, server, label=f"{prefix}:{name}", dialect=HOSTED[provider][0])


def _at_url(prefix: str, name: str, model: str, url: str, settings: Settings) -> RerankEndpoint:
    base_url = url.rstrip("/")
    paths = ("/rerank",) if base_url.endswith("/rerank") or _VERSIONED.search(base_url) else PATHS
    server = connect(prefix, base_url.removesuffix("/rerank"), settings, sdk="openai", make=make_client)
    label = f"{prefix}:{name}"
    found = settings.found(label, server.base_url)
    if found is not None and found.dialect in DIALECTS and found.path:
        return RerankEndpoint(model, server, label=label, dialect=DIALECTS[found.dialect], paths=(found.path,))
    return RerankEndpoint(model, server, label=label, paths=paths)


def serves() -> frozenset[type[Request]]:
    """The kinds of request that models of this module can answer; a single one may answer fewer."""
    return frozenset({Score})


def listing(settings: Settings) -> list[ModelInfo]:
    """Some rerankers of the hosted providers, and how one on another server is named."""
    found = []
    for provider, (_, models) in HOSTED.items():
        reason = missing(provider, settings)
        found += [
            ModelInfo(f"rerank:{provider}/{model}", (Score.kind,), not reason, reason, note="a suggestion")
            for model in models
        ]
    reason = "Put in the name of a model and the address of a server that has a rerank endpoint."
    return [*found, ModelInfo(_EXAMPLE, (Score.kind,), False, reason)]


def offers(saved: SavedConnection, settings: Settings) -> list[ModelInfo]:
    """The models at a named connection (at most a second)."""
    return named(saved, settings, (Score.kind,))


@dataclass(frozen=True, slots=True)
class Answered:
    """A reply, the parameters that were sent for it, and the seconds with all refusals before it."""

    received: Received
    sent: dict[str, Any]
    seconds: float


class RerankEndpoint:
    """A reranker behind an HTTP endpoint.

    What a server does with the texts of one request is its own affair (some rerankers read them
    side by side), so they are `joint`: a reply is kept for exactly these texts in this order.
    """

    answers: frozenset[type[Request]] = frozenset({Score})
    concurrency = 16
    per_minute: int | None = None
    joint = True

    def __init__(
        self,
        name: str,
        server: Connection,
        *,
        label: str,
        dialect: Dialect | None = None,
        paths: Sequence[str] = ("/rerank",),
    ) -> None:
        """The model that `server` knows as `name`; `label` is its full name. `dialect` None: find it out."""
        self.name = label
        self.connection = server.line
        self.limits_as_of = server.as_of
        self.place = server.base_url
        self.fingerprint = f"{server.base_url} rerank {'rerank' if server.is_named else server.provider} {name}"
        self._model = name
        if server.saved is not None:
            self.concurrency = server.saved.concurrency or self.concurrency
            self.per_minute = server.saved.per_minute
        self._server = server
        self._dialects = (COHERE, TEI, VOYAGE) if dialect is None else (dialect,)
        self._paths = tuple(paths)

    async def answer(self, request: Request) -> Reply:
        """Answer a `Score`. Raises ModelError."""
        if not isinstance(request, Score):
            raise ModelError("cannot-answer", f"{self.name} cannot answer {type(request).__name__}.")
        texts = [without_lone_surrogates(text) for text in request.texts]
        answered = await self._ask(without_lone_surrogates(request.query), texts)
        return self._scores(answered, len(texts))

    @property
    def paid(self) -> bool:
        """Whether somebody charges for its calls."""
        return self._server.is_paid

    def predicted(self, request: Request) -> Predicted | None:
        """What `request` is going to cost; None if its price is not known."""
        return predicted(request, price_of(self._server, self._model), (0,))

    @property
    def server(self) -> Connection:
        """Where it is asked."""
        return self._server

    @property
    def paths(self) -> tuple[str, ...]:
        """Where the endpoint may be, until it is known."""
        return self._paths

    @property
    def spoken(self) -> tuple[str, str]:
        """The dialect and the path that the server has answered; the first to be tried if it has not yet."""
        dialect = next(name for name, known in DIALECTS.items() if known is self._dialects[0])
        return dialect, self._paths[0]

    async def aclose(self) -> None:
        """Close the connection's sockets on the running event loop."""
        await self._server.aclose()

    async def _ask(self, query: str, texts: list[str]) -> Answered:
        """Ask; where the server has another path or speaks another dialect, ask again and remember it."""
        paths, dialect = list(self._paths), self._dialects[0]
        first: Problem | None = None
        seconds = 0.0
        while True:
            sent = dialect.parameters(self._model, len(texts))
            outcome = await self._send(paths[0], {**sent, "query": query, dialect.texts: texts}, sent)
            seconds += outcome.seconds
            if isinstance(outcome, Received):
                self._paths, self._dialects = (paths[0],), (dialect,)
                return Answered(outcome, sent, seconds)
            if outcome.status in {404, 405} and "model" not in outcome.words and first is None:
                if len(paths) == 1:
                    raise self._no_endpoint(outcome)
                del paths[0]
                continue
            other = None if first is not None else self._other_dialect(outcome)
            if other is None:
                raise self._last(outcome, first, paths[0], dialect)
            first, dialect = outcome, other

    async def _send(self, path: str, body: dict[str, Any], sent: dict[str, Any]) -> Received | Problem:
        return await self._server.send(lambda client: post(client, path, body), self._model, sent)

    def _other_dialect(self, problem: Problem) -> Dialect | None:
        """The dialect whose words the server misses, or does not know in the one that was tried."""
        if TEI in self._dialects[1:] and problem.refuses("texts"):
            return TEI
        if VOYAGE in self._dialects[1:] and problem.refuses("top_n"):
            return VOYAGE
        return None

    def _last(self, problem: Problem, first: Problem | None, path: str, dialect: Dialect) -> ModelError:
        """The error to raise. `first` is the refusal after which `dialect` was tried instead of another."""
        error = self._error(problem)
        if first is None:
            return error
        if error.code == "bad-request":
            return self._error(first)  # refused too: the server meant something else the first time
        if error.code == "context-too-long":
            self._paths, self._dialects = (path,), (dialect,)  # understood, so shorter requests start here
        return error

    def _error(self, problem: Problem) -> ModelError:
        if problem.error.code == "bad-request" and problem.status in {400, 422} and _TOO_MANY.search(problem.words):
            message = (
                f"The request is too long for '{self._model}' ({problem.status}). "
                "Send fewer documents at once, or less of each."
            )
            return ModelError("context-too-long", message, problem.error.raw)
        return problem.error

    def _no_endpoint(self, problem: Problem) -> ModelError:
        """What a 404 means that does not speak of a model."""
        if self._server.own:
            return problem.error
        tried = " or ".join(self._server.base_url + path for path in self._paths)
        message = f"There is no rerank endpoint at {tried} ({problem.status}). Check the address."
        return ModelError("unknown-model", message, problem.error.raw)

    def _scores(self, answered: Answered, count: int) -> Scores:
        received = answered.received
        unused = Receipt(sent=answered.sent, raw=received.text, seconds=answered.seconds, retries=received.retries)
        try:
            body = json.loads(received.text)
        except ValueError:
            raise unreadable(received.text, self._server, self._model, unused) from None
        used = read_tokens(body)
        prices = self._server.saved.prices if self._server.saved is not None else None
        receipt = Receipt(
            model=read_model(body) or self._model,
            sent=answered.sent,
            raw=received.text,
            input_tokens=used.input,
            output_tokens=used.output,
            cost_usd=None if prices is None else prices.cost(used.input, used.output),
            seconds=answered.seconds,
            retries=received.retries,
        )
        try:
            scores = read_scores(body, count)
        except UnreadableReplyError as error:
            told = told_in_reply(body, received.text, self._server, self._model, receipt)
            if told is not None:
                raise told from None
            message = f"The reply of {self._server.label} cannot be used: it holds {error}."
            raise ModelError("bad-reply", message, received.text, receipt) from None
        return Scores(scores=scores, score_kind=SCORE_KIND, cut=(False,) * count, receipt=receipt)
