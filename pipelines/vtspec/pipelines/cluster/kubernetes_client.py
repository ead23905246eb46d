"""Objects of a Kubernetes, by its official client, as whoever calls.

Plain data goes in and comes out. The package is imported when a cluster is first asked: it takes
seconds.
"""

import importlib
import json
import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, Final, Literal
from urllib.parse import quote

from vtspec.pipelines.address import parse_address
from vtspec.pipelines.errors import Permanent, Temporary

from .api_errors import (
    BUSY,
    FORBIDDEN,
    GONE,
    ApiCall,
    Unreachable,
    explain_answer,
    is_absent_object,
    is_other_object,
    is_there_already,
)
from .kubeconfig import find_context_namespace, open_kubeconfig

Object = dict[str, Any]

TIMEOUT_S: Final = (5.0, 30.0)
"""Until there is a connection, and between two words of an answer."""

LOG_SILENCE_S: Final = 60.0
"""How long a log may be silent until its connection is taken for dead."""

WATCH_S: Final = 240.0
"""How long a server is asked to tell of changes, until it is asked anew."""

WATCH_SILENCE_S: Final = 90.0
"""How long it may be silent meanwhile: each minute it says how far it is, without any change."""

_CHANGES: Final[Mapping[str, Literal["there", "gone", "bookmark"]]] = {
    "ADDED": "there",
    "MODIFIED": "there",
    "DELETED": "gone",
    "BOOKMARK": "bookmark",
}

_LONGEST_LINE: Final = 1 << 20
_LONGEST_CHANGE: Final = 16 << 20
"""Bytes; etcd keeps no object of more than one and a half million."""


@dataclass(frozen=True, kw_only=True)
class Resource:
    """A kind of object: where its API is, and what it is called there."""

    api: str
    name: str

    def __str__(self) -> str:
        group = self.api.split("/")[2] if self.api.startswith("/apis/") else ""
        return f"{self.name}.{group}" if group else self.name


WORKFLOWS: Final = Resource(api="/apis/argoproj.io/v1alpha1", name="workflows")
CRON_WORKFLOWS: Final = Resource(api="/apis/argoproj.io/v1alpha1", name="cronworkflows")
CONFIG_MAPS: Final = Resource(api="/api/v1", name="configmaps")
SECRETS: Final = Resource(api="/api/v1", name="secrets")
NAMESPACES: Final = Resource(api="/api/v1", name="namespaces")
PODS: Final = Resource(api="/api/v1", name="pods")
EVENTS: Final = Resource(api="/api/v1", name="events")
WORKLOADS: Final = tuple(
    Resource(api=f"/apis/kueue.x-k8s.io/{version}", name="workloads")
    for version in ("v1beta2", "v1beta1")
)
"""Kueue's, in each version of its API that may be served."""

QUEUES: Final = tuple(
    Resource(api=f"/apis/visibility.kueue.x-k8s.io/{version}", name="localqueues")
    for version in ("v1beta2", "v1beta1")
)
"""Who waits in them, of Kueue's aggregated API, which a cluster may not serve."""


@dataclass(frozen=True, kw_only=True)
class Listing:
    """Objects as they were at a version of the server's, from which their changes can be told."""

    items: Sequence[Object]
    version: str


@dataclass(frozen=True, kw_only=True)
class Change:
    """What has become of an object: as it is now, or was last. A `bookmark` has none but says up
    to which version all has been told."""

    kind: Literal["there", "gone", "bookmark"]
    body: Object
    version: str


@dataclass(frozen=True, kw_only=True)
class _Request:
    path: str
    method: str = "GET"
    query: Mapping[str, str] = field(default_factory=dict)
    body: Object | None = None
    content_type: str = "application/json"
    timeout_s: tuple[float, float] = TIMEOUT_S


class KubernetesClient:
    """One cluster, as the caller's kubeconfig has it.

    Every method raises `Temporary` where the cluster is away, `Permanent` or `Refused` where it
    refuses; no message holds a secret of the kubeconfig.
    """

    def __init__(self, environ: Mapping[str, str] = os.environ) -> None:
        self._api, self._redactor = open_kubeconfig(environ)
        self.server = str(parse_address(self._api.configuration.host))
        self.namespace = find_context_namespace(environ)

    def create(self, resource: Resource, namespace: str, body: Mapping[str, Any]) -> bool:
        """Make an object; False where one of its name is there."""
        call = self._call("create", resource, namespace)
        request = _Request(method="POST", path=_path(resource, namespace), body=dict(body))
        status, answer = self._ask(call, request)
        if is_there_already(status, answer):
            return False
        self._check(call, status, answer)
        return True

    def get(self, resource: Resource, namespace: str, name: str) -> Object | None:
        """The object of that name, or None."""
        call = self._call("get", resource, namespace)
        answer = self._ask_of(call, _Request(path=_path(resource, namespace, name)))
        return None if answer is None else _read(answer)

    def find(
        self,
        resource: Resource,
        namespace: str,
        labels: Mapping[str, str],
        fields: Mapping[str, str] | None = None,
    ) -> list[Object]:
        """The objects with these labels and fields, or all."""
        return list(self.list_objects(resource, namespace, labels, fields).items)

    def list_objects(
        self,
        resource: Resource,
        namespace: str,
        labels: Mapping[str, str],
        fields: Mapping[str, str] | None = None,
    ) -> Listing:
        """As `find`, and the version that they were read at."""
        call = self._call("list", resource, namespace)
        request = _Request(path=_path(resource, namespace), query=_select(labels, fields or {}))
        status, answer = self._ask(call, request)
        self._check(call, status, answer)
        told = _read(answer)
        items = told.get("items")
        found = [one for one in items if isinstance(one, dict)] if isinstance(items, list) else []
        return Listing(items=found, version=_read_version(told))

    def watch(
        self, resource: Resource, namespace: str, labels: Mapping[str, str], version: str
    ) -> Iterator[Change]:
        """What changes of the objects with these labels after a version, as it does, until the
        server ends it, which says nothing: first a bookmark, once the server tells. Raises
        `Expired` where it does not know the version."""
        call = self._call("watch", resource, namespace)
        query = {
            **_select(labels, {}),
            "watch": "true",
            "allowWatchBookmarks": "true",
            "resourceVersion": version,
            "timeoutSeconds": f"{WATCH_S:.0f}",
        }
        request = _Request(
            path=_path(resource, namespace),
            query=query,
            timeout_s=(TIMEOUT_S[0], WATCH_SILENCE_S),
        )
        lines = self._stream(call, request, _LONGEST_CHANGE)
        yield Change(kind="bookmark", body={}, version=version)
        for line in lines:
            told = _read(line.encode())
            body = told.get("object")
            kind = _CHANGES.get(str(told.get("type")))
            if told.get("type") == "ERROR":
                code = body.get("code") if isinstance(body, dict) else None
                status = code if isinstance(code, int) else 500
                raise explain_answer(
                    call, status, json.dumps(body).encode(), self._redactor.redact_text
                )
            # A kind of change that is not known yet is none of these objects'.
            if kind is not None and isinstance(body, dict):
                yield Change(kind=kind, body=body, version=_read_version(body))

    def find_namespace_uid(self, namespace: str) -> str | None:
        """The uid of a namespace, which no other cluster's has; empty where the caller may not
        read it, None where there is no such namespace."""
        call = self._call("get", NAMESPACES, namespace)
        status, answer = self._ask(call, _Request(path=f"/api/v1/namespaces/{quote(namespace)}"))
        if status == FORBIDDEN:
            return ""
        if status == GONE:
            return None
        self._check(call, status, answer)
        return str(_read(answer).get("metadata", {}).get("uid") or "")

    def patch(
        self,
        resource: Resource,
        namespace: str,
        name: str,
        change: Mapping[str, Any],
        uid: str | None = None,
    ) -> bool:
        """Merge a change into an object, only into that of the `uid` where one is given; False
        where there is none such."""
        call = self._call("patch", resource, namespace)
        body: Object = dict(change)
        if uid is not None:
            # It cannot be changed: a server refuses what names another's.
            body["metadata"] = {**body.get("metadata", {}), "uid": uid}
        request = _Request(
            method="PATCH",
            path=_path(resource, namespace, name),
            body=body,
            content_type="application/merge-patch+json",
        )
        status, answer = self._ask(call, request)
        is_other = uid is not None and is_other_object(status, answer)
        if is_other or (status == GONE and is_absent_object(answer)):
            return False
        self._check(call, status, answer)
        return True

    def delete(
        self, resource: Resource, namespace: str, name: str, uid: str | None = None
    ) -> bool:
        """Delete an object and what belongs to it, only that of the `uid` where one is given;
        False where there is none such."""
        call = self._call("delete", resource, namespace)
        body: Object = {"propagationPolicy": "Background"}
        if uid is not None:
            body["preconditions"] = {"uid": uid}
        path = _path(resource, namespace, name)
        status, answer = self._ask(call, _Request(method="DELETE", path=path, body=body))
        if is_other_object(status, answer) or (status == GONE and is_absent_object(answer)):
            return False
        self._check(call, status, answer)
        return True

    def follow_log(
        self, namespace: str, pod: str, container: str, since_s: int | None = None
    ) -> Iterator[str]:
        """The lines of a container's log, as they come, until it ends; a very long line is left
        out. Ends early where the connection does."""
        call = self._call("get", Resource(api="/api/v1", name="pods/log"), namespace)
        query: dict[str, str] = {"container": container, "follow": "true"}
        if since_s is not None:
            query["sinceSeconds"] = str(since_s)
        request = _Request(
            path=f"{_path(PODS, namespace, pod)}/log",
            query=query,
            timeout_s=(TIMEOUT_S[0], LOG_SILENCE_S),
        )
        yield from self._stream(call, request, _LONGEST_LINE)

    def _stream(self, call: ApiCall, request: "_Request", longest: int) -> Iterator[str]:
        """Ask now; the lines of the answer, as they come; longer ones are left out."""
        with self._translated(call):
            answer = self._send(request)
            if answer.status >= 300:
                self._check(call, answer.status, answer.read())
        return self._read_lines(call, answer, longest)

    def _read_lines(self, call: ApiCall, answer: Any, longest: int) -> Iterator[str]:
        with self._translated(call):
            try:
                # Whatever is there: a stream by size would wait for more of it.
                yield from _split_lines(iter(lambda: answer.response.read1(1 << 16), b""), longest)
            finally:
                answer.response.close()

    def _call(self, verb: str, resource: Resource, namespace: str) -> ApiCall:
        return ApiCall(verb=verb, resource=str(resource), namespace=namespace, server=self.server)

    def _ask_of(self, call: ApiCall, request: "_Request") -> bytes | None:
        """What is answered about one object; None where it is not there."""
        status, answer = self._ask(call, request)
        if status == GONE and is_absent_object(answer):
            return None
        self._check(call, status, answer)
        return answer

    def _ask(self, call: ApiCall, request: "_Request") -> tuple[int, bytes]:
        with self._translated(call):
            answer = self._send(request)
            status, body = int(answer.status), bytes(answer.read() or b"")
        if status == BUSY or status >= 500:
            redact = self._redactor.redact_text
            raise explain_answer(call, status, body, redact, answer.headers)
        return status, body

    def _send(self, request: "_Request") -> Any:
        headers = {"Accept": "application/json, */*"}
        if request.body is not None:
            headers["Content-Type"] = request.content_type
        asked = self._api.param_serialize(
            request.method,
            request.path,
            query_params=list(request.query.items()),
            header_params=headers,
            body=request.body,
            auth_settings=["BearerToken"],
        )
        return self._api.call_api(*asked, _request_timeout=request.timeout_s)

    @contextmanager
    def _translated(self, call: ApiCall) -> Iterator[None]:
        network = importlib.import_module("urllib3.exceptions")
        answers = importlib.import_module("kubernetes.client.exceptions")
        try:
            yield
        except (network.HTTPError, answers.ApiException, OSError) as error:
            is_distrust = isinstance(error, network.SSLError | answers.ApiException)
            if is_distrust or "CERTIFICATE_VERIFY_FAILED" in str(error):
                raise Permanent(
                    f"{self.server} is not trusted: {self._show(error)}",
                    fix="check certificate-authority in your kubeconfig: kubectl get namespaces",
                ) from None
            raise Unreachable(
                f"the cluster at {self.server} cannot be reached: {self._show(error)}",
                fix="kubectl get namespaces; is it the right one? kubectl config get-contexts",
            ) from None

    def _check(self, call: ApiCall, status: int, answer: bytes) -> None:
        if status >= 300:
            raise explain_answer(call, status, answer, self._redactor.redact_text)

    def _show(self, error: BaseException) -> str:
        reason = getattr(error, "reason", None)
        words = " ".join(str(reason or error).split())
        # urllib3 writes the object of a connection before what became of it.
        return self._redactor.redact_text(words.rpartition(">: ")[2] or words)[:300]


def _path(resource: Resource, namespace: str, name: str | None = None) -> str:
    path = f"{resource.api}/namespaces/{quote(namespace, safe='')}/{resource.name}"
    return path if name is None else f"{path}/{quote(name)}"


def _read(answer: bytes) -> Object:
    try:
        told = json.loads(answer)
    except ValueError as error:
        raise Temporary("the cluster answered with what is no JSON", fix="try again") from error
    return told if isinstance(told, dict) else {}


def _read_version(told: Object) -> str:
    metadata = told.get("metadata")
    return str(metadata.get("resourceVersion") or "") if isinstance(metadata, dict) else ""


def _select(labels: Mapping[str, str], fields: Mapping[str, str]) -> dict[str, str]:
    selectors = {"labelSelector": labels, "fieldSelector": fields}
    return {
        name: ",".join(f"{key}={value}" for key, value in wanted.items())
        for name, wanted in selectors.items()
        if wanted
    }


def _split_lines(blocks: Iterator[bytes], longest: int) -> Iterator[str]:
    begun, is_cut = b"", False
    for block in blocks:
        *whole, rest = block.split(b"\n")
        for end in whole:
            if not is_cut and len(begun) + len(end) <= longest:
                yield (begun + end).decode("utf-8", errors="replace")
            begun, is_cut = b"", False
        begun += rest if not is_cut else b""
        if len(begun) > longest:
            begun, is_cut = b"", True
