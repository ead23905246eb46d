"""A repository with a cluster and a store on loopback, and what plays the pods of its runs."""

import json
import os
import re
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

from cluster_plans import a_published_plan
from kubernetes_server import KubernetesServer, await_true
from object_storage import ObjectStorage
from plan_repository import a_repository
from run_folders import Told
from vtspec.pipelines.cache_folder import get_mirror_folder
from vtspec.pipelines.cluster.run_follower import Pace
from vtspec.pipelines.execution.steps import StopSignal
from vtspec.pipelines.operations.cluster_runner import ClusterRequest
from vtspec.pipelines.operations.cluster_runs import run_on_cluster
from vtspec.pipelines.operations.plan import PlannedRun
from vtspec.pipelines.operations.run import RunCallbacks, RunRequest
from vtspec.pipelines.planning.plan_model import Plan
from vtspec.pipelines.project.repository import Repository, find_repository
from vtspec.pipelines.runs import Run, Runs
from vtspec.pipelines.runs.events import (
    PRINTED_PREFIX,
    Event,
    encode_event,
    read_body,
    seal_line,
)
from vtspec.pipelines.runs.object_store import ObjectStore

CLUSTER = """\
  registry: ghcr.io/acme
  remotes: {storage: {url: s3://acme/dvc}}
  cluster: {namespace: vision, volumeClaim: vtspec}
"""

FAST = Pace(look_s=0.1, fetch_s=0.3, gone_s=0.5, end_s=1.0)


@dataclass
class Heard:
    """What a follower told, and what ends its looking."""

    stop: StopSignal = field(default_factory=StopSignal)
    events: list[Event] = field(default_factory=list)
    said: list[str] = field(default_factory=list)

    @property
    def callbacks(self) -> RunCallbacks:
        return RunCallbacks(
            report=self.said.append,
            on_event=lambda event, _: self.events.append(event),
            stop=self.stop,
        )

    def kinds(self) -> list[str]:
        return [event.kind for event in self.events]


@dataclass
class World:
    """Everything that one test has: `here` is the cache of the machine that asks."""

    root: Path
    url: str
    server: KubernetesServer
    plan: Plan
    environ: Mapping[str, str]

    @property
    def repository(self) -> Repository:
        return find_repository(self.root).with_runs(self.runs_folder)

    @property
    def runs_folder(self) -> Path:
        return get_mirror_folder(self.url, self.environ)

    @property
    def runs(self) -> Runs:
        found = Runs(self.runs_folder)
        assert found.mirror is not None
        found.mirror.forget()
        return found

    @property
    def store(self) -> ObjectStore:
        return ObjectStore(self.url)

    def find_run(self) -> Run:
        """The only run there is."""
        (run,) = self.runs.list_runs()
        return run

    def keys(self) -> list[str]:
        return sorted(one.key for one in self.store.list_objects())

    def request(self, plan: Plan | None = None, **changes: Any) -> ClusterRequest:
        planned = PlannedRun(made=plan or self.plan, repository=self.repository)
        options = {"tracking": False, "command": "vtspec run deep --backend argo", **changes}
        request = RunRequest(planned=planned, **options)
        # Nobody fetches data here, and DVC takes seconds to say that it is nowhere.
        return ClusterRequest(request=request, pace=FAST, check=lambda *_: None)

    @contextmanager
    def running(self, heard: Heard, plan: Plan | None = None, **changes: Any) -> Iterator["Asked"]:
        """`run --backend argo` in a thread; left once it has answered."""
        with self.asking(self.request(plan, **changes), heard) as asked:
            yield asked

    @contextmanager
    def asking(self, request: ClusterRequest, heard: Heard) -> Iterator["Asked"]:
        """The same of a request."""
        asked = Asked(self, request, heard)
        asked.thread.start()
        try:
            yield asked
        except BaseException:
            heard.stop.request("stopped")
            raise
        finally:
            asked.thread.join(30)

    def run(self, heard: Heard | None = None, **changes: Any) -> Any:
        """`run --backend argo`, which has something to show or to refuse."""
        return run_on_cluster(self.request(**changes), (heard or Heard()).callbacks, self.environ)


class Asked:
    """A call that goes on while the test plays the cluster."""

    def __init__(self, world: World, request: ClusterRequest, heard: Heard) -> None:
        self.result: Any = None
        self.error: Exception | None = None

        def call() -> None:
            try:
                self.result = run_on_cluster(request, heard.callbacks, world.environ)
            except Exception as error:
                self.error = error

        self.thread = threading.Thread(target=call)


@dataclass
class Pods:
    """What the pods of a run do: they print events, and store them a little later."""

    world: World
    run: str
    name: str = "pod-of-train"
    lines: list[bytes] = field(default_factory=list)

    def begin(self) -> None:
        node = f"{self.run}-1"
        self.world.server.put_pod(self.run, "train", name=self.name, phase="Running", node=node)

    def tell(
        self, *told: Told, attempt: int = 1, step: str | None = None, is_printed: bool = True
    ) -> None:
        """Events as `vtspec step --print-events` tells them."""
        for kind, data in told:
            event = Event(
                run=self.run,
                attempt=attempt,
                seq=len(self.lines),
                time="2026-01-01T00:00:00.000Z",
                step=step or ("train" if kind.startswith("train") else None),
                body=read_body(kind, data),
            )
            line = seal_line(encode_event(event).encode())
            self.lines.append(line)
            if is_printed:
                self.world.server.print_line(self.name, f"{PRINTED_PREFIX}{line.decode()}")

    def finish(self, *steps: str) -> None:
        """Steps that come to a good end."""
        for step in steps:
            self.tell(("step.started", {}), step=step)
            self.tell(("step.finished", {"ending": "succeeded", "exit_code": 0}), step=step)

    def store(self) -> None:
        """All that was told so far is in the store, too."""
        self.world.store.put(
            f"{self.run}/events.jsonl", b"".join(line + b"\n" for line in self.lines)
        )

    def end(self, phase: str = "Succeeded") -> None:
        self.world.server.end_pod(self.name, phase)

    def read_stored(self) -> None:
        """As a pod that begins: it has what others wrote meanwhile."""
        found = self.world.store.read(f"{self.run}/events.jsonl")
        self.lines = [] if found is None else found[0].splitlines()


def a_world(root: Path, storage: ObjectStorage, server: KubernetesServer, bucket: str) -> World:
    """A fresh one; `os.environ` has to have the store's variables."""
    a_repository(root / "repository")
    with (root / "repository" / "vtspec.yaml").open("a") as file:
        file.write(CLUSTER)
    config = server.write_kubeconfig(root / "kubeconfig")
    environ = {**os.environ, "KUBECONFIG": str(config), "VTSPEC_CACHE": str(root / "cache")}
    url = f"{storage.make_bucket(bucket)}/team"
    plan = a_published_plan()
    return World(root=root / "repository", url=url, server=server, plan=plan, environ=environ)


def recorded_status(end: str, number: int = -1) -> Mapping[str, Any]:
    """What the real Argo said of a Workflow in a state on record, as if it were of now: what waits
    for a day is stopped."""
    folder = Path(__file__).parents[1] / "argo" / "recordings" / end
    text = sorted(folder.glob("*.json"))[number].read_text()
    times = [datetime.fromisoformat(one) for one in _TIME.findall(text)]
    later = datetime.now(UTC).replace(microsecond=0) - max(times, default=datetime.now(UTC))

    def move(found: re.Match[str]) -> str:
        return f"{datetime.fromisoformat(found[0]) + later:%Y-%m-%dT%H:%M:%SZ}"

    status = json.loads(_TIME.sub(move, text)).get("status", {})
    assert isinstance(status, dict)
    return status


_TIME: Final = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ")


def await_workflow(world: World, name: str) -> None:
    """Wait until the Workflow is there."""
    await_true(lambda: world.server.workflow(name), f"Workflow {name} is created")


SUBMITTER = """\
import json, os, signal, sys
from pathlib import Path
from cluster_world import Heard, World
from cluster_plans import a_published_plan
from vtspec.pipelines.runs.object_store import ObjectStore
from vtspec.pipelines.cluster.kubernetes_client import KubernetesClient
from vtspec.pipelines.operations import cluster_runs
import kubernetes.client, kubernetes.config

class Said(list):
    def append(self, line):
        super().append(line)
        # It is on the cluster: looked away from.
        heard.stop.request("stopped")

def counted(ask):
    def call(*given, **named):
        global left
        answer = ask(*given, **named)
        left -= 1
        if left == 0:
            os.kill(os.getpid(), signal.SIGKILL)
        return answer
    return call

plan = a_published_plan(**json.loads(sys.argv[3]))
world = World(root=Path(sys.argv[1]), url=sys.argv[2], server=None, plan=plan, environ=os.environ)
# What takes time, once: no child has to import it.
from vtspec.pipelines.cluster import submission
from vtspec.pipelines.operations.render import find_run_settings
find_run_settings(plan, world.repository)
for line in sys.stdin:
    child = os.fork()
    if child == 0:
        left, heard = int(line), Heard()
        heard.said = Said()
        ObjectStore._ask = counted(ObjectStore._ask)
        KubernetesClient._ask = counted(KubernetesClient._ask)
        world.run(heard)
        os._exit(0)
    print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), flush=True)
"""


class Submitter:
    """A process that asks for the plan as often as it is told to, each time anew, and is killed
    by itself after so many requests to store and cluster."""

    def __init__(self, world: World, spec: Mapping[str, Any] | None = None) -> None:
        """`spec` is what its plan has otherwise than the world's."""
        support = str(Path(__file__).parent)
        self._process = subprocess.Popen(
            [sys.executable, "-c", SUBMITTER, str(world.root), world.url, json.dumps(spec or {})],
            env={**os.environ, **world.environ, "PYTHONPATH": support},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def submit(self, requests: int = 10_000) -> bool:
        """Whether it came to its end; False where it was killed before."""
        assert self._process.stdin is not None and self._process.stdout is not None
        print(requests, file=self._process.stdin, flush=True)
        code = int(self._process.stdout.readline())
        assert code in (0, -signal.SIGKILL)
        return code == 0

    def close(self) -> None:
        assert self._process.stdin is not None and self._process.stdout is not None
        self._process.stdin.close()
        self._process.stdout.close()
        self._process.wait()
