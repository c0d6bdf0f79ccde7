"""A key that a server repeats in another spelling: in escapes of JSON, of an address or of a page."""

import html
import json
import urllib.parse

import httpx2
import pytest

from tests.providers.fake_openai import completion, failure, model
from tests.providers.fakes import KEY, Script, ask, generate

ODD_KEY = "abcd+efgh/ijkl&mnop<0123456789=="


def spelt(style, signs="+/&<="):
    """The key with its signs, or those of `signs`, in escapes."""
    return "".join(style.format(ord(sign)) if sign in signs else sign for sign in ODD_KEY)


@pytest.mark.parametrize(
    "escaped",
    [
        ODD_KEY.replace("/", "\\/"),
        spelt("\\u{:04X}"),
        spelt("\\u{:04x}", "+<"),
        spelt("\\\\u{:04x}"),
        spelt("&#{};"),
        spelt("&#x{:X};"),
        html.escape(ODD_KEY),
        urllib.parse.quote(ODD_KEY, safe=""),
    ],
)
def test_a_key_reaches_nobody_however_a_server_escapes_it(escaped):
    def told(status, body):
        return lambda request: httpx2.Response(status, text=body, headers={"content-type": "application/json"})

    body = json.dumps(completion("PLACE", model="PLACE")).replace("PLACE", f"you sent {escaped}!")
    reply = ask(model(told(200, body), key=ODD_KEY), generate())
    assert (reply.text, reply.receipt.model) == ("you sent [key]!",) * 2
    problem = failure(told(400, f'{{"error": {{"message": "you sent {escaped}!"}}}}'), key=ODD_KEY)
    assert "you sent [key]!" in problem.message
    for text in (reply.receipt.raw, problem.raw):
        assert "you sent [key]!" in str(json.loads(text))
        assert "0123456789" not in text


def test_a_key_that_is_written_in_escapes_only_is_not_in_what_is_read():
    letters = "".join(f"\\u{ord(sign):04x}" for sign in KEY)
    script = Script(json.dumps(completion("PLACE")).replace("PLACE", letters))
    assert ask(model(script), generate()).text == "[key]"
