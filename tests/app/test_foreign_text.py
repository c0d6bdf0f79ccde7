"""Text of files, models and messages is shown as it is, also where Streamlit would read Markdown."""

import json

from reranking.ui.notices import label
from tests.app.test_compare import entered, upload

IMAGE = "![x](http://127.0.0.1:9/pixel.png)"
MARKDOWN = ("markdown", "caption", "error", "warning", "info", "success", "title", "header", "subheader")


def markdown(tab):
    """Everything on the page that the browser reads as Markdown."""
    texts = [item.value for kind in MARKDOWN for item in tab.at.get(kind)]
    labels = [item.label for kind in ("button", "checkbox", "selectbox", "expander") for item in tab.at.get(kind)]
    return "\n".join(map(str, texts + labels))


def test_a_json_key_that_is_an_image_in_markdown_is_only_text(app):
    tab = app()
    upload(tab, "x.json", json.dumps({"query": "q", "documents": [{"text": "a"}], IMAGE: 1}).encode())
    assert any(IMAGE in sentence for sentence in tab.said())
    assert IMAGE not in markdown(tab)


def test_a_csv_header_that_is_an_image_in_markdown_is_only_text(app):
    tab = app()
    upload(tab, "x.csv", f'id,"{IMAGE}"\n1,one\n'.encode())
    assert any(IMAGE in sentence for sentence in tab.said("error"))
    assert IMAGE not in markdown(tab)


def test_the_name_of_an_unknown_strategy_and_of_a_model_are_only_text(app):
    tab = entered(app)
    shelf = tab.at.session_state["draft"].shelf
    shelf[0].spec = {"kind": IMAGE}
    shelf[2].spec["model"] = IMAGE
    tab.edit(shelf[1])
    tab.at.number_input(key=f"form-{shelf[1].key}-k1").set_value(3.0)
    tab.run()
    assert IMAGE not in markdown(tab)
    assert any(label("BM25") == item.label for item in tab.at.checkbox)
    assert "k1=3.0" in tab.html()
    tab.go("bias")
    assert IMAGE not in markdown(tab)


def test_a_label_escapes_every_markdown_character_and_leaves_letters_alone():
    assert label("a *b* [c](d) `e` $f$ <g> ~h~ _i_ \\ !") == (r"a \*b\* \[c\]\(d\) \`e\` \$f\$ \<g\> \~h\~ \_i\_ \\ \!")
    assert label("línea\nzwei 東京") == "línea zwei 東京"


def test_emoji_codes_icons_and_bare_addresses_in_a_label_are_broken_up():
    for text in (":smile:", ":material/home:", ":red[x]", "http://a.example", "me@a.example", "www.a.example"):
        assert text not in label(text).replace("\\", "")
        assert label(text).replace("\\", "").replace("\u2060", "") == text


def test_the_name_of_a_strategy_is_only_text_where_its_marks_are_chosen(app):
    tab = app()
    tab.write("query", "apple pie")
    tab.write("text", "apple pie with cinnamon\n\na clock\n\nmotor oil")
    tab.tick({"bm25"})
    next(entry for entry in tab.at.session_state["draft"].shelf if entry.on).label = IMAGE
    tab.run().compare()
    tab.at.query_params["doc"] = "0"
    tab.run()
    marks = next(group for group in tab.at.button_group if group.key == "marked-0")
    said = [option.content for option in marks.proto.options]
    assert any(option.startswith("score of") for option in said)
    assert not any(IMAGE in option for option in said)
