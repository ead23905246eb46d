"""A cluster as whoever uses it sees it: up, down, and a command run inside."""

import contextlib
import fcntl
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

from local_cluster import cgroups
from local_cluster.errors import ClusterError
from local_cluster.host import NAMESPACES, check_host
from local_cluster.programs import Programs, Tell, cache_folder

# In the environment of all that a cluster starts, except containers.
_MARK = "VTSPEC_CLUSTER_NODE"
_SUPPORT = Path(__file__).parents[1]


class Cluster:
    """One cluster of this machine, by its name. Several may run beside each other."""

    def __init__(self, name: str) -> None:
        if not re.fullmatch(r"[a-z][a-z0-9-]{0,20}", name):
            raise ClusterError(
                f"VTSPEC_CLUSTER: must be lower-case letters, digits and '-', got '{name}'",
                fix="VTSPEC_CLUSTER=tests",
            )
        self.name = name
        self.folder = cache_folder() / "nodes" / name
        self.cgroup_root = f"/vtspec-{name}"

    def pid(self) -> int | None:
        """The supervisor's process as this machine numbers it, or None: the cluster is not up."""
        try:
            pid = int((self.folder.parent / f"{self.name}.pid").read_text())
            command = Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")
        except (OSError, ValueError):
            return None
        # Another process may have the number by now.
        return pid if os.fsencode(self.folder / "cluster.json") in command else None

    def start(self, programs: Programs, tell: Tell) -> None:
        """Start the cluster and return when it is ready, or leave nothing of it behind.

        Raises:
            ClusterError: a program did not start, with the end of its log; or it is up already.
        """
        check_host()
        with self._locked():
            if self.pid() is not None:
                raise ClusterError(f"cluster '{self.name}' is up already", fix="make cluster-down")
            self._sweep()
            (self.folder / "log").mkdir(parents=True)
            description = {
                "folder": str(self.folder),
                "cgroup_root": self.cgroup_root,
                "programs": programs.to_json(),
            }
            (self.folder / "cluster.json").write_text(json.dumps(description))
            self._start(tell)

    def _start(self, tell: Tell) -> None:
        # In a session of its own it hears no Ctrl-C; that we are gone ends it in order.
        with (self.folder / "log" / "supervisor.log").open("ab") as log:
            process = subprocess.Popen(
                [
                    *NAMESPACES,
                    *(sys.executable, "-m", "local_cluster.supervisor"),
                    str(self.folder / "cluster.json"),
                ],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=log,
                env={**os.environ, "PYTHONPATH": str(_SUPPORT), _MARK: self.name},
                cwd="/",
                start_new_session=True,
                text=True,
            )
        assert process.stdout is not None and process.stdin is not None
        ready = False
        try:
            for line in process.stdout:
                message = json.loads(line)
                match message:
                    case {"started": name, "seconds": seconds}:
                        tell(f"{name}: {seconds:.1f} s")
                    case {"failed": what, "fix": fix}:
                        raise ClusterError(what, fix=fix)
                    case {"ready": seconds}:
                        self._write_pid(process.pid)
                        process.stdin.write("k")
                        process.stdin.close()
                        tell(f"cluster '{self.name}' is ready after {seconds:.1f} s")
                        ready = True
                        break
            else:
                end = (self.folder / "log" / "supervisor.log").read_text()[-2000:]
                raise ClusterError(f"the supervisor ended:\n{end}", fix="see what it says above")
        finally:
            if not ready:
                with contextlib.suppress(BrokenPipeError):
                    process.stdin.close()
                process.wait()
                self._sweep(keep_logs=True)
            process.stdout.close()
        # What it started lives on; Popen would complain of that at its end.
        process.returncode = 0

    def is_up(self) -> bool:
        """Whether it is up; what is being started or stopped at the moment is waited for."""
        with self._locked():
            return self.pid() is not None

    def stop(self) -> bool:
        """Stop the cluster, and say whether it was up. Logs stay until the next start.

        Raises:
            ClusterError: something of it is still there.
        """
        with self._locked():
            pid, limit = self.pid(), time.monotonic() + 60
            if pid is not None:
                os.kill(pid, signal.SIGTERM)
                while self.pid() is not None and time.monotonic() < limit:
                    time.sleep(0.05)
                if self.pid() is not None:
                    # The kernel ends all of the namespace with its first process.
                    os.kill(pid, signal.SIGKILL)
                    while self.pid() is not None:
                        time.sleep(0.05)
            # The program that made the namespaces ends a moment after the first process in them.
            while self.processes() and time.monotonic() < limit:
                time.sleep(0.05)
            self._sweep(keep_logs=True)
            left = self.traces()
            if left:
                raise ClusterError(
                    f"cluster '{self.name}' left behind: {', '.join(left)}",
                    fix=f"rmdir {left[0]}",
                )
            return pid is not None

    def traces(self) -> list[str]:
        """What of the cluster exists outside its namespaces, its logs excepted."""
        found = [str(group) for group in cgroups.left(self.cgroup_root)]
        if self.folder.is_dir():
            found += [str(path) for path in self.folder.iterdir() if path.name != "log"]
        return found

    def command(self, *command: str, all_namespaces: bool = False) -> list[str]:
        """The command as it is typed outside to run in the cluster's network.

        Args:
            command: a program and its arguments.
            all_namespaces: see the cluster's mounts and processes too, as `ctr` has to.
        """
        pid = self.pid()
        if pid is None:
            raise ClusterError(f"cluster '{self.name}' is not up", fix="make cluster-up")
        others = ["--mount", "--pid", f"--wdns={os.getcwd()}"] if all_namespaces else []
        return ["nsenter", "--target", str(pid), "--net", *others, *command]

    def runs(self, programs: Programs) -> bool:
        """Whether it was started with these very programs."""
        description = json.loads((self.folder / "cluster.json").read_text())
        return bool(description["programs"] == programs.to_json())

    def kubeconfig(self) -> Path:
        """The file that lets kubectl, helm and argo do everything, inside the network."""
        return self.folder / "admin.kubeconfig"

    def processes(self) -> dict[int, str]:
        """Each process in the cluster's namespaces, with the first word of its command."""
        found = {}
        for entry in Path("/proc").glob("[0-9]*"):
            # One that ends meanwhile is none of them any more.
            with contextlib.suppress(OSError):
                command = (entry / "cmdline").read_bytes().split(b"\0")[0].decode()
                environment = (entry / "environ").read_bytes().split(b"\0")
                groups = (entry / "cgroup").read_text()
                is_ours = f"{_MARK}={self.name}".encode() in environment
                if is_ours or f":{self.cgroup_root}/" in groups:
                    found[int(entry.name)] = command
        return found

    def kill(self, program: str, number: int = signal.SIGKILL) -> None:
        """Signal one of the node's programs; one that ends starts again after three seconds."""
        (pid,) = [
            pid for pid, command in self.processes().items() if Path(command).name == program
        ]
        os.kill(pid, number)

    def _write_pid(self, unshare: int) -> None:
        children = Path(f"/proc/{unshare}/task/{unshare}/children").read_text().split()
        (self.folder.parent / f"{self.name}.pid").write_text(children[0])

    def _sweep(self, *, keep_logs: bool = False) -> None:
        """Remove what a killed cluster left: its groups and its folder. Its mounts are gone."""
        cgroups.remove(self.cgroup_root)
        (self.folder.parent / f"{self.name}.pid").unlink(missing_ok=True)
        if not self.folder.is_dir():
            return
        for path in self.folder.iterdir():
            if path.name != "log" or not keep_logs:
                shutil.rmtree(path) if path.is_dir() else path.unlink()

    @contextlib.contextmanager
    def _locked(self) -> Iterator[None]:
        self.folder.parent.mkdir(parents=True, exist_ok=True)
        with (self.folder.parent / f"{self.name}.lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield
