"""A real Prometheus on loopback for tests, which reads targets every second and minds alerts."""

import json
import subprocess
import time
import urllib.parse
import urllib.request
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from mlflow_server import free_port

_READY_S = 60.0


@dataclass(frozen=True)
class PrometheusServer:
    """One that answers at `url`."""

    url: str

    def query(self, expression: str) -> list[tuple[Mapping[str, str], float]]:
        """The series that an expression of PromQL selects, each with its labels and last value."""
        found = self._get(f"query?{urllib.parse.urlencode({'query': expression})}")["result"]
        return [(one["metric"], float(one["value"][1])) for one in found]

    def list_targets(self) -> Mapping[str, str]:
        """What it reads, and whether the last time it could: `up`, `down` or `unknown`."""
        active = self._get("targets?state=active")["activeTargets"]
        return {one["labels"]["instance"]: one["health"] for one in active}

    def list_rules(self) -> Mapping[str, str]:
        """Each alert that it minds, and what came of it: `ok`, `err`, or `unknown` before that."""
        groups = self._get("rules")["groups"]
        return {one["name"]: one["health"] for group in groups for one in group["rules"]}

    def _get(self, path: str) -> Any:
        with urllib.request.urlopen(f"{self.url}/api/v1/{path}", timeout=10) as answer:
            return json.loads(answer.read())["data"]


@contextmanager
def serve_prometheus(
    folder: Path, targets: Sequence[str], rules: Sequence[Mapping[str, Any]]
) -> Iterator[PrometheusServer]:
    """A server that reads `/metrics` of some HOST:PORT, with groups of rules, while the context
    lasts."""
    folder.mkdir(parents=True)
    (folder / "rules.yaml").write_text(yaml.safe_dump({"groups": list(rules)}))
    jobs = [{"job_name": "vtspec", "static_configs": [{"targets": list(targets)}]}]
    every = {"scrape_interval": "1s", "evaluation_interval": "1s"}
    config = {"global": every, "rule_files": ["rules.yaml"], "scrape_configs": jobs}
    (folder / "prometheus.yaml").write_text(yaml.safe_dump(config))
    address = f"127.0.0.1:{free_port()}"
    with (folder / "server.log").open("wb") as log:
        process = subprocess.Popen(
            [
                "prometheus",
                *("--config.file", folder / "prometheus.yaml"),
                *("--storage.tsdb.path", folder / "data"),
                *("--web.listen-address", address),
            ],
            stdout=log,
            stderr=log,
            start_new_session=True,
        )
    try:
        _await(process, f"http://{address}/-/ready", folder / "server.log")
        yield PrometheusServer(f"http://{address}")
    finally:
        process.terminate()
        process.wait()


def _await(process: "subprocess.Popen[bytes]", url: str, log: Path) -> None:
    deadline = time.monotonic() + _READY_S
    while time.monotonic() < deadline and process.poll() is None:
        try:
            urllib.request.urlopen(url, timeout=5).close()
            return
        except OSError:
            time.sleep(0.1)
    raise AssertionError(log.read_text()[-3000:])
