"""`make cluster-demo` that is stopped leaves nothing behind."""

import os
import signal
import subprocess
import sys
from pathlib import Path

from local_cluster.cluster import Cluster

SUPPORT = Path(__file__).parents[1] / "support"


def find_processes(mark: str) -> list[str]:
    """The commands of those that have the variable."""
    found = []
    for entry in Path("/proc").glob("[0-9]*"):
        try:
            if mark.encode() in (entry / "environ").read_bytes().split(b"\0"):
                found.append((entry / "cmdline").read_bytes().replace(b"\0", b" ").decode())
        # One that ends meanwhile is none of them any more.
        except OSError:
            continue
    return found


def test_a_demo_that_is_stopped_while_pods_work_leaves_nothing_behind(tmp_path: Path) -> None:
    cluster = Cluster("stopped-demo")
    environment = {
        **os.environ,
        "PYTHONPATH": str(SUPPORT),
        "VTSPEC_CLUSTER": cluster.name,
        "TMPDIR": str(tmp_path),
    }
    demo = (sys.executable, "-m", "pull_request_demo", "--forge", "github")
    process = subprocess.Popen(
        [sys.executable, "-m", "local_cluster", "run", "--light", *demo],
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        # A terminal's Ctrl-C goes to a group.
        start_new_session=True,
    )
    told = []
    try:
        assert process.stdout is not None
        for line in process.stdout:
            told.append(line)
            print(line, end="")
            if "progress:" in line:
                break
        assert len(find_processes(f"TMPDIR={tmp_path}")) > 5, "".join(told)
    finally:
        os.killpg(process.pid, signal.SIGINT)
        rest, _ = process.communicate(timeout=180)
    said = "".join([*told, rest])
    assert process.returncode == 130, said
    assert "ben writes: /vtspec apply " in said
    assert "\nstopping two controllers, the forge, MLflow" in f"\n{rest}"
    assert rest.endswith(
        f"stopped\ncluster '{cluster.name}' and its pods are being stopped\n"
        f"cluster '{cluster.name}' is stopped; nothing of it is left\n"
    )
    assert "Traceback" not in said
    assert "<!--" not in said and "mermaid" not in said
    assert find_processes(f"TMPDIR={tmp_path}") == []
    assert list(tmp_path.iterdir()) == []
    assert cluster.processes() == {}
    assert cluster.traces() == []
