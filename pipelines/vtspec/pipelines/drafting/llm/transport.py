"""The one place that talks HTTP: to one address, with the key, a time limit and few retries.

The SDKs above know neither the key nor the network: they hand their requests to
`ProviderTransport`, which sends the headers that it knows, adds the key, and gives back an answer
that is whole, of a bounded size and JSON. What an SDK reads from the environment besides (other
credentials, own headers, tracing) stops here.
"""

import asyncio
import json
import re
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Final

import httpx2

from vtspec.pipelines.drafting.result import Data, Unavailable

from .providers import Provider
from .settings import Settings

Sleep = Callable[[float], Awaitable[None]]

DEEPEST: Final = 64
"""Levels of lists and mappings that an answer may have."""

BYTES_PER_TOKEN: Final = 3
"""Of English and JSON a token is about four bytes, of Korean two or three."""

_COUNTS: Final = (
    ("total_tokens",),
    ("totalTokenCount",),
    (
        "input_tokens",
        "cache_creation_input_tokens",
        "cache_read_input_tokens",
        "output_tokens",
    ),
)
"""Where OpenAI, Gemini and Anthropic say what was used."""

# What SDKs add besides tells of the machine (x-stainless-…), or is somebody's own header or
# organisation, taken from the environment.
_SENT: Final = frozenset(
    {"accept", "content-type", "anthropic-version", "anthropic-beta", "user-agent"}
)

_AUTH: Final = {"google": "x-goog-api-key", "anthropic": "x-api-key", "openai": "authorization"}


class ProviderTransport(httpx2.AsyncBaseTransport):
    """Sends what an SDK asks to the provider. `failure` is why an answer did not come, `tokens`
    what all requests and answers together have taken, and `is_spent` whether that was too much.

    Tokens are counted here, and not by pydantic-ai's limits: those would throw away the very
    answer that crosses the line, and can only warn where a server counts none.
    Raises `Unavailable`, which SDKs wrap in errors of their own: `failure` is what to look at.
    """

    def __init__(
        self, provider: Provider, settings: Settings, sleep: Sleep = asyncio.sleep
    ) -> None:
        self.failure: Unavailable | None = None
        self.tokens = 0
        self.is_spent = False
        self._provider = provider
        self._settings = settings
        self._sleep = sleep
        self._home = httpx2.URL(provider.base_url)
        # Proxies and certificates of the environment count; redirects do not: a key would follow.
        self._client = httpx2.AsyncClient(follow_redirects=False, timeout=settings.timeout_s)

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        """The provider's answer to an SDK's request."""
        try:
            return await self._send_with_retries(request)
        except Unavailable as error:
            self.failure = error
            raise

    async def aclose(self) -> None:
        """Close the connections."""
        await self._client.aclose()

    async def _send_with_retries(self, request: httpx2.Request) -> httpx2.Response:
        body = await request.aread()
        self._require_tokens()
        sent = self._build_request(request, body)
        attempt = 0
        while True:
            status, headers, answer = await self._send_once(sent)
            if status == 200:
                self.tokens += count_tokens(self._parse_body(answer), len(body) + len(answer))
                # The answer's own headers stay here: cookies, and an encoding that is undone.
                return httpx2.Response(
                    200, headers={"content-type": "application/json"}, content=answer
                )
            wait_s = _compute_wait_s(headers, attempt)
            is_last = attempt >= self._settings.retries
            # A person waits for this, and the grammar answers at once: no long wait is worth it.
            if not _is_transient(status) or is_last or wait_s > self._settings.longest_wait_s:
                raise self._make_error(status, answer, wait_s)
            await self._sleep(wait_s)
            attempt += 1

    def _build_request(self, request: httpx2.Request, body: bytes) -> httpx2.Request:
        """The request as it leaves: known headers, the key, nothing else."""
        url = request.url
        at_home = (url.scheme, url.host, url.port) == (
            self._home.scheme,
            self._home.host,
            self._home.port,
        )
        # No query: Gemini would take a key there too, and addresses are logged.
        if not at_home or request.method != "POST" or url.query:
            raise Unavailable(f"{self._name} was to be asked in a way that is not allowed")
        if len(body) > self._settings.longest_request_bytes:
            raise Unavailable(f"there is too much to send to {self._name}")
        headers = {name: value for name, value in request.headers.items() if name in _SENT}
        if self._provider.key is not None:
            scheme = "Bearer " if self._provider.name == "openai" else ""
            headers[_AUTH[self._provider.name]] = scheme + self._provider.key
        return self._client.build_request("POST", url, headers=headers, content=body)

    async def _send_once(self, request: httpx2.Request) -> tuple[int, httpx2.Headers, bytes]:
        limit_s = self._settings.timeout_s
        try:
            # The client's limit is for each read alone: an answer that drips would go on for ever.
            async with asyncio.timeout(limit_s):
                answer = await self._client.send(request, stream=True, auth=None)
                try:
                    return answer.status_code, answer.headers, await self._read_body(answer)
                finally:
                    await answer.aclose()
        except (TimeoutError, httpx2.TimeoutException) as error:
            raise Unavailable(f"{self._name} did not answer within {limit_s:g} s") from error
        except httpx2.ConnectError as error:
            raise Unavailable(f"{self._name} cannot be reached") from error
        except (httpx2.HTTPError, httpx2.InvalidURL) as error:
            # Cut off in the middle, or no HTTP at all.
            raise Unavailable(f"{self._name} broke off its answer") from error

    async def _read_body(self, answer: httpx2.Response) -> bytes:
        most = self._settings.longest_answer_bytes
        body = b""
        async for piece in answer.aiter_bytes():
            body += piece
            if len(body) > most:
                raise Unavailable(f"{self._name} answered with more than {most:,} bytes")
        return body

    def _require_tokens(self) -> None:
        if self.tokens >= self._settings.tokens:
            self.is_spent = True
            raise Unavailable(f"{self._name} has used up the tokens of this answer")

    def _parse_body(self, body: bytes) -> Data:
        try:
            # Measured before it is read: nesting without end ends Python's reader and those of
            # the SDKs, which read the answer once more, each in its own way.
            read = json.loads(body) if _measure_depth(body) <= DEEPEST else None
        except ValueError:
            read = None
        if isinstance(read, dict):
            return read
        raise Unavailable(f"{self._name} answered in a form that cannot be read")

    def _make_error(self, status: int, body: bytes, wait_s: float) -> Unavailable:
        """Of the answer only its status is told: its text is not ours to repeat."""
        name = self._name
        # Gemini answers 400 to a wrong key, where the others answer 401.
        if status in (401, 403) or b"API_KEY_INVALID" in body:
            return Unavailable(f"{name} does not accept the key (HTTP {status})")
        if status == 404:
            return Unavailable(f"{name} has no model '{self._provider.model}' (HTTP 404)")
        if status == 429:
            return Unavailable(f"{name} has no quota left for now (HTTP 429, wait {wait_s:.0f} s)")
        if status >= 500:
            return Unavailable(f"{name} is down (HTTP {status})")
        return Unavailable(f"{name} refused the request (HTTP {status})")

    @property
    def _name(self) -> str:
        return self._provider.name


def count_tokens(answer: Data, size: int) -> int:
    """What a request and its answer took, as the answer says; where it says nothing that can be
    believed, one token for `BYTES_PER_TOKEN` of the `size` bytes that went to and fro."""
    counted = answer.get("usage") or answer.get("usageMetadata")
    counts = counted if isinstance(counted, dict) else {}
    for names in _COUNTS:
        found = [counts[name] for name in names if type(counts.get(name)) is int]
        # A server may count nothing, or nonsense; believed, either would lift the limit.
        if found and sum(found) > 0 and min(found) >= 0:
            return sum(found)
    return size // BYTES_PER_TOKEN


def _is_transient(status: int) -> bool:
    # As the SDKs of Anthropic and OpenAI hold it, whose own retries are off: to them 409 is a
    # lock that was not had in time.
    return status in (408, 409, 429) or status >= 500


def _compute_wait_s(headers: httpx2.Headers, attempt: int) -> float:
    """What Retry-After says, in seconds or as a date; else one second, then two."""
    told = headers.get("retry-after", "").strip()
    if re.fullmatch(r"[0-9]{1,9}(\.[0-9]{1,9})?", told):
        return float(told)
    try:
        date = parsedate_to_datetime(told)
    except ValueError:
        return float(2**attempt)
    # HTTP's dates are in GMT, and some servers leave out to say so.
    aware = date if date.tzinfo else date.replace(tzinfo=UTC)
    return max(0.0, (aware - datetime.now(UTC)).total_seconds())


def _measure_depth(body: bytes) -> int:
    """How deep the JSON in `body` is nested; what stands in texts does not count."""
    deepest = depth = 0
    for mark in re.findall(rb'"(?:[^"\\]|\\.)*"|[\[\]{}]', body, re.DOTALL):
        if mark in (b"[", b"{"):
            depth += 1
            deepest = max(deepest, depth)
        elif mark in (b"]", b"}"):
            depth -= 1
    return deepest
