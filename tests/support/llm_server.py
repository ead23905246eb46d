"""Providers of language models on loopback: four wire formats, answers as a script says.

A `Reply` is what the model does, whatever the format; `wire` puts it into a provider's. Requests
are held against what each provider is known to refuse, and refused with 400 as it would be.
"""

import json
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Literal

Dialect = Literal["google", "anthropic", "openai", "responses"]

DIALECTS: tuple[Dialect, ...] = ("google", "anthropic", "openai", "responses")

PATHS = {
    "google": "/v1beta/models/the-model:generateContent",
    "anthropic": "/v1/messages",
    "openai": "/v1/chat/completions",
    "responses": "/v1/responses",
}

AUTH = {
    "google": "x-goog-api-key",
    "anthropic": "x-api-key",
    "openai": "authorization",
    "responses": "authorization",
}


@dataclass(frozen=True, kw_only=True)
class Reply:
    """One answer of the model. `calls` are (tool, arguments); arguments that are a text go as
    they are where the format has a text there. `cut` says that its tokens ran out."""

    calls: Sequence[tuple[str, Any]] = ()
    text: str | None = None
    cut: bool = False
    tokens: int = 700


@dataclass(frozen=True, kw_only=True)
class Raw:
    """An answer as bytes. With `lack`, fewer bytes come than the header promises."""

    body: bytes = b""
    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)
    lack: int = 0


@dataclass(frozen=True, kw_only=True)
class Slow:
    """No answer until the server is taken down; or, with `drip`, a byte now and then."""

    drip: bool = False


Step = Reply | Raw | Slow


@dataclass(frozen=True, kw_only=True)
class Seen:
    """One request as it came."""

    path: str
    headers: Mapping[str, str]
    body: str

    @property
    def data(self) -> Any:
        return json.loads(self.body)


class LlmServer:
    """Answers each request with the next step of `script`; the last one is repeated."""

    def __init__(self, dialect: Dialect) -> None:
        self.dialect: Dialect = dialect
        self.model = "the-model"
        self.script: list[Step] = []
        self.seen: list[Seen] = []
        self.down = threading.Event()
        fake = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self) -> None:
                fake.answer(self)

            def log_message(self, format: str, *args: Any) -> None:
                pass

        self.http = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.root = f"http://127.0.0.1:{self.http.server_address[1]}"
        self.base_url = self.root + ("/v1" if dialect in ("openai", "responses") else "")

    def answer(self, request: BaseHTTPRequestHandler) -> None:
        body = request.rfile.read(int(request.headers["Content-Length"])).decode()
        headers = {name.lower(): value for name, value in request.headers.items()}
        self.seen.append(Seen(path=request.path, headers=headers, body=body))
        path = PATHS[self.dialect].replace("the-model", self.model)
        wrong = [] if request.path == path else [f"no such path: {request.path}"]
        wrong += COMPLAINTS[self.dialect](json.loads(body))
        if wrong:
            self._send(request, Raw(status=400, body=json.dumps({"error": wrong}).encode()))
            return
        step = self.script[min(len(self.seen), len(self.script)) - 1]
        if isinstance(step, Slow):
            self._dawdle(request, step)
            return
        sent = wire(self.dialect, step, len(self.seen)) if isinstance(step, Reply) else step
        self._send(request, sent)

    def _send(self, request: BaseHTTPRequestHandler, raw: Raw) -> None:
        request.send_response(raw.status)
        request.send_header("Content-Type", "application/json")
        request.send_header("Content-Length", str(len(raw.body) + raw.lack))
        for name, value in raw.headers.items():
            request.send_header(name, value)
        request.end_headers()
        request.wfile.write(raw.body)
        request.close_connection = bool(raw.lack)

    def _dawdle(self, request: BaseHTTPRequestHandler, step: Slow) -> None:
        request.close_connection = True
        if not step.drip:
            self.down.wait(20)
            return
        request.send_response(200)
        request.send_header("Content-Length", "10000")
        request.end_headers()
        for _ in range(400):
            try:
                request.wfile.write(b" ")
                request.wfile.flush()
            except OSError:
                return
            if self.down.wait(0.05):
                return


@contextmanager
def running(dialect: Dialect) -> Iterator[LlmServer]:
    fake = LlmServer(dialect)
    thread = threading.Thread(target=fake.http.serve_forever, args=(0.01,))
    thread.start()
    try:
        yield fake
    finally:
        fake.down.set()
        fake.http.shutdown()
        thread.join()
        fake.http.server_close()


def wire(dialect: Dialect, reply: Reply, turn: int) -> Raw:
    """The answer in a provider's format."""
    return Raw(body=json.dumps(_FORMATS[dialect](reply, turn)).encode())


def _google(reply: Reply, turn: int) -> dict[str, Any]:
    parts: list[dict[str, Any]] = [] if reply.text is None else [{"text": reply.text}]
    parts += [{"functionCall": {"name": name, "args": given}} for name, given in reply.calls]
    return {
        "candidates": [
            {
                "content": {"role": "model", "parts": parts},
                "finishReason": "MAX_TOKENS" if reply.cut else "STOP",
                "index": 0,
            }
        ],
        "usageMetadata": {
            "promptTokenCount": reply.tokens,
            "candidatesTokenCount": reply.tokens,
            "totalTokenCount": 2 * reply.tokens,
        },
        "modelVersion": "the-model",
    }


def _anthropic(reply: Reply, turn: int) -> dict[str, Any]:
    content: list[dict[str, Any]] = (
        [] if reply.text is None else [{"type": "text", "text": reply.text}]
    )
    content += [
        {"type": "tool_use", "id": f"toolu_{turn}_{at}", "name": name, "input": given}
        for at, (name, given) in enumerate(reply.calls)
    ]
    stop = "max_tokens" if reply.cut else "tool_use" if reply.calls else "end_turn"
    return {
        "id": f"msg_{turn}",
        "type": "message",
        "role": "assistant",
        "model": "the-model",
        "content": content,
        "stop_reason": stop,
        "stop_sequence": None,
        "usage": {"input_tokens": reply.tokens, "output_tokens": reply.tokens},
    }


def _openai(reply: Reply, turn: int) -> dict[str, Any]:
    message: dict[str, Any] = {"role": "assistant", "content": reply.text}
    if reply.calls:
        message["tool_calls"] = [
            {
                "id": f"call_{turn}_{at}",
                "type": "function",
                "function": {"name": name, "arguments": _text(given)},
            }
            for at, (name, given) in enumerate(reply.calls)
        ]
    ended = "length" if reply.cut else "tool_calls" if reply.calls else "stop"
    return {
        "id": f"chatcmpl-{turn}",
        "object": "chat.completion",
        "created": 1_790_000_000,
        "model": "the-model",
        "choices": [{"index": 0, "message": message, "finish_reason": ended}],
        "usage": {
            "prompt_tokens": reply.tokens,
            "completion_tokens": reply.tokens,
            "total_tokens": 2 * reply.tokens,
        },
    }


def _responses(reply: Reply, turn: int) -> dict[str, Any]:
    output: list[dict[str, Any]] = []
    if reply.text is not None:
        content = {"type": "output_text", "text": reply.text, "annotations": []}
        output.append(
            {
                "type": "message",
                "id": f"msg_{turn}",
                "role": "assistant",
                "status": "completed",
                "content": [content],
            }
        )
    output += [
        {
            "type": "function_call",
            "id": f"fc_{turn}_{at}",
            "call_id": f"call_{turn}_{at}",
            "name": name,
            "arguments": _text(given),
            "status": "completed",
        }
        for at, (name, given) in enumerate(reply.calls)
    ]
    return {
        "id": f"resp_{turn}",
        "object": "response",
        "created_at": 1_790_000_000,
        "status": "incomplete" if reply.cut else "completed",
        "incomplete_details": {"reason": "max_output_tokens"} if reply.cut else None,
        "error": None,
        "model": "the-model",
        "output": output,
        "parallel_tool_calls": True,
        "tool_choice": "auto",
        "tools": [],
        "usage": {
            "input_tokens": reply.tokens,
            "input_tokens_details": {"cached_tokens": 0},
            "output_tokens": reply.tokens,
            "output_tokens_details": {"reasoning_tokens": 0},
            "total_tokens": 2 * reply.tokens,
        },
    }


_FORMATS: Mapping[Dialect, Callable[[Reply, int], dict[str, Any]]] = {
    "google": _google,
    "anthropic": _anthropic,
    "openai": _openai,
    "responses": _responses,
}


def _text(given: Any) -> str:
    return given if isinstance(given, str) else json.dumps(given)


REFUSED_BY_GEMINI = frozenset(
    {"not", "if", "then", "allOf", "propertyNames", "patternProperties", "const", "uniqueItems"}
)


def _keywords(node: Any, *, names: bool = False) -> set[str]:
    """The keywords of a JSON Schema; `names` says that the keys are names of fields."""
    if isinstance(node, list):
        return set().union(*(_keywords(each) for each in node))
    if not isinstance(node, dict):
        return set()
    own = set() if names else set(node)
    return own.union(
        *(_keywords(item, names=key == "properties" and not names) for key, item in node.items())
    )


def _google_complaints(body: Any) -> list[str]:
    wrong = [] if body["contents"][0]["role"] == "user" else ["contents begin with a model"]
    for tool in body.get("tools", []):
        for declared in tool.get("functionDeclarations", []):
            schema = declared.get("parameters_json_schema")
            if schema is None:
                wrong.append(f"{declared['name']} has no parameters")
            wrong += sorted(REFUSED_BY_GEMINI & _keywords(schema))
    return wrong


def _anthropic_complaints(body: Any) -> list[str]:
    messages = body["messages"]
    roles = [each["role"] for each in messages]
    wrong = [] if roles[0] == "user" else ["messages begin with an assistant"]
    if "max_tokens" not in body:
        wrong.append("max_tokens is required")
    for at, message in enumerate(messages[:-1]):
        used = _blocks(message, "tool_use", "id")
        if used != (given := _blocks(messages[at + 1], "tool_result", "tool_use_id")):
            wrong.append(f"tool_use {used} was answered by {given}")
    return wrong


def _blocks(message: Any, kind: str, key: str) -> set[str]:
    content = message["content"]
    if isinstance(content, str):
        return set()
    return {block[key] for block in content if block["type"] == kind}


def _openai_complaints(body: Any) -> list[str]:
    asked, given = [], []
    for message in body["messages"]:
        asked += [call["id"] for call in message.get("tool_calls") or []]
        given += [message["tool_call_id"]] if message["role"] == "tool" else []
    wrong = [] if sorted(asked) == sorted(given) else [f"calls {asked}, answers {given}"]
    return wrong + _strict(each["function"] for each in body.get("tools", []))


def _responses_complaints(body: Any) -> list[str]:
    items = [each for each in body["input"] if "call_id" in each]
    asked = sorted(each["call_id"] for each in items if each["type"] == "function_call")
    given = sorted(each["call_id"] for each in items if each["type"] == "function_call_output")
    wrong = [] if asked == given else [f"calls {asked}, answers {given}"]
    if body.get("store") is not False:
        wrong.append("the conversation would be kept")
    return wrong + _strict(body.get("tools", []))


def _strict(functions: Any) -> list[str]:
    """Strict functions close every mapping; a free one such as `params` cannot be strict."""
    return [
        f"{each['name']} is strict and has a free mapping"
        for each in functions
        if each.get("strict") and '"additionalProperties": {' in json.dumps(each)
    ]


COMPLAINTS: Mapping[Dialect, Callable[[Any], list[str]]] = {
    "google": _google_complaints,
    "anthropic": _anthropic_complaints,
    "openai": _openai_complaints,
    "responses": _responses_complaints,
}
