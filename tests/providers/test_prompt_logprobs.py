"""The likelihood of an answer is the sum over exactly its own tokens."""

import math

import pytest

from reranking.models import ModelError
from reranking.providers.prompt_logprobs import read_likelihood
from reranking.replies import Receipt


def told(*tokens):
    """The prompt's tokens as vLLM tells them: each first in its mapping, a likelier one behind it."""
    rows = [{"1": {"logprob": logprob, "rank": 2, "decoded_token": text}} for text, logprob in tokens]
    for row in rows[1:]:
        row["2"] = {"logprob": -0.01, "rank": 1, "decoded_token": "else"}
    return {"prompt_logprobs": [None, *rows]}


PROMPT = (("<user>", -9.0), (" red", -8.0), ("<assistant>\n", -7.0))


@pytest.mark.parametrize(
    ("continuation", "tokens"),
    [
        ("red sky", (("red", -1.0), (" sky", -2.0))),
        ("red sky", (("red", -1.0), ("sky", -2.0))),  # a tokenizer that drops the space of a token alone
        ("red sky", (("r", -0.5), ("ed", -0.5), (" ", -1.0), ("s", -0.5), ("ky", -0.5))),
        ("naïve\nsky", (("na", -1.0), ("ïve\n", -1.0), ("sky", -1.0))),
    ],
)
def test_the_tokens_that_spell_the_answer_are_summed(continuation, tokens):
    reply = read_likelihood(told(*PROMPT, *tokens), continuation, Receipt())
    assert reply.logprob == pytest.approx(sum(logprob for _, logprob in tokens))
    assert reply.tokens == len(tokens)


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"prompt_logprobs": None},
        {"prompt_logprobs": []},
        {"prompt_logprobs": [None, None]},
        {"prompt_logprobs": ["red", 3]},
        told(*PROMPT),
        told(*PROMPT, ("red", -1.0), (" skyline", -2.0)),
        told(*PROMPT, ("xred", -1.0), (" sky", -2.0)),
        told(*PROMPT, ("red", math.nan), (" sky", -2.0)),
        told(*PROMPT, ("red", None), (" sky", -2.0)),
        told(("sky", -2.0)),
    ],
)
def test_tokens_that_are_not_those_of_the_answer_give_no_number(body):
    with pytest.raises(ModelError) as caught:
        read_likelihood(body, "red sky", Receipt(raw="the reply"))
    assert (caught.value.code, caught.value.raw) == ("bad-reply", "the reply")
