"""The process that looks after repositories: a thread for each, and one that takes webhooks."""

import signal
import threading
import time
from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from types import FrameType
from typing import Final, Protocol

from vtspec.pipelines.errors import Temporary
from vtspec.pipelines.forge.webhook import Subject, WebhookSecrets
from vtspec.pipelines.listen_address import ListenAddress

from .garbage import short_collections
from .metrics import Metrics, SiteMetrics
from .receiver import has_command, make_receiver
from .reconcile import EVERY_PART, Part
from .site import Site
from .worker import Pass, SiteWorker, TrackingWorker, serve_once, track_once

GRACE_S: Final = 30.0
"""How long a look that is under way may take to its end once the process is to stop."""

_CLOSE_S: Final = 5
"""How long a webhook that is being sent may take to its end then."""

_MOST_LOOKS: Final = 20
_BEHIND_S: Final = 1.0


def serve_repositories(
    workers: Sequence[SiteWorker],
    address: ListenAddress,
    secrets: WebhookSecrets,
    metrics_address: ListenAddress | None = None,
    on_listening: Callable[[], None] = lambda: None,
) -> None:
    """Look after repositories and take webhooks, until the process is told to end; tell a
    Prometheus figures at an address of their own. Raises `Refused` where an address is taken, and
    what a thread of it breaks with."""
    import uvicorn

    by_name = {worker.site.forge.repository.lower(): worker for worker in workers}

    def tell(subject: Subject) -> None:
        worker = by_name.get(subject.repository.lower())
        if worker is not None:
            worker.tell(subject.number, is_urgent=has_command(subject))

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
    config = uvicorn.Config(
        app,
        host=address.host,
        port=address.port,
        log_level="warning",
        timeout_graceful_shutdown=_CLOSE_S,
    )
    server = uvicorn.Server(config)
    tracking = [TrackingWorker(site=one.site, report=one.report) for one in workers]
    queues = [one.queue for one in workers]

    def end() -> None:
        server.should_exit = True

    with ExitStack() as stack:
        stack.enter_context(short_collections())
        stack.enter_context(_ended_by_sigterm(end))
        try:
            listening = stack.enter_context(config.bind_socket())
        except SystemExit:
            # uvicorn's word for an address that it cannot have; it has said why.
            raise address.refuse() from None
        if metrics_address is not None:
            try:
                stack.enter_context(metrics.serve(metrics_address.host, metrics_address.port))
            except OSError as error:
                raise metrics_address.refuse(f": {error}") from error
        on_listening()
        for worker in workers:
            followed = worker.site.workflows
            followed.follow(worker.tell_all)
            stack.callback(followed.stop)
        stack.enter_context(_running([*workers, *queues, *tracking], end))
        server.run(sockets=[listening])


@contextmanager
def _ended_by_sigterm(end: Callable[[], None]) -> Iterator[None]:
    """Have a first SIGTERM call `end`, and a second one end the process at once. uvicorn raises
    what it was sent once more after it has closed, which would end what is under way."""

    def hear(number: int, _frame: FrameType | None) -> None:
        signal.signal(number, signal.SIG_DFL)
        end()

    before = signal.signal(signal.SIGTERM, hear)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


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


def serve_at_rest(
    site: Site,
    report: Callable[[str], None],
    numbers: Collection[int] | None = None,
    parts: Sequence[Part] = EVERY_PART,
) -> Pass | None:
    """Look and act until there is nothing to do now; the last look, None where something is left
    for later. Raises where one of the `numbers` cannot be looked at."""
    for _ in range(_MOST_LOOKS):
        done = serve_once(site, report, numbers, parts=parts)
        for error in done.left_out.values():
            if numbers is not None and not isinstance(error, Temporary):
                raise error
        is_behind = any(isinstance(one, Temporary) for one in done.left_out.values())
        if not done.actions and not is_behind:
            if "report" in parts:
                track_once(site, report)
            return done
        if done.delay_s is not None and done.delay_s > GRACE_S:
            return None
        # Git may be behind the forge for seconds.
        time.sleep(min(done.delay_s or 0.0, 1.0) if done.actions else _BEHIND_S)
    return None
