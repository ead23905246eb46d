"""Webhooks: signed or nothing, and whatever they hold, a subject or nothing."""

import hashlib
import hmac
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from github_webhooks import read_examples
from vtspec.pipelines.errors import Refused
from vtspec.pipelines.forge.webhook import Subject, WebhookSecrets, find_subject

Payload = dict[str, Any]

# https://docs.github.com/en/webhooks/using-webhooks/validating-webhook-deliveries
SECRET, BODY = "It's a Secret to Everybody", b"Hello, World!"
SIGNATURE = "sha256=757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17"


def _sign(body: bytes, secret: str = SECRET) -> str:
    return f"sha256={hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()}"


EXAMPLES = st.deferred(lambda: st.sampled_from(read_examples()))


def _find(event: str, payload: object, own_login: str = "") -> Subject | None:
    return find_subject({"X-GitHub-Event": event}, json.dumps(payload).encode(), own_login)


def test_githubs_own_example_is_signed() -> None:
    assert WebhookSecrets([SECRET]).has_signed({"X-Hub-Signature-256": SIGNATURE}, BODY)


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"X-Hub-Signature-256": ""},
        {"X-Hub-Signature": "sha1=" + "0" * 40},
        {"X-Hub-Signature": SIGNATURE},
        {"X-Hub-Signature-256": SIGNATURE.removeprefix("sha256=")},
        {"X-Hub-Signature-256": SIGNATURE.replace("sha256", "sha512")},
        {"X-Hub-Signature-256": SIGNATURE.upper()},
        {"X-Hub-Signature-256": "sha256=" + SIGNATURE[7:].upper()},
        {"X-Hub-Signature-256": SIGNATURE[:-1]},
        {"X-Hub-Signature-256": SIGNATURE + "0"},
        {"X-Hub-Signature-256": f" {SIGNATURE}"},
        {"X-Hub-Signature-256": f"{SIGNATURE},{SIGNATURE}"},
        {"X-Hub-Signature-256": SIGNATURE, "x-hub-signature-256": "sha256=" + "0" * 64},
        {"X-Hub-Signature-256": "sha256=é"},
        {"X-Hub-Signature-256": "\ud800"},
    ],
)
def test_what_is_not_signed_so_is_not_signed(headers: dict[str, str]) -> None:
    assert not WebhookSecrets([SECRET]).has_signed(headers, BODY)


@pytest.mark.parametrize("body", [b"", b"Hello, World", b"Hello, World!\n", b"hello, world!"])
def test_a_signature_is_of_the_bytes_that_came(body: bytes) -> None:
    assert not WebhookSecrets([SECRET]).has_signed({"x-hub-signature-256": SIGNATURE}, body)


@given(st.binary(max_size=200), st.text(max_size=80), st.text(min_size=1, max_size=20))
def test_no_signature_that_is_made_up_is_taken(body: bytes, told: str, other: str) -> None:
    secrets = WebhookSecrets([SECRET])
    assert not secrets.has_signed({"X-Hub-Signature-256": told}, body)
    if other != SECRET:
        assert not secrets.has_signed({"X-Hub-Signature-256": _sign(body, other)}, body)
    assert secrets.has_signed({"X-Hub-Signature-256": _sign(body)}, body)


def test_two_secrets_are_taken_while_one_is_replaced() -> None:
    for secrets in (["old", "new"], ["new", "old"]):
        checked = WebhookSecrets(secrets)
        for secret in secrets:
            assert checked.has_signed({"X-Hub-Signature-256": _sign(BODY, secret)}, BODY)
    after = WebhookSecrets(["new"])
    assert not after.has_signed({"X-Hub-Signature-256": _sign(BODY, "old")}, BODY)


@pytest.mark.parametrize("secrets", [[], [""], ["  \n"], ["sound", ""]])
def test_a_secret_that_is_empty_is_refused(secrets: list[str]) -> None:
    with pytest.raises(Refused, match="openssl rand"):
        WebhookSecrets(secrets)


def test_several_secrets_in_one_file_are_refused() -> None:
    with pytest.raises(Refused, match="--webhook-secret-file for each"):
        WebhookSecrets(["the old one\nthe new one"])


def test_every_payload_that_github_sends_is_understood_or_left_alone() -> None:
    examples = read_examples()
    found = [(event, _find(event, payload)) for event, payload in examples]
    assert len(examples) == 329
    about = {event for event, subject in found if subject is not None}
    # None of its comments is on a pull request.
    assert about == {"pull_request", "pull_request_review", "push", "check_run", "check_suite"}
    for (event, payload), (_, subject) in zip(examples, found, strict=True):
        if event in ("pull_request", "pull_request_review"):
            assert subject == Subject(
                repository_id=str(payload["repository"]["id"]),
                repository=payload["repository"]["full_name"],
                number=payload["pull_request"]["number"],
            )


@given(EXAMPLES, st.data())
def test_a_payload_with_anything_in_any_place_never_raises(
    example: tuple[str, Payload], data: st.DataObject
) -> None:
    event, payload = example
    spoiled = json.loads(json.dumps(payload))
    at: Any = spoiled
    for _ in range(data.draw(st.integers(1, 3))):
        keys = list(at) if isinstance(at, dict) else list(range(len(at)))
        if not keys:
            break
        key = data.draw(st.sampled_from(keys))
        if isinstance(at[key], dict | list) and data.draw(st.booleans()):
            at = at[key]
        else:
            at[key] = data.draw(_ANYTHING)
            break
    _check_subject(_find(event, spoiled))


_ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=5,
)
_NAMES = st.sampled_from(["repository", "pull_request", "issue", "sender", "ref", "action", "id"])


@given(
    st.sampled_from(["pull_request", "issue_comment", "push", "check_run", "", "ping"]),
    st.recursive(
        _ANYTHING, lambda inner: st.dictionaries(_NAMES, inner, max_size=4), max_leaves=8
    ),
)
def test_anything_that_is_json_never_raises(event: str, payload: object) -> None:
    _check_subject(_find(event, payload))


@given(st.binary(max_size=300))
def test_anything_that_is_bytes_never_raises(body: bytes) -> None:
    _check_subject(find_subject({"X-GitHub-Event": "pull_request"}, body))


def _check_subject(found: Subject | None) -> None:
    if found is not None:
        assert found.repository_id.isdecimal()
        assert found.repository.count("/") == 1
        assert found.number is None or found.number > 0


@pytest.mark.parametrize(
    "body",
    [
        b"[" * 100_000,
        b'{"a":' * 100_000,
        b'{"repository": {"id": ' + b"9" * 5_000 + b"}}",
        b'{"repository": NaN}',
        b'{"repository": {"id": 1e400, "full_name": "a/b"}}',
        b'"\\ud800"',
        b'{"\\ud800": {"id": 1}}',
        b"\xff\xfe",
        b"null",
        b"",
        b"payload=%7B%7D",
    ],
    ids=range(11),
)
def test_a_body_that_breaks_readers_is_left_alone(body: bytes) -> None:
    assert find_subject({"X-GitHub-Event": "pull_request"}, body) is None


def a_payload(**changes: object) -> Payload:
    repository = {"id": 5, "full_name": "acme/vision", "default_branch": "main"}
    return {"repository": repository, "sender": {"login": "ana"}, **changes}


ALL = Subject(repository_id="5", repository="acme/vision", number=None)
SEVENTH = Subject(repository_id="5", repository="acme/vision", number=7)


def test_a_comment_on_an_issue_is_nothing_to_look_at() -> None:
    issue: Payload = {"number": 7}
    assert _find("issue_comment", a_payload(issue=issue)) is None
    assert _find("issue_comment", a_payload(issue={**issue, "pull_request": None})) is None
    assert _find("issue_comment", a_payload(issue={**issue, "pull_request": {}})) == SEVENTH


def test_our_own_comment_is_nothing_to_look_at() -> None:
    payload = a_payload(issue={"number": 7, "pull_request": {}})
    assert _find("issue_comment", payload, own_login="ana") is None
    assert _find("issue_comment", payload, own_login="vtspec[bot]") == SEVENTH


def test_our_own_pull_request_is_looked_at() -> None:
    payload = a_payload(pull_request={"number": 7}, action="opened")
    assert _find("pull_request", payload, own_login="ana") == SEVENTH


def test_a_push_to_the_default_branch_concerns_all() -> None:
    assert _find("push", a_payload(ref="refs/heads/main")) == ALL
    assert _find("push", a_payload(ref="refs/heads/train")) is None
    assert _find("push", a_payload(ref="refs/tags/main")) is None


def test_a_check_that_is_asked_for_again_concerns_all() -> None:
    assert _find("check_suite", a_payload(action="rerequested")) == ALL
    assert _find("check_run", a_payload(action="completed")) is None


@pytest.mark.parametrize(
    ("event", "action"),
    [
        ("pull_request", "synchronize"),
        ("pull_request", "synchronized"),
        ("pull_request_review", "submitted"),
        ("pull_request_approved", "reviewed"),
        ("pull_request_rejected", "reviewed"),
        ("pull_request_comment", "reviewed"),
    ],
)
def test_events_of_both_forges_are_of_their_pull_request(event: str, action: str) -> None:
    payload = a_payload(pull_request={"number": 7}, action=action)
    assert _find(event, payload) == SEVENTH


@pytest.mark.parametrize("number", [0, -1, True, "7", 7.0, None, [7], 2**63])
def test_a_number_that_is_none_is_left_alone(number: object) -> None:
    assert _find("pull_request", a_payload(pull_request={"number": number})) is None


@pytest.mark.parametrize("name", ["", "vision", "a/b/c", "a/b\n", "--upload-pack=x/y z", 5, None])
def test_a_repository_that_is_none_is_left_alone(name: object) -> None:
    payload = a_payload(pull_request={"number": 7})
    payload["repository"]["full_name"] = name
    assert _find("pull_request", payload) is None
