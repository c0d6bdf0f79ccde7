"""What the chat APIs have in common: two kinds of request, and how each is answered.

A provider says how a call is made and read. What a server does not take is found out by its
refusal, and remembered per model.
"""

from __future__ import annotations

import json
from abc import ABC, abstractmethod
from collections.abc import Awaitable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, ClassVar, Literal

from reranking.models import ModelError, Predicted, tries
from reranking.providers.abilities import Abilities
from reranking.providers.choosing import by_logprobs, by_text
from reranking.providers.connection import Connection, Received
from reranking.providers.errors import Problem, scrub_reply, unreadable
from reranking.providers.predicting import predicted, price_of
from reranking.providers.prices import Tokens, cost, tokens
from reranking.providers.saved import SavedConnection
from reranking.replies import Choices, Finish, Receipt, Reply, Text
from reranking.requests import Choose, Generate, Message, Request

Parameters = dict[str, Any]

SCHEMA = "schema"
LOGPROBS = "logprobs"
TEMPERATURE = "temperature"
NEW_LIMIT = "max_completion_tokens"
FEW_TOKENS = "few-tokens"

CHARACTERS_PER_TOKEN = 4

ROOM_TO_CHOOSE = 16
ROOM_TO_THINK = 2048
"""Output tokens for a choice that is written out, by a model that answers at once or thinks first."""


@dataclass(frozen=True, slots=True)
class Answer:
    """One reply of a chat API. `first` holds the alternatives of its first token, if it tells them."""

    text: str
    finish: Finish
    receipt: Receipt
    first: Mapping[str, float] | None = None


@dataclass(frozen=True, slots=True)
class Content:
    """What a provider reads from the body of a reply."""

    text: str
    finish: Finish
    first: Mapping[str, float] | None = None


class NoLogprobsError(Exception):
    """The server refused to tell log-probabilities; `error` is what it said."""

    def __init__(self, error: ModelError) -> None:
        super().__init__(error.message)
        self.error = error


class ChatModel(ABC):
    """A model behind a chat API."""

    answers: frozenset[type[Request]] = frozenset({Generate, Choose})
    concurrency = 16
    per_minute: int | None = None
    api: ClassVar[Literal["openai", "anthropic"]]

    def __init__(
        self, name: str, server: Connection, *, label: str | None = None, found: Abilities | None = None
    ) -> None:
        """The model that `server` knows as `name`; `label` is what follows the provider in its full name.

        `found` is what a test found out about it, so that it is not found out again.
        """
        self.name = f"{server.provider}:{label or name}"
        self.connection = server.line
        self.limits_as_of = server.as_of
        self.place = server.base_url
        self.fingerprint = server.identity(name)
        self.context = found.context if found is not None else None
        self._model = name
        self._server = server
        self._without: set[str] = _refusals(found) if found is not None else set()
        self._room = ROOM_TO_CHOOSE
        self._tells = found is not None and bool(found.logprobs)  # log-probabilities
        self._temperature: float | None = None
        if server.saved is not None:
            self._limit_by(server.saved)

    def _limit_by(self, saved: SavedConnection) -> None:
        self.concurrency = saved.concurrency or self.concurrency
        self.per_minute = saved.per_minute
        self._temperature = saved.temperature
        if saved.temperature is not None:
            self.fingerprint += f" temperature={saved.temperature:g}"

    async def answer(self, request: Request) -> Reply:
        """Answer a `Generate` or a `Choose`. Raises ModelError."""
        if isinstance(request, Generate):
            answer = await self._ask(request.messages, request.max_output_tokens, schema=request.schema)
            return Text(text=answer.text, finish=answer.finish, receipt=answer.receipt)
        if isinstance(request, Choose):
            return await self._choose(request)
        raise ModelError("cannot-answer", f"{self.name} cannot answer {type(request).__name__}.")

    @property
    def paid(self) -> bool:
        """Whether somebody charges for its calls."""
        return self._server.is_paid

    def predicted(self, request: Request) -> Predicted | None:
        """What `request` is going to cost; None if its price is not known."""
        outputs = (request.max_output_tokens,) if isinstance(request, Generate) else self._room_of_a_choice()
        return predicted(request, price_of(self._server, self._model), outputs)

    def _room_of_a_choice(self) -> tuple[int, ...]:
        """The most tokens that a choice may write, and those of the calls that may have to follow."""
        told = ROOM_TO_CHOOSE if FEW_TOKENS in self._without else 1
        if self._tells:
            return (told,)
        written = (self._room, ROOM_TO_THINK) if self._room < ROOM_TO_THINK else (self._room,)
        return written if LOGPROBS in self._without else (told, *written)

    @property
    def server(self) -> Connection:
        """Where it is asked."""
        return self._server

    @property
    def asked_for(self) -> str:
        """The name by which the server knows it."""
        return self._model

    async def aclose(self) -> None:
        """Close the connection's sockets on the running event loop."""
        await self._server.aclose()

    @abstractmethod
    def _parameters(self, limit: int, schema: str | None, logprobs: bool, without: set[str]) -> Parameters:
        """What to send besides the messages, without the features named in `without`."""

    @abstractmethod
    def _create(self, client: Any, messages: Sequence[Message], sent: Parameters) -> Awaitable[Any]:
        """Make the call through the SDK's raw responses."""

    @abstractmethod
    def _read(self, body: Mapping[str, Any]) -> Content:
        """Read the body of a reply. Raises AttributeError, LookupError, TypeError or ValueError if it is none."""

    @abstractmethod
    def _refused(self, problem: Problem, sent: Parameters) -> str | None:
        """The feature of the request that the server does not take, if that is the problem."""

    def _cut_off(self, problem: Problem) -> bool:
        """Whether the server reports a reply that hit the output limit as an error."""
        return False

    def _passed_over(self, sent: Parameters, used: Tokens) -> set[str]:
        """The features that the server took and then ignored, by what the call used."""
        return set()

    async def _ask(
        self, messages: Sequence[Message], limit: int, *, schema: str | None = None, logprobs: bool = False
    ) -> Answer:
        """Ask once; where the server refuses a feature, ask again without it and remember that it did."""
        seconds = 0.0
        without = set(self._without)
        blamed: dict[str, Problem] = {}
        while True:
            described = schema is not None and SCHEMA in without
            sent = self._parameters(limit, None if described else schema, logprobs, without)
            if self._temperature is not None and TEMPERATURE not in without:
                sent["temperature"] = self._temperature
            shown = with_schema(messages, schema) if schema is not None and described else messages
            noted = {**sent, "schema_in_prompt": True} if described else sent
            outcome = await self._send(shown, sent, noted)
            seconds += outcome.seconds
            if isinstance(outcome, Received):
                self._without |= without
                return self._answer(outcome, noted, seconds)
            if self._cut_off(outcome):
                receipt = Receipt(self._model, sent, outcome.error.raw, seconds=seconds)
                return Answer("", "length", receipt)
            feature = self._feature(outcome, sent)
            if feature == LOGPROBS:
                raise NoLogprobsError(outcome.error)
            if feature is None:
                raise self._with_length(outcome.error, shown)
            if feature in without:
                # The substitute is refused too: the server meant something else the first time.
                raise blamed.get(feature, outcome).error
            without.add(feature)
            blamed[feature] = outcome

    def _with_length(self, error: ModelError, messages: Sequence[Message]) -> ModelError:
        """The error; one over a prompt's length says how much of it fits, by the limit that a test found."""
        if error.code == "context-too-long" and error.fits is None and self.context is not None:
            tokens = sum(len(message.text) for message in messages) / CHARACTERS_PER_TOKEN
            error.fits = self.context / tokens if tokens > self.context else None
        return error

    def _feature(self, problem: Problem, sent: Parameters) -> str | None:
        if problem.error.code == "context-too-long":
            return None
        if "temperature" in sent and problem.refuses("temperature"):
            return TEMPERATURE
        return self._refused(problem, sent)

    async def _send(self, messages: Sequence[Message], sent: Parameters, noted: Parameters) -> Received | Problem:
        legible = [replace(message, text=without_lone_surrogates(message.text)) for message in messages]
        return await self._server.send(lambda client: self._create(client, legible, sent), self._model, noted)

    def _answer(self, received: Received, sent: Parameters, seconds: float) -> Answer:
        try:
            body = json.loads(received.text)
            content = self._read(body)
        except (AttributeError, LookupError, TypeError, ValueError):
            receipt = Receipt(sent=sent, raw=received.text, seconds=seconds, retries=received.retries)
            raise unreadable(received.text, self._server, self._model, receipt) from None
        answered = scrub_reply(body["model"], self._server.key) if isinstance(body.get("model"), str) else self._model
        used = tokens(body, self.api)
        self._without |= self._passed_over(sent, used)
        receipt = Receipt(
            model=answered,
            sent=sent,
            raw=received.text,
            input_tokens=used.input,
            output_tokens=used.output,
            reasoning_tokens=used.reasoning,
            cost_usd=self._cost(answered, used, body),
            seconds=seconds,
            retries=received.retries,
        )
        text = scrub_reply(content.text, self._server.key)  # of which JSON may hide a key from view
        return Answer(without_lone_surrogates(text), content.finish, receipt, content.first)

    def _cost(self, answered: str, used: Tokens, body: Mapping[str, Any]) -> float | None:
        if self._server.saved is not None and self._server.saved.prices is not None:
            return self._server.saved.prices.cost(used.input, used.output)
        tier = body.get("service_tier")
        for model in (answered, self._model):
            price = cost(
                self._server.speaks,
                model,
                used.input,
                used.output,
                cache_read_tokens=used.cache_read,
                cache_write_tokens=used.cache_write,
                base_url=self._server.base_url,
                service_tier=tier if isinstance(tier, str) else None,
            )
            if price is not None:
                return price
        return None

    async def _choose(self, request: Choose) -> Choices:
        """By log-probabilities, or else in writing.

        A model that has told log-probabilities before, also in a test, is asked once: nothing more was
        predicted, and a spending limit counts with that. Where one of its replies has none, what that
        reply says counts.
        """
        spent = None
        if self._tells or LOGPROBS not in self._without:
            try:
                answer = await self._ask(request.messages, 1, logprobs=True)
            except NoLogprobsError as refusal:
                if self._tells:
                    raise _no_more_told(refusal.error) from None
            else:
                if answer.finish == "refusal":
                    return _choices((None,) * len(request.choices), answer)
                if answer.first is not None:
                    self._tells = True
                    logprobs = by_logprobs(request.choices, answer.first, answer.receipt.raw)
                    return _choices(logprobs, answer, in_a_token=True)
                if self._tells:
                    return _as_far_as_written(request.choices, answer)
                spent = answer.receipt
            self._without.add(LOGPROBS)
        return await self._choose_in_writing(request, spent)

    async def _choose_in_writing(self, request: Choose, spent: Receipt | None) -> Choices:
        room = self._room  # another request may raise it while this one is under way
        answer = await self._ask_after(spent, request.messages, room)
        thinks = not answer.text.strip() or "<think" in answer.text
        if answer.finish == "length" and thinks and room < ROOM_TO_THINK:
            self._room = ROOM_TO_THINK
            spent = answer.receipt if spent is None else together(spent, answer.receipt)
            answer = await self._ask_after(spent, request.messages, ROOM_TO_THINK)
        if spent is not None:
            answer = replace(answer, receipt=together(spent, answer.receipt))
        refused = answer.finish == "refusal"
        logprobs = (None,) * len(request.choices) if refused else by_text(request.choices, answer.text)
        return _choices(logprobs, answer, by="generated")

    async def _ask_after(self, spent: Receipt | None, messages: Sequence[Message], limit: int) -> Answer:
        """Ask; if that fails, the error tells what the calls before it cost, and if it is called off, `tries` does."""
        now = tries.get()
        if now is not None:
            now.received = spent
        try:
            return await self._ask(messages, limit)
        except ModelError as error:
            if spent is not None:
                error.receipt = spent if error.receipt is None else together(error.receipt, spent)
            raise


def _as_far_as_written(choices: Sequence[str], answer: Answer) -> Choices:
    """What a reply with room for hardly a token chooses: nothing where it may be the beginning of another choice."""
    logprobs = by_text(choices, answer.text)
    chosen = next((choice for choice, logprob in zip(choices, logprobs, strict=True) if logprob is not None), None)
    longer = [] if chosen is None else [other for other in choices if other != chosen]
    if chosen is None or any(other.casefold().startswith(chosen.casefold()) for other in longer):
        return _choices((None,) * len(choices), replace(answer, finish="stop"))
    return _choices(logprobs, answer, by="generated")


def _choices(
    logprobs: tuple[float | None, ...],
    answer: Answer,
    *,
    by: Literal["logprobs", "generated"] = "logprobs",
    in_a_token: bool = False,
) -> Choices:
    """The reply to a `Choose`; where nothing is chosen it tells how the answer ended and what it said.

    An answer `in_a_token` ends there by our will, and says nothing where that token is part of a thought.
    """
    if any(logprob is not None for logprob in logprobs):
        return Choices(logprobs=logprobs, by=by, receipt=answer.receipt)
    if in_a_token:
        return Choices(logprobs=logprobs, by=by, text=answer.text or None, receipt=answer.receipt)
    return Choices(logprobs=logprobs, by=by, finish=answer.finish, text=answer.text, receipt=answer.receipt)


def _no_more_told(error: ModelError) -> ModelError:
    """The error of a server that refuses log-probabilities, and told them before."""
    message = f"{error.message} It told log-probabilities before: test the model again."
    return ModelError(error.code, message, error.raw, error.receipt, error.fits)


def _refusals(found: Abilities) -> set[str]:
    """The features that a test found to be refused, or taken without effect."""
    refused = {
        SCHEMA: found.schema in {"accepted", "refused"},
        LOGPROBS: found.logprobs == 0,
        TEMPERATURE: found.temperature == "refused",
        NEW_LIMIT: found.limit == "max_tokens",
        FEW_TOKENS: (found.fewest or 1) > 1,
    }
    return {feature for feature, is_refused in refused.items() if is_refused}


def with_schema(messages: Sequence[Message], schema: str) -> list[Message]:
    """`messages` with the schema as an instruction, for servers that do not take one."""
    wish = f"Answer with nothing but JSON that is valid against this JSON schema: {schema}"
    if messages and messages[0].role == "system":
        return [Message("system", f"{messages[0].text}\n\n{wish}"), *messages[1:]]
    return [Message("system", wish), *messages]


def without_lone_surrogates(text: str) -> str:
    """`text` as it can be sent and stored: half a surrogate pair becomes U+FFFD."""
    return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")


def together(first: Receipt, last: Receipt) -> Receipt:
    """The receipt of two calls that gave one answer, that of `last`. Unknown plus known is unknown."""

    def total(name: str) -> Any:
        values = [getattr(first, name), getattr(last, name)]
        return None if None in values else sum(values)

    counted = ("input_tokens", "output_tokens", "cost_usd", "seconds", "retries")
    reasoning = [value for value in (first.reasoning_tokens, last.reasoning_tokens) if value is not None]
    return replace(last, **{name: total(name) for name in counted}, reasoning_tokens=sum(reasoning) or None)
