"""`python -m local_cluster build|missing|up|down|run …`, for the Makefile."""

import argparse
import os
import signal
import subprocess
import sys

from local_cluster.cluster import Cluster
from local_cluster.errors import ClusterError
from local_cluster.host import check_host, missing_packages
from local_cluster.interruption import announce_interruption
from local_cluster.programs import Programs, Tell, build_programs
from local_cluster.vtspec_image import keep_layers


def main() -> int:
    """Carry out one command; its exit code."""
    parser = argparse.ArgumentParser(prog="python -m local_cluster", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    commands.add_parser("build", help="build the Go programs that are not in the cache")
    commands.add_parser("missing", help="print the Debian packages that are not installed")
    commands.add_parser("up", help="start the cluster, unless it is up")
    commands.add_parser("down", help="stop the cluster and leave nothing behind")
    running = commands.add_parser(
        "run", help="run a command in the cluster's network, in a cluster of its own if none is up"
    )
    running.add_argument(
        "--light", action="store_true", help="without timm's image, whose layer takes gigabytes"
    )
    running.add_argument("program", nargs=argparse.REMAINDER)
    arguments = parser.parse_args()
    try:
        cluster = Cluster(os.environ.get("VTSPEC_CLUSTER", "tests"))
        match arguments.command:
            case "build":
                build_programs(_tell)
            case "missing":
                _tell(" ".join(missing_packages()))
            case "up":
                if _start(cluster, _prepare(), _tell):
                    _tell(f"export KUBECONFIG={cluster.kubeconfig()}")
            case "down":
                was_up = cluster.stop()
                _tell(f"cluster '{cluster.name}' {'is stopped' if was_up else 'was not up'}")
            case "run":
                return _run(cluster, arguments.program, is_light=arguments.light)
    except ClusterError as error:
        print(f"{error}\n  fix: {error.fix}", file=sys.stderr)
        return 1
    # What was started has been stopped on the way here.
    except KeyboardInterrupt:
        return 130
    return 0


def _prepare() -> Programs:
    """The programs, on a machine that can run them: a build of half an hour is not for nothing."""
    check_host()
    return build_programs(_tell)


def _start(cluster: Cluster, programs: Programs, tell: Tell) -> bool:
    """Whether the cluster had to be started; `tell` is told of each program."""
    if cluster.is_up():
        if not cluster.runs(programs):
            raise ClusterError(
                f"cluster '{cluster.name}' is up with other programs", fix="make cluster-down"
            )
        _tell(f"cluster '{cluster.name}' is up")
        return False
    cluster.start(programs, tell)
    return True


def _run(cluster: Cluster, program: list[str], *, is_light: bool) -> int:
    programs = _prepare()
    keep_layers(_tell, is_light=is_light)
    _tell(f"cluster '{cluster.name}': Kubernetes with Argo Workflows and Kueue")
    announce_interruption(f"stopping what was started of cluster '{cluster.name}'")
    started = _start(cluster, programs, lambda _: None)
    try:
        environment = {
            **os.environ,
            "KUBECONFIG": str(cluster.kubeconfig()),
            "VTSPEC_CLUSTER": cluster.name,
        }
        process = subprocess.Popen(cluster.command(*program), env=environment)
        # The program says itself what it stops.
        signal.signal(signal.SIGTERM, lambda *_: process.terminate())
        signal.signal(signal.SIGINT, signal.default_int_handler)
        while True:
            try:
                return process.wait()
            # The program hears Ctrl-C, too, and tidies up before the cluster goes.
            except KeyboardInterrupt:
                continue
    finally:
        if started:
            _tell(f"cluster '{cluster.name}' and its pods are being stopped")
            cluster.stop()
            _tell(f"cluster '{cluster.name}' is stopped; nothing of it is left")


def _tell(text: str) -> None:
    print(text, flush=True)


if __name__ == "__main__":
    sys.exit(main())
