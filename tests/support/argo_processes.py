"""Argo played by processes: each container of a Workflow is carried out here, one after another.

What a pod has of its own is a folder that goes with it; what pods share is a folder too. The API
server on loopback shows pods, logs and status as the real one does, so far as a client looks.
"""

import json
import os
import shutil
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from kubernetes_server import KubernetesServer, Object, await_true

_MAIN = "from vtspec.cli.main import main; main()"
_RETRIED = (75, 143, -15)
_DELETED = -9
_OWN_LABEL = "metadata.labels['workflows.argoproj.io/workflow']"


class ArgoProcesses:
    """Carries out what is created on `server`. `claim` is the volume that pods share, and
    `environment` what their Secrets hold."""

    def __init__(
        self, server: KubernetesServer, folder: Path, environment: Mapping[str, str]
    ) -> None:
        self.claim, self._folder = folder / "claim", folder / "pods"
        (self.claim / "data").mkdir(parents=True)
        self._server, self._environment = server, dict(environment)
        self._threads: list[threading.Thread] = []
        self._processes: dict[str, subprocess.Popen[bytes]] = {}
        self._is_closed = False
        server.created = self._begin

    def kill_pod(self, step: str) -> None:
        """The pod of a step is gone, as with its node: nothing more comes of it."""
        self._signal(step, signal.SIGKILL)

    @contextmanager
    def paused(self, step: str) -> Iterator[None]:
        """Within, the pod of a step gets no turn of the processor."""
        self._signal(step, signal.SIGSTOP)
        try:
            yield
        finally:
            self._signal(step, signal.SIGCONT)

    def _signal(self, step: str, number: signal.Signals) -> None:
        for name, process in list(self._processes.items()):
            if f"-{step}-" in name and process.poll() is None:
                os.killpg(process.pid, number)

    def is_at_work(self, step: str) -> bool:
        """Whether a pod of the step runs now."""
        return any(
            f"-{step}-" in name and process.poll() is None
            for name, process in list(self._processes.items())
        )

    def close(self) -> None:
        """End every pod, and wait until nothing of them is left."""
        self._is_closed = True
        for process in list(self._processes.values()):
            if process.poll() is None:
                os.killpg(process.pid, signal.SIGKILL)
        for thread in self._threads:
            thread.join(30)

    def _begin(self, created: Object) -> None:
        if "entrypoint" not in created.get("spec", {}):
            return
        thread = threading.Thread(target=self._carry_out, args=(created,))
        self._threads.append(thread)
        thread.start()

    def _carry_out(self, workflow: Object) -> None:
        name, uid = workflow["metadata"]["name"], workflow["metadata"]["uid"]
        nodes: dict[str, Object] = {}
        for template in workflow["spec"]["templates"][1:]:
            code = self._carry_out_step(workflow, template, nodes)
            if self._find(name, uid) is None:
                return
            if code != 0:
                self._tell(name, uid, nodes, "Failed")
                return
        self._tell(name, uid, nodes, "Succeeded")

    def _carry_out_step(self, workflow: Object, template: Object, nodes: dict[str, Object]) -> int:
        run, uid = workflow["metadata"]["name"], workflow["metadata"]["uid"]
        step, code = template["name"], 1
        for number in range(template["retryStrategy"]["limit"] + 1):
            pod = f"{run}-{step}-{uid[:6]}{number}"
            node = {
                "id": pod,
                "type": "Pod",
                "templateName": step,
                "displayName": f"{step}({number})",
                "phase": "Running",
                "hostNodeName": "here",
            }
            nodes[pod] = node
            self._server.put_pod(run, step, name=pod, phase="Running", node=pod)
            self._tell(run, uid, nodes, "Running")
            code = self._run_pod(workflow, template, pod)
            if code == 0:
                node["phase"] = "Succeeded"
                return 0
            shutdown = (self._find(run, uid) or workflow)["spec"].get("shutdown")
            node |= {"phase": "Failed", "message": f"main: Error (exit code {code})"}
            node["outputs"] = {"exitCode": str(code)}
            if code == _DELETED:
                node |= {"phase": "Error", "message": "pod deleted"}
            if shutdown:
                node["message"] = f"workflow shutdown with strategy:  {shutdown}"
                return code
            if code not in (*_RETRIED, _DELETED) or self._is_closed:
                return code
        return code

    def _run_pod(self, workflow: Object, template: Object, pod: str) -> int:
        container = template["container"]
        # At the same path as the pod before, of which nothing is left.
        own = self._folder / workflow["metadata"]["name"]
        own.mkdir(parents=True)
        (own / "cache").mkdir()
        (own / "cache" / "data").symlink_to(self.claim / "data")
        places = {"/etc/vtspec": str(own), "/vtspec/cache": str(own / "cache"), "/tmp": str(own)}
        (own / "plan.json").write_text(self._read_plan(workflow))
        words = [_map(word, places) for word in container["args"]]
        assert container["command"] == ["vtspec", "step"]
        kept = ("PATH", "PYTHONPATH", "LANG", "COVERAGE_PROCESS_START")
        variables = {name: os.environ[name] for name in kept if name in os.environ}
        name, namespace = (workflow["metadata"][key] for key in ("name", "namespace"))
        own_fields = {"metadata.namespace": namespace, _OWN_LABEL: name}
        variables |= {
            one["name"]: _map(one["value"], places)
            if "value" in one
            else own_fields[one["valueFrom"]["fieldRef"]["fieldPath"]]
            for one in container["env"]
        }
        # A pod is told nothing of where its runs are but by its Secret.
        process = subprocess.Popen(
            [sys.executable, "-c", _MAIN, "step", *words],
            cwd=own,
            env={**variables, **self._environment},
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
        self._processes[pod] = process
        asked = threading.Thread(target=self._watch, args=(workflow, process))
        asked.start()
        assert process.stdout is not None
        for line in process.stdout:
            self._server.print_line(pod, line.decode(errors="replace").rstrip("\n"))
        process.stdout.close()
        code = process.wait()
        asked.join()
        self._server.end_pod(pod, "Succeeded" if code == 0 else "Failed")
        # With the pod its folder is gone; a training whose step was killed writes until it
        # notices.
        await_true(lambda: _remove(own), f"{own} is gone")
        return code

    def _watch(self, workflow: Object, process: "subprocess.Popen[bytes]") -> None:
        """Do what is asked of a Workflow while a pod of it runs."""
        name, uid = workflow["metadata"]["name"], workflow["metadata"]["uid"]
        asked = False
        while process.poll() is None:
            found = self._find(name, uid)
            shutdown = "Terminate" if found is None else found["spec"].get("shutdown")
            if shutdown == "Terminate":
                os.killpg(process.pid, signal.SIGKILL)
            elif shutdown and not asked:
                # To the container's first process, as the kubelet does.
                process.send_signal(signal.SIGTERM)
                asked = True
            with self._server.changed:
                self._server.changed.wait(0.1)

    def _read_plan(self, workflow: Object) -> str:
        (volume,) = [v for v in workflow["spec"]["volumes"] if v["name"] == "plan"]
        path = f"/api/v1/namespaces/vision/configmaps/{volume['configMap']['name']}"
        with self._server.changed:
            text = self._server.objects[path]["data"]["plan.json"]
        assert json.loads(text)
        return str(text)

    def _find(self, name: str, uid: str) -> Object | None:
        found = self._server.workflow(name)
        return found if found is not None and found["metadata"]["uid"] == uid else None

    def _tell(self, name: str, uid: str, nodes: Mapping[str, Any], phase: str) -> None:
        if self._find(name, uid) is not None:
            self._server.play(name, {"phase": phase, "nodes": dict(nodes)})


def _remove(folder: Path) -> bool:
    shutil.rmtree(folder, ignore_errors=True)
    return not folder.exists()


def _map(text: str, places: Mapping[str, str]) -> str:
    for inside, here in places.items():
        if text == inside or text.startswith(f"{inside}/"):
            return here + text[len(inside) :]
    return text
