"""The commit that a model on the hub is at: asked, remembered in the cache, or not known."""

import json
import socket
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from typing import Any

import pytest

from loopback import Answer, FakeServer, body_of, json_of, raw_of, running
from vtspec.pipelines.errors import Permanent, Temporary
from vtspec.pipelines.weights.hub import Hub, HubModel, make_hub

COMMIT = "0123456789abcdef0123456789abcdef01234567"

MODEL = "timm/resnet18.a1_in1k"


@pytest.fixture
def fake() -> Iterator[FakeServer]:
    with running() as found:
        found.answer = json_of({"sha": COMMIT})
        yield found


def hub(fake: FakeServer, tmp_path: Path, **changes: Any) -> Hub:
    known: dict[str, Any] = {"endpoint": fake.endpoint, "cache": tmp_path, "timeout_s": 5.0}
    return Hub(**{**known, **changes})


def remember(cache: Path, commit: str = COMMIT, revision: str = "main") -> None:
    refs = cache / "models--timm--resnet18.a1_in1k" / "refs"
    refs.mkdir(parents=True, exist_ok=True)
    (refs / revision).write_text(commit)


def test_the_hub_says_the_commit_and_the_licence(fake: FakeServer, tmp_path: Path) -> None:
    fake.answer = json_of({"sha": COMMIT, "cardData": {"license": "Apache-2.0"}})
    assert hub(fake, tmp_path).resolve_revision(MODEL) == HubModel(
        id=MODEL, revision=COMMIT, licence="apache-2.0"
    )
    assert fake.asked == ["/api/models/timm/resnet18.a1_in1k"]
    assert fake.tokens == [None]


@pytest.mark.parametrize(
    ("told", "licence"),
    [
        ({"tags": ["timm", "license:mit"]}, "mit"),
        ({"tags": ["timm", 3], "cardData": {"license": 3}}, None),
        ({"tags": "license:mit", "cardData": None}, None),
        ({}, None),
    ],
)
def test_a_licence_may_stand_among_the_tags_or_nowhere(
    fake: FakeServer, tmp_path: Path, told: dict[str, Any], licence: str | None
) -> None:
    fake.answer = json_of({"sha": COMMIT, **told})
    assert hub(fake, tmp_path).resolve_revision(MODEL).licence == licence


def test_a_branch_is_asked_for_and_a_commit_is_not(fake: FakeServer, tmp_path: Path) -> None:
    assert hub(fake, tmp_path).resolve_revision(MODEL, "refs/pr/1").revision == COMMIT
    assert fake.asked == ["/api/models/timm/resnet18.a1_in1k/revision/refs%2Fpr%2F1"]
    other = "f" * 40
    assert hub(fake, tmp_path).resolve_revision(MODEL, other).revision == other
    assert len(fake.asked) == 1


@pytest.mark.parametrize("status", [401, 403, 404])
def test_a_model_that_is_not_there_is_final_even_with_a_cache(
    fake: FakeServer, tmp_path: Path, status: int
) -> None:
    remember(tmp_path)
    fake.answer = json_of({"error": "no"}, status)
    with pytest.raises(Permanent, match=f"HTTP {status}") as caught:
        hub(fake, tmp_path).resolve_revision(MODEL)
    assert caught.value.fix is not None and "HF_TOKEN" in caught.value.fix


def test_another_refusal_is_final(fake: FakeServer, tmp_path: Path) -> None:
    fake.answer = json_of({}, 400)
    with pytest.raises(Permanent, match="HTTP 400"):
        hub(fake, tmp_path).resolve_revision(MODEL)


MALFORMED: dict[str, Answer] = {
    "500": json_of({}, 500),
    "503": body_of(b"busy", 503),
    "429": json_of({}, 429),
    "no json": body_of(b"<html>"),
    "deep json": body_of(b"[" * 200_000),
    "no object": json_of([COMMIT]),
    "no commit": json_of({"id": MODEL}),
    "bad commit": json_of({"sha": "../../etc/passwd"}),
    "number": json_of({"sha": 7}),
    "empty": body_of(b""),
    "huge": body_of(b" " * (9 * 2**20)),
    "nonsense": raw_of(b"\x00\x01 nonsense\r\n\r\n"),
    "hang up": lambda request: request.connection.shutdown(socket.SHUT_RDWR),
}


@pytest.mark.parametrize("name", sorted(MALFORMED))
def test_without_a_sound_answer_the_cache_knows_and_says_so(
    fake: FakeServer, tmp_path: Path, name: str
) -> None:
    fake.answer = MALFORMED[name]
    with pytest.raises(Temporary) as caught:
        hub(fake, tmp_path).resolve_revision(MODEL)
    assert caught.value.fix == f"try again, or set model.weights: hf-hub:{MODEL}@<commit>"
    remember(tmp_path)
    assert hub(fake, tmp_path).resolve_revision(MODEL) == HubModel(
        id=MODEL, revision=COMMIT, from_cache=True
    )


def test_a_slow_hub_is_given_up(fake: FakeServer, tmp_path: Path) -> None:
    done = threading.Event()

    def answer(request: BaseHTTPRequestHandler) -> None:
        done.wait(20)

    fake.answer = answer
    try:
        with pytest.raises(Temporary, match="did not answer"):
            hub(fake, tmp_path, timeout_s=0.2).resolve_revision(MODEL)
    finally:
        done.set()


def test_an_answer_that_drips_is_given_up_after_the_whole_time(
    fake: FakeServer, tmp_path: Path
) -> None:
    ticks = iter(range(0, 1000, 3))
    fake.answer = body_of(b" " * 100 + json.dumps({"sha": COMMIT}).encode())
    with pytest.raises(Temporary, match="too slow"):
        hub(fake, tmp_path, clock=lambda: 10.0 * next(ticks)).resolve_revision(MODEL)


def test_nobody_there_is_temporary(tmp_path: Path) -> None:
    nobody = Hub(endpoint="http://127.0.0.1:9", cache=tmp_path, timeout_s=1)
    with pytest.raises(Temporary, match="did not answer"):
        nobody.resolve_revision(MODEL)


def test_offline_only_the_cache_is_asked(fake: FakeServer, tmp_path: Path) -> None:
    away = hub(fake, tmp_path, offline=True)
    with pytest.raises(Temporary, match="HF_HUB_OFFLINE is set"):
        away.resolve_revision(MODEL)
    remember(tmp_path)
    assert away.resolve_revision(MODEL).from_cache
    assert fake.asked == []


@pytest.mark.parametrize("commit", ["", "main", "../x", "0" * 39])
def test_a_damaged_cache_is_no_answer(fake: FakeServer, tmp_path: Path, commit: str) -> None:
    remember(tmp_path, commit)
    with pytest.raises(Temporary):
        hub(fake, tmp_path, offline=True).resolve_revision(MODEL)


def test_a_token_is_sent_to_the_hub_alone_and_never_shown(
    fake: FakeServer, tmp_path: Path
) -> None:
    with running() as elsewhere:
        elsewhere.answer = json_of({"sha": COMMIT})

        def moved(request: BaseHTTPRequestHandler) -> None:
            request.send_response(307)
            request.send_header("Location", elsewhere.endpoint + request.path)
            request.end_headers()

        fake.answer = moved
        asked = hub(fake, tmp_path, token="hf_secret")
        assert asked.resolve_revision(MODEL).revision == COMMIT
        assert (fake.tokens, elsewhere.tokens) == (["Bearer hf_secret"], [None])
        assert "hf_secret" not in repr(asked)


def test_the_environment_says_where_hub_and_cache_are() -> None:
    found = make_hub(
        {"HF_ENDPOINT": "http://mirror", "HF_HOME": "/hf", "HF_HUB_OFFLINE": "1", "HF_TOKEN": "t"}
    )
    assert (found.endpoint, found.cache, found.offline, found.token) == (
        "http://mirror",
        Path("/hf/hub"),
        True,
        "t",
    )
    bare = make_hub({"XDG_CACHE_HOME": "/c"})
    assert (bare.endpoint, bare.cache, bare.offline, bare.token) == (
        "https://huggingface.co",
        Path("/c/huggingface/hub"),
        False,
        None,
    )
    assert make_hub({"HF_HUB_CACHE": "/x"}).cache == Path("/x")
