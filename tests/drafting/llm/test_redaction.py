"""What must not leave, and what is made harmless before a person sees it."""

import pytest

from vtspec.pipelines.drafting.llm.bounded_data import Unbounded, copy_plain
from vtspec.pipelines.drafting.llm.safe_text import is_phishing, sanitize_text
from vtspec.pipelines.redaction import Redactor, make_redactor

NOTHING = Redactor()


def test_secrets_of_the_environment_are_found_by_their_names() -> None:
    hidden = make_redactor(
        {
            "MY_API_KEY": "abc-123-def",
            "DB": "postgres://me:pass-word-9@host/db",
            "HEADERS": "Authorization: Bearer part-of-it-77",
            "EDITOR": "vim-9-point-1",
            "GIT_AUTHOR_NAME": "Jane Doe 2nd",
            "TOKEN_STYLE": "plain",
            "A_TOKEN": "training",
            "B_TOKEN": "12345678",
            "C_TOKEN": "correct-horse-battery",
        }
    )
    assert hidden.secrets == {
        "abc-123-def",
        "pass-word-9",
        "Authorization: Bearer part-of-it-77",
        "part-of-it-77",
        "correct-horse-battery",
    }
    assert "abc" not in repr(hidden)


def test_secrets_are_taken_out_of_texts_keys_and_lists() -> None:
    hidden = Redactor(secrets=frozenset({"s3cret-one", "s3cret-one-longer"}))
    assert hidden.redact_data({"a s3cret-one": ["s3cret-one-longer!", 1, None, True]}) == {
        "a [hidden]": ["[hidden]!", 1, None, True]
    }


@pytest.mark.parametrize(
    "text",
    [
        "sk-ant-api03-AbCdEf0123456789",
        "AIzaSyA-0123456789abcdefghijklmnopqrstu",
        "ghp_0123456789abcdefghijABCDEF",
        "github_pat_0123456789abcdefghij_ABCDEF",
        "hf_abcdefghijklmnopqrstuvwx",
        "AKIAIOSFODNN7EXAMPLE",
        "xoxb-123456789012-abc",
        "eyJhbGciOiJIUzI1.eyJzdWIiOiIxMjM0.c2lnbmF0dXJl",
        "-----BEGIN RSA PRIVATE KEY-----\nabc\n-----END RSA PRIVATE KEY-----",
        "-----BEGIN PRIVATE KEY----- cut off",
    ],
)
def test_what_looks_like_a_credential_is_hidden(text: str) -> None:
    assert NOTHING.redact_text(f"it is {text}") == "it is [hidden]"


@pytest.mark.parametrize(
    "text", ["multi-task-classification-v2-large", "sk-learn-digits-baseline-1", "hf-hub:a/b@main"]
)
def test_names_of_specs_are_not_taken_for_credentials(text: str) -> None:
    assert NOTHING.redact_text(text) == text


def test_places_of_this_machine_are_hidden_where_they_are_places() -> None:
    hidden = Redactor(places=frozenset({"/root", "/root/work"}))
    assert hidden.redact_text(
        "/root/work/specs is below /root, data/root and /rooted are not"
    ) == ("./specs is below ., data/root and /rooted are not")


@pytest.mark.parametrize(
    ("said", "shown"),
    [
        ("Which one?", "Which one?"),
        ("  두 번째\n데이터셋은? ", "두 번째 데이터셋은?"),
        ("![a](https://e.example/x.png) Which?", "a Which?"),
        ("see [this](javascript:alert(1)) now", "see this) now"),
        ("see [here][1] [1]: http://e.example", "see here 1"),
        ("go to https://e.example/a?b=c now", "go to now"),
        ("go to www.e.example now", "go to now"),
        ("go to e.example/login now", "go to now"),
        ("write to me@e.example now", "write to now"),
        ("<img src=x onerror=y>Which?", "Which?"),
        ("a &lt;b&#62; c", "a b c"),
        ("accuracy >= 0.9 and loss < 1", "accuracy >= 0.9 and loss < 1"),
        ("@admin approve", "admin approve"),
        ("weights@main", "weights@main"),
        ("timm/resnet50 or google/vit-base", "timm/resnet50 or google/vit-base"),
        ("/approve now", "approve now"),
        ("> # - quoted", "quoted"),
        ("{{workflow.name}} x", "workflow.name x"),
        ("loss<best, a <script src=", "loss< best, a < script src="),
        ("is it data/v1.0/birds?", "is it data/v1.0/birds?"),
        ("\x1b[31mred\x1b[0m \x1b]8;;http://e.example\x07link\x07", "red link"),
        ("a\u202eb\u200bc\u2066d", "abcd"),
        ("a\u2028b\x00c", "a b c"),
        ("\ud800x", "x"),
        (None, ""),
        (["a"], ""),
        ("x" * 50, "x" * 19 + "…"),
    ],
)
def test_text_is_made_harmless(said: object, shown: str) -> None:
    assert sanitize_text(said, 300 if shown[-1:] != "…" else 20, NOTHING) == shown


SECRET = "s3cret-0123456789-abcdef"
NO_WIDTH = "\u200b"


@pytest.mark.parametrize("before", [*range(530, 565, 5), 4_000, 100_000])
@pytest.mark.parametrize("filler", [NO_WIDTH, "\u2060", "\ufeff", "\x1b[0m", " ", "<b>", "x "])
def test_no_part_of_a_secret_is_left_where_a_text_is_cut(before: int, filler: str) -> None:
    hidden = Redactor(secrets=frozenset({SECRET}))
    shown = sanitize_text(filler * (before // len(filler)) + SECRET, 20, hidden)
    assert SECRET[:5] not in shown


@pytest.mark.parametrize(
    "typed",
    [
        NO_WIDTH.join(SECRET),
        f"{SECRET[:9]}\u00ad\u2063{SECRET[9:]}",
        f"{SECRET[:9]}\x1b[31m{SECRET[9:]}",
        f"{SECRET[:9]}[](http://a.example){SECRET[9:]}",
        f"[{SECRET[:9]}](x){SECRET[9:]}",
    ],
)
def test_a_secret_is_known_with_something_in_the_middle_of_it(typed: str) -> None:
    hidden = Redactor(secrets=frozenset({SECRET}))
    shown = sanitize_text(f"is it {typed}?", 100, hidden)
    assert SECRET not in shown
    assert not ({SECRET[:9], SECRET[9:]} <= set(shown.split("[hidden]"))), shown


@pytest.mark.parametrize(
    "typed", [NO_WIDTH.join(SECRET), NO_WIDTH.join("hf_0123456789abcdefghijkl")]
)
def test_what_is_sent_hides_a_secret_that_is_parted_by_nothing(typed: str) -> None:
    hidden = Redactor(secrets=frozenset({SECRET}))
    assert hidden.redact_data({"words": [f"use {typed}"]}) == {"words": ["use [hidden]"]}


def test_characters_without_a_width_stay_where_they_hide_nothing() -> None:
    flag = "family \U0001f468\u200d\U0001f469"
    assert Redactor(secrets=frozenset({SECRET})).redact_text(flag) == flag


@pytest.mark.parametrize(
    "text",
    [
        "Paste your API key",
        "what is your api_key?",
        "your password?",
        "비밀번호가 무엇인가요?",
        "API 키를 알려 주세요",
        "enter the token you got",
        "please log in",
        "run curl x",
    ],
)
def test_phishing_is_seen(text: str) -> None:
    assert is_phishing(text)


@pytest.mark.parametrize(
    "text",
    [
        "How many tokens long?",
        "Which dataset?",
        "키포인트 데이터셋인가요?",
        "max tokens",
        "the catalog in timm",
    ],
)
def test_ordinary_questions_are_no_phishing(text: str) -> None:
    assert not is_phishing(text)


def test_plain_data_is_copied() -> None:
    data = {"a": (1, 2.5, True, None, "x"), 3: {"b": []}}
    assert copy_plain(data) == {"a": [1, 2.5, True, None, "x"], "3": {"b": []}}


@pytest.mark.parametrize(
    ("data", "why"),
    [
        ([0] * 4_000, "more than 3,000 values"),
        ("x" * 5_000, "more than 4,000 characters"),
        ({"x" * 5_000: 1}, "more than 4,000 characters"),
        (2**64, "more than 64 bits"),
        (float("inf"), "not finite"),
        (b"x", "type bytes"),
        (eval("[" * 13 + "]" * 13), "nested more than 12 deep"),
    ],
)
def test_data_beyond_any_spec_is_refused(data: object, why: str) -> None:
    with pytest.raises(Unbounded, match=why):
        copy_plain(data)
