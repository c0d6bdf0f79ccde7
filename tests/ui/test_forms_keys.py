"""A key that was typed where a model's name belongs."""

import pytest

from reranking.strategies.pointwise import YesNo
from reranking.ui import forms


@pytest.fixture
def typed(monkeypatch):
    """The model that the form keeps, and what it says, when `name` is typed into its field."""

    def form(name):
        said = []
        monkeypatch.setattr(forms.state, "models", list)
        monkeypatch.setattr(forms.st, "selectbox", lambda *given, **options: name)
        monkeypatch.setattr(forms.notices, "notice", lambda kind, text: said.append(text))
        return forms._model("Model", "embedded:smollm2", "key", YesNo(model="embedded:smollm2")), said

    return form


@pytest.mark.parametrize("name", ["sk-proj-0123456789abcdef", "openai-compatible:x@https://box/v1?api_key=hidden"])
def test_it_is_not_kept_with_the_strategy_and_that_is_said(typed, name):
    kept, (said,) = typed(name)
    assert kept == "embedded:smollm2"
    assert "looks as if it held a key" in said
    assert name not in said


def test_any_other_name_is_kept(typed):
    assert typed("my-box:llama3:8b") == ("my-box:llama3:8b", [])
