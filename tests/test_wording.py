"""Short texts for people."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reranking.wording import file_stem


@given(st.text())
def test_the_name_of_a_file_is_never_empty_hidden_or_split_into_folders(text):
    stem = file_stem(text)
    assert stem
    assert stem[0] not in ".-"
    assert set(stem).isdisjoint('<>:"/\\|?*\0\n. ')


@pytest.mark.parametrize("word", ["हिन्दी", "Größe", "日本語", "မြန်မာ", "e\u0301te\u0301"])
def test_the_name_of_a_file_leaves_words_of_every_script_whole(word):
    assert file_stem(f"{word}: {word}?") == f"{word}-{word}".lower()
