"""Objects of a Kubernetes, by its official client, as whoever calls: their kubeconfig, its current
context.

Plain data goes in and comes out. The package is imported when a cluster is first asked: it takes
seconds.
"""

import importlib
import json
import logging
import os
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, Final
from urllib.parse import quote

from vtspec.pipelines.address import parse_address
from vtspec.pipelines.errors import Permanent, Temporary, refuse_import
from vtspec.pipelines.redaction import Redactor, make_redactor
from vtspec.schema.visible_text import shorten_visibly

from .api_errors import (
    CREATED_ALREADY,
    FORBIDDEN,
    GONE,
    INVALID,
    ApiCall,
    Unreachable,
    explain_answer,
    is_absent_object,
    read_message,
)

Object = dict[str, Any]

TIMEOUT_S: Final = (5.0, 30.0)
"""Until there is a connection, and between two words of an answer."""

LOG_SILENCE_S: Final = 60.0
"""How long a log may be silent until its connection is taken for dead."""

_USE_CONTEXT: Final = "kubectl config get-contexts, then: kubectl config use-context NAME"
_OTHER_FILE: Final = "export KUBECONFIG=FILE, another one"

_LACKING: Final = re.compile(r"object with name (\S+) in .*/(contexts|clusters|users) list")
_LACKING_KEY: Final = re.compile(r"Expected key (\S+) in ")
_NO_FILE: Final = re.compile(r"File does not exist: (\S+)")
"""What the package says of a kubeconfig that it cannot use, without its secrets."""

_LONGEST_LINE: Final = 1 << 20


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
        self._api, self._redactor = _open(environ)
        self.server = str(parse_address(self._api.configuration.host))
        self.namespace = _find_context_namespace(environ)

    def create(self, resource: Resource, namespace: str, body: Mapping[str, Any]) -> bool:
        """Make an object; False where one of its name is there."""
        call = self._call("create", resource, namespace)
        request = _Request(method="POST", path=_path(resource, namespace), body=dict(body))
        status, answer = self._ask(call, request)
        if status == CREATED_ALREADY:
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
        call = self._call("list", resource, namespace)
        selectors = {"labelSelector": labels, "fieldSelector": fields or {}}
        query = {
            name: ",".join(f"{key}={value}" for key, value in wanted.items())
            for name, wanted in selectors.items()
            if wanted
        }
        request = _Request(path=_path(resource, namespace), query=query)
        status, answer = self._ask(call, request)
        self._check(call, status, answer)
        items = _read(answer).get("items")
        return [one for one in items if isinstance(one, dict)] if isinstance(items, list) else []

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
        is_other = status == CREATED_ALREADY or (
            status == INVALID and "metadata.uid" in read_message(answer)
        )
        if (uid is not None and is_other) or (status == GONE and is_absent_object(answer)):
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
        if status == CREATED_ALREADY or (status == GONE and is_absent_object(answer)):
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
        with self._translated(call):
            answer = self._send(
                _Request(
                    path=f"{_path(PODS, namespace, pod)}/log",
                    query=query,
                    timeout_s=(TIMEOUT_S[0], LOG_SILENCE_S),
                )
            )
            if answer.status >= 300:
                self._check(call, answer.status, answer.read())
            # Whatever is there: a stream by size would wait for more of it.
            yield from _split_lines(iter(lambda: answer.response.read1(1 << 16), b""))

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
            return int(answer.status), bytes(answer.read() or b"")

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


def _split_lines(blocks: Iterator[bytes]) -> Iterator[str]:
    begun, is_cut = b"", False
    for block in blocks:
        *whole, rest = block.split(b"\n")
        for end in whole:
            if not is_cut and len(begun) + len(end) <= _LONGEST_LINE:
                yield (begun + end).decode("utf-8", errors="replace")
            begun, is_cut = b"", False
        begun += rest if not is_cut else b""
        if len(begun) > _LONGEST_LINE:
            begun, is_cut = b"", True


def _open(environ: Mapping[str, str]) -> tuple[Any, Redactor]:
    try:
        client = importlib.import_module("kubernetes.client")
        config = importlib.import_module("kubernetes.config")
    except ImportError as error:
        raise refuse_import(
            error,
            "kubernetes",
            "a cluster is asked by the package kubernetes",
            "pip install 'vtspec[cluster]'",
        ) from error
    settings = client.Configuration()
    # What is tried again is for whoever calls to say, and each try is to be short.
    settings.retries = 1
    told: list[str] = []
    file = environ.get("KUBECONFIG") or None
    try:
        with _collect_log(told):
            config.load_kube_config(config_file=file, client_configuration=settings)
    # A file that somebody wrote by hand may be anything; what it holds is not to be shown.
    except Exception as error:
        if not isinstance(error, config.ConfigException | OSError | ValueError | LookupError) and (
            type(error).__module__.partition(".")[0] not in ("yaml", "binascii", "builtins")
        ):
            raise
        raise _refuse_config(file, error) from None
    if any("exec" in line for line in told):
        raise Permanent(
            "the program that your kubeconfig names gave no credential for the cluster",
            fix="see what it says: kubectl get namespaces",
        )
    return client.ApiClient(configuration=settings), _make_redactor(settings, environ)


def _find_context_namespace(environ: Mapping[str, str]) -> str:
    """The namespace that the current context means, as kubectl takes it."""
    config = importlib.import_module("kubernetes.config")
    _, current = config.list_kube_config_contexts(config_file=environ.get("KUBECONFIG") or None)
    return str((current.get("context") or {}).get("namespace") or "default")


def _refuse_config(file: str | None, error: Exception) -> Permanent:
    shown, said = file or "~/.kube/config", str(error)
    mark = getattr(error, "problem_mark", None)
    if "No configuration found" in said:
        why, fix = f"there is no kubeconfig: {shown}", "export KUBECONFIG=FILE"
    elif "current-context" in said:
        why, fix = f"{shown} has no current context", _USE_CONTEXT
    elif found := _LACKING.search(said):
        what = {"contexts": "is", "clusters": "names the cluster", "users": "names the user"}
        why = f"the current context of {shown} {what[found[2]]} {found[1]}, which it does not have"
        fix = _USE_CONTEXT
    elif found := _LACKING_KEY.search(said):
        why, fix = f"{shown} has no '{found[1]}'", _OTHER_FILE
    elif found := _NO_FILE.search(said):
        why = f"{shown} names a file that is not there: {found[1]}"
        fix = f"bring it back, or {_OTHER_FILE}"
    elif mark is not None:
        # No word of it, which may be a secret's.
        why = f"{shown}:{mark.line + 1}:{mark.column + 1}: no YAML can be read from here on"
        fix = f"mend it there, or {_OTHER_FILE}"
    else:
        why, fix = f"{shown} is no kubeconfig", _OTHER_FILE
    return Permanent(shorten_visibly(why, 400), fix=fix)


def _make_redactor(settings: Any, environ: Mapping[str, str]) -> Redactor:
    known = make_redactor(environ)
    tokens = {str(token) for token in (settings.api_key or {}).values()}
    bare = {token.partition(" ")[2] for token in tokens}
    secrets = {one for one in (*tokens, *bare, str(settings.password or "")) if len(one) > 5}
    return Redactor(secrets=known.secrets | secrets, places=known.places)


@contextmanager
def _collect_log(told: list[str]) -> Iterator[None]:
    """Keep from standard error what the package logs of a plug-in, which may be a secret."""

    class Collector(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            told.append(record.getMessage())

    handler, root = Collector(), logging.getLogger()
    root.addHandler(handler)
    try:
        yield
    finally:
        root.removeHandler(handler)
