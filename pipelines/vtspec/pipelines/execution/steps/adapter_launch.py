"""An adapter's process: started, listened to while it lives, and never left behind.

It writes its events and what it prints into files, not pipes: a reader that is killed loses
nothing (the next one reads on where it stopped), and one that is slow slows nothing down.
"""

import os
import selectors
import signal
import subprocess
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, closing, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Final

from vtspec.pipelines.execution.container import ContainerCall
from vtspec.pipelines.execution.environment import Environment

from .adapter_messages import LINE_LIMIT
from .file_tail import Tail, open_tail
from .output_log import OutputCopy, open_private
from .stop_request import StopSignal

TOLD_FILE: Final = ".told-{step}.jsonl"

POLL_S: Final = 0.1
GRACE_S: Final = 60.0
"""How long an adapter may take to write its checkpoint once its time is up."""

AGAIN_S: Final = 1.0
"""After which a container that was asked to stop is asked once more."""

ENGINE_S: Final = 60.0
"""How long an engine may take to end a container."""

LONGEST_LINE: Final = 1 << 20
"""Bytes of an event that a run keeps."""


@dataclass(frozen=True, kw_only=True)
class AdapterCommand:
    """What to start: `arguments` without `--events-fd`, whole `variables`, the folder of its
    files, and where it works: in that folder, or in `cwd`. With a `call` it runs in a container,
    of which `variables` are all."""

    step: str
    arguments: Sequence[str]
    variables: Mapping[str, str]
    folder: Path
    cwd: Path | None = None
    longest: int = LONGEST_LINE
    call: ContainerCall | None = None

    @property
    def told(self) -> Path:
        """The file of its events."""
        return self.folder / TOLD_FILE.format(step=self.step)


@dataclass(frozen=True, kw_only=True)
class Lines:
    """What is new since the last look: events told, lines printed."""

    told: Sequence[bytes]
    printed: Sequence[bytes]


@dataclass(kw_only=True)
class RunningAdapter:
    """An adapter's process and the files that it writes. `removal` is the command that ends what
    it may have left where no signal goes: the container of which it is the engine's client."""

    process: "subprocess.Popen[bytes]"
    told: Tail
    printed: Tail
    output: OutputCopy
    grace_s: float
    removal: Sequence[str] | None = None
    has_ended: bool = False
    is_asked_again: bool = False
    _asked_at: float | None = None

    def follow(self, stop: StopSignal | None = None) -> Iterator[Lines]:
        """What it writes, as it comes; after its end the rest. A wish to stop wakes the reader."""
        with selectors.DefaultSelector() as selector, _watch_exit(self.process) as exited:
            for awaited in (stop, exited):
                if awaited is not None:
                    selector.register(awaited, selectors.EVENT_READ)
            while self.process.poll() is None:
                behind = self.told.is_behind or self.printed.is_behind
                selector.select(0 if behind else POLL_S)
                if stop is not None:
                    stop.drain()
                self._ask_again()
                self.output.copy()
                yield Lines(told=self.told.read_lines(), printed=self.printed.read_lines())
        # A loader that it left could write on for ever.
        self.end()
        yield Lines(told=self.told.read_rest(), printed=self.printed.read_rest())

    def send_signal(self, number: signal.Signals) -> None:
        """SIGKILL goes to all that it started; the rest to itself, which knows its own."""
        with suppress(ProcessLookupError, PermissionError):
            if number is signal.SIGKILL:
                self._remove()
                os.killpg(self.process.pid, number)
            else:
                self._asked_at = time.monotonic()
                self.process.send_signal(number)

    def _ask_again(self) -> None:
        """A container's first process is deaf to SIGTERM until it has said what it does then."""
        asked = self._asked_at
        if self.removal is None or asked is None or self.is_asked_again:
            return
        if time.monotonic() - asked > AGAIN_S:
            # Once: Docker's client leaves its container where it is signalled three times.
            self.is_asked_again = True
            self.send_signal(signal.SIGTERM)

    def _remove(self) -> None:
        if self.removal is not None:
            _run_engine(self.removal)

    def end(self) -> None:
        """Whatever happened, nothing of the adapter lives on: not it, not a loader of it."""
        if self.has_ended:
            # Its number may be another process's by now.
            return
        self.has_ended = True
        if self.process.poll() is None:
            self.send_signal(signal.SIGTERM)
            with suppress(subprocess.TimeoutExpired):
                self.process.wait(self.grace_s)
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()
        # A client may have gone without its container, whatever its exit code.
        self._remove()


@contextmanager
def launch_adapter(
    command: AdapterCommand,
    *,
    heirs: Sequence[int] = (),
    on_pid: Callable[[int | None], None] = lambda pid: None,
    grace_s: float = GRACE_S,
) -> Iterator[RunningAdapter]:
    """Start an adapter, which has ended when this is left; it inherits the descriptors `heirs`.

    `on_pid` hears which process it is, and None once that is gone.
    """
    with ExitStack() as stack:
        events = stack.enter_context(open_private(command.told))
        output = stack.enter_context(closing(OutputCopy(command.folder, command.step)))
        told = stack.enter_context(open_tail(command.told, longest=command.longest))
        printed = stack.enter_context(open_tail(output.path, output.begin, 4 * LINE_LIMIT))
        removal = None if command.call is None else command.call.build_removal()
        if removal is not None:
            # That of a killed vtspec, which would write beside it.
            _run_engine(removal)
        process = _start(command, events, output.printed, heirs)
        adapter = RunningAdapter(
            process=process,
            told=told,
            printed=printed,
            output=output,
            grace_s=grace_s,
            removal=removal,
        )
        try:
            on_pid(process.pid)
            yield adapter
        finally:
            adapter.end()
            on_pid(None)


def _run_engine(command: Sequence[str]) -> None:
    with suppress(subprocess.TimeoutExpired):
        subprocess.run(command, capture_output=True, check=False, timeout=ENGINE_S)


def build_arguments(
    environment: Environment, step: str, plan: Path, run: str, attempt: int
) -> list[str]:
    """The beginning of every adapter's command: the step of a run, whose folder its plan is in."""
    arguments = [str(environment.python), "-m", "vtspec.adapters", step]
    arguments += ["--plan", str(plan), "--workdir", str(plan.parent)]
    return [*arguments, "--run", run, "--attempt", str(attempt)]


def _start(
    command: AdapterCommand, events: IO[bytes], output: IO[bytes], heirs: Sequence[int]
) -> "subprocess.Popen[bytes]":
    call, variables = command.call, dict(command.variables)
    if call is None:
        words = [*command.arguments, "--events-fd", str(events.fileno())]
    else:
        words = call.build_command(command.arguments[1:], variables, command.told.absolute())
        # The engine's client needs its own, and has from these the values that it hands on.
        variables = {**os.environ, **call.select_secret(variables)}
    return subprocess.Popen(
        words,
        cwd=command.cwd or command.folder,
        env=variables,
        stdin=subprocess.DEVNULL,
        stdout=output,
        stderr=subprocess.STDOUT,
        pass_fds=[events.fileno(), *heirs],
        # Ctrl-C in the terminal reaches vtspec alone, which then asks for a checkpoint.
        start_new_session=True,
    )


@contextmanager
def _watch_exit(process: "subprocess.Popen[bytes]") -> Iterator[int | None]:
    """A descriptor that is readable once the process has ended; None where there is no such."""
    try:
        fd = os.pidfd_open(process.pid)
    except (AttributeError, OSError):
        yield None
        return
    try:
        yield fd
    finally:
        os.close(fd)
