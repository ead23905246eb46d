"""JSON of strangers: what is sound is read as json reads it, and nothing twice or too deep."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vtspec.adapters.data.json_source import DEEPEST, parse_json

# With what may be taken for the marks of JSON itself.
TEXTS = st.text(alphabet=st.sampled_from('ab":\\[]{}, \n\té고'), max_size=6)
TREES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | TEXTS,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(TEXTS, inner, max_size=4),
    max_leaves=12,
)
SPACES = st.sampled_from([(",", ":"), (", ", ": "), (" ,\n", " :\t")])


@given(TREES, SPACES, st.booleans(), st.sampled_from([None, 1]))
def test_what_was_written_is_read(
    content: Any, spaces: tuple[str, str], ascii_only: bool, indent: int | None
) -> None:
    text = json.dumps(content, separators=spaces, ensure_ascii=ascii_only, indent=indent)
    assert parse_json(text) == content


@given(st.dictionaries(TEXTS, TREES, min_size=1, max_size=3), SPACES, st.booleans(), st.data())
def test_a_key_that_stands_twice_is_told_wherever_it_stands(
    content: dict[str, Any], spaces: tuple[str, str], ascii_only: bool, data: st.DataObject
) -> None:
    text = json.dumps(content, separators=spaces, ensure_ascii=ascii_only)
    key = json.dumps(data.draw(st.sampled_from(sorted(content))))
    value = json.dumps(data.draw(TREES), separators=spaces)
    blank = data.draw(st.sampled_from(["", " ", "\r\n"]))
    twice = f"[{{{key}{blank}:{value}{spaces[0]}{text[1:]}]"
    with pytest.raises(ValueError, match="more than once"):
        parse_json(twice)


@pytest.mark.parametrize("text", ['{"k" : 1, "k": 2}', '{"k":1,"k" :2}', '{"\\u006b":1,"k":2}'])
def test_blanks_and_escapes_hide_no_key(text: str) -> None:
    with pytest.raises(ValueError, match="the key 'k' more than once"):
        parse_json(text)


@pytest.mark.parametrize("left", ["[", '{"a":'])
def test_there_is_a_deepest_level(left: str) -> None:
    right, bare = ("]", "[]") if left == "[" else ("}", "{}")
    deep = left * (DEEPEST - 1) + bare + right * (DEEPEST - 1)
    assert parse_json(deep)
    for levels in (1, 100, 100_000):
        with pytest.raises(ValueError, match="nested deeper than 32"):
            parse_json(left * levels + deep + right * levels)
