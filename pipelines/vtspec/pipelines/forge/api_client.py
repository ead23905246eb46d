"""A forge's API over HTTP, asked within what it allows.

Nothing is tried again here, and nobody sleeps but until it is a change's turn: what is to wait is
`Temporary`, and until its time has come the next request is refused without being sent. One client
is for one credential, whatever the number of its repositories, because limits are counted so.
"""

import json
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Final
from urllib.parse import quote

import httpx

from vtspec.pipelines.errors import Permanent, Temporary

from .answer_cache import AnswerCache, CachedAnswer
from .api_errors import ApiCall, explain_answer, explain_silence
from .rate_limits import Answered, RateLimit, is_limit, note_answer, read_date
from .write_pace import WritePace

TIMEOUT: Final = httpx.Timeout(30.0, connect=10.0)

_MOST_PAGES: Final = 30
"""GitHub takes no more comments on a pull request than 2,500, which are 25 pages."""

_REDIRECTS: Final = (301, 302, 307, 308)
_MOST_REDIRECTS: Final = 3
_UNMODIFIED: Final = 304


@dataclass(frozen=True, kw_only=True)
class Session:
    """A credential as it was when it was read; `hide` takes its secrets out of a text."""

    auth: httpx.Auth = field(repr=False)
    hide: Callable[[str], str] = field(repr=False)


OpenSession = Callable[[], Session]


class TokenRefused(Exception):
    """The forge gave no token for a request; `response` is what it answered instead."""

    def __init__(self, response: httpx.Response) -> None:
        super().__init__(response.status_code)
        self.response = response


@dataclass(frozen=True, kw_only=True)
class Request:
    """What to ask: a path below the API's address, or an address that the API itself named."""

    method: str
    path: str
    query: Mapping[str, str] | None = None
    body: Mapping[str, Any] | None = None


@dataclass(frozen=True, kw_only=True)
class Answer:
    """What came of it."""

    data: Any
    next_url: str | None
    total: int | None


@dataclass(frozen=True, kw_only=True)
class ApiTerms:
    """What an API asks of who asks: in its own words how long a page is to be, and the pace of
    changes."""

    page: Mapping[str, str]
    pace: WritePace = field(default_factory=lambda: WritePace(pause_s=0.0))


class ApiClient:
    """Asks one API by a client of HTTP that has its address. `open_session` reads the credential
    as it is then; `credential` names where that is kept."""

    def __init__(
        self,
        http: httpx.Client,
        open_session: OpenSession,
        *,
        credential: str,
        terms: ApiTerms,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._http = http
        self._open_session = open_session
        self._credential = credential
        self._terms = terms
        self.clock = clock
        self._lock = threading.Lock()
        self._session = open_session()
        self._token = ""
        self._limit = RateLimit()
        self._ahead_s = 0.0
        self._left: int | None = None
        self._cache = AnswerCache()

    def get_token(self) -> str:
        """What the last request brought along: an App's installation has another one each hour."""
        return self._token

    def find_time(self) -> float:
        """The time by the API's own clock, in seconds since 1970, as its last answer told it."""
        return self.clock() + self._ahead_s

    def find_requests_left(self) -> int | None:
        """How many more requests the API takes before its limit begins anew; None where it has
        not told of any."""
        return self._left

    def get(self, path: str) -> Any:
        """The object at a path."""
        return self._ask(Request(method="GET", path=path)).data

    def find(self, path: str) -> Any | None:
        """The object at a path; None where there is nothing."""
        try:
            return self.get(path)
        except Absent:
            return None

    def list(self, path: str, query: Mapping[str, str] | None = None, key: str = "") -> list[Any]:
        """Every item of a list, from all of its pages; `key` where an object holds the list.

        Raises:
            Permanent: it has more pages than anybody should read.
        """
        asked = {**(query or {}), **self._terms.page}
        request = Request(method="GET", path=path, query=asked)
        items: list[Any] = []
        for number in range(2, _MOST_PAGES + 2):
            answer = self._ask(request)
            page = _take_items(answer.data, key, path)
            items += page
            if answer.next_url is not None:
                request = Request(method="GET", path=answer.next_url)
            # Gitea names a total in place of the next page, and has lists that come whole.
            elif page and answer.total is not None and answer.total > len(items):
                request = Request(method="GET", path=path, query={**asked, "page": str(number)})
            else:
                return items
        raise Permanent(f"{self._call('GET', path)}: more than {_MOST_PAGES} pages")

    def send(self, method: str, path: str, body: Mapping[str, Any] | None = None) -> Any:
        """Change something; what is answered, None where that is nothing."""
        return self._ask(Request(method=method, path=path, body=body)).data

    def remove(self, path: str, body: Mapping[str, Any] | None = None) -> None:
        """Delete something; where there is nothing, nothing changes."""
        try:
            self.send("DELETE", path, body)
        except Absent:
            return

    def close(self) -> None:
        """Close the connections."""
        self._http.close()

    def _ask(self, request: Request) -> Answer:
        url = self._find_url(request)
        call = self._call(request.method, url.path)
        for _ in range(_MOST_REDIRECTS):
            cached = self._cache.find(str(url)) if call.is_read else None
            call, response = self._send(call, url, request, cached)
            if response.status_code == _UNMODIFIED and cached is not None:
                return self._read(call, cached.body, cached.link, response)
            if response.status_code not in _REDIRECTS:
                return self._take(call, url, response)
            url = self._follow(call, url, response.headers.get("location", ""))
            call = self._call(request.method, url.path)
        raise Permanent(f"{call}: it was moved in a circle")

    def _send(
        self, call: ApiCall, url: httpx.URL, request: Request, cached: CachedAnswer | None
    ) -> tuple[ApiCall, httpx.Response]:
        """What was answered, and to what: a request may fail for want of a token."""
        headers = {} if cached is None else {"If-None-Match": cached.etag}
        session = self._session
        for is_again in (False, True):
            self._check_limit(call)
            if not call.is_read:
                self._terms.pace.wait()
            try:
                response = self._http.request(
                    request.method, url, json=request.body, headers=headers, auth=session.auth
                )
            except TokenRefused as refused:
                response = refused.response
                call = replace(call, method="GET", path=response.request.url.path)
            except httpx.HTTPError as error:
                raise self._explain_transport(call, error) from None
            self._note(call, response)
            self._token = response.request.headers.get("Authorization", "").partition(" ")[2]
            if response.status_code != 401 or is_again:
                break
            # The token may have been rotated, or that of an App taken back.
            session = self._renew_session(session)
        return call, response

    def _renew_session(self, refused: Session) -> Session:
        with self._lock:
            # Another thread may have done so meanwhile.
            if self._session is refused:
                self._session = self._open_session()
            return self._session

    def _check_limit(self, call: ApiCall) -> None:
        wait_s = self._limit.until - self.clock()
        if wait_s > 0:
            raise Temporary(
                f"{call.server}: no request for {wait_s:.0f} s: its limit for "
                f"{self._credential} is used up",
                delay_s=wait_s,
            )

    def _note(self, call: ApiCall, response: httpx.Response) -> None:
        answer = Answered(
            status=response.status_code,
            headers=response.headers,
            message=self._read_message(response) if response.status_code >= 400 else "",
            time=self.clock(),
        )
        told = read_date(response.headers)
        with self._lock:
            self._limit = note_answer(self._limit, answer)
            if told is not None:
                self._ahead_s = told - answer.time
            left = response.headers.get("x-ratelimit-remaining", "")
            self._left = int(left) if left.isdecimal() else self._left
        if is_limit(answer):
            self._check_limit(call)

    def _take(self, call: ApiCall, url: httpx.URL, response: httpx.Response) -> Answer:
        status = response.status_code
        if status >= 300:
            error = explain_answer(call, status, response.headers, self._read_message(response))
            raise Absent(error.message, fix=error.fix) if status == 404 else error
        link, etag = response.headers.get("link", ""), response.headers.get("etag")
        if call.is_read and etag:
            kept = CachedAnswer(etag=etag, body=response.content, link=link)
            self._cache.keep(str(url), kept)
        return self._read(call, response.content, link, response)

    def _read(self, call: ApiCall, body: bytes, link: str, response: httpx.Response) -> Answer:
        try:
            data = json.loads(body) if body.strip() else None
        except ValueError:
            raise explain_silence(call, "what came is no JSON", is_sent=True) from None
        links = httpx.Response(200, headers={"link": link}).links
        total = response.headers.get("x-total-count", "")
        return Answer(
            data=data,
            next_url=links.get("next", {}).get("url"),
            total=int(total) if total.isdecimal() else None,
        )

    def _find_url(self, request: Request) -> httpx.URL:
        if request.path.startswith("/"):
            base = str(self._http.base_url).rstrip("/")
            return httpx.URL(base + request.path, params=request.query)
        return self._check_origin(self._call(request.method, "a next page"), request.path)

    def _follow(self, call: ApiCall, url: httpx.URL, location: str) -> httpx.URL:
        """Where something is now. The verb stays, as GitHub wants it."""
        try:
            return self._check_origin(call, str(url.join(location)))
        except httpx.InvalidURL:
            raise Permanent(f"{call}: leads to what is no address") from None

    def _check_origin(self, call: ApiCall, named: str) -> httpx.URL:
        base = self._http.base_url
        try:
            url = httpx.URL(named)
        except httpx.InvalidURL:
            raise Permanent(f"{call}: leads to what is no address") from None
        if (url.scheme, url.host, url.port) != (base.scheme, base.host, base.port):
            raise Permanent(f"{call}: leads to another host, {url.host}, which is not asked")
        return url

    def _call(self, method: str, path: str) -> ApiCall:
        server = self._http.base_url.netloc.decode()
        return ApiCall(method=method, path=path, server=server, credential=self._credential)

    def _read_message(self, response: httpx.Response) -> str:
        try:
            data = json.loads(response.content)
        except ValueError:
            return ""
        if not isinstance(data, dict):
            return ""
        said, errors = [data.get("message")], data.get("errors")
        for error in errors if isinstance(errors, list) else []:
            said.append(error.get("message") if isinstance(error, dict) else error)
        return self._session.hide("; ".join(one for one in said if isinstance(one, str) and one))

    def _explain_transport(self, call: ApiCall, error: httpx.HTTPError) -> Permanent | Temporary:
        why = self._session.hide(str(error) or type(error).__name__)
        if "CERTIFICATE_VERIFY_FAILED" in why:
            return Permanent(
                f"{call.server} is not trusted: {why}",
                fix="export SSL_CERT_FILE=the file of your certificate authority",
            )
        unsent = (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout)
        return explain_silence(call, why, is_sent=not isinstance(error, unsent))


class Absent(Permanent):
    """There is nothing at a path, or who asks may not know of it."""


def join_path(*parts: str | int) -> str:
    """A path of parts, none of which reaches out of its place: `/a/b%2Fc`."""
    return "".join(f"/{quote(str(part), safe='')}" for part in parts)


def _take_items(data: Any, key: str, path: str) -> list[Any]:
    items = data.get(key) if key and isinstance(data, dict) else data
    # Gitea writes an empty list as null.
    if items is None:
        return []
    if not isinstance(items, list):
        raise Permanent(f"{path}: the forge answered with what is no list")
    return items
