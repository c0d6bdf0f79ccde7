"""Tiny models with random weights, written as folders that the libraries load: fast, and as real as large ones."""

from __future__ import annotations

import json
from pathlib import Path

from tests.support import FILLER

WORDS = [*FILLER, "light", "water", "stone"]

CHAT_TEMPLATE = (
    "{% for message in messages %}{{ '<|im_start|>' + message['role'] + '\n' + message['content'] + '<|im_end|>\n' }}"
    "{% endfor %}{% if add_generation_prompt %}{{ '<|im_start|>assistant\n' }}{% endif %}"
)

NO_SYSTEM_TEMPLATE = "{% if messages[0]['role'] == 'system' %}{{ raise_exception('no system turn') }}{% endif %}" + (
    CHAT_TEMPLATE
)


def cross_encoder(folder: Path, *, labels: int = 1, activation: str | None = None, longest: int = 32) -> Path:
    """A BERT cross-encoder that reads `longest` tokens; `activation` is what its configuration names."""
    import torch
    from transformers import BertForSequenceClassification

    torch.manual_seed(1)
    config = _bert_config(num_labels=labels)
    if activation is not None:
        config.sentence_transformers = {"activation_fn": activation}
    model = BertForSequenceClassification(config)
    model.classifier.weight.data.mul_(8)  # scores far enough apart to be compared
    model.save_pretrained(folder)
    _word_tokenizer(folder, longest)
    return folder


def bi_encoder(folder: Path, *, longest: int = 16, prompts: dict[str, str] | None = None) -> Path:
    """A BERT bi-encoder with mean pooling that reads `longest` tokens."""
    from sentence_transformers import SentenceTransformer
    from sentence_transformers.base.modules import Transformer
    from sentence_transformers.sentence_transformer.modules import Pooling

    body = Transformer(str(_bert(folder / "body", longest)))
    model = SentenceTransformer(modules=[body, Pooling(32)], device="cpu", prompts=prompts)
    model.save(str(folder / "model"))
    return folder / "model"


def late_interaction(folder: Path, *, longest: int = 16) -> Path:
    """A BERT late-interaction model with vectors of 128 numbers."""
    import torch
    from sentence_transformers import MultiVectorEncoder

    torch.manual_seed(3)
    model = MultiVectorEncoder(str(_bert(folder / "body", longest)), device="cpu")
    model.save(str(folder / "model"))
    return folder / "model"


def language_model(folder: Path, *, template: str | None = CHAT_TEMPLATE, window: int | None = None) -> Path:
    """A language model with a byte-level tokenizer; with `window`, its attention slides over so many tokens."""
    import torch
    from transformers import LlamaConfig, LlamaForCausalLM, MistralConfig, MistralForCausalLM

    tokenizer = _byte_tokenizer()
    tokenizer.chat_template = template
    tokenizer.save_pretrained(folder)
    torch.manual_seed(2)
    sizes = {
        "vocab_size": len(tokenizer), "hidden_size": 32, "intermediate_size": 48, "num_hidden_layers": 2,
        "num_attention_heads": 4, "num_key_value_heads": 2, "max_position_embeddings": 512,
        "bos_token_id": None, "eos_token_id": tokenizer.eos_token_id, "initializer_range": 0.3,
    }  # fmt: skip
    if window is None:
        model = LlamaForCausalLM(LlamaConfig(**sizes))
    else:
        model = MistralForCausalLM(MistralConfig(**sizes, sliding_window=window))
    model.save_pretrained(folder)
    return folder


def hub_cache(root: Path, repository: str, model: Path, commit: str) -> None:
    """Put the files of `model` into a cache of the model hub, as a download of `commit` leaves them."""
    home = root / f"models--{repository.replace('/', '--')}"
    (home / "refs").mkdir(parents=True)
    (home / "refs" / "main").write_text(commit)
    snapshot = home / "snapshots" / commit
    snapshot.mkdir(parents=True)
    for file in model.iterdir():
        if file.is_file():
            (snapshot / file.name).write_bytes(file.read_bytes())


def edit_json(path: Path, **values: object) -> None:
    """Set `values` in a JSON file."""
    path.write_text(json.dumps({**json.loads(path.read_text()), **values}))


def _bert(folder: Path, longest: int) -> Path:
    import torch
    from transformers import BertModel

    torch.manual_seed(1)
    BertModel(_bert_config()).save_pretrained(folder)
    _word_tokenizer(folder, longest)
    return folder


def _bert_config(**options):
    from transformers import BertConfig

    return BertConfig(
        vocab_size=len(_vocabulary()), hidden_size=32, num_hidden_layers=2, num_attention_heads=4,
        intermediate_size=48, max_position_embeddings=64, initializer_range=0.4, **options,
    )  # fmt: skip


def _vocabulary() -> dict[str, int]:
    letters = "abcdefghijklmnopqrstuvwxyz0123456789?.,"
    tokens = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", *WORDS, *letters, *(f"##{letter}" for letter in letters)]
    return {token: at for at, token in enumerate(tokens)}


def _word_tokenizer(folder: Path, longest: int) -> None:
    from transformers import BertTokenizer

    BertTokenizer(vocab=_vocabulary(), model_max_length=longest).save_pretrained(folder)


def _byte_tokenizer():
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers
    from transformers import PreTrainedTokenizerFast

    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=400,
        special_tokens=["<|im_start|>", "<|im_end|>"],
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
    )
    tokenizer.train_from_iterator([" ".join(WORDS), "yes no Yes No\n\nsystem user assistant"] * 3, trainer)
    return PreTrainedTokenizerFast(tokenizer_object=tokenizer, eos_token="<|im_end|>", bos_token="<|im_start|>")
