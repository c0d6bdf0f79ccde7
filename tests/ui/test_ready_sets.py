"""Ready-made sets: filled with what can be used, and clear about what is missing."""

import pytest

from reranking.providers.settings import ModelInfo
from reranking.requests import Generate
from reranking.strategies.base import AsksModel
from reranking.strategies.catalogue import each, make
from reranking.ui.ready_sets import SIMULATED, chat_models, filled, ready_sets, with_model

ENCODER = ModelInfo("embedded:minilm", ("embed", "embed-tokens"), available=True)
SMALL = ModelInfo("embedded:smollm2", ("generate", "choose", "likelihood", "attend"), available=True)
CHAT = ModelInfo("openai:large", ("generate", "choose"), available=True)
OTHER = ModelInfo("anthropic:other", ("generate",), available=True)
NO_KEY = ModelInfo("openai:no-key", ("generate", "choose"), available=False, reason="no key")
CROSS = ModelInfo("hf:cross", ("score",), available=True)
ACTOR = ModelInfo("simulated:overlap", ("choose", "generate", "likelihood", "score"), available=True)
ALL = [ENCODER, SMALL, CHAT, OTHER, NO_KEY, ACTOR]
SETS = {one.name: one for one in ready_sets()}


def models(spec):
    return {part.model for part in each(make(spec)) if isinstance(part, AsksModel)}


@pytest.mark.parametrize("name", SETS)
@pytest.mark.parametrize("rows", [ALL, [ENCODER, SMALL, ACTOR], [ENCODER], [CHAT], []])
def test_every_strategy_of_a_filled_set_can_run_on_models_that_are_there(name, rows):
    found = filled(SETS[name], rows, chat_models(rows))
    usable = {row.name: set(row.answers) for row in rows if row.available}
    for spec in found.specs:
        for part in each(make(spec)):
            if isinstance(part, AsksModel):
                assert {kind.kind for kind in part.wants()} <= usable[part.model]
    assert found.specs or found.missing


def test_free_and_local_takes_only_local_models():
    found = filled(SETS["Free and local"], ALL, ["openai:large"])
    assert not found.missing
    assert set().union(*map(models, found.specs)) == {"embedded:minilm", "embedded:smollm2"}


def test_one_model_serves_all_llm_methods_and_what_it_cannot_serve_is_left_out_with_the_reason():
    found = filled(SETS["LLM methods on one model"], ALL, ["openai:large", "anthropic:other"])
    assert [spec["kind"] for spec in found.specs] == [
        "bm25", "grade", "grade-all", "pairwise-sort", "setwise", "listwise-window"
    ]  # fmt: skip
    assert set().union(*map(models, found.specs)) == {"openai:large"}
    less = filled(SETS["LLM methods on one model"], ALL, ["anthropic:other"])
    assert "pairwise-sort" not in [spec["kind"] for spec in less.specs]
    assert any("no model that answers choose" in said for said in less.missing)


def test_several_models_each_get_the_method_and_one_is_not_enough():
    found = filled(SETS["One method, several models"], ALL, ["openai:large", "anthropic:other"])
    assert [(spec["kind"], spec.get("model")) for spec in found.specs] == [
        ("bm25", None), ("listwise-window", "openai:large"), ("listwise-window", "anthropic:other")
    ]  # fmt: skip
    assert filled(SETS["One method, several models"], ALL, ["openai:large"]).specs == ()


def test_the_cascade_takes_the_best_encoder_that_is_there():
    def middle(rows):
        cascade = filled(SETS["Production cascade"], rows, ["openai:large"]).specs[-1]
        return cascade["stages"][1]["strategy"]

    assert (middle(ALL)["kind"], middle(ALL)["model"]) == ("dense", "embedded:minilm")
    assert (middle([*ALL, CROSS])["kind"], middle([*ALL, CROSS])["model"]) == ("cross-encoder", "hf:cross")


def test_chat_models_are_offered_with_the_weak_and_the_simulated_ones_last():
    assert chat_models(ALL) == ["openai:large", "anthropic:other", "embedded:smollm2", "simulated:overlap"]
    assert SIMULATED in chat_models(ALL)[-1]


def test_a_model_for_all_reaches_nested_llm_strategies_and_leaves_encoders_and_what_it_cannot_serve():
    cascade = make(
        {"kind": "cascade", "stages": [
            {"strategy": {"kind": "dense", "model": "embedded:minilm"}, "keep": 5},
            {"strategy": {"kind": "listwise", "model": "embedded:smollm2"}, "keep": 5},
            {"strategy": {"kind": "setwise", "model": "embedded:smollm2"}, "keep": 2},
        ]}
    ).spec()  # fmt: skip
    found = with_model(cascade, "anthropic:other", frozenset({Generate}))
    assert [stage["strategy"]["model"] for stage in found["stages"]] == [
        "embedded:minilm", "anthropic:other", "embedded:smollm2"
    ]  # fmt: skip
    assert with_model({"kind": "bm25"}, "anthropic:other", frozenset({Generate})) == make({"kind": "bm25"}).spec()
