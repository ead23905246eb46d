"""How a credential goes along with a request; a GitHub App's by `githubkit`."""

from collections.abc import Callable, Generator
from typing import Final

import githubkit
import githubkit.cache
import githubkit.exception
import httpx
import jwt

from vtspec.pipelines.errors import Permanent, Refused
from vtspec.pipelines.redaction import Redactor, make_redactor

from .api_client import TIMEOUT, Session, TokenRefused
from .credentials import AppCredential, TokenCredential

GITHUB_HEADERS: Final = {
    "Accept": "application/vnd.github+json",
    "X-GitHub-Api-Version": "2022-11-28",
}


def open_http(url: str, headers: dict[str, str]) -> httpx.Client:
    """A client for an API at an address; nothing in it is secret."""
    return httpx.Client(
        base_url=url,
        headers={"User-Agent": "vtspec", **headers},
        timeout=TIMEOUT,
        # Whether a redirection is followed is for `api_client` to say: the credential goes along.
        follow_redirects=False,
    )


def open_token_session(credential: TokenCredential) -> Session:
    """A session with the token as it is now."""
    token = credential.read()
    return Session(auth=_TokenAuth(token), hide=_hide(token))


def open_app_session(url: str, credential: AppCredential, installation: int | None) -> Session:
    """A session of a GitHub App: with tokens of an installation, made anew before they end; where
    that is None, for what is asked as the App itself."""
    key = credential.private_key.read()
    app = githubkit.AppAuthStrategy(credential.app_id, key)
    strategy = app if installation is None else app.as_installation(installation)
    # A cache of its own: a token that is no longer taken goes with the session.
    cache = githubkit.cache.MemCacheStrategy()
    github = githubkit.GitHub(strategy, base_url=url, cache_strategy=cache, http_cache=False)
    auth = _AppAuth(strategy.get_auth_flow(github), credential)
    return Session(auth=auth, hide=_hide(key))


class _TokenAuth(httpx.Auth):
    def __init__(self, token: str) -> None:
        self._token = token

    def auth_flow(self, request: httpx.Request) -> Generator[httpx.Request, httpx.Response, None]:
        request.headers["Authorization"] = f"Bearer {self._token}"
        yield request


class _AppAuth(httpx.Auth):
    """githubkit's, with what it raises in words of ours."""

    def __init__(self, auth: httpx.Auth, credential: AppCredential) -> None:
        self._auth = auth
        self._credential = credential

    def sync_auth_flow(
        self, request: httpx.Request
    ) -> Generator[httpx.Request, httpx.Response, None]:
        try:
            yield from self._auth.sync_auth_flow(request)
        except githubkit.exception.RequestFailed as error:
            raise TokenRefused(error.response.raw_response) from None
        except (ValueError, TypeError, jwt.PyJWTError):
            # Of the key's file; what is wrong with it is not to be shown.
            raise Refused(
                f"{self._credential.private_key}: is no private key in PEM",
                fix="download one at the App's settings, under Private keys",
            ) from None
        except githubkit.exception.GitHubException as error:
            raise Permanent(f"{self._credential}: {type(error).__name__}") from None


def _hide(secret: str) -> Callable[[str], str]:
    known = make_redactor({})
    return Redactor(secrets=known.secrets | {secret}, places=known.places).redact_text
