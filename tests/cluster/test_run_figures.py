"""A real Prometheus reads the figures of a run that goes on. It needs no cluster but its tools."""

import os
import signal
import subprocess
import sys
from pathlib import Path

from local_cluster.kubernetes_api import wait_until
from mlflow_server import free_port
from prometheus_server import serve_prometheus
from vtspec.pipelines.project.scaffold import scaffold

RUN = "run shapes --set training.epochs=10000 --no-tracking --metrics"
MAIN = "from vtspec.cli.main import main; main()"


def test_a_prometheus_reads_a_run(tmp_path: Path) -> None:
    root = tmp_path / "mine"
    scaffold(root, "mine", lambda line: None, lambda name: None)
    address = f"127.0.0.1:{free_port()}"
    process = subprocess.Popen(
        [sys.executable, "-c", MAIN, *RUN.split(), address],
        cwd=root,
        env={**os.environ, "VTSPEC_CACHE": str(tmp_path / "cache")},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        with serve_prometheus(tmp_path / "prometheus", [address], []) as prometheus:
            goes_on = "deriv(vtspec_train_epoch[30s]) > 0"
            wait_until(lambda: bool(prometheus.query(goes_on)), what="its epochs", timeout_s=90)
            assert prometheus.list_targets() == {address: "up"}
            (accuracy,) = prometheus.query('vtspec_val_metric{metric="accuracy"}')
            assert 0.0 <= accuracy[1] <= 1.0
            assert accuracy[0]["run"].startswith("shapes-")
            assert prometheus.query("vtspec_host_memory_bytes > 1e7")
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(60)
