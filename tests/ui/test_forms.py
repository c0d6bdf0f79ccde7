"""Forms come from the strategy classes: every strategy has one, and it gives the strategy back."""

import json

import pytest
from streamlit.testing.v1 import AppTest

from reranking.strategies.catalogue import make, strategies


def page(spec):
    import json as _json

    import streamlit as _st

    from reranking.ui import forms

    _st.json(_json.dumps(forms.strategy_form(_json.loads(spec), "form")))


def edited(spec, change=lambda at: None):
    at = AppTest.from_function(page, args=(json.dumps(spec),), default_timeout=20).run()
    change(at)
    at.run()
    assert not at.exception
    return make(json.loads(at.json[0].value))


@pytest.mark.parametrize("kind", list(strategies()))
def test_an_untouched_form_gives_the_same_strategy(kind):
    strategy = strategies()[kind]()
    assert edited(strategy.spec()) == make(strategy.spec())


def test_changed_values_reach_the_strategy():
    def change(at):
        at.number_input(key="form-k1").set_value(2.0)
        at.selectbox(key="form-tokens").set_value("spaces")

    strategy = edited({"kind": "bm25"}, change)
    assert (strategy.k1, strategy.tokens) == (2.0, "spaces")


def test_a_nested_strategy_can_be_changed_to_another_kind():
    strategy = edited(
        {"kind": "cascade"}, lambda at: at.selectbox(key="form-stages-0-1-strategy-kind").set_value("dense")
    )
    assert [stage.strategy.kind for stage in strategy.stages] == ["dense", "dense"]


def test_a_stage_can_be_added_and_removed():
    assert len(edited({"kind": "cascade"}, lambda at: at.button(key="form-stages-add").click()).stages) == 3
    assert len(edited({"kind": "cascade"}, lambda at: at.button(key="form-stages-0-1-remove").click()).stages) == 1


def test_a_model_that_is_not_in_the_list_is_kept():
    strategy = edited({"kind": "yes-no", "model": "openai-compatible:mine@http://127.0.0.1:9/v1"})
    assert strategy.model == "openai-compatible:mine@http://127.0.0.1:9/v1"


def test_bounds_come_from_the_strategy():
    at = AppTest.from_function(page, args=(json.dumps({"kind": "bm25"}),), default_timeout=20).run()
    box = at.number_input(key="form-b")
    assert (box.min, box.max) == (0.0, 1.0)


def test_removing_a_stage_removes_that_one_and_leaves_the_others():
    def editor(spec):
        import json as _json

        import streamlit as _st

        from reranking.strategies.catalogue import make as _make
        from reranking.ui import forms

        _st.session_state.setdefault("spec", _json.loads(spec))
        edited = _make(forms.strategy_form(_st.session_state.spec, "form")).spec()
        if edited != _st.session_state.spec:
            _st.session_state.spec = edited
            _st.rerun()

    stages = [{"strategy": {"kind": "bm25"}, "keep": 30}, {"strategy": {"kind": "input-order"}, "keep": 20}]
    spec = make({"kind": "cascade", "stages": stages}).spec()
    at = AppTest.from_function(editor, args=(json.dumps(spec),), default_timeout=20).run()

    def kept():
        assert not at.exception
        return [(stage["strategy"]["kind"], stage["keep"]) for stage in at.session_state["spec"]["stages"]]

    at.button(key="form-stages-add").click().run()
    assert kept() == [("bm25", 30), ("input-order", 20), ("input-order", 20)]
    at.number_input(key="form-stages-1-3-keep").set_value(5).run()
    at.button(key="form-stages-1-1-remove").click().run()
    assert kept() == [("input-order", 20), ("input-order", 5)]


def test_the_prompt_can_be_rewritten_and_taken_back():
    def rewrite(at):
        at.toggle(key="form-prompt-own").set_value(True).run()
        at.text_area(key="form-prompt-user").set_value("{{ query }}? {{ passage }}")

    strategy = edited({"kind": "yes-no"}, rewrite)
    assert strategy.prompt.user == "{{ query }}? {{ passage }}"
    assert strategy.prompt.system == strategies()["yes-no"]().template().system.strip()
    back = edited(strategy.spec(), lambda at: at.toggle(key="form-prompt-own").set_value(False))
    assert back.prompt is None


def test_switching_own_prompt_on_changes_nothing_until_something_is_written():
    strategy = edited({"kind": "yes-no"}, lambda at: at.toggle(key="form-prompt-own").set_value(True))
    assert strategy.prompt is None


def test_a_domain_is_chosen_by_name_or_written():
    strategy = edited({"kind": "yes-no"}, lambda at: at.selectbox(key="form-domain-name").set_value("legal"))
    assert strategy.domain.title == "Legal"

    def write(at):
        at.selectbox(key="form-domain-name").set_value("own").run()
        at.text_input(key="form-domain-title").set_value("Patents")
        at.text_area(key="form-domain-priorities").set_value("claims\n\n prior art ")

    written = edited({"kind": "yes-no"}, write)
    assert (written.domain.title, written.domain.priorities) == ("Patents", ("claims", "prior art"))
    assert edited(written.spec()) == written


def test_an_added_aspect_has_a_name_of_its_own():
    strategy = edited({"kind": "aspects"}, lambda at: at.button(key="form-aspects-add").click())
    names = [aspect.name for aspect in strategy.aspects]
    assert len(names) == 4
    assert len(set(names)) == 4


def optional():
    import json as _json

    import streamlit as _st
    from pydantic import BaseModel, Field

    from reranking.ui import forms

    class Kept(BaseModel):
        keep: int | None = Field(None, ge=1)
        share: float | None = Field(0.25, ge=0)

    held = _st.session_state.setdefault("held", {"keep": 5, "share": 0.25})
    owner = Kept(**held)
    held = {
        name: forms._field(name, info, getattr(owner, name), name, owner) for name, info in Kept.model_fields.items()
    }
    _st.session_state["held"] = held
    _st.json(_json.dumps(held))


def test_an_optional_number_can_be_taken_back_to_none_and_given_again():
    def held():
        assert not at.exception
        assert not at.warning
        return json.loads(at.json[0].value)

    at = AppTest.from_function(optional, default_timeout=20).run()
    assert held() == {"keep": 5, "share": 0.25}
    at.number_input(key="keep").set_value(None).run()
    at.number_input(key="share").set_value(None).run()
    at.run()
    assert held() == {"keep": None, "share": None}
    at.number_input(key="keep").set_value(3).run()
    assert held() == {"keep": 3, "share": None}


def test_the_entries_of_a_list_are_named_in_the_singular():
    at = AppTest.from_function(page, args=(json.dumps({"kind": "fusion"}),), default_timeout=20).run()
    said = [item.value for item in at.markdown]
    assert "**Strategy 1**" in said
    assert any(button.label == "Add strategy" for button in at.button)
