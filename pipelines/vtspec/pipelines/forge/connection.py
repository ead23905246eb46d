"""Forges opened: an address and a credential into repositories to ask."""

import threading
import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Final, Protocol

from vtspec.pipelines.address import parse_address
from vtspec.pipelines.errors import Permanent, Refused, refuse_import

from .credentials import AppCredential, Credential, TokenCredential
from .forge import Forge
from .write_pace import WRITE_PAUSE_S, WritePace

if TYPE_CHECKING:
    from .api_client import ApiClient

GITHUB_API: Final = "https://api.github.com"

Clock = Callable[[], float]
"""The time in seconds since 1970."""

_GITHUB_PAGE: Final = {"per_page": "100"}
_GITEA_PAGE: Final = {"limit": "50"}


class Connection(Protocol):
    """A forge, as one credential sees it. Its repositories share what the forge allows that."""

    def open(self, repository: str) -> Forge:
        """A repository by its name, `owner/name`.

        Raises:
            Refused: the name is not of that form.
        """
        ...

    def close(self) -> None:
        """Close what is open to it; its repositories are then of no use."""
        ...


def connect_github(
    credential: Credential,
    url: str = GITHUB_API,
    clock: Clock = time.time,
    write_pause_s: float = WRITE_PAUSE_S,
) -> Connection:
    """GitHub: at github.com, or at `https://HOST/api/v3` of a server of one's own. Between two
    changes `write_pause_s` pass at least.

    An App needs the permissions checks, statuses, issues and pull_requests to write, contents and
    metadata to read; a fine-grained token of an account all of these but checks.

    Raises:
        Refused: the address is none, or the credential cannot be read.
        Permanent: a package is missing.
    """
    _check_url(url)
    _check_packages()
    if isinstance(credential, AppCredential):
        return _AppConnection(credential, url, clock, write_pause_s)
    from .api_client import ApiClient, ApiTerms
    from .github import GitHub
    from .sessions import GITHUB_HEADERS, open_http, open_token_session

    api = ApiClient(
        open_http(url, GITHUB_HEADERS),
        lambda: open_token_session(credential),
        credential=str(credential),
        terms=ApiTerms(page=_GITHUB_PAGE, pace=WritePace(write_pause_s)),
        clock=clock,
    )
    # What Actions gives a job is a token of an App, as this beginning says.
    is_app = credential.read().startswith("ghs_")
    return _TokenConnection(
        api, lambda name: GitHub(name, api, is_app=is_app, login=credential.login)
    )


def connect_gitea(credential: TokenCredential, url: str, clock: Clock = time.time) -> Connection:
    """Gitea at an address such as `https://git.example.org`. Raises as `connect_github`.

    The token needs the scopes write:issue, write:repository and read:user, and its account
    administers the repositories: Gitea tells nobody else what a person may do.
    """
    _check_url(url)
    _check_packages()
    from .api_client import ApiClient, ApiTerms
    from .gitea import Gitea
    from .sessions import open_http, open_token_session

    api = ApiClient(
        open_http(f"{url.rstrip('/')}/api/v1", {"Accept": "application/json"}),
        lambda: open_token_session(credential),
        credential=str(credential),
        terms=ApiTerms(page=_GITEA_PAGE),
        clock=clock,
    )
    return _TokenConnection(api, lambda name: Gitea(name, api, credential.login))


class _TokenConnection:
    def __init__(self, api: "ApiClient", open_forge: Callable[[str], Forge]) -> None:
        self._api = api
        self._open_forge = open_forge

    def open(self, repository: str) -> Forge:
        return self._open_forge(repository)

    def close(self) -> None:
        self._api.close()


class _AppConnection:
    """Each repository is asked with a token of the installation that it belongs to, of which each
    has limits of its own."""

    def __init__(
        self, credential: AppCredential, url: str, clock: Clock, write_pause_s: float
    ) -> None:
        self._clock = clock
        self._write_pause_s = write_pause_s
        self._credential = credential
        self._url = url
        self._lock = threading.Lock()
        self._app = self._open_client(None)
        self._installations: dict[int, ApiClient] = {}

    def open(self, repository: str) -> Forge:
        from .answers import read_app_login, read_installation
        from .github import GitHub
        from .rest_forge import find_repository_path

        found = self._app.find(f"{find_repository_path(repository)}/installation")
        if found is None:
            raise Permanent(
                f"{repository}: the App {self._credential.app_id} is not installed there",
                fix="install it, at the App's page: Install App",
            )
        login = read_app_login(self._app.get("/app"))
        installation = read_installation(found)
        with self._lock:
            if installation not in self._installations:
                self._installations[installation] = self._open_client(installation)
            client = self._installations[installation]
        return GitHub(repository, client, is_app=True, login=login)

    def close(self) -> None:
        for client in (self._app, *self._installations.values()):
            client.close()

    def _open_client(self, installation: int | None) -> "ApiClient":
        from .api_client import ApiClient, ApiTerms
        from .sessions import GITHUB_HEADERS, open_app_session, open_http

        return ApiClient(
            open_http(self._url, GITHUB_HEADERS),
            lambda: open_app_session(self._url, self._credential, installation),
            credential=str(self._credential),
            terms=ApiTerms(page=_GITHUB_PAGE, pace=WritePace(self._write_pause_s)),
            clock=self._clock,
        )


def _check_url(url: str) -> None:
    address = parse_address(url)
    if address.has_secret or not url.startswith(("https://", "http://")):
        raise Refused(
            f"not the address of a forge: {address}",
            fix="name it as https://HOST, without a user or a token in it",
        )


def _check_packages() -> None:
    try:
        import githubkit  # noqa: F401
        import httpx  # noqa: F401
    except ImportError as error:
        raise refuse_import(
            error,
            error.name or "httpx",
            "a forge is asked by the packages githubkit and httpx",
            "pip install 'vtspec[forge]'",
        ) from error
