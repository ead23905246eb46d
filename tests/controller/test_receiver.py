"""Every webhook is answered at once; only one that is signed says where to look."""

import hmac
import json
from collections.abc import Iterator

import httpx
import pytest
from fastapi.testclient import TestClient
from hypothesis import given
from hypothesis import strategies as st

from vtspec.pipelines.controller.receiver import has_command, make_receiver
from vtspec.pipelines.forge.webhook import LONGEST_BODY, Subject, WebhookSecrets

SECRET = "a secret of the webhook"
BODY = b'{"repository": {"id": 7, "full_name": "acme/vision"}, "pull_request": {"number": 3}}'

told: list[Subject] = []


@pytest.fixture(scope="module")
def client() -> Iterator[TestClient]:
    app = make_receiver(WebhookSecrets([SECRET, "the next one"]), told.append)
    with TestClient(app) as found:
        yield found


@pytest.fixture(autouse=True)
def fresh() -> None:
    told.clear()


def sign(body: bytes, secret: str = SECRET) -> str:
    return "sha256=" + hmac.digest(secret.encode(), body, "sha256").hex()


def deliver(client: TestClient, body: bytes, signature: str) -> int:
    headers = {"X-GitHub-Event": "pull_request", "X-Hub-Signature-256": signature}
    return int(client.post("/webhook", content=body, headers=headers).status_code)


@pytest.mark.parametrize("secret", [SECRET, "the next one"])
def test_a_signed_one_says_where_to_look(client: TestClient, secret: str) -> None:
    assert deliver(client, BODY, sign(BODY, secret)) == 202
    assert told == [Subject(repository_id="7", repository="acme/vision", number=3)]


@pytest.mark.parametrize("signature", ["", "sha256=", sign(b"other"), sign(BODY, "wrong"), "ü"])
def test_what_nobody_here_signed_says_nothing(client: TestClient, signature: str) -> None:
    headers = {"X-GitHub-Event": "pull_request", "X-Hub-Signature-256": signature.encode()}
    answer = client.post("/webhook", content=BODY, headers=headers)  # type: ignore[arg-type]
    assert answer.status_code == 401
    assert told == []


def test_a_body_is_read_up_to_a_limit(client: TestClient) -> None:
    body = b" " * LONGEST_BODY
    assert deliver(client, body, sign(body)) == 202
    assert deliver(client, body + b" ", sign(body + b" ")) == 413
    assert told == []


def test_two_signatures_are_none(client: TestClient) -> None:
    headers = [
        ("X-GitHub-Event", "pull_request"),
        ("X-Hub-Signature-256", sign(BODY)),
        ("X-Hub-Signature-256", sign(BODY)),
    ]
    answer = client.post("/webhook", content=BODY, headers=httpx.Headers(headers))
    assert answer.status_code in (400, 401)
    assert told == []


@given(body=st.binary(max_size=200), event=st.sampled_from(["pull_request", "push", "x"]))
def test_no_signed_body_is_too_much(client: TestClient, body: bytes, event: str) -> None:
    headers = {"X-GitHub-Event": event, "X-Hub-Signature-256": sign(body)}
    assert client.post("/webhook", content=body, headers=headers).status_code == 202


@pytest.mark.parametrize(
    ("action", "text", "is_told"),
    [
        ("created", "Looks good.", False),
        ("created", "/vtspec help", True),
        ("created", "/vtspec hlep", True),
        # Ours may have been changed or taken away.
        ("edited", "Looks good.", True),
        ("deleted", "Looks good.", True),
    ],
)
def test_talk_is_nothing_to_look_at(
    client: TestClient, action: str, text: str, is_told: bool
) -> None:
    payload = {
        "action": action,
        "repository": {"id": 7, "full_name": "acme/vision"},
        "issue": {"number": 3, "pull_request": {}},
        "comment": {"body": text},
    }
    body = json.dumps(payload).encode()
    headers = {"X-GitHub-Event": "issue_comment", "X-Hub-Signature-256": sign(body)}
    assert client.post("/webhook", content=body, headers=headers).status_code == 202
    assert [one.number for one in told] == ([3] if is_told else [])
    assert [has_command(one) for one in told] == ([action == "created"] if is_told else [])


def test_whoever_asks_hears_that_it_lives_and_nothing_else(client: TestClient) -> None:
    assert client.get("/healthz").text == "ok\n"
    for path in ("/docs", "/openapi.json", "/redoc", "/"):
        assert client.get(path).status_code == 404
