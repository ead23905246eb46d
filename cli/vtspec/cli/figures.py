"""What `--metrics HOST:PORT` does for commands that carry runs out."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from vtspec.pipelines.execution.steps import OnEvent

EXAMPLE = "127.0.0.1:9464"


@contextmanager
def telling_figures(
    address: str | None, show: "OnEvent", *, is_elsewhere: bool = False
) -> "Iterator[OnEvent]":
    """What is to hear of events: `show`, and who tells a Prometheus their figures where an address
    is named. Raises as `serve_run_figures`."""
    if address is None:
        yield show
        return
    from vtspec.pipelines.listen_address import parse_listen_address
    from vtspec.pipelines.runs.events import Event
    from vtspec.pipelines.runs.state import RunState
    from vtspec.pipelines.tracking.run_figures import serve_run_figures

    listen = parse_listen_address(address, "--metrics", EXAMPLE)
    measure = (lambda: None) if is_elsewhere else None
    with serve_run_figures(listen, measure) as figures:

        def hear(event: Event, state: RunState) -> None:
            figures.note(event, state)
            show(event, state)

        yield hear
