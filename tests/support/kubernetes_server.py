"""A Kubernetes API server on loopback, for clients: it keeps objects, and tells of what it cannot.

Real HTTP under a real kubeconfig. What plays Argo is given with it: `play` shows the states that
the real one went through, from a recording; `argo_processes` carries containers out.
"""

import copy
import json
import threading
import time
import uuid
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import SplitResult, parse_qs, urlsplit

from server_faults import Fault, take_fault

Object = dict[str, Any]
TOKEN = "canary-token-0123456789abcdef"
WORKFLOWS = "/apis/argoproj.io/v1alpha1"
PENDING = "/apis/visibility.kueue.x-k8s.io/v1beta1"
_SERVED = ("/api/v1", WORKFLOWS, "/apis/kueue.x-k8s.io/v1beta1", PENDING)
_VERBS = {"POST": "create", "PATCH": "patch", "DELETE": "delete"}
_WORKFLOW_LABEL = "workflows.argoproj.io/workflow"


@dataclass
class PodLog:
    """What a container has printed so far, and whether it is over."""

    lines: list[bytes] = field(default_factory=list)
    is_over: bool = False


@dataclass(frozen=True, kw_only=True)
class Asked:
    """A request, taken apart."""

    method: str
    path: str
    query: Mapping[str, str]
    body: Any


class KubernetesServer:
    """`objects` by path. What a test sets changes the answers at once:

    `denied` are (verb, resource) that this caller may not, a resource also as `pods in NAMESPACE`,
    `absent` APIs that are not served, `holds_changes` that who watches is told nothing for now,
    `away` those that others serve, who do not answer, `admit` says why a new object is refused,
    `drops` how many answers are to get lost after what was asked has been done, `is_down` that
    nothing is answered, `faults` what befalls single requests.
    """

    def __init__(self) -> None:
        self.objects: dict[str, Object] = {}
        self.logs: dict[str, PodLog] = {}
        self.asked: list[tuple[str, str]] = []
        self.denied: set[tuple[str, str]] = set()
        self.absent: set[str] = set()
        self.away: set[str] = set()
        self.namespaces = {"vision"}
        self.uid = uuid.uuid4().hex
        self.admit: Callable[[Object], str | None] = lambda _: None
        self.created: Callable[[Object], None] = lambda _: None
        self.drops = 0
        self.is_down = False
        self.version = 1
        self.oldest = 0
        self.changes: list[tuple[int, str, str, str]] = []
        self.watches = 0
        self.holds_changes = False
        self.is_stopped = False
        self.faults: list[Fault] = []
        self.changed = threading.Condition(threading.RLock())
        self._http = ThreadingHTTPServer(
            ("127.0.0.1", 0), type("Handler", (_Handler,), {"kubernetes": self})
        )
        self._http.daemon_threads = True
        self.endpoint = f"http://127.0.0.1:{self._http.server_address[1]}"
        self._thread = threading.Thread(target=self._http.serve_forever, args=(0.01,))

    def start(self) -> None:
        self._thread.start()

    def cut_watches(self) -> None:
        """End what is told to those who watch."""
        with self.changed:
            self.watches += 1
            self.changed.notify_all()

    def stop(self) -> None:
        with self.changed:
            self.is_stopped = True
            for log in self.logs.values():
                log.is_over = True
            self.changed.notify_all()
        self._http.shutdown()
        self._thread.join()
        self._http.server_close()

    def write_kubeconfig(self, path: Path, *, token: str = TOKEN) -> Path:
        """A kubeconfig whose current context is this server."""
        context = {"cluster": "here", "user": "jin", "namespace": "vision"}
        config = {
            "apiVersion": "v1",
            "kind": "Config",
            "current-context": "here",
            "clusters": [{"name": "here", "cluster": {"server": self.endpoint}}],
            "users": [{"name": "jin", "user": {"token": token}}],
            "contexts": [{"name": "here", "context": context}],
        }
        path.write_text(json.dumps(config))
        return path

    def workflow_path(self, name: str) -> str:
        return f"{WORKFLOWS}/namespaces/vision/workflows/{name}"

    def workflow(self, name: str) -> Object | None:
        """The Workflow of that name, as it is now."""
        with self.changed:
            return copy.deepcopy(self.objects.get(self.workflow_path(name)))

    def workflows(self) -> list[str]:
        """The names of all Workflows."""
        with self.changed:
            prefix = self.workflow_path("")
            return sorted(path[len(prefix) :] for path in self.objects if path.startswith(prefix))

    def count(self, method: str, what: str) -> int:
        """How often something was asked of paths with a word in them."""
        return sum(1 for verb, path in self.asked if verb == method and what in path)

    def put(self, path: str, body: Object) -> Object:
        """Keep an object, as if it had been created."""
        with self.changed:
            stored = copy.deepcopy(body)
            stored.setdefault("metadata", {})
            stored["metadata"].setdefault("uid", uuid.uuid4().hex)
            now = datetime.now(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")
            stored["metadata"].setdefault("creationTimestamp", now)
            kind = "MODIFIED" if path in self.objects else "ADDED"
            self.objects[path] = stored
            self._note(kind, path, stored)
            return stored

    def _note(self, kind: str, path: str, stored: Object) -> None:
        """Give an object that has changed a version, and keep the change for who watches."""
        self.version += 1
        stored["metadata"]["resourceVersion"] = str(self.version)
        self.changes.append((self.version, kind, path, json.dumps(stored)))
        self.changed.notify_all()

    def forget_changes(self) -> None:
        """As when etcd is compacted: whoever watches has to list anew."""
        with self.changed:
            self.oldest = self.version + 1
            self.changes.clear()
            self.changed.notify_all()

    def put_pod(self, run: str, step: str, *, name: str, phase: str, **metadata: Any) -> Object:
        """A pod of a run's step, with its log."""
        labels = {_WORKFLOW_LABEL: run, "vtspec.dev/step": step}
        annotations = {"workflows.argoproj.io/node-id": metadata.pop("node", name)}
        with self.changed:
            self.logs.setdefault(name, PodLog())
            return self.put(
                f"/api/v1/namespaces/vision/pods/{name}",
                {
                    "kind": "Pod",
                    "metadata": {"name": name, "labels": labels, "annotations": annotations},
                    "status": {"phase": phase},
                    **metadata,
                },
            )

    def print_line(self, pod: str, line: str) -> None:
        """A line on a pod's standard output."""
        with self.changed:
            self.logs.setdefault(pod, PodLog()).lines.append(line.encode() + b"\n")
            self.changed.notify_all()

    def end_pod(self, pod: str, phase: str) -> None:
        """A pod's main container has ended."""
        with self.changed:
            self.logs.setdefault(pod, PodLog()).is_over = True
            found = self.objects.get(f"/api/v1/namespaces/vision/pods/{pod}")
            if found is not None:
                found["status"]["phase"] = phase
            self.changed.notify_all()

    def play(self, name: str, status: Mapping[str, Any]) -> None:
        """The Workflow's status becomes that of a recorded state."""
        with self.changed:
            path = self.workflow_path(name)
            self.objects[path]["status"] = copy.deepcopy(dict(status))
            self._note("MODIFIED", path, self.objects[path])

    def play_gone(self, name: str) -> None:
        """Somebody deleted the Workflow."""
        with self.changed:
            self._remove(self.workflow_path(name))

    def answer(self, asked: "Asked", verb: str | None = None) -> tuple[int, Object | str]:
        """The status and body of an answer."""
        method, path = asked.method, asked.path
        with self.changed:
            self.asked.append(("WATCH" if verb == "watch" else method, path))
            api = next((one for one in _SERVED if path.startswith(f"{one}/")), None)
            if api is None or api in self.absent:
                return 404, "404 page not found\n"
            if api in self.away:
                return 503, "service unavailable\n"
            namespace, resource, name = _take_apart(path.removeprefix(f"{api}/"))
            verb = verb or _VERBS.get(method) or ("get" if name else "list")
            refused = self._refuse(verb, method, namespace, resource)
            if refused is not None:
                return refused
            if resource == "namespaces":
                return 200, {"metadata": {"name": namespace, "uid": f"{namespace}-{self.uid}"}}
            return self._answer(asked, resource, name)

    def _refuse(
        self, verb: str, method: str, namespace: str, resource: str
    ) -> tuple[int, Object] | None:
        if {(verb, resource), (verb, f"{resource} in {namespace}")} & self.denied:
            return 403, _status(
                403,
                f'{resource} is forbidden: User "jin" cannot {verb} resource "{resource}" in '
                f'the namespace "{namespace}"',
            )
        if namespace not in self.namespaces and (method == "POST" or resource == "namespaces"):
            said = _status(404, f'namespaces "{namespace}" not found')
            said["details"] = {"name": namespace, "kind": "namespaces"}
            return 404, said
        return None

    def _answer(self, asked: "Asked", resource: str, name: str | None) -> tuple[int, Object]:
        path, body = asked.path, asked.body
        if asked.method == "POST":
            return self._create(path, resource, body)
        if name is None:
            wanted = _read_selector(asked.query)
            items = [
                one
                for where, one in self.objects.items()
                if where.startswith(f"{path}/")
                and wanted.items() <= _read_labels(one, wanted).items()
            ]
            return 200, {"items": items, "metadata": {"resourceVersion": str(self.version)}}
        found = self.objects.get(path)
        if found is None:
            said = _status(404, f'{resource} "{name}" not found')
            said["details"] = {"name": name, "kind": resource}
            return 404, said
        if asked.method == "PATCH":
            uid = body.get("metadata", {}).get("uid", found["metadata"]["uid"])
            if uid != found["metadata"]["uid"]:
                return 422, _status(422, f"metadata.uid: Invalid value: {uid}: field is immutable")
            known = found["metadata"]["resourceVersion"]
            if body.get("metadata", {}).get("resourceVersion", known) != known:
                said = _status(409, f"{resource} {name!r}: the object has been modified")
                return 409, {**said, "reason": "Conflict"}
            _merge(found, body)
            self._note("MODIFIED", path, found)
        if asked.method == "DELETE":
            uid = (body or {}).get("preconditions", {}).get("uid")
            if uid is not None and uid != found["metadata"]["uid"]:
                return 409, _status(409, f"the UID in the precondition ({uid}) does not match")
            self._remove(path)
        return 200, found

    def _create(self, path: str, resource: str, body: Object) -> tuple[int, Object]:
        name = body["metadata"]["name"]
        if f"{path}/{name}" in self.objects:
            said = _status(409, f'{resource} "{name}" already exists')
            return 409, {**said, "reason": "AlreadyExists"}
        refused = self.admit(body)
        if refused is not None:
            return 403, _status(403, refused)
        stored = self.put(f"{path}/{name}", body)
        self.created(copy.deepcopy(stored))
        return 201, stored

    def _remove(self, path: str) -> None:
        removed = self.objects.pop(path)
        self._note("DELETED", path, removed)
        name = removed["metadata"]["name"]
        for other, one in list(self.objects.items()):
            if one["metadata"].get("labels", {}).get(_WORKFLOW_LABEL) == name:
                del self.objects[other]
                self.logs.pop(one["metadata"]["name"], PodLog()).is_over = True
        self.changed.notify_all()


def _read_selector(query: Mapping[str, str]) -> dict[str, str]:
    selector = query.get("labelSelector")
    return dict(part.split("=") for part in selector.split(",")) if selector else {}


def _read_labels(one: Object, wanted: Mapping[str, str]) -> Mapping[str, str]:
    """Those of an object; of one that is broken what is wanted, so that a client meets it."""
    try:
        labels = one["metadata"].get("labels", {})
        return labels if isinstance(labels, dict) else wanted
    except (KeyError, AttributeError):
        return wanted


def _take_apart(rest: str) -> tuple[str, str, str | None]:
    parts = rest.split("/")
    assert parts[0] == "namespaces", rest
    if len(parts) == 2:
        return parts[1], "namespaces", parts[1]
    return parts[1], parts[2], "/".join(parts[3:]) or None


def _merge(into: Object, change: Mapping[str, Any]) -> None:
    for key, value in change.items():
        if isinstance(value, dict):
            _merge(into.setdefault(key, {}), value)
        elif value is None:
            into.pop(key, None)
        else:
            into[key] = value


def _status(code: int, message: str) -> Object:
    return {"kind": "Status", "status": "Failure", "code": code, "message": message}


class _Handler(BaseHTTPRequestHandler):
    kubernetes: KubernetesServer

    def do_GET(self) -> None:
        if self.kubernetes.is_down:
            self.connection.close()
            return
        parts = urlsplit(self.path)
        token = self.headers.get("Authorization", "nothing")
        if token != f"Bearer {TOKEN}":
            # As some do, it says what it was given.
            self._send(401, _status(401, f"Unauthorized: {token}"))
        elif parts.path.endswith("/log"):
            self._send_log(parts.path.split("/")[-2])
        else:
            self._send_answer(parts)

    do_POST = do_PATCH = do_DELETE = do_GET

    def _send_answer(self, parts: SplitResult) -> None:
        query = {key: values[0] for key, values in parse_qs(parts.query).items()}
        length = int(self.headers.get("Content-Length") or 0)
        body = json.loads(self.rfile.read(length)) if length else None
        asked = Asked(method=self.command, path=parts.path, query=query, body=body)
        if query.get("watch") == "true":
            self._send_changes(asked)
            return
        fault = take_fault(self.kubernetes.faults, self.command, parts.path)
        if fault is not None and self._befall(fault, asked):
            return
        status, answer = self.kubernetes.answer(asked)
        if self.command != "GET" and self.kubernetes.drops > 0:
            self.kubernetes.drops -= 1
            self.connection.close()
            return
        self._send(status, answer)

    def _befall(self, fault: Fault, asked: Asked) -> bool:
        """Whether that was all that is answered."""
        if fault.until is not None:
            fault.until.wait(30)
        if fault.drop == "after":
            self.kubernetes.answer(asked)
        elif fault.drop is not None or fault.status is not None or fault.raw is not None:
            self.kubernetes.asked.append((asked.method, asked.path))
        else:
            return False
        if fault.status is not None:
            self._send(fault.status, _status(fault.status, fault.message), fault.headers)
        elif fault.raw is not None:
            self.wfile.write(fault.raw)
        self.close_connection = True
        return True

    def _send(
        self, status: int, answer: Object | str, headers: Mapping[str, str] | None = None
    ) -> None:
        with self.kubernetes.changed:
            text = answer if isinstance(answer, str) else json.dumps(answer)
        raw = text.encode()
        self.send_response(status)
        for name, value in (headers or {}).items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(raw)))
        self.end_headers()
        self.wfile.write(raw)

    def _send_log(self, pod: str) -> None:
        server = self.kubernetes
        with server.changed:
            log = server.logs.get(pod)
            server.asked.append(("GET", self.path))
        if log is None:
            said = _status(404, f'pods "{pod}" not found')
            said["details"] = {"name": pod, "kind": "pods"}
            self._send(404, said)
            return
        self.send_response(200)
        self.end_headers()
        for line in _read_log(server, log):
            try:
                self.wfile.write(line)
                self.wfile.flush()
            except OSError:
                return

    def _send_changes(self, asked: Asked) -> None:
        server = self.kubernetes
        status, answer = server.answer(replace(asked, query={}), verb="watch")
        if status != 200:
            self._send(status, answer)
            return
        self.send_response(200)
        self.end_headers()
        try:
            for line in _read_changes(server, asked):
                self.wfile.write(line.encode() + b"\n")
                self.wfile.flush()
        except OSError:
            pass

    def log_message(self, format: str, *args: Any) -> None:
        pass


def _read_log(server: KubernetesServer, log: PodLog) -> Iterator[bytes]:
    sent = 0
    while True:
        with server.changed:
            lines = log.lines[sent:]
            if not lines:
                if log.is_over:
                    return
                server.changed.wait(0.2)
        sent += len(lines)
        yield from lines


def _read_changes(server: KubernetesServer, asked: Asked) -> Iterator[str]:
    """What changes after the version that is asked from, until watches are cut."""
    version, wanted = int(asked.query.get("resourceVersion") or 0), _read_selector(asked.query)
    with server.changed:
        generation = server.watches
    while True:
        with server.changed:
            if server.watches != generation or server.is_stopped:
                return
            if version < server.oldest - 1:
                body = json.dumps(_status(410, f"too old resource version: {version}"))
                yield f'{{"type": "ERROR", "object": {body}}}'
                return
            is_held = server.holds_changes
            later = [one for one in server.changes if one[0] > version and not is_held]
            if not later:
                server.changed.wait(0.2)
        for number, kind, path, text in later:
            version = number
            labels = json.loads(text)["metadata"].get("labels", {})
            if path.startswith(f"{asked.path}/") and wanted.items() <= labels.items():
                yield f'{{"type": "{kind}", "object": {text}}}'


@contextmanager
def running_kubernetes() -> Iterator[KubernetesServer]:
    server = KubernetesServer()
    server.start()
    try:
        yield server
    finally:
        server.stop()


def await_true(is_so: Callable[[], object], what: str, timeout_s: float = 20.0) -> None:
    """Wait until it is so."""
    deadline = time.monotonic() + timeout_s
    while not is_so():
        assert time.monotonic() < deadline, f"not within {timeout_s:g} s: {what}"
        time.sleep(0.02)
