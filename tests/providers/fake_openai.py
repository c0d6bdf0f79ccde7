"""OpenAI's chat API that is not there: its replies, and models that are asked through it."""

import math

import pytest

from reranking.models import ModelError
from reranking.providers.openai_chat import OpenAIChat, make_client
from tests.providers.fakes import ask, connection, generate

LOCAL = "http://localhost:9999/v1"


def model(script, name="gpt-4o-mini", provider="openai", **options):
    return OpenAIChat(name, connection(script, provider, sdk="openai", make=make_client, **options))


def completion(text="fine", finish="stop", *, usage=(11, 3), logprobs=None, refusal=None, **body):
    message = {"role": "assistant", "content": text, "refusal": refusal}
    reply = {
        "id": "chatcmpl-1",
        "object": "chat.completion",
        "created": 1,
        "model": "gpt-4o-mini-2024-07-18",
        "choices": [{"index": 0, "finish_reason": finish, "message": message, "logprobs": logprobs}],
    }
    if usage is not None:
        reply["usage"] = {"prompt_tokens": usage[0], "completion_tokens": usage[1], "total_tokens": sum(usage)}
    return reply | body


def first_token(**probabilities):
    """The log-probabilities of a reply of one token; the first name is the token that was sampled."""
    entries = [{"token": token, "logprob": math.log(p), "bytes": None} for token, p in probabilities.items()]
    return {"content": [entries[0] | {"top_logprobs": entries}], "refusal": None}


def error(message, *, code=None, param=None):
    return {"error": {"message": message, "type": "invalid_request_error", "param": param, "code": code}}


def failure(script, request=None, **options):
    with pytest.raises(ModelError) as caught:
        ask(model(script, **options), request or generate())
    return caught.value
