"""The objects of a namespace, followed: listed once, and then what changes of them is told."""

import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Final

from vtspec.pipelines.errors import Temporary

from .api_errors import Expired, Unreachable
from .kubernetes_client import KubernetesClient, Object, Resource

SOONEST_S: Final = 0.5
LATEST_S: Final = 30.0
"""How soon, and how late at most, a server is asked anew that did not answer."""

FIRST_S: Final = 60.0
"""How long the first listing is waited for."""

OnChange = Callable[[Object | None, Object | None], None]
"""Takes an object as it was and as it is; None where it was, or is, not there."""


@dataclass(kw_only=True)
class ObjectWatch:
    """The objects of one kind that have these labels, as a thread that follows them has them.

    It goes on from what was told last, lists anew where the server does not know that any more,
    and says what keeps it from following for as long as that lasts. `open_client` is asked for a
    client with a credential that is good now. `on_change` is called by the thread and has to
    return at once; what the first listing has is no change.
    """

    open_client: Callable[[], KubernetesClient]
    resource: Resource
    namespace: str
    labels: Mapping[str, str]
    on_change: OnChange = lambda before, after: None
    soonest_s: float = SOONEST_S
    _objects: dict[str, Object] = field(default_factory=dict)
    _version: str = ""
    _is_listed: bool = False
    _problem: Exception | None = None
    _failures: int = 0
    _stopped: threading.Event = field(default_factory=threading.Event)
    _changed: threading.Condition = field(default_factory=threading.Condition)

    def start(self) -> None:
        """Begin to follow, until `stop`."""
        threading.Thread(target=self._run, daemon=True).start()

    def stop(self) -> None:
        """Follow no more. A thread that listens ends with what it is told next."""
        self._stopped.set()

    def find(self) -> list[Object]:
        """The objects there are now. Raises what keeps them from being followed."""
        with self._changed:
            self._changed.wait_for(lambda: self._is_listed or self._problem, FIRST_S)
            if self._problem is not None:
                raise self._problem
            if not self._is_listed:
                raise Temporary(f"{self.resource} in {self.namespace} were not listed yet")
            return list(self._objects.values())

    def note(self, name: str, found: Object | None) -> None:
        """Take in what was just read of an object, None where it is not there: what is told of
        it may be still to come."""
        with self._changed:
            self._keep(name, found)

    def _run(self) -> None:
        while not self._stopped.is_set():
            try:
                if not self._version:
                    self._list()
                self._follow()
            except Expired:
                self._version = ""
            # What nobody foresaw is raised to whoever looks next, and tried again as well.
            except Exception as error:
                self._failures += 1
                # A connection that was cut has lost nothing yet.
                if self._failures > 1 or not isinstance(error, Unreachable):
                    self._version = ""
                    self._note_problem(error)
                pause_s = self.soonest_s * 2 ** min(self._failures - 1, 10)
                self._stopped.wait(min(LATEST_S, pause_s))

    def _list(self) -> None:
        listing = self.open_client().list_objects(self.resource, self.namespace, self.labels)
        there = {_read_name(one): one for one in listing.items}
        with self._changed:
            before, is_first = self._objects, not self._is_listed
            self._objects, self._version = there, listing.version
            self._is_listed = True
            self._changed.notify_all()
        for name in () if is_first else sorted({*before, *there}):
            self._tell(before.get(name), there.get(name))

    def _follow(self) -> None:
        """Take in what changes, until the server ends its answer."""
        client = self.open_client()
        for one in client.watch(self.resource, self.namespace, self.labels, self._version):
            if self._stopped.is_set():
                return
            self._version = one.version or self._version
            if one.kind == "bookmark":
                self._failures, self._problem = 0, None
                continue
            name, after = _read_name(one.body), None if one.kind == "gone" else one.body
            with self._changed:
                before = self._objects.get(name)
                self._keep(name, after)
            self._tell(before, after)

    def _keep(self, name: str, found: Object | None) -> None:
        known = self._objects.get(name)
        if found is None:
            self._objects.pop(name, None)
        elif known is None or _read_version(found) >= _read_version(known):
            self._objects[name] = found

    def _tell(self, before: Object | None, after: Object | None) -> None:
        if before != after:
            self.on_change(before, after)

    def _note_problem(self, error: Exception) -> None:
        with self._changed:
            self._problem = error
            self._changed.notify_all()


def _read_metadata(one: Object) -> Mapping[str, object]:
    found = one.get("metadata")
    return found if isinstance(found, dict) else {}


def _read_name(one: Object) -> str:
    return str(_read_metadata(one).get("name") or "")


def _read_version(one: Object) -> int:
    """Versions of one object are numbers that grow: kubernetes.io/docs/reference/using-api
    /api-concepts, "Resource versions"."""
    told = str(_read_metadata(one).get("resourceVersion") or "")
    return int(told) if told.isdecimal() else 0
