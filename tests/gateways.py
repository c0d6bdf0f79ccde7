"""A gateway for models that are objects, and what is asked through it."""

import asyncio

from reranking.gateway import Gateway, Run
from reranking.replies import Receipt, Scores
from reranking.requests import Generate, Message


def generate(model, text="hello", shown=(0,)):
    return Generate(model=model, task="grade", shown=shown, messages=(Message("user", text),))


def ask(gateway, requests, run=None):
    return asyncio.run(gateway.ask(requests, run or Run()))


def slow_reply(reply, seconds=0.01):
    async def wait():
        await asyncio.sleep(seconds)
        return reply

    return wait()


def make(archive=None):
    return Gateway(lambda ref: ref, archive)


def lengths(request):
    scores = tuple(float(len(text)) for text in request.texts)
    return Scores(
        scores=scores, score_kind="logit", cut=(False,) * len(scores), receipt=Receipt(cost_usd=0.5, input_tokens=9)
    )
