"""A test of a model finds out what it can do, at servers with and without each ability."""

import json
from dataclasses import replace

import pytest

from reranking.api import try_out
from reranking.archive import MemoryArchive
from reranking.models import ModelError
from reranking.providers.abilities import abilities_from_json
from reranking.providers.findings import findings as lines_of
from reranking.providers.findings import in_short
from reranking.providers.probing import Probe
from reranking.providers.registry import Registry
from reranking.providers.saved import Prices, SavedConnection
from reranking.providers.settings import Settings
from reranking.requests import Choose, Generate, Likelihood, Message, Score
from tests.providers import fake_rerankers
from tests.providers.fake_openai import completion
from tests.providers.fake_server import FakeAnthropic, FakeOpenAI, serving
from tests.providers.fakes import KEY, QUESTION, SCHEMA, ask

NAME = "box:llama3"


def settings_for(url, kind="openai", *, keys=None, **limits):
    saved = SavedConnection("box", kind, url, **limits)
    return Settings(keys=keys or {}, environment={}, connections={"box": saved})


def findings(server, kind="openai", path="/v1", name=NAME, **options):
    """What a test of the model at `server` finds, and the settings with it."""
    with serving(server) as url:
        settings = settings_for(f"{url}{path}", kind, **options)
        found = try_out(name, settings=settings)
    return found


@pytest.mark.parametrize("schema", ["enforced", "accepted", "refused"])
@pytest.mark.parametrize("limit", ["both", "max_tokens", "max_completion_tokens"])
def test_whether_a_schema_binds_and_what_the_limit_is_called_are_found_out(schema, limit):
    found = findings(FakeOpenAI(schema=schema, limit=limit))
    assert (found.schema, found.problem) == (schema, "")
    assert found.limit == ("max_tokens" if limit == "max_tokens" else "max_completion_tokens")
    assert found.answered_by == "the-model-2026"
    assert found.answers == ("generate", "choose")


@pytest.mark.parametrize(("most", "count"), [(20, 20), (5, 5), (0, 0), (None, 0)])
def test_the_number_of_alternatives_is_counted_not_believed(most, count):
    assert findings(FakeOpenAI(logprobs=most)).logprobs == count


@pytest.mark.parametrize("takes", [True, False])
def test_whether_a_temperature_is_taken_is_found_out(takes):
    assert findings(FakeOpenAI(temperature=takes)).temperature == ("accepted" if takes else "refused")
    assert findings(FakeAnthropic(temperature=takes), "anthropic", "").temperature == (
        "accepted" if takes else "refused"
    )


@pytest.mark.parametrize("tells", [True, False])
def test_likelihood_is_answered_only_where_prompt_logprobs_came(tells):
    found = findings(FakeOpenAI(prompt_logprobs=tells))
    assert found.prompt_logprobs is tells
    assert ("likelihood" in found.answers) is tells


class Wordless(FakeOpenAI):
    """Answers with empty texts, or with them to those requests alone that ask for a choice."""

    def __init__(self, only_choices=False, finish="stop", **abilities):
        super().__init__(**abilities)
        self.only_choices, self.finish = only_choices, finish

    def completion(self, body):
        if self.only_choices and "yes or no" not in body["messages"][-1]["content"]:
            return super().completion(body)
        return completion("", self.finish)


@pytest.mark.parametrize(("finish", "why"), [("stop", "chat template"), ("length", "turn thinking off")])
@pytest.mark.parametrize("schema", ["enforced", "refused"])
def test_a_model_that_only_sends_empty_replies_has_no_abilities_and_is_told_of(schema, finish, why):
    found = findings(Wordless(schema=schema, finish=finish))
    assert found.answers == ()
    assert "all its replies are empty" in found.problem
    assert why in found.problem
    assert in_short(found) == found.problem


def test_anthropic_models_that_only_send_empty_replies_have_no_abilities_either():
    class Server(FakeAnthropic):
        def __call__(self, method, path, headers, body):
            status, answer = super().__call__(method, path, headers, body)
            return status, answer | ({"content": []} if method == "POST" else {})

    found = findings(Server(), "anthropic", "", name="box:opus", keys={"box": KEY})
    assert found.answers == ()
    assert "all its replies are empty" in found.problem


def test_an_ability_whose_replies_were_empty_is_named_and_not_counted():
    found = findings(Wordless(only_choices=True, logprobs=None))
    assert (found.answers, found.empty, found.problem) == (("generate",), ("choose",), "")
    assert ("only empty replies to", "choose") in lines_of(found)
    assert "only empty replies to choose" in in_short(found)
    assert abilities_from_json(json.loads(json.dumps(found.to_json()))) == found


def test_a_refusal_is_no_empty_reply():
    class Declines(FakeOpenAI):
        def completion(self, body):
            return completion("", "content_filter")

    found = findings(Declines())
    assert (found.answers, found.logprobs) == (("generate", "choose"), None)


@pytest.mark.parametrize(
    ("path", "body", "tokens"),
    [
        ("/v1/models", {"data": [{"id": "other", "max_model_len": 1}, {"id": "llama3", "max_model_len": 8192}]}, 8192),
        ("/v1/models", {"data": [{"id": "llama3", "context_length": 131072}]}, 131072),
        ("/v1/models", {"data": [{"id": "llama3", "meta": {"n_ctx_train": 9, "n_ctx": 4096}}]}, 4096),
        ("/v1/models", {"data": [{"id": "llama3"}]}, None),
        ("/v1/models", {"data": [{"id": "llama3", "max_model_len": "8192"}]}, None),
        ("/v1/models", {"data": [{"id": "other", "max_model_len": 8192}]}, None),
        ("/props", {"default_generation_settings": {"n_ctx": 2048}}, 2048),
        ("/api/ps", {"models": [{"name": "llama3", "context_length": 4096}]}, 4096),
        (
            "/api/v0/models",
            {"data": [{"id": "llama3", "max_context_length": 32768, "loaded_context_length": 4096}]},
            4096,
        ),
        ("/v1/models", [], None),
    ],
)
def test_the_context_limit_is_what_the_server_says_of_this_model(path, body, tokens):
    assert findings(FakeOpenAI(context={path: body})).context == tokens


@pytest.mark.parametrize("schema", ["enforced", "accepted", "refused"])
def test_anthropics_abilities_are_found_out(schema):
    found = findings(FakeAnthropic(schema=schema, context=200_000), "anthropic", "", name="box:opus", keys={"box": KEY})
    assert (found.schema, found.context, found.logprobs) == (schema, 200_000, 0)
    assert found.answers == ("generate", "choose")
    assert found.answered_by == "opus-2026"


DIALECTS = {
    "cohere": (fake_rerankers.cohere, "/v2/rerank", "cohere"),
    "voyage": (fake_rerankers.voyage, "/v1/rerank", "voyage"),
    "tei": (fake_rerankers.tei, "/rerank", "tei"),
    "infinity": (fake_rerankers.old_infinity, "/rerank", "cohere"),
}


@pytest.mark.parametrize("name", DIALECTS)
def test_a_rerank_servers_dialect_and_path_are_found_out_and_used_at_once(name):
    answer, path, dialect = DIALECTS[name]
    asked = []

    def server(method, at, headers, body):
        asked.append((at, body))
        return answer(body) if at == path else (404, {"detail": "Not Found"})

    with serving(server) as url:
        settings = settings_for(url, "rerank")
        found = try_out("box:m", settings=settings)
        assert (found.dialect, found.path, found.answers, found.problem) == (dialect, path, ("score",), "")
        assert found.requests == len(asked)
        asked.clear()
        again = Registry(replace(settings, tested={"box:m": found})).resolve("box:m")
        ask(again, Score(model="m", task="score", query="q", texts=("a", "b")))
    assert [at for at, _ in asked] == [path]


def test_a_server_that_does_not_answer_is_a_finding_that_says_why_and_no_more_is_asked():
    server = FakeOpenAI(keys={"right-key-0123456789"})
    found = findings(server, keys={"box": KEY})
    assert found.answers == ()
    assert "refused the API key (401)" in found.problem
    assert KEY not in json.dumps(found.to_json())
    assert found.requests == len(server.asked) == 1
    assert try_out(NAME, settings=settings_for("http://127.0.0.1:1/v1")).problem.startswith("No connection to")
    with pytest.raises(ModelError):
        try_out("nowhere:m", settings=Settings(environment={}))


@pytest.mark.parametrize(
    ("logprobs", "schema", "limit", "temperature"),
    [
        (20, "enforced", "both", True),
        (20, "accepted", "max_tokens", True),
        (5, "refused", "max_tokens", False),
        (0, "refused", "max_tokens", False),
        (None, "refused", "max_tokens", False),
    ],
)
def test_a_test_sends_what_it_says_and_never_more_than_was_announced(logprobs, schema, limit, temperature):
    server = FakeOpenAI(logprobs=logprobs, schema=schema, limit=limit, temperature=temperature)
    found = findings(server)
    plan = Probe(NAME, settings_for("http://127.0.0.1:1/v1"), 0.0).plan()
    assert found.requests == len(server.asked) <= plan.requests


def test_the_calls_of_a_test_are_recorded_and_a_test_is_never_answered_from_the_cache():
    server, archive = FakeOpenAI(), MemoryArchive()
    with serving(server) as url:
        for _ in range(2):
            try_out(NAME, settings=settings_for(f"{url}/v1"), archive=archive)
    kept = [call for call in archive.calls if call.model == NAME]
    assert len(kept) == len(server.asked) == 10
    assert {call.source for call in kept} == {"sent"}
    assert {call.run for call in kept} == {f"test {NAME}"}


# What was found is used


def after_test(server, *requests, **options):
    """What `server` is sent for `requests` after a test, and the replies."""
    with serving(server) as url:
        settings = settings_for(f"{url}/v1", **options)
        found = try_out(NAME, settings=settings)
        server.asked.clear()
        known = Registry(replace(settings, tested={NAME: found}))
        replies = [ask(known.resolve(NAME), request) for request in requests]
    return replies, server.bodies


GENERATE = Generate(model="m", task="grade", messages=QUESTION, schema=SCHEMA, max_output_tokens=50)
CHOOSE = Choose(model="m", task="yes-no", messages=QUESTION, choices=("yes", "no"))


@pytest.mark.parametrize("schema", ["enforced", "accepted", "refused"])
def test_a_schema_that_does_not_bind_is_written_into_the_prompt_at_the_first_request(schema):
    _, (body,) = after_test(FakeOpenAI(schema=schema), GENERATE)
    assert ("response_format" in body) is (schema == "enforced")
    assert ("valid against this JSON schema" in body["messages"][0]["content"]) is (schema != "enforced")


@pytest.mark.parametrize(("most", "sent"), [(20, 20), (5, 5), (0, None)])
def test_choices_are_asked_for_in_the_way_that_was_found_with_one_request(most, sent):
    (reply,), (body,) = after_test(FakeOpenAI(logprobs=most, text="yes"), CHOOSE)
    assert body.get("top_logprobs") == sent
    assert reply.by == ("logprobs" if most else "generated")


@pytest.mark.parametrize("least", [1, 16])
def test_a_choice_of_a_model_that_was_found_to_tell_is_predicted_as_the_one_short_call_that_it_is(least):
    class Server(FakeOpenAI):
        def refusal(self, body):
            too_few = body["max_completion_tokens"] < least
            return f"Expected a value >= {least}." if too_few else super().refusal(body)

    server, price = Server(), {"prices": Prices(0.0, 1e6, 0.0)}
    with serving(server) as url:
        settings = settings_for(f"{url}/v1", **price)
        found = try_out(NAME, settings=settings)
        server.asked.clear()
        model = Registry(replace(settings, tested={NAME: found})).resolve(NAME)
        before, _, after = model.predicted(CHOOSE), ask(model, CHOOSE), model.predicted(CHOOSE)
        assert Registry(settings).resolve(NAME).predicted(CHOOSE).output > 2000
    assert before == after
    assert before.output == least
    assert [body["max_completion_tokens"] for body in server.bodies] == [least]


@pytest.mark.parametrize("changed", [FakeOpenAI(logprobs=0), FakeOpenAI(logprobs=None, text="")])
def test_a_model_that_was_found_to_tell_and_does_so_no_more_is_asked_once_per_choice(changed):
    with serving(FakeOpenAI()) as url:
        found = try_out(NAME, settings=settings_for(f"{url}/v1"))
    with serving(changed) as url:
        tested = {NAME: replace(found, place=f"{url}/v1")}
        model = Registry(replace(settings_for(f"{url}/v1"), tested=tested)).resolve(NAME)
        if changed.logprobs == 0:
            with pytest.raises(ModelError, match="test the model again"):
                ask(model, CHOOSE)
        else:
            assert ask(model, CHOOSE).logprobs == (None, None)
    assert len(changed.asked) == 1


def test_the_limits_name_is_known_at_the_first_request():
    _, (body,) = after_test(FakeOpenAI(limit="max_tokens"), GENERATE)
    assert "max_tokens" in body
    assert "max_completion_tokens" not in body


@pytest.mark.parametrize("takes", [True, False])
def test_the_connections_temperature_is_sent_where_it_is_taken(takes):
    (reply,), (body,) = after_test(FakeOpenAI(temperature=takes), GENERATE, temperature=0.3)
    assert body.get("temperature") == (0.3 if takes else None)
    assert reply.receipt.sent.get("temperature") == body.get("temperature")


def test_the_likelihood_is_that_of_the_continuations_own_tokens():
    continuation = "red sky"
    request = Likelihood(model="m", task="likelihood", messages=QUESTION, continuation=continuation)
    (reply,), (body,) = after_test(FakeOpenAI(prompt_logprobs=True), request)
    assert body["messages"][-1] == {"role": "assistant", "content": continuation}
    # The prompt's tokens 4 and 5 of FakeOpenAI: -0.5 x 4 and -0.5 x 5.
    assert (reply.logprob, reply.tokens) == (-4.5, 2)


def test_what_was_found_elsewhere_does_not_hold_here():
    with serving(FakeOpenAI(prompt_logprobs=True, schema="refused")) as url:
        settings = settings_for(f"{url}/v1")
        found = try_out(NAME, settings=settings)
        assert Registry(replace(settings, tested={NAME: found})).answers(NAME) == {Generate, Choose, Likelihood}
        moved = replace(settings, tested={NAME: replace(found, place="http://elsewhere/v1")})
        assert Registry(moved).answers(NAME) == {Generate, Choose}


def test_a_temperature_is_sent_without_a_test_until_it_is_refused():
    for takes in (True, False):
        server = FakeOpenAI(temperature=takes)
        with serving(server) as url:
            model = Registry(settings_for(f"{url}/v1", temperature=0.7)).resolve(NAME)
            first, second = (ask(model, GENERATE) for _ in range(2))
        assert (
            first.receipt.sent.get("temperature") == second.receipt.sent.get("temperature") == (0.7 if takes else None)
        )
        assert len(server.asked) == (2 if takes else 3)


@pytest.mark.parametrize("kind", ["openai", "anthropic"])
def test_no_temperature_is_sent_unless_it_was_given(kind):
    server = FakeOpenAI() if kind == "openai" else FakeAnthropic()
    with serving(server) as url:
        ask(Registry(settings_for(f"{url}/v1", kind)).resolve(NAME), GENERATE)
    assert all("temperature" not in body for body in server.bodies)


def test_a_local_model_is_asked_one_request_of_each_kind():
    found = try_out("simulated:overlap", settings=Settings(environment={}))
    assert set(found.answers) == {"generate", "choose", "likelihood", "score"}
    plan = Probe("simulated:overlap", Settings(environment={}), 0.0).plan()
    assert plan.is_local
    assert found.requests == plan.requests == 4


def test_messages_of_a_test_say_nothing_about_keys_or_documents():
    server = FakeOpenAI()
    findings(server, keys={"box": KEY})
    assert KEY not in json.dumps(server.bodies)
    assert all(isinstance(message, Message) for message in QUESTION)
