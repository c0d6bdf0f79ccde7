"""Models of a folder or of the model hub, held against the libraries' own results."""

import asyncio
import json
import shutil
import subprocess
import sys

import numpy as np
import pytest

from reranking.models import ModelError
from reranking.providers import hub, huggingface
from reranking.providers.settings import Settings
from reranking.requests import Attend, Choose, Embed, EmbedTokens, Generate, Likelihood, Message, Score
from tests import models_for_tests as tiny

pytestmark = pytest.mark.models

torch = pytest.importorskip("torch", reason="torch is not installed")

LONG = "harbour lantern velvet marble orchid copper thunder meadow pillow anchor " * 5
TEXTS = ("light", "harbour lantern, water", LONG, "", "stone?", "marble 42 light", "light")
COMMIT = "0123456789abcdef0123456789abcdef01234567"


def open_model(name):
    return huggingface.open_model("hf", str(name), Settings(environment={}))


def refused(name):
    with pytest.raises(ModelError) as caught:
        open_model(name)
    return caught.value


def score(model, texts=TEXTS, query="harbour light"):
    return asyncio.run(model.answer(Score(model="m", task="score", query=query, texts=tuple(texts))))


def embed(model, texts=TEXTS, role="document"):
    return asyncio.run(model.answer(Embed(model="m", task="embed", texts=tuple(texts), role=role)))


def embed_tokens(model, texts=TEXTS, role="document"):
    return asyncio.run(model.answer(EmbedTokens(model="m", task="embed", texts=tuple(texts), role=role)))


def plain_logits(folder, query, texts):
    from transformers import AutoModelForSequenceClassification, AutoTokenizer

    model = AutoModelForSequenceClassification.from_pretrained(folder).eval()
    tokenizer = AutoTokenizer.from_pretrained(folder)
    with torch.inference_mode():
        return [
            model(**tokenizer([query], [text], truncation=True, return_tensors="pt")).logits[0, 0].item()
            for text in texts
        ]


@pytest.fixture(scope="module")
def cross_encoder(tmp_path_factory):
    return tiny.cross_encoder(tmp_path_factory.mktemp("cross"))


@pytest.fixture(scope="module")
def bi_encoder(tmp_path_factory):
    return tiny.bi_encoder(tmp_path_factory.mktemp("bi"), prompts={"query": "stone ", "document": ""})


@pytest.fixture(scope="module")
def late(tmp_path_factory):
    return tiny.late_interaction(tmp_path_factory.mktemp("late"))


@pytest.fixture
def cache(tmp_path, monkeypatch):
    """An empty cache of the model hub, and no connection to it."""
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr("huggingface_hub.constants.ENDPOINT", "http://127.0.0.1:1")
    return tmp_path / "cache"


# Cross-encoders


def test_scores_are_the_logits_of_a_plain_forward_pass(cross_encoder):
    found = score(open_model(cross_encoder))
    assert found.score_kind == "logit"
    assert found.scores == pytest.approx(plain_logits(cross_encoder, "harbour light", TEXTS), rel=1e-4, abs=1e-4)
    assert len(set(found.scores)) > 4


def test_a_text_gets_the_same_bits_whatever_it_is_scored_with(cross_encoder):
    model = open_model(cross_encoder)
    together = score(model).scores
    assert score(model, TEXTS[::-1]).scores == together[::-1]
    assert tuple(score(model, [text]).scores[0] for text in TEXTS) == together
    assert together[0] == together[-1]


def test_a_pair_that_is_longer_than_the_model_reads_is_marked_cut(cross_encoder):
    found = score(open_model(cross_encoder))
    assert found.cut == tuple(text == LONG for text in TEXTS)
    fits = " ".join(["light"] * 27)  # with [CLS], two words of query and two [SEP]: 32 tokens
    assert score(open_model(cross_encoder), [fits, f"{fits} light"]).cut == (False, True)


def test_a_model_whose_configuration_names_a_sigmoid_gives_probabilities_that_do_not_saturate(tmp_path):
    folder = tiny.cross_encoder(tmp_path, activation="torch.nn.modules.activation.Sigmoid")
    found = score(open_model(folder), TEXTS[:3])
    logits = np.array(plain_logits(folder, "harbour light", TEXTS[:3]))
    assert found.score_kind == "probability"
    assert found.scores == pytest.approx(list(1 / (1 + np.exp(-logits))), rel=1e-3)
    assert len(set(found.scores)) == len(set(logits.tolist()))


def test_a_model_whose_configuration_names_the_identity_gives_logits(tmp_path):
    folder = tiny.cross_encoder(tmp_path, activation="torch.nn.modules.linear.Identity")
    assert score(open_model(folder), TEXTS[:2]).score_kind == "logit"


def test_a_cross_encoder_saved_by_sentence_transformers_is_recognised(cross_encoder, tmp_path):
    from sentence_transformers import CrossEncoder

    CrossEncoder(str(cross_encoder), activation_fn=torch.nn.Identity()).save_pretrained(str(tmp_path))
    model = open_model(tmp_path)
    assert model.answers == {Score}
    assert score(model).scores == score(open_model(cross_encoder)).scores


def test_a_classifier_with_several_classes_is_refused(tmp_path):
    error = refused(tiny.cross_encoder(tmp_path, labels=3))
    assert error.code == "cannot-answer"
    assert "3 classes" in error.message


def test_the_tokens_that_were_read_are_counted(cross_encoder):
    found = score(open_model(cross_encoder), ["light", LONG])
    assert found.receipt.input_tokens == 6 + 32
    assert found.receipt.cost_usd == 0.0
    assert found.receipt.model == f"hf:{cross_encoder}"


# Bi-encoders


def test_vectors_are_those_of_the_library_with_length_1_and_the_models_prompts(bi_encoder):
    from sentence_transformers import SentenceTransformer

    model, library = open_model(bi_encoder), SentenceTransformer(str(bi_encoder), device="cpu")
    assert model.answers == {Embed, EmbedTokens}
    for role, encode in (("query", library.encode_query), ("document", library.encode_document)):
        found = embed(model, TEXTS, role)
        expected = encode(list(TEXTS), normalize_embeddings=True)
        assert np.allclose(np.stack(found.vectors), expected, atol=1e-5)
        assert {vector.dtype for vector in found.vectors} == {np.dtype(np.float32)}
    assert not np.allclose(embed(model, ["light"], "query").vectors, embed(model, ["light"], "document").vectors)


def test_a_prompt_counts_when_a_text_is_marked_cut(bi_encoder):
    fits = " ".join(["light"] * 14)  # with [CLS] and [SEP]: 16 tokens; the query prompt is one more
    model = open_model(bi_encoder)
    assert embed(model, [fits, f"{fits} light"], "document").cut == (False, True)
    assert embed(model, [fits], "query").cut == (True,)


def test_the_token_vectors_of_a_bi_encoder_leave_control_tokens_out_and_say_what_they_are(bi_encoder):
    found = embed_tokens(open_model(bi_encoder), ["harbour light", "", "water a7"])
    assert found.fallback
    assert found.tokens == (("harbour", "light"), (), ("water", "a", "##7"))
    assert [vectors.shape for vectors in found.vectors] == [(2, 32), (0, 32), (3, 32)]
    for vectors in found.vectors:
        assert np.allclose(np.linalg.norm(vectors, axis=1), 1, atol=1e-6)


# Late interaction


def test_the_token_vectors_of_a_late_interaction_model_are_those_it_scores_with(late):
    from sentence_transformers import MultiVectorEncoder

    model, library = open_model(late), MultiVectorEncoder(str(late), device="cpu")
    assert model.answers == {EmbedTokens}
    for role, encode in (("query", library.encode_query), ("document", library.encode_document)):
        found = embed_tokens(model, TEXTS, role)
        assert not found.fallback
        for vectors, tokens, expected in zip(
            found.vectors, found.tokens, encode(list(TEXTS), convert_to_numpy=True), strict=True
        ):
            assert np.allclose(vectors, expected, atol=1e-5)
            assert len(tokens) == len(vectors)
    assert embed_tokens(model, TEXTS).cut == tuple(text == LONG for text in TEXTS)


# Language models


def test_a_language_model_is_recognised_and_answers(tmp_path):
    model = open_model(tiny.language_model(tmp_path))
    assert model.answers == {Generate, Choose, Likelihood, Attend}
    asked = Choose(model="m", task="x", messages=(Message("user", "light?"),), choices=("yes", "no"))
    assert all(value < 0 for value in asyncio.run(model.answer(asked)).logprobs)


# Which model it is


def test_opening_a_folder_and_listing_load_no_heavy_library(cross_encoder):
    code = (
        "import sys\n"
        "from reranking.providers import huggingface\n"
        "from reranking.providers.settings import Settings\n"
        f"model = huggingface.open_model('hf', {str(cross_encoder)!r}, Settings())\n"
        "huggingface.listing(Settings())\n"
        "assert model.answers and model.fingerprint\n"
        "print([name for name in ('torch', 'transformers', 'sentence_transformers') if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_a_folder_whose_content_changes_is_another_model(cross_encoder, tmp_path):
    folder = shutil.copytree(cross_encoder, tmp_path / "copy")
    before = open_model(folder)
    assert open_model(folder) is before
    assert before.fingerprint == open_model(cross_encoder).fingerprint
    tiny.edit_json(folder / "config.json", note="changed")
    after = open_model(folder)
    assert after is not before
    assert after.fingerprint != before.fingerprint


def test_a_folder_without_a_model_says_what_is_missing(tmp_path):
    assert refused(tmp_path / "absent").code == "unknown-model"
    error = refused(tmp_path)
    assert (error.code, "config.json" in error.message) == ("unknown-model", True)


@pytest.mark.parametrize(
    ("file", "content"),
    [
        ("config.json", {"architectures": ["T5ForConditionalGeneration"]}),
        ("config_sentence_transformers.json", {"model_type": "SparseEncoder"}),
    ],
)
def test_a_model_that_cannot_rerank_is_refused(tmp_path, file, content):
    (tmp_path / "config.json").write_text('{"architectures": ["BertForMaskedLM"]}')
    (tmp_path / file).write_text(json.dumps(content))
    assert refused(tmp_path).code == "cannot-answer"


def test_weights_that_are_broken_are_a_plain_error(cross_encoder, tmp_path):
    folder = shutil.copytree(cross_encoder, tmp_path / "copy")
    (folder / "model.safetensors").write_bytes(b"not weights")
    with pytest.raises(ModelError) as caught:
        score(open_model(folder))
    assert caught.value.code == "internal"
    assert "cannot be loaded" in caught.value.message


# The model hub


def test_a_downloaded_model_is_known_by_its_commit_without_loading_it(cache, cross_encoder):
    tiny.hub_cache(cache, "example/reranker", cross_encoder, COMMIT)
    model = open_model("example/reranker")
    assert model.answers == {Score}
    assert model.fingerprint == f"example/reranker@{COMMIT}"
    assert score(model).scores == score(open_model(cross_encoder)).scores
    rows = {row.name: row for row in huggingface.listing(Settings())}
    assert rows["hf:example/reranker"].available
    assert rows["hf:example/reranker"].answers == ("score",)


def test_a_download_that_broke_off_is_not_taken_for_a_model(cache, cross_encoder):
    tiny.hub_cache(cache, "example/reranker", cross_encoder, COMMIT)
    (cache / "models--example--reranker" / "snapshots" / COMMIT / "model.safetensors").unlink()
    assert hub.cached("example/reranker") is None
    assert "hf:example/reranker" not in {row.name for row in huggingface.listing(Settings())}


def test_without_a_connection_an_absent_model_says_what_to_do(cache):
    model = open_model("example/absent")
    assert model.answers == huggingface.serves()  # it may be any of them
    assert model.fingerprint is None
    with pytest.raises(ModelError) as caught:
        score(model)
    assert caught.value.code == "connection"
    assert caught.value.message == (
        "Cannot download example/absent: no connection to the model hub. "
        "Connect once, or download it elsewhere and give its folder as hf:/path."
    )


def test_where_downloads_are_forbidden_an_absent_model_says_so(cache, monkeypatch):
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
    with pytest.raises(ModelError) as caught:
        score(open_model("example/absent"))
    assert caught.value.code == "not-installed"
    assert "HF_HUB_OFFLINE" in caught.value.message


def test_a_name_that_the_hub_cannot_have_is_unknown(cache):
    with pytest.raises(ModelError) as caught:
        score(open_model("not a name/at/all"))
    assert caught.value.code == "unknown-model"


def test_a_model_that_is_downloaded_at_its_first_answer_is_then_known(cache, late, monkeypatch):
    fetched = []

    def fetch(repository):
        fetched.append(repository)
        return late

    monkeypatch.setattr(hub, "fetch", fetch)
    model = open_model("example/late")
    with pytest.raises(ModelError) as caught:
        score(model)
    assert caught.value.code == "cannot-answer"
    assert model.answers == {EmbedTokens}
    assert model.fingerprint == f"example/late@{hub.revision(late)}"
    assert not embed_tokens(model).fallback
    assert fetched == ["example/late"]


def test_suggested_models_say_that_they_are_not_here_yet(cache):
    for row in huggingface.listing(Settings()):
        assert not row.available
        assert "downloaded" in row.reason
