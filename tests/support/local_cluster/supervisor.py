"""The first process inside a cluster's namespaces: it starts the node and stops it again.

It has a network, a mount and a process namespace of its own, and all it starts lives in them: with
it, the kernel ends every process and takes every mount, bridge and rule away.
"""

import contextlib
import json
import os
import select
import shutil
import signal
import sys
import time
from pathlib import Path

from local_cluster import cgroups
from local_cluster.addresses import NODE_IP
from local_cluster.config_files import write_config_files
from local_cluster.daemon import Daemon, Daemons, run
from local_cluster.errors import ClusterError
from local_cluster.installation import (
    add_gpus,
    install_kinds,
    install_visibility,
    install_webhooks,
    push_program,
)
from local_cluster.kubernetes_api import ApiError, KubernetesApi
from local_cluster.namespace import hide_traces, make_network
from local_cluster.node_programs import control_plane, controllers, node
from local_cluster.programs import Programs, parse_programs


def main() -> None:
    """Bring the node up as the description says, then keep it until SIGTERM."""
    if os.getpid() != 1:
        sys.exit("local_cluster.supervisor is started by `make cluster-up`, as process 1")
    description = json.loads(Path(sys.argv[1]).read_text())
    Supervisor(
        folder=Path(description["folder"]),
        cgroup_root=description["cgroup_root"],
        programs=parse_programs(description["programs"]),
    ).run()


class Supervisor:
    """One node: its folder, its programs, and those of them that run."""

    def __init__(self, *, folder: Path, cgroup_root: str, programs: Programs) -> None:
        self._folder = folder
        self._cgroup_root = cgroup_root
        self._programs = programs
        self._stopping = False
        self._daemons = Daemons(folder / "log", starter_is_there=self._is_wanted)

    def run(self) -> None:
        """Start, keep, stop; whatever happens, nothing is left but the logs."""
        # The first process of a namespace gets no signal that it has no handler for.
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, self._stop)
        try:
            begin = time.monotonic()
            try:
                self._start()
            except ClusterError as error:
                self._tell(failed=str(error), fix=error.fix)
                return
            except (OSError, ApiError, TimeoutError) as error:
                self._tell(failed=f"{type(error).__name__}: {error}", fix=self._see_logs())
                return
            self._tell(ready=round(time.monotonic() - begin, 1))
            # A byte says that it is written down who keeps the cluster; the end, that nobody does.
            if os.read(0, 1) == b"":
                return
            while not self._stopping:
                self._daemons.keep()
                time.sleep(0.2)
        finally:
            self._daemons.stop()
            cgroups.remove(self._cgroup_root)
            for path in self._folder.iterdir():
                if path.name != "log":
                    shutil.rmtree(path) if path.is_dir() else path.unlink()

    def _start(self) -> None:
        hide_traces()
        make_network()
        cgroups.make(self._cgroup_root)
        write_config_files(self._folder, cgroup_root=self._cgroup_root)
        _make_keys(self._folder)
        for daemon in control_plane(self._folder, self._programs):
            self._begin(daemon)
        api = KubernetesApi(self._folder)
        for daemon in node(self._folder, self._programs, api):
            self._begin(daemon)
        add_gpus(api)
        push_program(self._folder, self._programs, "pause", "pause")
        executor = push_program(self._folder, self._programs, "argoexec", "bin/argoexec")
        begin = time.monotonic()
        install_kinds(api, self._programs)
        self._tell(started="kinds of Argo and Kueue", seconds=time.monotonic() - begin)
        for daemon in controllers(self._folder, self._programs, executor):
            self._begin(daemon)
        install_webhooks(api, self._programs, self._folder)
        install_visibility(api)
        api.close()

    def _begin(self, daemon: Daemon) -> None:
        self._tell(started=daemon.name, seconds=round(self._daemons.start(daemon), 1))

    def _is_wanted(self) -> bool:
        """Whether whoever started this is still there: the other end of its standard input."""
        if self._stopping:
            return False
        readable, _, _ = select.select([0], [], [], 0)
        return not readable or os.read(0, 1) != b""

    def _tell(self, **message: object) -> None:
        # A starter that is gone needs no message.
        with contextlib.suppress(BrokenPipeError):
            print(json.dumps(message), flush=True)

    def _see_logs(self) -> str:
        return f"see the logs in {self._folder / 'log'}"

    def _stop(self, *_: object) -> None:
        self._stopping = True


def _make_keys(folder: Path) -> None:
    run("openssl", "genrsa", "-out", folder / "service-account.key", "2048")
    certificates = folder / "kueue-certificates"
    certificates.mkdir()
    named = ("-addext", f"subjectAltName=IP:{NODE_IP}")
    _make_certificate("kueue", certificates / "tls", *named)
    _make_certificate("front-proxy", folder / "front-proxy")


def _make_certificate(name: str, path: Path, *more: str) -> None:
    """One that signs itself, beside its key."""
    run(
        *("openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "30"),
        *("-subj", f"/CN={name}", *more),
        *("-keyout", path.with_suffix(".key"), "-out", path.with_suffix(".crt")),
    )


if __name__ == "__main__":
    main()
