"""Anthropic's Messages API. It tells no log-probabilities: choices are written out."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Mapping, Sequence
from typing import Any

from typing_extensions import override

from reranking.providers.abilities import Abilities
from reranking.providers.chat import LOGPROBS, SCHEMA, ChatModel, Content, Parameters
from reranking.providers.connection import Connection, connect
from reranking.providers.errors import Problem
from reranking.providers.offers import hosted, named
from reranking.providers.saved import SavedConnection
from reranking.providers.settings import OWN_URLS, ModelInfo, Settings
from reranking.providers.tries import noting
from reranking.providers.waiting import listen
from reranking.replies import Finish
from reranking.requests import Message, Request

PROVIDER = "anthropic"

FINISHES: dict[str, Finish] = {
    "end_turn": "stop",
    "stop_sequence": "stop",
    "max_tokens": "length",
    "model_context_window_exceeded": "length",
    "refusal": "refusal",
}


def open_model(prefix: str, name: str, settings: Settings) -> ChatModel:
    """The model `name`; without a key it can be opened but not asked. Raises ModelError; calls nobody."""
    base_url = (settings.base_url(prefix) or OWN_URLS[PROVIDER]).rstrip("/").removesuffix("/v1")
    server = connect(prefix, base_url, settings, sdk="anthropic", make=_client)
    return AnthropicMessages(name, server, found=settings.found(f"{prefix}:{name}", server.base_url))


def serves() -> frozenset[type[Request]]:
    """The kinds of request that models of this module can answer; a single one may answer fewer."""
    return ChatModel.answers


def listing(settings: Settings) -> list[ModelInfo]:
    """Models that can be named."""
    return hosted(PROVIDER, settings)


def offers(saved: SavedConnection, settings: Settings) -> list[ModelInfo]:
    """The models at a named connection (at most a second)."""
    return named(saved, settings)


class AnthropicMessages(ChatModel):
    """A model behind the Messages API."""

    api = "anthropic"

    def __init__(
        self, name: str, server: Connection, *, label: str | None = None, found: Abilities | None = None
    ) -> None:
        super().__init__(name, server, label=label, found=found)
        self._without.add(LOGPROBS)

    @override
    def _parameters(self, limit: int, schema: str | None, logprobs: bool, without: set[str]) -> Parameters:
        sent: Parameters = {"model": self._model, "max_tokens": limit}
        if schema is not None:
            sent["output_config"] = {"format": {"type": "json_schema", "schema": _supported(json.loads(schema))}}
        return sent

    @override
    def _create(self, client: Any, messages: Sequence[Message], sent: Parameters) -> Awaitable[Any]:
        system = "\n\n".join(message.text for message in messages if message.role == "system")
        shown = [{"role": "user", "content": message.text} for message in messages if message.role == "user"]
        if not shown:
            system, shown = "", [{"role": "user", "content": system}]
        extra: Parameters = {"system": system} if system else {}
        if "temperature" in sent:  # which the SDK does not take any more
            extra["extra_body"] = {"temperature": sent["temperature"]}
            sent = {name: value for name, value in sent.items() if name != "temperature"}
        return client.messages.with_raw_response.create(messages=shown, **extra, **sent)  # type: ignore[no-any-return]

    @override
    def _read(self, body: Mapping[str, Any]) -> Content:
        finish = FINISHES.get(body["stop_reason"], "other")
        text = "".join(block["text"] for block in body["content"] if block["type"] == "text")
        if finish == "refusal" and not text:
            text = (body.get("stop_details") or {}).get("explanation") or ""
        return Content(text, finish)

    @override
    def _refused(self, problem: Problem, sent: Parameters) -> str | None:
        named = problem.refuses("output_config", "output_format", "output format", "json_schema", "structured output")
        return SCHEMA if "output_config" in sent and named else None


def _supported(schema: dict[str, Any]) -> dict[str, Any]:
    """The schema in the dialect that the API takes: what it does not know goes into descriptions."""
    from anthropic import transform_schema

    try:
        return transform_schema(schema)
    except (AssertionError, LookupError, TypeError, ValueError):
        return schema  # beyond the helper; the server says whether it takes it


def _client(connection: Connection) -> Any:
    import httpx2
    from anthropic import AsyncAnthropic, DefaultAsyncHttpxClient

    http_client = connection.http_client() if connection.http_client is not None else DefaultAsyncHttpxClient()
    client = AsyncAnthropic(
        api_key=connection.key or "none",
        base_url=connection.base_url,
        max_retries=connection.retries,
        timeout=httpx2.Timeout(connection.timeout, connect=connection.connect_timeout),
        http_client=noting(listen(http_client)),
    )
    if not connection.is_of_environment:
        client._custom_headers = {}  # from the environment, where they may hold keys
    return client
