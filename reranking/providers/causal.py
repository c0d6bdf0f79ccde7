"""Language models of transformers in this process: they generate, choose, give likelihoods and attend.

Prompts are read one at a time. Reading several at once saves nothing on a CPU, whose time goes by
tokens, and would make a reply depend, in its last digits, on what else is asked.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import lru_cache
from threading import Event
from typing import Any, Literal

from reranking.models import ModelError
from reranking.providers.attention import attention, mark
from reranking.providers.constrained import Constraint, Schemas
from reranking.providers.local import Handler, go_on, loading, spare_a_core
from reranking.providers.reading import Reader, cuts
from reranking.providers.spellings import Tokens, log_probabilities, spellings
from reranking.replies import Attention, Choices, LogLikelihood, Receipt, Text
from reranking.requests import Attend, Choose, Generate, Likelihood, Message, Request

_USER_TEXT = "\ue000"
"""Stands for the user's text where only what comes before it is wanted."""


class CausalModel:
    """A loaded model with its tokenizer. For one thread."""

    def __init__(self, name: str, model: Any, tokenizer: Any) -> None:
        self.name = name
        self.model = model
        self.tokenizer = tokenizer
        self._reader = Reader(model)
        self._piece = lru_cache(maxsize=65536)(lambda token: str(tokenizer.decode([token])))
        self._stops = _stops(model, tokenizer)
        self._schemas = Schemas(name, tokenizer, model.config.get_text_config().vocab_size, self._stops)

    def generate(self, request: Generate, unwanted: Event) -> Text:
        """The most probable text, token by token (greedy); under a schema, only tokens that keep to it."""
        prompt = self._prompt(request.messages)
        room = min(request.max_output_tokens, self._limit() - len(prompt))
        constraint = None if request.schema is None else self._schemas.begin(request.schema)
        scores, state = self._reader.read(prompt, self._cuts(prompt))
        logits, written = scores[-1], list[int]()
        finish: Literal["stop", "length"] = "length"
        while (token := _best(logits, constraint)) not in self._stops:
            written.append(token)
            if len(written) == room:
                break
            go_on(unwanted)
            logits, state = self._reader.next(token, state)
        else:
            finish = "stop"
        text = self.tokenizer.decode(written, skip_special_tokens=True)
        sent = {"decoding": "greedy", "max_output_tokens": request.max_output_tokens, "schema": constraint is not None}
        return Text(text=text, finish=finish, receipt=_receipt(len(prompt), len(written), sent, text))

    def choose(self, request: Choose, unwanted: Event) -> Choices:
        """The probability that the answer begins with each choice, in any of its spellings."""
        if not all(request.choices):
            raise ModelError("bad-request", "A choice has no text. Give every choice at least one character.")
        prompt = self._prompt(request.messages)
        written = spellings(request.choices)
        scores, state = self._reader.read(prompt, self._cuts(prompt))

        def after(tokens: Tokens) -> Sequence[float]:
            go_on(unwanted)
            row = self._reader.follow(prompt, state, tokens)[-1] if tokens else scores[-1]
            found: list[float] = row.tolist()
            return found

        logprobs = log_probabilities([[self._plain(text) for text in own] for own in written], after)
        sent = {"spellings": [list(own) for own in written]}
        return Choices(logprobs=logprobs, receipt=_receipt(len(prompt), 0, sent))

    def likelihood(self, request: Likelihood, unwanted: Event) -> LogLikelihood:
        """The probability that the answer begins with the continuation: the sum over its tokens."""
        prompt = self._prompt(request.messages)
        tokens = self._plain(request.continuation)
        whole = [*prompt, *tokens]
        self._check_length(whole)
        go_on(unwanted)
        logprob = 0.0
        if tokens:
            scores, _ = self._reader.read(whole, self._cuts(prompt), keep=len(tokens) + 1)
            logprob = sum(float(scores[at, token]) for at, token in enumerate(tokens))
        return LogLikelihood(logprob=logprob, tokens=len(tokens), receipt=_receipt(len(whole), 0, {}))

    def attend(self, request: Attend, unwanted: Event) -> Attention:
        """The attention from the query's tokens to each passage token, per head. All pieces are the user's turn."""
        pieces = [replace(piece, text=self._defused(piece.text)) for piece in request.pieces]
        prompt = mark(self.name, self.tokenizer, self._opening(), pieces)
        self._check_length(prompt.tokens[: prompt.read])
        passages, heads = attention(self.name, self._reader, prompt, unwanted)
        return Attention(passages=passages, heads=heads, receipt=_receipt(prompt.read, 0, {"attention": "eager"}))

    def _opening(self) -> list[int]:
        """The tokens of a conversation before the text of its one turn."""
        if self.tokenizer.chat_template is None:
            return [int(token) for token in self.tokenizer("")["input_ids"]]
        text = self._conversation([{"role": "user", "content": _USER_TEXT}])
        before, found, _ = text.partition(_USER_TEXT)
        if not found:
            raise ModelError("cannot-answer", f"The chat template of {self.name} does not show what the user says.")
        return [int(token) for token in self.tokenizer(before, add_special_tokens=False)["input_ids"]]

    def _prompt(self, messages: Sequence[Message]) -> list[int]:
        """The tokens of the conversation up to where the answer begins. Raises `context-too-long`."""
        turns = [{"role": message.role, "content": self._defused(message.text)} for message in messages]
        if self.tokenizer.chat_template is None:
            text = "".join(f"{turn['content']}\n\n" for turn in turns)
            found = self.tokenizer(text, verbose=False)["input_ids"]
        else:
            found = self.tokenizer(self._conversation(turns), add_special_tokens=False, verbose=False)["input_ids"]
        tokens = [int(token) for token in found]
        self._check_length(tokens)
        return tokens

    def _conversation(self, turns: list[dict[str, str]]) -> str:
        from jinja2 import TemplateError

        def render(conversation: list[dict[str, str]]) -> str:
            # Models that think aloud are asked not to: the answer must come first.
            return str(
                self.tokenizer.apply_chat_template(
                    conversation, tokenize=False, add_generation_prompt=True, enable_thinking=False
                )
            )

        try:
            return render(turns)
        except TemplateError:
            # Some templates know no system turn, or only one turn per side.
            return render([{"role": "user", "content": "\n\n".join(turn["content"] for turn in turns)}])

    def _defused(self, text: str) -> str:
        """`text` without control tokens: a space is put into what the tokenizer would take for one."""
        for token in self.tokenizer.all_special_tokens:
            text = text.replace(token, f"{token[0]} {token[1:]}")
        return text

    def _plain(self, text: str) -> Tokens:
        found = self.tokenizer(text, add_special_tokens=False, split_special_tokens=True, verbose=False)["input_ids"]
        return tuple(int(token) for token in found)

    def _cuts(self, prompt: Sequence[int]) -> tuple[int, ...]:
        return cuts([self._piece(token) for token in prompt])

    def _limit(self) -> int:
        return int(getattr(self.model.config.get_text_config(), "max_position_embeddings", None) or 2**31)

    def _check_length(self, tokens: Sequence[int]) -> None:
        if len(tokens) >= self._limit():
            raise ModelError(
                "context-too-long",
                f"The prompt has {len(tokens)} tokens, but {self.name} reads {self._limit()}. "
                "Show fewer documents at once, or less of each.",
                fits=self._limit() / len(tokens),
            )


def handlers() -> dict[type[Request], Handler]:
    """How a CausalModel answers each kind of request."""
    return {
        Generate: CausalModel.generate,
        Choose: CausalModel.choose,
        Likelihood: CausalModel.likelihood,
        Attend: CausalModel.attend,
    }


def load(name: str, folder: str, gguf_file: str | None = None) -> CausalModel:
    """Load a model folder, or a GGUF file in it: in float32 on a CPU, as stored on a GPU.

    Raises ModelError if transformers cannot load it.
    """
    import torch
    from transformers import AutoModelForCausalLM, AutoTokenizer

    spare_a_core()
    device = "cuda" if gguf_file is None and torch.cuda.is_available() else "cpu"
    dtype = "auto" if device == "cuda" else torch.float32
    source = {} if gguf_file is None else {"gguf_file": gguf_file}
    with loading(name):
        tokenizer = AutoTokenizer.from_pretrained(folder, **source)
        model: Any = AutoModelForCausalLM.from_pretrained(folder, dtype=dtype, **source)
        model.to(device)
    return CausalModel(name, model.eval(), tokenizer)


def _best(logits: Any, constraint: Constraint | None) -> int:
    """The most probable token that `constraint` allows, which is told of it; the lowest id of equal ones."""
    if constraint is None:
        return int(logits.argmax())
    token = int(constraint.restrict(logits).argmax())
    constraint.accept(token)
    return token


def _stops(model: Any, tokenizer: Any) -> set[int]:
    ends = getattr(model.generation_config, "eos_token_id", None)
    named = ends if isinstance(ends, list) else [ends]
    return {token for token in (*named, tokenizer.eos_token_id) if token is not None}


def _receipt(input_tokens: int, output_tokens: int, sent: Mapping[str, Any], raw: str = "") -> Receipt:
    return Receipt(sent=sent, raw=raw, input_tokens=input_tokens, output_tokens=output_tokens)
