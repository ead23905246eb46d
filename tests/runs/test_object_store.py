"""What is told where a store cannot be asked: what is wrong, and what to export."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

from vtspec.pipelines.errors import Permanent, Refused, Temporary
from vtspec.pipelines.runs.object_store import ObjectStore, _Place

KEYS = {"AWS_ACCESS_KEY_ID": "key", "AWS_SECRET_ACCESS_KEY": "word"}


@contextmanager
def a_store_that_answers(status: int, body: str) -> Iterator[str]:
    """The address of a server that answers whatever it is asked with the same."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(status)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body.encode())

        def log_message(self, format: str, *args: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def told(environ: dict[str, str]) -> tuple[type[Exception], str, str]:
    """What is raised for a store of that environment, its message and its fix."""
    with pytest.raises((Permanent, Refused, Temporary)) as caught:
        ObjectStore("s3://acme/runs", environ).list_folders()
    assert len(str(caught.value).splitlines()) == 2
    return type(caught.value), caught.value.message, caught.value.fix or ""


def error(code: str, more: str = "") -> str:
    return f"<Error><Code>{code}</Code><Message>m</Message>{more}</Error>"


REGION = "<Region>eu-west-1</Region>"


@pytest.mark.parametrize(
    ("status", "body", "says", "fix"),
    [
        (404, error("NoSuchBucket"), "there is no such bucket at http://127", "AWS_ENDPOINT_URL="),
        (301, "", "another region", "export AWS_REGION=REGION, that of the bucket"),
        (301, error("PermanentRedirect"), "another region", "export AWS_REGION="),
        (
            400,
            error("AuthorizationHeaderMalformed", REGION),
            "another region",
            "export AWS_REGION=eu-west-1",
        ),
        (400, error("ExpiredToken"), "have run out", "export fresh ones"),
        (403, error("RequestTimeTooSkewed"), "the clock of this machine", "date -u"),
        (
            403,
            error("InvalidAccessKeyId"),
            "refuses these credentials (InvalidAccessKeyId)",
            "AWS_SECRET_ACCESS_KEY",
        ),
    ],
)
def test_what_no_second_try_mends_is_refused_with_what_to_export(
    monkeypatch: pytest.MonkeyPatch, status: int, body: str, says: str, fix: str
) -> None:
    with a_store_that_answers(status, body) as address:
        monkeypatch.setenv("AWS_ENDPOINT_URL", address)
        kind, message, told_fix = told({**KEYS, "AWS_ENDPOINT_URL": address})
    assert kind is Refused
    assert message.startswith("s3://acme/runs") and says in message
    assert fix in told_fix


@pytest.mark.parametrize(
    ("environ", "kind", "says", "fix"),
    [
        ({"AWS_ENDPOINT_URL": "minio:9000"}, Refused, "is no address: 'minio:9000'", "=https://"),
        ({"AWS_ENDPOINT_URL": "not one"}, Refused, "is no address", "=https://HOST:PORT"),
        (
            {"AWS_ENDPOINT_URL": "http://127.0.0.1:9", "AWS_SECRET_ACCESS_KEY": ""},
            Refused,
            "there is AWS_ACCESS_KEY_ID and no AWS_SECRET_ACCESS_KEY",
            "export AWS_SECRET_ACCESS_KEY=",
        ),
        (
            {"AWS_ENDPOINT_URL": "http://no-such-host.invalid:9000"},
            Temporary,
            "there is no host http://no-such-host.invalid:9000",
            "export AWS_ENDPOINT_URL=",
        ),
        (
            {"AWS_ENDPOINT_URL": "http://127.0.0.1:9"},
            Temporary,
            "nobody answers at http://127.0.0.1:9",
            "export AWS_ENDPOINT_URL=",
        ),
    ],
)
def test_an_address_that_leads_nowhere_is_told_with_the_variable_to_mend(
    environ: dict[str, str], kind: type[Exception], says: str, fix: str
) -> None:
    found, message, told_fix = told({**KEYS, **environ})
    assert found is kind
    assert says in message and fix in told_fix


def test_a_store_without_tls_is_told_as_such() -> None:
    with a_store_that_answers(200, "") as address:
        kind, message, fix = told({**KEYS, "AWS_ENDPOINT_URL": address.replace("http", "https")})
    assert (kind, "speaks no TLS" in message) == (Permanent, True)
    assert "with http:// in place of https://" in fix


def test_without_an_endpoint_it_is_said_that_amazon_was_asked() -> None:
    # What the library said of Amazon, which no test asks.
    words = f"status code: 403 Forbidden: {error('InvalidAccessKeyId')}"
    found = _Place("s3://acme/runs", KEYS).explain(words, is_refused=True)
    assert "Amazon was asked, since there is no AWS_ENDPOINT_URL" in found.message
    assert "export AWS_ENDPOINT_URL=" in (found.fix or "")
