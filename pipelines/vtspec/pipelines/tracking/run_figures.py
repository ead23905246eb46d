"""The figures of a run while it goes on, as a Prometheus reads them.

Names are of https://prometheus.io/docs/practices/naming/; `docs/results.md` lists them. What is
shown is of the run that told something last, from its events alone, but for the memory.
"""

import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from vtspec.pipelines.errors import refuse_import
from vtspec.pipelines.listen_address import ListenAddress
from vtspec.pipelines.runs.events import Event, TrainCheckpoint
from vtspec.pipelines.runs.state import RunState

if TYPE_CHECKING:
    from prometheus_client.core import GaugeMetricFamily


class RunFigures:
    """What was told of a run last. `measure_memory` says how many bytes it takes here, None where
    it is carried out elsewhere; it and `get_time` are asked when somebody reads."""

    def __init__(
        self,
        measure_memory: Callable[[], int | None],
        get_time: Callable[[], float] = time.monotonic,
    ) -> None:
        self._measure_memory, self._get_time = measure_memory, get_time
        self._state: RunState | None = None
        self._checkpoint_at: tuple[str | None, float] | None = None

    def note(self, event: Event, state: RunState) -> None:
        """Show this from now on."""
        if isinstance(event.body, TrainCheckpoint):
            self._checkpoint_at = state.run, self._get_time()
        self._state = state

    def describe(self) -> "Iterator[GaugeMetricFamily]":
        """Nothing: no figure is there before a run tells something."""
        return iter(())

    def collect(self) -> "Iterator[GaugeMetricFamily]":
        """All figures that are known now."""
        state = self._state
        if state is None or state.run is None:
            return
        yield from _list_plain(state)
        yield _make(
            "vtspec_run_step",
            "1 for the step that the run is at.",
            {(state.run, state.step): 1.0} if state.step and not state.is_over else {},
            ("run", "step"),
        )
        last = state.training.history[-1:]
        yield _make(
            "vtspec_val_metric",
            "What the last epoch measured on the val split.",
            {(state.run, name): value for one in last for name, value in one.metrics.items()},
            ("run", "metric"),
        )
        yield _make(
            "vtspec_final_metric",
            "What the best checkpoint measured on the final split.",
            {(state.run, name): value for name, value in state.final.metrics.items()},
            ("run", "metric"),
        )
        saved, memory = self._checkpoint_at, self._measure_memory()
        is_own = saved is not None and saved[0] == state.run and not state.is_over
        age = self._get_time() - saved[1] if saved is not None and is_own else None
        yield _make_one(state.run, "vtspec_checkpoint_age_seconds", _AGE, age)
        yield _make_one(state.run, "vtspec_host_memory_bytes", _MEMORY, memory)


_AGE = "Seconds since the last checkpoint was written."
_MEMORY = "Resident memory of vtspec and what it has begun on this machine."


def _list_plain(state: RunState) -> "Iterator[GaugeMetricFamily]":
    run, training = str(state.run), state.training
    figures: list[tuple[str, str, float | None]] = [
        ("vtspec_run_seconds", "Seconds that the run has worked.", state.clock.seconds),
        ("vtspec_train_epoch", "Epochs that are done, with a fraction.", training.epoch),
        ("vtspec_train_epochs", "Epochs that the run is to have.", training.epochs),
        ("vtspec_train_loss", "The train loss, as it was told last.", training.loss),
        ("vtspec_train_images_per_second", "Images trained on.", training.images_per_s),
        (
            "vtspec_train_data_wait_ratio",
            "Share of the time in which training waits for its data.",
            training.data_wait,
        ),
        (
            "vtspec_gpu_memory_bytes",
            "Memory of its GPU that the training process holds.",
            training.gpu_memory_bytes,
        ),
        (
            "vtspec_train_remaining_seconds",
            "Seconds that training takes from now on, at its present rate.",
            training.remaining_s,
        ),
        ("vtspec_best_epoch", "The epoch with the best checkpoint.", training.best_epoch),
    ]
    for last in training.history[-1:]:
        figures += [
            ("vtspec_epoch_train_loss", "The last epoch's mean train loss.", last.train_loss),
            ("vtspec_epoch_val_loss", "The val loss of the last epoch.", last.val_loss),
            ("vtspec_epoch_learning_rate", "The last epoch's last learning rate.", last.lr),
            ("vtspec_epoch_seconds", "How long the last epoch took.", last.seconds),
        ]
    for name, text, value in figures:
        yield _make_one(run, name, text, value)


def _make_one(run: str, name: str, text: str, value: float | None) -> "GaugeMetricFamily":
    return _make(name, text, {} if value is None else {(run,): value}, ("run",))


def _make(
    name: str, text: str, values: Mapping[tuple[str, ...], float], labels: tuple[str, ...]
) -> "GaugeMetricFamily":
    from prometheus_client.core import GaugeMetricFamily

    family = GaugeMetricFamily(name, text, labels=labels)
    for key, value in values.items():
        family.add_metric(key, value)
    return family


@contextmanager
def serve_run_figures(
    address: ListenAddress, measure_memory: Callable[[], int | None] | None = None
) -> Iterator[RunFigures]:
    """Let a Prometheus read the figures of runs over HTTP while the context lasts.

    Raises `Permanent` where a package is missing, `Refused` where the address cannot be had.
    """
    try:
        import psutil  # noqa: F401
        from prometheus_client import CollectorRegistry, start_http_server
    except ImportError as error:
        raise refuse_import(
            error,
            "prometheus_client",
            "figures are told by the packages prometheus_client and psutil",
            "pip install 'vtspec[metrics]'",
        ) from error
    registry = CollectorRegistry()
    figures = RunFigures(_measure_memory if measure_memory is None else measure_memory)
    collector: Any = figures
    registry.register(collector)
    try:
        server, thread = start_http_server(address.port, address.host, registry)
    except OSError as error:
        raise address.refuse(f": {error}") from error
    try:
        yield figures
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def _measure_memory() -> int:
    import psutil

    here, total = psutil.Process(), 0
    for process in (here, *here.children(recursive=True)):
        try:
            total += process.memory_info().rss
        # One that has just ended takes none.
        except psutil.Error:
            continue
    return total
