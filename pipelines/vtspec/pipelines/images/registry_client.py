"""What a registry says of an image: its digest and labels, and none of its layers.

github.com/opencontainers/distribution-spec; the login by token is
distribution.github.io/distribution/spec/auth/token.
"""

import base64
import hashlib
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

from vtspec.adapters.shell_command import format_command
from vtspec.pipelines.errors import Permanent, Temporary

from .image_reference import ImageReference
from .registry_credentials import find_login

if TYPE_CHECKING:
    from urllib.error import HTTPError

_MANIFESTS: Final = (
    "application/vnd.oci.image.manifest.v1+json",
    "application/vnd.docker.distribution.manifest.v2+json",
)
_INDEXES: Final = (
    "application/vnd.oci.image.index.v1+json",
    "application/vnd.docker.distribution.manifest.list.v2+json",
)
_LONGEST: Final = 8 << 20
_LOOPBACK: Final = re.compile(r"(127(\.\d+){3}|localhost)(:\d+)?")
_API_HOSTS: Final = {"docker.io": "registry-1.docker.io"}
_CHALLENGE: Final = re.compile(r'(\w+)="([^"]*)"')


@dataclass(frozen=True, kw_only=True)
class PublishedImage:
    """An image as its registry has it; `digest` is of what the tag names."""

    reference: ImageReference
    digest: str
    labels: Mapping[str, str]


@dataclass(kw_only=True)
class RegistryClient:
    """Asks one registry, with the login that Docker or Podman keep for it.

    Over TLS, but on loopback, where Docker does without it too.
    """

    host: str
    environ: Mapping[str, str] = field(repr=False)
    timeout_s: float = 30.0
    _authorization: str | None = field(default=None, init=False, repr=False)

    def read_image(self, reference: ImageReference) -> PublishedImage:
        """What the registry has under a tag.

        Raises `Permanent` where it has nothing, or lets this user see nothing; `Temporary` where
        it does not answer.
        """
        accept = ", ".join((*_MANIFESTS, *_INDEXES))
        kind = f"/v2/{reference.repository}/manifests"
        body, told = self._get(f"{kind}/{reference.tag}", accept, reference)
        digest = f"sha256:{hashlib.sha256(body).hexdigest()}"
        # Some proxies rewrite manifests: what is pulled by this digest would be refused.
        if told not in (None, digest):
            raise Permanent(f"{reference}: the registry calls it {told}, but its hash is {digest}")
        manifest = _parse(body, reference)
        if manifest.get("mediaType") in _INDEXES or "manifests" in manifest:
            child = _choose_manifest(manifest, reference)
            manifest = _parse(self._get_checked(f"{kind}/{child}", accept, reference), reference)
        path = f"/v2/{reference.repository}/blobs/{_find_config(manifest, reference)}"
        settings = _parse(self._get_checked(path, "*/*", reference), reference)
        labels = (settings.get("config") or {}).get("Labels") or {}
        return PublishedImage(reference=reference, digest=digest, labels=labels)

    def _get_checked(self, path: str, accept: str, reference: ImageReference) -> bytes:
        body, _ = self._get(path, accept, reference)
        wanted = path.rpartition("/")[2]
        if f"sha256:{hashlib.sha256(body).hexdigest()}" != wanted:
            raise Permanent(f"{reference}: the registry answers for {wanted} with something else")
        return body

    def _get(self, path: str, accept: str, reference: ImageReference) -> tuple[bytes, str | None]:
        """The body, and what the registry says that its digest is."""
        from urllib.error import HTTPError

        scheme = "http" if _LOOPBACK.fullmatch(self.host) else "https"
        url = f"{scheme}://{_API_HOSTS.get(self.host, self.host)}{path}"
        try:
            return self._open(url, accept)
        except HTTPError as error:
            if error.code != 401 or self._authorization is not None:
                raise self._make_error(error, reference) from error
            self._authorization = self._authorize(error.headers.get("WWW-Authenticate", ""))
        try:
            return self._open(url, accept)
        except HTTPError as error:
            raise self._make_error(error, reference) from error

    def _authorize(self, challenge: str) -> str | None:
        """The header that answers a challenge; None where only a login could."""
        from urllib.error import HTTPError
        from urllib.parse import urlencode, urlsplit

        login = find_login(self.host, self.environ)
        basic = f"Basic {base64.b64encode(login.encode()).decode()}" if login else None
        if not challenge.lower().startswith("bearer "):
            return basic
        told = dict(_CHALLENGE.findall(challenge))
        realm = urlsplit(told.get("realm", ""))
        # A login never travels in the clear.
        if realm.scheme != "https" and not _LOOPBACK.fullmatch(realm.netloc):
            return None
        query = urlencode({key: told[key] for key in ("service", "scope") if key in told})
        try:
            body, _ = self._open(f"{realm.geturl()}?{query}", "application/json", basic)
            answer = json.loads(body)
            return f"Bearer {answer.get('token') or answer['access_token']}"
        except (HTTPError, ValueError, KeyError, TypeError, AttributeError, RecursionError):
            return None

    def _open(
        self, url: str, accept: str, authorization: str | None = None
    ) -> tuple[bytes, str | None]:
        from http.client import HTTPException
        from urllib.error import HTTPError
        from urllib.request import Request, urlopen

        request = Request(url, headers={"Accept": accept})
        if authorization or self._authorization:
            # Not sent on to the storage that a registry redirects to.
            header = authorization or self._authorization
            request.add_unredirected_header("Authorization", str(header))
        try:
            with urlopen(request, timeout=self.timeout_s) as answer:
                body = answer.read(_LONGEST + 1)
                if len(body) > _LONGEST:
                    raise Permanent(f"{self.host}: its answer is over {_LONGEST} bytes")
                return body, answer.headers.get("Docker-Content-Digest")
        except HTTPError:
            raise
        except (OSError, HTTPException) as error:
            why = getattr(error, "reason", error)
            raise Temporary(
                f"{self.host} did not answer: {why}",
                fix="see that --registry is right and can be reached, and try again",
            ) from error

    def _make_error(self, error: "HTTPError", reference: ImageReference) -> Permanent | Temporary:
        status = error.code
        error.close()
        if status in (401, 403):
            login = format_command("docker", "login", self.host)
            return Permanent(
                f"{reference}: {self.host} does not show it to this user (HTTP {status})",
                fix=f"{login}, or the same with podman",
            )
        if status == 404:
            words = ("vtspec", "images", "push", reference.name, "--registry", reference.registry)
            return Permanent(
                f"{reference}: {self.host} has no such image", fix=format_command(*words)
            )
        if status in (408, 425, 429) or status >= 500:
            return Temporary(f"{self.host} answered with HTTP {status}", fix="try again later")
        return Permanent(f"{reference}: {self.host} refused it (HTTP {status})")


def _parse(body: bytes, reference: ImageReference) -> dict[str, Any]:
    try:
        found = json.loads(body)
    except (ValueError, RecursionError):
        found = None
    if not isinstance(found, dict):
        raise Permanent(f"{reference}: the registry does not answer with a manifest")
    return found


def _find_config(manifest: Mapping[str, Any], reference: ImageReference) -> str:
    match manifest:
        case {"config": {"digest": str(digest)}}:
            return digest
    # Such as one of Docker's first form, which no registry should have any more.
    raise Permanent(f"{reference}: its manifest names no configuration")


def _choose_manifest(index: Mapping[str, Any], reference: ImageReference) -> str:
    """The first image for Linux of an index; all of one build have the same labels."""
    for each in index.get("manifests", ()):
        if (each.get("platform") or {}).get("os") == "linux" and "digest" in each:
            return str(each["digest"])
    raise Permanent(f"{reference}: its index has no image for Linux")
