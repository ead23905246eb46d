"""Where webhooks arrive: each is answered at once, and only says where to look."""

from collections.abc import Callable
from typing import TYPE_CHECKING, Final, Literal

from vtspec.pipelines.errors import refuse_import
from vtspec.pipelines.forge.webhook import (
    EVENT,
    LONGEST_BODY,
    SIGNATURE,
    Subject,
    WebhookSecrets,
    find_subject,
)

from .commands import parse_command
from .metrics import Metrics

if TYPE_CHECKING:
    from fastapi import FastAPI, Request

_OF_ONE: Final = (SIGNATURE, EVENT)

Outcome = Literal["taken", "nothing", "unsigned", "too_long", "malformed"]
"""What came of a webhook; `nothing` is one that says nowhere to look."""

_ANSWERS: Final[dict[Outcome, tuple[int, str]]] = {
    "taken": (202, ""),
    "nothing": (202, ""),
    "unsigned": (401, "not signed by a secret that is known here\n"),
    "too_long": (413, f"more than {LONGEST_BODY} bytes\n"),
    "malformed": (400, "one of each header\n"),
}


def make_receiver(
    secrets: WebhookSecrets,
    tell: Callable[[Subject], None],
    own_login: str = "",
    metrics: Metrics | None = None,
) -> "FastAPI":
    """An application that takes webhooks at `/webhook`, and says at `/healthz` that it lives.

    `tell` is called for each that says where to look, and has to return at once. Unsigned ones get
    401, too long ones 413, and every other one 202, whatever it holds.
    """
    try:
        from fastapi import FastAPI, Request, Response
    except ImportError as error:
        raise refuse_import(
            error,
            "fastapi",
            "webhooks are taken by the package fastapi",
            "pip install 'vtspec[controller]'",
        ) from error

    app = FastAPI(title="vtspec controller", docs_url=None, redoc_url=None, openapi_url=None)

    @app.get("/healthz")
    def answer_health() -> Response:
        return Response("ok\n", media_type="text/plain")

    async def receive(request: Request) -> Response:
        outcome = await _take(request, secrets, tell, own_login)
        if metrics is not None:
            metrics.count_webhook(outcome)
        status, words = _ANSWERS[outcome]
        return Response(words, status)

    app.add_api_route("/webhook", receive, methods=["POST"], response_model=None)
    return app


def has_command(subject: Subject) -> bool:
    """Whether it is about a comment that asks something of us."""
    return subject.comment is not None and parse_command(subject.comment) is not None


async def _take(
    request: "Request",
    secrets: WebhookSecrets,
    tell: Callable[[Subject], None],
    own_login: str,
) -> Outcome:
    if any(len(request.headers.getlist(name)) > 1 for name in _OF_ONE):
        # Two would be read otherwise by a proxy.
        return "malformed"
    body = await _read_body(request)
    if body is None:
        return "too_long"
    headers = dict(request.headers)
    if not secrets.has_signed(headers, body):
        return "unsigned"
    subject = find_subject(headers, body, own_login)
    # What people tell one another is nothing to look at.
    if subject is None or (subject.comment is not None and not has_command(subject)):
        return "nothing"
    tell(subject)
    return "taken"


async def _read_body(request: "Request") -> bytes | None:
    """The body; None, and not read to its end, where it is too long."""
    body = bytearray()
    async for part in request.stream():
        body += part
        if len(body) > LONGEST_BODY:
            return None
    return bytes(body)
