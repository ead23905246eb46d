"""User and password for an MLflow server, given to MLflow in memory.

It reads them from the environment otherwise, which every program that is started here inherits:
git, DVC, uv. In the address itself they would stand in its errors and its log.
"""

import base64
import os
from typing import TYPE_CHECKING, Final
from urllib.parse import urlsplit

from vtspec.pipelines.address import Address

if TYPE_CHECKING:
    from requests import PreparedRequest

_NAME: Final = "vtspec"
_CHOSEN: Final = "MLFLOW_TRACKING_AUTH"
"""Names the provider that MLflow asks; the name is no secret."""


def log_in(address: Address) -> None:
    """From now on, requests to the address's server bear its user and password, or none of ours.

    Of MLflow's own providers, one that the environment names stays chosen.
    """
    from mlflow.tracking.request_auth.registry import _request_auth_provider_registry as known

    mine = next((one for one in known if isinstance(one, Logins)), None)
    if mine is None:
        if address.user is None and address.password is None:
            return
        mine = Logins()
        # MLflow makes each provider itself, and keeps it for as long as the process lives.
        known.register(lambda: mine)
    mine.keep(address)
    os.environ.setdefault(_CHOSEN, _NAME)


class Logins:
    """A request-auth provider of MLflow, and what it hands out: a header for each known server."""

    def __init__(self) -> None:
        self._headers: dict[str, str] = {}

    def __repr__(self) -> str:
        return f"Logins({len(self._headers)} servers)"

    def keep(self, address: Address) -> None:
        """Remember the login of the address; one without forgets that of its server."""
        server = _find_server(address.uri)
        if address.user is None and address.password is None:
            self._headers.pop(server, None)
            return
        words = f"{address.user or ''}:{address.password or ''}".encode()
        self._headers[server] = f"Basic {base64.b64encode(words).decode()}"

    def get_name(self) -> str:
        """The name by which MLflow looks for it."""
        return _NAME

    def get_auth(self) -> "Logins":
        """What is called with each request before it is sent."""
        return self

    def __call__(self, request: "PreparedRequest") -> "PreparedRequest":
        """Add the header of the request's server; for any other it is left as it is."""
        header = self._headers.get(_find_server(request.url or ""))
        if header is not None:
            request.headers["Authorization"] = header
        return request


def _find_server(url: str) -> str:
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc}".lower()
