"""The API server as plain data over HTTP, for the cluster's set-up and its tests."""

import json
import ssl
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx2

from local_cluster.addresses import API_SERVER
from local_cluster.config_files import ADMIN, certificate

Object = dict[str, Any]
STRICT = {"fieldValidation": "Strict"}


class ApiError(Exception):
    """The API server refused; `status` is its code and the message its own."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(f"{status}: {message}")
        self.status = status


class KubernetesApi:
    """A client with all rights, or with those of a user of a group, `like` whom it asks. It has to
    run inside the cluster's network namespace."""

    def __init__(
        self, folder: Path, *, token: str = ADMIN[1], like: tuple[str, str] | None = None
    ) -> None:
        tls = ssl.create_default_context(cafile=str(certificate(folder)))
        # The API server's own certificate names no key of its authority; Python 3.13 wants one.
        tls.verify_flags &= ~ssl.VERIFY_X509_STRICT
        self._http = httpx2.Client(
            base_url=API_SERVER,
            verify=tls,
            headers={"Authorization": f"Bearer {token}", **_impersonate(like)},
            timeout=30,
            trust_env=False,
        )

    def get(self, path: str, **query: str) -> Object:
        """Read an object or a list.

        Raises:
            ApiError: there is none, or it may not be read.
        """
        return self._json("GET", path, query=query)

    def text(self, path: str, **query: str) -> str:
        """Read what is no JSON: a pod's log, `/healthz`."""
        return self._send("GET", path, query=query).text

    def create(self, path: str, body: Object, **query: str) -> Object:
        """Create an object; an unknown or doubled field is refused.

        Raises:
            ApiError: it is refused (400, 403, 422), or there is one of its name (409).
        """
        return self._json("POST", path, body=body, query=STRICT | query)

    def merge(self, path: str, body: Object, **query: str) -> Object:
        """Change the fields that are named (JSON merge patch)."""
        return self._json("PATCH", path, body=body, query=query, kind="merge-patch+json")

    def apply(self, path: str, body: Object) -> Object:
        """Create the object, or make the one that is there alike (server-side apply)."""
        query = STRICT | {"fieldManager": "vtspec-tests", "force": "true"}
        # JSON is YAML, which is what an apply is sent as.
        return self._json("PATCH", path, body=body, query=query, kind="apply-patch+yaml")

    def delete(self, path: str, **query: str) -> None:
        """Delete an object, or nothing where there is none."""
        try:
            self._json("DELETE", path, query=query)
        except ApiError as error:
            if error.status != 404:
                raise

    def watch(self, path: str, *, version: str, name: str, timeout_s: int) -> Iterator[Object]:
        """Every change of one object after a resource version, as the API server tells it."""
        query = {
            "fieldSelector": f"metadata.name={name}",
            "watch": "true",
            "resourceVersion": version,
            "timeoutSeconds": str(timeout_s),
        }
        with self._http.stream("GET", path, params=query, timeout=timeout_s + 5) as answer:
            if answer.status_code != 200:
                raise ApiError(answer.status_code, answer.read().decode())
            for line in answer.iter_lines():
                yield json.loads(line)

    def close(self) -> None:
        """Close the connections."""
        self._http.close()

    def _json(
        self,
        method: str,
        path: str,
        *,
        body: Object | None = None,
        query: dict[str, str] | None = None,
        kind: str = "json",
    ) -> Object:
        found = self._send(method, path, body=body, query=query, kind=kind).json()
        assert isinstance(found, dict)
        return found

    def _send(
        self,
        method: str,
        path: str,
        *,
        body: Object | None = None,
        query: dict[str, str] | None = None,
        kind: str = "json",
    ) -> httpx2.Response:
        answer = self._http.request(
            method,
            path,
            content=None if body is None else json.dumps(body),
            params=query,
            headers={"Content-Type": f"application/{kind}"},
        )
        if answer.status_code >= 400:
            try:
                message = answer.json()["message"]
            except (ValueError, KeyError):
                message = answer.text
            raise ApiError(answer.status_code, message)
        return answer


def _impersonate(like: tuple[str, str] | None) -> dict[str, str]:
    return {} if like is None else {"Impersonate-User": like[0], "Impersonate-Group": like[1]}


def wait_until(is_so: Callable[[], bool], *, what: str, timeout_s: float = 60) -> float:
    """Ask again until it is so, and return the seconds that took.

    Raises:
        TimeoutError: it was not, in that time.
    """
    begin = time.monotonic()
    while not is_so():
        if time.monotonic() - begin > timeout_s:
            raise TimeoutError(f"{what}: not after {timeout_s:.0f} s")
        time.sleep(0.1)
    return time.monotonic() - begin
