"""A hosted model that is not there: scripted HTTP replies, and a record of what was sent."""

import asyncio
import json

import httpx2

from reranking.providers.connection import OWN_URLS, Connection
from reranking.requests import Choose, Generate, Message, schema_text

KEY = "sk-test-0123456789abcdefghij"

QUESTION = (Message("system", "You judge passages."), Message("user", "Is it about cats?"))
SCHEMA = schema_text({"type": "object", "properties": {"score": {"type": "integer"}}, "required": ["score"]})


class Script:
    """Replies in order, the last one for ever; a callable is asked with the body that was sent.

    A reply is a body (status 200), a `(status, body)`, a `(status, body, headers)` or an exception.
    A body of bytes goes as it is.
    """

    def __init__(self, *replies):
        self.replies = replies
        self.requests = []

    def __call__(self, request):
        self.requests.append(request)
        reply = self.replies[min(len(self.requests), len(self.replies)) - 1]
        if callable(reply):
            reply = reply(json.loads(request.content))
        if isinstance(reply, Exception):
            raise reply
        status, body, headers = (*reply, {})[:3] if isinstance(reply, tuple) else (200, reply, {})
        if isinstance(body, bytes):
            return httpx2.Response(status, content=body, headers=headers)
        if isinstance(body, str):
            return httpx2.Response(status, text=body, headers=headers)
        content = json.dumps(body)  # in ASCII: a server escapes half a surrogate pair
        return httpx2.Response(status, content=content, headers={"content-type": "application/json", **headers})

    @property
    def sent(self):
        return [json.loads(request.content) for request in self.requests]


def connection(script, provider, *, sdk, make, base_url=None, key=KEY, **options):
    client = httpx2.AsyncClient(transport=httpx2.MockTransport(script))
    address = base_url or OWN_URLS[provider]
    return Connection(provider, address, key, sdk=sdk, make=make, http_client=lambda: client, **options)


def generate(schema=None, messages=QUESTION, limit=50):
    return Generate(model="m", task="grade", messages=messages, schema=schema, max_output_tokens=limit)


def choose(*choices, messages=QUESTION):
    return Choose(model="m", task="yes-no", messages=messages, choices=choices)


def ask(model, *requests):
    """The reply to one request, or the list of replies to several, one after another."""

    async def one_by_one():
        return [await model.answer(request) for request in requests]

    replies = asyncio.run(one_by_one())
    return replies[0] if len(requests) == 1 else replies
