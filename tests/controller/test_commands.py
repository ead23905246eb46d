"""What a comment's first line asks for: a closed grammar, whatever somebody types."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hostile_text import CORPUS
from vtspec.pipelines.controller.commands import (
    LONGEST_LINE,
    USAGE,
    VERBS,
    AllowCommand,
    ApplyCommand,
    BadCommand,
    Command,
    HelpCommand,
    SpecCommand,
    parse_command,
)

WIDE = "\uff11\uff41\uff12\uff42\uff13\uff43\uff14"  # 1a2b3c4 in letters of full width
SHA = "0123456789abcdef0123456789abcdef01234567"

COMMANDS: list[tuple[str, Command]] = [
    ("/vtspec apply 1a2b3c4", ApplyCommand(digests=("1a2b3c4",))),
    ("/vtspec apply 1a2b3c4 5d6e7f8\nthank you", ApplyCommand(digests=("1a2b3c4", "5d6e7f8"))),
    ("/vtspec apply 1a2b3c4 1a2b3c4", ApplyCommand(digests=("1a2b3c4",))),
    ("/vtspec apply sha256:1a2b3c4d", ApplyCommand(digests=("1a2b3c4d",))),
    ("/vtspec  \tplan \r\nplease", SpecCommand(verb="plan", specs=())),
    ("/vtspec stop digits cats-2", SpecCommand(verb="stop", specs=("digits", "cats-2"))),
    ("/VTSpec Rerun digits", SpecCommand(verb="rerun", specs=("digits",))),
    ("/vtspec report", SpecCommand(verb="report", specs=())),
    (f"/vtspec allow {SHA}", AllowCommand(head_sha=SHA)),
    ("/vtspec help", HelpCommand()),
    ("/vtspec help apply", HelpCommand()),
]

BAD: list[tuple[str, BadCommand]] = [
    *(
        (line, BadCommand(fault="blank", word="/vtspec apply 1a2b3c4"))
        for line in (
            " /vtspec apply 1a2b3c4",
            "\ufeff/vtspec apply 1a2b3c4",
            "\u200b/vtspec apply 1a2b3c4",
            "\u3000/vtspec\u3000apply\u30001a2b3c4",
            "/vtspec\u00a0apply 1a2b3c4",
            "/vtspec\u200bapply 1a2b3c4",
            "/vtspec: apply 1a2b3c4",
        )
    ),
    ("/vtspec:help", BadCommand(fault="blank", word="/vtspec help")),
    ("/vtspec, is it?", BadCommand(fault="blank")),
    ("/vtspec", BadCommand(fault="no verb")),
    ("/vtspec\nthis", BadCommand(fault="no verb")),
    ("/vtspec aply 1a2b3c4", BadCommand(fault="verb", word="aply", nearest="apply")),
    ("/vtspec deploy-all-now", BadCommand(fault="verb", word="deploy-all-now")),
    ("/vtspec apply", BadCommand(fault="no digest", verb="apply")),
    ("/vtspec apply digits", BadCommand(fault="digest", word="digits", verb="apply")),
    ("/vtspec apply 1a2b3c", BadCommand(fault="digest", word="1a2b3c", verb="apply")),
    ("/vtspec apply 1A2B3C4", BadCommand(fault="digest", word="1A2B3C4", verb="apply")),
    ("/vtspec apply " + "a" * 65, BadCommand(fault="digest", word="a" * 65, verb="apply")),
    (
        "/vtspec apply --image=evil",
        BadCommand(fault="option", word="--image=evil", verb="apply"),
    ),
    ("/vtspec rerun -- digits", BadCommand(fault="option", word="--", verb="rerun")),
    ("/vtspec stop a;b", BadCommand(fault="spec", word="a;b", verb="stop")),
    ("/vtspec stop ../x.yaml", BadCommand(fault="spec", word="../x.yaml", verb="stop")),
    ("/vtspec plan " + "a" * 41, BadCommand(fault="spec", word="a" * 41, verb="plan")),
    ("/vtspec allow", BadCommand(fault="sha", verb="allow")),
    ("/vtspec allow main", BadCommand(fault="sha", word="main", verb="allow")),
    (f"/vtspec allow {SHA} x", BadCommand(fault="too many", word="x", verb="allow")),
    (
        f"/vtspec apply {WIDE}",
        BadCommand(fault="digest", word=WIDE, verb="apply"),
    ),
    ("/vtspec apply " + "1a2b3c4 " * 10_000, BadCommand(fault="too long")),
    ("/vtspec " + "a" * 65_536, BadCommand(fault="too long")),
]


@pytest.mark.parametrize(("body", "command"), COMMANDS)
def test_a_command_is_read_from_the_first_line(body: str, command: Command) -> None:
    assert parse_command(body) == command


@pytest.mark.parametrize(("body", "bad"), BAD)
def test_a_line_that_is_no_command_says_what_is_wrong_with_it(body: str, bad: BadCommand) -> None:
    assert parse_command(body) == bad


@pytest.mark.parametrize(
    "body",
    [
        "",
        "thanks\n/vtspec apply 1a2b3c4",
        "> /vtspec apply 1a2b3c4",
        "    /vtspec apply 1a2b3c4",
        "\t/vtspec apply 1a2b3c4",
        "/vtspec.yaml apply 1a2b3c4",
        "/vtspec/apply 1a2b3c4",
        "`/vtspec apply 1a2b3c4`",
        "/vtspecs apply 1a2b3c4",
        "see /vtspec help",
        "x" * 1_000_000,
    ],
)
def test_a_comment_that_does_not_begin_with_our_name_is_no_command(body: str) -> None:
    assert parse_command(body) is None


def test_every_verb_has_its_usage_and_is_read() -> None:
    assert tuple(USAGE) == VERBS
    for verb in VERBS:
        found = parse_command(f"/vtspec {verb}")
        assert found is not None
        assert not (isinstance(found, BadCommand) and found.fault == "verb"), verb


@given(st.text(max_size=200) | st.sampled_from(CORPUS))
def test_no_text_makes_reading_fail_and_words_have_their_form(text: str) -> None:
    for body in (text, f"/vtspec {text}", f"/vtspec apply {text}", f"/vtspec stop {text}"):
        match parse_command(body):
            case ApplyCommand(digests=digests):
                assert all(set(one) <= set("0123456789abcdef") for one in digests)
                assert all(7 <= len(one) <= 64 for one in digests)
            case SpecCommand(specs=specs):
                assert all(one.isascii() and len(one) <= 40 for one in specs)
            case BadCommand(word=word):
                assert len(word) <= LONGEST_LINE
            case AllowCommand() | HelpCommand() | None:
                pass
