"""A cluster starts whole or not at all, and nothing is left of one that was stopped or killed."""

import os
import shlex
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from local_cluster.cluster import Cluster
from local_cluster.errors import ClusterError
from local_cluster.kubernetes_api import wait_until
from local_cluster.programs import Programs

UP = [sys.executable, "-m", "local_cluster", "up"]
SUPPORT = Path(__file__).parents[1] / "support"


@pytest.fixture
def another() -> Iterator[Cluster]:
    """A cluster beside the one that the tests run in."""
    cluster = Cluster("another")
    yield cluster
    cluster.stop()


def _environment(cluster: Cluster) -> dict[str, str]:
    return {**os.environ, "PYTHONPATH": str(SUPPORT), "VTSPEC_CLUSTER": cluster.name}


def _spoilt(programs: Programs, module: str, scratch: Path, script: str) -> Programs:
    """The programs, with those of one module replaced by a shell script."""
    (scratch / "bin").mkdir()
    for program in (programs.folders[module] / "bin").iterdir():
        fake = scratch / "bin" / program.name
        fake.write_text(f"#!/bin/sh\n{script}\n")
        fake.chmod(0o755)
    return Programs({**programs.folders, module: scratch})


def test_starting_it_twice_says_that_it_is_up(cluster: Cluster) -> None:
    done = subprocess.run(UP, env=_environment(cluster), capture_output=True, text=True)
    assert (done.returncode, done.stdout) == (0, f"cluster '{cluster.name}' is up\n")


def test_a_cluster_with_other_programs_of_argo_is_not_this_one(
    cluster: Cluster, programs: Programs, tmp_path: Path
) -> None:
    for name in ("argo", "argoexec", "workflow-controller"):
        (tmp_path / name).symlink_to(programs.path(name))
    environment = {**_environment(cluster), "VTSPEC_ARGO_BIN": str(tmp_path)}
    done = subprocess.run(UP, env=environment, capture_output=True, text=True)
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr == (
        f"cluster '{cluster.name}' is up with other programs\n  fix: make cluster-down\n"
    )


def test_other_programs_of_argo_are_missed_before_anything_is_started(
    another: Cluster, programs: Programs, tmp_path: Path
) -> None:
    (tmp_path / "argo").symlink_to(programs.path("argo"))
    # There, and nothing that can be run.
    (tmp_path / "argoexec").write_text("")
    environment = {**_environment(another), "VTSPEC_ARGO_BIN": str(tmp_path)}
    done = subprocess.run(UP, env=environment, capture_output=True, text=True)
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.splitlines() == [
        f"VTSPEC_ARGO_BIN: {tmp_path} has no program argoexec, workflow-controller",
        "  fix: name a folder with argo, argoexec, workflow-controller, or: unset VTSPEC_ARGO_BIN",
    ]


def test_a_program_that_fails_is_named_with_the_end_of_its_log(
    another: Cluster, programs: Programs, tmp_path: Path
) -> None:
    spoilt = _spoilt(programs, "etcd", tmp_path, "echo the disk is on fire; exit 7")
    with pytest.raises(ClusterError) as failed:
        another.start(spoilt, print)
    assert str(failed.value) == (
        "etcd ended with 7 before it was ready; the end of its log:\nthe disk is on fire"
    )
    assert another.traces() == []
    assert another.processes() == {}


def test_a_start_that_fails_late_leaves_nothing_behind(
    another: Cluster, programs: Programs, tmp_path: Path
) -> None:
    spoilt = _spoilt(programs, "coredns", tmp_path, "exit 1")
    told: list[str] = []
    with pytest.raises(ClusterError, match="coredns ended with 1"):
        another.start(spoilt, told.append)
    assert any(line.startswith("kubelet: ") for line in told)
    assert another.traces() == []
    assert another.processes() == {}


def test_a_start_that_is_killed_leaves_nothing_behind(another: Cluster) -> None:
    starting = subprocess.Popen(UP, env=_environment(another), stdout=subprocess.PIPE, text=True)
    assert starting.stdout is not None
    for line in starting.stdout:
        if line.startswith("kube-apiserver: "):
            break
    assert any(name.endswith("/kube-apiserver") for name in another.processes().values())
    starting.kill()
    starting.wait()
    starting.stdout.close()
    wait_until(lambda: another.processes() == {}, what="its processes have ended")
    assert another.pid() is None
    assert another.traces() == []


def test_a_killed_cluster_is_swept_and_starts_again(another: Cluster, programs: Programs) -> None:
    another.start(programs, print)
    pid = another.pid()
    assert pid is not None
    os.kill(pid, signal.SIGKILL)
    wait_until(lambda: another.processes() == {}, what="its processes have ended with it")
    assert another.traces() != []
    another.start(programs, print)
    assert another.pid() not in (None, pid)
    assert another.stop()
    assert another.traces() == []
    assert another.processes() == {}
    assert not another.stop(), "it was up still"


def test_a_machine_where_it_cannot_run_is_told_what_is_missing(cluster: Cluster) -> None:
    """As another user, and without any of the programs."""
    bare = {**_environment(cluster), "VTSPEC_CLUSTER": "other", "PATH": "/nowhere"}
    done = subprocess.run(UP, env=bare, capture_output=True, text=True)
    assert done.returncode == 1
    assert done.stderr.startswith("missing on this machine: containerd")
    fix = done.stderr.splitlines()[-1].removeprefix("  fix: ")
    assert {"apt-get", "install", "containerd", "iproute2"} <= set(shlex.split(fix))


def test_whoever_is_not_root_is_told_so(cluster: Cluster) -> None:
    code = "import os; from local_cluster.host import check_host\nos.setuid(65534); check_host()"
    done = subprocess.run(
        [sys.executable, "-c", code], env=_environment(cluster), capture_output=True, text=True
    )
    assert done.returncode == 1
    assert "ClusterError: not root: a node's programs" in done.stderr
