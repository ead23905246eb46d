"""A spec's text is changed where its data changes, and nowhere else."""

from typing import Any

import pytest
import yaml
from hypothesis import example, given
from hypothesis import strategies as st

from vtspec.schema.edit import edit_text
from vtspec.schema.yaml_source.document import parse_document

SPEC = """\
# What it is.
kind: Dataset   # of ours
spec:
  # Nobody knows who took them.
  description: "cats"

  classes: [cat, dog]   # in this order
  tasks:
    - a   # first
    - b
  contentHash: 'md5:1'  # as DVC has it
  statistics:
    images: 4   # counted
    splits:
      train: {images: 3, perClass: {cat: 1, dog: 2}}  # most
      val:
        images: 1
        perClass:
          cat: 1  # Tom
          # not Rex
          dog: 0
  # the end
"""


def edited(text: str, **changes: Any) -> str:
    """The text with values at dotted paths (`__` for a dot) set, or removed where they are ...."""
    data = parse_document(text, "").data
    for path, value in changes.items():
        *folders, last = path.split("__")
        place = data
        for folder in folders:
            place = place[folder]
        if value is ...:
            del place[last]
        else:
            place[last] = value
    made = edit_text(text, data)
    assert parse_document(made, "").data == data
    return made


@pytest.mark.parametrize(
    ("path", "value", "old", "new"),
    [
        ("spec__contentHash", "md5:2", "'md5:1'", '"md5:2"'),
        ("spec__statistics__images", 40, "images: 4 ", "images: 40 "),
        ("spec__statistics__splits__train__images", 30, "images: 3,", "images: 30,"),
        ("spec__statistics__splits__val__perClass__cat", 9, "cat: 1  # Tom", "cat: 9  # Tom"),
        (
            "spec__statistics__splits__val__perClass__elk",
            9,
            "dog: 0\n",
            "dog: 0\n          elk: 9\n",
        ),
        ("spec__statistics__splits__val__perClass__cat", ..., "          cat: 1  # Tom\n", ""),
        ("spec__classes", ["cat", "a: b"], "[cat, dog]", '[cat, "a: b"]'),
        ("spec__tasks", ["a", "c"], "- a   # first\n    - b", "- a\n    - c"),
        ("spec__description", None, '"cats"', "null"),
        ("spec__statistics", ..., SPEC[SPEC.index("  statistics") : SPEC.index("  # the")], ""),
        ("spec__splits", {"a": {"b": 1}}, "  # the", "  splits:\n    a:\n      b: 1\n  # the"),
        (
            "spec__statistics__splits__train__perClass",
            {"cat": 1, "elk": 2},
            "{cat: 1, dog: 2}",
            "{cat: 1, elk: 2}",
        ),
    ],
)
def test_only_what_changes_is_written_anew(path: str, value: Any, old: str, new: str) -> None:
    assert SPEC.count(old) == 1
    assert edited(SPEC, **{path: value}) == SPEC.replace(old, new)


def test_what_does_not_change_stays_letter_by_letter() -> None:
    assert edited(SPEC) == SPEC


@pytest.mark.parametrize("ending", ["", "\n", "   # no line behind it", "\r\n"])
def test_the_last_line_may_end_as_it_likes(ending: str) -> None:
    assert edited(f"a: 1{ending}", b=2).startswith(f"a: 1{ending}")
    assert edited(f"a: 1\nb: 2{ending}", b=...) == "a: 1\n"


def test_a_text_in_lines_of_its_own_is_replaced_and_followed() -> None:
    text = "a: |\n  one\n  two\nb: 1\n"
    assert edited(text, a="three") == "a: three\nb: 1\n"
    assert edited("b: 1\na: >\n  one\n", c=2) == "b: 1\na: >\n  one\nc: 2\n"
    assert edited("a:\nb: 1\n", a=1) == "a: 1\nb: 1\n"


@pytest.mark.parametrize("changes", [{"c": {"d": 1}}, {"b": ["y", "z"]}, {"a": 2}])
def test_line_breaks_are_written_as_the_text_has_them(changes: dict[str, Any]) -> None:
    made = edited("a: 1\r\nb:\r\n- x\r\n", **changes)
    assert made.count("\n") == made.count("\r\n") >= 3


_SCALARS = st.one_of(
    st.integers(-9, 9), st.booleans(), st.none(), st.text("ab: #-'x,{", max_size=4)
)
_KEYS = st.sampled_from(["a", "b", "c d", "e"])
_DATA = st.dictionaries(
    _KEYS,
    st.recursive(
        _SCALARS,
        lambda inner: st.lists(inner, max_size=3) | st.dictionaries(_KEYS, inner, max_size=3),
        max_leaves=8,
    ),
    min_size=1,
    max_size=4,
)


@example(
    before={"a": 0},
    after={"b": [{"a": False, "b": None, "c d": 0}, {"a": None, "c d": {"a": 0, "b": {"a": []}}}]},
    flow=False,
)
@given(before=_DATA, after=_DATA, flow=st.sampled_from([True, False, None]))
def test_whatever_the_text_and_the_change_it_holds_what_it_should(
    before: dict[str, Any], after: dict[str, Any], flow: bool | None
) -> None:
    text = yaml.safe_dump(before, default_flow_style=flow, sort_keys=False)
    if parse_document(text, "").data != before:
        return
    assert parse_document(edit_text(text, after), "").data == after
