"""What the pods of a run print, as it comes: a thread a pod, and the events among the lines."""

import queue
import threading
import time
from collections.abc import Iterable
from typing import Final

from vtspec.pipelines.argo.pod_events import read_tagged_line
from vtspec.pipelines.errors import Permanent, Refused, Temporary
from vtspec.pipelines.runs.events import Event

from .kubernetes_client import LOG_SILENCE_S, KubernetesClient
from .run_workflow import Pod

CONTAINER: Final = "main"

_AGAIN_S: Final = 1.0
_OVERLAP_S: Final = round(LOG_SILENCE_S) + 30
"""How far back a log is read again whose connection ended: what was told twice is told once."""

_MOST: Final = 50_000
"""Events that may wait to be taken; a reader of more waits itself."""


class PodLogs:
    """The logs of a run's pods. Events may come doubled, and none is the last word: what the store
    has is."""

    def __init__(self, client: KubernetesClient, namespace: str, run: str) -> None:
        self._client, self._namespace, self._run = client, namespace, run
        self._events: queue.Queue[Event] = queue.Queue(_MOST)
        self._followed: dict[str, threading.Thread] = {}
        self._alive: frozenset[str] = frozenset()
        self._is_closed = False

    def follow(self, pods: Iterable[Pod]) -> None:
        """Read the logs of these pods too, as far as they have any."""
        pods = tuple(pods)
        self._alive = frozenset(pod.name for pod in pods if pod.is_alive)
        for pod in pods:
            if pod.has_begun and pod.name not in self._followed:
                thread = threading.Thread(
                    target=self._read, args=(pod.name,), name=f"log of {pod.name}", daemon=True
                )
                self._followed[pod.name] = thread
                thread.start()

    def take(self, wait_s: float) -> list[Event]:
        """The events told since, waiting for the first."""
        found: list[Event] = []
        try:
            found.append(self._events.get(timeout=wait_s))
            while True:
                found.append(self._events.get_nowait())
        except queue.Empty:
            return found

    def close(self) -> None:
        """Read no more; a thread that waits for a line ends with the process."""
        self._is_closed = True

    def _read(self, pod: str) -> None:
        since: int | None = None
        while not self._is_closed:
            try:
                for line in self._client.follow_log(self._namespace, pod, CONTAINER, since):
                    event = read_tagged_line(line, self._run)
                    if event is not None:
                        self._events.put(event)
                    if self._is_closed:
                        return
            # No log, or none for us: the store has all of it a little later.
            except (Permanent, Refused, Temporary):
                pass
            if pod not in self._alive:
                return
            since = _OVERLAP_S
            time.sleep(_AGAIN_S)
