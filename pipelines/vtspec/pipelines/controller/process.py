"""The process that looks after repositories: a thread for each, and one that takes webhooks."""

import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Final, Protocol

from vtspec.pipelines.errors import Refused
from vtspec.pipelines.forge.webhook import Subject, WebhookSecrets

from .metrics import Metrics, SiteMetrics
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
    `Refused` where the address is taken, and what a thread of it breaks with."""
    import uvicorn

    by_name = {worker.site.forge.repository.lower(): worker for worker in workers}

    def tell(subject: Subject) -> None:
        worker = by_name.get(subject.repository.lower())
        if worker is not None:
            worker.tell(subject.number)

    metrics = Metrics()
    for worker in workers:
        forge = worker.site.forge
        worker.site.metrics = found = SiteMetrics(
            every=metrics,
            repository=forge.repository,
            find_requests_left=forge.find_requests_left,
        )
        found.count_waiting(worker.queue.count)
    app = make_receiver(secrets, tell, workers[0].site.forge.find_login(), metrics)
    config = uvicorn.Config(app, host=address.host, port=address.port, log_level="warning")
    server = uvicorn.Server(config)
    tracking = [TrackingWorker(site=one.site, report=one.report) for one in workers]
    queues = [one.queue for one in workers]

    def end() -> None:
        server.should_exit = True

    with _running([*workers, *queues, *tracking], end):
        try:
            server.run()
        except SystemExit:
            # uvicorn's word for an address that it cannot have; it has said why.
            raise Refused(
                f"{address.host}:{address.port} cannot be listened at",
                fix="name another: --listen HOST:PORT",
            ) from None


class _Worker(Protocol):
    def run(self) -> None: ...

    def stop(self) -> None: ...


@contextmanager
def _running(workers: Sequence[_Worker], end: Callable[[], None]) -> Iterator[None]:
    """The workers' threads, while the context lasts; where one of them breaks, `end` is called and
    its error raised: a process that lives and does nothing is missed by nobody."""
    broken: list[BaseException] = []

    def work(worker: _Worker) -> None:
        try:
            worker.run()
        except BaseException as error:
            broken.append(error)
            end()

    threads = [threading.Thread(target=work, args=(one,), daemon=True) for one in workers]
    for thread in threads:
        thread.start()
    try:
        yield
    finally:
        for worker in workers:
            worker.stop()
        deadline = time.monotonic() + GRACE_S
        for thread in threads:
            thread.join(max(0.0, deadline - time.monotonic()))
    if broken:
        raise broken[0]


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
