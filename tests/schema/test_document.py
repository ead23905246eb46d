"""Bytes into plain data: the rules of YAML 1.2 core, what is refused, and where things stand."""

from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from vtspec.schema.yaml_source.decoding import UNPRINTABLE
from vtspec.schema.yaml_source.document import (
    LOADER,
    Document,
    find_value,
    format_path,
    parse_document,
)

PURE = yaml.SafeLoader


def messages(document: Document) -> list[tuple[int, int, str]]:
    return [(one.line, one.column, one.message) for one in document.problems]


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        ("1e-3", 1e-3),
        ("1.5E+3", 1500.0),
        (".5", 0.5),
        ("5.", 5.0),
        ("0o17", 15),
        ("0x1F", 31),
        ("007", 7),
        ("-12", -12),
        ("+3", 3),
        ("true", True),
        ("False", False),
        ("~", None),
        ("Null", None),
        ("", None),
        ("no", "no"),
        ("yes", "yes"),
        ("on", "on"),
        ("y", "y"),
        ("12:30:00", "12:30:00"),
        ("1_000", "1_000"),
        ("2026-11-21", "2026-11-21"),
        ("0b11", "0b11"),
        ("-0x1F", "-0x1F"),
        ("TrUe", "TrUe"),
        ("'5'", "5"),
        ('"null"', "null"),
        ("=", "="),
    ],
)
@pytest.mark.parametrize("loader", [LOADER, PURE])
def test_plain_scalars_are_read_as_yaml_1_2_core(written: str, expected: Any, loader: Any) -> None:
    value = parse_document(f"a: {written}\n", "f", loader=loader).data["a"]
    assert (type(value), value) == (type(expected), expected)


@pytest.mark.parametrize(
    ("text", "line", "column", "message"),
    [
        ("a: &x 1", 1, 4, "'&x' is an anchor, and anchors are not read"),
        ("a: 1\nb: *a", 2, 4, "'*a' is an alias, and aliases are not read"),
        ("a: !!str 1", 1, 4, "'!!str' is a tag, and tags are not read"),
        ("a: !python/x [1]", 1, 4, "'!python/x' is a tag, and tags are not read"),
        ("a: 1\nb: 2\na: 3", 3, 1, "'a' stands here a second time; it is in line 1"),
        ("a: {b: 1, b: 2}", 1, 11, "'b' stands here a second time; it is in line 1"),
        ("1: a", 1, 1, "a key must be text"),
        ("? [a]\n: b", 1, 3, "a key must be text"),
        ("null: b", 1, 1, "a key must be text"),
        ("%YAML 1.2\n---\na: 1", 1, 1, "a '%' directive is not read"),
        ("a: 1\n---\nb: 2", 2, 1, "a second document starts here; a file holds one spec"),
        ("a: .inf", 1, 4, "must be a finite number"),
        ("a: -.INF", 1, 4, "must be a finite number"),
        ("a: .NaN", 1, 4, "must be a finite number"),
        ("a: 1e999", 1, 4, "is too large for a number"),
        ("a: " + "9" * 5000, 1, 4, "a number may have at most 100 characters"),
        ("a: 0x" + "f" * 500, 1, 4, "a number may have at most 100 characters"),
        ('a: "\\0"', 1, 4, "an escape stands for a character that is not allowed in a spec"),
        ('"\\e": 1', 1, 1, "an escape stands for a character that is not allowed in a spec"),
        ("a: x\x07y", 1, 5, "character U+0007 is not allowed in a spec"),
        ("a: 1\r\nb: \u202e", 2, 4, "character U+202E is not allowed in a spec"),
        ("a: \u2028b", 1, 4, "character U+2028 is not allowed in a spec"),
    ],
)
@pytest.mark.parametrize("loader", [LOADER, PURE])
def test_what_the_rules_refuse_is_told_with_its_place(
    text: str, line: int, column: int, message: str, loader: Any
) -> None:
    assert messages(parse_document(text, "f", loader=loader)) == [(line, column, message)]


def test_every_refusal_of_a_file_is_told_and_the_rest_is_still_read() -> None:
    document = parse_document("a: &x 1\nb: *x\nc: !t 3\nd: 4\nd: 5\n", "f")
    assert [one.path for one in document.problems] == ["a", "b", "c", "d"]
    assert document.data == {"a": 1, "b": None, "c": None, "d": 4}
    assert document.unknown == {("b",), ("c",)}


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"a: \xff", "byte 0xff is not UTF-8"),
        (b"\xff\xfea\x00", "is UTF-16"),
        ("a: \ud800", "is half a surrogate pair, and no character"),
        (b"#" * (256 * 1024 + 1), "a spec may have at most 256 KiB"),
    ],
)
def test_what_is_no_text_is_refused_whole(data: bytes | str, message: str) -> None:
    document = parse_document(data, "f")
    assert document.broken
    assert document.data is None
    assert [one.message for one in document.problems] == [message]


def test_the_largest_document_is_read() -> None:
    text = "a: 1\n#".ljust(256 * 1024, "x")
    assert parse_document(text, "f").data == {"a": 1}


def test_a_byte_order_mark_at_the_start_is_no_part_of_the_first_key() -> None:
    document = parse_document(b"\xef\xbb\xbfa: 1\n", "f")
    assert document.data == {"a": 1}
    assert document.find_position(("a",)).key == (1, 1)


@pytest.mark.parametrize("loader", [LOADER, PURE])
@pytest.mark.parametrize("bomb", ["[" * 5000, "{a: " * 200, "- " * 500, "? " * 500])
def test_deep_nesting_is_refused_without_going_down(bomb: str, loader: Any) -> None:
    document = parse_document(bomb, "f", loader=loader)
    assert document.broken
    assert "is more than 32 levels deep" in [one.message for one in document.problems]


def test_thirty_two_levels_are_read() -> None:
    assert not parse_document("[" * 32 + "]" * 32, "f").problems
    assert parse_document("[" * 33 + "]" * 33, "f").problems


def test_a_merge_bomb_is_refused_and_never_followed() -> None:
    levels = "\n".join(
        f"m{n}: &m{n} {{<<: [{', '.join([f'*m{n - 1}'] * 9)}]}}" for n in range(1, 12)
    )
    document = parse_document(f"m0: &m0 {{a: 1}}\n{levels}\n", "f")
    assert all("anchor" in one.message or "alias" in one.message for one in document.problems)
    assert len(document.problems) == 12 + 11 * 9


@pytest.mark.parametrize("loader", [LOADER, PURE])
@pytest.mark.parametrize(
    "text", ["a: [1", "a: 'x", "a: b: c", "a:\n\t- b", "- a\nb: c", 'a: "\\q"', "@a", "a: %"]
)
def test_text_that_is_no_yaml_is_one_problem_with_a_place_and_a_fix(
    text: str, loader: Any
) -> None:
    document = parse_document(text, "f", loader=loader)
    (problem,) = document.problems
    assert problem.message.startswith("is not YAML: ")
    assert problem.fix
    assert document.broken


def test_an_escape_beyond_unicode_is_refused_by_the_pure_parser_too() -> None:
    assert parse_document('a: "\\UFFFFFFFF"', "f", loader=PURE).broken
    assert parse_document('a: "\\UFFFFFFFF"', "f").broken


@pytest.mark.parametrize("text", ["", "# only a comment\n", "---\n", "~"])
def test_an_empty_document_is_null(text: str) -> None:
    document = parse_document(text, "f")
    assert (document.data, document.problems, document.broken) == (None, (), False)


TEXT = "spec:\n  training:\n    epochs: 5\n  gates:\n  - a\n  - {b: 'ä', c: 1}\n"


@pytest.mark.parametrize(
    ("path", "key", "value"),
    [
        ((), None, (1, 1)),
        (("spec",), (1, 1), (2, 3)),
        (("spec", "training", "epochs"), (3, 5), (3, 13)),
        (("spec", "gates", 1), None, (6, 5)),
        (("spec", "gates", 1, "c"), (6, 14), (6, 17)),
        (("spec", "training", "absent"), (2, 3), (3, 5)),
        (("spec", "gates", 7), (4, 3), (5, 3)),
    ],
)
def test_a_path_has_the_place_of_its_key_and_value_or_of_what_is_above(
    path: tuple[str | int, ...], key: tuple[int, int] | None, value: tuple[int, int]
) -> None:
    place = parse_document(TEXT, "f").find_position(path)
    assert (place.key, place.value) == (key, value)


def test_of_a_key_that_stands_twice_the_first_place_counts() -> None:
    document = parse_document("a: 1\na: 2\n", "f")
    assert document.find_position(("a",)).value == (1, 4)
    assert document.data == {"a": 1}


def test_a_broken_document_has_the_place_of_its_start() -> None:
    assert parse_document("[", "f").find_position(("a",)).value == (1, 1)


def test_paths_are_shown_as_people_write_them() -> None:
    assert format_path(("spec", "gates", 0, "b")) == "spec.gates[0].b"


def test_the_value_at_a_path_that_leads_nowhere_is_none() -> None:
    data = {"a": [1]}
    assert find_value(data, ("a", 0)) == 1
    assert [find_value(data, path) for path in (("a", 1), ("a", "b"), ("b",), (0,))] == [None] * 4


json_values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(10**20), 10**20)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(
        st.characters(codec="utf-8", exclude_categories=["Cc", "Cf", "Zl", "Zp", "Co"])
    ).filter(lambda text: not UNPRINTABLE.search(text)),
    lambda inner: st.lists(inner) | st.dictionaries(st.text("abc", min_size=1), inner),
    max_leaves=20,
)


@given(json_values)
def test_json_is_read_as_it_is_written_by_both_parsers(value: Any) -> None:
    import json

    text = json.dumps(value, ensure_ascii=False)
    for loader in (LOADER, PURE):
        document = parse_document(text, "f", loader=loader)
        assert (document.problems, document.data) == ((), value)


@given(st.binary(max_size=200) | st.text(max_size=200))
def test_reading_never_raises_and_what_is_broken_says_why(source: bytes | str) -> None:
    document = parse_document(source, "f")
    assert document.data is None or not document.broken
    assert bool(document.problems) >= document.broken
    document.find_position(("a", 0))
