"""The queue of this machine, for who waits in it and for who looks at it."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

from vtspec.pipelines.errors import Refused
from vtspec.pipelines.formatting import pluralize

if TYPE_CHECKING:
    from vtspec.pipelines.execution.local.queue_turns import Ticket, Turn
    from vtspec.pipelines.planning.plan_model import Plan

    from .run import RunCallbacks

_SHOWN_BEFORE: Final = 5


@dataclass(frozen=True, kw_only=True)
class GpuGrant:
    """What a run in the queue was given: variables that name its GPUs, and the descriptor that
    keeps them its own, for its processes to inherit."""

    variables: Mapping[str, str]
    fd: int


@contextmanager
def wait_for_turn(
    plan: "Plan", root: Path, callbacks: "RunCallbacks", environ: Mapping[str, str]
) -> Iterator[GpuGrant]:
    """Wait for as many GPUs as the plan asks for, or without any for the CPU; they are kept until
    this is left.

    Raises `Refused` where the machine does not have so many, `KeyboardInterrupt` or `Temporary`
    where somebody asks to stop before its turn.
    """
    import os

    from vtspec.pipelines.cache_folder import get_cache_folder
    from vtspec.pipelines.execution.local.gpu_devices import CPU, VISIBLE, list_devices
    from vtspec.pipelines.execution.local.queue_turns import Ticket
    from vtspec.pipelines.execution.local.run_queue import RunQueue

    gpus = plan.resources.gpus
    devices = list_devices(environ) if gpus else {CPU: ""}
    if len(devices) < gpus:
        raise Refused(
            f"{plan.id} asks for {pluralize(gpus, 'GPU')}, and this machine shows "
            f"{pluralize(len(devices), 'GPU')}"
            + (f" ({VISIBLE}={environ[VISIBLE]})" if VISIBLE in environ else ""),
            fix=f"set resources.gpus to {len(devices)} or less, or name those that there are: "
            f"export {VISIBLE}=0,1",
        )
    wish = Ticket(
        number=0,
        run=plan.id,
        root=str(root),
        pid=os.getpid(),
        among=tuple(devices),
        count=max(gpus, 1),
    )
    queue, told = RunQueue.of(get_cache_folder(environ)), False

    def tell_turn(turn: "Turn") -> None:
        nonlocal told
        told = True
        callbacks.report(f"{describe_turn(wish, turn)}; Ctrl-C leaves the queue")

    with queue.take_turn(wish, callbacks.stop, tell_turn) as place:
        if told or gpus:
            callbacks.report(f"its turn: {format_devices(place.devices)}")
        words = ",".join(devices[device] for device in place.devices)
        yield GpuGrant(variables={VISIBLE: words} if gpus else {}, fd=place.fd)


def list_queue(environ: Mapping[str, str]) -> "list[tuple[Ticket, Turn | None]]":
    """Those in the queue of this machine in the order in which they came, each with what it waits
    for; None for one that has its devices."""
    from vtspec.pipelines.cache_folder import get_cache_folder
    from vtspec.pipelines.execution.local.queue_turns import find_turns
    from vtspec.pipelines.execution.local.run_queue import RunQueue

    tickets = RunQueue.of(get_cache_folder(environ)).list_tickets()
    turns = find_turns(tickets)
    return [(one, turns.get(one.number)) for one in tickets]


def find_waiting(word: str, root: Path, environ: Mapping[str, str]) -> "Ticket | None":
    """Who waits in the queue of this machine for a plan of the repository in `root` that a person
    names: its id, a beginning of one, or its spec; None where nobody does.

    Raises `Refused` where that fits several plans. Of two for one plan the later is meant.
    """
    from vtspec.pipelines.runs import Run

    waiting = [
        one
        for one, turn in list_queue(environ)
        if turn is not None and one.root == str(root) and word and one.run.startswith(word)
    ]
    named = [one for one in waiting if word in (one.run, Run(Path(one.run)).spec_name)]
    found = named or waiting
    plans = sorted({one.run for one in found})
    if len(plans) > 1:
        raise Refused(
            f"'{word}' names several plans in the queue: {', '.join(plans)}",
            fix="type more of the name",
        )
    return found[-1] if found else None


def leave_queue(ticket: "Ticket", timeout_s: float, environ: Mapping[str, str]) -> None:
    """Have a plan that waits leave the queue: its process ends, and nothing is begun.

    Raises as `RunQueue.dismiss` does.
    """
    from vtspec.pipelines.cache_folder import get_cache_folder
    from vtspec.pipelines.execution.local.run_queue import RunQueue

    RunQueue.of(get_cache_folder(environ)).dismiss(ticket, timeout_s)


def describe_turn(ticket: "Ticket", turn: "Turn") -> str:
    """Where a ticket is in the queue, and what it waits for."""
    choice = format_devices(ticket.among)
    what = choice if len(ticket.among) == 1 else f"{ticket.count} of {choice}"
    said = [
        f"{one.run} (process {one.pid}) "
        + (f"has {format_devices(one.held)}" if one.held else "waits before it")
        for one in turn.before
    ]
    left = len(said) - _SHOWN_BEFORE
    more = [f"{left} more"] if left > 0 else []
    told = ", ".join([*said[:_SHOWN_BEFORE], *more])
    return f"number {turn.position} in the queue, for {what}" + (f": {told}" if told else "")


def format_devices(devices: "tuple[str, ...]") -> str:
    """Devices as a person knows them."""
    return " and ".join(_format_device(device) for device in devices)


def _format_device(device: str) -> str:
    if device == "cpu":
        return "the CPU"
    # Of a UUID the beginning, as CUDA takes it too.
    return device[:12] if device.startswith(("GPU-", "MIG-")) else f"GPU {device}"
