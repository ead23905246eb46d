"""The process that looks after repositories: a thread for each, and one that takes webhooks."""

import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Final

from vtspec.pipelines.errors import Refused
from vtspec.pipelines.forge.webhook import Subject, WebhookSecrets

from .observation import Site
from .receiver import make_receiver
from .worker import SiteWorker, TrackingWorker, serve_once, track_once

GRACE_S: Final = 30.0
"""How long a look that is under way may take to its end once the process is to stop."""

_MOST_LOOKS: Final = 20


@dataclass(frozen=True, kw_only=True)
class Address:
    """Where webhooks are taken."""

    host: str
    port: int


def serve_repositories(
    workers: Sequence[SiteWorker], address: Address, secrets: WebhookSecrets
) -> None:
    """Look after repositories and take webhooks, until the process is told to end. Raises
    `Refused` where the address is taken."""
    import uvicorn

    by_name = {worker.site.forge.repository.lower(): worker for worker in workers}

    def tell(subject: Subject) -> None:
        worker = by_name.get(subject.repository.lower())
        if worker is not None:
            worker.tell(subject.number)

    app = make_receiver(secrets, tell, workers[0].site.forge.find_login())
    config = uvicorn.Config(app, host=address.host, port=address.port, log_level="warning")
    server = uvicorn.Server(config)
    tracking = [TrackingWorker(site=one.site, report=one.report) for one in workers]
    with _running([*workers, *tracking]):
        try:
            server.run()
        except SystemExit:
            # uvicorn's word for an address that it cannot have; it has said why.
            raise Refused(
                f"{address.host}:{address.port} cannot be listened at",
                fix="name another: --listen HOST:PORT",
            ) from None


@contextmanager
def _running(workers: Sequence[SiteWorker | TrackingWorker]) -> Iterator[None]:
    """The workers' threads, while the context lasts."""
    threads = [threading.Thread(target=one.run, daemon=True) for one in workers]
    for thread in threads:
        thread.start()
    try:
        yield
    finally:
        for worker in workers:
            worker.stop()
        end = time.monotonic() + GRACE_S
        for thread in threads:
            thread.join(max(0.0, end - time.monotonic()))


def serve_at_rest(site: Site, report: Callable[[str], None]) -> bool:
    """Look and act until there is nothing to do now; whether that came to be."""
    for _ in range(_MOST_LOOKS):
        done = serve_once(site, report)
        if not done.actions:
            track_once(site, report)
            return True
        if done.delay_s is not None and done.delay_s > GRACE_S:
            return False
        time.sleep(min(done.delay_s or 0.0, 1.0))
    return False
