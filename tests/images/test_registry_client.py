"""What a registry says of an image is asked with the login that Docker or Podman keep."""

import base64
import hashlib
import json
import socket
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from loopback import FakeServer, running
from vtspec.pipelines.errors import Permanent, Temporary
from vtspec.pipelines.images import ImageReference, RegistryClient, parse_reference

OCI = "application/vnd.oci.image.manifest.v1+json"

INDEX = "application/vnd.oci.image.index.v1+json"

LOGIN = "somebody:pass:word"


def compute_digest(content: bytes) -> str:
    return f"sha256:{hashlib.sha256(content).hexdigest()}"


@dataclass
class FakeRegistry:
    """A registry with images; it may want a login (basic or token), and send on who asks."""

    server: FakeServer
    wants: str | None = None
    manifests: dict[str, bytes] = field(default_factory=dict)
    blobs: dict[str, bytes] = field(default_factory=dict)
    redirect_to: str | None = None
    says_digest: str | None = None

    def __post_init__(self) -> None:
        self.server.answer = self.answer

    @property
    def host(self) -> str:
        return self.server.endpoint.removeprefix("http://")

    def add(self, labels: dict[str, str] | None, *, tag: str = "1", index: bool = False) -> str:
        """An image under a tag; its digest."""
        config = json.dumps({"config": {"Labels": labels}}).encode()
        self.blobs[compute_digest(config)] = config
        manifest = json.dumps({"mediaType": OCI, "config": {"digest": compute_digest(config)}})
        top = manifest.encode()
        if index:
            self.manifests[compute_digest(top)] = top
            entries = [
                {"digest": "sha256:00", "platform": {"os": "unknown"}},
                {"digest": compute_digest(top), "platform": {"os": "linux"}},
            ]
            top = json.dumps({"mediaType": INDEX, "manifests": entries}).encode()
        self.manifests[tag] = top
        return compute_digest(top)

    def answer(self, request: BaseHTTPRequestHandler) -> None:
        path, given = urlsplit(request.path), request.headers.get("Authorization")
        basic = "Basic " + base64.b64encode(LOGIN.encode()).decode()
        if path.path == "/token":
            asked = parse_qs(path.query)
            good = given == basic and asked == {
                "service": ["fake"],
                "scope": ["repository:team/vtspec-toy:pull"],
            }
            self._send(request, 200 if good else 401, b'{"token": "secret-token"}')
            return
        if self.wants == "basic" and given != basic:
            self._send(request, 401, b"", {"WWW-Authenticate": 'Basic realm="fake"'})
            return
        if self.wants == "token" and given != "Bearer secret-token":
            told = f'Bearer realm="{self.server.endpoint}/token",service="fake"'
            told += ',scope="repository:team/vtspec-toy:pull"'
            self._send(request, 401, b"", {"WWW-Authenticate": told})
            return
        kind, _, name = path.path.removeprefix("/v2/team/vtspec-toy/").partition("/")
        content = {"manifests": self.manifests, "blobs": self.blobs}.get(kind, {}).get(name)
        if content is None:
            self._send(request, 404, b"{}")
        elif kind == "blobs" and self.redirect_to:
            self._send(request, 307, b"", {"Location": f"{self.redirect_to}/{name}"})
        else:
            digest = self.says_digest or compute_digest(content)
            self._send(request, 200, content, {"Docker-Content-Digest": digest})

    def _send(
        self,
        request: BaseHTTPRequestHandler,
        status: int,
        body: bytes,
        headers: dict[str, str] | None = None,
    ) -> None:
        request.send_response(status)
        for key, value in (headers or {}).items():
            request.send_header(key, value)
        request.send_header("Content-Length", str(len(body)))
        request.end_headers()
        request.wfile.write(body)


@pytest.fixture
def registry() -> Iterator[FakeRegistry]:
    with running() as server:
        yield FakeRegistry(server)


def read(registry: FakeRegistry, tag: str = "1", **environ: str) -> Any:
    reference = get_reference(registry, tag)
    client = RegistryClient(host=reference.host, environ={"HOME": "/nowhere", **environ})
    return client.read_image(reference)


def get_reference(registry: FakeRegistry, tag: str = "1") -> ImageReference:
    return parse_reference(f"{registry.host}/team", "toy", tag)


@pytest.mark.parametrize("index", [False, True])
def test_an_image_is_known_by_digest_and_labels(registry: FakeRegistry, index: bool) -> None:
    digest = registry.add({"a": "b"}, index=index)
    found = read(registry)
    assert (found.digest, found.labels) == (digest, {"a": "b"})


def test_an_image_without_labels_has_none(registry: FakeRegistry) -> None:
    registry.add(None)
    assert read(registry).labels == {}


def test_what_is_not_there_is_told_with_the_command_that_pushes_it(registry: FakeRegistry) -> None:
    with pytest.raises(Permanent, match="has no such image") as caught:
        read(registry)
    assert caught.value.fix == f"vtspec images push toy --registry {registry.host}/team"


def keep_login(folder: Path, host: str, **more: Any) -> dict[str, str]:
    auth = base64.b64encode(LOGIN.encode()).decode()
    (folder / "config.json").write_text(json.dumps({"auths": {host: {"auth": auth}}, **more}))
    return {"DOCKER_CONFIG": str(folder)}


@pytest.mark.parametrize("wants", ["basic", "token"])
def test_the_login_that_docker_keeps_is_used_where_it_is_asked_for(
    registry: FakeRegistry, tmp_path: Path, wants: str
) -> None:
    digest = registry.add({})
    registry.wants = wants
    assert read(registry, **keep_login(tmp_path, registry.host)).digest == digest


def test_no_login_is_sent_to_a_registry_that_asks_for_none(
    registry: FakeRegistry, tmp_path: Path
) -> None:
    registry.add({})
    read(registry, **keep_login(tmp_path, registry.host))
    assert registry.server.tokens == [None, None]


@pytest.mark.parametrize("wants", ["basic", "token"])
def test_without_a_login_it_is_said_how_to_have_one(registry: FakeRegistry, wants: str) -> None:
    registry.add({})
    registry.wants = wants
    with pytest.raises(Permanent, match=r"does not show it to this user \(HTTP 401\)") as caught:
        read(registry)
    assert caught.value.fix == f"docker login {registry.host}, or the same with podman"


def test_a_program_that_keeps_logins_is_asked(registry: FakeRegistry, tmp_path: Path) -> None:
    helper = tmp_path / "docker-credential-fake"
    user, _, password = LOGIN.partition(":")
    said = json.dumps({"Username": user, "Secret": password})
    helper.write_text(f"#!/bin/sh\ncat > {tmp_path}/asked\necho '{said}'\n")
    helper.chmod(0o755)
    (tmp_path / "config.json").write_text('{"credsStore": "fake"}')
    digest = registry.add({})
    registry.wants = "basic"
    environ = {"DOCKER_CONFIG": str(tmp_path), "PATH": f"{tmp_path}:/usr/bin:/bin"}
    assert read(registry, **environ).digest == digest
    assert (tmp_path / "asked").read_text() == registry.host


def test_podmans_login_is_found_where_podman_keeps_it(
    registry: FakeRegistry, tmp_path: Path
) -> None:
    keep_login(tmp_path, registry.host)
    (tmp_path / "containers").mkdir()
    (tmp_path / "config.json").rename(tmp_path / "containers" / "auth.json")
    registry.add({})
    registry.wants = "basic"
    read(registry, XDG_RUNTIME_DIR=str(tmp_path))


@pytest.mark.parametrize(
    "content",
    ["", "[]", '{"auths": {}}', "\0", '{"credsStore": "none"}', '{"auths": []}', '{"auths": 1}'],
)
def test_a_damaged_file_of_logins_is_none(
    registry: FakeRegistry, tmp_path: Path, content: str
) -> None:
    (tmp_path / "config.json").write_text(content)
    registry.add({})
    registry.wants = "basic"
    with pytest.raises(Permanent, match="HTTP 401"):
        read(registry, DOCKER_CONFIG=str(tmp_path), PATH="/usr/bin")


@pytest.mark.parametrize("wants", ["basic", "token"])
def test_a_login_is_not_sent_on_to_where_a_registry_redirects(
    registry: FakeRegistry, tmp_path: Path, wants: str
) -> None:
    registry.add({"a": "b"})
    registry.wants = wants
    with running() as storage:
        (config,) = registry.blobs.values()
        storage.answer = lambda request: registry._send(request, 200, config)
        registry.redirect_to = storage.endpoint
        assert read(registry, **keep_login(tmp_path, registry.host)).labels == {"a": "b"}
        assert storage.tokens == [None]


def test_a_login_never_travels_in_the_clear(registry: FakeRegistry, tmp_path: Path) -> None:
    def challenge(request: BaseHTTPRequestHandler) -> None:
        told = 'Bearer realm="http://192.0.2.1/token"'
        registry._send(request, 401, b"", {"WWW-Authenticate": told})

    registry.server.answer = challenge
    with pytest.raises(Permanent, match="HTTP 401"):
        read(registry, **keep_login(tmp_path, registry.host))


def test_a_registry_that_calls_content_by_another_digest_is_not_believed(
    registry: FakeRegistry,
) -> None:
    registry.add({})
    registry.says_digest = "sha256:" + "0" * 64
    with pytest.raises(Permanent, match="the registry calls it sha256:0000"):
        read(registry)


def test_a_blob_that_is_not_what_its_digest_says_is_refused(registry: FakeRegistry) -> None:
    registry.add({})
    (digest,) = registry.blobs
    registry.blobs[digest] = b"{}"
    with pytest.raises(Permanent, match=r"answers for .* with something else"):
        read(registry)


@pytest.mark.parametrize("body", [b"", b"hello", b"[]", b"[" * 100_000])
def test_what_is_no_manifest_is_refused(registry: FakeRegistry, body: bytes) -> None:
    registry.manifests["1"] = body
    with pytest.raises(Permanent, match="does not answer with a manifest"):
        read(registry)


@pytest.mark.parametrize("body", [b"{}", b'{"config": 1}', b'{"config": {"digest": 1}}'])
def test_a_manifest_without_a_configuration_is_refused(
    registry: FakeRegistry, body: bytes
) -> None:
    registry.manifests["1"] = body
    with pytest.raises(Permanent, match="names no configuration"):
        read(registry)


def test_an_index_without_an_image_for_linux_is_refused(registry: FakeRegistry) -> None:
    entries = [{"digest": "sha256:00", "platform": {"os": "windows"}}, {"platform": None}]
    registry.manifests["1"] = json.dumps({"manifests": entries}).encode()
    with pytest.raises(Permanent, match="has no image for Linux"):
        read(registry)


@pytest.mark.parametrize("status", [429, 500, 503])
def test_a_registry_that_is_not_well_is_asked_again_later(
    registry: FakeRegistry, status: int
) -> None:
    registry.server.answer = lambda request: registry._send(request, status, b"")
    with pytest.raises(Temporary, match=f"HTTP {status}"):
        read(registry)


def test_a_registry_that_is_not_there_is_told() -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        host = f"127.0.0.1:{free.getsockname()[1]}"
    client = RegistryClient(host=host, environ={})
    with pytest.raises(Temporary, match=r"did not answer: .*refused"):
        client.read_image(parse_reference(host, "toy", "1"))


def test_a_login_is_not_shown_with_its_client() -> None:
    client = RegistryClient(host="ghcr.io", environ={"SECRET": "canary"})
    client._authorization = "Basic canary"
    assert "canary" not in repr(client)
