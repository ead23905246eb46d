"""`vtspec controller` in a process, with frameworks whose images a registry of the tests has.

The command knows those that `vtspec images lock` has pinned; everything else is as there. Its one
argument is JSON, and it ends as the command does.
"""

import json
import os
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Literal

_READY_S = 120.0
_END_S = 40.0


@dataclass(frozen=True, kw_only=True)
class Served:
    """What it looks after. `digests` are those of images, by their framework; `token` and `secret`
    are files."""

    forge: Literal["github", "gitea"]
    url: str
    repository: str
    token: str
    secret: str
    folder: str
    port: int
    metrics_port: int
    sweep_s: float
    digests: Mapping[str, str]


@contextmanager
def serve_controller(served: Served, environ: Mapping[str, str], log: Path) -> Iterator[str]:
    """A controller at work, and the address that takes its webhooks; what it says is in `log`."""
    with log.open("ab") as file:
        process = subprocess.Popen(
            [sys.executable, __file__, json.dumps(asdict(served))],
            env={**environ, "PYTHONPATH": str(Path(__file__).parent)},
            stdout=file,
            stderr=file,
            # Ctrl-C is for who has begun it, who ends it.
            start_new_session=True,
        )
    try:
        _await(process, f"http://127.0.0.1:{served.port}/healthz", log)
        yield f"http://127.0.0.1:{served.port}/webhook"
    finally:
        process.send_signal(signal.SIGTERM)
        try:
            process.wait(_END_S)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _await(process: "subprocess.Popen[bytes]", url: str, log: Path) -> None:
    deadline = time.monotonic() + _READY_S
    while time.monotonic() < deadline and process.poll() is None:
        try:
            urllib.request.urlopen(url, timeout=5).close()
            return
        except (urllib.error.URLError, OSError):
            time.sleep(0.2)
    raise AssertionError(log.read_text())


def _main() -> None:
    from vtspec.pipelines.catalog import load_frameworks
    from vtspec.pipelines.controller.process import serve_repositories
    from vtspec.pipelines.controller.site import Site
    from vtspec.pipelines.controller.worker import SiteWorker
    from vtspec.pipelines.forge.connection import connect_gitea, connect_github
    from vtspec.pipelines.forge.credentials import SecretFile, TokenCredential
    from vtspec.pipelines.forge.webhook import WebhookSecrets
    from vtspec.pipelines.listen_address import ListenAddress
    from vtspec.pipelines.planning.resolve import ModelSources

    served = Served(**json.loads(sys.argv[1]))
    credential = TokenCredential(token=SecretFile(path=Path(served.token)))
    connect = {"github": connect_github, "gitea": connect_gitea}[served.forge]
    known = load_frameworks()
    digests = served.digests
    frameworks = {name: replace(known[name], digest=digests[name]) for name in digests}

    def report(line: str) -> None:
        print(line, file=sys.stderr, flush=True)

    site = Site(
        forge=connect(credential, served.url).open(served.repository),
        folder=Path(served.folder),
        environ=os.environ,
        sources=ModelSources(frameworks=frameworks),
    )
    worker = SiteWorker(site=site, report=report, sweep_s=served.sweep_s)
    secrets = WebhookSecrets([SecretFile(path=Path(served.secret)).read()])
    taken, read = (
        ListenAddress(host="127.0.0.1", port=port, option="--listen")
        for port in (served.port, served.metrics_port)
    )
    serve_repositories([worker], taken, secrets, read)


if __name__ == "__main__":
    _main()
